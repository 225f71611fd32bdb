// The loss of many rows, with blocks of kLossBlock rows spread over the thread team: the values of the blocks
// are added in their order, so the sum has the same bits for every number of threads.
#pragma once

#include <vector>

#include "picaflor/kernels/table.hpp"
#include "picaflor/runtime/parallel.hpp"

namespace picaflor {

// About 40 us of work on one core: below, waking a sleeping thread costs more than it brings.
inline constexpr Index kWorthSharing = 1 << 16;

template <class T>
double loss_rows(const KernelTable<T>& kernel, const LossArgs<T>& all) {
  const Index blocks = (all.n + kLossBlock - 1) / kLossBlock;
  if (blocks < 2 || all.n * all.c < kWorthSharing || num_threads() == 1) {
    return kernel.loss(all);
  }
  std::vector<double> values(static_cast<std::size_t>(blocks));
  const Index tasks = blocks < num_threads() ? blocks : num_threads();
  parallel_ranges(blocks, 1, tasks, [&](Index, Range range) {
    for (Index block = range.begin; block < range.end; ++block) {
      const Index first = block * kLossBlock;
      LossArgs<T> a = all;
      a.n = all.n - first < kLossBlock ? all.n - first : kLossBlock;
      a.out += first * all.out_row;
      if (all.target != nullptr) a.target += first * all.target_row;
      if (all.ids != nullptr) a.ids += first;
      if (all.weight != nullptr) a.weight += first;
      if (all.dout != nullptr) a.dout += first * all.dout_row;
      if (all.each != nullptr) a.each += first;
      values[static_cast<std::size_t>(block)] = kernel.loss(a);
    }
  });
  double total = 0;
  for (const double value : values) total += value;
  return total;
}

}  // namespace picaflor
