// From an optimizer's hyperparameters to the numbers of one step.  Formulas and defaults are Keras 3's.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "picaflor/kernels/table.hpp"

namespace picaflor {

struct OptimizerConfig {
  OptimizerKind kind = OptimizerKind::sgd;
  double momentum = 0;                     // sgd, rmsprop
  bool nesterov = false;                   // sgd
  double beta_1 = 0.9, beta_2 = 0.999;     // adam, adamax, nadam, lion
  bool amsgrad = false;                    // adam
  double rho = 0.9;                        // rmsprop, adadelta
  bool centered = false;                   // rmsprop
  double initial_accumulator_value = 0.1;  // adagrad
  double epsilon = 1e-7;                   // all but sgd and lion
  double weight_decay = 0;                 // of every variable, biases included; 0 for none
  double clip_norm = 0, clip_value = 0, global_clip_norm = 0;  // 0 for none
};

// How many arrays of the parameters' size a rule keeps, in Keras's order:
//   sgd         velocity, if momentum != 0
//   adam        m, v, and the largest v with amsgrad
//   rmsprop     v, then velocity if momentum > 0, then the mean gradient if centered
//   adagrad     sum of squares
//   adadelta    mean square of the gradients, of the updates
//   adamax      m, u            nadam   m, v            lion   m
inline int slot_count(const OptimizerConfig& config) {
  switch (config.kind) {
    case OptimizerKind::sgd:
      return config.momentum != 0 ? 1 : 0;
    case OptimizerKind::adam:
      return config.amsgrad ? 3 : 2;
    case OptimizerKind::rmsprop:
      return 1 + (config.momentum > 0 ? 1 : 0) + (config.centered ? 1 : 0);
    case OptimizerKind::adagrad:
    case OptimizerKind::lion:
      return 1;
    case OptimizerKind::adadelta:
    case OptimizerKind::adamax:
    case OptimizerKind::nadam:
      return 2;
  }
  return 0;
}

// What a slot holds before the first step.  Padding may hold it too: with w = g = 0 it moves nothing.
inline double initial_slot_value(const OptimizerConfig& config) {
  return config.kind == OptimizerKind::adagrad ? config.initial_accumulator_value : 0;
}

// The joint norm of `sum_of_squares` brought down to `limit`: what every gradient is multiplied by.
inline double norm_clip_factor(double sum_of_squares, double limit) {
  const double norm = std::sqrt(sum_of_squares);
  return norm <= limit ? 1 : limit / norm;  // not a number for such a norm: the step is seen to be bad
}

namespace detail {

// Nadam's schedule u_i = beta_1 (1 - 0.96^i / 2) and its running product u_1 u_2 ... u_t.  The product is
// worked out anew: past i = 1000 the bracket is 1 in double precision, so at most that many factors are
// multiplied, and the loop stops where the product is too small to change 1 - product.
inline double nadam_momentum(double beta_1, std::int64_t i) {
  return beta_1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(i)));
}

inline double nadam_product(double beta_1, std::int64_t t) {
  constexpr std::int64_t last_factor = 1000;
  double product = 1, power = 1;
  for (std::int64_t i = 1; i <= std::min(t, last_factor) && product > 1e-20; ++i) {
    power *= 0.96;
    product *= beta_1 * (1 - 0.5 * power);
  }
  return t > last_factor ? product * std::pow(beta_1, static_cast<double>(t - last_factor)) : product;
}

}  // namespace detail

// The numbers of the step that follows `iteration` finished ones: t = iteration + 1.  `gradient_scale` stays
// 1; who clips by a norm sets it from norm_clip_factor.
//   adam     rate = lr sqrt(1 - b2^t) / (1 - b1^t), epsilon outside the root, v not corrected
//   adamax   rate = lr / (1 - b1^t)
//   nadam    lr (extra_1 m + extra_2 g) / (sqrt(v / c) + epsilon) with c = 1 - b2^t, multiplied through by
//   sqrt(c)
inline OptimizerStep prepare_step(const OptimizerConfig& config, std::int64_t iteration,
                                  double learning_rate) {
  const double t = static_cast<double>(iteration) + 1;
  OptimizerStep step;
  step.kind = config.kind;
  step.rate = learning_rate;
  step.beta_1 = config.beta_1;
  step.beta_2 = config.beta_2;
  step.epsilon = config.epsilon;
  step.decay = config.weight_decay * learning_rate;
  step.clip_value = config.clip_value;
  switch (config.kind) {
    case OptimizerKind::sgd:
      step.momentum = config.momentum;
      step.nesterov = config.nesterov;
      break;
    case OptimizerKind::adam:
      step.amsgrad = config.amsgrad;
      step.rate *= std::sqrt(1 - std::pow(config.beta_2, t)) / (1 - std::pow(config.beta_1, t));
      break;
    case OptimizerKind::rmsprop:
      step.beta_2 = config.rho;
      step.momentum = config.momentum;
      step.centered = config.centered;
      break;
    case OptimizerKind::adadelta:
      step.beta_2 = config.rho;
      break;
    case OptimizerKind::adamax:
      step.rate /= 1 - std::pow(config.beta_1, t);
      break;
    case OptimizerKind::nadam: {
      const double here = detail::nadam_momentum(config.beta_1, iteration + 1);
      const double next = detail::nadam_momentum(config.beta_1, iteration + 2);
      const double product = detail::nadam_product(config.beta_1, iteration + 1);
      const double correction = std::sqrt(1 - std::pow(config.beta_2, t));
      step.rate *= correction;
      step.epsilon *= correction;
      step.extra_1 = next / (1 - product * next);
      step.extra_2 = (1 - here) / (1 - product);
      break;
    }
    case OptimizerKind::adagrad:
    case OptimizerKind::lion:
      break;
  }
  return step;
}

}  // namespace picaflor
