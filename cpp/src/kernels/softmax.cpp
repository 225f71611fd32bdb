// Softmax and log-softmax: softmax.hpp.
#include "picaflor/kernels/softmax.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
static void add(KernelTable<T>& table) noexcept {
  table.softmax_forward = softmax_forward<T>;
  table.softmax_backward = softmax_backward<T>;
  table.log_softmax_forward = log_softmax_forward<T>;
  table.log_softmax_backward = log_softmax_backward<T>;
}

void add_softmax(Kernels& kernels) noexcept {
  add(kernels.f32);
  add(kernels.f64);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
