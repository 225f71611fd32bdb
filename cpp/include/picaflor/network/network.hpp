// A network of dense layers: its parameters and everything that is done to them, a range of minibatches at a
// time.
//
//   train  ->  load (batch.hpp)  ->  forward  ->  loss (loss.hpp)  ->  backward  ->  update (parameters.hpp)
//
// Each layer is updated right after its gradient is known.  One object is used by one caller at a time (the
// mutex); nothing here knows of Python.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

#include "picaflor/network/batch.hpp"
#include "picaflor/network/data.hpp"
#include "picaflor/network/inference.hpp"
#include "picaflor/network/loss.hpp"
#include "picaflor/network/optimizer.hpp"
#include "picaflor/network/parameters.hpp"
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

  T* parameters() const { return parameters_.values(); }
  T* gradients() const { return parameters_.gradients(); }
  T* slots(int k) const { return parameters_.slots(k); }
  int slot_count() const { return parameters_.slot_count(); }

  void set_trainable(Index layer, bool trainable) {
    plan_.trainable[static_cast<std::size_t>(layer)] = trainable;
  }
  void set_loss(const Loss& loss, const Reduction& reduction) {
    loss_ = fold_activation(loss, plan_);
    reduction_ = reduction;
  }
  void set_metrics(std::vector<WeightedMetric> metrics) { metrics_ = std::move(metrics); }
  // New state, unless it is asked to be kept and the rule keeps as much of it.
  void set_optimizer(const OptimizerConfig& config, bool keep_state) {
    parameters_.set_optimizer(config, keep_state);
  }

  std::int64_t iterations = 0;  // optimizer steps done
  RandomStream random;          // seed, and the number of minibatches that drew from it
  const Loss& loss() const { return loss_.loss; }

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
    return inference_.predict(kernels_, plan_, parameters(), x, out, out_row, interrupt);
  }

  // Predictions for the last minibatch given to any of the first three: (last_rows, output).
  Index last_rows() const { return batch_.n; }
  void last_output(T* out);

 private:
  StepContext<T> context(bool training, Watch* watch) {
    return {kernels_, plan_,    parameters(), gradients(), workspace_.threads, workspace_.scratch.data(),
            batch_.n, training, random,       watch};
  }
  const Step& step(Index s) const { return plan_.steps[static_cast<std::size_t>(s)]; }
  const T* input_of(Index s) const { return s == 0 ? batch_.x : output_of(s - 1); }
  Index input_row_of(Index s) const { return s == 0 ? batch_.x_row : step(s - 1).row; }
  T* output_of(Index s) const { return workspace_.outputs[static_cast<std::size_t>(s)]; }
  Moments<T> moments_of(Index s) const { return workspace_.moments[static_cast<std::size_t>(s)]; }
  // The loss stands where a step with the scores as its input would.
  const T* scores() const { return input_of(loss_.steps); }
  Index scores_row() const { return input_row_of(loss_.steps); }
  bool has_folded_activation() const { return loss_.steps < static_cast<Index>(plan_.steps.size()); }

  void load(const Dataset<T>& data, const std::int64_t* order, Index start, Index n, Index stop);
  void forward(const StepContext<T>& ctx);
  double loss_of_batch(T* dscores);
  // Calls update(step number, dy) for every layer to be trained, from the last to the first; the gradients of
  // a normalization are in the gradient buffer then.
  template <class Update>
  void backward(const StepContext<T>& ctx, const Update& update);
  void backward_into_gradients(const StepContext<T>& ctx);
  bool backward_and_update(const StepContext<T>& ctx, double rate);
  RangeSums no_sums() const;
  void add_batch(RangeSums& sums, double loss);
  // Roughly what a minibatch of n rows costs, counted like the operations of products.
  double work(Index n) const {
    return static_cast<double>(n) *
           (plan_.operations_per_row + 2 * kElementwiseCost * plan_.elements_per_row);
  }
  // Whether a minibatch of n rows may take so long that somebody would like to interrupt it.
  bool is_long(Index n) const { return static_cast<double>(n) * plan_.operations_per_row > 5e9; }
  double penalty_scale() const { return reduction_.penalty_per_sample ? 1 / denominator_ : 1; }

  const KernelTable<T>& kernels_;
  Plan plan_;
  mutable std::mutex mutex_;
  Parameters<T> parameters_;
  FoldedLoss loss_;
  Reduction reduction_;
  std::vector<WeightedMetric> metrics_;
  Workspace<T> workspace_;
  Inference<T> inference_;
  Batch<T> batch_;
  double denominator_ = 1;  // of the sum of its rows' losses
};

template <class T>
Network<T>::Network(Plan plan, std::uint64_t seed)
    : kernels_(picaflor::kernels().template of<T>()),
      plan_(std::move(plan)),
      parameters_(kernels_, plan_),
      loss_(fold_activation(Loss(), plan_)) {
  random.seed = seed;
}

// ----------------------------------------------------------------------------------- ranges of minibatches

template <class T>
RangeSums Network<T>::train(const Dataset<T>& data, const RangeRequest& request) {
  const FlushSubnormals mode;
  RangeSums sums = no_sums();
  workspace_.prepare(plan_, kernels_, std::min(request.batch_size, request.stop - request.start), true);
  Watch watch(request.seconds, request.interrupt);
  for (Index start = request.start; start < request.stop; start += request.batch_size) {
    const Index n = std::min(request.batch_size, request.stop - start);
    load(data, request.order, start, n, request.stop);
    const StepContext<T> ctx = context(true, is_long(n) ? &watch : nullptr);
    const std::vector<T> statistics = is_long(n) ? parameters_.statistics() : std::vector<T>();
    forward(ctx);
    const double loss = loss_of_batch(workspace_.dy[0]);
    sums.interrupted = !backward_and_update(ctx, request.rates[sums.batches]);
    if (sums.interrupted) {
      parameters_.set_statistics(statistics);
      break;
    }
    ++random.stream;
    add_batch(sums, loss);
    if (watch.is_over(work(n))) {
      sums.interrupted = watch.interrupted();
      break;
    }
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
    load(data, request.order, start, n, request.stop);
    forward(context(false, &watch));
    sums.interrupted = watch.interrupted();
    if (sums.interrupted) break;
    add_batch(sums, loss_of_batch(nullptr));
    if (watch.is_over(work(n))) {
      sums.interrupted = watch.interrupted();
      break;
    }
  }
  return sums;
}

template <class T>
double Network<T>::loss_and_gradients(const Dataset<T>& data, bool training, Interrupt interrupt) {
  workspace_.prepare(plan_, kernels_, data.x.rows, true);
  load(data, nullptr, 0, data.x.rows, data.x.rows);
  Watch watch(0, interrupt);
  const StepContext<T> ctx = context(training, &watch);
  const std::vector<T> statistics = parameters_.statistics();
  forward(ctx);
  const double loss = loss_of_batch(workspace_.dy[0]);
  backward_into_gradients(ctx);
  if (watch.interrupted()) {
    parameters_.set_statistics(statistics);
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (training) ++random.stream;
  return loss;
}

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
  if (has_folded_activation() && need_predictions(metrics_)) {
    last_output(workspace_.predictions);
    add_metrics(kernels_, metrics_, batch_, plan_.output, workspace_.predictions, plan_.output, sums);
  } else {
    add_metrics(kernels_, metrics_, batch_, plan_.output, scores(), scores_row(), sums);
  }
  if (!std::isfinite(loss) && sums.bad_batch < 0) sums.bad_batch = sums.batches;
  sums.loss += loss * static_cast<double>(batch_.n);
  sums.rows += batch_.n;
  ++sums.batches;
}

template <class T>
void Network<T>::last_output(T* out) {
  const T* y = scores();
  Index y_row = scores_row();
  if (has_folded_activation()) {
    const Step& last = plan_.steps.back();
    activation_forward(context(false, nullptr), last, y, y_row, workspace_.dy[1], last.row);
    y = workspace_.dy[1];
    y_row = last.row;
  }
  for (Index i = 0; i < batch_.n; ++i) {
    std::copy(y + i * y_row, y + i * y_row + plan_.output, out + i * plan_.output);
  }
}

// --------------------------------------------------------------------------------------------- one minibatch

template <class T>
void Network<T>::load(const Dataset<T>& data, const std::int64_t* order, Index start, Index n, Index stop) {
  batch_ = load_batch(kernels_, plan_, data, order, start, n, stop, workspace_);
  denominator_ = loss_denominator(reduction_.divide_by, batch_);
}

template <class T>
void Network<T>::forward(const StepContext<T>& ctx) {
  for (Index s = 0; s < loss_.steps; ++s) {
    if (!step(s).already_done)
      run_step(ctx, step(s), input_of(s), input_row_of(s), output_of(s), moments_of(s));
  }
}

// With the penalty; the gradient with respect to the scores goes to dscores, if any.
template <class T>
double Network<T>::loss_of_batch(T* dscores) {
  return batch_loss(kernels_, loss_.loss, batch_, denominator_, plan_.output, scores(), scores_row(),
                    dscores) +
         parameters_.penalty() * penalty_scale();
}

template <class T>
template <class Update>
void Network<T>::backward(const StepContext<T>& ctx, const Update& update) {
  T* dy = workspace_.dy[0];
  T* other = workspace_.dy[1];
  const Index first = plan_.first_trained_step();
  for (Index s = loss_.steps - 1; s >= first; --s) {
    const Step& now = step(s);
    switch (now.op) {
      case Op::dense:
        // dx first: the update changes the weights that it needs
        if (s > first) dense_backward_data(ctx, now, dy, other, now.in_row);
        if (plan_.is_trained(now)) update(s, dy);
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
        if (plan_.is_trained(now)) update(s, dy);
        break;
      case Op::layer_norm:
        layer_norm_backward(ctx, now, input_of(s), input_row_of(s), moments_of(s), dy);
        if (plan_.is_trained(now)) update(s, dy);
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
  parameters_.finish_gradients(penalty_scale());
}

template <class T>
void Network<T>::apply_gradients(double rate) {
  const FlushSubnormals mode;
  parameters_.apply_gradients(iterations, rate);
  ++iterations;
}

// Each layer is updated while its gradient is in cache, unless a norm of the gradients has to be known first,
// or the minibatch is so long that it may be interrupted in the middle: false if it was, and nothing was
// updated.
template <class T>
bool Network<T>::backward_and_update(const StepContext<T>& ctx, double rate) {
  const OptimizerConfig& optimizer = parameters_.optimizer();
  if (optimizer.clip_norm > 0 || optimizer.global_clip_norm > 0 || ctx.watch != nullptr) {
    backward_into_gradients(ctx);
    if (ctx.interrupted()) return false;
    apply_gradients(rate);
    return true;
  }
  const OptimizerStep rule = prepare_step(optimizer, iterations, rate);
  const auto slots = parameters_.slots();
  backward(ctx, [&](Index s, const T* dy) {
    const Step& now = step(s);
    if (now.op == Op::dense) {
      dense_update(ctx, now, input_of(s), input_row_of(s), dy, rule, penalty_scale(), slots.data());
      if (now.bias >= 0) dense_backward_bias(ctx, now, dy);
    }
    for (const Index i : {now.bias, now.gamma, now.beta}) {
      if (i >= 0) parameters_.update(i, rule, penalty_scale());
    }
  });
  ++iterations;
  return true;
}

}  // namespace picaflor
