// How a product is cut so that what it reads again is still in a cache: the decisions of gemm.hpp, with the
// measurements that they come from.
//
// No bit of the result depends on any of them, but for which of two NaNs it is: each c_ij stays one chain of
// additions in the order of k.
#pragma once

#include <cstdint>

#include "picaflor/kernels/parts.hpp"
#include "picaflor/kernels/tile.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// With registers of up to 32 bytes a panel of b takes 17 KiB of a first-level cache of 32, a tile's rows of a
// 7, and the rest is for c; the rows of a block take half of a second-level cache of 512 KiB.
// With registers of 64 bytes the panel lies in the second level: a tile reads a line of it for eight
// multiply-adds of 64 bytes.  So it may as well be deep, 200 KB, which saves passes through c; and a tile's
// rows of a last so long that they may come from the third level, which saves transposing and copying b anew.
// (Measured, 256 to 2048 rows of 1024 x 1024 to 2048 x 2048: 1.0 to 1.1 times as fast as with the others.)
inline constexpr Index kMaxDepth = kLongRegisters ? 1040 : 272;
template <class T>
inline constexpr Index kRowBlock = (kLongRegisters ? 2048 : 256) * 1024 / Index{sizeof(T)};
// Up to this many steps, sums take less time than reading and writing c: low and wide tiles go through it row
// by row.
inline constexpr Index kShallow = 4, kShallowVectors = 4;

// Bytes, as the processor tells; at least this.  Written once, when the table of kernels is set up.
inline Index second_level_cache = 1024 * 1024;

// Rows of c cut into tiles of nearly equal height.
struct Tiles : Parts {
  explicit Tiles(Index n, int max_rows = kMaxRows) : Parts(n, parts_of(n, max_rows)) {}
  int tallest() const { return static_cast<int>(largest()); }
};

// How the depth of the sums and the rows of c are cut.
struct Blocking {
  Parts depths, rows;
  Blocking(Index n, Index k, Index max_depth, Index row_block)
      : depths(k, k == 0 ? 1 : parts_of(k, max_depth)),
        rows(n, parts_of(n, kMaxRows * parts_of(row_block, kMaxRows * (k == 0 ? 1 : depths.largest())))) {}
};

// ------------------------------------------------------------------------------------------ rows of b apart

// Whether so many rows, `row` elements apart, span more than so many quarters of the second-level cache: then
// a panel of them, however narrow, takes up to that share of each of its sets; all else needs the others.
template <class T>
bool span_quarters(Index rows, Index row, Index quarters) noexcept {
  return rows * row * Index{sizeof(T)} > second_level_cache / 4 * quarters;
}

// Tiles from which on a copy of b mostly pays, and from which on it does where b comes from far away.
inline constexpr Index kManyTiles = 8, kLeastTilesToCopy = kLongRegisters ? 4 : kManyTiles;
inline constexpr Index kShortDepth = 64;
static_assert(kLeastTilesToCopy >= kTall);
constexpr bool are_few_tiles(Index n) {
  return parts_of(n, kMaxRows) < kManyTiles;
}

// Beyond three quarters, tiles too few for a copy go through short panels: the lines of their rows, and the
// pages that those lie on, are still at hand for the panel beside it, and memory is read nearly in its order.
// (Measured, 1024 x 1024: 1.1 times as fast with 1 row, 1.4 with 16, 1.5 with 24; with 32 bytes 1.0, 1.4,
// 1.3.)
template <class T>
Index max_depth(const Matmul<T>& g) noexcept {
  if (g.end == MatmulEnd::add_scaled) return kMaxScaledDepth;
  const bool several_panels = g.m > max_vectors(g.n == 1 ? 1 : 2) * kLanes<T>;
  const bool is_copied = parts_of(g.n, kMaxRows) >= kLeastTilesToCopy;
  const bool is_short = several_panels && !is_copied && g.b_col == 1 && span_quarters<T>(g.k, g.b_row, 3);
  return is_short ? kShortDepth : kMaxDepth;
}

// Columns of b before the first vector that begins on a boundary of its size, or -1 where that differs from
// row to row.
template <class T>
Index columns_before_boundary(const T* b, Index b_row) noexcept {
  constexpr Index lanes = kLanes<T>;
  if (b_row % lanes != 0) return -1;
  const auto beyond = static_cast<Index>(reinterpret_cast<std::uintptr_t>(b) / sizeof(T) % lanes);
  return (lanes - beyond) % lanes;
}

// Whether the first of many tiles leaves a copy of the panel for the others: for those that read it from the
// first level; from the second, where the rows reach over half of it, their vectors lie across two lines, or
// threads have shared out the columns of b.  And the first of fewer, where most of b comes from farther away.
// (Measured, 64 to 256 rows: 1.1 to 1.5 times as fast beyond a half, 0.92 to 0.98 up to it; across lines 1.0
// to 1.1; two threads, a training step of 784-256-10 with 64 rows 1.035.  32 rows, beyond a half 0.9; beyond
// three quarters see asks_for_panels, but with registers of 32 bytes 0.9 to 0.95.)
template <class T>
bool copies_panels(const Matmul<T>& g, Index tiles) noexcept {
  if (tiles < kManyTiles) return tiles >= kLeastTilesToCopy && span_quarters<T>(g.k, g.b_row, 3);
  const bool is_part = g.b_row >= 2 * g.m, across_lines = columns_before_boundary(g.b, g.b_row) != 0;
  return !kLongRegisters || is_part || across_lines || span_quarters<T>(g.k, g.b_row, 2);
}

// Whether the tiles that read a copy ask for the next panel meanwhile.
// (Measured, 1024 x 1024: 1.12 times as fast with 32 and 48 rows, 1.05 with 64, 1.0 with 256; 784 x 512, 128
// rows: 1.02.  With registers of 32 bytes 1.0.)
template <class T>
bool asks_for_panels(const Matmul<T>& g) noexcept {
  return kLongRegisters && g.end != MatmulEnd::add_scaled && span_quarters<T>(g.k, g.b_row, 2);
}

// How many columns of c to work out ahead of the others, so that these read b from boundaries on: for the few
// rows that wait for loads.  They are among the first vector's, all of which is worked out with them.
// (Measured, 784 x 256 and 16 bytes beside a line: 1.4 times as fast with 1 row, 1.2 with 4, 1.0 with 8.)
template <class T>
Index columns_ahead(const Matmul<T>& g) noexcept {
  constexpr Index kMostRows = 4, kLeastSize = 64 * 1024 / Index{sizeof(T)};
  if (g.n > kMostRows || g.b_col != 1 || g.k * g.m < kLeastSize || g.m < 4 * kLanes<T>) return 0;
  if (g.init == MatmulInit::accumulate || g.end == MatmulEnd::add_scaled) return 0;  // once is enough
  return larger_of(columns_before_boundary(g.b, g.b_row), 0);
}

// ---------------------------------------------------------------------------------------------------- c

// Whether tiles ask for their part of c, to which they are added, before they begin: where much of it has
// left the second-level cache since the product before.
// (Measured, of weights: 784 x 512 from 10 rows 1.02 times as fast, from 32 1.06, from 64 and 128 1.03; 1024
// x 1024 from 32 rows 1.12, from 64 1.07; 1500 x 1500 from 32 rows 1.18; 2000 x 2000 from 8 rows 1.42. From
// two quarters on, 784 x 400 from 10 rows 0.93, from 64 1.0, from 128 1.02.)
template <class T>
bool is_far(const Matmul<T>& g) noexcept {
  return g.end == MatmulEnd::add_scaled && span_quarters<T>(g.n, g.c_row, 3);
}

// ----------------------------------------------------------------------------------------- transposed b

// Whether to multiply c^T = b^T a^T where b is a transposed matrix: a and c are transposed then instead of b,
// which is larger than both, and rows of a fill all vectors, the last one at least by half.
//
// (Measured, of a training step of two hidden layers of 256 and 512: 1.08 and 1.11 times as fast with 12
// rows, 1.12 with 16, 1.02 and 1.05 with 24, 1.07 and 1.08 with 32, 1.02 and 1.04 with 64, 1.00 with 128.)
inline constexpr Index kMostRowsTransposed = 64;
// Of the products of up to n rows, the rows that this may be worth for: by `cost` below, 2 n < k.
constexpr Index most_rows_transposed(Index n, Index k) {
  return smaller_of(smaller_of(n, kMostRowsTransposed), k / 2);
}
template <class T>
bool is_cheaper_transposed(const Matmul<T>& g) noexcept {
  constexpr Index lanes = kLanes<T>;
  if (g.b_row != 1 || g.b_col == 1 || g.a_col != 1) return false;
  if (g.init != MatmulInit::zero || g.end != MatmulEnd::store) return false;
  if (g.n > kMostRowsTransposed || g.m < lanes || parts_of(g.n, lanes) * lanes - g.n > lanes / 2)
    return false;
  const Index cost = g.n < lanes ? 8 : 2;  // less than a vector goes through a buffer
  return cost * g.n * (g.m + g.k) <= g.m * g.k;
}

// --------------------------------------------------------------------------------------------- rows of a

// From this many panels on, packing the rows of a may pay; always, where it pays at all, from this depth on.
inline constexpr Index kPanelsToPackRows = 8;
inline constexpr Index kDepthToPackRows = 96;
// Rows of x^T are packed a few columns, rows of x, at a time: the next tile's part of their lines is still in
// the first-level cache then, whatever their stride.
inline constexpr Index kColumnsToPack = 8;

// Packing the rows of a pays over many panels when a tile uses only a part of each line (a = x^T), or when
// its lines meet in few sets of the first-level cache (power-of-two strides).
template <class T>
bool packs_rows(Tiles tiles, Index panels, Index depth, Index a_row, Index a_col) noexcept {
  if (tiles.count < kTall || panels < kPanelsToPackRows) return false;
  const auto meets = [](Index stride, Index bytes) { return stride * Index{sizeof(T)} % bytes == 0; };
  if (a_row == 1) return depth >= kDepthToPackRows || meets(a_col, 1024);
  return a_col != 1 || meets(a_row, 2048);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
