// L1 and L2 penalties and the sums behind them and behind norm clipping.
#pragma once

#include <cmath>
#include <cstring>

#include "picaflor/kernels/optimizers.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// g += l1 sign(p) + 2 l2 p,   sign(0) = 0.    p, g: (size).  The same bits for any split.
template <class T>
void add_penalty_gradient(Index size, const T* p, double l1, double l2, T* g) noexcept {
  using P = rules::Packet<T>;
  constexpr Index width = rules::kPacketSize<T>;
  const P one = rules::constant<T>(l1), two = rules::constant<T>(2 * l2);
  const auto add = [one, two](const T* from, T* to) {
    const P w = rules::ploadu<P>(from);
    rules::pstoreu(to, rules::pmadd(two, w, rules::padd(rules::ploadu<P>(to), rules::signed_as(one, w))));
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

namespace rules {

// sum_i term(x_i), in double: element i always goes to lane i mod 16, and the lanes are added in one order,
// so alignment changes nothing.
template <class T, class Term>
double lane_sum(Index size, const T* x, Term term) {
  constexpr Index lanes = 16;
  double sum[lanes] = {};
  Index i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (Index k = 0; k < lanes; ++k) sum[k] += term(static_cast<double>(x[i + k]));
  }
  for (Index k = 0; i + k < size; ++k) sum[k] += term(static_cast<double>(x[i + k]));
  for (Index half = lanes / 2; half > 0; half /= 2) {
    for (Index k = 0; k < half; ++k) sum[k] += sum[k + half];
  }
  return sum[0];
}

}  // namespace rules

// sum_i x_i^2
template <class T>
double sum_of_squares(Index size, const T* x) noexcept {
  return rules::lane_sum(size, x, [](double value) { return value * value; });
}

// sum_i |x_i|
template <class T>
double sum_of_magnitudes(Index size, const T* x) noexcept {
  return rules::lane_sum(size, x, [](double value) { return std::fabs(value); });
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
