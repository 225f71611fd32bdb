// The forward pass of any step.
#pragma once

#include "picaflor/network/normalization.hpp"
#include "picaflor/network/steps.hpp"

namespace picaflor {

// y = what this step makes of x.
template <class T>
void run_step(const StepContext<T>& ctx, const Step& step, const T* x, Index x_row, T* y,
              Moments<T> moments) {
  switch (step.op) {
    case Op::dense:
      dense_forward(ctx, step, x, x_row, y);
      break;
    case Op::activation:
      activation_forward(ctx, step, x, x_row, y, step.row);
      break;
    case Op::dropout:
    case Op::gaussian_noise:
      noise_forward(ctx, step, x, x_row, y);
      break;
    case Op::affine:
      affine_forward(ctx, step, x, x_row, y);
      break;
    case Op::batch_norm:
      batch_norm_forward(ctx, step, x, x_row, y, moments);
      break;
    case Op::layer_norm:
      layer_norm_forward(ctx, step, x, x_row, y, moments);
      break;
  }
}

}  // namespace picaflor
