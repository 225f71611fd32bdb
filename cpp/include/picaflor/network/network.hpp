// A network of dense layers: its parameters and everything that is done to them, a range of minibatches at a
// time.
//
//   train  ->  load_batch  ->  forward  ->  loss  ->  backward (each layer's update beside its gradient)
//
// One object is used by one caller at a time (the mutex); nothing here knows of Python.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

#include "picaflor/network/data.hpp"
#include "picaflor/network/inference.hpp"
#include "picaflor/network/optimizer.hpp"
#include "picaflor/network/plan.hpp"
#include "picaflor/network/run_step.hpp"
#include "picaflor/network/watch.hpp"
#include "picaflor/network/workspace.hpp"
#include "picaflor/runtime/float_mode.hpp"

namespace picaflor {

template <class T>
class Network {
 public:
  Network(Plan plan, std::uint64_t seed);

  const Plan& plan() const { return plan_; }
  std::mutex& mutex() const { return mutex_; }

  T* parameters() const { return parameters_.data(); }
  T* gradients() const { return gradients_.data(); }
  T* slots(int k) const { return slots_[static_cast<std::size_t>(k)].data(); }
  int slot_count() const { return slot_count_; }

  void set_trainable(Index layer, bool trainable) {
    plan_.trainable[static_cast<std::size_t>(layer)] = trainable;
  }
  bool is_trained(Index parameter) const;
  void set_loss(const Loss& loss, const Reduction& reduction);
  void set_metrics(std::vector<WeightedMetric> metrics) { metrics_ = std::move(metrics); }
  // New state, unless it is asked to be kept and the rule keeps as much of it.
  void set_optimizer(const OptimizerConfig& config, bool keep_state);

  std::int64_t iterations = 0;  // optimizer steps done
  RandomStream random;          // seed, and the number of minibatches that drew from it
  const Loss& loss() const { return loss_; }

  // One optimizer step per minibatch.  After an interruption the parameters are those after the last whole
  // one.
  RangeSums train(const Dataset<T>& data, const RangeRequest& request);
  RangeSums evaluate(const Dataset<T>& data, const RangeRequest& request);
  // Loss (penalty included) and its gradients for all rows at once; no update.
  // Not a number if interrupted.
  double loss_and_gradients(const Dataset<T>& data, bool training, Interrupt interrupt);
  void apply_gradients(double rate);
  // Whether all of out (n, output) was written, rows `out_row` apart: false if interrupted.
  bool predict(const Rows& x, T* out, Index out_row, Interrupt interrupt) {
    return inference_.predict(kernels_, plan_, parameters_.data(), x, out, out_row, interrupt);
  }

  // Predictions for the last minibatch given to any of the first three: (last_rows, output).
  Index last_rows() const { return batch_.n; }
  void last_output(T* out);

 private:
  struct Batch {
    Index n = 0;
    const T* x = nullptr;
    Index x_row = 0;
    const T* target = nullptr;
    Index target_row = 0;
    const std::int64_t* ids = nullptr;
    const T* weight = nullptr;
    double denominator = 1;  // of the sum of the rows' losses
  };

  StepContext<T> context(bool training, Watch* watch) {
    return {kernels_,
            plan_,
            parameters_.data(),
            gradients_.data(),
            workspace_.threads,
            workspace_.scratch.data(),
            batch_.n,
            training,
            random,
            watch};
  }
  const Step& step(Index s) const { return plan_.steps[static_cast<std::size_t>(s)]; }
  const T* input_of(Index s) const { return s == 0 ? batch_.x : output_of(s - 1); }
  Index input_row_of(Index s) const { return s == 0 ? batch_.x_row : step(s - 1).row; }
  Moments<T> moments_of(Index s) const { return workspace_.moments[static_cast<std::size_t>(s)]; }
  T* output_of(Index s) const { return workspace_.outputs[static_cast<std::size_t>(s)]; }
  const T* scores() const { return loss_steps_ == 0 ? batch_.x : output_of(loss_steps_ - 1); }
  Index scores_row() const { return loss_steps_ == 0 ? batch_.x_row : step(loss_steps_ - 1).row; }

  void load_batch(const Dataset<T>& data, const std::int64_t* order, Index start, Index n, Index stop);
  void forward(const StepContext<T>& ctx);
  double loss_of_batch(T* dscores);
  double penalty() const;
  RangeSums no_sums() const;
  void add_batch(RangeSums& sums, double loss);
  void add_metrics(RangeSums& sums);
  // Calls update(step number, dy) for every layer to be trained, from the last to the first; the gradients of
  // a normalization are in the gradient buffer then.
  template <class Update>
  void backward(const StepContext<T>& ctx, const Update& update);
  void backward_into_gradients(const StepContext<T>& ctx);
  bool train_batch(double rate, const StepContext<T>& ctx);
  void update_parameter(Index i, const OptimizerStep& rule, double penalty_scale);
  std::array<T*, kMaxSlots> slot_pointers() const;
  Index first_trained_step() const;
  // Whether a minibatch of n rows may take so long that somebody would like to interrupt it.
  bool is_long(Index n) const { return static_cast<double>(n) * plan_.operations_per_row > 5e9; }
  double penalty_scale() const { return reduction_.penalty_per_sample ? 1 / batch_.denominator : 1; }

  const KernelTable<T>& kernels_;
  Plan plan_;
  mutable std::mutex mutex_;
  AlignedArray<T> parameters_, gradients_;
  std::array<AlignedArray<T>, kMaxSlots> slots_;
  int slot_count_ = 0;
  OptimizerConfig optimizer_;
  Loss loss_;             // as the engine computes it: from logits where an activation was folded in
  Index loss_steps_ = 0;  // steps before the loss: all of them, or all but the folded activation
  Reduction reduction_;
  std::vector<WeightedMetric> metrics_;
  Workspace<T> workspace_;
  Inference<T> inference_;
  Batch batch_;
};

// ------------------------------------------------------------------------------------------------- set-up

template <class T>
Network<T>::Network(Plan plan, std::uint64_t seed)
    : kernels_(picaflor::kernels().template of<T>()),
      plan_(std::move(plan)),
      parameters_(plan_.parameter_size),
      gradients_(plan_.parameter_size),
      loss_steps_(static_cast<Index>(plan_.steps.size())) {
  random.seed = seed;
  for (const Parameter& p : plan_.parameters) {
    for (Index j = 0; j < p.cols && p.is_vector; ++j)
      parameters_.data()[p.offset + j] = static_cast<T>(p.initial);
  }
}

template <class T>
bool Network<T>::is_trained(Index parameter) const {
  const Parameter& p = plan_.parameters[static_cast<std::size_t>(parameter)];
  return !p.statistic && plan_.trainable[static_cast<std::size_t>(p.layer)];
}

// A cross-entropy right after its own activation is computed from the scores under that activation: the pair
// is stable where the two apart would form log(0), and its gradient is prediction minus target.
template <class T>
void Network<T>::set_loss(const Loss& loss, const Reduction& reduction) {
  loss_ = loss;
  reduction_ = reduction;
  loss_steps_ = static_cast<Index>(plan_.steps.size());
  if (loss_steps_ == 0 || plan_.steps.back().op != Op::activation) return;
  const auto fold = [&](ActivationKind activation, LossKind from, LossKind to) {
    if (plan_.steps.back().activation.kind != activation || loss.kind != from) return;
    loss_.kind = to;
    --loss_steps_;
  };
  fold(ActivationKind::softmax, LossKind::categorical_cross_entropy,
       LossKind::categorical_cross_entropy_logits);
  fold(ActivationKind::sigmoid, LossKind::binary_cross_entropy, LossKind::binary_cross_entropy_logits);
  fold(ActivationKind::exponential, LossKind::poisson, LossKind::poisson_log);
}

template <class T>
void Network<T>::set_optimizer(const OptimizerConfig& config, bool keep_state) {
  const int count = picaflor::slot_count(config);
  const bool same = config.kind == optimizer_.kind && count == slot_count_;
  optimizer_ = config;
  if (keep_state && same) return;
  slot_count_ = count;
  for (int k = 0; k < kMaxSlots; ++k) {
    AlignedArray<T>& slot = slots_[static_cast<std::size_t>(k)];
    slot = AlignedArray<T>(k < count ? plan_.parameter_size : 0);
    std::fill(slot.data(), slot.data() + slot.size(), static_cast<T>(initial_slot_value(config)));
  }
}

// --------------------------------------------------------------------------------------------- one minibatch

// Rows order[start .. start + n), read where they lie if they can be; the rows after them, up to `stop`, are
// next.
template <class T>
void Network<T>::load_batch(const Dataset<T>& data, const std::int64_t* order, Index start, Index n,
                            Index stop) {
  batch_ = Batch{};
  batch_.n = n;
  if (order == nullptr && can_read_in_place<T>(data.x, plan_)) {
    batch_.x_row = data.x.row_bytes / static_cast<Index>(sizeof(T));
    batch_.x = static_cast<const T*>(data.x.data) + start * batch_.x_row;
  } else {
    batch_.x_row = row_stride<T>(plan_.input);
    batch_.x = workspace_.x;
    gather_rows(kernels_, data.x, order, start, n, std::min(stop - start - n, n), workspace_.x, batch_.x_row,
                workspace_.threads);
  }
  if (data.ids != nullptr) {
    batch_.ids = data.ids + start;
    if (order != nullptr) {
      for (Index i = 0; i < n; ++i) workspace_.ids[static_cast<std::size_t>(i)] = data.ids[order[start + i]];
      batch_.ids = workspace_.ids.data();
    }
  } else if (data.y.data != nullptr) {
    batch_.target = workspace_.target;
    batch_.target_row = row_stride<T>(plan_.output);
    gather_rows(kernels_, data.y, order, start, n, 0, workspace_.target, batch_.target_row,
                workspace_.threads);
  }
  if (data.weight != nullptr) {
    batch_.weight = data.weight + start;
    if (order != nullptr) {
      for (Index i = 0; i < n; ++i) workspace_.weight[i] = data.weight[order[start + i]];
      batch_.weight = workspace_.weight;
    }
  }
  if (reduction_.divide_by == DivideBy::rows ||
      (reduction_.divide_by == DivideBy::weights && !batch_.weight)) {
    batch_.denominator = static_cast<double>(n);
  } else if (reduction_.divide_by == DivideBy::weights) {
    batch_.denominator = 0;
    for (Index i = 0; i < n; ++i) batch_.denominator += static_cast<double>(batch_.weight[i]);
  }
}

template <class T>
void Network<T>::forward(const StepContext<T>& ctx) {
  for (Index s = 0; s < loss_steps_; ++s) {
    if (!step(s).already_done)
      run_step(ctx, step(s), input_of(s), input_row_of(s), output_of(s), moments_of(s));
  }
}

// Loss of the minibatch without the penalty; its gradient with respect to the scores goes to dscores, if any.
template <class T>
double Network<T>::loss_of_batch(T* dscores) {
  LossArgs<T> args;
  args.loss = loss_;
  args.n = batch_.n;
  args.c = plan_.output;
  args.out = scores();
  args.out_row = scores_row();
  args.target = batch_.target;
  args.target_row = batch_.target_row;
  args.ids = batch_.ids;
  args.weight = batch_.weight;
  args.scale = 1 / batch_.denominator;
  args.dout = dscores;
  args.dout_row = row_stride<T>(plan_.output);
  if (dscores != nullptr && args.dout_row != args.c) {  // the padding takes part in the products
    std::fill(dscores, dscores + batch_.n * args.dout_row, T(0));
  }
  return kernels_.loss(args) / batch_.denominator;
}

// l1 sum |w| + l2 sum w^2 over the parameters that are trained
template <class T>
double Network<T>::penalty() const {
  double sum = 0;
  for (std::size_t i = 0; i < plan_.parameters.size(); ++i) {
    const Parameter& p = plan_.parameters[i];
    if ((p.l1 == 0 && p.l2 == 0) || !is_trained(static_cast<Index>(i))) continue;
    const T* const w = parameters_.data() + p.offset;
    if (p.l1 != 0) sum += p.l1 * kernels_.sum_of_magnitudes(p.size(), w);
    if (p.l2 != 0) sum += p.l2 * kernels_.sum_of_squares(p.size(), w);
  }
  return sum * penalty_scale();
}

// Metrics look at predictions; where an activation was folded into the loss, only those that need it pay for
// it.
template <class T>
void Network<T>::add_metrics(RangeSums& sums) {
  if (metrics_.empty()) return;
  const bool folded = loss_steps_ < static_cast<Index>(plan_.steps.size());
  const T* predictions = scores();
  Index row = scores_row();
  if (folded) {
    bool needed = false;
    for (const WeightedMetric& m : metrics_) {
      needed |= m.metric.kind != MetricKind::categorical_accuracy &&
                m.metric.kind != MetricKind::sparse_categorical_accuracy;
    }
    if (needed) {
      last_output(workspace_.predictions);
      predictions = workspace_.predictions;
      row = plan_.output;
    }
  }
  for (std::size_t k = 0; k < metrics_.size(); ++k) {
    MetricArgs<T> args;
    args.metric = metrics_[k].metric;
    args.n = batch_.n;
    args.c = plan_.output;
    args.out = predictions;
    args.out_row = row;
    args.target = batch_.target;
    args.target_row = batch_.target_row;
    args.ids = batch_.ids;
    args.weight = metrics_[k].weighted ? batch_.weight : nullptr;
    sums.metrics[k] += kernels_.metric(args);
    double weights = static_cast<double>(batch_.n);
    if (args.weight != nullptr) {
      weights = 0;
      for (Index i = 0; i < batch_.n; ++i) weights += static_cast<double>(args.weight[i]);
    }
    sums.metric_weights[k] += weights;
  }
}

template <class T>
void Network<T>::last_output(T* out) {
  const Index c = plan_.output;
  if (loss_steps_ < static_cast<Index>(plan_.steps.size())) {
    activation_forward(context(false, nullptr), plan_.steps.back(), scores(), scores_row(), workspace_.dy[1],
                       plan_.steps.back().row);
    for (Index i = 0; i < batch_.n; ++i) {
      const T* const row = workspace_.dy[1] + i * plan_.steps.back().row;
      std::copy(row, row + c, out + i * c);
    }
    return;
  }
  for (Index i = 0; i < batch_.n; ++i) {
    const T* const row = scores() + i * scores_row();
    std::copy(row, row + c, out + i * c);
  }
}

// Gradients of the layers above the lowest one that is trained.
template <class T>
Index Network<T>::first_trained_step() const {
  for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
    const Step& now = plan_.steps[s];
    const bool has_parameters = now.kernel >= 0 || now.gamma >= 0 || now.beta >= 0;
    if (has_parameters && plan_.trainable[static_cast<std::size_t>(now.layer)]) return static_cast<Index>(s);
  }
  return static_cast<Index>(plan_.steps.size());
}

template <class T>
template <class Update>
void Network<T>::backward(const StepContext<T>& ctx, const Update& update) {
  T* dy = workspace_.dy[0];
  T* other = workspace_.dy[1];
  const Index first = first_trained_step();
  for (Index s = loss_steps_ - 1; s >= first; --s) {
    const Step& now = step(s);
    switch (now.op) {
      case Op::dense:
        // dx first: the update changes the weights that it needs
        if (s > first) dense_backward_data(ctx, now, dy, other, now.in_row);
        if (plan_.trainable[static_cast<std::size_t>(now.layer)]) update(s, dy);
        std::swap(dy, other);
        break;
      case Op::activation:
        activation_backward(ctx, now, now.in_place ? nullptr : input_of(s), input_row_of(s), output_of(s),
                            dy);
        break;
      case Op::dropout:
      case Op::gaussian_noise:
        noise_backward(ctx, now, dy);
        break;
      case Op::affine:
        affine_backward(ctx, now, dy);
        break;
      case Op::batch_norm:
        batch_norm_backward(ctx, now, input_of(s), input_row_of(s), moments_of(s), dy);
        if (plan_.trainable[static_cast<std::size_t>(now.layer)]) update(s, dy);
        break;
      case Op::layer_norm:
        layer_norm_backward(ctx, now, input_of(s), input_row_of(s), moments_of(s), dy);
        if (plan_.trainable[static_cast<std::size_t>(now.layer)]) update(s, dy);
        break;
    }
  }
}

template <class T>
void Network<T>::backward_into_gradients(const StepContext<T>& ctx) {
  backward(ctx, [&](Index s, const T* dy) {
    const Step& now = step(s);
    if (now.op == Op::dense) {
      dense_backward_kernel(ctx, now, input_of(s), input_row_of(s), dy);
      if (now.bias >= 0) dense_backward_bias(ctx, now, dy);
    }
  });
  for (std::size_t i = 0; i < plan_.parameters.size(); ++i) {
    const Parameter& p = plan_.parameters[i];
    T* const g = gradients_.data() + p.offset;
    if (!is_trained(static_cast<Index>(i))) {
      std::fill(g, g + p.size(), T(0));
    } else if (p.l1 != 0 || p.l2 != 0) {
      kernels_.add_penalty_gradient(p.size(), parameters_.data() + p.offset, p.l1 * penalty_scale(),
                                    p.l2 * penalty_scale(), g);
    }
  }
}

template <class T>
std::array<T*, kMaxSlots> Network<T>::slot_pointers() const {
  return {slots_[0].data(), slots_[1].data(), slots_[2].data()};
}

// One optimizer step on one parameter from its gradient in the gradient buffer.
template <class T>
void Network<T>::update_parameter(Index i, const OptimizerStep& rule, double penalty_scale) {
  const Parameter& p = plan_.parameters[static_cast<std::size_t>(i)];
  T* const w = parameters_.data() + p.offset;
  T* const g = gradients_.data() + p.offset;
  if (penalty_scale != 0 && (p.l1 != 0 || p.l2 != 0)) {
    kernels_.add_penalty_gradient(p.size(), w, p.l1 * penalty_scale, p.l2 * penalty_scale, g);
  }
  const auto at = [&](int k) { return k < slot_count_ ? slots(k) + p.offset : nullptr; };
  kernels_.optimizer_step(rule, p.size(), w, g, at(0), at(1), at(2));
}

template <class T>
void Network<T>::apply_gradients(double rate) {
  const FlushSubnormals mode;
  OptimizerStep rule = prepare_step(optimizer_, iterations, rate);
  if (optimizer_.global_clip_norm > 0) {
    rule.gradient_scale = norm_clip_factor(kernels_.sum_of_squares(plan_.parameter_size, gradients_.data()),
                                           optimizer_.global_clip_norm);
  }
  for (std::size_t i = 0; i < plan_.parameters.size(); ++i) {
    if (!is_trained(static_cast<Index>(i))) continue;
    if (optimizer_.clip_norm > 0) {
      const Parameter& p = plan_.parameters[i];
      rule.gradient_scale = norm_clip_factor(kernels_.sum_of_squares(p.size(), gradients_.data() + p.offset),
                                             optimizer_.clip_norm);
    }
    update_parameter(static_cast<Index>(i), rule, 0);
  }
  ++iterations;
}

// Each layer is updated while its gradient is in cache, unless a norm of the gradients has to be known first,
// or the minibatch is so long that it may be interrupted in the middle: false if it was, and nothing was
// updated.
template <class T>
bool Network<T>::train_batch(double rate, const StepContext<T>& ctx) {
  if (optimizer_.clip_norm > 0 || optimizer_.global_clip_norm > 0 || ctx.watch != nullptr) {
    backward_into_gradients(ctx);
    if (ctx.interrupted()) return false;
    apply_gradients(rate);
    return true;
  }
  const OptimizerStep rule = prepare_step(optimizer_, iterations, rate);
  const std::array<T*, kMaxSlots> slots = slot_pointers();
  backward(ctx, [&](Index s, const T* dy) {
    const Step& now = step(s);
    if (now.op == Op::dense) {
      dense_update(ctx, now, input_of(s), input_row_of(s), dy, rule, penalty_scale(), slots.data());
      if (now.bias >= 0) dense_backward_bias(ctx, now, dy);
    }
    for (const Index i : {now.bias, now.gamma, now.beta}) {
      if (i >= 0) update_parameter(i, rule, penalty_scale());
    }
  });
  ++iterations;
  return true;
}

// -------------------------------------------------------------------------------- ranges of minibatches

template <class T>
RangeSums Network<T>::no_sums() const {
  RangeSums sums;
  sums.metrics.assign(metrics_.size(), 0);
  sums.metric_weights.assign(metrics_.size(), 0);
  return sums;
}

// The metrics look at the outputs, which are still those from before the update.
template <class T>
void Network<T>::add_batch(RangeSums& sums, double loss) {
  add_metrics(sums);
  if (!std::isfinite(loss) && sums.bad_batch < 0) sums.bad_batch = sums.batches;
  sums.loss += loss * static_cast<double>(batch_.n);
  sums.rows += batch_.n;
  ++sums.batches;
}

template <class T>
RangeSums Network<T>::train(const Dataset<T>& data, const RangeRequest& request) {
  const FlushSubnormals mode;
  RangeSums sums = no_sums();
  workspace_.prepare(plan_, kernels_, std::min(request.batch_size, request.stop - request.start), true);
  Watch watch(request.seconds, request.interrupt);
  for (Index start = request.start; start < request.stop; start += request.batch_size) {
    const Index n = std::min(request.batch_size, request.stop - start);
    load_batch(data, request.order, start, n, request.stop);
    const StepContext<T> ctx = context(true, is_long(n) ? &watch : nullptr);
    forward(ctx);
    sums.interrupted = watch.interrupted();
    if (sums.interrupted) break;
    const double loss = loss_of_batch(workspace_.dy[0]) + penalty();
    sums.interrupted = !train_batch(request.rates[sums.batches], ctx);
    if (sums.interrupted) break;
    ++random.stream;
    add_batch(sums, loss);
    if (watch.time_over()) break;
  }
  return sums;
}

template <class T>
RangeSums Network<T>::evaluate(const Dataset<T>& data, const RangeRequest& request) {
  RangeSums sums = no_sums();
  // Where the rows' losses are averaged over rows, how they are grouped changes nothing but the speed.
  const Index batch_size =
      reduction_.divide_by == DivideBy::rows ? std::max<Index>(request.batch_size, 240) : request.batch_size;
  workspace_.prepare(plan_, kernels_, std::min(batch_size, request.stop - request.start), false);
  Watch watch(request.seconds, request.interrupt);
  for (Index start = request.start; start < request.stop; start += batch_size) {
    const Index n = std::min(batch_size, request.stop - start);
    load_batch(data, request.order, start, n, request.stop);
    forward(context(false, &watch));
    sums.interrupted = watch.interrupted();
    if (sums.interrupted) break;
    add_batch(sums, loss_of_batch(nullptr) + penalty());
    if (watch.time_over()) break;
  }
  return sums;
}

template <class T>
double Network<T>::loss_and_gradients(const Dataset<T>& data, bool training, Interrupt interrupt) {
  workspace_.prepare(plan_, kernels_, data.x.rows, true);
  load_batch(data, nullptr, 0, data.x.rows, data.x.rows);
  Watch watch(0, interrupt);
  const StepContext<T> ctx = context(training, &watch);
  forward(ctx);
  const double loss = loss_of_batch(workspace_.dy[0]) + penalty();
  backward_into_gradients(ctx);
  if (training) ++random.stream;
  return watch.interrupted() ? std::numeric_limits<double>::quiet_NaN() : loss;
}

}  // namespace picaflor
