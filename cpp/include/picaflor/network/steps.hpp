// One step of a network forward and, under it, backward: which kernel runs on which buffers.
//   forward   y (n, out) from x (n, in)
//   backward  dx (n, in) from dy (n, out), in another buffer for dense layers, in place of dy for the others
// Rows of x lie x_row elements apart, those of y and dy step.row, padding included.
#pragma once

#include <algorithm>
#include <cstring>

#include "picaflor/network/column_blocks.hpp"
#include "picaflor/network/matmul.hpp"
#include "picaflor/network/plan.hpp"
#include "picaflor/network/watch.hpp"
#include "picaflor/network/zeros.hpp"

namespace picaflor {

// What every step of one pass shares.
template <class T>
struct StepContext {
  const KernelTable<T>& kernels;
  const Plan& plan;
  T* parameters = nullptr;
  T* gradients = nullptr;
  Index threads = 1;
  T* const* workspaces = nullptr;  // one per thread
  Index first_row = 0, n = 0;      // the pass is rows first_row .. first_row + n of its minibatch
  bool training = false;
  RandomStream random = {};  // of this minibatch; each step takes its own stream of it
  Watch* watch = nullptr;    // asked in the middle of long steps, whose results then count for nothing
  const ColumnBlocks<T>* blocks = nullptr;  // of one layer's weights; or null
  RowsAhead* rows_ahead = nullptr;          // of the next minibatch, for the first step's update; or null

  bool in_blocks(const Step& step) const { return blocks != nullptr && blocks->hold(step.kernel); }
  bool interrupted() const { return watch != nullptr && watch->interrupted(); }

  const Parameter& parameter(Index i) const { return plan.parameters[static_cast<std::size_t>(i)]; }
  T* values(Index i) const { return i < 0 ? nullptr : parameters + parameter(i).offset; }
  T* gradient(Index i) const { return i < 0 ? nullptr : gradients + parameter(i).offset; }
  RandomStream stream(const Step& step) const {
    RandomStream s = random;
    s.stream = s.stream * 0x9e3779b97f4a7c15U + static_cast<std::uint64_t>(step.layer) + 1;
    return s;
  }
  // Vectorised work on the columns of a padded buffer need not stop at a ragged end.
  Index whole_vectors(Index columns) const {
    const Index lanes = columns > kernels.narrow_columns ? kernels.wide_lanes : kernels.lanes;
    return (columns + lanes - 1) & -lanes;  // a power of two
  }
};

// Rows that a product goes through between two questions whether to go on.
template <class T>
Index rows_between_questions(const StepContext<T>& ctx, const Step& step) {
  if (ctx.watch == nullptr) return ctx.n;
  const double per_row = 2.0 * static_cast<double>(step.in) * static_cast<double>(step.out);
  const Index rows = static_cast<Index>(kOperationsBetweenQuestions / per_row);
  return std::max<Index>(rows, kRowUnit) / kRowUnit * kRowUnit;
}

// Rough cost of an elementwise kernel, in the operations that useful_threads counts.
inline constexpr double kElementwiseCost = 16;

// A product whose rows are the minibatch's, a stretch of them after the other.
template <class T>
void rows_of_product(const StepContext<T>& ctx, const Step& step, Matmul<T>& product) {
  const Index stretch = rows_between_questions(ctx, step);
  for (Index row = 0; row < ctx.n && !ctx.interrupted(); row += stretch) {
    product.n = std::min(stretch, ctx.n - row);
    matmul_threaded(ctx.kernels, product, ctx.workspaces, ctx.threads);
    product.a += product.n * product.a_row;
    product.c += product.n * product.c_row;
  }
}

// body(i, columns, block) for the blocks of a layer's weights, by a thread each where that is worth it.
template <class T, class Body>
void each_block(const StepContext<T>& ctx, const Step& step, const Body& body) {
  const ColumnBlocks<T>& blocks = *ctx.blocks;
  const auto one = [&](Index i, Range columns) { body(i, columns, blocks[i]); };
  const Grid grid = grid_for(ctx.kernels, ctx.n, step.out, step.in, ctx.threads);
  if (grid.parts > 1) return parallel_parts(blocks.columns(), one);
  for (Index i = 0; const Range columns : blocks.columns()) one(i++, columns);
}

// A product with weights that are in blocks.
template <class T>
void product_in_blocks(const StepContext<T>& ctx, const Step& step, const Matmul<T>& product) {
  each_block(ctx, step, [&](Index i, Range columns, const auto& block) {
    Matmul<T> part = product;
    part.n = ctx.n;
    part.m = columns.size();
    part.b = block.arrays[0];
    part.b_row = block.row;
    part.c += columns.begin;
    if (part.bias != nullptr) part.bias += columns.begin;
    part.workspace = ctx.workspaces[i];
    ctx.kernels.matmul(part);
  });
}

// A step of the optimizer on weights that are in blocks.
template <class T>
void update_in_blocks(const StepContext<T>& ctx, const Step& step, const DenseUpdate<T>& update) {
  each_block(ctx, step, [&](Index i, Range columns, const auto& block) {
    DenseUpdate<T> part = update;
    part.m = columns.size();
    part.dz += columns.begin;
    part.w = block.arrays[0];
    part.w_row = block.row;
    std::copy_n(block.arrays.begin() + 1, kMaxSlots, part.slots);
    part.workspace = ctx.workspaces[i];
    ctx.kernels.dense_update(part);
  });
}

// y (n, out) = x w + b
template <class T>
void dense_forward(const StepContext<T>& ctx, const Step& step, const T* x, Index x_row, T* y) {
  const Parameter& kernel = ctx.parameter(step.kernel);
  const bool in_blocks = ctx.in_blocks(step);
  const Index row_parts = in_blocks ? 1 : ctx.threads;              // where zeros are left out
  if (kernel.transposed) std::fill(y, y + ctx.n * step.row, T(0));  // the product leaves the padding alone
  Matmul<T> product{
      .m = kernel.transposed ? step.out : ctx.whole_vectors(step.out),
      .k = step.in,
      .a = x,
      .a_row = x_row,
      .b = ctx.values(step.kernel),
      .b_row = kernel.row_step(),
      .b_col = kernel.col_step(),
      .c = y,
      .c_row = step.row,
      .bias = ctx.values(step.bias),
      .init = step.bias < 0 ? MatmulInit::zero : MatmulInit::bias,
      .end = step.relu_at_end ? MatmulEnd::relu : MatmulEnd::store,
      .zeros = zeros_of(ctx.kernels, row_parts, ctx.n, step.in, x, x_row, step.out),
      .is_few_columns = kernel.transposed,
  };
  if (in_blocks) return product_in_blocks(ctx, step, product);
  rows_of_product(ctx, step, product);
}

// dx (n, in) = dy w^T; the padding of dx becomes zero
template <class T>
void dense_backward_data(const StepContext<T>& ctx, const Step& step, const T* dy, T* dx) {
  const Parameter& kernel = ctx.parameter(step.kernel);
  const bool is_few_rows = are_few_rows<T>(ctx.n, step.out);
  Matmul<T> product{
      .m = step.in,
      .k = step.out,
      .a = dy,
      .a_row = step.row,
      .b = ctx.values(step.kernel),
      .b_row = kernel.col_step(),
      .b_col = kernel.row_step(),
      .c = dx,
      .c_row = step.in_row,
      .is_few_rows = is_few_rows,
  };
  if (!is_few_rows) {
    product.zeros = zeros_of(ctx.kernels, ctx.threads, ctx.n, step.out, dy, step.row, step.in);
  }
  rows_of_product(ctx, step, product);
  if (step.in_row == step.in) return;
  for (Index i = 0; i < ctx.n; ++i) {
    std::fill(dx + i * step.in_row + step.in, dx + (i + 1) * step.in_row, T(0));
  }
}

// db = sums of the columns of dy, written
template <class T>
void dense_backward_bias(const StepContext<T>& ctx, const Step& step, const T* dy) {
  T* const db = ctx.gradients + ctx.parameter(step.bias).offset;
  ctx.kernels.column_sums(ctx.n, step.out, dy, step.row, db);
}

// A step by the rule on weights whose gradient is x^T dy, from n rows, and `penalty_scale` times that of
// their penalty.  That of weights which are kept transposed is dy^T x, too little work to look for zeros.
template <class T>
DenseUpdate<T> update_of(const StepContext<T>& ctx, const Step& step, Index n, const T* x, Index x_row,
                         const T* dy, const OptimizerStep& rule, double penalty_scale) {
  const Parameter& kernel = ctx.parameter(step.kernel);
  DenseUpdate<T> update;
  update.n = n;
  update.w_row = kernel.row;
  update.step = &rule;
  update.l1 = kernel.l1 * penalty_scale;
  update.l2 = kernel.l2 * penalty_scale;
  if (kernel.transposed) {
    update.d = step.out;
    update.m = step.in;
    update.x = dy;
    update.x_row = step.row;
    update.dz = x;
    update.dz_row = x_row;
  } else {
    update.d = step.in;
    update.m = ctx.whole_vectors(step.out);
    update.x = x;
    update.x_row = x_row;
    update.dz = dy;
    update.dz_row = step.row;
    update.leaves_out_zeros =
        zeros_to_leave_out(ctx.kernels, n, step.in, x, x_row, step.out, dy, step.row, is_sum(update));
    // What is transposed, is transposed by whole vectors, and those of the table's wider products are longer.
    if (update.leaves_out_zeros == ZerosOf::dz) update.m = padded<T>(step.out);
  }
  return update;
}

// One step on the weights, by the rule and with the gradient that are set in `update`.
template <class T>
void update_threaded(const StepContext<T>& ctx, DenseUpdate<T>& update) {
  Grid grid = grid_for(ctx.kernels, update.d, update.m, update.n, ctx.threads);
  // Without state, the columns of the forward product; state is split by rows, so that what a core streams
  // through lies together: of parts of rows, its prefetching would also fetch what another core is writing.
  const bool by_rows = update.slots[0] != nullptr || update.leaves_out_zeros != ZerosOf::neither;
  if (by_rows && update.d >= grid.parts * kRowUnit) grid.by_rows = true;
  if (grid.parts == 1) {
    update.workspace = ctx.workspaces[0];
    ctx.kernels.dense_update(update);
    return;
  }
  blocks_threaded<T>(grid, update.d, update.m, [&](Index i, Range rows, Range cols) {
    const Index corner = rows.begin * update.w_row + cols.begin;
    DenseUpdate<T> part = update;
    part.d = rows.size();
    part.m = cols.size();
    part.x += rows.begin;
    part.dz += cols.begin;
    part.w += corner;
    if (i > 0) part.rows_ahead = nullptr;  // for one thread
    for (T*& slot : part.slots) slot = slot == nullptr ? nullptr : slot + corner;
    part.workspace = ctx.workspaces[i];
    ctx.kernels.dense_update(part);
  });
}

// The gradient of the weights, used for one optimizer step at once and then forgotten.
template <class T>
void dense_update(const StepContext<T>& ctx, const Step& step, const T* x, Index x_row, const T* dy,
                  const OptimizerStep& rule, double penalty_scale, T* const* slots) {
  const Parameter& kernel = ctx.parameter(step.kernel);
  DenseUpdate<T> update = update_of(ctx, step, ctx.n, x, x_row, dy, rule, penalty_scale);
  if (ctx.in_blocks(step)) return update_in_blocks(ctx, step, update);
  if (&step == ctx.plan.steps.data()) update.rows_ahead = ctx.rows_ahead;
  update.w = ctx.values(step.kernel);
  for (int s = 0; s < kMaxSlots; ++s) {
    if (slots[s] != nullptr) update.slots[s] = slots[s] + kernel.offset;
  }
  update_threaded(ctx, update);
}

// The gradient of the first rows, written to gradient.w.
template <class T>
void store_gradient(const StepContext<T>& ctx, const DenseUpdate<T>& gradient) {
  Matmul<T> product{
      .n = gradient.d,
      .m = gradient.m,
      .k = gradient.n,
      .a = gradient.x,
      .a_row = 1,
      .a_col = gradient.x_row,
      .b = gradient.dz,
      .b_row = gradient.dz_row,
      .c = gradient.w,
      .c_row = gradient.w_row,
  };
  matmul_threaded(ctx.kernels, product, ctx.workspaces, ctx.threads);
}

// dw (in, out) = x^T dy, added to that of the passes before:  dw - (-1) x^T dy, a step of gradient descent on
// dw at the rate -1, since that leaves out zeros and is shared by threads already.  Where zeros are left out,
// the first rows too are added, to nothing.
template <class T>
void dense_backward_kernel(const StepContext<T>& ctx, const Step& step, const T* x, Index x_row,
                           const T* dy) {
  static constexpr OptimizerStep kAccumulate{.rate = -1};
  T* const dw = ctx.gradient(step.kernel);
  const Index stretch = std::max<Index>(rows_between_questions(ctx, step), 1);
  for (Index row = 0; row == 0 || (row < ctx.n && !ctx.interrupted()); row += stretch) {
    const Index n = std::min(stretch, ctx.n - row);
    DenseUpdate<T> update =
        update_of(ctx, step, n, x + row * x_row, x_row, dy + row * step.row, kAccumulate, 0);
    update.w = dw;
    if (ctx.first_row + row == 0) {
      if (update.leaves_out_zeros == ZerosOf::neither) {
        store_gradient(ctx, update);
        continue;
      }
      std::fill_n(dw, ctx.parameter(step.kernel).size, T(0));
    }
    update_threaded(ctx, update);
  }
}

// y = f(x) over n rows of `step.row` elements, padding included, or over the c columns of softmax
template <class T>
void activation_forward(const StepContext<T>& ctx, const Step& step, const T* x, Index x_row, T* y,
                        Index y_row) {
  rows_threaded(
      ctx.n, kElementwiseCost * static_cast<double>(step.out), ctx.threads, [&](Index begin, Index end) {
        const T* const x0 = x + begin * x_row;
        T* const y0 = y + begin * y_row;
        const Index n = end - begin;
        if (step.activation.kind == ActivationKind::softmax) {
          ctx.kernels.softmax_forward(n, step.out, x0, x_row, y0, y_row);
        } else if (step.activation.kind == ActivationKind::log_softmax) {
          ctx.kernels.log_softmax_forward(n, step.out, x0, x_row, y0, y_row);
        } else if (x_row == y_row) {
          ctx.kernels.activation_forward(step.activation, n * y_row, x0, y0);
        } else {  // a user's rows, not padded like ours
          for (Index i = 0; i < n; ++i) {
            ctx.kernels.activation_forward(step.activation, step.out, x0 + i * x_row, y0 + i * y_row);
          }
        }
      });
}

// dx = dy f'(x), in place of dy
template <class T>
void activation_backward(const StepContext<T>& ctx, const Step& step, const T* x, Index x_row, const T* y,
                         T* dy) {
  const Index row = step.row;
  rows_threaded(ctx.n, kElementwiseCost * static_cast<double>(step.out), ctx.threads,
                [&](Index begin, Index end) {
                  T* const dy0 = dy + begin * row;
                  const T* const y0 = y + begin * row;
                  const T* const x0 = x == nullptr ? nullptr : x + begin * x_row;
                  const Index n = end - begin;
                  if (step.activation.kind == ActivationKind::softmax) {
                    ctx.kernels.softmax_backward(n, step.out, dy0, row, y0, row, dy0, row);
                  } else if (step.activation.kind == ActivationKind::log_softmax) {
                    ctx.kernels.log_softmax_backward(n, step.out, dy0, row, y0, row, dy0, row);
                  } else if (x_row == row || !needs_input(step.activation.kind)) {
                    ctx.kernels.activation_backward_output(step.activation, n * row, dy0, y0, x0, dy0);
                  } else {
                    for (Index i = 0; i < n; ++i) {
                      ctx.kernels.activation_backward_output(step.activation, step.out, dy0 + i * row,
                                                             y0 + i * row, x0 + i * x_row, dy0 + i * row);
                    }
                  }
                });
}

// y = x without a share of its elements (or with noise added); the identity outside training
template <class T>
void noise_forward(const StepContext<T>& ctx, const Step& step, const T* x, Index x_row, T* y) {
  const RandomStream whole = ctx.stream(step);
  rows_threaded(ctx.n, kElementwiseCost * static_cast<double>(step.out), ctx.threads,
                [&](Index begin, Index end) {
                  for (Index i = begin; i < end; ++i) {
                    const T* const from = x + i * x_row;
                    T* const to = y + i * step.row;
                    RandomStream stream = whole;
                    stream.first = static_cast<std::uint64_t>((ctx.first_row + i) * step.out);
                    if (!ctx.training) {
                      std::memcpy(to, from, static_cast<std::size_t>(step.out) * sizeof(T));
                    } else if (step.op == Op::dropout) {
                      ctx.kernels.dropout(stream, step.rate, step.out, from, to);
                    } else {
                      ctx.kernels.gaussian_noise(stream, step.rate, step.out, from, to);
                    }
                  }
                });
}

// dx = dy under the same mask, in place; noise that was added has derivative one
template <class T>
void noise_backward(const StepContext<T>& ctx, const Step& step, T* dy) {
  if (ctx.training && step.op == Op::dropout) noise_forward(ctx, step, dy, step.row, dy);
}

// y = x factor + offset
template <class T>
void affine_forward(const StepContext<T>& ctx, const Step& step, const T* x, Index x_row, T* y) {
  const double* const factor = ctx.plan.constants.data() + step.factor;
  const double* const offset = ctx.plan.constants.data() + step.offset;
  rows_threaded(ctx.n, kElementwiseCost * static_cast<double>(step.out), ctx.threads,
                [&](Index begin, Index end) {
                  ctx.kernels.affine_forward(end - begin, step.out, x + begin * x_row, x_row, factor, offset,
                                             y + begin * step.row, step.row);
                });
}

// dx = dy factor, in place of dy
template <class T>
void affine_backward(const StepContext<T>& ctx, const Step& step, T* dy) {
  ctx.kernels.affine_backward(ctx.n, step.out, dy, step.row, ctx.plan.constants.data() + step.factor, dy,
                              step.row);
}

}  // namespace picaflor
