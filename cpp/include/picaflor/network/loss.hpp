// The loss of a minibatch, its gradient and its metrics, from the scores (n, c) with which the forward pass
// ends.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "picaflor/network/batch.hpp"
#include "picaflor/network/data.hpp"
#include "picaflor/network/loss_rows.hpp"
#include "picaflor/network/plan.hpp"

namespace picaflor {

// A loss as the engine computes it: from logits where the last activation was folded into it.
struct FoldedLoss {
  Loss loss;
  Index steps = 0;  // before it: all of the network, or all but the folded activation
};

// A cross-entropy right after its own activation is computed from the scores under that activation: the pair
// is stable where the two apart would form log(0), and its gradient is prediction minus target.
inline FoldedLoss fold_activation(const Loss& loss, const Plan& plan) {
  FoldedLoss folded{loss, static_cast<Index>(plan.steps.size())};
  if (plan.steps.empty() || plan.steps.back().op != Op::activation) return folded;
  const auto fold = [&](ActivationKind activation, LossKind from, LossKind to) {
    if (plan.steps.back().activation.kind != activation || loss.kind != from) return;
    folded.loss.kind = to;
    --folded.steps;
  };
  fold(ActivationKind::softmax, LossKind::categorical_cross_entropy,
       LossKind::categorical_cross_entropy_logits);
  fold(ActivationKind::sigmoid, LossKind::binary_cross_entropy, LossKind::binary_cross_entropy_logits);
  fold(ActivationKind::exponential, LossKind::poisson, LossKind::poisson_log);
  return folded;
}

// What the sum of the losses of rows order[start .. start + n) is divided by.
template <class T>
double loss_denominator(DivideBy divide_by, const Dataset<T>& data, const std::int64_t* order, Index start,
                        Index n) {
  if (divide_by == DivideBy::none) return 1;
  if (divide_by == DivideBy::rows || data.weight == nullptr) return static_cast<double>(n);
  double sum = 0;
  for (Index i = start; i < start + n; ++i) {
    sum += static_cast<double>(data.weight[order == nullptr ? i : order[i]]);
  }
  return sum;
}

// Loss of the minibatch without the penalty; its gradient with respect to the scores goes to dscores (rows
// padded), if any.
template <class T>
double batch_loss(const KernelTable<T>& kernels, const Loss& loss, const Batch<T>& batch, double denominator,
                  Index c, const T* scores, Index scores_row, T* dscores) {
  LossArgs<T> args;
  args.loss = loss;
  args.n = batch.n;
  args.c = c;
  args.out = scores;
  args.out_row = scores_row;
  args.target = batch.target;
  args.target_row = batch.target_row;
  args.ids = batch.ids;
  args.weight = batch.weight;
  args.scale = 1 / denominator;
  args.dout = dscores;
  args.dout_row = row_stride<T>(c);
  if (dscores != nullptr && args.dout_row != c) {  // the padding takes part in the products
    std::fill(dscores, dscores + batch.n * args.dout_row, T(0));
  }
  return loss_rows(kernels, args) / denominator;
}

// Whether a metric looks at more than which column is the largest, which a folded activation does not change.
inline bool need_predictions(const std::vector<WeightedMetric>& metrics) {
  return std::ranges::any_of(metrics, [](const WeightedMetric& m) {
    return m.metric.kind != MetricKind::categorical_accuracy &&
           m.metric.kind != MetricKind::sparse_categorical_accuracy;
  });
}

template <class T>
void add_metrics(const KernelTable<T>& kernels, const std::vector<WeightedMetric>& metrics,
                 const Batch<T>& batch, Index c, const T* predictions, Index predictions_row,
                 RangeSums& sums) {
  for (std::size_t k = 0; k < metrics.size(); ++k) {
    MetricArgs<T> args;
    args.metric = metrics[k].metric;
    args.n = batch.n;
    args.c = c;
    args.out = predictions;
    args.out_row = predictions_row;
    args.target = batch.target;
    args.target_row = batch.target_row;
    args.ids = batch.ids;
    args.weight = metrics[k].weighted ? batch.weight : nullptr;
    sums.metrics[k] += kernels.metric(args);
    sums.metric_weights[k] += metrics[k].weighted ? batch.sum_of_weights() : static_cast<double>(batch.n);
  }
}

}  // namespace picaflor
