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

template <class T>
EIGEN_STRONG_INLINE Packet<T> tops_of(const ShortRows<T>& rows, Index c) {
  Packet<T> top = Packet<T>::all(std::numeric_limits<T>::lowest());
  for (Index j = 0; j < c; ++j) top = max(rows[j], top);
  return top;
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
    for_row_groups<T>(n, [=](Index i, Index rows) {
      ShortRows<T> s(rows, c, x + i * x_row, x_row);
      const P top = tops_of(s, c);
      P sum = splat<P>(0);
      for (Index j = 0; j < c; ++j) {
        const P e = exp_nonpositive(s[j] - top);
        sum = sum + e;
        s.put(j, e);
      }
      const P scale = splat<P>(1) / sum;
      for (Index j = 0; j < c; ++j) s.put(j, s[j] * scale);
      s.store(y + i * y_row, y_row);
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
    for_row_groups<T>(n, [=](Index i, Index rows) {
      ShortRows<T> d(rows, c, dy + i * dy_row, dy_row);
      const ShortRows<T> p(rows, c, y + i * y_row, y_row);
      P sum = splat<P>(0);
      for (Index j = 0; j < c; ++j) sum = mul_add(d[j], p[j], sum);
      for (Index j = 0; j < c; ++j) d.put(j, p[j] * (d[j] - sum));
      d.store(dx + i * dx_row, dx_row);
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
    for_row_groups<T>(n, [=](Index i, Index rows) {
      ShortRows<T> s(rows, c, x + i * x_row, x_row);
      const P top = tops_of(s, c);
      P sum = splat<P>(0);
      for (Index j = 0; j < c; ++j) sum = sum + exp_nonpositive(s[j] - top);
      const P log_sum = log(sum);
      for (Index j = 0; j < c; ++j) s.put(j, s[j] - top - log_sum);
      s.store(y + i * y_row, y_row);
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
    for_row_groups<T>(n, [=](Index i, Index rows) {
      ShortRows<T> d(rows, c, dy + i * dy_row, dy_row);
      const ShortRows<T> p(rows, c, y + i * y_row, y_row);
      P sum = splat<P>(0);
      for (Index j = 0; j < c; ++j) sum = d[j] + sum;
      for (Index j = 0; j < c; ++j) d.put(j, neg_mul_add(exp_nonpositive(p[j]), sum, d[j]));
      d.store(dx + i * dx_row, dx_row);
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
