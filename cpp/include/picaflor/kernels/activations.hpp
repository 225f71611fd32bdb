// Elementwise activations over `size` contiguous elements.
//   forward           y_i  = f(x_i)
//   backward          dx_i = dy_i f'(x_i)
//   backward_output   the same from y_i, or from x_i where needs_input(kind) (x may be null for the others)
// Outputs are written; y may be x, dx may be dy.  The functions themselves: activation_kinds.hpp.
#pragma once

#include "picaflor/kernels/activation_kinds.hpp"
#include "picaflor/kernels/elementwise.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
void activation_forward(const Activation& activation, Index size, const T* x, T* y) noexcept {
  packet::with_kind(activation, [=](const auto& f) {
    packet::for_each_packet(size, y, [&f](const auto& p) { return f.value(p); }, x);
  });
}

template <class T>
void activation_backward(const Activation& activation, Index size, const T* dy, const T* x, T* dx) noexcept {
  packet::with_kind(activation, [=](const auto& f) {
    packet::for_each_packet(size, dx, [&f](const auto& d, const auto& p) { return d * f.slope(p); }, dy, x);
  });
}

template <class T>
void activation_backward_output(const Activation& activation, Index size, const T* dy, const T* y, const T* x,
                                T* dx) noexcept {
  if (needs_input(activation.kind)) {
    activation_backward(activation, size, dy, x, dx);
    return;
  }
  packet::with_kind(activation, [=](const auto& f) {
    packet::for_each_packet(
        size, dx, [&f](const auto& d, const auto& p) { return d * f.slope_from(p, p); }, dy, y);
  });
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
