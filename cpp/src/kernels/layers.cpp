// Layers without a product: affine.hpp, dropout.hpp.
#include "picaflor/kernels/affine.hpp"
#include "picaflor/kernels/dropout.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
static void add(KernelTable<T>& table) noexcept {
  table.affine_forward = affine_forward<T>;
  table.affine_backward = affine_backward<T>;
  table.dropout = dropout<T>;
  table.gaussian_noise = gaussian_noise<T>;
}

void add_layers(Kernels& kernels) noexcept {
  add(kernels.f32);
  add(kernels.f64);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
