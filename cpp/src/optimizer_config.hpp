// An optimizer as Python describes it, a dict, as the plain struct that steps are made from.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "fields.hpp"
#include "names.hpp"
#include "picaflor/network/optimizer.hpp"

namespace picaflor::bind {

inline OptimizerConfig optimizer_config(const py::dict& d) {
  static constexpr Names<OptimizerKind, 8> kOptimizers{{{"sgd", OptimizerKind::sgd},
                                                        {"adam", OptimizerKind::adam},
                                                        {"rmsprop", OptimizerKind::rmsprop},
                                                        {"adagrad", OptimizerKind::adagrad},
                                                        {"adadelta", OptimizerKind::adadelta},
                                                        {"adamax", OptimizerKind::adamax},
                                                        {"nadam", OptimizerKind::nadam},
                                                        {"lion", OptimizerKind::lion}}};
  Fields fields(d);
  OptimizerConfig config;
  std::string kind;
  fields.take("kind", kind);
  config.kind = named(kOptimizers, kind, "optimizer");
  switch (config.kind) {
    case OptimizerKind::sgd:
      fields.take("momentum", config.momentum);
      fields.take("nesterov", config.nesterov);
      break;
    case OptimizerKind::adam:
      fields.take("amsgrad", config.amsgrad);
      [[fallthrough]];
    case OptimizerKind::adamax:
    case OptimizerKind::nadam:
      fields.take("epsilon", config.epsilon);
      [[fallthrough]];
    case OptimizerKind::lion:
      fields.take("beta_1", config.beta_1);
      fields.take("beta_2", config.beta_2);
      break;
    case OptimizerKind::rmsprop:
      fields.take("momentum", config.momentum);
      fields.take("centered", config.centered);
      [[fallthrough]];
    case OptimizerKind::adadelta:
      fields.take("rho", config.rho);
      fields.take("epsilon", config.epsilon);
      break;
    case OptimizerKind::adagrad:
      fields.take("initial_accumulator_value", config.initial_accumulator_value);
      fields.take("epsilon", config.epsilon);
      break;
  }
  fields.take("weight_decay", config.weight_decay);
  fields.take("clipnorm", config.clip_norm);
  fields.take("clipvalue", config.clip_value);
  fields.take("global_clipnorm", config.global_clip_norm);
  fields.finish(kind.c_str());
  return config;
}

}  // namespace picaflor::bind
