// Layers as Python describes them, one dict each, as the plain structs that a plan is made from.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <string>
#include <tuple>
#include <vector>

#include "fields.hpp"
#include "names.hpp"
#include "picaflor/network/plan.hpp"

namespace picaflor::bind {

inline void check_range(bool inside, const char* name, const char* range, double value) {
  if (inside) return;
  throw py::value_error(std::string(name) + " must be " + range + ", got " +
                        py::str(py::float_(value)).cast<std::string>());
}

inline LayerSpec layer_spec(const py::dict& d) {
  static constexpr Names<Op, 7> kOps{{{"dense", Op::dense},
                                      {"activation", Op::activation},
                                      {"dropout", Op::dropout},
                                      {"gaussian_noise", Op::gaussian_noise},
                                      {"batch_norm", Op::batch_norm},
                                      {"layer_norm", Op::layer_norm},
                                      {"affine", Op::affine}}};
  Fields fields(d);
  LayerSpec spec;
  std::string op, activation = "linear";
  std::tuple<double, double, double> params{0, 0, 0};
  fields.take("op", op);
  spec.op = named(kOps, op, "layer");
  fields.take("trainable", spec.trainable);
  switch (spec.op) {
    case Op::dense:
      fields.take("units", spec.units);
      fields.take("use_bias", spec.use_bias);
      fields.take("kernel_l1", spec.kernel_l1);
      fields.take("kernel_l2", spec.kernel_l2);
      fields.take("bias_l1", spec.bias_l1);
      fields.take("bias_l2", spec.bias_l2);
      if (spec.units < 1)
        throw py::value_error("units must be at least 1, got " + std::to_string(spec.units));
      [[fallthrough]];
    case Op::activation:
      fields.take("activation", activation);
      fields.take("activation_params", params);
      spec.activation.kind = named(kActivationNames, activation, "activation");
      std::tie(spec.activation.a, spec.activation.b, spec.activation.c) = params;
      break;
    case Op::dropout:
      fields.take("rate", spec.rate);
      check_range(spec.rate >= 0 && spec.rate < 1, "rate", "at least 0 and below 1", spec.rate);
      break;
    case Op::gaussian_noise:
      fields.take("stddev", spec.rate);
      check_range(spec.rate >= 0, "stddev", "at least 0", spec.rate);
      break;
    case Op::batch_norm:
      fields.take("momentum", spec.momentum);
      [[fallthrough]];
    case Op::layer_norm:
      fields.take("epsilon", spec.epsilon);
      fields.take("center", spec.center);
      fields.take("scale", spec.scale);
      break;
    case Op::affine:
      fields.take("scale", spec.factor);
      fields.take("offset", spec.offset);
      break;
  }
  fields.finish(op.c_str());
  return spec;
}

}  // namespace picaflor::bind
