// Batch and layer normalization as steps of a network:
//   y (n, d) = gamma (x - mean) scale + beta,   scale = 1 / sqrt(variance + epsilon)
// with moments (d) of the columns, or (n) of the rows; gamma, beta (d).
#pragma once

#include "picaflor/network/steps.hpp"

namespace picaflor {

// Where a forward leaves the moments that its backward reads: the mean, the rest of its digits, and
// 1 / standard deviation.
template <class T>
struct Moments {
  T* mean = nullptr;
  T* rest = nullptr;
  T* scale = nullptr;
};

// Elements of each of the three: one per column or one per row.
template <class T>
Index moments_size(const Step& step, Index n) {
  return step.op == Op::batch_norm ? step.row : step.op == Op::layer_norm ? padded<T>(n) : 0;
}

// A frozen batch normalization does what it does in inference.
template <class T>
bool uses_batch_moments(const StepContext<T>& ctx, const Step& step) {
  return ctx.training && ctx.plan.trainable[static_cast<std::size_t>(step.layer)];
}

// body(begin, end) for ranges of columns that begin at cache lines
template <class T, class Body>
void columns_threaded(const StepContext<T>& ctx, Index columns, const Body& body) {
  const double operations = kElementwiseCost * static_cast<double>(ctx.n) * static_cast<double>(columns);
  const Index parts = std::min(useful_threads(operations, ctx.threads), padded<T>(columns) / kLine<T>);
  if (parts <= 1) {
    body(Index{0}, columns);
    return;
  }
  parallel_ranges(columns, kLine<T>, parts, [&](Index, Range range) { body(range.begin, range.end); });
}

template <class T>
T* at(T* p, Index i) {
  return p == nullptr ? nullptr : p + i;
}

template <class T>
void batch_norm_forward(const StepContext<T>& ctx, const Step& step, const T* x, Index x_row, T* y,
                        Moments<T> moments) {
  const auto kernel =
      uses_batch_moments(ctx, step) ? ctx.kernels.batch_norm_forward : ctx.kernels.batch_norm_inference;
  columns_threaded(ctx, padded<T>(step.out), [&](Index begin, Index end) {
    Normalization<T> a;
    a.n = ctx.n;
    a.d = end - begin;
    a.x = x + begin;
    a.x_row = x_row;
    a.gamma = at(ctx.values(step.gamma), begin);
    a.beta = at(ctx.values(step.beta), begin);
    a.epsilon = step.epsilon;
    a.y = y + begin;
    a.y_row = step.row;
    a.mean = moments.mean + begin;
    a.rest = moments.rest + begin;
    a.scale = moments.scale + begin;
    a.moving_mean = ctx.values(step.mean) + begin;
    a.moving_variance = ctx.values(step.variance) + begin;
    a.momentum = step.momentum;
    kernel(a);
  });
}

// dx in place of dy; dgamma and dbeta go to the gradient buffer
template <class T>
void batch_norm_backward(const StepContext<T>& ctx, const Step& step, const T* x, Index x_row,
                         Moments<T> moments, T* dy) {
  const auto kernel = uses_batch_moments(ctx, step) ? ctx.kernels.batch_norm_backward
                                                    : ctx.kernels.batch_norm_inference_backward;
  columns_threaded(ctx, padded<T>(step.out), [&](Index begin, Index end) {
    NormalizationBackward<T> a;
    a.n = ctx.n;
    a.d = end - begin;
    a.dy = dy + begin;
    a.dy_row = step.row;
    a.x = x + begin;
    a.x_row = x_row;
    a.gamma = at(ctx.values(step.gamma), begin);
    a.mean = moments.mean + begin;
    a.rest = moments.rest + begin;
    a.scale = moments.scale + begin;
    a.dx = dy + begin;
    a.dx_row = step.row;
    a.dgamma = at(ctx.gradient(step.gamma), begin);
    a.dbeta = at(ctx.gradient(step.beta), begin);
    kernel(a);
  });
}

template <class T>
void layer_norm_forward(const StepContext<T>& ctx, const Step& step, const T* x, Index x_row, T* y,
                        Moments<T> moments) {
  rows_threaded(ctx.n, kElementwiseCost * static_cast<double>(step.out), ctx.threads,
                [&](Index begin, Index end) {
                  Normalization<T> a;
                  a.n = end - begin;
                  a.d = step.out;
                  a.x = x + begin * x_row;
                  a.x_row = x_row;
                  a.gamma = ctx.values(step.gamma);
                  a.beta = ctx.values(step.beta);
                  a.epsilon = step.epsilon;
                  a.y = y + begin * step.row;
                  a.y_row = step.row;
                  a.mean = moments.mean + begin;
                  a.rest = moments.rest + begin;
                  a.scale = moments.scale + begin;
                  ctx.kernels.layer_norm_forward(a);
                });
}

// dx in place of dy, after dgamma and dbeta
template <class T>
void layer_norm_backward(const StepContext<T>& ctx, const Step& step, const T* x, Index x_row,
                         Moments<T> moments, T* dy) {
  NormalizationBackward<T> a;
  a.n = ctx.n;
  a.d = step.out;
  a.dy = dy;
  a.dy_row = step.row;
  a.x = x;
  a.x_row = x_row;
  a.gamma = ctx.values(step.gamma);
  a.mean = moments.mean;
  a.rest = moments.rest;
  a.scale = moments.scale;
  a.dgamma = ctx.gradient(step.gamma);
  a.dbeta = ctx.gradient(step.beta);
  if (a.dgamma != nullptr || a.dbeta != nullptr) {
    columns_threaded(ctx, step.out, [&](Index begin, Index end) {
      NormalizationBackward<T> columns = a;
      columns.d = end - begin;
      columns.dy += begin;
      columns.x += begin;
      columns.dgamma = at(a.dgamma, begin);
      columns.dbeta = at(a.dbeta, begin);
      ctx.kernels.layer_norm_weights_backward(columns);
    });
  }
  a.dx = dy;
  a.dx_row = step.row;
  rows_threaded(ctx.n, kElementwiseCost * static_cast<double>(step.out), ctx.threads,
                [&](Index begin, Index end) {
                  NormalizationBackward<T> rows = a;
                  rows.n = end - begin;
                  rows.dy += begin * step.row;
                  rows.dx += begin * step.row;
                  rows.x += begin * x_row;
                  rows.mean += begin;
                  rows.rest += begin;
                  rows.scale += begin;
                  ctx.kernels.layer_norm_backward(rows);
                });
}

}  // namespace picaflor
