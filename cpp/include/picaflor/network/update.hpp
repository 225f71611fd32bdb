// One optimizer step on a list of arrays of either type, split over the thread team.
#pragma once

#include <cmath>
#include <vector>

#include "picaflor/kernels/table.hpp"
#include "picaflor/network/optimizer.hpp"
#include "picaflor/runtime/float_mode.hpp"
#include "picaflor/runtime/parallel.hpp"

namespace picaflor {

// A parameter array, its gradient and the slots its rule keeps: `size` contiguous elements each.
template <class T>
struct Update {
  Index size = 0;
  T* p = nullptr;
  const T* g = nullptr;
  T* slots[kMaxSlots] = {};
};

// Elements do not depend on one another, so any split gives the same bits.
template <class T>
void apply_update(const OptimizerStep& step, const Update<T>& u) {
  constexpr Index part = 1 << 16;  // some 40 us of work: a hand-over to a thread is about one
  const auto run = kernels().of<T>().optimizer_step;
  const auto at = [](T* slot, Index i) { return slot != nullptr ? slot + i : nullptr; };
  parallel_for((u.size + part - 1) / part, [&](Index task) {
    const Index i = task * part;
    const Index size = u.size - i < part ? u.size - i : part;
    run(step, size, u.p + i, u.g + i, at(u.slots[0], i), at(u.slots[1], i), at(u.slots[2], i));
  });
}

// The step after `iteration` finished ones, on all arrays: norms are taken first, then every array is
// updated.
inline void apply_updates(const OptimizerConfig& config, std::int64_t iteration, double learning_rate,
                          const std::vector<Update<float>>& singles,
                          const std::vector<Update<double>>& doubles) {
  const FlushSubnormals mode;
  const auto sum_of_squares = []<class T>(const Update<T>& u) {
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
