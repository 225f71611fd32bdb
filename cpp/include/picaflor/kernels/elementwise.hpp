// Loops over contiguous elements: y_i = f(x_i), dx_i = f(dy_i, x_i), dx_i = f(dy_i, y_i, x_i).
//
// The body takes packets in lockstep, the remainder goes through the same packet code in a padded buffer:
// the bits of an element never depend on its position or on the length of the array.
#pragma once

#include "picaflor/kernels/packet.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

namespace packet {

// f takes as many packets as there are inputs; the output may be any of the inputs.
template <class T, class F, class... In>
EIGEN_STRONG_INLINE void for_each_packet(Index size, T* out, const F& f, const In*... in) noexcept {
  using One = Packet<T>;
  using Wide = Packet<T, 2>;
  Index i = 0;
  for (; i + Wide::kLanes <= size; i += Wide::kLanes) {
    f(Wide::load(in + i)...).store(out + i);
  }
  for (; i + One::kLanes <= size; i += One::kLanes) {
    f(One::load(in + i)...).store(out + i);
  }
  if (i < size) {
    const Index rest = size - i;
    const auto padded_load = [rest](const T* x) {
      T buffer[One::kLanes] = {};
      for (Index k = 0; k < rest; ++k) buffer[k] = x[k];
      return One::load(buffer);
    };
    T buffer[One::kLanes];
    f(padded_load(in + i)...).store(buffer);
    for (Index k = 0; k < rest; ++k) out[i + k] = buffer[k];
  }
}

}  // namespace packet

}  // namespace picaflor::inline PICAFLOR_LEVEL
