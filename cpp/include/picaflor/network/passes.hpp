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

// Of rows that only go forward, at most so many at a time: they pay for going through the weights, and their
// outputs of two neighbouring steps stay in a cache.
inline constexpr Index kMostRowsForward = 240;

// Minibatches of so many rows still go through at once.  Depends on the network alone, never on the threads:
// the sums of losses and of gradients are grouped by passes.
template <class T>
Index most_rows_at_once(const Plan& plan) {
  // Measured: more bytes of outputs than this slow a step down; fewer rows than this, the products.
  constexpr Index kBytes = 4 * 1024 * 1024, kLeast = 512;
  Index row = row_stride<T>(plan.input);
  for (const Step& step : plan.steps) {
    if (step.op == Op::batch_norm) return std::numeric_limits<Index>::max();  // needs all of them
    if (!step.in_place) row += step.row;
  }
  // Every pass reads and writes the gradient of all weights, which must not take longer than the outputs.
  const Index bytes = std::max(kBytes, plan.parameter_size * static_cast<Index>(sizeof(T)) * 3);
  const Index rows = std::max(bytes / (row * static_cast<Index>(sizeof(T))), kLeast);
  return (rows + kLossBlock - 1) / kLossBlock * kLossBlock;
}

// Of more, about half as many at a time: a few percent faster still, which make up for what it takes to keep
// the gradients.  Passes are of whole blocks of the loss.
inline Index rows_per_pass(Index n, Index most) {
  if (n <= most) return n;
  const Index half = most / 2, passes = (n + half - 1) / half;
  const Index rows = (n + passes - 1) / passes;
  return (rows + kLossBlock - 1) / kLossBlock * kLossBlock;
}

}  // namespace picaflor
