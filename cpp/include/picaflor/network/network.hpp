// A network of dense layers: its parameters and everything that is done to them, a range of minibatches at a
// time.
//
//   train  ->  load (batch.hpp)  ->  forward  ->  loss (loss.hpp)  ->  backward  ->  update (parameters.hpp)
//
// Each layer is updated right after its gradient is known; gradients are kept until all are there only for a
// norm of them, or where a minibatch is so long that it goes through the network in passes (passes.hpp) or
// may be given up in the middle.  One object is used by one caller at a time (the mutex); nothing here knows
// of Python.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "picaflor/network/batch.hpp"
#include "picaflor/network/copy_rows.hpp"
#include "picaflor/network/data.hpp"
#include "picaflor/network/inference.hpp"
#include "picaflor/network/loss.hpp"
#include "picaflor/network/next_rows.hpp"
#include "picaflor/network/optimizer.hpp"
#include "picaflor/network/parameters.hpp"
#include "picaflor/network/passes.hpp"
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
  std::shared_ptr<const void> kept_slots(int k) const { return parameters_.kept_slots(k); }

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
  // Loss (penalty included) and its gradients for all rows as one minibatch; no update.  Not a number if
  // interrupted.
  double loss_and_gradients(const Dataset<T>& data, bool training, Interrupt interrupt);
  void apply_gradients(double rate);
  // Whether all of out (n, output) was written, rows `out_row` apart: false if interrupted.
  bool predict(const Rows& x, T* out, Index out_row, Interrupt interrupt) {
    return inference_.predict(kernels_, plan_, parameters(), x, out, out_row, interrupt);
  }

  // Predictions for the last minibatch given to any of the first three: (last_rows, output).
  Index last_rows() const { return last_rows_; }
  void last_output(T* out);

 private:
  // Rows order[start .. start + n) of the data; the rows after them, up to `stop`, are next.
  struct Minibatch {
    const std::int64_t* order = nullptr;
    Index start = 0, n = 0, stop = 0;
    bool at_once = false;  // updates_at_once(n)
  };

  StepContext<T> context(Index first_row, bool training, Watch* watch) {
    return {
        .kernels = kernels_,
        .plan = plan_,
        .parameters = parameters(),
        .gradients = gradients(),
        .threads = workspace_.threads,
        .workspaces = workspace_.scratch.data(),
        .first_row = first_row,
        .n = batch_.n,
        .training = training,
        .random = random,
        .watch = watch,
        .blocks = &blocks_,
    };
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

  // Pass by pass: forward, loss, its gradient for the scores where it is to go `backward`, then
  // each(context). Returns the loss, penalty included; nothing if interrupted.
  template <class Each>
  std::optional<double> run(const Dataset<T>& data, const Minibatch& minibatch, bool training, bool backward,
                            Watch& watch, const Each& each);
  void forward(const StepContext<T>& ctx);
  // Calls update(step number, dy) for every layer to be trained, from the last to the first; the gradients of
  // a normalization are in the gradient buffer then.
  template <class Update>
  void backward(const StepContext<T>& ctx, const Update& update);
  void backward_into_gradients(const StepContext<T>& ctx);
  void backward_and_update(const StepContext<T>& ctx, double rate);
  RangeSums no_sums() const;
  void add_metrics_of_pass(RangeSums& sums);
  void add_loss(RangeSums& sums, double loss) const;
  void keep_scores(Index first);
  void write_predictions(Index n, const T* from, Index from_row, T* out);
  void prepare(Index n, bool backward) {
    last_rows_ = 0;  // if memory does not suffice, the outputs are gone
    workspace_.prepare(plan_, kernels_, std::min(n, most_rows_), goes_in_passes(n) ? n : 0, backward);
  }
  bool goes_in_passes(Index n) const { return n > most_rows_; }
  // Whether gradients need not be kept: not for a norm of them all, nor for other passes, nor because the
  // minibatch may be given up in the middle.
  bool updates_at_once(Index n) const {
    const OptimizerConfig& optimizer = parameters_.optimizer();
    return optimizer.clip_norm == 0 && optimizer.global_clip_norm == 0 && !goes_in_passes(n) && !is_long(n);
  }
  // Whether the weights that the rows are multiplied by are updated by the caller's thread, which is to
  // gather the next rows: RowsAhead is for one thread.
  bool updates_first_step() const {
    const bool is_dense = !plan_.steps.empty() && plan_.steps[0].op == Op::dense;
    return is_dense && plan_.is_trained(plan_.steps[0]) && !workspace_.gathers_ahead();
  }
  // For the minibatches of a range: column_blocks.hpp.
  Index parts_in_blocks(const RangeRequest& request) const {
    const Index n = request.batch_size, minibatches = (request.stop - request.start) / n;
    const Index arrays = 1 + parameters_.slot_count();
    return updates_at_once(n)
               ? picaflor::parts_in_blocks(kernels_, plan_, n, minibatches, arrays, workspace_.threads)
               : 0;
  }
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
  ColumnBlocks<T> blocks_;
  Inference<T> inference_;
  Index most_rows_;         // at once
  Index last_rows_ = 0;     // of the last minibatch
  Batch<T> batch_;          // the pass of it that the buffers hold
  double denominator_ = 1;  // of the sum of its rows' losses
};

template <class T>
Network<T>::Network(Plan plan, std::uint64_t seed)
    : kernels_(picaflor::kernels().template of<T>()),
      plan_(std::move(plan)),
      parameters_(kernels_, plan_),
      loss_(fold_activation(Loss(), plan_)),
      most_rows_(most_rows_at_once<T>(plan_)) {
  random.seed = seed;
}

// ----------------------------------------------------------------------------------- ranges of minibatches

template <class T>
RangeSums Network<T>::train(const Dataset<T>& data, const RangeRequest& request) {
  const FlushSubnormals mode;
  RangeSums sums = no_sums();
  prepare(std::min(request.batch_size, request.stop - request.start), true);
  InBlocks<T> in_blocks(blocks_, plan_, parameters_.arrays(), parts_in_blocks(request));
  Watch watch(request.seconds, in_blocks.outside(request.interrupt));
  for (Index start = request.start; start < request.stop; start += request.batch_size) {
    const Index n = std::min(request.batch_size, request.stop - start);
    const double rate = request.rates[sums.batches];
    const bool at_once = updates_at_once(n);
    const std::vector<T> statistics = is_long(n) ? parameters_.statistics() : std::vector<T>();
    const auto backward = [&](const StepContext<T>& ctx) {
      if (at_once) {
        backward_and_update(ctx, rate);
      } else {
        backward_into_gradients(ctx);
      }
      add_metrics_of_pass(sums);
    };
    const Minibatch minibatch{request.order, start, n, request.stop, at_once};
    const std::optional<double> loss = run(data, minibatch, true, true, watch, backward);
    if (!loss) {
      parameters_.set_statistics(statistics);
      sums.interrupted = true;
      break;
    }
    if (!at_once) {
      parameters_.finish_gradients(penalty_scale());
      apply_gradients(rate);
    }
    ++random.stream;
    add_loss(sums, *loss);
    in_blocks.keep_balance();
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
  const Index batch_size = reduction_.divide_by == DivideBy::rows
                               ? std::max(request.batch_size, kMostRowsForward)
                               : request.batch_size;
  prepare(std::min(batch_size, request.stop - request.start), false);
  Watch watch(request.seconds, request.interrupt);
  for (Index start = request.start; start < request.stop; start += batch_size) {
    const Index n = std::min(batch_size, request.stop - start);
    const std::optional<double> loss = run(data, {request.order, start, n, request.stop}, false, false, watch,
                                           [&](const StepContext<T>&) { add_metrics_of_pass(sums); });
    if (loss) add_loss(sums, *loss);
    if (!loss || watch.is_over(work(n))) {
      sums.interrupted = watch.interrupted();
      break;
    }
  }
  return sums;
}

template <class T>
double Network<T>::loss_and_gradients(const Dataset<T>& data, bool training, Interrupt interrupt) {
  const Index n = data.x.rows;
  prepare(n, true);
  Watch watch(std::numeric_limits<double>::infinity(), interrupt);
  const std::vector<T> statistics = parameters_.statistics();
  const std::optional<double> loss = run(data, {nullptr, 0, n, n}, training, true, watch,
                                         [&](const StepContext<T>& ctx) { backward_into_gradients(ctx); });
  if (!loss) {
    parameters_.set_statistics(statistics);
    return std::numeric_limits<double>::quiet_NaN();
  }
  parameters_.finish_gradients(penalty_scale());
  if (training) ++random.stream;
  return *loss;
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
void Network<T>::add_metrics_of_pass(RangeSums& sums) {
  if (has_folded_activation() && need_predictions(metrics_)) {
    write_predictions(batch_.n, scores(), scores_row(), workspace_.predictions);
    add_metrics(kernels_, metrics_, batch_, plan_.output, workspace_.predictions, plan_.output, sums);
  } else {
    add_metrics(kernels_, metrics_, batch_, plan_.output, scores(), scores_row(), sums);
  }
}

template <class T>
void Network<T>::add_loss(RangeSums& sums, double loss) const {
  if (!std::isfinite(loss) && sums.bad_batch < 0) sums.bad_batch = sums.batches;
  sums.loss += loss * static_cast<double>(last_rows_);
  sums.rows += last_rows_;
  ++sums.batches;
}

template <class T>
void Network<T>::last_output(T* out) {
  if (last_rows_ == 0) return;  // there may be no buffers at all
  if (goes_in_passes(last_rows_)) {
    write_predictions(last_rows_, workspace_.kept, plan_.output, out);
  } else {
    write_predictions(last_rows_, scores(), scores_row(), out);
  }
}

// out (n, output) = what the scores of n rows stand for, rows not padded
template <class T>
void Network<T>::write_predictions(Index n, const T* from, Index from_row, T* out) {
  const Index c = plan_.output;
  copy_rows(n, c, from, from_row, out, c);
  if (!has_folded_activation()) return;
  StepContext<T> ctx = context(0, false, nullptr);
  ctx.n = n;
  activation_forward(ctx, plan_.steps.back(), out, c, out, c);
}

// --------------------------------------------------------------------------------------------- one minibatch

template <class T>
template <class Each>
std::optional<double> Network<T>::run(const Dataset<T>& data, const Minibatch& minibatch, bool training,
                                      bool backward, Watch& watch, const Each& each) {
  const auto [order, start, n, stop, at_once] = minibatch;
  last_rows_ = n;
  denominator_ = loss_denominator(reduction_.divide_by, data, order, start, n);
  double loss = parameters_.penalty(blocks_, workspace_.threads) * penalty_scale();
  const Index rows = rows_per_pass(n, most_rows_);
  Index first = 0;
  do {
    const Index count = std::min(rows, n - first);
    const Index end = start + first + count;
    std::optional<RowsAhead> by_update;
    if (at_once && updates_first_step()) {
      by_update = rows_ahead(data.x, order, end, std::min(count, stop - end));
    }
    const Index by_loading = by_update ? 0 : stop - end;  // rows ahead, asked for here or there
    batch_ = load_batch(kernels_, plan_, data, order, start + first, count, by_loading, workspace_);
    const NextRows<T> next(kernels_, plan_, data.x, order, end, count, stop, workspace_);
    StepContext<T> ctx = context(first, training, is_long(count) ? &watch : nullptr);
    if (by_update) ctx.rows_ahead = &*by_update;
    forward(ctx);
    loss += batch_loss(kernels_, loss_.loss, batch_, denominator_, plan_.output, scores(), scores_row(),
                       backward ? workspace_.dy[0] : nullptr);
    each(ctx);
    if (rows < n) keep_scores(first);
    first += count;
    if ((ctx.watch != nullptr || first < n) && watch.interrupted()) return std::nullopt;
  } while (first < n);
  return loss;
}

// Of the pass that begins with row `first`, for last_output.
template <class T>
void Network<T>::keep_scores(Index first) {
  const Index c = plan_.output;
  copy_rows(batch_.n, c, scores(), scores_row(), workspace_.kept + first * c, c);
}

template <class T>
void Network<T>::forward(const StepContext<T>& ctx) {
  for (Index s = 0; s < loss_.steps; ++s) {
    if (!step(s).already_done)
      run_step(ctx, step(s), input_of(s), input_row_of(s), output_of(s), moments_of(s));
  }
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
        if (s > first) dense_backward_data(ctx, now, dy, other);
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

// Added to those of the passes before.
template <class T>
void Network<T>::backward_into_gradients(const StepContext<T>& ctx) {
  const bool adds = ctx.first_row > 0;
  const std::vector<T> vectors = adds ? parameters_.vector_gradients() : std::vector<T>();
  backward(ctx, [&](Index s, const T* dy) {
    const Step& now = step(s);
    if (now.op == Op::dense) {
      dense_backward_kernel(ctx, now, input_of(s), input_row_of(s), dy);
      if (now.bias >= 0) dense_backward_bias(ctx, now, dy);
    }
  });
  if (adds) parameters_.add_to_vector_gradients(vectors);
}

template <class T>
void Network<T>::apply_gradients(double rate) {
  const FlushSubnormals mode;
  parameters_.apply_gradients(iterations, rate);
  ++iterations;
}

// Each layer is updated while its gradient is in cache.
template <class T>
void Network<T>::backward_and_update(const StepContext<T>& ctx, double rate) {
  const OptimizerStep rule = prepare_step(parameters_.optimizer(), iterations, rate);
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
}

}  // namespace picaflor
