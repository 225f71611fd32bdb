// How the caller's rows reach the first step: read where they lie, or gathered into a buffer of the engine.
#pragma once

#include <algorithm>
#include <cstdint>

#include "picaflor/network/data.hpp"
#include "picaflor/network/matmul.hpp"
#include "picaflor/network/plan.hpp"

namespace picaflor {

// Rows out of order are asked for when the copying is so many bytes before them, or a minibatch if that is
// less: long enough for the way from memory, and not so long that they are gone from the cache by their turn.
inline constexpr Index kBytesAhead = 24 * 1024;

// out (n, cols) = rows order[start], order[start + 1], ... of the caller's, or start, start + 1, ...  The
// order goes on for `ahead` rows after them.
template <class T>
void gather_rows(const KernelTable<T>& kernels, const Rows& from, const std::int64_t* order, Index start,
                 Index n, Index ahead, T* out, Index out_row, Index threads) {
  // What a row out of order costs is the way to memory, more than its conversion.
  const double cost = 24 * static_cast<double>(from.cols);
  rows_threaded(n, cost, threads, [&](Index begin, Index end) {
    GatherRows<T> gather;
    gather.type = from.type;
    gather.x = from.data;
    gather.row_bytes = from.row_bytes;
    gather.col_bytes = from.col_bytes;
    gather.rows = order == nullptr ? nullptr : order + start + begin;
    gather.first = order == nullptr ? start + begin : 0;
    gather.n = end - begin;
    gather.d = from.cols;
    gather.distance = std::min(n, std::max<Index>(kBytesAhead / std::max<Index>(from.row_bytes, 1), 1));
    gather.ahead = std::clamp<Index>(n + ahead - gather.distance - begin, 0, end - begin);
    gather.out = out + begin * out_row;
    gather.out_row = out_row;
    kernels.gather_rows(gather);
  });
}

// What the first step reads: rows `row` elements apart.
template <class T>
struct Input {
  const T* x = nullptr;
  Index row = 0;
};

// The same rows for the first step of a network, read where they lie if they can be, else gathered into
// `buffer`.  A product takes any distance between rows.
template <class T>
Input<T> read_rows(const KernelTable<T>& kernels, const Plan& plan, const Rows& from,
                   const std::int64_t* order, Index start, Index n, Index ahead, T* buffer, Index threads) {
  constexpr Index element = static_cast<Index>(sizeof(T));
  const bool lie_well = order == nullptr && from.type == element_type<T>() && from.col_bytes == element &&
                        from.row_bytes % element == 0;
  if (lie_well && !plan.steps.empty() && plan.steps[0].op == Op::dense) {
    const Index row = from.row_bytes / element;
    return {static_cast<const T*>(from.data) + start * row, row};
  }
  const Index row = row_stride<T>(plan.input);
  gather_rows(kernels, from, order, start, n, ahead, buffer, row, threads);
  return {buffer, row};
}

}  // namespace picaflor
