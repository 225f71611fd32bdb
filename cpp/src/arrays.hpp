// The boundary between Python's arrays and the kernels: dtype, shape, layout, out= and the messages.
// Nothing else checks. The order in every binding is: convert, check, release the lock, call.
//
//   const py::array x = as_array(x_in, "x");              // array-like -> ndarray of real numbers
//   dispatch(all_float32(x, weight), [&](auto type) {     // float32 stays, every other dtype is float64
//     using T = decltype(type);
//     const MatrixArg<T> xm = as_matrix<T>(x, "x");       // any strides; copies only what is not T
//     check_shape(weight, "weight", {xm.cols, m});
//     Output<T> y = output<T>(out, {xm.rows, m}, "out");  // a new array, or `out` itself, never a copy
//     y.keep_apart(xm.array);                             // out may overlap an input: outputs.hpp
//     { const Unlocked unlocked(work); kernel(...); }
//     return y.finish();
//   });
#pragma once

#include "dtypes.hpp"
#include "inputs.hpp"
#include "outputs.hpp"

namespace picaflor::bind {

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
