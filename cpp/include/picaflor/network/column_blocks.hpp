// A layer's weights, and what the optimizer keeps with them, while several threads train it: the columns of
// each thread as a matrix of its own.
//
// Threads share out the columns of weights, so that each core keeps meeting its own in its cache, in the
// forward product as in the update.  But where the rows of all columns lie one after the other, a page of
// memory has parts of every core, and a core that fetches ahead of what it reads fetches lines beside its own
// part, which another core is writing: each then waits for the other.  In blocks they lie pages apart.
// (Measured, two cores of an Emerald Rapids, 784 x 256 weights: reading and writing half of the columns takes
// 34 us, in a block 9; a training step with 64 rows 237 and 175.)
//
// So weights move into blocks for a range of minibatches, and back at its end and now and then between: those
// of the first layer to be trained, which are often the most, and of which nobody asks the gradient for its
// inputs, a sum over all of the blocks.  Results have the same bits, in blocks or not.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "picaflor/network/copy_rows.hpp"
#include "picaflor/network/data.hpp"
#include "picaflor/network/matmul.hpp"
#include "picaflor/network/plan.hpp"
#include "picaflor/runtime/arena.hpp"
#include "picaflor/runtime/parallel.hpp"

namespace picaflor {

template <class T>
using ParameterArrays = std::array<T*, 1 + kMaxSlots>;  // values and slots, null for those there are not

template <class T>
class ColumnBlocks {
 public:
  struct Block {
    Index row = 0;  // elements from one row to the next
    ParameterArrays<T> arrays = {};
  };

  // Whether the weights of this number are here.
  bool hold(Index kernel) const { return kernel == kernel_; }
  // The columns of each block, padding included; of some there may be none.
  std::span<const Range> columns() const { return columns_; }
  const Block& operator[](Index i) const { return blocks_[static_cast<std::size_t>(i)]; }

  // The parameter p of this number, whose arrays these are, in so many blocks; if somebody else has the
  // thread team, all in one until it is cut anew.
  void move_in(Index kernel, const Parameter& p, const ParameterArrays<T>& arrays, Index parts) {
    const Index columns = padded<T>(p.cols);
    // A block's rows are up to one unit of columns longer than they need be.
    const Index size = p.rows * (columns + parts * kLine<T>);
    const auto count = std::count_if(arrays.begin(), arrays.end(), [](T* a) { return a != nullptr; });
    if (storage_.size() < count * size) storage_ = AlignedArray<T>(count * size);
    blocks_.assign(static_cast<std::size_t>(parts), Block());
    columns_.assign(static_cast<std::size_t>(parts), Range());
    parallel_ranges(columns, kLine<T>, parts, [&](Index i, Range range) {
      Block& block = blocks_[static_cast<std::size_t>(i)];
      columns_[static_cast<std::size_t>(i)] = range;
      block.row = row_stride<T>(range.size());
      T* at = storage_.data() + p.rows * (range.begin + i * kLine<T>);
      for (std::size_t a = 0; a < arrays.size(); ++a) {
        if (arrays[a] == nullptr) continue;
        block.arrays[a] = at;
        at += size;
        copy_rows(p.rows, range.size(), arrays[a] + range.begin, p.row, block.arrays[a], block.row);
      }
    });
    kernel_ = kernel;
    parameter_ = &p;
    arrays_ = arrays;
  }

  void move_out() {
    parallel_parts(columns_, [&](Index i, Range range) {
      const Block& block = blocks_[static_cast<std::size_t>(i)];
      for (std::size_t a = 0; a < arrays_.size(); ++a) {
        if (arrays_[a] == nullptr) continue;
        copy_rows(parameter_->rows, range.size(), block.arrays[a], block.row, arrays_[a] + range.begin,
                  parameter_->row);
      }
    });
    kernel_ = kNone;
  }

  // f() while the weights are where they belong; after it they are cut by how fast the threads have been.
  template <class F>
  void outside(const F& f) {
    const Index kernel = kernel_;
    move_out();
    f();
    move_in(kernel, *parameter_, arrays_, std::ssize(columns_));
  }

 private:
  static constexpr Index kNone = -2;  // a step without weights has -1
  Index kernel_ = kNone;
  const Parameter* parameter_ = nullptr;
  ParameterArrays<T> arrays_ = {};
  std::vector<Range> columns_;
  std::vector<Block> blocks_;
  AlignedArray<T> storage_;
};

// In how many blocks the weights of the first layer to be trained are worth moving for a range of minibatches
// of n rows; 0 if they are not.  `arrays`: how many there are of them.
template <class T>
Index parts_in_blocks(const KernelTable<T>& kernels, const Plan& plan, Index n, Index minibatches,
                      Index arrays, Index threads) {
  // What is larger waits for memory, whoever else writes it; and parts of rows that fill pages lie apart.
  constexpr Index kFewest = 16, kMostBytes = Index{1} << 24, kPage = 4096;
  constexpr Index element = static_cast<Index>(sizeof(T));
  const Index first = plan.first_trained_step();
  if (threads == 1 || minibatches < kFewest || first == std::ssize(plan.steps)) return 0;
  const Step& step = plan.steps[static_cast<std::size_t>(first)];
  if (step.op != Op::dense) return 0;
  const Parameter& kernel = plan.parameters[static_cast<std::size_t>(step.kernel)];
  if (kernel.transposed || arrays * kernel.size * element > kMostBytes) return 0;
  const Grid grid = grid_for(kernels, n, step.out, step.in, threads);
  return grid.by_rows || grid.parts == 1 || kernel.row * element >= grid.parts * kPage / 2 ? 0 : grid.parts;
}

// The weights are in so many blocks for as long as it lives; with parts = 0, none are.
template <class T>
class InBlocks {
 public:
  InBlocks(ColumnBlocks<T>& blocks, const Plan& plan, ParameterArrays<T> arrays, Index parts)
      : blocks_(blocks), parts_(parts) {
    if (parts == 0) return;
    const Index kernel = plan.steps[static_cast<std::size_t>(plan.first_trained_step())].kernel;
    const Parameter& p = plan.parameters[static_cast<std::size_t>(kernel)];
    for (T*& a : arrays) a = a == nullptr ? nullptr : a + p.offset;
    blocks.move_in(kernel, p, arrays, parts);
  }
  ~InBlocks() {
    if (parts_ > 0) blocks_.move_out();
  }
  InBlocks(const InBlocks&) = delete;
  InBlocks& operator=(const InBlocks&) = delete;

  // After each minibatch.  Cutting takes about as long as one.
  void keep_balance() {
    constexpr Index kBetweenCuts = 128;
    if (parts_ > 0 && ++minibatches_ % kBetweenCuts == 0) blocks_.outside([] {});
  }

  // The same question between minibatches: whoever answers may look at the weights, and change them.
  Interrupt outside(Interrupt question) {
    if (parts_ == 0 || question.asked == nullptr) return question;
    question_ = question;
    return {[](void* self) { return static_cast<InBlocks*>(self)->ask(); }, this};
  }

 private:
  bool ask() {
    bool answer = false;
    blocks_.outside([&] { answer = question_.asked(question_.state); });
    return answer;
  }

  ColumnBlocks<T>& blocks_;
  Index parts_, minibatches_ = 0;
  Interrupt question_;
};

}  // namespace picaflor
