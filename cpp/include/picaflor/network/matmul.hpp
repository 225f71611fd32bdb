// One matrix product c (n, m) = end(init + a (n, k) b (k, m)) on several threads: c is cut into blocks, of
// columns at cache lines or of rows at multiples of kRowUnit, and the sums over k never.
#pragma once

#include <algorithm>

#include "picaflor/kernels/table.hpp"
#include "picaflor/runtime/parallel.hpp"

namespace picaflor {

// How many of the threads at hand are worth waking for this much work.  A hand-over costs about a
// microsecond, so a thread gets at least five: 5e5 floating-point operations of a product, or their like in
// other work.  Where products are fast, they wait the longer for the weights that another core has changed.
// (Measured, 64-byte multiply-adds at full speed, two threads against one: steps of 784-30-10 with 32 rows
// 0.6 times as fast at 5e5, 1.0 at 2e6, 300-50-10 0.6 and 0.93, 784-64-10 with 16 rows 0.8 and 0.94; but with
// 32 rows and Adam 1.1 and 1.0.  With 32 bytes 784-64-10 with 16 rows is 1.3 times as fast at 5e5.)
inline Index useful_threads(double operations, Index threads, double per_thread = kOperationsPerThread) {
  return threads == 1 ? 1 : std::clamp<Index>(static_cast<Index>(operations / per_thread), 1, threads);
}

// How the (n, m) output of a product is cut.
struct Grid {
  bool by_rows = false;
  Index parts = 1;
};

// A block of columns is whole cache lines, so that no line is written by two cores; one of rows, so many.
inline constexpr Index kRowUnit = 12;  // two register tiles of six rows; of eight, one and a half

// By columns if they are enough for parts of nearly the same size: then each core keeps meeting the same
// columns of the weights in its own cache, in the forward product as in the update.
template <class T>
Grid grid_for(const KernelTable<T>& kernels, Index n, Index m, Index k, Index threads) {
  constexpr Index kEnough = 4;
  const double operations = 2.0 * static_cast<double>(n) * static_cast<double>(m) * static_cast<double>(k);
  threads = useful_threads(operations, threads, kernels.operations_per_thread);
  if (threads == 1) return {};
  const Index column_units = m / kLine<T>, row_units = n / kRowUnit;
  const bool by_rows = column_units < kEnough * threads && column_units < row_units;
  return {by_rows, std::clamp<Index>(by_rows ? row_units : column_units, 1, threads)};
}

// body(part, rows, columns) for the blocks of the grid
template <class T, class Body>
void blocks_threaded(Grid grid, Index n, Index m, const Body& body) {
  if (grid.by_rows) {
    parallel_ranges(n, kRowUnit, grid.parts, [&](Index i, Range rows) { body(i, rows, Range{0, m}); });
  } else {
    parallel_ranges(m, kLine<T>, grid.parts, [&](Index i, Range cols) { body(i, Range{0, n}, cols); });
  }
}

// `workspaces` has one workspace of matmul_workspace(n, m, k) elements for each of the threads; the product's
// own is set.
template <class T>
void matmul_threaded(const KernelTable<T>& kernels, Matmul<T>& product, T* const* workspaces, Index threads) {
  Grid grid = grid_for(kernels, product.n, product.m, product.k, threads);
  // By rows: then each is searched for its zeros once.
  if (product.zeros != Zeros::multiplied && product.n >= grid.parts * kRowUnit) grid.by_rows = true;
  if (grid.parts == 1) {
    product.workspace = workspaces[0];
    kernels.matmul(product);
    return;
  }
  blocks_threaded<T>(grid, product.n, product.m, [&](Index i, Range rows, Range cols) {
    Matmul<T> block = product;
    block.n = rows.size();
    block.m = cols.size();
    block.a += rows.begin * product.a_row;
    block.b += cols.begin * product.b_col;
    block.c += rows.begin * product.c_row + cols.begin;
    if (product.bias != nullptr) block.bias += cols.begin;
    block.workspace = workspaces[i];
    kernels.matmul(block);
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
  parallel_ranges(n, 1, parts, [&](Index, Range rows) { body(rows.begin, rows.end); });
}

}  // namespace picaflor
