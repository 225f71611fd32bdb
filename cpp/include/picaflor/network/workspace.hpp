// The memory a minibatch passes through: one arena, laid out once for the largest pass seen.
#pragma once

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "picaflor/network/matmul.hpp"
#include "picaflor/network/normalization.hpp"
#include "picaflor/network/plan.hpp"
#include "picaflor/runtime/arena.hpp"
#include "picaflor/runtime/parallel.hpp"

namespace picaflor {

template <class T>
struct Workspace {
  T* x = nullptr;            // (n, input) gathered rows
  T* next_x = nullptr;       // (n, input) those of the next pass, or null: next_rows.hpp
  T* target = nullptr;       // (n, output)
  T* weight = nullptr;       // (n)
  T* predictions = nullptr;  // (n, output), rows not padded
  T* kept = nullptr;         // (rows kept, output) scores of all passes of a minibatch, rows not padded
  std::vector<T*> outputs;   // of each step; a step in place shares its input's
  std::vector<Moments<T>> moments;  // of each step that normalizes
  T* dy[2] = {};                    // gradients, passed to and fro from layer to layer
  std::vector<T*> scratch;          // of the kernels, one per thread
  std::vector<std::int64_t> ids;
  Index threads = 1;

  // For passes of up to n rows; scores of `keep` rows are kept.
  void prepare(const Plan& plan, const KernelTable<T>& kernels, Index n, Index keep, bool backward) {
    threads = num_threads();
    next_rows_ = 0;
    if (n <= capacity_ && keep <= kept_ && threads <= threads_ && (backward_ || !backward)) return;
    constexpr Index kMostElements = Index{1} << 50;  // more than any memory: no size below overflows
    if (std::max(n, keep) > kMostElements / plan.widest_row) throw std::bad_alloc();
    const Index capacity = std::max(n, capacity_), rows_kept = std::max(keep, kept_);
    // If memory does not suffice, the next call starts anew instead of using what is not there.
    capacity_ = -1;
    kept_ = 0;
    threads_ = std::max(threads, threads_);
    backward_ = backward_ || backward;
    ids.resize(static_cast<std::size_t>(capacity));
    arena_.fit([&] { lay_out(plan, kernels, capacity, rows_kept); });
    capacity_ = capacity;
    kept_ = rows_kept;
  }

  // Whether idle threads gather the next rows.
  bool gathers_ahead() const { return threads > 1 && next_x != nullptr; }
  // The first n rows from `start` on are in next_x.
  void set_next(Index start, Index n) {
    next_start_ = start;
    next_rows_ = n;
  }
  // Makes them those of x, if it is to hold n rows from `start` on; returns how many of these there are.
  Index take_next(Index start, Index n) {
    const Index there = start == next_start_ ? std::min(n, next_rows_) : 0;
    next_rows_ = 0;
    if (there > 0) std::swap(x, next_x);
    return there;
  }

 private:
  void lay_out(const Plan& plan, const KernelTable<T>& kernels, Index n, Index rows_kept) {
    Index scratch_size = 0;
    outputs.clear();
    moments.clear();
    const Index x_size = n * row_stride<T>(plan.input);
    x = arena_.take(x_size);
    next_x = x_size <= kMostGatheredAhead && uses_threads(plan, kernels, n) ? arena_.take(x_size) : nullptr;
    target = arena_.take(n * row_stride<T>(plan.output));
    weight = arena_.take(n);
    predictions = arena_.take(n * plan.output);
    kept = arena_.take(rows_kept * plan.output);
    for (const Step& step : plan.steps) {
      const Index size = moments_size<T>(step, n);
      moments.push_back({arena_.take(size), arena_.take(size), arena_.take(size)});
      outputs.push_back(step.in_place ? outputs.back() : arena_.take(n * step.row));
      if (step.op != Op::dense) continue;
      const Parameter& kernel = plan.parameters[static_cast<std::size_t>(step.kernel)];
      scratch_size = std::max({scratch_size, kernels.matmul_workspace(n, step.row, step.in),
                               kernels.matmul_workspace(n, step.in, step.out),
                               kernels.dense_update_workspace(n, kernel.stored_rows(), kernel.row)});
    }
    for (T*& d : dy) d = arena_.take(backward_ ? n * plan.widest_row : 0);
    scratch.clear();
    for (Index t = 0; t < threads_; ++t) scratch.push_back(arena_.take(scratch_size));
  }

  // Whether products are so large that there are regions, between which threads idle.  Of the operations a
  // third are the forward pass.
  bool uses_threads(const Plan& plan, const KernelTable<T>& kernels, Index n) const {
    const double forward = plan.operations_per_row / 3 * static_cast<double>(n);
    return useful_threads(forward, threads_, kernels.operations_per_thread) > 1;
  }

  // Elements of next_x.  Of longer minibatches the layers take so long that waiting for rows does not count,
  // while a second buffer takes memory.
  static constexpr Index kMostGatheredAhead = Index{1} << 20;

  Arena<T> arena_;
  Index capacity_ = 0, kept_ = 0, threads_ = 0;
  Index next_start_ = 0, next_rows_ = 0;
  bool backward_ = false;
};

}  // namespace picaflor
