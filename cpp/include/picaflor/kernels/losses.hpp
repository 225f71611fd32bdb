// Losses, value and gradient in one visit to each row.
//
//   out, target, dout (n, c) or ids (n), weight (n):
//   each_i = factor * loss(out_i, target_i),   dout_i = scale * weight_i * d each_i / d out_i
//   returns sum_i weight_i * each_i, added up in double, in blocks of kLossBlock rows
//
// The formulas: losses_pointwise.hpp (means over the columns), losses_categorical.hpp (sums over them).
// The values of a loss are cut off at its ceiling (see Loss) before the factor; the gradients are not.
// dout is written, never added to; it may be out. NaN in a row's data makes its loss NaN.
#pragma once

#include "picaflor/kernels/losses_categorical.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// One block of rows, Lanes::kRows at a time.  f(row, k) is a loss; `share` what its value is multiplied by.
template <class Lanes, class T, class F>
double loss_block(const LossArgs<T>& a, Index first, Index last, double share, const F& f) {
  using P = Packet<T>;
  double total = 0;
  for (Index i = first; i < last; i += Lanes::kRows) {
    const Index rows = last - i < Lanes::kRows ? last - i : Lanes::kRows;
    Lanes row(a, i, rows);

    alignas(kCacheLine) T lanes[P::kLanes];
    for (Index l = 0; l < P::kLanes; ++l) {
      const T weight = a.weight == nullptr ? T(1) : a.weight[l < rows ? i + l : i];
      lanes[l] = static_cast<T>(a.scale * share) * weight;
    }
    const P k = Lanes::kRows == 1 ? P::all(lanes[0]) : P::load(lanes);
    f(row, k).store(lanes);
    if (a.dout != nullptr) {
      row.finish(a.dout + i * a.dout_row, a.dout_row);
    }

    for (Index l = 0; l < rows; ++l) {
      const double value = share * static_cast<double>(lanes[l]);
      if (a.each != nullptr) {
        a.each[i + l] = static_cast<T>(value);
      }
      total += a.weight == nullptr ? value : value * static_cast<double>(a.weight[i + l]);
    }
  }
  return total;
}

template <class T, class F>
double loss_rows(const LossArgs<T>& a, double share, const F& f) {
  double total = 0;
  for (Index first = 0; first < a.n; first += kLossBlock) {
    const Index last = a.n - first < kLossBlock ? a.n : first + kLossBlock;
    total += a.c <= kNarrow<T> ? loss_block<RowLanes<T>>(a, first, last, share, f)
                               : loss_block<ColumnLanes<T>>(a, first, last, share, f);
  }
  return total;
}

template <class T, class F>
double pointwise_loss(const LossArgs<T>& a, const F& f) {
  const Packet<T> ceiling = constant<T>(a.loss.ceiling);
  return loss_rows(a, a.loss.factor / static_cast<double>(a.c),
                   [&](auto& row, Packet<T> k) { return pointwise_row(row, f, k, ceiling); });
}

template <class T, class F>
double categorical_loss(const LossArgs<T>& a, const F& f) {
  const Packet<T> ceiling = constant<T>(a.loss.ceiling);
  return loss_rows(a, a.loss.factor, [&](auto& row, Packet<T> k) { return min(f(row, k), ceiling); });
}

template <class T>
double loss(const LossArgs<T>& a) noexcept {
  static_assert(kLossBlock % Packet<T>::kLanes == 0);
  const double smoothing = a.loss.label_smoothing;
  switch (a.loss.kind) {
    case LossKind::squared_error:
      return pointwise_loss(a, SquaredError{});
    case LossKind::absolute_error:
      return pointwise_loss(a, AbsoluteError{});
    case LossKind::huber:
      return pointwise_loss(a, Huber{a.loss.delta});
    case LossKind::log_cosh:
      return pointwise_loss(a, LogCosh{});
    case LossKind::squared_log_error:
      return pointwise_loss(a, SquaredLogError{});
    case LossKind::absolute_percentage_error:
      return pointwise_loss(a, AbsolutePercentageError{});
    case LossKind::poisson:
      return pointwise_loss(a, Poisson{});
    case LossKind::poisson_log:
      return pointwise_loss(a, PoissonLog{});
    case LossKind::hinge:
      return pointwise_loss(a, Hinge{false});
    case LossKind::squared_hinge:
      return pointwise_loss(a, Hinge{true});
    case LossKind::binary_cross_entropy:
      return pointwise_loss(a, BinaryCrossEntropy{smoothing});
    case LossKind::binary_cross_entropy_logits:
      return pointwise_loss(a, BinaryCrossEntropyLogits{smoothing});
    case LossKind::categorical_cross_entropy:
      return categorical_loss(
          a, [&](auto& row, Packet<T> k) { return categorical_cross_entropy_row(row, smoothing, k); });
    case LossKind::categorical_cross_entropy_logits:
      return categorical_loss(
          a, [&](auto& row, Packet<T> k) { return softmax_cross_entropy_row(row, smoothing, k); });
    case LossKind::categorical_hinge:
      return categorical_loss(a, [&](auto& row, Packet<T> k) { return categorical_hinge_row(row, k); });
    case LossKind::kl_divergence:
      return categorical_loss(a, [&](auto& row, Packet<T> k) { return kl_divergence_row(row, k); });
    case LossKind::cosine_similarity:
      return categorical_loss(a, [&](auto& row, Packet<T> k) { return cosine_similarity_row(row, k); });
  }
  return 0;
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
