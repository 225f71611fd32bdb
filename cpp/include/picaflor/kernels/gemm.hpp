// Matrix products of every shape a dense network needs, from the tile kernel in tile.hpp.
//
//   c (n, m) = end(init + a (n, k) b (k, m))
//
//   forward          y  = act(x W + b)   a = x, b = W
//   data gradient    dx = dy W^T         a = dy, b = W^T (b_row = 1): panels of b are transposed while packed
//   weight gradient  dW = x^T dy         a = x^T (a_row = 1), b = dy
//
// Blocking, from the outside in:
//   rows of c     blocks whose part of a (rows x depth) stays in the cache that its panels read it from;
//                 packed where its lines would meet in few cache sets,
//   k             blocks so deep that a panel of b stays in its cache; the sums go on through c, which keeps
//                 each of them one chain in the order of k,
//   columns of c  panels of a few vectors, read in place (or from a copy that the first of several tiles
//                 leaves for the others) or, for W^T, transposed into the workspace (for some rows dx^T =
//                 W dy^T instead),
//   rows again    tiles of nearly equal height (10 rows are 5 + 5, not 6 + 4).
// How much of each is decided in blocking.hpp.
// Where a has many zeros, sparse.hpp does it instead; for few rows of W^T or few columns, dots.hpp.
#pragma once

#include "picaflor/kernels/blocking.hpp"
#include "picaflor/kernels/dots.hpp"
#include "picaflor/kernels/panel.hpp"
#include "picaflor/kernels/parts.hpp"
#include "picaflor/kernels/sparse.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// Specification of matmul, its partner in the tests, and how tiny products are done.
template <class T>
void matmul_plain(const Matmul<T>& g) noexcept {
  for (Index i = 0; i < g.n; ++i) {
    for (Index j = 0; j < g.m; ++j) {
      T& c = g.c[i * g.c_row + j];
      T sum = g.init == MatmulInit::bias ? g.bias[j] : g.init == MatmulInit::accumulate ? c : T(0);
      for (Index p = 0; p < g.k; ++p) {
        sum = multiply_add(g.a[i * g.a_row + p * g.a_col], g.b[p * g.b_row + j * g.b_col], sum);
      }
      if (g.end == MatmulEnd::add_scaled && g.beta != T(0)) sum = multiply_add(g.beta, c, sum);
      c = g.end == MatmulEnd::relu         ? (sum < T(0) ? T(0) : sum)
          : g.end == MatmulEnd::add_scaled ? multiply_add(g.alpha, sum, c)
                                           : sum;
    }
  }
}

// ----------------------------------------------------------------------------------------------- one panel

// The left operand as the tiles of a panel find it.
template <class T>
struct Left {
  const T* a = nullptr;
  Index row = 0, col = 0;  // strides, unless packed: then tile by tile, the rows of a tile side by side
  bool packed = false;
};

template <class T>
void pack_rows(Index k, const Left<T>& left, Tiles tiles, T* packed) noexcept {
  const Index step = left.row == 1 ? kColumnsToPack : k;
  for (Index p = 0; p < k; p += step) {
    for (Index i = 0; i < tiles.count; ++i) {
      const Index first = tiles.begin(i), height = tiles.size_of(i);
      kTilePackers<T>.at[height - 1](smaller_of(step, k - p), left.a + first * left.row + p * left.col,
                                     left.row, left.col, packed + first * k + p * height);
    }
  }
}

// All tiles of a panel, the lower ones first.  With t.copy the first tile leaves its columns of b there,
// contiguous, for the others to read; with t.asked these ask for the next panel meanwhile, each for a vector
// of its columns.  Of t, the fields about a, b and c are used up.
template <class T>
void multiply_panel(TileColumn<T>& t, const Left<T>& left, const Tiles& tiles, int width) noexcept {
  t.a = left.a;
  t.a_row = left.packed ? 1 : left.row;
  Index done = 0;
  const auto multiply_up_to = [&](Index end, const auto& kernels) {
    while (done < end) {
      const Index rows = tiles.size_of(done);
      t.tiles = (done < tiles.smaller ? smaller_of(end, tiles.smaller) : end) - done;
      t.a_col = left.packed ? rows : left.col;
      t.a_tile = left.packed ? rows * t.k : rows * left.row;
      kernels[rows - 1][width - 1](t);
      t.a += t.tiles * t.a_tile;
      t.c += t.tiles * rows * t.c_row;
      done += t.tiles;
    }
  };
  if (t.copy != nullptr) {
    multiply_up_to(1, kTiles<T>.copying);
    t.b = t.copy;
    t.b_row = width * kLanes<T>;
    t.b_last = (width - 1) * kLanes<T>;
    for (Index v = 1; t.asked != nullptr && v <= width; ++v, t.asked += kLanes<T>) {
      multiply_up_to(smaller_of(v + 1, tiles.count), kTiles<T>.asking);
    }
  }
  const bool is_gradient = t.a_row == 1 && t.init == MatmulInit::zero && t.end != MatmulEnd::relu;
  multiply_up_to(tiles.count, is_gradient ? kTiles<T>.gradient : kTiles<T>.any);
}

// The same for a panel of less than a vector: each tile of c passes through a buffer of whole vectors.
template <class T>
void multiply_narrow_panel(TileColumn<T>& t, Left<T> left, const Tiles& tiles, Index columns) noexcept {
  constexpr Index lanes = kLanes<T>;
  alignas(kCacheLine) T buffer[kMaxRows * lanes] = {};
  alignas(kCacheLine) T bias[lanes] = {};
  const bool reads_c = t.init == MatmulInit::accumulate || t.end == MatmulEnd::add_scaled;
  for (Index j = 0; t.init == MatmulInit::bias && j < columns; ++j) bias[j] = t.bias[j];
  T* const c = t.c;
  const Index c_row = t.c_row;
  t.bias = bias;
  t.c_row = lanes;
  for (Index i = 0; i < tiles.count; ++i) {
    const Index first = tiles.begin(i), height = tiles.size_of(i);
    T* const rows = c + first * c_row;
    for (Index r = 0; reads_c && r < height; ++r) {
      for (Index j = 0; j < columns; ++j) buffer[r * lanes + j] = rows[r * c_row + j];
    }
    t.c = buffer;
    multiply_panel(t, left, Tiles(height), 1);
    left.a += height * left.row;
    for (Index r = 0; r < height; ++r) {
      for (Index j = 0; j < columns; ++j) rows[r * c_row + j] = buffer[r * lanes + j];
    }
  }
}

// ------------------------------------------------------------------------------------------------- product

template <class T>
Index tiles_workspace(Index n, Index m, Index k) noexcept {
  const Index depth = smaller_of(k, larger_of(kMaxDepth, kMaxScaledDepth));
  const Index vectors = parts_of(m, kLanes<T>);
  const Index panel = padded<T>(depth * kLanes<T> * smaller_of(vectors, kMaxVectors));
  const Index block = kRowBlock<T> + kMaxRows * depth;
  const bool packs = parts_of(vectors, max_vectors(kMaxRows)) >= kPanelsToPackRows;
  return panel + (packs ? smaller_of(block, n * depth) : 0);
}

template <class T>
Index matmul_workspace(Index n, Index m, Index k) noexcept {
  const Index rows = most_rows_transposed(n, k);
  const Index transposed = rows == 0 ? 0 : m * padded<T>(rows) + tiles_workspace<T>(m, rows, k);
  return larger_of(larger_of(tiles_workspace<T>(n, m, k), transposed), sparse_workspace<T>(n, m, k));
}

// The tiles of a product whose b is read where it lies.
template <class T>
TileColumn<T> tiles_of(const Matmul<T>& g) noexcept {
  TileColumn<T> t;
  t.k = g.k;
  t.b = g.b;
  t.b_row = g.b_row;
  t.b_last = t.c_last = g.m - kLanes<T>;
  t.c = g.c;
  t.c_row = g.c_row;
  t.c_is_far = is_far(g);
  t.bias = g.bias;
  t.init = g.init;
  t.end = g.end;
  t.alpha = g.alpha;
  t.beta = g.beta;
  t.rows_ahead = g.rows_ahead;
  t.copy = nullptr;
  t.asked = nullptr;
  t.asked_row = g.b_row;
  return t;
}

// The columns of panel i: b where it lies, or packed in the workspace.
template <class T>
void set_panel(TileColumn<T>& t, const Matmul<T>& g, const Panels<T>& panels, Index i, bool packs) noexcept {
  const Index column = panels.column(i);
  t.c = g.c + column;
  t.c_last = panels.last(i);
  t.bias = g.bias == nullptr ? nullptr : g.bias + column;
  if (packs) {
    const Index row = panels.width(i) * kLanes<T>;
    panels.pack(i, g.k, g.b, g.b_row, g.b_col, row, g.workspace);
    t.b = g.workspace;
    t.b_row = row;
    t.b_last = row - kLanes<T>;
  } else {
    t.b = g.b + column;
    t.b_row = g.b_row;
    t.b_last = t.c_last;
  }
}

// A product that needs no cutting: its panels one after the other.
template <class T>
void multiply_panels(const Matmul<T>& g) noexcept {
  const bool shallow = g.k <= kShallow && parts_of(g.m, kLanes<T>) >= kShallowVectors;
  const Tiles tiles(g.n, shallow ? 1 : kMaxRows);
  const Panels<T> panels(g.m, max_vectors(tiles.tallest()));
  const bool packs = panels.narrow() || g.b_col != 1;

  const Left<T> plain{g.a, g.a_row, g.a_col, false};
  Left<T> packed;
  const Left<T>* left = &plain;
  if (!shallow && packs_rows<T>(tiles, panels.count(), g.k, g.a_row, g.a_col)) {
    T* const rows = g.workspace + padded<T>(g.k * panels.row());
    pack_rows(g.k, plain, tiles, rows);
    packed = {rows, 0, 0, true};
    left = &packed;
  }

  TileColumn<T> t = tiles_of(g);
  if (!packs && !shallow && copies_panels(g, tiles.count)) t.copy = g.workspace;
  const bool asks = t.copy != nullptr && asks_for_panels(g);
  for (Index i = 0; i < panels.count(); ++i) {
    const int width = panels.width(i);
    set_panel(t, g, panels, i, packs);
    if (asks) t.asked = i + 1 < panels.count() ? g.b + panels.column(i + 1) : nullptr;
    if (panels.narrow()) {
      multiply_narrow_panel(t, *left, tiles, g.m);
    } else if (width > max_vectors(tiles.tallest())) {  // in lower tiles than the rows are packed for
      multiply_panel(t, plain, Tiles(g.n, kWideRows), width);
    } else {
      multiply_panel(t, *left, tiles, width);
    }
  }
}

template <class T>
void multiply_blocks(const Matmul<T>& g) noexcept {
  const Blocking blocking(g.n, g.k, max_depth(g), kRowBlock<T>);
  const Parts rows = blocking.rows, depths = blocking.depths;
  if (rows.count == 1 && depths.count == 1) return multiply_panels(g);
  for (Index i = 0; i < rows.count; ++i) {
    for (Index p = 0; p < depths.count; ++p) {
      const Index row = rows.begin(i), first = depths.begin(p);
      Matmul<T> part = g;
      part.n = rows.size_of(i);
      part.k = depths.size_of(p);
      part.a += row * g.a_row + first * g.a_col;
      part.b += first * g.b_row;
      part.c += row * g.c_row;
      if (p > 0) part.init = MatmulInit::accumulate;
      if (p + 1 < depths.count) part.end = MatmulEnd::store;
      multiply_panels(part);
    }
  }
}

// Whether a product is done before its panel of less than a vector would be set up.
// (Measured, of a training step: 2-3-1 with one row 1.23 times as fast, with four 1.14, with eight 1.05; if
// 64 operations counted as few, sixteen rows would be slower.)
template <class T>
bool is_tiny(const Matmul<T>& g) noexcept {
  return g.m < kLanes<T> && g.n * g.m * g.k <= 24;
}

// Whether a product is one panel of a few tiles, read and written as they lie: most of a small network's,
// which would feel the questions that multiply_blocks and multiply_panels ask.
// (Measured, of a training step: 2-16-1 with one row 1.10 times as fast, 4-32-2 with 16 rows 1.05.)
template <class T>
bool is_one_panel(const Matmul<T>& g) noexcept {
  const Index vectors = parts_of(g.m, kLanes<T>), rows = smaller_of(g.n, kMaxRows);
  return g.b_col == 1 && g.m >= kLanes<T> && are_few_tiles(g.n) && g.k <= kMaxScaledDepth &&
         vectors <= max_vectors(static_cast<int>(rows)) && (g.k > kShallow || vectors < kShallowVectors);
}

template <class T>
void multiply_one_panel(const Matmul<T>& g) noexcept {
  TileColumn<T> t = tiles_of(g);
  const Left<T> left{g.a, g.a_row, g.a_col, false};
  multiply_panel(t, left, Tiles(g.n), static_cast<int>(parts_of(g.m, kLanes<T>)));
}

// c^T = b^T a^T, and c from it: a and c are transposed instead of b.
template <class T>
void multiply_transposed(const Matmul<T>& g) noexcept {
  constexpr Index lanes = kLanes<T>;
  const Index row = padded<T>(g.n);
  const Matmul<T> t{
      .n = g.m,
      .m = g.n,
      .k = g.k,
      .a = g.b,
      .a_row = g.b_col,
      .b = g.a,
      .b_row = 1,
      .b_col = g.a_row,
      .c = g.workspace,
      .c_row = row,
      .workspace = g.workspace + g.m * row,
  };
  multiply_blocks(t);
  const Index vectors = g.m / lanes, last = g.m - lanes;
  pack_panel(g.n, t.c, Index{1}, row, static_cast<int>(vectors), (vectors - 1) * lanes, g.c_row, g.c);
  if (g.m % lanes != 0) pack_panel(g.n, t.c + last * row, Index{1}, row, 1, Index{0}, g.c_row, g.c + last);
}

// The first vector of columns, then those from `ahead` on, which begin on a boundary.
template <class T>
void multiply_from_boundary(const Matmul<T>& g, Index ahead) noexcept {
  Matmul<T> part = g;
  part.m = kLanes<T>;
  multiply_blocks(part);
  part.m = g.m - ahead;
  part.b += ahead;
  part.c += ahead;
  if (part.bias != nullptr) part.bias += ahead;
  multiply_blocks(part);
}

template <class T>
void matmul(const Matmul<T>& g) noexcept {
  if (g.n == 0 || g.m == 0) return;
  if (g.zeros != Zeros::multiplied && can_leave_out_zeros(g)) return matmul_sparse(g);
  if (are_rows_of_dots(g)) return matmul_few_rows(g);
  if (are_columns_of_dots(g)) return matmul_few_columns(g);
  if (is_cheaper_transposed(g)) return multiply_transposed(g);
  if (const Index ahead = columns_ahead(g); ahead > 0) return multiply_from_boundary(g, ahead);
  if (is_tiny(g)) return matmul_plain(g);
  is_one_panel(g) ? multiply_one_panel(g) : multiply_blocks(g);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
