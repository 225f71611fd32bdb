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

// As long as it lives, rows from `start` on are gathered into the workspace, as many as a pass of n rows may
// take next.
template <class T>
class NextRows {
 public:
  NextRows(const KernelTable<T>& kernels, const Plan& plan, const Rows& from, const std::int64_t* order,
           Index start, Index n, Index stop, Workspace<T>& workspace)
      : kernels_(kernels), workspace_(workspace), out_row_(row_stride<T>(plan.input)) {
    if (workspace.threads == 1 || workspace.next_x == nullptr) return;
    if (start == stop || are_read_in_place<T>(plan, from, order)) return;
    n = std::min(n, stop - start);
    rows_.emplace(Selection{from, order, start, n, stop - start - n});
    work_.emplace(*this);
  }
  ~NextRows() {
    if (!work_) return;
    work_.reset();
    workspace_.set_next(rows_->start, std::min(begun_.load(), rows_->n));
  }
  NextRows(const NextRows&) = delete;
  NextRows& operator=(const NextRows&) = delete;

  // A few rows, by any thread; false if there are none left.
  bool operator()() const {
    constexpr Index kRows = 4;  // a microsecond if they come from memory: the caller may have to wait for it
    const Index first = begun_.fetch_add(kRows), last = std::min(first + kRows, rows_->n);
    if (first >= last) return false;
    gather_part(kernels_, *rows_, Range{first, last}, workspace_.next_x, out_row_);
    return true;
  }

 private:
  const KernelTable<T>& kernels_;
  Workspace<T>& workspace_;
  Index out_row_;
  std::optional<Selection> rows_;
  mutable std::atomic<Index> begun_ = 0;
  std::optional<IdleWork> work_;
};

}  // namespace picaflor
