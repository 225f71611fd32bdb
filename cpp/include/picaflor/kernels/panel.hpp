// How the columns of a product are cut, and copies of operand blocks in the order in which they are read:
// of b (k, m) panels (k, vectors * lanes), row by row; of a (n, k) tiles (k, Rows), one after the other.
#pragma once

#include <cstring>

#include "picaflor/kernels/parts.hpp"
#include "picaflor/kernels/tile.hpp"
#include "picaflor/kernels/transpose.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// One panel of b as the tile kernel wants it.  packed (k, vectors * lanes), rows `packed_row` apart, is
// written.  Vector v of a row holds b's columns v * lanes ..., the last one its columns last ....
template <class T>
void pack_panel(Index k, const T* b, Index b_row, Index b_col, int vectors, Index last, Index packed_row,
                T* packed) noexcept {
  using namespace Eigen::internal;
  using P = Register<T>;
  constexpr Index lanes = kLanes<T>;
  for (int v = 0; v < vectors; ++v) {
    const T* from = b + (v + 1 < vectors ? v * lanes : last) * b_col;
    T* to = packed + v * lanes;
    Index p = 0;
    if (b_col == 1) {
      for (; p < k; ++p) pstoreu(to + p * packed_row, ploadu<P>(from + p * b_row));
    } else if (b_row == 1) {  // b is a transposed matrix
      constexpr Index step = kSquare<T>;
      for (; p + step <= k; p += step) transpose_columns(from + p, b_col, to + p * packed_row, packed_row);
      if (p < k && k >= step) {  // the last ones overlap those before
        p = k;
        transpose_columns(from + k - step, b_col, to + (k - step) * packed_row, packed_row);
      }
    }
    for (; p < k; ++p) {
      for (Index j = 0; j < lanes; ++j) to[p * packed_row + j] = from[p * b_row + j * b_col];
    }
  }
}

// A panel narrower than one vector: packed (k, lanes) is written, filled up with zeros.
template <class T>
void pack_narrow_panel(Index k, Index columns, const T* b, Index b_row, Index b_col, T* packed) noexcept {
  constexpr Index lanes = kLanes<T>;
  for (Index p = 0; p < k; ++p) {
    for (Index j = 0; j < lanes; ++j) packed[p * lanes + j] = j < columns ? b[p * b_row + j * b_col] : T(0);
  }
}

// m columns cut into panels of at most `max_vectors` vectors.  Where that is the width of the highest tiles,
// and panels one vector wider (kWideVectors) save one, some are.  The last vector of a ragged width overlaps
// the one before it instead of running over the edge; a width below one vector is packed and padded with
// zeros.
template <class T>
struct Panels {
  Index m, vectors;
  Parts parts;

  Panels(Index columns, int max_vectors)
      : m(columns), vectors(parts_of(m, kLanes<T>)), parts(vectors, count_of(vectors, max_vectors)) {}

  static Index count_of(Index vectors, int max_vectors) {
    const Index fewer = vectors / max_vectors;
    const bool fit = fewer > 0 && vectors <= fewer * kWideVectors;
    return max_vectors + 1 == kWideVectors && fit ? fewer : parts_of(vectors, max_vectors);
  }
  Index count() const { return parts.count; }
  bool narrow() const { return m < kLanes<T>; }
  Index column(Index i) const { return parts.begin(i) * kLanes<T>; }
  int width(Index i) const { return static_cast<int>(parts.size_of(i)); }  // in vectors
  Index row() const { return parts.largest() * kLanes<T>; }  // of a copy, or of sums, of any of the panels
  Index last(Index i) const {                                // where the last vector of the panel begins
    const Index end = column(i + 1);
    return (end > m && !narrow() ? m : end) - kLanes<T> - column(i);
  }
  // packed (depth, width(i) * lanes), rows `packed_row` apart, is written
  void pack(Index i, Index depth, const T* b, Index b_row, Index b_col, Index packed_row, T* packed) const {
    if (narrow()) {
      pack_narrow_panel(depth, m, b, b_row, b_col, packed);
    } else {
      pack_panel(depth, b + column(i) * b_col, b_row, b_col, width(i), last(i), packed_row, packed);
    }
  }
};

// One tile's rows of a as the tile kernel reads them.  packed (k, Rows) is written.
template <class T, int Rows>
void pack_tile(Index k, const T* a, Index a_row, Index a_col, T* packed) noexcept {
  if (a_row == 1) {
    for (Index p = 0; p < k; ++p) std::memcpy(packed + p * Rows, a + p * a_col, Rows * sizeof(T));
  } else {
    for (Index p = 0; p < k; ++p) {
      PICAFLOR_UNROLL
      for (int r = 0; r < Rows; ++r) packed[p * Rows + r] = a[r * a_row + p * a_col];
    }
  }
}

template <class T>
struct TilePackers {
  using Packer = void (*)(Index, const T*, Index, Index, T*) noexcept;
  Packer at[kMaxRows] = {};

  constexpr TilePackers() { fill<kMaxRows>(); }
  template <int Rows>
  constexpr void fill() {
    at[Rows - 1] = pack_tile<T, Rows>;
    if constexpr (Rows > kMinTallRows) fill<Rows - 1>();
  }
};

template <class T>
inline constexpr TilePackers<T> kTilePackers{};

}  // namespace picaflor::inline PICAFLOR_LEVEL
