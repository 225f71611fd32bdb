// Activations and softmax on arrays of any shape and strides.
#include <algorithm>
#include <array>
#include <string>

#include "arrays.hpp"
#include "bindings.hpp"
#include "names.hpp"
#include "picaflor/network/matmul.hpp"
#include "strided.hpp"

namespace picaflor {
namespace {

using namespace bind;

constexpr double kOperationsPerElement = 16;  // rough cost, as useful_threads counts

// kernel(count, out, in...) over all elements, in parallel where they are many.
template <class T, std::size_t N, class Kernel>
void run_elementwise(const std::array<const py::array*, N>& arrays, const Kernel& kernel) {
  const Walk<N> walk = make_walk(arrays);
  const Unlocked unlocked(walk.size);
  rows_threaded(walk.size, kOperationsPerElement, num_threads(),
                [&](Index begin, Index end) { run_walk<T>(walk, begin, end, kernel); });
}

// An input of an elementwise operation in T.  `is_ours` tells that nobody else sees the memory.
struct Operand {
  py::array array;
  bool is_ours = false;
};

template <class T>
Operand operand(const py::array& x) {
  if (bind::detail::holds<T>(x)) return {x, false};
  return {bind::detail::converted<T>(x, 0), true};
}

// A new array with the axes in memory in the order in which x has them.
template <class T>
py::array empty_like(const py::array& x) {
  constexpr py::ssize_t kItem = sizeof(T);
  const auto ndim = static_cast<std::size_t>(x.ndim());
  if (ndim < 2 || (bind::detail::proxy(x).flags & py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_) != 0) {
    return empty<T>(shape_of(x));
  }
  std::array<std::size_t, kMaxDimensions> order{};
  for (std::size_t k = 0; k < ndim; ++k) order[k] = k;
  std::stable_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(ndim),
      [&](std::size_t a, std::size_t b) { return std::abs(x.strides()[a]) > std::abs(x.strides()[b]); });
  std::array<py::ssize_t, kMaxDimensions> strides{};
  py::ssize_t stride = kItem;
  for (std::size_t k = ndim; k-- > 0;) {
    strides[order[k]] = stride;
    stride *= std::max<py::ssize_t>(x.shape()[order[k]], 1);
  }
  return empty<T>(shape_of(x), strides.data());
}

// Where the result goes, and where the kernel writes it: elsewhere if `out` shares memory with an input but
// is not that input.
template <class T>
struct Target {
  py::array result, work;
  bool given;

  Target(py::handle out, const Operand& like, std::initializer_list<const Operand*> inputs)
      : result(bind::detail::no_array()), work(bind::detail::no_array()), given(!out.is_none()) {
    if (!given) {
      result = work = like.is_ours ? like.array : empty_like<T>(like.array);
      return;
    }
    result = work = check_out<T>(out, shape_of(like.array));
    for (const Operand* x : inputs) {
      if (may_overlap(result, x->array) && !same_memory(result, x->array)) work = empty_like<T>(result);
    }
  }

  py::object finish() {
    if (!work.is(result)) result[py::ellipsis()] = work;
    return given ? py::object(result) : scalar_if_0d(result);
  }
};

py::object forward(const Activation& f, py::handle x_in, py::handle out) {
  const py::array given = as_array(x_in, "x");
  return dispatch(all_float32(given), [&](auto type) {
    using T = decltype(type);
    const Operand x = operand<T>(given);
    Target<T> y(out, x, {&x});
    const KernelTable<T>& kernel = kernels().of<T>();
    run_elementwise<T, 2>({&y.work, &x.array}, [&](Index size, T* to, const T* from) {
      kernel.activation_forward(f, size, from, to);
    });
    return y.finish();
  });
}

py::object backward(const Activation& f, py::handle dy_in, py::handle x_in, py::handle out) {
  const py::array dy_given = as_array(dy_in, "dy"), x_given = as_array(x_in, "x");
  check_shape(dy_given, "dy", shape_of(x_given));
  return dispatch(all_float32(dy_given, x_given), [&](auto type) {
    using T = decltype(type);
    const Operand dy = operand<T>(dy_given), x = operand<T>(x_given);
    Target<T> dx(out, dy, {&dy, &x});
    const KernelTable<T>& kernel = kernels().of<T>();
    run_elementwise<T, 3>({&dx.work, &dy.array, &x.array}, [&](Index size, T* to, const T* d, const T* from) {
      kernel.activation_backward(f, size, d, from, to);
    });
    return dx.finish();
  });
}

// ---------------------------------------------------------------------------------------------- softmax

py::ssize_t checked_axis(py::handle axis_in, const py::array& x) {
  if (PyIndex_Check(axis_in.ptr()) == 0) {
    throw py::type_error(std::string("axis must be an int, got ") + Py_TYPE(axis_in.ptr())->tp_name);
  }
  const py::ssize_t axis = PyNumber_AsSsize_t(axis_in.ptr(), nullptr), ndim = x.ndim();
  if (axis < -ndim || axis >= ndim) {
    throw py::value_error("axis must lie in [" + std::to_string(-ndim) + ", " + std::to_string(ndim) +
                          ") for an array of shape " + to_string(shape_of(x)) + ", got " +
                          std::to_string(axis));
  }
  const py::ssize_t positive = axis < 0 ? axis + ndim : axis;
  if (x.shape()[positive] == 0) {
    throw py::value_error("softmax needs at least one score along axis " + std::to_string(axis) +
                          ", got shape " + to_string(shape_of(x)));
  }
  return positive;
}

// kernel(rows, pointers, distances between rows) over the rows that an axis of the arrays makes: in place
// where rows are contiguous, through a buffer of a few rows elsewhere.
template <class T, std::size_t N, class Kernel>
void run_rows(const std::array<const py::array*, N>& arrays, py::ssize_t axis, const Kernel& kernel) {
  constexpr Index kItem = sizeof(T);
  const Index c = arrays[0]->shape()[axis];
  const Walk<N> walk = make_walk(arrays, static_cast<int>(axis));
  const auto inner = static_cast<std::size_t>(std::max(walk.ndim - 1, 0));
  std::array<Index, N> steps, rows{};
  bool in_place = true;
  for (std::size_t n = 0; n < N; ++n) {
    steps[n] = arrays[n]->strides()[axis];
    rows[n] = walk.ndim == 0 ? c * kItem : walk.strides[n][inner];
    in_place = in_place && (steps[n] == kItem || c == 1) && rows[n] >= 0 && rows[n] % kItem == 0;
  }
  const Unlocked unlocked(walk.size * c);
  rows_threaded(walk.size, kOperationsPerElement * static_cast<double>(c), num_threads(),
                [&](Index begin, Index end) {
                  if (in_place) {
                    for_each_piece(walk, begin, end, [&](const std::array<char*, N>& at, Index count) {
                      std::array<T*, N> p;
                      std::array<Index, N> distances;
                      for (std::size_t n = 0; n < N; ++n) {
                        p[n] = reinterpret_cast<T*>(at[n]);
                        distances[n] = rows[n] / kItem;
                      }
                      kernel(count, p, distances);
                    });
                  } else {
                    run_rows_buffered<T>(walk, c, steps, begin, end, kernel);
                  }
                });
}

py::object softmax(bool log, py::handle x_in, py::handle axis_in) {
  const py::array given = as_array(x_in, "x");
  const py::ssize_t axis = checked_axis(axis_in, given);
  return dispatch(all_float32(given), [&](auto type) {
    using T = decltype(type);
    const Operand x = operand<T>(given);
    Target<T> y(py::none(), x, {});
    const KernelTable<T>& table = kernels().of<T>();
    const auto kernel = log ? table.log_softmax_forward : table.softmax_forward;
    const Index c = given.shape()[axis];
    run_rows<T, 2>({&y.work, &x.array}, axis, [&](Index n, const auto& p, const auto& row) {
      kernel(n, c, p[1], row[1], p[0], row[0]);
    });
    return y.finish();
  });
}

py::object softmax_backward(bool log, py::handle dy_in, py::handle y_in, py::handle axis_in) {
  const py::array dy_given = as_array(dy_in, "dy"), y_given = as_array(y_in, "y");
  check_shape(dy_given, "dy", shape_of(y_given));
  const py::ssize_t axis = checked_axis(axis_in, y_given);
  return dispatch(all_float32(dy_given, y_given), [&](auto type) {
    using T = decltype(type);
    const Operand dy = operand<T>(dy_given), y = operand<T>(y_given);
    Target<T> dx(py::none(), dy, {});
    const KernelTable<T>& table = kernels().of<T>();
    const auto kernel = log ? table.log_softmax_backward : table.softmax_backward;
    const Index c = y_given.shape()[axis];
    run_rows<T, 3>({&dx.work, &dy.array, &y.array}, axis, [&](Index n, const auto& p, const auto& row) {
      kernel(n, c, p[1], row[1], p[2], row[2], p[0], row[0]);
    });
    return dx.finish();
  });
}

}  // namespace

void bind_functional(py::module_& m) {
  for (const auto& [name, activation] : kActivationNames) {
    const ActivationKind kind = activation;  // clang before 16 cannot capture a structured binding
    if (kind == ActivationKind::softmax || kind == ActivationKind::log_softmax) continue;
    m.def(
        std::string(name).c_str(),
        [kind](py::handle x, py::handle out, double a, double b, double c) {
          return forward({kind, a, b, c}, x, out);
        },
        py::arg("x"), py::arg("out"), py::arg("a") = 0.0, py::arg("b") = 0.0, py::arg("c") = 0.0);
    m.def((std::string(name) + "_backward").c_str(),
          [kind](py::handle dy, py::handle x, py::handle out, double a, double b, double c) {
            return backward({kind, a, b, c}, dy, x, out);
          },
          py::arg("dy"), py::arg("x"), py::arg("out"), py::arg("a") = 0.0, py::arg("b") = 0.0,
          py::arg("c") = 0.0);
  }
  for (const bool log : {false, true}) {
    const std::string name = log ? "log_softmax" : "softmax";
    m.def(
        name.c_str(), [log](py::handle x, py::handle axis) { return softmax(log, x, axis); }, py::arg("x"),
        py::arg("axis"));
    m.def((name + "_backward").c_str(),
          [log](py::handle dy, py::handle y, py::handle axis) { return softmax_backward(log, dy, y, axis); },
          py::arg("dy"), py::arg("y"), py::arg("axis"));
  }
}

}  // namespace picaflor
