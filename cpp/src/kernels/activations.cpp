// Elementwise activations: activations.hpp.
#include "picaflor/kernels/activations.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
static void add(KernelTable<T>& table) noexcept {
  table.activation_forward = activation_forward<T>;
  table.activation_backward = activation_backward<T>;
  table.activation_backward_output = activation_backward_output<T>;
}

void add_activations(Kernels& kernels) noexcept {
  add(kernels.f32);
  add(kernels.f64);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
