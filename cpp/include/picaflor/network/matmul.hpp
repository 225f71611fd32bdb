// One matrix product on several threads: the output is cut into blocks of columns or of rows, never the sum.
#pragma once

#include <algorithm>

#include "picaflor/kernels/table.hpp"
#include "picaflor/runtime/parallel.hpp"

namespace picaflor {

// The half-open range [begin, end) of part `i` of `parts` of `size` elements, cut at multiples of `unit`.
struct Range {
  Index begin = 0, end = 0;
  Index size() const { return end - begin; }
};

inline Range part_of(Index size, Index unit, Index parts, Index i) {
  const Index units = (size + unit - 1) / unit;
  return {std::min(size, units * i / parts * unit), std::min(size, units * (i + 1) / parts * unit)};
}

// How many of the threads at hand are worth waking for this much work.  A hand-over costs about a
// microsecond, so a thread gets at least five: 5e5 floating-point operations of a product, or their like in
// other work.
inline Index useful_threads(double operations, Index threads) {
  constexpr double kOperationsPerThread = 5e5;
  return threads == 1 ? 1
                      : std::clamp<Index>(static_cast<Index>(operations / kOperationsPerThread), 1, threads);
}

// Into how many blocks of rows and columns the (n, m) output of a product of this depth is cut.
struct Grid {
  Index rows = 1, cols = 1;
  Index size() const { return rows * cols; }
};

// Columns first: then each core keeps meeting the same columns of the weights in its own cache, in the
// forward product as in the update.  A block of columns is whole cache lines, so that no line is written by
// two cores.
template <class T>
inline constexpr Index kColumnUnit = 2 * kCacheLine / static_cast<Index>(sizeof(T));
inline constexpr Index kRowUnit = 12;  // rows of two register tiles

template <class T>
Grid grid_for(Index n, Index m, Index k, Index threads) {
  threads =
      useful_threads(2.0 * static_cast<double>(n) * static_cast<double>(m) * static_cast<double>(k), threads);
  if (threads == 1) return {};
  const Index column_units = m / kColumnUnit<T>;
  const Index row_units = n / kRowUnit;
  if (column_units >= threads) return {1, threads};
  if (row_units >= threads) return {threads, 1};
  return column_units >= row_units ? Grid{1, std::max<Index>(column_units, 1)} : Grid{row_units, 1};
}

// The block of a product that part `i` of the grid works out.
template <class T>
Matmul<T> block_of(const Matmul<T>& product, Grid grid, Index i) {
  const Range rows = part_of(product.n, kRowUnit, grid.rows, i / grid.cols);
  const Range cols = part_of(product.m, kColumnUnit<T>, grid.cols, i % grid.cols);
  Matmul<T> block = product;
  block.n = rows.size();
  block.m = cols.size();
  block.a += rows.begin * product.a_row;
  block.b += cols.begin * product.b_col;
  block.c += rows.begin * product.c_row + cols.begin;
  if (product.bias != nullptr) block.bias += cols.begin;
  return block;
}

// `workspaces` has one workspace of matmul_workspace(n, m, k) elements for each of the threads; the product's
// own is set.
template <class T>
void matmul_threaded(const KernelTable<T>& kernels, Matmul<T>& product, T* const* workspaces, Index threads) {
  Grid grid = grid_for<T>(product.n, product.m, product.k, threads);
  // By rows: then each is searched for its zeros once.
  if (product.leaves_out_zeros && product.n >= grid.size() * kRowUnit) grid = {grid.size(), 1};
  if (grid.size() == 1) {
    product.workspace = workspaces[0];
    kernels.matmul(product);
    return;
  }
  parallel_for(grid.size(), [&](Index i) {
    Matmul<T> block = block_of(product, grid, i);
    block.workspace = workspaces[i];
    if (block.n > 0 && block.m > 0) kernels.matmul(block);
  });
}

// The same for work on rows that do not depend on one another: body(begin, end).
template <class Body>
void rows_threaded(Index n, double operations_per_row, Index threads, const Body& body) {
  const Index parts = std::min(n, useful_threads(static_cast<double>(n) * operations_per_row, threads));
  if (parts <= 1) {
    body(Index{0}, n);
    return;
  }
  parallel_for(parts, [&](Index i) {
    const Range rows = part_of(n, 1, parts, i);
    body(rows.begin, rows.end);
  });
}

}  // namespace picaflor
