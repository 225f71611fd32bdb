// Row-major views of memory for kernel sources, in the namespace of the level being compiled.
#pragma once

#include <Eigen/Core>

#include "picaflor/kernels/table.hpp"

#ifndef PICAFLOR_LEVEL
#error "kernel headers are compiled by cpp/src/kernels, once per instruction-set level"
#endif

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
using Matrix = Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, Eigen::Unaligned,
                          Eigen::OuterStride<>>;
template <class T>
using ConstMatrix = Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>,
                               Eigen::Unaligned, Eigen::OuterStride<>>;

template <class T>
using Vector = Eigen::Map<Eigen::Matrix<T, 1, Eigen::Dynamic, Eigen::RowMajor>>;
template <class T>
using ConstVector = Eigen::Map<const Eigen::Matrix<T, 1, Eigen::Dynamic, Eigen::RowMajor>>;

// (n, m) elements at p, rows `row` elements apart.
template <class T>
Matrix<T> as_matrix(T* p, Index n, Index m, Index row) noexcept {
  return Matrix<T>(p, n, m, Eigen::OuterStride<>(row));
}
template <class T>
ConstMatrix<T> as_matrix(const T* p, Index n, Index m, Index row) noexcept {
  return ConstMatrix<T>(p, n, m, Eigen::OuterStride<>(row));
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
