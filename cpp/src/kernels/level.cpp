// One instruction-set level: every kernel, compiled for that level, in one table.  CMakeLists.txt compiles
// the files of this folder once per level.  To add a kernel: declare its signature in kernels/table.hpp and
// give it one line in the file of its group here; a new group is a new file, listed in CMakeLists.txt and
// called below.
#include "picaflor/kernels/table.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

void add_activations(Kernels& kernels) noexcept;
void add_layers(Kernels& kernels) noexcept;
void add_losses(Kernels& kernels) noexcept;
void add_optimizers(Kernels& kernels) noexcept;
void add_products(Kernels& kernels) noexcept;
void add_softmax(Kernels& kernels) noexcept;

void fill_level(Kernels& kernels) noexcept;
void fill_level(Kernels& kernels) noexcept {
  add_activations(kernels);
  add_layers(kernels);
  add_losses(kernels);
  add_optimizers(kernels);
  add_products(kernels);
  add_softmax(kernels);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
