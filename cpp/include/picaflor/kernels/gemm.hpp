// Matrix products of every shape a dense network needs, from the tile kernel in tile.hpp.
//
//   c (n, m) = end(init + a (n, k) b (k, m))
//
//   forward          y  = act(x W + b)   a = x, b = W
//   data gradient    dx = dy W^T         a = dy, b = W^T (b_row = 1): panels of b are turned while packed
//   weight gradient  dW = x^T dy         a = x^T (a_row = 1), b = dy
//
// Blocking, from the outside in:
//   rows of c     blocks whose part of a (rows x depth) stays in the second-level cache,
//   k             blocks of at most kMaxDepth, so that a panel of b stays in the first-level cache; the sums
//   go
//                 on through c, which keeps each of them one chain in the order of k,
//   columns of c  panels of a few vectors, read in place or packed when that pays,
//   rows again    tiles of nearly equal height (10 rows are 5 + 5, not 6 + 4).
#pragma once

#include "picaflor/kernels/panel.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// Specification of matmul and its partner in the tests.
template <class T>
void matmul_plain(const Matmul<T>& g) noexcept {
  for (Index i = 0; i < g.n; ++i) {
    for (Index j = 0; j < g.m; ++j) {
      T& c = g.c[i * g.c_row + j];
      T sum = g.init == MatmulInit::bias ? g.bias[j] : g.init == MatmulInit::accumulate ? c : T(0);
      for (Index p = 0; p < g.k; ++p) {
        sum = multiply_add(g.a[i * g.a_row + p * g.a_col], g.b[p * g.b_row + j * g.b_col], sum);
      }
      c = g.end == MatmulEnd::relu         ? (sum < T(0) ? T(0) : sum)
          : g.end == MatmulEnd::add_scaled ? multiply_add(g.alpha, sum, c)
                                           : sum;
    }
  }
}

// ------------------------------------------------------------------------------------------------ blocking

// A panel of b takes 24 KiB of a first-level cache of 32; the rest is for a tile's rows of a and c.
template <class T>
inline constexpr Index kMaxDepth = 24 * 1024 / Index{sizeof(T)} / (2 * kLanes<T>);
static_assert(kMaxDepth<float> >= kMaxScaledDepth && kMaxDepth<double> >= kMaxScaledDepth);
// The rows of a take half of a second-level cache of 512 KiB.
template <class T>
inline constexpr Index kRowBlock = 256 * 1024 / Index{sizeof(T)};
// From this many tiles on, packing a panel costs less than reading it with its stride again and again.
inline constexpr Index kTilesToPack = 4;

constexpr Index parts_of(Index whole, Index at_most) {
  return (whole + at_most - 1) / at_most;
}

// `whole` cut into `parts` nearly equal parts, the larger ones last: where part i begins.
constexpr Index part_begin(Index whole, Index parts, Index i) {
  const Index larger = whole % parts, smaller = parts - larger;
  return i * (whole / parts) + (i > smaller ? i - smaller : 0);
}

// m columns cut into panels of at most `max_vectors` vectors.  The last vector of a ragged width overlaps the
// one before it instead of running over the edge; a width below one vector is packed and filled up with
// zeros.
template <class T>
struct Panels {
  Index m, vectors, count;

  Panels(Index columns, int max_vectors)
      : m(columns), vectors(parts_of(m, kLanes<T>)), count(parts_of(vectors, max_vectors)) {}

  bool narrow() const { return m < kLanes<T>; }
  Index column(Index i) const { return part_begin(vectors, count, i) * kLanes<T>; }
  int width(Index i) const {  // in vectors
    return static_cast<int>(part_begin(vectors, count, i + 1) - part_begin(vectors, count, i));
  }
  Index last(Index i) const {  // where the last vector of the panel begins
    const Index end = column(i + 1);
    return (end > m && !narrow() ? m : end) - kLanes<T> - column(i);
  }
  // Packs panel i of b (depth, m); returns how many elements that takes.
  Index pack(Index i, Index depth, const T* b, Index b_row, Index b_col, T* packed) const {
    if (narrow()) {
      pack_narrow_panel(depth, m, b, b_row, b_col, packed);
    } else {
      pack_panel(depth, b + column(i) * b_col, b_row, b_col, width(i), last(i), packed);
    }
    return depth * width(i) * kLanes<T>;
  }
};

// Rows of c cut into tiles of nearly equal height.
struct Tiles {
  Index rows, count;
  explicit Tiles(Index n) : rows(n), count(parts_of(n, kMaxRows)) {}
  int tallest() const { return static_cast<int>(parts_of(rows, count)); }
};

// ----------------------------------------------------------------------------------------------- one panel

// All tiles of a panel, the lower ones first.
template <class T>
void multiply_panel(TileColumn<T> t, Tiles tiles, Index a_row, int width) noexcept {
  const Index height = tiles.rows / tiles.count, taller = tiles.rows % tiles.count;
  t.a_row = a_row;
  t.a_tile = height * a_row;
  t.tiles = tiles.count - taller;
  kTiles<T>.at[height - 1][width - 1](t);
  if (taller == 0) return;
  t.a += t.tiles * t.a_tile;
  t.c += t.tiles * height * t.c_row;
  t.a_tile = (height + 1) * a_row;
  t.tiles = taller;
  kTiles<T>.at[height][width - 1](t);
}

// The same for a panel of less than a vector: each tile of c passes through a buffer of whole vectors.
template <class T>
void multiply_narrow_panel(TileColumn<T> t, Tiles tiles, Index a_row, Index columns) noexcept {
  constexpr Index lanes = kLanes<T>;
  alignas(kCacheLine) T buffer[kMaxRows * lanes] = {};
  alignas(kCacheLine) T bias[lanes] = {};
  const bool reads_c = t.init == MatmulInit::accumulate || t.end == MatmulEnd::add_scaled;
  for (Index j = 0; t.init == MatmulInit::bias && j < columns; ++j) bias[j] = t.bias[j];
  const T* const a = t.a;
  T* const c = t.c;
  const Index c_row = t.c_row;
  t.bias = bias;
  t.c = buffer;
  t.c_row = lanes;
  for (Index i = 0; i < tiles.count; ++i) {
    const Index first = part_begin(tiles.rows, tiles.count, i);
    const Index height = part_begin(tiles.rows, tiles.count, i + 1) - first;
    T* const rows = c + first * c_row;
    for (Index r = 0; reads_c && r < height; ++r) {
      for (Index j = 0; j < columns; ++j) buffer[r * lanes + j] = rows[r * c_row + j];
    }
    t.a = a + first * a_row;
    multiply_panel(t, Tiles(height), a_row, 1);
    for (Index r = 0; r < height; ++r) {
      for (Index j = 0; j < columns; ++j) rows[r * c_row + j] = buffer[r * lanes + j];
    }
  }
}

// Panel i of c (rows, m) from packed columns of b.  t.c and t.bias stand at column 0.
template <class T>
void multiply_packed(TileColumn<T> t, const Panels<T>& panels, Index i, Tiles tiles, Index a_row,
                     const T* packed) noexcept {
  const Index column = panels.column(i);
  const int width = panels.width(i);
  t.b = packed;
  t.b_row = width * kLanes<T>;
  t.b_last = (width - 1) * kLanes<T>;
  if (panels.narrow()) return multiply_narrow_panel(t, tiles, a_row, panels.m);
  t.c += column;
  t.c_last = panels.last(i);
  t.bias += column;
  multiply_panel(t, tiles, a_row, width);
}

// Panel i of c from columns of b where they lie.  t.b, t.c and t.bias stand at column 0.
template <class T>
void multiply_in_place(TileColumn<T> t, const Panels<T>& panels, Index i, Tiles tiles, Index a_row) noexcept {
  const Index column = panels.column(i);
  t.b += column;
  t.c += column;
  t.bias += column;
  t.b_last = t.c_last = panels.last(i);
  multiply_panel(t, tiles, a_row, panels.width(i));
}

// ------------------------------------------------------------------------------------------------- product

template <class T>
Index matmul_workspace(Index, Index m, Index k) noexcept {
  const Index depth = k < kMaxDepth<T> ? k : kMaxDepth<T>;
  const Index vectors = parts_of(m, kLanes<T>);
  return depth * kLanes<T> * (vectors < kMaxVectors ? vectors : kMaxVectors);
}

template <class T>
void matmul(const Matmul<T>& g) noexcept {
  if (g.n == 0 || g.m == 0) return;
  const Index depths = g.k == 0 ? 1 : parts_of(g.k, kMaxDepth<T>);
  const Index deepest = g.k == 0 ? 1 : parts_of(g.k, depths);
  const Index blocks = parts_of(g.n, kMaxRows * parts_of(kRowBlock<T>, kMaxRows * deepest));

  for (Index block = 0; block < blocks; ++block) {
    const Index row = part_begin(g.n, blocks, block);
    const Tiles tiles(part_begin(g.n, blocks, block + 1) - row);
    const Panels<T> panels(g.m, max_vectors(tiles.tallest()));
    const bool packs = panels.narrow() || g.b_col != 1 || tiles.count >= kTilesToPack;

    for (Index part = 0; part < depths; ++part) {
      const Index first = part_begin(g.k, depths, part);
      const T* const b = g.b + first * g.b_row;
      TileColumn<T> t;
      t.k = part_begin(g.k, depths, part + 1) - first;
      t.a = g.a + row * g.a_row + first * g.a_col;
      t.a_col = g.a_col;
      t.b = b;
      t.b_row = g.b_row;
      t.c = g.c + row * g.c_row;
      t.c_row = g.c_row;
      t.bias = g.bias;
      t.init = part == 0 ? g.init : MatmulInit::accumulate;
      t.end = part + 1 == depths ? g.end : MatmulEnd::store;
      t.alpha = g.alpha;

      for (Index i = 0; i < panels.count; ++i) {
        if (packs) {
          panels.pack(i, t.k, b, g.b_row, g.b_col, g.workspace);
          multiply_packed(t, panels, i, tiles, g.a_row, g.workspace);
        } else {
          multiply_in_place(t, panels, i, tiles, g.a_row);
        }
      }
    }
  }
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
