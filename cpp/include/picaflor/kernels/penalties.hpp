// L1 and L2 penalties and the sums behind them and behind norm clipping.  Those of penalties are taken line
// by line of columns, which threads share out: the same bits for every split at lines.
#pragma once

#include <cmath>
#include <cstring>

#include "picaflor/kernels/masks.hpp"
#include "picaflor/kernels/sums.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// The gradient of l1 |w| + l2 w^2 is added to g, with sign(0) = 0.
template <class T>
struct PenaltyGradient {
  using P = Packet<T>;
  bool has_l1;
  P of_sign, of_w;
  PenaltyGradient(double l1, double l2)
      : has_l1(l1 != 0), of_sign(packet::splat<P>(l1)), of_w(packet::splat<P>(2 * l2)) {}
  P added_to(P g, P w) const {
    if (has_l1) g = g + of_sign * packet::sign_of(w);
    return mul_add(of_w, w, g);
  }
};

// g += l1 sign(p) + 2 l2 p.    p, g: (size).  The same bits for any split.
template <class T>
void add_penalty_gradient(Index size, const T* p, double l1, double l2, T* g) noexcept {
  using P = Packet<T>;
  constexpr Index width = P::kLanes;
  const PenaltyGradient<T> penalty(l1, l2);
  const auto add = [&penalty](const T* from, T* to) {
    penalty.added_to(P::load(to), P::load(from)).store(to);
  };
  Index i = 0;
  for (; i + width <= size; i += width) add(p + i, g + i);
  if (i == size) return;
  T from[width] = {}, to[width] = {};
  const auto bytes = static_cast<std::size_t>(size - i) * sizeof(T);
  std::memcpy(from, p + i, bytes);
  std::memcpy(to, g + i, bytes);
  add(from, to);
  std::memcpy(g + i, to, bytes);
}

// sum_i x_i^2
template <class T>
double sum_of_squares(Index size, const T* x) noexcept {
  return lane_sum(size, [x](Index i) {
    const double value = static_cast<double>(x[i]);
    return value * value;
  });
}

// Sums of term(x_ij) over the rows i and `columns` columns j of x, Lines lines of them: each column on its
// own, then the columns of a line.  out (Lines)
template <class T, Index Lines, class Term>
void sum_lines(Index n, Index columns, const T* x, Index x_row, Term term, double* out) {
  constexpr Index line = kLine<T>;
  double sum[Lines * line] = {};
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < columns; ++j) sum[j] += term(static_cast<double>(x[i * x_row + j]));
  }
  for (Index l = 0; l < Lines; ++l) {
    double* const lanes = sum + l * line;
    for (Index half = line / 2; half > 0; half /= 2) {
      for (Index j = 0; j < half; ++j) lanes[j] += lanes[j + half];
    }
    out[l] = lanes[0];
  }
}

template <class T, class Term>
void sums_by_lines(Index n, Index m, const T* x, Index x_row, Term term, double* out) {
  constexpr Index line = kLine<T>, together = 2;  // two hide the latency of additions
  Index j = 0;
  for (; j + together * line <= m; j += together * line, out += together) {
    sum_lines<T, together>(n, together * line, x + j, x_row, term, out);
  }
  for (; j + line <= m; j += line) sum_lines<T, 1>(n, line, x + j, x_row, term, out++);
  if (j < m) sum_lines<T, 1>(n, m - j, x + j, x_row, term, out);
}

// out_b = sum of x_ij^2 over all rows i and the columns j in cache line b of each row.  x: (n, m)
template <class T>
void squares_by_lines(Index n, Index m, const T* x, Index x_row, double* out) noexcept {
  sums_by_lines(n, m, x, x_row, [](double value) { return value * value; }, out);
}

// The same of |x_ij|.
template <class T>
void magnitudes_by_lines(Index n, Index m, const T* x, Index x_row, double* out) noexcept {
  sums_by_lines(n, m, x, x_row, [](double value) { return std::fabs(value); }, out);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
