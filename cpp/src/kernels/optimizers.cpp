// Update rules and penalties: optimizers.hpp, penalties.hpp.
#include "picaflor/kernels/optimizers.hpp"

#include "picaflor/kernels/penalties.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
static void add(KernelTable<T>& table) noexcept {
  table.optimizer_step = optimizer_step<T>;
  table.add_penalty_gradient = add_penalty_gradient<T>;
  table.sum_of_squares = sum_of_squares<T>;
  table.squares_by_lines = squares_by_lines<T>;
  table.magnitudes_by_lines = magnitudes_by_lines<T>;
}

void add_optimizers(Kernels& kernels) noexcept {
  add(kernels.f32);
  add(kernels.f64);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
