// One instruction-set level: every kernel, compiled for that level, in one table.  CMakeLists.txt compiles
// this file once per level.  To add a kernel: declare its signature in kernels/table.hpp, include its header
// here and give it one line in make_table, in the order of the table.
#include "picaflor/kernels/affine.hpp"
#include "picaflor/kernels/dense.hpp"
#include "picaflor/kernels/dropout.hpp"
#include "picaflor/kernels/gather.hpp"
#include "picaflor/kernels/gemm.hpp"
#include "picaflor/kernels/losses.hpp"
#include "picaflor/kernels/metrics.hpp"
#include "picaflor/kernels/optimizers.hpp"
#include "picaflor/kernels/penalties.hpp"
#include "picaflor/types.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
constexpr KernelTable<T> make_table() {
  return {
      .lanes = kLanes<T>,
      // gemm.hpp, dense.hpp
      .matmul = matmul<T>,
      .matmul_workspace = matmul_workspace<T>,
      .dense_update = dense_update<T>,
      .dense_update_workspace = dense_update_workspace<T>,
      .column_sums = column_sums<T>,

      // activations.hpp

      // softmax.hpp

      // losses.hpp, metrics.hpp
      .loss = loss<T>,
      .metric = metric<T>,

      // optimizers.hpp, penalties.hpp
      .optimizer_step = optimizer_step<T>,
      .add_penalty_gradient = add_penalty_gradient<T>,
      .sum_of_squares = sum_of_squares<T>,
      .sum_of_magnitudes = sum_of_magnitudes<T>,

      // gather.hpp
      .gather_rows = gather_rows<T>,

      // affine.hpp
      .affine_forward = affine_forward<T>,
      .affine_backward = affine_backward<T>,

      // dropout.hpp
      .dropout = dropout<T>,
      .gaussian_noise = gaussian_noise<T>,
  };
}

#define PICAFLOR_TEXT_(x) #x
#define PICAFLOR_TEXT(x) PICAFLOR_TEXT_(x)

extern const Kernels level_kernels;
constexpr const char* level_name() {
  // "baseline" is its own name; v2, v3 and v4 are those of the x86-64 ABI.
  return PICAFLOR_TEXT(PICAFLOR_LEVEL)[0] == 'v' ? "x86-64-" PICAFLOR_TEXT(PICAFLOR_LEVEL)
                                                 : PICAFLOR_TEXT(PICAFLOR_LEVEL);
}
constinit const Kernels level_kernels{level_name(), make_table<float>(), make_table<double>()};

}  // namespace picaflor::inline PICAFLOR_LEVEL
