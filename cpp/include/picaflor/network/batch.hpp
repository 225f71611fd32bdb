// A minibatch, and how it is loaded from the caller's data.
#pragma once

#include <algorithm>
#include <cstdint>

#include "picaflor/network/data.hpp"
#include "picaflor/network/gather.hpp"
#include "picaflor/network/plan.hpp"
#include "picaflor/network/workspace.hpp"

namespace picaflor {

template <class T>
struct Batch {
  Index n = 0;
  const T* x = nullptr;  // (n, input)
  Index x_row = 0;
  const T* target = nullptr;  // (n, output), or null
  Index target_row = 0;
  const std::int64_t* ids = nullptr;  // (n) class ids, or null
  const T* weight = nullptr;          // (n), or null for ones

  // With all weights one where there are none.
  double sum_of_weights() const {
    if (weight == nullptr) return static_cast<double>(n);
    double sum = 0;
    for (Index i = 0; i < n; ++i) sum += static_cast<double>(weight[i]);
    return sum;
  }
};

// Rows order[start .. start + n), or start, start + 1, ..., where they lie or in the workspace; the rows
// after them, `ahead` of them, are asked for meanwhile.
template <class T>
Batch<T> load_batch(const KernelTable<T>& kernels, const Plan& plan, const Dataset<T>& data,
                    const std::int64_t* order, Index start, Index n, Index ahead, Workspace<T>& workspace) {
  Batch<T> batch;
  batch.n = n;
  const Index gathered = workspace.take_next(start, n);
  const Selection rows{data.x, order, start, n, ahead};
  const Input<T> input = read_rows(kernels, plan, rows, gathered, workspace.x, workspace.threads);
  batch.x = input.x;
  batch.x_row = input.row;
  if (data.ids != nullptr) {
    batch.ids = data.ids + start;
    if (order != nullptr) {
      for (Index i = 0; i < n; ++i) workspace.ids[static_cast<std::size_t>(i)] = data.ids[order[start + i]];
      batch.ids = workspace.ids.data();
    }
  } else if (data.y.data != nullptr) {
    batch.target = workspace.target;
    batch.target_row = row_stride<T>(plan.output);
    gather_rows(kernels, {data.y, order, start, n, 0}, workspace.target, batch.target_row, workspace.threads);
  }
  if (data.weight != nullptr) {
    batch.weight = data.weight + start;
    if (order != nullptr) {
      for (Index i = 0; i < n; ++i) workspace.weight[i] = data.weight[order[start + i]];
      batch.weight = workspace.weight;
    }
  }
  return batch;
}

}  // namespace picaflor
