// Dropout, noise and normalization on matrices: what the tests of these kernels call.  Models reach them
// through the engine.
#include "arrays.hpp"
#include "bindings.hpp"
#include "picaflor/kernels/table.hpp"

namespace picaflor {
namespace {

using namespace bind;  // NOLINT: the helpers of the boundary

// y (n,): the elements of x after dropout or noise, numbers first, first + 1, ... of a stream.
template <class Kernel>
py::array noisy(const py::object& x_in, double amount, std::uint64_t seed, std::uint64_t stream,
                std::uint64_t first, Kernel kernel) {
  const py::array x = as_array(x_in, "x");
  check_dimensions(x, "x", 1, "(n,)");
  return dispatch(is_float32(x), [&]<class T>(T) {
    const CArray<T> in(x);
    py::array out = empty<T>({in.size()});
    kernel(kernels().of<T>(), RandomStream{seed, stream, first}, amount, in.size(), in.data(),
           static_cast<T*>(out.mutable_data()));
    return out;
  });
}

template <class T>
const T* optional_vector(const py::object& given, const char* name, Index n, CArray<T>& keep) {
  if (given.is_none()) return nullptr;
  keep = as_vector<T>(as_array(given, name), name, n);
  return keep.data();
}

// (y, (mean, rest, scale)); `moving`, where given, is the pair of moving moments, updated in place when
// training.
py::tuple normalize(const py::object& x_in, const py::object& gamma, const py::object& beta, double epsilon,
                    bool by_rows, const py::object& moving, double momentum, bool training) {
  const py::array x = as_array(x_in, "x");
  return dispatch(is_float32(x), [&]<class T>(T) -> py::tuple {
    const MatrixArg<T> xm = as_rows<T>(x, "x");
    CArray<T> keep_gamma(empty<T>({0})), keep_beta(empty<T>({0}));
    const Index kept = by_rows ? xm.rows : xm.cols;
    py::array y = empty<T>({xm.rows, xm.cols}), mean = empty<T>({kept}), rest = empty<T>({kept}),
              scale = empty<T>({kept});
    Normalization<T> a;
    a.n = xm.rows;
    a.d = xm.cols;
    a.x = xm.data;
    a.x_row = xm.row_stride;
    a.gamma = optional_vector<T>(gamma, "gamma", xm.cols, keep_gamma);
    a.beta = optional_vector<T>(beta, "beta", xm.cols, keep_beta);
    a.epsilon = epsilon;
    a.y = static_cast<T*>(y.mutable_data());
    a.y_row = xm.cols;
    a.mean = static_cast<T*>(mean.mutable_data());
    a.rest = static_cast<T*>(rest.mutable_data());
    a.scale = static_cast<T*>(scale.mutable_data());
    a.momentum = momentum;
    if (!moving.is_none()) {
      const auto pair = moving.cast<py::tuple>();
      const py::ssize_t shape[] = {xm.cols};
      a.moving_mean = static_cast<T*>(check_out<T>(pair[0], shape, "moving mean").mutable_data());
      a.moving_variance = static_cast<T*>(check_out<T>(pair[1], shape, "moving variance").mutable_data());
    }
    const KernelTable<T>& table = kernels().of<T>();
    (by_rows    ? table.layer_norm_forward
     : training ? table.batch_norm_forward
                : table.batch_norm_inference)(a);
    return py::make_tuple(y, py::make_tuple(mean, rest, scale));
  });
}

// (dx, dgamma, dbeta), dx written over a copy of dy.
py::tuple normalize_backward(const py::object& dy_in, const py::object& x_in, const py::object& gamma,
                             const py::tuple& moments, bool by_rows, bool training) {
  const py::array x = as_array(x_in, "x"), dy = as_array(dy_in, "dy");
  return dispatch(all_float32(x, dy), [&]<class T>(T) -> py::tuple {
    const MatrixArg<T> xm = as_rows<T>(x, "x");
    check_shape(dy, "dy", {xm.rows, xm.cols});
    py::array dx = empty<T>({xm.rows, xm.cols});
    dx[py::ellipsis()] = dy;
    py::array dgamma = empty<T>({xm.cols}), dbeta = empty<T>({xm.cols});
    const Index kept = by_rows ? xm.rows : xm.cols;
    const CArray<T> mean_c = as_vector<T>(as_array(moments[0], "mean"), "mean", kept);
    const CArray<T> rest_c = as_vector<T>(as_array(moments[1], "rest"), "rest", kept);
    const CArray<T> scale_c = as_vector<T>(as_array(moments[2], "scale"), "scale", kept);
    CArray<T> keep_gamma(empty<T>({0}));
    NormalizationBackward<T> a;
    a.n = xm.rows;
    a.d = xm.cols;
    a.dx = static_cast<T*>(dx.mutable_data());
    a.dy = a.dx;
    a.dx_row = a.dy_row = xm.cols;
    a.x = xm.data;
    a.x_row = xm.row_stride;
    a.gamma = optional_vector<T>(gamma, "gamma", xm.cols, keep_gamma);
    a.mean = mean_c.data();
    a.rest = rest_c.data();
    a.scale = scale_c.data();
    a.dgamma = static_cast<T*>(dgamma.mutable_data());
    a.dbeta = static_cast<T*>(dbeta.mutable_data());
    const KernelTable<T>& table = kernels().of<T>();
    if (by_rows) {
      table.layer_norm_weights_backward(a);
      table.layer_norm_backward(a);
    } else {
      (training ? table.batch_norm_backward : table.batch_norm_inference_backward)(a);
    }
    return py::make_tuple(dx, dgamma, dbeta);
  });
}

}  // namespace

void bind_layers(py::module_& m) {
  m.def(
      "dropout",
      [](const py::object& x, double rate, std::uint64_t seed, std::uint64_t stream, std::uint64_t first) {
        return noisy(x, rate, seed, stream, first,
                     [](const auto& table, auto... rest) { table.dropout(rest...); });
      },
      py::arg("x"), py::arg("rate"), py::arg("seed"), py::arg("stream") = 0, py::arg("first") = 0);
  m.def(
      "gaussian_noise",
      [](const py::object& x, double stddev, std::uint64_t seed, std::uint64_t stream, std::uint64_t first) {
        return noisy(x, stddev, seed, stream, first,
                     [](const auto& table, auto... rest) { table.gaussian_noise(rest...); });
      },
      py::arg("x"), py::arg("stddev"), py::arg("seed"), py::arg("stream") = 0, py::arg("first") = 0);
  m.def("normalize", &normalize, py::arg("x"), py::arg("gamma"), py::arg("beta"), py::arg("epsilon"),
        py::kw_only(), py::arg("by_rows"), py::arg("moving") = py::none(), py::arg("momentum") = 0.0,
        py::arg("training") = true);
  m.def("normalize_backward", &normalize_backward, py::arg("dy"), py::arg("x"), py::arg("gamma"),
        py::arg("moments"), py::kw_only(), py::arg("by_rows"), py::arg("training") = true);
}

}  // namespace picaflor
