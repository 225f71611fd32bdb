// The rows of the next minibatch, gathered by threads that have nothing to do while the caller goes through
// small layers alone, so that the next minibatch waits less for memory.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "picaflor/network/gather.hpp"
#include "picaflor/network/workspace.hpp"
#include "picaflor/runtime/parallel.hpp"

namespace picaflor {

// As long as it lives, rows from `start` on are gathered into the workspace: at most n, as many as the pass
// has that is under way.
template <class T>
class NextRows {
 public:
  NextRows(const KernelTable<T>& kernels, const Plan& plan, const Rows& from, const std::int64_t* order,
           Index start, Index n, Index stop, Workspace<T>& workspace)
      : kernels_(kernels), workspace_(workspace), out_row_(row_stride<T>(plan.input)) {
    if (!workspace.gathers_ahead()) return;
    if (start == stop || are_read_in_place<T>(plan, from, order)) return;
    const bool are_scattered = from.col_bytes * from.cols > from.row_bytes;
    if (from.cols == 0 || from.cols > kElements || are_scattered) return;
    rows_per_piece_ = std::min(kElements / from.cols, kMostRows);
    const Index count = std::min(n, stop - start);
    rows_.emplace(Selection{from, order, start, count, stop - start - count});
    work_.emplace(*this);
  }
  ~NextRows() {
    if (!work_) return;
    work_.reset();
    workspace_.set_next(rows_->start, std::min(rows_begun_.load(), rows_->n));
  }
  NextRows(const NextRows&) = delete;
  NextRows& operator=(const NextRows&) = delete;

  // A few rows, by any thread; false if there are none left.
  bool operator()() const {
    const Index first = rows_begun_.fetch_add(rows_per_piece_);
    const Index last = std::min(first + rows_per_piece_, rows_->n);
    if (first >= last) return false;
    gather_part(kernels_, *rows_, Range{first, last}, workspace_.next_x, out_row_);
    return true;
  }

 private:
  // Of a piece: one or two microseconds, which the caller may have to wait for.  Rows that are longer, or
  // whose columns are scattered over memory, are left to all threads together.
  static constexpr Index kElements = 4096, kMostRows = 64;

  const KernelTable<T>& kernels_;
  Workspace<T>& workspace_;
  Index out_row_;
  std::optional<Selection> rows_;
  Index rows_per_piece_ = 0;
  mutable std::atomic<Index> rows_begun_ = 0;
  std::optional<IdleWork> work_;
};

}  // namespace picaflor
