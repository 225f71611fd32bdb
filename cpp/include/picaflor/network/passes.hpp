// How many rows of a minibatch go through the network at a time.
//
// The outputs of all layers for a long minibatch (all of the data, in gradient descent by the book) fit no
// cache and may not even fit memory.  So its rows go forward and backward in passes, whose gradients are
// added up.
#pragma once

#include <algorithm>
#include <limits>

#include "picaflor/network/plan.hpp"

namespace picaflor {

// At most so many of any number of rows.  Depends on the network alone, never on the threads: the sums of
// losses and of bias gradients are grouped by passes.
template <class T>
Index most_rows_per_pass(const Plan& plan) {
  constexpr Index kBytes = 2 * 1024 * 1024, kLeast = 256;
  Index row = row_stride<T>(plan.input);
  for (const Step& step : plan.steps) {
    if (step.op == Op::batch_norm) return std::numeric_limits<Index>::max();  // needs all rows at once
    if (!step.in_place) row += step.row;
  }
  // Every pass reads and writes the gradient of all weights, which must not take longer than the outputs.
  const Index bytes = std::max(kBytes, plan.parameter_size * static_cast<Index>(sizeof(T)) * 3 / 2);
  const Index rows = std::max(bytes / (row * static_cast<Index>(sizeof(T))), kLeast);
  return (rows + kLossBlock - 1) / kLossBlock * kLossBlock;
}

// Passes of nearly the same size, of whole blocks of the loss.
inline Index rows_per_pass(Index n, Index most) {
  if (n <= most) return n;
  const Index passes = (n + most - 1) / most;
  const Index rows = (n + passes - 1) / passes;
  return (rows + kLossBlock - 1) / kLossBlock * kLossBlock;
}

}  // namespace picaflor
