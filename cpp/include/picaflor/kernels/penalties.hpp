// L1 and L2 penalties and the sums behind them and behind norm clipping.
#pragma once

#include <cmath>
#include <cstring>

#include "picaflor/kernels/optimizers.hpp"
#include "picaflor/kernels/sums.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// g += l1 sign(p) + 2 l2 p,   sign(0) = 0.    p, g: (size).  The same bits for any split.
template <class T>
void add_penalty_gradient(Index size, const T* p, double l1, double l2, T* g) noexcept {
  using P = Packet<T>;
  constexpr Index width = P::kLanes;
  const P one = packet::splat<P>(l1), two = packet::splat<P>(2 * l2);
  const auto add = [one, two](const T* from, T* to) {
    const P w = P::load(from);
    mul_add(two, w, P::load(to) + one * packet::sign_of(w)).store(to);
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

// sum_i |x_i|
template <class T>
double sum_of_magnitudes(Index size, const T* x) noexcept {
  return lane_sum(size, [x](Index i) { return std::fabs(static_cast<double>(x[i])); });
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
