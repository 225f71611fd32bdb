// Weight gradient and optimizer step of a dense layer in one go, and the bias gradient.
//
//   x (n, d), dz (n, m), w (d, m):   g = x^T dz + l1 sign(w) + 2 l2 w,   w, slots <- rule(g)
//
// The gradient never goes to memory: a strip of its rows is worked out in the second-level cache, and the
// rule runs over the strip of w and its slots at once.  Plain gradient descent does not even need the strip:
// w is updated from the registers that hold the sums, with the same bits (w <- fma(-rate, g, w) either way,
// and g <- fma(2 l2, w, g) before).
#pragma once

#include "picaflor/kernels/gemm.hpp"
#include "picaflor/kernels/optimizers.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// x^T dz of all rows and columns of w, without an output yet.
template <class T>
Matmul<T> gradient_of(const DenseUpdate<T>& u) noexcept {
  return {
      .n = u.d,
      .m = u.m,
      .k = u.n,
      .a = u.x,
      .a_row = 1,
      .a_col = u.x_row,
      .b = u.dz,
      .b_row = u.dz_row,
      .zeros = u.leaves_out_zeros == ZerosOf::x ? Zeros::left_out : Zeros::multiplied,
      .rows_ahead = u.rows_ahead,
      .workspace = u.workspace,
  };
}

// Specification of dense_update and its partner in the tests.  workspace: (d, m)
template <class T>
void dense_update_plain(const DenseUpdate<T>& u) noexcept {
  Matmul<T> gradient = gradient_of(u);
  gradient.c = u.workspace;
  gradient.c_row = u.m;
  matmul_plain(gradient);
  for (Index i = 0; i < u.d; ++i) {
    ParameterRows<T> row;
    row.size = u.m;
    row.p = u.w + i * u.w_row;
    row.g = u.workspace + i * u.m;
    for (int s = 0; s < kMaxSlots; ++s) {
      row.slots[s] = u.slots[s] == nullptr ? nullptr : u.slots[s] + i * u.w_row;
    }
    row.l1 = u.l1;
    row.l2 = u.l2;
    optimizer_step(*u.step, row);
  }
}

// A strip is whole rows of w, so that w and its slots are read as they lie, unless they are very long; its
// gradient takes a part of the second-level cache.  (Parts of rows, which memory is slower to follow, made
// Adam's step of 784 x 2048 at eight rows 1.25 times as long.)  Of long rows it has more than would fit that
// part, since each strip goes through all of dz once.
inline constexpr Index kStripColumns = 4096;
inline constexpr Index kStripRows = 128;
template <class T>
inline constexpr Index kStrip = 128 * 1024 / Index{sizeof(T)};
template <class T>
inline constexpr Index kLongestStrip = 4 * kStrip<T>;

template <class T>
Index strip_rows(Index columns) noexcept {
  const Index rows = larger_of(kStrip<T> / columns, smaller_of(kStripRows, kLongestStrip<T> / columns));
  return parts_of(rows, kMaxRows) * kMaxRows;
}

// At least strip_rows(columns) * columns, and no less for more columns.
template <class T>
Index strip_size(Index columns) noexcept {
  const Index size = smaller_of(larger_of(kStrip<T>, kStripRows * columns), kLongestStrip<T>);
  return size + kMaxRows * columns;
}

// The rule on `rows` rows of w from `row` on, columns from `column` on, whose gradient is g (rows, columns).
template <class T>
void update_strip(const DenseUpdate<T>& u, Index row, Index rows, Index column, Index columns,
                  T* g) noexcept {
  const Index corner = row * u.w_row + column;
  const bool contiguous = columns == u.w_row;
  ParameterRows<T> strip;
  strip.rows = contiguous ? 1 : rows;
  strip.size = contiguous ? rows * columns : columns;
  strip.p = u.w + corner;
  strip.g = g;
  strip.p_row = u.w_row;
  strip.g_row = columns;
  for (int s = 0; s < kMaxSlots; ++s) strip.slots[s] = u.slots[s] == nullptr ? nullptr : u.slots[s] + corner;
  strip.l1 = u.l1;
  strip.l2 = u.l2;
  optimizer_step(*u.step, strip);
}

// Columns of dz whose terms are listed at a time, whole cache lines of them.
template <class T>
Index listed_columns(Index n) noexcept {
  static_assert(kMostTerms / kMostListedDepth >= kLine<T>);
  return smaller_of(kListedRows, kMostTerms / n) / kLine<T> * kLine<T>;
}

// Rows of g that are transposed at a time: what a cache line of g^T holds.
template <class T>
inline constexpr Index kTransposedRows = kLine<T>;

template <class T>
bool can_leave_out_zeros_of_dz(const DenseUpdate<T>& u) noexcept {
  return u.n > 0 && u.n <= kMostListedDepth && u.m % kLanes<T> == 0;
}

template <class T>
Index dense_update_transposed_workspace(Index n, Index d, Index m) noexcept {
  const Index columns = smaller_of(m, kListedRows);
  return TermSpace<T>(columns, smaller_of(n, kMostListedDepth), d).size + columns * kTransposedRows<T>;
}

// Where dz has many zeros: g^T = dz^T x, block by block, since it is the left operand that they are left out
// of; the blocks are transposed.  Not inlined, as matmul_sparse.
template <class T>
EIGEN_DONT_INLINE void dense_update_transposed(const DenseUpdate<T>& u) noexcept {
  const Panels<T> panels(u.d, kTermVectors);
  const TermSpace<T> space(smaller_of(u.m, kListedRows), u.n, u.d);
  auto* const terms = reinterpret_cast<Term<T>*>(u.workspace + space.lists);
  T* const strip = u.workspace + space.strip;
  T* const gradient = u.workspace + space.size;
  const SumEnds<T> to_strip{.to = strip, .to_row = panels.row()};
  const Index most = listed_columns<T>(u.n);
  for (Index column = 0; column < u.m; column += most) {
    const Index columns = smaller_of(u.m - column, most);
    const TermLists<T> lists(columns, u.n, kStretch<T>, u.dz + column, 1, u.dz_row, panels.row(), terms);
    for (Index i = 0; i < panels.count(); ++i) {
      sum_panel(lists, panels, i, u.x, u.x_row, Index{1}, u.workspace + space.packed, strip, to_strip);
      // a few rows of g at a time, so that the rule finds them in the first-level cache
      const Index end = smaller_of(panels.column(i + 1), u.d);
      for (Index row = panels.column(i); row < end; row += kTransposedRows<T>) {
        const Index rows = smaller_of(end - row, kTransposedRows<T>);
        pack_panel(rows, strip + (row - panels.column(i)), Index{1}, panels.row(),
                   static_cast<int>(columns / kLanes<T>), columns - kLanes<T>, columns, gradient);
        update_strip(u, row, rows, column, columns, gradient);
      }
    }
  }
}

template <class T>
Index dense_update_workspace(Index n, Index d, Index m) noexcept {
  const Index columns = smaller_of(m, kStripColumns);
  const Index strip = smaller_of(strip_size<T>(columns), d * columns);
  const Index matrix = padded<T>(strip) + matmul_workspace<T>(d, m, n);
  return larger_of(matrix, dense_update_transposed_workspace<T>(n, d, m));
}

template <class T>
void descend(const DenseUpdate<T>& u) noexcept {
  Matmul<T> g = gradient_of(u);
  g.c = u.w;
  g.c_row = u.w_row;
  g.end = MatmulEnd::add_scaled;
  g.alpha = static_cast<T>(-u.step->rate);
  g.beta = static_cast<T>(2 * u.l2);
  matmul(g);
}

template <class T>
void update_weights(const DenseUpdate<T>& u) noexcept {
  if (u.leaves_out_zeros == ZerosOf::dz && can_leave_out_zeros_of_dz(u)) return dense_update_transposed(u);
  if (is_plain_descent(u)) return descend(u);
  Matmul<T> g = gradient_of(u);
  const Index lines = parts_of(u.m, kLine<T>);  // blocks of columns begin at whole cache lines
  const Index blocks = parts_of(u.m, kStripColumns);
  const Index columns = parts_of(lines, blocks) * kLine<T>;
  const Parts strips(u.d, parts_of(u.d, strip_rows<T>(columns)));
  for (Index strip = 0; strip < strips.count; ++strip) {
    const Index row = strips.begin(strip);
    g.n = strips.size_of(strip);
    g.a = u.x + row;
    for (Index column = 0; column < u.m; column += columns) {
      g.m = smaller_of(u.m - column, columns);
      g.b = u.dz + column;
      g.c = u.workspace;
      g.c_row = g.m;
      g.workspace = u.workspace + padded<T>(g.n * g.m);
      matmul(g);
      update_strip(u, row, g.n, column, g.m, g.c);
    }
  }
}

// How many cache lines of the rows ahead each tile of the gradient asks for: all at once, they would wait for
// one another.  None where few tiles ask, or none.
template <class T>
Index lines_a_tile(const DenseUpdate<T>& u) noexcept {
  constexpr Index columns = max_vectors(kMaxRows) * kLanes<T>;
  if (u.leaves_out_zeros != ZerosOf::neither || u.n <= kShallow || are_few_tiles(u.d)) return 0;
  return parts_of(lines_of_rows(*u.rows_ahead), parts_of(u.d, kMaxRows) * larger_of(u.m / columns, 1));
}

template <class T>
void dense_update(const DenseUpdate<T>& u) noexcept {
  if (u.d == 0 || u.m == 0) return;
  if (u.rows_ahead == nullptr) return update_weights(u);
  RowsAhead& ahead = *u.rows_ahead;
  ahead.lines_a_tile = lines_a_tile(u);
  if (ahead.lines_a_tile == 0) ask_for(ahead, lines_of_rows(ahead));
  update_weights(u);
  ask_for(ahead, lines_of_rows(ahead));  // what is left
}

// out_j = sum_i x_ij.  x: (n, m), out: (m) is written.
// Four chains, rows i mod 4, added as (0 + 1) + (2 + 3): neither latency nor rounding grows with all of n.
template <class T>
void column_sums(Index n, Index m, const T* x, Index x_row, T* out) noexcept {
  using namespace Eigen::internal;
  const auto columns = [&]<class R>(R, Index j) {
    R sum[4] = {pset1<R>(T(0)), pset1<R>(T(0)), pset1<R>(T(0)), pset1<R>(T(0))};
    const T* row = x + j;
    Index i = 0;
    for (; i + 4 <= n; i += 4, row += 4 * x_row) {
      PICAFLOR_UNROLL
      for (int r = 0; r < 4; ++r) sum[r] = padd(sum[r], ploadu<R>(row + r * x_row));
    }
    for (int r = 0; i < n; ++i, ++r, row += x_row) sum[r] = padd(sum[r], ploadu<R>(row));
    pstoreu(out + j, padd(padd(sum[0], sum[1]), padd(sum[2], sum[3])));
  };
  Index j = 0;
  for (; j + kLanes<T> <= m; j += kLanes<T>) columns(Register<T>{}, j);
  for (; j < m; ++j) columns(T{}, j);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
