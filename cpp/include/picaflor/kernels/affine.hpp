// Every column scaled and shifted by constants.  x, y, dy, dx: (n, d); factor, offset: (d), in double.
//   forward    y_ij  = x_ij f_j + o_j
//   backward   dx_ij = dy_ij f_j
// y may be x, dx may be dy.  Worked out in double: standardising values far from zero cancels most of their
// digits.
#pragma once

#include "picaflor/types.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
void affine_forward(Index n, Index d, const T* x, Index x_row, const double* factor, const double* offset,
                    T* y, Index y_row) noexcept {
  for (Index i = 0; i < n; ++i) {
    const T* const from = x + i * x_row;
    T* const to = y + i * y_row;
    for (Index j = 0; j < d; ++j)
      to[j] = static_cast<T>(static_cast<double>(from[j]) * factor[j] + offset[j]);
  }
}

template <class T>
void affine_backward(Index n, Index d, const T* dy, Index dy_row, const double* factor, T* dx,
                     Index dx_row) noexcept {
  for (Index i = 0; i < n; ++i) {
    const T* const from = dy + i * dy_row;
    T* const to = dx + i * dx_row;
    for (Index j = 0; j < d; ++j) to[j] = static_cast<T>(static_cast<double>(from[j]) * factor[j]);
  }
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
