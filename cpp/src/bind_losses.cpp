// The losses on arrays: what pf.functional and the classes of picaflor.losses call.
#include <algorithm>
#include <numeric>

#include "arrays.hpp"
#include "bindings.hpp"
#include "names.hpp"
#include "picaflor/network/loss_rows.hpp"

namespace picaflor {

using namespace bind;

namespace {

// What the weighted losses of the rows are divided by; `none` keeps them apart.
enum class Reduction { mean, sum, none, mean_of_weights };

bool takes_ids(LossKind kind) {
  return kind == LossKind::categorical_cross_entropy || kind == LossKind::categorical_cross_entropy_logits ||
         kind == LossKind::categorical_hinge;
}

// (n, c) as it is, (n,) as (n, 1).
py::array as_two_dimensional(const py::array& a, const char* name) {
  if (a.ndim() == 2) return a;
  if (a.ndim() != 1) fail_shape(a, name, "(n,) or (n, c)");
  return py::array(a.dtype(), {a.shape()[0], py::ssize_t{1}}, {a.strides()[0], a.itemsize()}, a.data(), a);
}

template <class T>
py::tuple loss_on(const Loss& loss, const py::array& pred, const py::array& target, py::handle sample_weight,
                  Reduction reduction, bool gradient, const char* pred_name, const char* target_name) {
  const MatrixArg<T> out = as_rows<T>(as_two_dimensional(pred, pred_name), pred_name);
  const Index n = out.rows, c = out.cols;
  if (c == 0) {
    throw py::value_error(std::string(pred_name) + " must have at least one column, got shape " +
                          to_string(shape_of(pred)));
  }
  if (n == 0 && (reduction == Reduction::mean || reduction == Reduction::mean_of_weights)) {
    throw py::value_error(std::string(pred_name) + " must have at least one row for a mean, got shape " +
                          to_string(shape_of(pred)));
  }

  LossArgs<T> a;
  a.loss = loss;
  a.n = n, a.c = c;
  a.out = out.data, a.out_row = out.row_stride;

  MatrixArg<T> dense;
  py::array ids = bind::detail::no_array();
  if (takes_ids(loss.kind) && target.ndim() == 1) {
    ids = as_class_ids(target, target_name, n, c);
    a.ids = static_cast<const std::int64_t*>(ids.data());
  } else {
    const py::array t = c == 1 ? as_two_dimensional(target, target_name) : target;
    if (!has_shape(t, shape_of(out.array))) {
      fail_shape(target, target_name,
                 (takes_ids(loss.kind) ? "(" + std::to_string(n) + ",) or " : "") +
                     to_string(takes_ids(loss.kind) ? shape_of(out.array) : shape_of(pred)));
    }
    dense = as_rows<T>(t, target_name);
    a.target = dense.data, a.target_row = dense.row_stride;
  }

  std::optional<CArray<T>> weight;
  if (!sample_weight.is_none()) {
    weight = as_vector<T>(as_array(sample_weight, "sample_weight"), "sample_weight", n);
    a.weight = weight->data();
  }
  double divisor = 1;
  if (reduction == Reduction::mean || (reduction == Reduction::mean_of_weights && !weight)) {
    divisor = static_cast<double>(n);
  } else if (reduction == Reduction::mean_of_weights) {
    divisor = std::accumulate(a.weight, a.weight + n, 0.0);
  }
  a.scale = divisor == 0 ? 0 : 1 / divisor;  // weights that sum to zero give a loss of zero, as in Keras

  py::object dpred = py::none();
  if (gradient) {
    py::array made = empty<T>(shape_of(pred));
    a.dout = static_cast<T*>(made.mutable_data()), a.dout_row = c;
    dpred = std::move(made);
  }
  py::object value;
  if (reduction == Reduction::none) {
    py::array each = empty<T>({n});
    a.each = static_cast<T*>(each.mutable_data());
    value = std::move(each);
  }
  double sum = 0;
  {
    const Unlocked unlocked(n * c);
    sum = picaflor::loss_rows(kernels().of<T>(), a);
  }
  if (reduction != Reduction::none) {
    value = py::float_(divisor == 0 ? 0 : sum / divisor);
  }
  return py::make_tuple(std::move(value), std::move(dpred));
}

py::tuple loss_of(const std::string& kind, py::handle pred_in, py::handle target_in, py::handle sample_weight,
                  double label_smoothing, double delta, double factor, double ceiling, int reduction,
                  bool gradient, const char* pred_name, const char* target_name) {
  const py::array pred = as_array(pred_in, pred_name);
  const py::array target = as_array(target_in, target_name);
  const Loss loss{named(kLossNames, kind, "loss"), label_smoothing, delta, factor, ceiling};
  return dispatch(is_float32(pred), [&](auto type) {
    return loss_on<decltype(type)>(loss, pred, target, sample_weight, static_cast<Reduction>(reduction),
                                   gradient, pred_name, target_name);
  });
}

// The weighted sum of a metric over the rows.
template <class T>
double metric_on(const Metric& metric, const py::array& pred, const py::array& target,
                 py::handle sample_weight) {
  const MatrixArg<T> out = as_rows<T>(pred, "y_pred");
  MetricArgs<T> a;
  a.metric = metric;
  a.n = out.rows, a.c = out.cols;
  a.out = out.data, a.out_row = out.row_stride;
  if (a.c == 0) {
    throw py::value_error("y_pred must have at least one column, got shape " + to_string(shape_of(pred)));
  }

  MatrixArg<T> dense;
  py::array_t<std::int64_t> ids;
  if (metric.kind == MetricKind::sparse_categorical_accuracy) {
    check_shape(target, "y_true", {a.n});
    ids = as_int64(target);  // an id that is no column is just wrong
    a.ids = ids.data();
  } else {
    check_shape(target, "y_true", shape_of(pred));
    dense = as_rows<T>(target, "y_true");
    a.target = dense.data, a.target_row = dense.row_stride;
  }
  std::optional<CArray<T>> weight;
  if (!sample_weight.is_none()) {
    weight.emplace(as_vector<T>(as_array(sample_weight, "sample_weight"), "sample_weight", a.n));
    a.weight = weight->data();
  }
  const Unlocked unlocked(a.n * a.c);
  return kernels().of<T>().metric(a);
}

double metric_of(const std::string& kind, double threshold, py::handle pred_in, py::handle target_in,
                 py::handle sample_weight) {
  const py::array pred = as_array(pred_in, "y_pred");
  const py::array target = as_array(target_in, "y_true");
  const Metric metric{named(kMetricNames, kind, "metric"), threshold};
  return dispatch(is_float32(pred),
                  [&](auto type) { return metric_on<decltype(type)>(metric, pred, target, sample_weight); });
}

}  // namespace

void bind_losses(py::module_& m) {
  m.def("loss", &loss_of, py::arg("kind"), py::arg("pred"), py::arg("target"), py::arg("sample_weight"),
        py::arg("label_smoothing"), py::arg("delta"), py::arg("factor"), py::arg("ceiling"),
        py::arg("reduction"), py::arg("gradient"), py::arg("pred_name"), py::arg("target_name"),
        "(loss, dpred) of rows; reduction 0 mean, 1 sum, 2 none (unweighted rows), 3 mean of weights.");
  m.def("metric", &metric_of, py::arg("kind"), py::arg("threshold"), py::arg("pred"), py::arg("target"),
        py::arg("sample_weight"), "Weighted sum of a metric over rows (n, c); targets (n, c) or ids (n,).");
}

}  // namespace picaflor
