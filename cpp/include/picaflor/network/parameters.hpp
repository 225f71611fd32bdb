// The parameters of a network, their gradients, and the optimizer's slots: a buffer each, laid out alike, as
// the plan says.  Below them what is done to them parameter by parameter.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "picaflor/network/column_blocks.hpp"
#include "picaflor/network/optimizer.hpp"
#include "picaflor/network/plan.hpp"
#include "picaflor/network/update.hpp"
#include "picaflor/runtime/arena.hpp"

namespace picaflor {

template <class T>
class Parameters {
 public:
  Parameters(const KernelTable<T>& kernels, const Plan& plan);
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  T* values() const { return values_.data(); }
  T* gradients() const { return gradients_.data(); }
  T* slots(int k) const { return k < slot_count() ? slots_[static_cast<std::size_t>(k)]->data() : nullptr; }
  // Whoever keeps the slots may go on reading and writing them when the rule has new ones.
  std::shared_ptr<const void> kept_slots(int k) const { return slots_[static_cast<std::size_t>(k)]; }
  std::array<T*, kMaxSlots> slots() const { return {slots(0), slots(1), slots(2)}; }
  int slot_count() const { return static_cast<int>(std::ssize(slots_)); }
  ParameterArrays<T> arrays() const { return {values(), slots(0), slots(1), slots(2)}; }

  const OptimizerConfig& optimizer() const { return optimizer_; }
  // New slots, unless they are asked to be kept and the rule keeps as many of them.
  void set_optimizer(const OptimizerConfig& config, bool keep_slots);

  // l1 sum |w| + l2 sum w^2 over what is trained, wherever its weights are
  double penalty(const ColumnBlocks<T>& blocks, Index threads);
  // Moving averages, to be put back if the minibatch that moved them is given up.
  std::vector<T> statistics() const;
  void set_statistics(const std::vector<T>& kept);
  // The gradients of what is not a matrix, to be added to those of the next pass.
  std::vector<T> vector_gradients() const;
  void add_to_vector_gradients(const std::vector<T>& kept);
  // The gradients of `scale` times the penalty are added; those of what is not trained become zero.
  void finish_gradients(double scale);
  // One optimizer step on one parameter from its gradient, after that of `penalty_scale` times its penalty
  // was added.
  void update(Index parameter, const OptimizerStep& rule, double penalty_scale);
  // The step after `iteration` finished ones, on all of them, from finished gradients.
  void apply_gradients(std::int64_t iteration, double rate);

 private:
  void add_penalty_gradient(const Parameter& p, double scale);
  using SumsByLines = void (*)(Index n, Index m, const T* x, Index x_row, double* out) noexcept;
  double sum_by_lines(Index parameter, SumsByLines sums, const ColumnBlocks<T>& blocks, Index threads);
  double sum_of_squares(Index size, T* g);
  void clear_padding(T* buffer);
  ParameterRows<T> rows_of(const Parameter& p);

  const KernelTable<T>& kernels_;
  const Plan& plan_;
  AlignedArray<T> values_, gradients_;
  std::vector<std::shared_ptr<AlignedArray<T>>> slots_;
  std::vector<double> line_sums_;
  OptimizerConfig optimizer_;
};

template <class T>
Parameters<T>::Parameters(const KernelTable<T>& kernels, const Plan& plan)
    : kernels_(kernels), plan_(plan), values_(plan.parameter_size), gradients_(plan.parameter_size) {
  for (const Parameter& p : plan.parameters) {
    for (Index j = 0; j < p.cols && p.is_vector; ++j) values()[p.offset + j] = static_cast<T>(p.initial);
  }
}

template <class T>
void Parameters<T>::set_optimizer(const OptimizerConfig& config, bool keep_slots) {
  const int count = picaflor::slot_count(config);
  if (!keep_slots || config.kind != optimizer_.kind || count != slot_count()) {
    std::vector<std::shared_ptr<AlignedArray<T>>> slots;
    for (int k = 0; k < count; ++k) {
      slots.push_back(std::make_shared<AlignedArray<T>>(plan_.parameter_size));
      std::fill_n(slots.back()->data(), plan_.parameter_size, static_cast<T>(initial_slot_value(config)));
    }
    slots_ = std::move(slots);
  }
  optimizer_ = config;
}

// Sums run over the padding too, which is zero until an infinite input makes 0 times infinity of it.
template <class T>
void Parameters<T>::clear_padding(T* buffer) {
  for (const Parameter& p : plan_.parameters) {
    T* const all = buffer + p.offset;
    for (Index i = 0; i < p.stored_rows(); ++i) {
      std::fill(all + i * p.row + p.stored_cols(), all + (i + 1) * p.row, T(0));
    }
  }
}

// Of a part of the gradients.
template <class T>
double Parameters<T>::sum_of_squares(Index size, T* g) {
  const double sum = kernels_.sum_of_squares(size, g);
  if (std::isfinite(sum)) return sum;
  clear_padding(gradients());
  return kernels_.sum_of_squares(size, g);
}

template <class T>
double Parameters<T>::penalty(const ColumnBlocks<T>& blocks, Index threads) {
  double sum = 0;
  for (Index i = 0; i < std::ssize(plan_.parameters); ++i) {
    const Parameter& p = plan_.parameters[static_cast<std::size_t>(i)];
    if ((p.l1 == 0 && p.l2 == 0) || !plan_.is_trained(p)) continue;
    if (p.l1 != 0) sum += p.l1 * sum_by_lines(i, kernels_.magnitudes_by_lines, blocks, threads);
    if (p.l2 != 0) sum += p.l2 * sum_by_lines(i, kernels_.squares_by_lines, blocks, threads);
  }
  return sum;
}

// Each line of columns is summed up where it lies, by the thread that trains it; then the lines in their
// order.
template <class T>
double Parameters<T>::sum_by_lines(Index parameter, SumsByLines sums, const ColumnBlocks<T>& blocks,
                                   Index threads) {
  constexpr double kCost = 5;  // of an element, in the operations that useful_threads counts
  const Parameter& p = plan_.parameters[static_cast<std::size_t>(parameter)];
  const Index rows = p.stored_rows(), cols = p.stored_cols(), unit = kLine<T>;
  line_sums_.resize(static_cast<std::size_t>((cols + unit - 1) / unit));
  const auto sum_up = [&](Range columns, const T* w, Index row) {
    const Index m = std::min(columns.end, cols) - columns.begin;
    sums(rows, m, w, row, line_sums_.data() + columns.begin / unit);
  };
  if (blocks.hold(parameter)) {
    parallel_parts(blocks.columns(),
                   [&](Index i, Range columns) { sum_up(columns, blocks[i].arrays[0], blocks[i].row); });
  } else {
    const Index parts =
        std::min(useful_threads(kCost * static_cast<double>(p.size), threads), std::ssize(line_sums_));
    parallel_ranges(cols, unit, parts, [&](Index, Range columns) {
      sum_up(columns, values() + p.offset + columns.begin, p.row);
    });
  }
  double sum = 0;
  for (const double of_line : line_sums_) sum += of_line;
  return sum;
}

template <class T>
std::vector<T> Parameters<T>::statistics() const {
  std::vector<T> kept;
  for (const Parameter& p : plan_.parameters) {
    if (p.statistic) kept.insert(kept.end(), values() + p.offset, values() + p.offset + p.size);
  }
  return kept;
}

template <class T>
void Parameters<T>::set_statistics(const std::vector<T>& kept) {
  auto from = kept.begin();
  for (const Parameter& p : plan_.parameters) {
    if (!p.statistic) continue;
    std::copy(from, from + p.size, values() + p.offset);
    from += p.size;
  }
}

template <class T>
std::vector<T> Parameters<T>::vector_gradients() const {
  std::vector<T> kept;
  for (const Parameter& p : plan_.parameters) {
    if (p.is_vector && plan_.is_trained(p))
      kept.insert(kept.end(), gradients() + p.offset, gradients() + p.offset + p.size);
  }
  return kept;
}

template <class T>
void Parameters<T>::add_to_vector_gradients(const std::vector<T>& kept) {
  auto from = kept.begin();
  for (const Parameter& p : plan_.parameters) {
    for (Index j = 0; p.is_vector && plan_.is_trained(p) && j < p.size; ++j)
      gradients()[p.offset + j] += *from++;
  }
}

template <class T>
void Parameters<T>::add_penalty_gradient(const Parameter& p, double scale) {
  if (p.l1 == 0 && p.l2 == 0) return;
  kernels_.add_penalty_gradient(p.size, values() + p.offset, p.l1 * scale, p.l2 * scale,
                                gradients() + p.offset);
}

template <class T>
void Parameters<T>::finish_gradients(double scale) {
  for (const Parameter& p : plan_.parameters) {
    if (plan_.is_trained(p)) {
      add_penalty_gradient(p, scale);
    } else {
      std::fill(gradients() + p.offset, gradients() + p.offset + p.size, T(0));
    }
  }
}

template <class T>
ParameterRows<T> Parameters<T>::rows_of(const Parameter& p) {
  ParameterRows<T> all;
  all.size = p.size;
  all.p = values() + p.offset;
  all.g = gradients() + p.offset;
  for (int k = 0; k < slot_count(); ++k) all.slots[k] = slots(k) + p.offset;
  return all;
}

template <class T>
void Parameters<T>::update(Index parameter, const OptimizerStep& rule, double penalty_scale) {
  const Parameter& p = plan_.parameters[static_cast<std::size_t>(parameter)];
  ParameterRows<T> all = rows_of(p);
  all.l1 = p.l1 * penalty_scale;
  all.l2 = p.l2 * penalty_scale;
  kernels_.optimizer_step(rule, all);
}

template <class T>
void Parameters<T>::apply_gradients(std::int64_t iteration, double rate) {
  OptimizerStep rule = prepare_step(optimizer_, iteration, rate);
  const auto clip = [&](Index size, T* g, double limit) {
    if (limit > 0) rule.gradient_scale = norm_clip_factor(sum_of_squares(size, g), limit);
  };
  clip(plan_.parameter_size, gradients(), optimizer_.global_clip_norm);
  for (const Parameter& p : plan_.parameters) {
    if (!plan_.is_trained(p)) continue;
    clip(p.size, gradients() + p.offset, optimizer_.clip_norm);
    apply_update(rule, rows_of(p));
  }
}

}  // namespace picaflor
