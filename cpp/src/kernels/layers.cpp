// Layers without a product: affine.hpp, dropout.hpp, normalization.hpp.
#include "picaflor/kernels/affine.hpp"
#include "picaflor/kernels/dropout.hpp"
#include "picaflor/kernels/normalization.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
static void add(KernelTable<T>& table) noexcept {
  table.affine_forward = affine_forward<T>;
  table.affine_backward = affine_backward<T>;
  table.batch_norm_forward = batch_norm_forward<T>;
  table.batch_norm_backward = batch_norm_backward<T>;
  table.batch_norm_inference = batch_norm_inference<T>;
  table.batch_norm_inference_backward = batch_norm_inference_backward<T>;
  table.layer_norm_forward = layer_norm_forward<T>;
  table.layer_norm_backward = layer_norm_backward<T>;
  table.layer_norm_weights_backward = layer_norm_weights_backward<T>;
  table.dropout = dropout<T>;
  table.gaussian_noise = gaussian_noise<T>;
}

void add_layers(Kernels& kernels) noexcept {
  add(kernels.f32);
  add(kernels.f64);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
