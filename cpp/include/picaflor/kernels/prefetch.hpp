// Asking for memory before it is needed, where the processor can not foresee it.
#pragma once

#include "picaflor/kernels/table.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// Any address will do: one that is not the program's is ignored.
inline void prefetch(const void* p) noexcept {
#if defined(__GNUC__) || defined(__clang__)
  __builtin_prefetch(p, 0, 2);
#else
  (void)p;
#endif
}

inline Index lines_of_row(const RowsAhead& ahead) noexcept {
  return ahead.bytes / kCacheLine + 1;
}

// So many cache lines more, all of one row: what is left of it, if that is less.
inline void ask_for(RowsAhead& ahead, Index lines) noexcept {
  if (ahead.row == ahead.count) return;
  const char* const row = ahead.x + ahead.rows[ahead.row] * ahead.row_bytes;
  const Index end = ahead.at + lines * kCacheLine;
  const bool is_last = end >= ahead.bytes;
  for (; ahead.at < (is_last ? ahead.bytes : end); ahead.at += kCacheLine) prefetch(row + ahead.at);
  if (!is_last) return;
  prefetch(row + ahead.bytes - 1);  // a row begins anywhere in its first line
  ahead.at = 0;
  ++ahead.row;
}

inline void ask_for_all(RowsAhead& ahead) noexcept {
  while (ahead.row < ahead.count) ask_for(ahead, lines_of_row(ahead));
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
