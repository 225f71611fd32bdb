// Losses and metrics: losses.hpp, metrics.hpp.
#include "picaflor/kernels/losses.hpp"

#include "picaflor/kernels/metrics.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
static void add(KernelTable<T>& table) noexcept {
  table.loss = loss<T>;
  table.metric = metric<T>;
}

void add_losses(Kernels& kernels) noexcept {
  add(kernels.f32);
  add(kernels.f64);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
