// The boundary between Python's arrays and the kernels: dtype, shape, layout, out= and the messages.
// Nothing else checks. The order in every binding is: convert, check, release the lock, call.
//
//   const py::array x = as_array(x_in, "x");              // array-like -> ndarray of real numbers
//   dispatch(all_float32(x, weight), [&](auto type) {     // float32 stays, every other dtype is float64
//     using T = decltype(type);
//     const MatrixArg<T> xm = as_matrix<T>(x, "x");       // any strides; copies only what is not T
//     check_shape(weight, "weight", {xm.cols, m});
//     Output<T> y = output<T>(out, {xm.rows, m}, "out");  // a new array, or `out` itself, never a copy
//     y.keep_apart(xm.array);                             // out may overlap an input: see below
//     { const Unlocked unlocked(work); kernel(...); }
//     return y.finish();
//   });
//
// Dtypes follow scipy.special.expit (SciPy >= 1.15): float32 is computed in float32; bool, integers of any
// width, float16, float64 and longdouble are computed in float64; anything else is a TypeError.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <utility>

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

// ------------------------------------------------------------------------------------------------ inputs

// A C-contiguous array of T, copied only if it is not one already.
template <class T>
class CArray {
 public:
  explicit CArray(const py::array& a) : array_(is_usable(a) ? a : detail::converted<T>(a, kLayout)) {}

  const T* data() const { return static_cast<const T*>(array_.data()); }
  Index size() const { return array_.size(); }
  Index ndim() const { return array_.ndim(); }
  Index shape(Index axis) const { return array_.shape()[axis]; }
  Index rows() const { return shape(0); }
  Index cols() const { return shape(1); }
  const py::array& array() const { return array_; }

 private:
  static constexpr int kLayout = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_;
  static bool is_usable(const py::array& a) {
    return detail::holds<T>(a) && (detail::proxy(a).flags & kLayout) != 0;
  }
  py::array array_;
};

// A matrix as it lies in memory; strides are counted in elements and may be negative or zero.
template <class T>
struct MatrixArg {
  py::array array = detail::no_array();  // keeps the memory alive
  const T* data = nullptr;
  Index rows = 0, cols = 0, row_stride = 0, col_stride = 1;
};

// Any strides, for kernels that take them. Copies only other dtypes and misaligned or byte-swapped data.
template <class T>
MatrixArg<T> as_matrix(const py::array& a, const char* name) {
  constexpr py::ssize_t kItem = sizeof(T);
  check_dimensions(a, name, 2, "(rows, columns)");
  const bool fits = detail::holds<T>(a) && a.strides()[0] % kItem == 0 && a.strides()[1] % kItem == 0;
  MatrixArg<T> view;
  view.array = fits ? a : detail::converted<T>(a, py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_);
  view.data = static_cast<const T*>(view.array.data());
  view.rows = view.array.shape()[0];
  view.cols = view.array.shape()[1];
  view.row_stride = view.array.strides()[0] / kItem;
  view.col_stride = view.array.strides()[1] / kItem;
  return view;
}

// Rows of contiguous elements at any distance: copies what has another column stride.
template <class T>
MatrixArg<T> as_rows(const py::array& a, const char* name) {
  MatrixArg<T> view = as_matrix<T>(a, name);
  if (view.col_stride != 1 && view.cols > 1) {
    view = as_matrix<T>(CArray<T>(view.array).array(), name);
  }
  view.col_stride = 1;
  return view;
}

// A contiguous vector of n elements.
template <class T>
CArray<T> as_vector(const py::array& a, const char* name, Index n) {
  check_shape(a, name, {n});
  return CArray<T>(a);
}

// Contiguous, aligned int64; only what is something else is copied.
inline py::array_t<std::int64_t> as_int64(const py::array& a) {
  return py::reinterpret_steal<py::array_t<std::int64_t>>(
      detail::from_any(a, "=i8",
                       py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ |
                           py::detail::npy_api::NPY_ARRAY_ALIGNED_ |
                           py::detail::npy_api::NPY_ARRAY_FORCECAST_)
          .release());
}

// Class ids 0 <= id < c, one per row.
inline py::array_t<std::int64_t> as_class_ids(const py::array& a, const char* name, Index n, Index c) {
  if (detail::type_number(a) >= detail::kFloat || detail::type_number(a) == detail::kBool) {
    throw py::type_error(std::string(name) + " must hold integer class ids, got dtype " + dtype_name(a));
  }
  check_shape(a, name, {n});
  auto ids = as_int64(a);
  const std::int64_t* id = ids.data();
  for (Index i = 0; i < n; ++i) {
    if (id[i] < 0 || id[i] >= c) {
      throw py::value_error(std::string(name) + " must hold class ids in [0, " + std::to_string(c) +
                            "), got " + std::to_string(id[i]) + " at row " + std::to_string(i));
    }
  }
  return ids;
}

// --------------------------------------------------------------------------------------------- memory, out

// A new array without initial values; C order unless strides (in bytes) are given.
template <class T>
py::array empty(Shape shape, const py::ssize_t* strides = nullptr) {
  const auto& api = py::detail::npy_api::get();
  PyObject* made = api.PyArray_NewFromDescr_(
      api.PyArray_Type_, py::dtype(detail::number_of<T>()).release().ptr(), static_cast<int>(shape.size()),
      const_cast<py::ssize_t*>(shape.data()), const_cast<py::ssize_t*>(strides), nullptr, 0, nullptr);
  if (made == nullptr) {
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::array>(made);
}

template <class T>
py::array empty(std::initializer_list<py::ssize_t> shape) {
  return empty<T>(Shape(shape.begin(), shape.size()));
}

// First and one-past-last byte that an array may touch.
inline std::pair<const char*, const char*> extent(const py::array& a) {
  const char* low = static_cast<const char*>(a.data());
  const char* high = low + a.itemsize();
  for (py::ssize_t axis = 0; axis < a.ndim(); ++axis) {
    const py::ssize_t length = a.shape()[axis];
    if (length == 0) {
      return {low, low};
    }
    const py::ssize_t reach = (length - 1) * a.strides()[axis];
    (reach < 0 ? low : high) += reach;
  }
  return {low, high};
}

inline bool may_overlap(const py::array& a, const py::array& b) {
  const auto [a_low, a_high] = extent(a);
  const auto [b_low, b_high] = extent(b);
  return a_low < b_high && b_low < a_high;
}

// Whether two arrays are element for element the same memory.
inline bool same_memory(const py::array& a, const py::array& b) {
  if (a.data() != b.data() || a.itemsize() != b.itemsize() || !has_shape(a, shape_of(b))) {
    return false;
  }
  for (py::ssize_t axis = 0; axis < a.ndim(); ++axis) {
    if (a.shape()[axis] > 1 && a.strides()[axis] != b.strides()[axis]) {
      return false;
    }
  }
  return true;
}

// dtype, shape, writeability, alignment and byte order of a caller's `out`; the layout is the caller's
// matter.
template <class T>
py::array check_out(py::handle out, Shape shape, const char* name = "out") {
  if (!py::detail::npy_api::get().PyArray_Check_(out.ptr())) {
    throw py::type_error(std::string(name) + " must be an ndarray, got " + Py_TYPE(out.ptr())->tp_name);
  }
  py::array a = py::reinterpret_borrow<py::array>(out);
  if (!detail::holds<T>(a)) {
    throw py::type_error(std::string(name) + " must have dtype " +
                         (sizeof(T) == sizeof(float) ? "float32" : "float64") + " (aligned, native), got " +
                         (detail::is_aligned_native(a) ? "" : "misaligned or byte-swapped ") + dtype_name(a));
  }
  check_shape(a, name, shape);
  if (!a.writeable()) {
    throw py::value_error(std::string(name) + " must be writeable, got a read-only array");
  }
  return a;
}

// The result of an operation on matrices or vectors: a new C-contiguous array, or the caller's `out`, whose
// last axis must be contiguous (rows at any distance). Where `out` shares memory with an input, the kernel
// writes to a separate array, which finish() copies.
template <class T>
class Output {
 public:
  Output(py::handle out, Shape shape, const char* name) {
    if (out.is_none()) {
      target_ = work_ = empty<T>(shape);
      return;
    }
    target_ = work_ = check_out<T>(out, shape, name);
    const py::ssize_t ndim = target_.ndim();
    constexpr py::ssize_t kItem = sizeof(T);
    bool usable = true;
    for (py::ssize_t axis = 0; axis < ndim; ++axis) {
      const py::ssize_t stride = target_.strides()[axis];
      const bool last = axis == ndim - 1;
      usable = usable && (target_.shape()[axis] <= 1 || (last ? stride == kItem : stride % kItem == 0));
    }
    if (!usable || (ndim > 2 && (detail::proxy(target_).flags & kCContiguous) == 0)) {
      throw py::value_error(std::string(name) + " must have contiguous rows (C order), got strides " +
                            to_string({target_.strides(), static_cast<std::size_t>(ndim)}) + " bytes");
    }
  }

  // Call for every input that the kernel still reads while it writes.
  void keep_apart(const py::array& input) {
    if (work_.is(target_) && may_overlap(target_, input)) {
      work_ = empty<T>(shape_of(target_));
    }
  }

  T* data() { return static_cast<T*>(work_.mutable_data()); }
  Index row_stride() const {  // in elements; of a matrix
    return work_.shape()[0] <= 1 ? work_.shape()[1] : work_.strides()[0] / static_cast<Index>(sizeof(T));
  }
  py::array finish() {
    if (!work_.is(target_)) {
      target_[py::ellipsis()] = work_;
    }
    return std::move(target_);
  }

 private:
  static constexpr int kCContiguous = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_;
  py::array target_ = detail::no_array(), work_ = detail::no_array();
};

template <class T>
Output<T> output(py::handle out, std::initializer_list<py::ssize_t> shape, const char* name = "out") {
  return Output<T>(out, Shape(shape.begin(), shape.size()), name);
}

// 0-d results become NumPy scalars, as NumPy's and SciPy's functions return them.
inline py::object scalar_if_0d(py::array y) {
  if (y.ndim() == 0) {
    return y[py::tuple()];
  }
  return y;
}

// -------------------------------------------------------------------------------------------------- lock

// Releases the interpreter lock where the work (in elements, or flops) is worth the hand-over of ~50 ns.
class Unlocked {
 public:
  explicit Unlocked(Index work) : state_(work >= kWorthIt ? PyEval_SaveThread() : nullptr) {}
  ~Unlocked() {
    if (state_ != nullptr) {
      PyEval_RestoreThread(state_);
    }
  }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  static constexpr Index kWorthIt = 4096;
  PyThreadState* state_;
};

}  // namespace picaflor::bind
