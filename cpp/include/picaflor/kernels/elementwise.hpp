// Loops over contiguous elements: y_i = f(x_i), dx_i = f(dy_i, x_i), dx_i = f(dy_i, y_i, x_i).
//
// The body takes packets in lockstep, the remainder goes through the same packet code in a padded buffer:
// the bits of an element never depend on its position or on the length of the array.
#pragma once

#include "picaflor/kernels/packets.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

namespace packet {

template <class T>
using WidePacket = Pair<Packet<T>>;

// f takes as many packets as there are inputs; the output may be any of the inputs.
template <class T, class F, class... In>
EIGEN_STRONG_INLINE void for_each_packet(Index size, T* out, const F& f, const In*... in) noexcept {
  using One = Packet<T>;
  using Wide = WidePacket<T>;
  Index i = 0;
  for (; i + kLanes<Wide> <= size; i += kLanes<Wide>) {
    store<Wide>(out + i, f(load<Wide>(in + i)...));
  }
  for (; i + kLanes<One> <= size; i += kLanes<One>) {
    store<One>(out + i, f(load<One>(in + i)...));
  }
  if (i < size) {
    const Index rest = size - i;
    const auto padded_load = [rest](const T* x) {
      T buffer[kLanes<One>] = {};
      for (Index k = 0; k < rest; ++k) buffer[k] = x[k];
      return load<One>(buffer);
    };
    T buffer[kLanes<One>];
    store<One>(buffer, f(padded_load(in + i)...));
    for (Index k = 0; k < rest; ++k) out[i + k] = buffer[k];
  }
}

}  // namespace packet

}  // namespace picaflor::inline PICAFLOR_LEVEL
