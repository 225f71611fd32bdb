// dense_forward and dense_backward on arrays, and gather_rows for the tests.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "arrays.hpp"
#include "bindings.hpp"
#include "names.hpp"
#include "picaflor/network/matmul.hpp"
#include "picaflor/runtime/arena.hpp"

namespace picaflor {
namespace {

using namespace bind;

// One workspace for each thread that a call may use, and room of `extra` elements.  The memory stays with the
// calling thread, unless that room is large: taking 100 KB from the system and giving it back would cost more
// than a small product.
template <class T>
class Workspaces {
 public:
  Workspaces(Index threads, Index size, Index extra) {
    thread_local AlignedArray<T> memory;
    const Index each = padded<T>(size);
    const Index kept = threads * each + (extra <= kKept ? extra : 0);
    if (memory.size() < kept) memory = AlignedArray<T>(kept);
    if (extra > kKept) large_ = AlignedArray<T>(extra);
    for (Index i = 0; i < threads; ++i) of_[i] = memory.data() + i * each;
    extra_ = extra > kKept ? large_.data() : memory.data() + threads * each;
  }
  T* const* data() const { return of_; }
  T* extra() const { return extra_; }

 private:
  static constexpr Index kKept = Index{1} << 16;

  T* of_[kMaxThreads];
  AlignedArray<T> large_;
  T* extra_;
};

// to (cols, rows) = transpose of a matrix of any strides
template <class T>
void transpose(Index rows, Index cols, const T* from, Index row, Index col, T* to) {
  for (Index j = 0; j < cols; ++j) {
    for (Index i = 0; i < rows; ++i) to[j * rows + i] = from[i * row + j * col];
  }
}

template <class T>
void apply_activation(const Activation& f, Index n, Index m, T* y, Index y_row) {
  const KernelTable<T>& kernel = kernels().of<T>();
  constexpr double kOperations = 16;  // rough cost of one element, as useful_threads counts
  rows_threaded(n, kOperations * static_cast<double>(m), num_threads(), [&](Index begin, Index end) {
    T* const first = y + begin * y_row;
    const Index rows = end - begin;
    if (f.kind == ActivationKind::softmax) {
      kernel.softmax_forward(rows, m, first, y_row, first, y_row);
    } else if (f.kind == ActivationKind::log_softmax) {
      kernel.log_softmax_forward(rows, m, first, y_row, first, y_row);
    } else if (y_row == m) {
      kernel.activation_forward(f, rows * m, first, first);
    } else {
      for (Index i = 0; i < rows; ++i) kernel.activation_forward(f, m, first + i * y_row, first + i * y_row);
    }
  });
}

template <class T>
py::object dense_forward_on(const py::array& x_in, const py::array& weight_in,
                            const std::optional<py::array>& bias_in, const Activation& f, py::handle out) {
  const MatrixArg<T> x = as_matrix<T>(x_in, "x");
  const MatrixArg<T> weight = as_matrix<T>(weight_in, "weight");
  if (weight.rows != x.cols) {
    fail_shape(weight_in, "weight", "(" + std::to_string(x.cols) + ", units)");
  }
  Matmul<T> product;
  product.n = x.rows, product.m = weight.cols, product.k = x.cols;
  product.a = x.data, product.a_row = x.row_stride, product.a_col = x.col_stride;
  product.b = weight.data, product.b_row = weight.row_stride, product.b_col = weight.col_stride;
  product.end = f.kind == ActivationKind::relu ? MatmulEnd::relu : MatmulEnd::store;
  product.is_few_columns = are_few_columns<T>(product.k, product.m);
  const bool transposes = product.is_few_columns && product.b_row != 1;

  Output<T> y = output<T>(out, {product.n, product.m});
  std::optional<CArray<T>> bias;
  if (bias_in) {
    bias = as_vector<T>(*bias_in, "bias", product.m);
    product.bias = bias->data();
    product.init = MatmulInit::bias;
    y.keep_apart(bias->array());
  }
  y.keep_apart(x.array);
  y.keep_apart(weight.array);
  product.c = y.data(), product.c_row = y.row_stride();
  {
    const Unlocked unlocked(product.n * product.m * (product.k + 1));
    const KernelTable<T>& kernel = kernels().of<T>();
    const Index threads = num_threads();
    const Workspaces<T> workspaces(threads, kernel.matmul_workspace(product.n, product.m, product.k),
                                   transposes ? product.k * product.m : 0);
    if (transposes) {
      transpose(product.k, product.m, product.b, product.b_row, product.b_col, workspaces.extra());
      product.b = workspaces.extra(), product.b_row = 1, product.b_col = product.k;
    }
    matmul_threaded(kernel, product, workspaces.data(), threads);
    if (f.kind != ActivationKind::linear && f.kind != ActivationKind::relu) {
      apply_activation(f, product.n, product.m, product.c, product.c_row);
    }
  }
  return y.finish();
}

py::object dense_forward(py::handle x_in, py::handle weight_in, py::handle bias_in,
                         const std::optional<std::string>& activation, double a, double b, double c,
                         py::handle out) {
  const py::array x = as_array(x_in, "x"), weight = as_array(weight_in, "weight");
  std::optional<py::array> bias;
  if (!bias_in.is_none()) bias = as_array(bias_in, "bias");
  Activation f{ActivationKind::linear, a, b, c};
  if (activation) f.kind = named(kActivationNames, *activation, "activation");
  return dispatch(all_float32(x, weight) && (!bias || is_float32(*bias)),
                  [&](auto type) { return dense_forward_on<decltype(type)>(x, weight, bias, f, out); });
}

template <class T>
py::tuple dense_backward_on(const py::array& dy_in, const py::array& x_in, const py::array& weight_in) {
  const MatrixArg<T> dy = as_rows<T>(dy_in, "dy");
  const MatrixArg<T> x = as_matrix<T>(x_in, "x");
  const MatrixArg<T> weight = as_matrix<T>(weight_in, "weight");
  const Index n = dy.rows, m = dy.cols, d = x.cols;
  check_shape(x_in, "x", {n, d});
  check_shape(weight_in, "weight", {d, m});
  py::array dx = empty<T>({n, d}), dweight = empty<T>({d, m}), dbias = empty<T>({m});

  Matmul<T> data;  // dx = dy weight^T
  data.n = n, data.m = d, data.k = m;
  data.a = dy.data, data.a_row = dy.row_stride;
  data.b = weight.data, data.b_row = weight.col_stride, data.b_col = weight.row_stride;
  data.c = static_cast<T*>(dx.mutable_data()), data.c_row = d;
  data.is_few_rows = are_few_rows<T>(n, m);

  const bool few = are_few_columns<T>(d, m), transposes = few && m > 1;
  Matmul<T> kernel;  // dweight = x^T dy; few columns are dy^T x, transposed in the end
  kernel.n = d, kernel.m = m, kernel.k = n;
  kernel.a = x.data, kernel.a_row = x.col_stride, kernel.a_col = x.row_stride;
  kernel.b = dy.data, kernel.b_row = dy.row_stride;
  if (few) {
    std::swap(kernel.n, kernel.m);
    kernel.a = dy.data, kernel.a_row = 1, kernel.a_col = dy.row_stride;
    kernel.b = x.data, kernel.b_row = x.row_stride, kernel.b_col = x.col_stride;
  }
  kernel.c = static_cast<T*>(dweight.mutable_data()), kernel.c_row = kernel.m;
  {
    const Unlocked unlocked(n * m * d);
    const KernelTable<T>& table = kernels().of<T>();
    const Index threads = num_threads();
    const Workspaces<T> workspaces(
        threads, std::max(table.matmul_workspace(n, d, m), table.matmul_workspace(kernel.n, kernel.m, n)),
        transposes ? m * d : 0);
    if (transposes && data.b_col != 1) {
      transpose(d, m, data.b, data.b_col, data.b_row, workspaces.extra());
      data.b = workspaces.extra(), data.b_row = d, data.b_col = 1;
    }
    matmul_threaded(table, data, workspaces.data(), threads);
    if (transposes) kernel.c = workspaces.extra();  // the transposed weights are used up
    matmul_threaded(table, kernel, workspaces.data(), threads);
    if (transposes) transpose(m, d, kernel.c, d, Index{1}, static_cast<T*>(dweight.mutable_data()));
    table.column_sums(n, m, dy.data, dy.row_stride, static_cast<T*>(dbias.mutable_data()));
  }
  return py::make_tuple(std::move(dx), std::move(dweight), std::move(dbias));
}

py::tuple dense_backward(py::handle dy_in, py::handle x_in, py::handle weight_in) {
  const py::array dy = as_array(dy_in, "dy"), x = as_array(x_in, "x"), weight = as_array(weight_in, "weight");
  return dispatch(all_float32(dy, x, weight),
                  [&](auto type) { return dense_backward_on<decltype(type)>(dy, x, weight); });
}

// x[rows] in the engine's layout: the rows of `out` are filled up with zeros.
void gather_rows(const py::array& x, const std::optional<py::array_t<std::int64_t>>& rows, Index first,
                 Index ahead, const py::array& out) {
  const std::optional<ElementType> type = element_type(x);
  check_dimensions(x, "x", 2, "(n, d)");
  if (!type) throw py::type_error("x must be aligned and in native byte order, got dtype " + dtype_name(x));
  dispatch(is_float32(out), [&](auto value) {
    using T = decltype(value);
    GatherRows<T> g;
    g.type = *type;
    g.x = x.data();
    g.row_bytes = x.strides()[0], g.col_bytes = x.strides()[1];
    g.d = x.shape()[1];
    g.n = out.shape()[0];
    g.out_row = out.shape()[1];
    g.first = first, g.ahead = ahead, g.distance = g.n;
    if (rows) g.rows = rows->data();
    py::array target = check_out<T>(out, shape_of(out));
    if (g.out_row < g.d || (rows && rows->size() < g.n + ahead))
      throw py::value_error("out or rows too small");
    g.out = static_cast<T*>(target.mutable_data());
    kernels().of<T>().gather_rows(g);
  });
}

}  // namespace

void bind_dense(py::module_& m) {
  m.def("dense_forward", &dense_forward, py::arg("x"), py::arg("weight"), py::arg("bias"),
        py::arg("activation"), py::arg("a"), py::arg("b"), py::arg("c"), py::arg("out"),
        "f(x weight + bias) for the activation of that name and its three parameters.");
  m.def("dense_backward", &dense_backward, py::arg("dy"), py::arg("x"), py::arg("weight"),
        "(dx, dweight, dbias) of x weight + bias.");
  m.def("gather_rows", &gather_rows, py::arg("x"), py::arg("rows").none(true), py::arg("first"),
        py::arg("ahead"), py::arg("out"), "Rows of x into the rows of out, as the engine gathers them.");
}

}  // namespace picaflor
