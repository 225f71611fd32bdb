// Asking for memory before it is needed, where the processor can not foresee it.
#pragma once

namespace picaflor::inline PICAFLOR_LEVEL {

// Any address will do: one that is not the program's is ignored.
inline void prefetch(const void* p) noexcept {
#if defined(__GNUC__) || defined(__clang__)
  __builtin_prefetch(p, 0, 2);
#else
  (void)p;
#endif
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
