// The one table of functions that an instruction-set level hands out, and the plain structs its functions
// take. Everything here is plain data: it is the only kernel header that baseline code (engine, bindings)
// includes.
//
// Letters: n rows, d inputs, m outputs, c classes.  A `*_row` is the distance between two rows, in elements.
// Kernels trust their caller: sizes are >= 0 and the pointers cover what the sizes say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace picaflor {

using Index = std::ptrdiff_t;

// Every row of an engine buffer (of weights that are kept transposed: every column) starts on a cache line
// and is padded with zeros to a whole number of them.
inline constexpr Index kCacheLine = 64;
template <class T>
inline constexpr Index kLine = kCacheLine / static_cast<Index>(sizeof(T));  // in elements

template <class T>
constexpr Index padded(Index columns) {
  return (columns + kLine<T> - 1) / kLine<T> * kLine<T>;
}

// ---------------------------------------------------------------------------------------- matrix product

enum class MatmulInit { zero, bias, accumulate };  // what the sums start from: 0, bias_j, or c_ij
enum class MatmulEnd {
  store,      // c = s
  relu,       // c = max(s, 0), a NaN stays
  add_scaled  // c = c + alpha (s + beta c), with init zero and k <= kMaxScaledDepth
};

inline constexpr Index kMaxScaledDepth = 384;  // longer sums pass through c, which add_scaled has to keep

// What becomes of the zeros of a left operand: they are multiplied by, or left out; then the right operand is
// packed, or read where it lies.
enum class Zeros { multiplied, left_out, left_out_in_place };

// Rows of the caller's that are wanted next.  Asked for are those before `row`, and the bytes before `at` of
// that one; who asks changes both without a lock, so that it is for products of one thread.
struct RowsAhead {
  const char* x = nullptr;
  const std::int64_t* rows = nullptr;         // (count)
  Index row_bytes = 0, bytes = 0, count = 0;  // from one row to the next, and of a row
  Index lines_a_tile = 0;                     // cache lines that a tile asks for
  Index row = 0, at = 0;
};

// c (n, m) = end(init + a (n, k) b (k, m)).  Any strides for a and b; columns of c are contiguous.
// Each c_ij is summed over k in one fixed order, whatever n, m or the strides: same bits for every split. (In
// another one where dots.hpp does it, in which the strides have a say.)
template <class T>
struct Matmul {
  Index n = 0, m = 0, k = 0;
  const T* a = nullptr;
  Index a_row = 0, a_col = 1;
  const T* b = nullptr;
  Index b_row = 0, b_col = 1;
  T* c = nullptr;
  Index c_row = 0;
  const T* bias = nullptr;  // (m), for MatmulInit::bias
  MatmulInit init = MatmulInit::zero;
  MatmulEnd end = MatmulEnd::store;
  T alpha = 1, beta = 0;                             // for MatmulEnd::add_scaled
  Zeros zeros = Zeros::multiplied;                   // of a
  bool is_few_rows = false, is_few_columns = false;  // before any cutting: see dots.hpp
  RowsAhead* rows_ahead = nullptr;                   // to be asked for meanwhile, by the tiles of a gradient
  T* workspace = nullptr;                            // matmul_workspace(...) elements, aligned to kCacheLine
};

// Whether a (rows, cols) left operand is better multiplied by a transposed matrix in dot products with its
// rows, instead of transposing these: few and long ones.  That is what is_few_rows is meant for.
// (Measured, of a training step of two hidden layers: 256 wide 1.67 times as fast with 2 rows, 1.35 with 4,
// 1.1 with 8; 512 wide 1.9, 1.5, 1.2, but 1.0 with 16; 64 wide 1.16, 1.06, but 0.83 with 8.)
template <class T>
constexpr bool are_few_rows(Index rows, Index cols) {
  return rows == 1 || (rows <= 4 && cols >= 2 * kLine<T>) || (rows <= 8 && cols >= 16 * kLine<T>);
}

// Whether weights (rows, cols) are better transposed, so that their columns lie along memory: few and long
// ones, which would fill a small part of their cache lines.  That is what is_few_columns is meant for.
inline constexpr Index kMostColumnsOfDots = 4;
template <class T>
constexpr bool are_few_columns(Index rows, Index cols) {
  return cols == 1 || (cols <= kMostColumnsOfDots && cols * 4 <= kLine<T> && rows >= kLine<T>);
}

// ------------------------------------------------------------------------------------------- activations

enum class ActivationKind {
  linear,
  relu,
  clipped_relu,
  leaky_relu,
  elu,
  selu,
  sigmoid,
  hard_sigmoid,
  tanh,
  softplus,
  softsign,
  silu,
  hard_silu,
  gelu,
  exponential,
  step,
  softmax,
  log_softmax
};

// leaky_relu: a = slope.  elu: a = alpha.  clipped_relu (Keras's ReLU layer): a = slope, b = maximum
// (infinity for none), c = threshold.  The others take none.
struct Activation {
  ActivationKind kind = ActivationKind::linear;
  double a = 0, b = 0, c = 0;
};

// Whether the derivative needs the input x; for the others it follows from the output y alone.  (A clipped
// relu with a negative threshold gives one y for two x.)
constexpr bool needs_input(ActivationKind kind) {
  return kind == ActivationKind::clipped_relu || kind == ActivationKind::silu ||
         kind == ActivationKind::hard_silu || kind == ActivationKind::gelu;
}

// ------------------------------------------------------------------------------------------------ losses

// *_logits kinds take unnormalised scores and are computed in their stable fused form.
enum class LossKind {
  squared_error,
  absolute_error,
  huber,
  log_cosh,
  squared_log_error,
  absolute_percentage_error,
  poisson,
  poisson_log,
  hinge,
  squared_hinge,
  categorical_hinge,
  kl_divergence,
  cosine_similarity,
  binary_cross_entropy,
  binary_cross_entropy_logits,
  categorical_cross_entropy,
  categorical_cross_entropy_logits
};

// One value per row: regression and binary losses are means over the c columns, categorical ones sums.
struct Loss {
  LossKind kind = LossKind::squared_error;
  double label_smoothing = 0;  // cross-entropies
  double delta = 1;            // huber
  double factor = 1;           // multiplies value and gradient (0.5: the half squared error of textbooks)
  // Cuts off what is added up over rows or columns, before the factor: the value of a row, or of an element
  // where a row is a mean.  The gradient does not see it, as where scikit-learn clips probabilities at eps.
  double ceiling = std::numeric_limits<double>::infinity();
};

// `loss` and `metric` add up rows in blocks of kLossBlock, then the blocks in order, starting from 0. Who
// splits rows over threads gives each block its own call and adds the values in the blocks' order: same bits
// as one call for all rows. (Row results and gradients depend on the row alone.)
inline constexpr Index kLossBlock = 64;

template <class T>
struct LossArgs {
  Loss loss;
  Index n = 0, c = 0;
  const T* out = nullptr;  // (n, c) predictions or logits
  Index out_row = 0;
  const T* target = nullptr;  // (n, c); null when ids is given
  Index target_row = 0;
  const std::int64_t* ids = nullptr;  // (n) class ids in [0, c), for the categorical kinds
  const T* weight = nullptr;          // (n) or null for ones
  double scale = 1;                   // the reduction: dout = scale * weight_i * dloss_i / dout
  T* dout = nullptr;                  // (n, c), written; may be out; null for the value alone
  Index dout_row = 0;
  T* each = nullptr;  // (n) unweighted, unscaled loss per row, written; or null
};

enum class MetricKind {
  accuracy,
  binary_accuracy,
  categorical_accuracy,
  sparse_categorical_accuracy,
  squared_error,
  absolute_error
};

struct Metric {
  MetricKind kind = MetricKind::squared_error;
  double threshold = 0.5;  // binary_accuracy
};

template <class T>
struct MetricArgs {
  Metric metric;
  Index n = 0, c = 0;
  const T* out = nullptr;
  Index out_row = 0;
  const T* target = nullptr;
  Index target_row = 0;
  const std::int64_t* ids = nullptr;
  const T* weight = nullptr;
};

// -------------------------------------------------------------------------------------------- optimizers

enum class OptimizerKind { sgd, adam, rmsprop, adagrad, adadelta, adamax, nadam, lion };

// One step of one rule with every scalar worked out (see network/optimizer.hpp for who fills it in).
struct OptimizerStep {
  OptimizerKind kind = OptimizerKind::sgd;
  bool nesterov = false, amsgrad = false, centered = false;
  double rate = 0;  // the factor of the update; for adam lr sqrt(1 - b2^t) / (1 - b1^t)
  double beta_1 = 0, beta_2 = 0, epsilon = 0, momentum = 0;
  double decay = 0;                 // weight decay times learning rate: w -= decay * w before the update
  double clip_value = 0;            // gradients are clipped to [-clip_value, clip_value]; 0 for not at all
  double gradient_scale = 1;        // joint-norm clipping multiplies every gradient by this first
  double extra_1 = 0, extra_2 = 0;  // of nadam: factors of m and of g
};

inline constexpr int kMaxSlots = 3;

// `rows` rows of `size` parameters p and of their slots, p_row apart, and of their gradients g, g_row apart,
// to which l1 sign(p) + 2 l2 p is added.  Slots that a rule does not keep may be null.
template <class T>
struct ParameterRows {
  Index rows = 1, size = 0;
  T* p = nullptr;
  const T* g = nullptr;
  Index p_row = 0, g_row = 0;
  T* slots[kMaxSlots] = {};
  double l1 = 0, l2 = 0;
};

// Which operand of x^T dz has so many zeros that they are left out.
enum class ZerosOf { neither, x, dz };

// A weight matrix's gradient and one optimizer step on it, strip by strip, the strip still in cache:
//   g = x^T dz + l1 sign(w) + 2 l2 w,   w, slots <- rule(g)
template <class T>
struct DenseUpdate {
  Index n = 0, d = 0, m = 0;
  const T* x = nullptr;
  Index x_row = 0;
  const T* dz = nullptr;
  Index dz_row = 0;
  T* w = nullptr;  // (d, m), updated; the slots have the same layout
  Index w_row = 0;
  T* slots[kMaxSlots] = {};
  double l1 = 0, l2 = 0;
  const OptimizerStep* step = nullptr;
  ZerosOf leaves_out_zeros = ZerosOf::neither;
  RowsAhead* rows_ahead = nullptr;  // to be asked for meanwhile; or null
  T* workspace = nullptr;
};

// Whether w changes only by a multiple of its gradient, from the registers that hold the sums; with l2, by
// one of itself as well.
template <class T>
bool is_plain_descent(const DenseUpdate<T>& u) noexcept {
  const OptimizerStep& s = *u.step;
  return s.kind == OptimizerKind::sgd && s.momentum == 0 && s.decay == 0 && s.clip_value == 0 &&
         s.gradient_scale == 1 && u.l1 == 0 && u.n <= kMaxScaledDepth;
}
template <class T>
bool is_sum(const DenseUpdate<T>& u) noexcept {
  return is_plain_descent(u) && u.l2 == 0;
}

// ----------------------------------------------------------------------------------------------- the rest

enum class ElementType { boolean, u8, i8, u16, i16, u32, i32, u64, i64, f32, f64 };

// out (n, d) = rows of a user's array of any number type, converted; columns d..out_row-1 become zero.
template <class T>
struct GatherRows {
  ElementType type = ElementType::f32;
  const void* x = nullptr;
  Index row_bytes = 0, col_bytes = 0;
  const std::int64_t* rows = nullptr;  // (n) row numbers; null for first, first + 1, ...
  Index first = 0;
  Index n = 0, d = 0;
  Index ahead = 0, distance = 0;  // rows[distance .. distance + ahead) will be wanted: prefetch them
  T* out = nullptr;
  Index out_row = 0;
};

// Position in the counter-based random stream: element i of a buffer always draws number (seed, stream, first
// + i).
struct RandomStream {
  std::uint64_t seed = 0, stream = 0;
  std::uint64_t first = 0;  // number of the first element: a part of a buffer draws what the whole would
};

// y = gamma (x - mean) scale + beta,  scale = 1 / sqrt(variance + epsilon).    x, y: (n, d)
template <class T>
struct Normalization {
  Index n = 0, d = 0;
  const T* x = nullptr;
  Index x_row = 0;
  const T* gamma = nullptr;  // (d), null for ones
  const T* beta = nullptr;   // (d), null for zeros
  double epsilon = 0;
  T* y = nullptr;  // written; may be x
  Index y_row = 0;
  T* mean = nullptr;  // written, for the backward; batch normalization: (d), layer normalization: (n)
  T* rest = nullptr;  // what rounding took from the mean
  T* scale = nullptr;
  T* moving_mean = nullptr;  // (d), batch normalization: updated in training (unless null), else read
  T* moving_variance = nullptr;
  double momentum = 0;
};

template <class T>
struct NormalizationBackward {
  Index n = 0, d = 0;
  const T* dy = nullptr;
  Index dy_row = 0;
  const T* x = nullptr;
  Index x_row = 0;
  const T* gamma = nullptr;  // (d), null for ones
  const T* mean = nullptr;   // as the forward has written them
  const T* rest = nullptr;
  const T* scale = nullptr;
  T* dx = nullptr;  // written; may be dy
  Index dx_row = 0;
  T* dgamma = nullptr;  // (d), written; null where not wanted
  T* dbeta = nullptr;
};

// What a thread is worth waking for: floating-point operations, or their like in other work.
inline constexpr double kOperationsPerThread = 5e5;

template <class T>
struct KernelTable {
  // Elements of one vector in products of up to `narrow_columns` columns, and in wider ones: with a multiple
  // of it there is no ragged panel, nor a ragged row in the optimizer's step.
  Index lanes, wide_lanes, narrow_columns;
  // Of the tiles, beside the kernel that leaves out zeros, which waits for loads: so many times what it is
  // where zeros.hpp was fitted.
  double tile_speed;
  // Of a product, so many are worth waking a thread for: useful_threads.
  double operations_per_thread;

  // gemm.hpp, dense.hpp
  void (*matmul)(const Matmul<T>&) noexcept;
  Index (*matmul_workspace)(Index n, Index m, Index k) noexcept;
  void (*dense_update)(const DenseUpdate<T>&) noexcept;
  Index (*dense_update_workspace)(Index n, Index d, Index m) noexcept;
  void (*column_sums)(Index n, Index m, const T* x, Index x_row, T* out) noexcept;  // out is written

  // activations.hpp: elementwise over `size` contiguous elements; never softmax kinds
  void (*activation_forward)(const Activation&, Index size, const T* x, T* y) noexcept;  // y may be x
  // dx = dy f'(x), from x alone (exact everywhere); dx may be dy
  void (*activation_backward)(const Activation&, Index size, const T* dy, const T* x, T* dx) noexcept;
  // the same from y = f(x), or from x where needs_input(kind)
  void (*activation_backward_output)(const Activation&, Index size, const T* dy, const T* y, const T* x,
                                     T* dx) noexcept;

  // softmax.hpp: over rows of c contiguous elements; y may be x, dx may be dy
  void (*softmax_forward)(Index n, Index c, const T* x, Index x_row, T* y, Index y_row) noexcept;
  void (*softmax_backward)(Index n, Index c, const T* dy, Index dy_row, const T* y, Index y_row, T* dx,
                           Index dx_row) noexcept;
  void (*log_softmax_forward)(Index n, Index c, const T* x, Index x_row, T* y, Index y_row) noexcept;
  void (*log_softmax_backward)(Index n, Index c, const T* dy, Index dy_row, const T* y, Index y_row, T* dx,
                               Index dx_row) noexcept;

  // losses.hpp, metrics.hpp: return the weighted sum over the rows, unscaled, added up in double
  double (*loss)(const LossArgs<T>&) noexcept;
  double (*metric)(const MetricArgs<T>&) noexcept;

  // optimizers.hpp, penalties.hpp: one pass over parameters, gradients and the slots the rule uses
  void (*optimizer_step)(const OptimizerStep&, const ParameterRows<T>&) noexcept;
  // g += l1 sign(p) + 2 l2 p
  void (*add_penalty_gradient)(Index size, const T* p, double l1, double l2, T* g) noexcept;
  double (*sum_of_squares)(Index size, const T* x) noexcept;
  // x (n, m), out (cache lines in a row): sums of x^2 or |x| over all rows, for each line of columns
  void (*squares_by_lines)(Index n, Index m, const T* x, Index x_row, double* out) noexcept;
  void (*magnitudes_by_lines)(Index n, Index m, const T* x, Index x_row, double* out) noexcept;

  // gather.hpp
  void (*gather_rows)(const GatherRows<T>&) noexcept;

  // affine.hpp: y = x factor + offset and dx = dy factor, column by column; y may be x, dx may be dy
  void (*affine_forward)(Index n, Index d, const T* x, Index x_row, const double* factor,
                         const double* offset, T* y, Index y_row) noexcept;
  void (*affine_backward)(Index n, Index d, const T* dy, Index dy_row, const double* factor, T* dx,
                          Index dx_row) noexcept;

  // normalization.hpp.  Batch normalization in training, or with the moving moments as constants; any range
  // of columns (all pointers moved along), the padding too.
  void (*batch_norm_forward)(const Normalization<T>&) noexcept;
  void (*batch_norm_backward)(const NormalizationBackward<T>&) noexcept;
  void (*batch_norm_inference)(const Normalization<T>&) noexcept;
  void (*batch_norm_inference_backward)(const NormalizationBackward<T>&) noexcept;
  // Layer normalization; any range of rows, d without padding.  dgamma and dbeta are a call of their own, by
  // any range of columns, before dx overwrites dy.
  void (*layer_norm_forward)(const Normalization<T>&) noexcept;
  void (*layer_norm_backward)(const NormalizationBackward<T>&) noexcept;
  void (*layer_norm_weights_backward)(const NormalizationBackward<T>&) noexcept;

  // dropout.hpp: backward is the same call on dy with the same stream; y may be x
  void (*dropout)(RandomStream, double rate, Index size, const T* x, T* y) noexcept;
  void (*gaussian_noise)(RandomStream, double stddev, Index size, const T* x, T* y) noexcept;
};

struct Kernels {
  const char* level;  // "x86-64-v2", "x86-64-v3", "x86-64-v4" or "baseline"
  KernelTable<float> f32;
  KernelTable<double> f64;

  template <class T>
  const KernelTable<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return f32;
    } else {
      return f64;
    }
  }
};

// The table chosen when the module was imported (cpp/src/isa.cpp).
const Kernels& kernels();

}  // namespace picaflor
