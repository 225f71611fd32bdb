// Inference: each thread takes blocks of rows through all layers, so that they stay in its cache.
#pragma once

#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

#include "picaflor/network/copy_rows.hpp"
#include "picaflor/network/data.hpp"
#include "picaflor/network/gather.hpp"
#include "picaflor/network/passes.hpp"
#include "picaflor/network/run_step.hpp"
#include "picaflor/network/watch.hpp"
#include "picaflor/runtime/arena.hpp"

namespace picaflor {

template <class T>
class Inference {
 public:
  // out (n, output) = predictions for n rows of x; false if interrupted before all were done.
  bool predict(const KernelTable<T>& kernels, const Plan& plan, T* parameters, const Rows& x, T* out,
               Index out_row, Interrupt interrupt) {
    const Index n = x.rows;
    const Index threads = num_threads();
    const Index block = rows_per_block(plan, n);
    prepare(kernels, plan, block, threads);
    // Blocks that one thread each works on; a single block has its products split instead.
    const Index blocks = block == 0 ? 0 : (n + block - 1) / block;
    if (blocks <= 1) {
      if (n > 0) predict_block(kernels, plan, parameters, x, Range{0, n}, out, out_row, 0, threads);
      return true;
    }
    Watch watch(std::numeric_limits<double>::infinity(), interrupt);
    const Index stretch = threads * blocks_between_questions(plan, block);
    for (Index first = 0; first < blocks; first += stretch) {
      if (watch.interrupted()) return false;
      const Index last = std::min(blocks, first + stretch);
      std::atomic<Index> next = first;  // whoever is free takes it
      parallel_for(threads, [&](Index thread) {
        for (Index b = next++; b < last; b = next++) {
          const Range rows{b * block, std::min(n, (b + 1) * block)};
          predict_block(kernels, plan, parameters, x, rows, out, out_row, thread, 1);
        }
      });
    }
    return true;
  }

 private:
  // The forward pass does a third of the operations that the plan counts for a row.
  static Index blocks_between_questions(const Plan& plan, Index block) {
    const double of_block = static_cast<double>(block) * plan.operations_per_row / 3;
    return std::clamp<Index>(static_cast<Index>(kOperationsBetweenQuestions / (of_block + 1)), 1, 16);
  }

  struct Scratch {
    T* x = nullptr;
    T* y[2] = {};  // outputs of the steps, in turn
    Moments<T> moments;
    std::vector<T*> workspaces;
  };

  // Of n rows in blocks of equal size, as many for each of two or four threads; not by their actual number,
  // because a block is what is searched for zeros.
  static Index rows_per_block(const Plan& plan, Index n) {
    constexpr Index kBytes = Index{1} << 22;
    const Index row_bytes = 2 * plan.widest_output_row * static_cast<Index>(sizeof(T));
    const Index most = std::clamp<Index>(kBytes / std::max<Index>(row_bytes, 1), 48, kMostRowsForward);
    if (n <= most) return n;
    const Index blocks = (n + 4 * most - 1) / (4 * most) * 4;
    const Index rows = (n + blocks - 1) / blocks;
    return (rows + kRowUnit - 1) / kRowUnit * kRowUnit;
  }

  void prepare(const KernelTable<T>& kernels, const Plan& plan, Index block, Index threads) {
    if (block <= capacity_ && threads <= std::ssize(scratch_)) return;
    const Index capacity = std::max(block, capacity_);
    // If memory does not suffice, the next call starts anew instead of using what is not there.
    capacity_ = -1;
    scratch_.resize(static_cast<std::size_t>(std::max(threads, std::ssize(scratch_))));
    arena_.fit([&] { lay_out(kernels, plan, capacity); });
    capacity_ = capacity;
  }

  void lay_out(const KernelTable<T>& kernels, const Plan& plan, Index n) {
    Index size = 0, moments = 0;
    for (const Step& step : plan.steps) {
      moments = std::max(moments, moments_size<T>(step, n));
      if (step.op == Op::dense) size = std::max(size, kernels.matmul_workspace(n, step.row, step.in));
    }
    std::vector<T*> workspaces;
    for (Scratch& s : scratch_) {
      s.x = arena_.take(n * row_stride<T>(plan.input));
      s.moments = {arena_.take(moments), arena_.take(moments), arena_.take(moments)};
      for (T*& y : s.y) y = arena_.take(n * plan.widest_row);
      workspaces.push_back(arena_.take(size));
    }
    for (std::size_t t = 0; t < scratch_.size(); ++t) {
      scratch_[t].workspaces.assign(workspaces.begin() + static_cast<std::ptrdiff_t>(t), workspaces.end());
    }
  }

  // From here on steps can write where the caller wants the outputs: a dense layer with few outputs, which
  // does not count on padding, and activations after it.
  static Index first_direct_step(const Plan& plan) {
    Index s = std::ssize(plan.steps);
    const auto step = [&](Index i) -> const Step& { return plan.steps[static_cast<std::size_t>(i)]; };
    while (s > 0 && step(s - 1).op == Op::activation) --s;
    const bool is_compact = s > 0 && step(s - 1).op == Op::dense &&
                            plan.parameters[static_cast<std::size_t>(step(s - 1).kernel)].transposed;
    return is_compact ? s - 1 : std::ssize(plan.steps);
  }

  void predict_block(const KernelTable<T>& kernels, const Plan& plan, T* parameters, const Rows& all,
                     Range rows, T* out, Index out_row, Index thread, Index threads) {
    const Scratch& scratch = scratch_[static_cast<std::size_t>(thread)];
    const StepContext<T> ctx{
        .kernels = kernels,
        .plan = plan,
        .parameters = parameters,
        .threads = threads,
        .workspaces = scratch.workspaces.data(),
        .n = rows.size(),
    };
    const Selection selected{all, nullptr, rows.begin, rows.size(), 0};
    auto [now, row] = read_rows<T>(kernels, plan, selected, 0, scratch.x, threads);
    out += rows.begin * out_row;
    const Index direct = out_row == plan.output ? first_direct_step(plan) : std::ssize(plan.steps);
    int side = 0;
    for (Index s = 0; s < std::ssize(plan.steps); ++s) {
      Step step = plan.steps[static_cast<std::size_t>(s)];
      if (step.already_done || step.op == Op::dropout || step.op == Op::gaussian_noise) continue;
      if (s >= direct) step.row = out_row;
      T* const y = s >= direct ? out : scratch.y[side];
      run_step(ctx, step, now, row, y, scratch.moments);
      now = y;
      row = step.row;
      side = 1 - side;
    }
    if (now != out) copy_rows(rows.size(), plan.output, now, row, out, out_row);
  }

  Arena<T> arena_;
  Index capacity_ = 0;
  std::vector<Scratch> scratch_;
};

}  // namespace picaflor
