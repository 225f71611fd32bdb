// Copies of operand blocks in the order in which multiply_tiles reads them.
#pragma once

#include <cstring>

#include "picaflor/kernels/tile.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// One panel of b as the tile kernel wants it.  packed (k, vectors * lanes), contiguous, is written.
// Vector v of a row holds b's columns v * lanes ..., the last one its columns last ....
template <class T>
void pack_panel(Index k, const T* b, Index b_row, Index b_col, int vectors, Index last, T* packed) noexcept {
  using namespace Eigen::internal;
  using P = Register<T>;
  constexpr Index lanes = kLanes<T>;
  const Index width = vectors * lanes;
  for (int v = 0; v < vectors; ++v) {
    const T* from = b + (v + 1 < vectors ? v * lanes : last) * b_col;
    T* to = packed + v * lanes;
    Index p = 0;
    if (b_col == 1) {
      for (; p < k; ++p) pstoreu(to + p * width, ploadu<P>(from + p * b_row));
    } else if (b_row == 1) {  // b is a transposed matrix: square blocks, turned in registers
      for (; p + lanes <= k; p += lanes) {
        PacketBlock<P, int{lanes}> block;
        PICAFLOR_UNROLL
        for (int j = 0; j < lanes; ++j) block.packet[j] = ploadu<P>(from + j * b_col + p);
        ptranspose(block);
        PICAFLOR_UNROLL
        for (int j = 0; j < lanes; ++j) pstoreu(to + (p + j) * width, block.packet[j]);
      }
    }
    for (; p < k; ++p) {
      for (Index j = 0; j < lanes; ++j) to[p * width + j] = from[p * b_row + j * b_col];
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
