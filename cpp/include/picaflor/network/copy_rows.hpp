// Rows of a matrix to rows of another distance.
#pragma once

#include <algorithm>
#include <cstring>

#include "picaflor/kernels/table.hpp"

namespace picaflor {

// to (n, c) = from (n, c).  Of short rows, whose calls of memmove would take longer than their bytes: in
// pieces, the last of which overlaps the one before it.
template <class T>
void copy_rows(Index n, Index c, const T* from, Index from_row, T* to, Index to_row) {
  constexpr Index kPiece = 16 / Index{sizeof(T)}, kShort = 8 * kPiece;
  for (Index i = 0; i < n; ++i, from += from_row, to += to_row) {
    if (c > kShort) {
      std::copy_n(from, c, to);
    } else if (c >= kPiece) {
      for (Index j = 0; j < c - kPiece; j += kPiece) std::memcpy(to + j, from + j, 16);
      std::memcpy(to + c - kPiece, from + c - kPiece, 16);
    } else {
      for (Index j = 0; j < c; ++j) to[j] = from[j];
    }
  }
}

}  // namespace picaflor
