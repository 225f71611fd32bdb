// Matrix products, and what feeds and follows them: gather.hpp, gemm.hpp, dense.hpp.
#include "picaflor/kernels/dense.hpp"
#include "picaflor/kernels/gather.hpp"
#include "picaflor/kernels/gemm.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
static void add(KernelTable<T>& table) noexcept {
  table.lanes = table.wide_lanes = kLanes<T>;
  table.narrow_columns = 0;
  table.tile_speed = 1;
  table.operations_per_thread = kOperationsPerThread;
  table.matmul = matmul<T>;
  table.matmul_workspace = matmul_workspace<T>;
  table.dense_update = dense_update<T>;
  table.dense_update_workspace = dense_update_workspace<T>;
  table.column_sums = column_sums<T>;
  table.gather_rows = gather_rows<T>;
}

void add_products(Kernels& kernels) noexcept {
  int first = 0, second = 0, third = 0;  // 0 or less where the processor does not tell
  Eigen::internal::queryCacheSizes(first, second, third);
  second_level_cache = larger_of(second_level_cache, second);
  add(kernels.f32);
  add(kernels.f64);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
