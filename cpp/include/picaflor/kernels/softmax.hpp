// Softmax and log-softmax over rows.  x, y, dy, dx: (n, c), rows at any distance, c >= 1.
//   softmax       y_ij  = exp(x_ij - top_i) / s_i,   top_i = max_k x_ik,   s_i = sum_k exp(x_ik - top_i)
//     backward    dx_ij = y_ij (dy_ij - sum_k dy_ik y_ik)
//   log-softmax   y_ij  = x_ij - top_i - log s_i
//     backward    dx_ij = dy_ij - exp(y_ij) sum_k dy_ik
// Outputs are written; y may be x, dx may be dy.  Subtracting top_i keeps every exp in [0, 1].
//
// x_ij = -inf has probability 0.  A row with a NaN or with +inf, or one of -inf alone, is all NaN.
#pragma once

#include <cmath>
#include <type_traits>

#include "picaflor/kernels/math.hpp"
#include "picaflor/kernels/rows.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

namespace packet {

// exp(x - top), once for every element of a row too long for the caches
template <class T>
struct ExpFrom {
  T top;
  template <class P>
  EIGEN_STRONG_INLINE P operator()(const P& x) const {
    return exp_nonpositive(x - P::all(top));
  }
};

template <class T>
struct RowSum {
  T top;
  double sum;  // sum_j exp(x_j - top)
};

// In blocks that stay in the first-level cache, so that x is read from memory once: where a block has a new
// top, the sum so far is scaled to it (Milakov and Gimelshein, "Online normalizer calculation for softmax").
template <class T>
EIGEN_STRONG_INLINE RowSum<T> sum_of_exp(Index c, const T* x) {
  constexpr Index kBlock = 2048;
  T top = std::numeric_limits<T>::lowest();
  LongSum sum;
  for (Index j = 0; j < c; j += kBlock) {
    const Index size = c - j < kBlock ? c - j : kBlock;
    const T block_top = top_of_row(size, x + j);
    if (!(block_top <= top)) {
      if (j > 0) {
        const double scale = std::exp(static_cast<double>(top) - static_cast<double>(block_top));
        sum = {sum.high * scale, sum.low * scale};
      }
      top = block_top;
    }
    sum.add(sum_row<T>(size, ExpFrom<T>{top}, x + j));
  }
  return {top, sum.value()};
}

// One column of kLanes short rows at a time: calls use(j, exp(x_j - top)), returns top.
template <class P>
struct ShortRows {
  P top, sum;
  P exps[kFewColumns];
};
template <class P>
EIGEN_STRONG_INLINE void sum_short_rows(Index c, const typename P::Scalar* x, Index row, Index rows,
                                        ShortRows<P>& s) {
  P top = P::all(std::numeric_limits<typename P::Scalar>::lowest()), sum = splat<P>(0);
  for (Index j = 0; j < c; ++j) {
    const P column = load_column<P>(x + j, row, rows);
    top = max(column, top);
    s.exps[j] = column;
  }
  for (Index j = 0; j < c; ++j) {
    const P e = exp_nonpositive(s.exps[j] - top);
    sum = sum + e;
    s.exps[j] = e;
  }
  s.top = top;
  s.sum = sum;
}

inline Index farther(Index a, Index b) {
  return a < b ? b : a;
}

// From here on exp is cheaper a second time than a trip of its results to memory and back.
template <class T>
inline constexpr Index kLongRow = 16 * 1024 * 1024 / static_cast<Index>(sizeof(T));

}  // namespace packet

template <class T>
void softmax_forward(Index n, Index c, const T* x, Index x_row, T* y, Index y_row) noexcept {
  using namespace packet;
  using P = Packet<T>;
  if (c <= kFewColumns) {
    for_row_groups<P>(n, farther(x_row, y_row), [=](Index i, Index rows) {
      ShortRows<P> s;
      sum_short_rows<P>(c, x + i * x_row, x_row, rows, s);
      const P scale = splat<P>(1) / s.sum;
      for (Index j = 0; j < c; ++j) store_column<P>(y + i * y_row + j, y_row, rows, s.exps[j] * scale);
    });
    return;
  }
  for (Index i = 0; i < n; ++i, x += x_row, y += y_row) {
    if (c > kLongRow<T>) {
      const RowSum<T> row = sum_of_exp(c, x);
      const T scale = static_cast<T>(1 / row.sum);
      const ExpFrom<T> exp_from{row.top};
      map_row(c, y, [=](const auto& p) { return exp_from(p) * splat<std::decay_t<decltype(p)>>(scale); }, x);
      continue;
    }
    const T top = top_of_row(c, x);
    map_row(c, y, ExpFrom<T>{top}, x);
    const T scale = static_cast<T>(1 / sum_row<T>(c, [](const auto& p) { return p; }, y));
    map_row(c, y, [=](const auto& p) { return p * splat<std::decay_t<decltype(p)>>(scale); }, y);
  }
}

template <class T>
void softmax_backward(Index n, Index c, const T* dy, Index dy_row, const T* y, Index y_row, T* dx,
                      Index dx_row) noexcept {
  using namespace packet;
  using P = Packet<T>;
  if (c <= kFewColumns) {
    for_row_groups<P>(n, farther(farther(dy_row, y_row), dx_row), [=](Index i, Index rows) {
      P dys[kFewColumns], ys[kFewColumns], sum = splat<P>(0);
      for (Index j = 0; j < c; ++j) {
        const P d = load_column<P>(dy + i * dy_row + j, dy_row, rows);
        const P p = load_column<P>(y + i * y_row + j, y_row, rows);
        sum = mul_add(d, p, sum);
        dys[j] = d;
        ys[j] = p;
      }
      for (Index j = 0; j < c; ++j) {
        store_column<P>(dx + i * dx_row + j, dx_row, rows, ys[j] * (dys[j] - sum));
      }
    });
    return;
  }
  for (Index i = 0; i < n; ++i, dy += dy_row, y += y_row, dx += dx_row) {
    const T sum = static_cast<T>(sum_row<T>(c, [](const auto& d, const auto& p) { return d * p; }, dy, y));
    map_row(
        c, dx, [=](const auto& d, const auto& p) { return p * (d - splat<std::decay_t<decltype(p)>>(sum)); },
        dy, y);
  }
}

template <class T>
void log_softmax_forward(Index n, Index c, const T* x, Index x_row, T* y, Index y_row) noexcept {
  using namespace packet;
  using P = Packet<T>;
  if (c <= kFewColumns) {
    for_row_groups<P>(n, farther(x_row, y_row), [=](Index i, Index rows) {
      ShortRows<P> s;
      sum_short_rows<P>(c, x + i * x_row, x_row, rows, s);
      const P log_sum = log(s.sum);
      for (Index j = 0; j < c; ++j) {
        const P shifted = load_column<P>(x + i * x_row + j, x_row, rows) - s.top;
        store_column<P>(y + i * y_row + j, y_row, rows, shifted - log_sum);
      }
    });
    return;
  }
  for (Index i = 0; i < n; ++i, x += x_row, y += y_row) {
    const RowSum<T> row = sum_of_exp(c, x);
    const T top = row.top, log_sum = static_cast<T>(std::log(row.sum));
    map_row(
        c, y,
        [=](const auto& p) {
          using Q = std::decay_t<decltype(p)>;
          return p - splat<Q>(top) - splat<Q>(log_sum);
        },
        x);
  }
}

template <class T>
void log_softmax_backward(Index n, Index c, const T* dy, Index dy_row, const T* y, Index y_row, T* dx,
                          Index dx_row) noexcept {
  using namespace packet;
  using P = Packet<T>;
  if (c <= kFewColumns) {
    for_row_groups<P>(n, farther(farther(dy_row, y_row), dx_row), [=](Index i, Index rows) {
      P dys[kFewColumns], sum = splat<P>(0);
      for (Index j = 0; j < c; ++j) {
        const P d = load_column<P>(dy + i * dy_row + j, dy_row, rows);
        sum = d + sum;
        dys[j] = d;
      }
      for (Index j = 0; j < c; ++j) {
        const P p = exp_nonpositive(load_column<P>(y + i * y_row + j, y_row, rows));
        store_column<P>(dx + i * dx_row + j, dx_row, rows, neg_mul_add(p, sum, dys[j]));
      }
    });
    return;
  }
  for (Index i = 0; i < n; ++i, dy += dy_row, y += y_row, dx += dx_row) {
    const T sum = static_cast<T>(sum_row<T>(c, [](const auto& d) { return d; }, dy));
    map_row(
        c, dx,
        [=](const auto& d, const auto& p) {
          return neg_mul_add(exp_nonpositive(p), splat<std::decay_t<decltype(p)>>(sum), d);
        },
        dy, y);
  }
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
