// One optimizer step on a list of arrays of either type, split over the thread team.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "picaflor/kernels/table.hpp"
#include "picaflor/network/optimizer.hpp"
#include "picaflor/runtime/float_mode.hpp"
#include "picaflor/runtime/parallel.hpp"

namespace picaflor {

// One array, contiguous.  Elements do not depend on one another, so any split gives the same bits.
template <class T>
void apply_update(const OptimizerStep& step, const ParameterRows<T>& u) {
  constexpr Index kPart = 1 << 16;  // some 40 us of work: a hand-over to a thread is about one
  const auto run = kernels().of<T>().optimizer_step;
  const Index parts = std::clamp<Index>(u.size / kPart, 1, num_threads());
  parallel_ranges(u.size, kLine<T>, parts, [&](Index, Range range) {
    ParameterRows<T> part = u;
    part.size = range.size();
    part.p += range.begin;
    part.g += range.begin;
    for (T*& slot : part.slots) slot = slot != nullptr ? slot + range.begin : nullptr;
    run(step, part);
  });
}

// The step after `iteration` finished ones, on all arrays: norms are taken first, then every array is
// updated.
inline void apply_updates(const OptimizerConfig& config, std::int64_t iteration, double learning_rate,
                          const std::vector<ParameterRows<float>>& singles,
                          const std::vector<ParameterRows<double>>& doubles) {
  const FlushSubnormals mode;
  const auto sum_of_squares = []<class T>(const ParameterRows<T>& u) {
    return kernels().of<T>().sum_of_squares(u.size, u.g);
  };
  OptimizerStep step = prepare_step(config, iteration, learning_rate);
  if (config.global_clip_norm > 0) {
    double sum = 0;
    for (const auto& u : singles) sum += sum_of_squares(u);
    for (const auto& u : doubles) sum += sum_of_squares(u);
    step.gradient_scale = norm_clip_factor(sum, config.global_clip_norm);
  }
  const auto apply = [&](const auto& u) {
    if (config.clip_norm > 0) step.gradient_scale = norm_clip_factor(sum_of_squares(u), config.clip_norm);
    apply_update(step, u);
  };
  for (const auto& u : singles) apply(u);
  for (const auto& u : doubles) apply(u);
}

}  // namespace picaflor
