// Products with what rounding took from them.
#pragma once

#include "picaflor/kernels/packet.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

namespace packet {

// x without the lower half of its significant bits: the square of the result is exact
template <class P>
EIGEN_STRONG_INLINE P upper_half(P x) {
  if constexpr (sizeof(typename P::Scalar) == sizeof(float)) {
    return x & P::all(Eigen::numext::bit_cast<float>(std::uint32_t{0xFFFFF000}));
  } else {
    return x & P::all(Eigen::numext::bit_cast<double>(std::uint64_t{0xFFFFFFFFF8000000}));
  }
}

// a b - p, exactly, for p = a b as rounded
template <class P>
EIGEN_STRONG_INLINE P product_error(P a, P b, P p) {
  if constexpr (kFused) {
    return mul_add(a, b, -p);
  } else {  // Dekker, "A floating-point technique for extending the available precision" (1971)
    const P a_high = upper_half(a), a_low = a - a_high;
    const P b_high = upper_half(b), b_low = b - b_high;
    const P cross = a_high * b_low + a_low * b_high;
    return a_high * b_high - p + cross + a_low * b_low;
  }
}

}  // namespace packet

}  // namespace picaflor::inline PICAFLOR_LEVEL
