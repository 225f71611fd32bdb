// From a list of layers to steps, shapes and offsets: plain data, worked out once when a network is built.
//
// The parameter buffer has the parameters in the order of the layers, of a layer the matrix first, each from
// a cache line on and in rows of row_stride elements (transposed, where a layer has few outputs).
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "picaflor/kernels/table.hpp"

namespace picaflor {

enum class Op { dense, activation, dropout, gaussian_noise, batch_norm, layer_norm, affine };

// What Python says of one layer; only the fields of its `op` count.
struct LayerSpec {
  Op op = Op::dense;
  Index units = 0;  // dense
  bool use_bias = true;
  double kernel_l1 = 0, kernel_l2 = 0, bias_l1 = 0, bias_l2 = 0;
  Activation activation;  // dense, activation
  double rate = 0;        // dropout: share of zeros; gaussian_noise: standard deviation
  double momentum = 0.99, epsilon = 1e-3;
  bool center = true, scale = true;    // batch_norm, layer_norm
  std::vector<double> factor, offset;  // affine: y_j = factor_j x_j + offset_j
  bool trainable = true;
};

// A weight: `rows` x `cols` elements at `offset` of the parameter buffer, rows `row` elements apart.  That of
// a layer with few outputs is kept transposed, the few columns as rows, which need next to no padding.
struct Parameter {
  Index layer = 0;
  bool is_vector = false, transposed = false;
  Index rows = 0, cols = 0, row = 0, offset = 0;
  Index size = 0;          // elements, padding included
  bool statistic = false;  // a moving average: saved, but never given a gradient
  double initial = 0;
  double l1 = 0, l2 = 0;

  Index row_step() const { return transposed ? 1 : row; }  // from an element to the one below it
  Index col_step() const { return transposed ? row : 1; }  // and to the one beside it
  Index stored_rows() const { return transposed ? cols : rows; }
  Index stored_cols() const { return transposed ? rows : cols; }
};

// One thing to do to a batch.  A dense layer with an activation makes two steps.
struct Step {
  Op op = Op::dense;
  Index layer = 0;
  Index in = 0, out = 0;  // widths
  Index in_row = 0, row = 0;
  Activation activation = {};
  bool in_place = false;      // writes over its input
  bool relu_at_end = false;   // dense: the product's tail applies the ReLU of the next step
  bool already_done = false;  // activation: done at the end of the product before it
  double rate = 0;
  double momentum = 0, epsilon = 0;
  Index kernel = -1, bias = -1;                           // dense: numbers of its parameters, -1 for none
  Index gamma = -1, beta = -1, mean = -1, variance = -1;  // normalizations
  Index factor = -1, offset = -1;                         // affine: where its constants begin
};

struct Plan {
  Index input = 0, output = 0;
  std::vector<Step> steps;
  std::vector<Parameter> parameters;
  std::vector<double> constants;  // of affine layers
  std::vector<bool> trainable;    // per layer
  Index parameter_size = 0;       // elements, padding included
  Index widest_row = 0;           // the longest row of any step, the input included
  Index widest_output_row = 0;    // and without it
  double operations_per_row = 0;  // of the products, forward and backward
  double elements_per_row = 0;    // that all steps write

  bool is_trained(const Step& step) const { return trainable[static_cast<std::size_t>(step.layer)]; }
  bool is_trained(const Parameter& p) const {
    return !p.statistic && trainable[static_cast<std::size_t>(p.layer)];
  }
  // The lowest step with parameters that are trained: gradients are wanted down to it.
  Index first_trained_step() const {
    for (std::size_t s = 0; s < steps.size(); ++s) {
      const bool has_parameters = steps[s].kernel >= 0 || steps[s].gamma >= 0 || steps[s].beta >= 0;
      if (has_parameters && is_trained(steps[s])) return static_cast<Index>(s);
    }
    return static_cast<Index>(steps.size());
  }
};

// Distance between rows of a matrix with this many columns.  Whole cache lines; and where the lines of one
// column would share a few cache sets (strides that are multiples of 512 bytes), one line more.
template <class T>
constexpr Index row_stride(Index columns) {
  const Index lines = padded<T>(columns) / kLine<T>;
  return (lines >= 16 && lines % 8 == 0 ? lines + 1 : lines) * kLine<T>;
}

namespace detail {

// Far above any memory, and so small that no size that is computed from it overflows.
constexpr Index kMaxWidth = Index{1} << 40;
constexpr Index kMaxParameters = Index{1} << 48;

inline void check_width(Index columns) {
  if (columns > kMaxWidth) {
    throw std::invalid_argument("a layer must have at most " + std::to_string(kMaxWidth) + " columns, got " +
                                std::to_string(columns));
  }
}

template <class T>
Index add_parameter(Plan& plan, Index layer, Index rows, Index cols, bool is_vector, double initial = 0) {
  check_width(cols);
  Parameter p;
  p.layer = layer;
  p.is_vector = is_vector;
  p.rows = rows;
  p.cols = cols;
  p.transposed = !is_vector && are_few_columns<T>(rows, cols);
  p.row = is_vector ? padded<T>(cols) : row_stride<T>(p.stored_cols());
  if (p.row > (kMaxParameters - plan.parameter_size) / p.stored_rows()) {
    throw std::invalid_argument("a network must have at most " + std::to_string(kMaxParameters) +
                                " weights, got a layer of " + std::to_string(rows) + " x " +
                                std::to_string(cols));
  }
  p.size = p.stored_rows() * p.row;
  p.offset = plan.parameter_size;
  p.initial = initial;
  plan.parameter_size += p.size;
  plan.parameters.push_back(p);
  return static_cast<Index>(plan.parameters.size()) - 1;
}

inline Index add_constants(Plan& plan, const std::vector<double>& values) {
  const Index begin = static_cast<Index>(plan.constants.size());
  plan.constants.insert(plan.constants.end(), values.begin(), values.end());
  return begin;
}

template <class T>
Step dense_step(Plan& plan, const LayerSpec& spec, Index layer, Index in) {
  Step step;
  step.kernel = add_parameter<T>(plan, layer, in, spec.units, false);
  plan.parameters.back().l1 = spec.kernel_l1;
  plan.parameters.back().l2 = spec.kernel_l2;
  if (spec.use_bias) {
    step.bias = add_parameter<T>(plan, layer, 1, spec.units, true);
    plan.parameters.back().l1 = spec.bias_l1;
    plan.parameters.back().l2 = spec.bias_l2;
  }
  step.out = spec.units;
  plan.operations_per_row += 6.0 * static_cast<double>(in) * static_cast<double>(spec.units);
  return step;
}

template <class T>
Step normalization_step(Plan& plan, const LayerSpec& spec, Index layer, Index in) {
  Step step;
  if (spec.scale) step.gamma = add_parameter<T>(plan, layer, 1, in, true, 1);
  if (spec.center) step.beta = add_parameter<T>(plan, layer, 1, in, true);
  if (spec.op == Op::batch_norm) {
    step.mean = add_parameter<T>(plan, layer, 1, in, true);
    plan.parameters.back().statistic = true;
    step.variance = add_parameter<T>(plan, layer, 1, in, true, 1);
    plan.parameters.back().statistic = true;
  }
  step.momentum = spec.momentum;
  step.epsilon = spec.epsilon;
  return step;
}

inline Step affine_step(Plan& plan, const LayerSpec& spec, Index width) {
  if (std::ssize(spec.factor) != width || std::ssize(spec.offset) != width) {
    throw std::invalid_argument("scale and offset must have one value per column, " + std::to_string(width) +
                                ", got " + std::to_string(spec.factor.size()) + " and " +
                                std::to_string(spec.offset.size()));
  }
  Step step;
  step.factor = add_constants(plan, spec.factor);
  step.offset = add_constants(plan, spec.offset);
  return step;
}

// Appends steps to a plan, each of which reads what the one before it wrote.
template <class T>
struct StepList {
  Plan& plan;
  Index width;  // of the rows so far

  void push(Step step, Op op, Index layer) {
    step.op = op;
    step.layer = layer;
    step.in = width;
    step.in_row = plan.steps.empty() ? row_stride<T>(width) : plan.steps.back().row;
    if (step.out == 0) step.out = width;
    step.row = row_stride<T>(step.out);
    width = step.out;
    plan.elements_per_row += static_cast<double>(width);
    if (step.row > plan.widest_row) plan.widest_row = step.row;
    if (step.row > plan.widest_output_row) plan.widest_output_row = step.row;
    plan.steps.push_back(std::move(step));
  }
  void push_activation(const Activation& activation, Index layer) {
    if (activation.kind == ActivationKind::linear) return;
    Step step;
    step.activation = activation;
    // The input's buffer can be reused unless someone needs what is in it: the derivative of this activation
    // or of the one before, or the caller, whose data it is.
    step.in_place =
        !plan.steps.empty() && plan.steps.back().op != Op::activation && !needs_input(activation.kind);
    if (step.in_place && activation.kind == ActivationKind::relu && plan.steps.back().op == Op::dense) {
      plan.steps.back().relu_at_end = true;
      step.already_done = true;
    }
    push(step, Op::activation, layer);
  }
};

}  // namespace detail

template <class T>
Plan make_plan(Index input, const std::vector<LayerSpec>& layers) {
  Plan plan;
  detail::check_width(input);
  plan.input = input;
  plan.widest_row = row_stride<T>(input);
  detail::StepList<T> steps{plan, input};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LayerSpec& spec = layers[i];
    const Index layer = static_cast<Index>(i);
    plan.trainable.push_back(spec.trainable);
    switch (spec.op) {
      case Op::dense:
        steps.push(detail::dense_step<T>(plan, spec, layer, steps.width), Op::dense, layer);
        steps.push_activation(spec.activation, layer);
        break;
      case Op::activation:
        steps.push_activation(spec.activation, layer);
        break;
      case Op::batch_norm:
      case Op::layer_norm:
        steps.push(detail::normalization_step<T>(plan, spec, layer, steps.width), spec.op, layer);
        break;
      case Op::dropout:
      case Op::gaussian_noise:
        if (spec.rate > 0) steps.push(Step{.rate = spec.rate}, spec.op, layer);
        break;
      case Op::affine:
        steps.push(detail::affine_step(plan, spec, steps.width), Op::affine, layer);
        break;
    }
  }
  plan.output = steps.width;
  return plan;
}

}  // namespace picaflor
