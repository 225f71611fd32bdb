// Metrics: out, target (n, c) or class ids (n), weight (n) -> sum_i weight_i * metric_i, added up in blocks
// of kLossBlock rows as the losses are.
//
//   accuracy                     mean over c of [t == o]
//   binary_accuracy              mean over c of [t == (o > threshold)]
//   categorical_accuracy         [argmax t == argmax o], or with ids [id == argmax o]
//   sparse_categorical_accuracy  [id == argmax o]; without ids the id stands in the target's first column
//   squared_error                mean over c of (o - t)^2
//   absolute_error               mean over c of |o - t|
//
// Of equal maxima the first wins; a NaN is the greatest of all, as in numpy.argmax.
#pragma once

#include "picaflor/kernels/losses.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
Index argmax(const T* x, Index c) {
  Index best = 0;
  for (Index j = 1; j < c && x[best] == x[best]; ++j) {
    if (!(x[j] <= x[best])) {
      best = j;
    }
  }
  return best;
}

template <class T, class F>
double metric_rows(const MetricArgs<T>& a, const F& row_value) {
  double total = 0;
  for (Index first = 0; first < a.n; first += kLossBlock) {
    const Index last = a.n - first < kLossBlock ? a.n : first + kLossBlock;
    double block = 0;
    for (Index i = first; i < last; ++i) {
      const double value = row_value(i);
      block += a.weight == nullptr ? value : value * static_cast<double>(a.weight[i]);
    }
    total += block;
  }
  return total;
}

template <class T, class F>
double share_of_columns(const MetricArgs<T>& a, const F& is_right) {
  return metric_rows(a, [&](Index i) {
    Index right = 0;
    for (Index j = 0; j < a.c; ++j) {
      right += is_right(a.out[i * a.out_row + j], a.target[i * a.target_row + j]) ? 1 : 0;
    }
    return static_cast<double>(right) / static_cast<double>(a.c);
  });
}

template <class T>
double error_metric(const MetricArgs<T>& a, LossKind kind) {
  LossArgs<T> args;
  args.loss.kind = kind;
  args.n = a.n, args.c = a.c;
  args.out = a.out, args.out_row = a.out_row;
  args.target = a.target, args.target_row = a.target_row;
  args.weight = a.weight;
  return loss(args);
}

template <class T>
double metric(const MetricArgs<T>& a) noexcept {
  const auto out = [&](Index i) { return a.out + i * a.out_row; };
  const auto target = [&](Index i) { return a.target + i * a.target_row; };
  switch (a.metric.kind) {
    case MetricKind::accuracy:
      return share_of_columns(a, [](T o, T t) { return o == t; });
    case MetricKind::binary_accuracy:
      return share_of_columns(
          a, [at = static_cast<T>(a.metric.threshold)](T o, T t) { return t == static_cast<T>(o > at); });
    case MetricKind::categorical_accuracy:
      if (a.ids == nullptr) {
        return metric_rows(a,
                           [&](Index i) { return argmax(out(i), a.c) == argmax(target(i), a.c) ? 1. : 0.; });
      }
      [[fallthrough]];
    case MetricKind::sparse_categorical_accuracy:
      return metric_rows(a, [&](Index i) {
        const Index best = argmax(out(i), a.c);
        const bool right = a.ids != nullptr ? a.ids[i] == best : target(i)[0] == static_cast<T>(best);
        return right ? 1. : 0.;
      });
    case MetricKind::squared_error:
      return error_metric(a, LossKind::squared_error);
    case MetricKind::absolute_error:
      return error_metric(a, LossKind::absolute_error);
  }
  return 0;
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
