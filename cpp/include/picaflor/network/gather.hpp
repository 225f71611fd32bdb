// How the caller's rows reach the first step: read where they lie, or gathered into a buffer of the engine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "picaflor/network/data.hpp"
#include "picaflor/network/matmul.hpp"
#include "picaflor/network/plan.hpp"

namespace picaflor {

// Rows out of order are asked for when the copying is so many bytes before them, or a minibatch if that is
// less: long enough for the way from memory, and not so long that they are gone from the cache by their turn.
inline constexpr Index kBytesAhead = 24 * 1024;

// Rows of the caller's: order[start], order[start + 1], ..., or start, start + 1, ...  n of them are wanted
// now; the order goes on for `ahead` rows after them.
struct Selection {
  const Rows& from;
  const std::int64_t* order = nullptr;
  Index start = 0, n = 0, ahead = 0;
};

// The next rows out of order, `count` of them, where it pays that the first step's update asks for them while
// it is computed: neither so few or short that they are soon asked for all at once, nor so many that they
// push out of the cache what is needed before their turn.
// (Measured, of a training step with SGD: 784-30-10 with 10 rows 1.05 times as fast, 100-32-10 with 16 1.04,
// 300-50-10 with 32 1.07; above the limit 784-256-10 with 64 rows 1.00, with Adam 0.96; below, 784-30-10 with
// 3 rows 0.97, 20-64-64-1 with 32 0.99.)
inline std::optional<RowsAhead> rows_ahead(const Rows& from, const std::int64_t* order, Index start,
                                           Index count) {
  constexpr Index kMostBytes = 64 * 1024, kLeastRows = 5, kLeastColumns = 64;
  const Index bytes = from.col_bytes * from.cols;
  if (order == nullptr || count < kLeastRows || from.cols < kLeastColumns) return std::nullopt;
  if (bytes <= 0 || bytes > from.row_bytes || bytes * count > kMostBytes) return std::nullopt;
  return RowsAhead{
      .x = static_cast<const char*>(from.data),
      .rows = order + start,
      .row_bytes = from.row_bytes,
      .bytes = bytes,
      .count = count,
  };
}

// A part of the rows, to those of out (n, cols).
template <class T>
void gather_part(const KernelTable<T>& kernels, const Selection& rows, Range part, T* out, Index out_row) {
  const auto& [from, order, start, n, ahead] = rows;
  GatherRows<T> gather;
  gather.type = from.type;
  gather.x = from.data;
  gather.row_bytes = from.row_bytes;
  gather.col_bytes = from.col_bytes;
  gather.rows = order == nullptr ? nullptr : order + start + part.begin;
  gather.first = order == nullptr ? start + part.begin : 0;
  gather.n = part.size();
  gather.d = from.cols;
  gather.distance = std::min(n, std::max<Index>(kBytesAhead / std::max<Index>(from.row_bytes, 1), 1));
  gather.ahead = std::clamp<Index>(n + ahead - gather.distance - part.begin, 0, part.size());
  gather.out = out + part.begin * out_row;
  gather.out_row = out_row;
  kernels.gather_rows(gather);
}

// out (n, cols) = the rows
template <class T>
void gather_rows(const KernelTable<T>& kernels, const Selection& rows, T* out, Index out_row, Index threads) {
  // What a row out of order costs is the way to memory, more than its conversion.
  const double cost = 24 * static_cast<double>(rows.from.cols);
  rows_threaded(rows.n, cost, threads,
                [&](Index begin, Index end) { gather_part(kernels, rows, Range{begin, end}, out, out_row); });
}

// What the first step reads: rows `row` elements apart.
template <class T>
struct Input {
  const T* x = nullptr;
  Index row = 0;
};

// Whether the first step can read the rows where they lie: a product takes any distance between rows.
template <class T>
bool are_read_in_place(const Plan& plan, const Rows& from, const std::int64_t* order) {
  constexpr Index element = static_cast<Index>(sizeof(T));
  const bool lie_well = order == nullptr && from.type == element_type<T>() && from.col_bytes == element &&
                        from.row_bytes % element == 0;
  return lie_well && !plan.steps.empty() && plan.steps[0].op == Op::dense;
}

// The rows for the first step of a network: where they lie, or gathered into `buffer`, where the first
// `gathered` of them are already.
template <class T>
Input<T> read_rows(const KernelTable<T>& kernels, const Plan& plan, const Selection& rows, Index gathered,
                   T* buffer, Index threads) {
  const auto& [from, order, start, n, ahead] = rows;
  if (are_read_in_place<T>(plan, from, order)) {
    const Index row = from.row_bytes / static_cast<Index>(sizeof(T));
    return {static_cast<const T*>(from.data) + start * row, row};
  }
  const Index row = row_stride<T>(plan.input);
  const Selection rest{from, order, start + gathered, n - gathered, ahead};
  gather_rows(kernels, rest, buffer + gathered * row, row, threads);
  return {buffer, row};
}

}  // namespace picaflor
