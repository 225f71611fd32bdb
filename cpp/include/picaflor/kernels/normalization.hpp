// Batch and layer normalization, each forward with its backward under it.
//
//   h = (x - mean) scale,   scale = 1 / sqrt(variance + epsilon),   y = gamma h + beta
//
// Batch normalization takes mean and (biased) variance of a column over the n rows, layer normalization of a
// row over its d columns.  S. Ioffe, C. Szegedy, arXiv:1502.03167;  J. L. Ba, J. R. Kiros, G. E. Hinton,
// arXiv:1607.06450.
//
// The mean is kept as mean + rest, to twice the precision of T: where the spread is far below the mean, a
// rounded mean would be the largest error of h.  Moments are two passes in double: mean first, then the
// squares of the differences.  Batch normalization may be split by columns, layer normalization by rows (its
// weights' gradients by columns): the same bits for any split. Columns of zeros with gamma = beta = 0 give
// zeros, so batch normalization may run over the padding.
#pragma once

#include <cmath>
#include <limits>

#include "picaflor/kernels/sums.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {
namespace detail {

// A constant column has variance 0: without an epsilon h would be 0 times infinity.
template <class T>
double inverse_root(double variance, double epsilon) {
  constexpr double tiny = std::numeric_limits<T>::min();
  return 1 / std::sqrt(variance + (epsilon > tiny ? epsilon : tiny));
}

// f(first column, number of columns), block by block
template <class F>
void for_each_column_block(Index d, F f) {
  for (Index j = 0; j < d; j += kColumnBlock) f(j, d - j < kColumnBlock ? d - j : kColumnBlock);
}

// y_k = (x_k - mean_k - rest_k) factor_k + offset_k over the columns of a block
template <class T>
void scale_columns(const Normalization<T>& a, Index first, Index columns) {
  T mean[kColumnBlock], rest[kColumnBlock], factor[kColumnBlock], offset[kColumnBlock];
  for (Index k = 0; k < columns; ++k) {
    const Index j = first + k;
    mean[k] = a.mean[j];
    rest[k] = a.rest[j];
    factor[k] = a.gamma != nullptr ? a.gamma[j] * a.scale[j] : a.scale[j];
    offset[k] = a.beta != nullptr ? a.beta[j] : T(0);
  }
  const T* const x = a.x + first;
  const Index row = a.x_row;
  write_columns(a.n, columns, a.y + first, a.y_row, [&](Index i, Index k) {
    return (x[i * row + k] - mean[k] - rest[k]) * factor[k] + offset[k];
  });
}

}  // namespace detail

// With the moments of the batch.  mean, rest, scale (d) are written; so is y, which may be x.
//   moving = momentum moving + (1 - momentum) moment, where the moving moments are given
template <class T>
void batch_norm_forward(const Normalization<T>& a) noexcept {
  if (a.n == 0) return;
  const double share = 1 / static_cast<double>(a.n);
  detail::for_each_column_block(a.d, [&](Index first, Index columns) {
    const T* const x = a.x + first;
    const Index row = a.x_row;
    double mean[kColumnBlock], variance[kColumnBlock];
    column_block_sums(
        a.n, columns, [x, row](Index i, Index k) { return static_cast<double>(x[i * row + k]); }, mean);
    for (Index k = 0; k < columns; ++k) mean[k] *= share;
    const double* const centre = mean;
    const auto square = [x, row, centre](Index i, Index k) {
      const double difference = static_cast<double>(x[i * row + k]) - centre[k];
      return difference * difference;
    };
    column_block_sums(a.n, columns, square, variance);
    for (Index k = 0; k < columns; ++k) {
      const Index j = first + k;
      variance[k] *= share;
      a.mean[j] = static_cast<T>(mean[k]);
      a.rest[j] = static_cast<T>(mean[k] - static_cast<double>(a.mean[j]));
      a.scale[j] = static_cast<T>(detail::inverse_root<T>(variance[k], a.epsilon));
      if (a.moving_mean == nullptr) continue;
      a.moving_mean[j] = static_cast<T>(a.momentum * a.moving_mean[j] + (1 - a.momentum) * mean[k]);
      a.moving_variance[j] =
          static_cast<T>(a.momentum * a.moving_variance[j] + (1 - a.momentum) * variance[k]);
    }
    detail::scale_columns(a, first, columns);
  });
}

// dbeta = sum_i dy_i,   dgamma = sum_i dy_i h_i,   dx = gamma scale (dy - dbeta / n - h dgamma / n)
// dgamma, dbeta, dx are written where given; dx may be dy.
template <class T>
void batch_norm_backward(const NormalizationBackward<T>& a) noexcept {
  const T share = a.n > 0 ? T(1) / static_cast<T>(a.n) : T(0);
  detail::for_each_column_block(a.d, [&](Index first, Index columns) {
    const T *const x = a.x + first, *const dy = a.dy + first;
    const T *const mean = a.mean + first, *const rest = a.rest + first, *const scale = a.scale + first;
    const Index x_row = a.x_row, dy_row = a.dy_row;
    double dbeta[kColumnBlock], dgamma[kColumnBlock];
    column_block_sums(
        a.n, columns, [=](Index i, Index k) { return static_cast<double>(dy[i * dy_row + k]); }, dbeta);
    const auto along = [=](Index i, Index k) {
      return static_cast<double>(dy[i * dy_row + k]) *
             static_cast<double>((x[i * x_row + k] - mean[k] - rest[k]) * scale[k]);
    };
    column_block_sums(a.n, columns, along, dgamma);
    T factor[kColumnBlock], level[kColumnBlock], slope[kColumnBlock];
    for (Index k = 0; k < columns; ++k) {
      const Index j = first + k;
      if (a.dbeta != nullptr) a.dbeta[j] = static_cast<T>(dbeta[k]);
      if (a.dgamma != nullptr) a.dgamma[j] = static_cast<T>(dgamma[k]);
      factor[k] = a.gamma != nullptr ? a.gamma[j] * scale[k] : scale[k];
      level[k] = static_cast<T>(dbeta[k]) * share;
      slope[k] = static_cast<T>(dgamma[k]) * share * scale[k];
    }
    if (a.dx == nullptr) return;
    write_columns(a.n, columns, a.dx + first, a.dx_row, [&](Index i, Index k) {
      return factor[k] * (dy[i * dy_row + k] - level[k] - (x[i * x_row + k] - mean[k] - rest[k]) * slope[k]);
    });
  });
}

// With the moving moments as constants.  mean, rest, scale (d) are written all the same, for the backward.
template <class T>
void batch_norm_inference(const Normalization<T>& a) noexcept {
  for (Index j = 0; j < a.d; ++j) {
    a.mean[j] = a.moving_mean[j];
    a.rest[j] = 0;
    a.scale[j] =
        static_cast<T>(detail::inverse_root<T>(static_cast<double>(a.moving_variance[j]), a.epsilon));
  }
  detail::for_each_column_block(
      a.d, [&](Index first, Index columns) { detail::scale_columns(a, first, columns); });
}

// dbeta = sum_i dy_i,   dgamma = sum_i dy_i h_i,   dx = gamma scale dy
// dgamma, dbeta, dx are written where given; dx may be dy.
template <class T>
void batch_norm_inference_backward(const NormalizationBackward<T>& a) noexcept {
  detail::for_each_column_block(a.d, [&](Index first, Index columns) {
    const T *const x = a.x + first, *const dy = a.dy + first;
    const T *const mean = a.mean + first, *const rest = a.rest + first, *const scale = a.scale + first;
    const Index x_row = a.x_row, dy_row = a.dy_row;
    double sum[kColumnBlock];
    if (a.dbeta != nullptr) {
      column_block_sums(
          a.n, columns, [=](Index i, Index k) { return static_cast<double>(dy[i * dy_row + k]); }, sum);
      for (Index k = 0; k < columns; ++k) a.dbeta[first + k] = static_cast<T>(sum[k]);
    }
    if (a.dgamma != nullptr) {
      const auto along = [=](Index i, Index k) {
        return static_cast<double>(dy[i * dy_row + k]) *
               static_cast<double>((x[i * x_row + k] - mean[k] - rest[k]) * scale[k]);
      };
      column_block_sums(a.n, columns, along, sum);
      for (Index k = 0; k < columns; ++k) a.dgamma[first + k] = static_cast<T>(sum[k]);
    }
    if (a.dx == nullptr) return;
    T factor[kColumnBlock];
    for (Index k = 0; k < columns; ++k)
      factor[k] = a.gamma != nullptr ? a.gamma[first + k] * scale[k] : scale[k];
    write_columns(a.n, columns, a.dx + first, a.dx_row,
                  [&](Index i, Index k) { return factor[k] * dy[i * dy_row + k]; });
  });
}

// mean, rest, scale (n) and y are written; y may be x.  Columns past d are not touched.
template <class T>
void layer_norm_forward(const Normalization<T>& a) noexcept {
  if (a.d == 0) return;
  const double share = 1 / static_cast<double>(a.d);
  for (Index i = 0; i < a.n; ++i) {
    const T* const x = a.x + i * a.x_row;
    T* const y = a.y + i * a.y_row;
    const double mean = lane_sum(a.d, [x](Index j) { return static_cast<double>(x[j]); }) * share;
    const auto square = [x, mean](Index j) {
      const double difference = static_cast<double>(x[j]) - mean;
      return difference * difference;
    };
    const double variance = lane_sum(a.d, square) * share;
    const T centre = static_cast<T>(mean), rest = static_cast<T>(mean - static_cast<double>(centre));
    const T scale = static_cast<T>(detail::inverse_root<T>(variance, a.epsilon));
    a.mean[i] = centre;
    a.rest[i] = rest;
    a.scale[i] = scale;
    const T *const gamma = a.gamma, *const beta = a.beta;
    const auto h = [x, centre, rest, scale](Index j) { return (x[j] - centre - rest) * scale; };
    if (gamma == nullptr && beta == nullptr) {
      write_row(a.d, y, h);
    } else if (gamma == nullptr) {
      write_row(a.d, y, [h, beta](Index j) { return h(j) + beta[j]; });
    } else if (beta == nullptr) {
      write_row(a.d, y, [h, gamma](Index j) { return h(j) * gamma[j]; });
    } else {
      write_row(a.d, y, [h, gamma, beta](Index j) { return h(j) * gamma[j] + beta[j]; });
    }
  }
}

namespace detail {

// gradient(dy, j): with respect to h_j, from a row of dy.
template <class T, class Gradient>
void layer_norm_rows_backward(const NormalizationBackward<T>& a, Gradient gradient) {
  const T share = T(1) / static_cast<T>(a.d);
  for (Index i = 0; i < a.n; ++i) {
    const T* const x = a.x + i * a.x_row;
    const T* const dy = a.dy + i * a.dy_row;
    const T mean = a.mean[i], rest = a.rest[i], scale = a.scale[i];
    const auto h = [x, mean, rest, scale](Index j) { return (x[j] - mean - rest) * scale; };
    const auto dh = [dy, gradient](Index j) { return gradient(dy, j); };
    const double sum = lane_sum(a.d, [dh](Index j) { return static_cast<double>(dh(j)); });
    const auto product = [dh, h](Index j) { return static_cast<double>(dh(j)) * static_cast<double>(h(j)); };
    const double along = lane_sum(a.d, product);
    const T level = static_cast<T>(sum) * share, slope = static_cast<T>(along) * share;
    write_row(a.d, a.dx + i * a.dx_row, [=](Index j) { return scale * (dh(j) - level - h(j) * slope); });
  }
}

}  // namespace detail

// With dh = gamma dy:   dx = scale (dh - mean_j(dh) - h mean_j(dh h)),   row by row.   dx may be dy.
template <class T>
void layer_norm_backward(const NormalizationBackward<T>& a) noexcept {
  if (a.d == 0) return;
  if (const T* const gamma = a.gamma; gamma != nullptr) {
    detail::layer_norm_rows_backward(a, [gamma](const T* dy, Index j) { return gamma[j] * dy[j]; });
  } else {
    detail::layer_norm_rows_backward(a, [](const T* dy, Index j) { return dy[j]; });
  }
}

// dbeta = sum_i dy_i,   dgamma = sum_i dy_i h_i,   column by column, from the dy that layer_norm_backward may
// overwrite.  Written where given.
template <class T>
void layer_norm_weights_backward(const NormalizationBackward<T>& a) noexcept {
  const T *const mean = a.mean, *const rest = a.rest, *const scale = a.scale;
  detail::for_each_column_block(a.d, [&](Index first, Index columns) {
    const T *const x = a.x + first, *const dy = a.dy + first;
    const Index x_row = a.x_row, dy_row = a.dy_row;
    double sum[kColumnBlock];
    if (a.dbeta != nullptr) {
      column_block_sums(
          a.n, columns, [=](Index i, Index k) { return static_cast<double>(dy[i * dy_row + k]); }, sum);
      for (Index k = 0; k < columns; ++k) a.dbeta[first + k] = static_cast<T>(sum[k]);
    }
    if (a.dgamma != nullptr) {
      const auto along = [=](Index i, Index k) {
        return static_cast<double>(dy[i * dy_row + k]) *
               static_cast<double>((x[i * x_row + k] - mean[i] - rest[i]) * scale[i]);
      };
      column_block_sums(a.n, columns, along, sum);
      for (Index k = 0; k < columns; ++k) a.dgamma[first + k] = static_cast<T>(sum[k]);
    }
  });
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
