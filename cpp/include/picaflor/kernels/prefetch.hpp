// Asking for memory before it is needed, where the processor can not foresee it.
#pragma once

#include "picaflor/kernels/parts.hpp"
#include "picaflor/types.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// Any address will do: one that is not the program's is ignored.
inline void prefetch(const void* p) noexcept {
#if defined(__GNUC__) || defined(__clang__)
  __builtin_prefetch(p, 0, 2);
#else
  (void)p;
#endif
}

inline void prefetch_row(const char* row, Index bytes) noexcept {
  for (Index at = 0; at < bytes; at += kCacheLine) prefetch(row + at);
  if (bytes > 0) prefetch(row + bytes - 1);  // a row begins anywhere in its first line
}

inline Index lines_of_rows(const RowsAhead& ahead) noexcept {
  return ahead.count * (ahead.bytes / kCacheLine + 1);
}

// So many cache lines more, one row's or several's.
EIGEN_DONT_INLINE inline void ask_for(RowsAhead& ahead, Index lines) noexcept {
  while (lines > 0 && ahead.row < ahead.count) {
    const char* const from = ahead.x + ahead.rows[ahead.row] * ahead.row_bytes + ahead.at;
    const Index left = ahead.bytes - ahead.at, size = lines * kCacheLine;
    if (size < left) {
      for (Index at = 0; at < size; at += kCacheLine) prefetch(from + at);
      ahead.at += size;
      return;
    }
    prefetch_row(from, left);
    lines -= left / kCacheLine + 1;
    ahead.at = 0;
    ++ahead.row;
  }
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
