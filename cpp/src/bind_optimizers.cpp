// Optimizer steps on NumPy arrays: OptimizerRule, which picaflor.optimizers calls.
#include <pybind11/stl.h>

#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "methods.hpp"
#include "optimizer_config.hpp"
#include "picaflor/network/update.hpp"

namespace picaflor {
namespace {

using namespace bind;  // NOLINT: the helpers of the boundary

// A variable as the kernel sees it.  `work` is the variable, or a contiguous copy to be written back.
struct Prepared {
  py::array variable, work, gradient;
  bool is_copy = false;
};

std::string numbered(const char* name, std::size_t i) {
  return std::string(name) + "[" + std::to_string(i) + "]";
}

template <class T>
Prepared prepare(py::handle variable, py::handle gradient, std::size_t i) {
  const std::string name = numbered("variables", i), gradient_name = numbered("grads", i);
  const py::array v = py::reinterpret_borrow<py::array>(variable);
  const py::array raw = as_array(gradient, gradient_name.c_str());
  check_shape(raw, gradient_name.c_str(), shape_of(v));
  Prepared made{check_out<T>(variable, shape_of(v), name.c_str()), CArray<T>(v).array(),
                CArray<T>(raw).array()};
  made.is_copy = !made.work.is(made.variable);
  if (may_overlap(made.gradient, made.work) && !same_memory(made.gradient, made.work)) {
    py::array apart = empty<T>(shape_of(v));
    apart[py::ellipsis()] = made.gradient;
    made.gradient = apart;
  }
  return made;
}

template <class T>
ParameterRows<T> as_update(Prepared& prepared, const py::list& slots, int count, std::size_t i) {
  ParameterRows<T> update;
  update.size = prepared.work.size();
  update.p = static_cast<T*>(prepared.work.mutable_data());
  update.g = static_cast<const T*>(prepared.gradient.data());
  if (slots.size() != static_cast<std::size_t>(count)) {
    throw py::value_error(numbered("slots", i) + " must have " + std::to_string(count) + " arrays, got " +
                          std::to_string(slots.size()));
  }
  for (int k = 0; k < count; ++k) {
    const std::string name = numbered(numbered("slots", i).c_str(), static_cast<std::size_t>(k));
    py::array slot =
        check_out<T>(slots[static_cast<std::size_t>(k)], shape_of(prepared.variable), name.c_str());
    if (!CArray<T>(slot).array().is(slot)) throw py::value_error(name + " must be C-contiguous");
    update.slots[k] = static_cast<T*>(slot.mutable_data());
  }
  return update;
}

class OptimizerRule {
 public:
  explicit OptimizerRule(const py::dict& rule) : config_(optimizer_config(rule)) {}

  int slots() const { return slot_count(config_); }
  double initial_slot() const { return initial_slot_value(config_); }

  // Everything is checked before anything is written.
  void apply(std::int64_t iteration, double learning_rate, const py::list& variables,
             const py::list& gradients, const py::list& slots) const {
    if (iteration < 0)
      throw py::value_error("iteration must be at least 0, got " + std::to_string(iteration));
    std::vector<Prepared> prepared;
    std::vector<ParameterRows<float>> singles;
    std::vector<ParameterRows<double>> doubles;
    prepared.reserve(variables.size());
    Index work = 0;
    for (std::size_t i = 0; i < variables.size(); ++i) {
      const py::object variable = variables[i];
      if (!py::isinstance<py::array>(variable)) {
        throw py::type_error(numbered("variables", i) + " must be an ndarray, got " +
                             Py_TYPE(variable.ptr())->tp_name);
      }
      const bool single = is_float32(py::reinterpret_borrow<py::array>(variable));
      dispatch(single, [&]<class T>(T) {
        prepared.push_back(prepare<T>(variable, gradients[i], i));
        const auto update = as_update<T>(prepared.back(), slots[i], this->slots(), i);
        work += update.size;
        if constexpr (sizeof(T) == sizeof(float)) {
          singles.push_back(update);
        } else {
          doubles.push_back(update);
        }
      });
    }
    {
      const Unlocked unlocked(work);
      apply_updates(config_, iteration, learning_rate, singles, doubles);
    }
    for (Prepared& each : prepared) {
      if (each.is_copy) each.variable[py::ellipsis()] = each.work;
    }
  }

 private:
  OptimizerConfig config_;
};

}  // namespace

void bind_optimizers(py::module_& m) {
  py::class_<OptimizerRule>(m, "OptimizerRule", "An optimizer's update rule on NumPy arrays, in place.")
      .def(py::init<const py::dict&>(), py::arg("rule"))
      .def_property_readonly("slots", method(&OptimizerRule::slots), "Arrays of state per variable.")
      .def_property_readonly("initial_slot", method(&OptimizerRule::initial_slot),
                             "What the state starts from.")
      .def("apply", method(&OptimizerRule::apply), py::arg("iteration"), py::arg("learning_rate"),
           py::arg("variables"), py::arg("gradients"), py::arg("slots"), "One step on every variable.");
}

}  // namespace picaflor
