// The calling thread's floating-point mode: rounding, and what becomes of subnormal numbers.
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace picaflor {

#if defined(__x86_64__) || defined(_M_X64)
using FloatMode = unsigned;
inline FloatMode float_mode() {
  return _mm_getcsr() & ~0x3FU;  // without the six flags that operations raise
}
inline void set_float_mode(FloatMode mode) {
  _mm_setcsr(mode);
}
inline constexpr FloatMode kFlushSubnormals = 0x8040;  // results to zero, and operands too
#elif defined(__aarch64__) && !defined(_MSC_VER)
using FloatMode = std::uint64_t;
inline FloatMode float_mode() {
  FloatMode mode = 0;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
inline void set_float_mode(FloatMode mode) {
  __asm__ volatile("msr fpcr, %0" ::"r"(mode));
}
inline constexpr FloatMode kFlushSubnormals = FloatMode{1} << 24;
#else
using FloatMode = int;
inline FloatMode float_mode() {
  return 0;
}
inline void set_float_mode(FloatMode) {}
inline constexpr FloatMode kFlushSubnormals = 0;
#endif

// The caller's mode back at the end of a scope.
class FloatModeScope {
 public:
  FloatModeScope(const FloatModeScope&) = delete;
  FloatModeScope& operator=(const FloatModeScope&) = delete;

 protected:
  explicit FloatModeScope(FloatMode before) : before_(before) {}
  ~FloatModeScope() { set_float_mode(before_); }

 private:
  FloatMode before_;
};

// While it lives, subnormal numbers (below 1.2e-38 in float32) count as zero on the calling thread and on
// those that help it.  The moments of a weight whose gradient has become zero, as under a dead ReLU or a
// pixel that is nearly always black, decay into that range and stay there; roots and quotients of them take
// twice to twenty times as long.
class FlushSubnormals : FloatModeScope {
 public:
  FlushSubnormals() : FloatModeScope(float_mode()) { set_float_mode(float_mode() | kFlushSubnormals); }
};

// The contrary, for foreign code that runs in between.
class KeepSubnormals : FloatModeScope {
 public:
  KeepSubnormals() : FloatModeScope(float_mode()) { set_float_mode(float_mode() & ~kFlushSubnormals); }
};

}  // namespace picaflor
