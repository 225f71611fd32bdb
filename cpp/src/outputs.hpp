// What the kernels write: new arrays, or the caller's `out`, never a copy of it.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "dtypes.hpp"

namespace picaflor::bind {

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
    bool usable = true;  // an empty array may have any strides
    for (py::ssize_t axis = 0; axis < ndim && target_.size() > 0; ++axis) {
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

}  // namespace picaflor::bind
