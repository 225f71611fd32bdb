// What the kernels read: contiguous arrays, matrices with strides, class ids; copied only where they must be.
#pragma once

#include <cstdint>
#include <string>

#include "dtypes.hpp"

namespace picaflor::bind {

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

}  // namespace picaflor::bind
