// What arrays are: their dtypes and shapes, and the messages about them.
//
// Dtypes follow scipy.special.expit (SciPy >= 1.15): float32 is computed in float32; bool, integers of any
// width, float16, float64 and longdouble are computed in float64; anything else is a TypeError.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <bit>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "picaflor/kernels/table.hpp"

namespace picaflor::bind {

namespace py = pybind11;
using Shape = std::span<const py::ssize_t>;

inline constexpr int kMaxDimensions = 64;  // NumPy's own limit (32 before NumPy 2)

// ---------------------------------------------------------------------------------------------- messages

inline std::string to_string(Shape shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i != 0 ? ", " : "") + std::to_string(shape[i]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

inline Shape shape_of(const py::array& a) {
  return {a.shape(), static_cast<std::size_t>(a.ndim())};
}

inline std::string dtype_name(const py::array& a) {
  return py::str(a.dtype()).cast<std::string>();
}

[[noreturn]] inline void fail_shape(const py::array& a, const char* name, const std::string& expected) {
  throw py::value_error(std::string(name) + " must have shape " + expected + ", got " +
                        to_string(shape_of(a)));
}

// ------------------------------------------------------------------------------------------------ dtypes

namespace detail {

// NumPy's type numbers, part of its ABI.
enum TypeNumber { kBool = 0, kFloat = 11, kDouble = 12, kLongDouble = 13, kHalf = 23 };

inline const py::detail::PyArray_Proxy& proxy(const py::array& a) {
  return *py::detail::array_proxy(a.ptr());
}

inline py::array no_array() {  // py::array's own default constructor allocates
  return py::reinterpret_steal<py::array>(py::handle());
}

inline int type_number(const py::array& a) {
  return py::detail::array_descriptor_proxy(proxy(a).descr)->type_num;
}

inline bool is_aligned_native(const py::array& a) {
  constexpr char kForeign = std::endian::native == std::endian::little ? '>' : '<';
  return (proxy(a).flags & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0 &&
         py::detail::array_descriptor_proxy(proxy(a).descr)->byteorder != kForeign;
}

template <class T>
constexpr int number_of() {
  return sizeof(T) == sizeof(float) ? kFloat : kDouble;
}

template <class T>
bool holds(const py::array& a) {
  return type_number(a) == number_of<T>() && is_aligned_native(a);
}

inline py::array from_any(py::handle object, const char* dtype, int flags) {
  const auto& api = py::detail::npy_api::get();
  PyObject* descr = dtype != nullptr ? py::dtype(dtype).release().ptr() : nullptr;
  PyObject* made = api.PyArray_FromAny_(object.ptr(), descr, 0, 0, flags, nullptr);
  if (made == nullptr) {
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::array>(made);
}

template <class T>
py::array converted(const py::array& a, int flags) {
  using py::detail::npy_api;
  return from_any(
      a, sizeof(T) == sizeof(float) ? "=f4" : "=f8",
      flags | npy_api::NPY_ARRAY_ALIGNED_ | npy_api::NPY_ARRAY_FORCECAST_ | npy_api::NPY_ARRAY_ENSUREARRAY_);
}

}  // namespace detail

// Any array-like of real numbers as an ndarray; arrays are passed through untouched.
inline py::array as_array(py::handle object, const char* name) {
  py::array a = detail::no_array();
  if (py::detail::npy_api::get().PyArray_Check_(object.ptr())) {
    a = py::reinterpret_borrow<py::array>(object);
  } else {
    try {
      a = detail::from_any(object, nullptr, 0);
    } catch (py::error_already_set& error) {
      if (!error.matches(PyExc_ValueError) && !error.matches(PyExc_TypeError)) {
        throw;
      }
      throw py::value_error(std::string(name) +
                            " must be an array: " + py::str(error.value()).cast<std::string>());
    }
  }
  const int number = detail::type_number(a);
  if ((number < detail::kBool || number > detail::kLongDouble) && number != detail::kHalf) {
    throw py::type_error(std::string(name) + " must hold real numbers, got " +
                         (a.ndim() == 0 && !py::isinstance<py::array>(object)
                              ? std::string(Py_TYPE(object.ptr())->tp_name)
                              : "dtype " + dtype_name(a)));
  }
  return a;
}

inline bool is_float32(const py::array& a) {
  return detail::type_number(a) == detail::kFloat;
}

// The type that several arguments are computed in: float32 if all of them are, float64 otherwise.
template <class... Arrays>
bool all_float32(const Arrays&... arrays) {
  return (is_float32(arrays) && ...);
}

// f(T{}) with T = float or double.
template <class F>
decltype(auto) dispatch(bool single, F&& f) {
  return single ? f(float{}) : f(double{});
}

// How the gather kernel reads this array, or nothing where it must be converted first.
inline std::optional<ElementType> element_type(const py::array& a) {
  if (!detail::is_aligned_native(a)) {
    return std::nullopt;
  }
  const int number = detail::type_number(a);
  if (number == detail::kBool) {
    return ElementType::boolean;
  }
  if (number == detail::kFloat) {
    return ElementType::f32;
  }
  if (number == detail::kDouble) {
    return ElementType::f64;
  }
  if (number < detail::kFloat) {  // byte, ubyte, short, ushort, ...: unsigned ones have even numbers
    const bool has_sign = number % 2 == 1;
    switch (a.itemsize()) {
      case 1:
        return has_sign ? ElementType::i8 : ElementType::u8;
      case 2:
        return has_sign ? ElementType::i16 : ElementType::u16;
      case 4:
        return has_sign ? ElementType::i32 : ElementType::u32;
      case 8:
        return has_sign ? ElementType::i64 : ElementType::u64;
      default:
        break;
    }
  }
  return std::nullopt;
}

// ------------------------------------------------------------------------------------------------ shapes

inline bool has_shape(const py::array& a, Shape shape) {
  if (static_cast<std::size_t>(a.ndim()) != shape.size()) {
    return false;
  }
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (a.shape()[i] != shape[i]) {
      return false;
    }
  }
  return true;
}

inline void check_shape(const py::array& a, const char* name, Shape shape) {
  if (!has_shape(a, shape)) {
    fail_shape(a, name, to_string(shape));
  }
}

inline void check_shape(const py::array& a, const char* name, std::initializer_list<py::ssize_t> shape) {
  check_shape(a, name, Shape(shape.begin(), shape.size()));
}

// `expected` describes the axes, e.g. "(n, d)".
inline void check_dimensions(const py::array& a, const char* name, py::ssize_t ndim, const char* expected) {
  if (a.ndim() != ndim) {
    fail_shape(a, name, expected);
  }
}

}  // namespace picaflor::bind
