// The thread team: one per process, started when first needed, parked when there is nothing to do.
//
//   parallel_for(tasks, body)                   calls body(task) for every task in [0, tasks)
//   parallel_ranges(size, unit, parts, body)    calls body(part, range) for ranges that make up [0, size)
//   parallel_parts(ranges, body)                the same for ranges that it has made before
//   IdleWork(piece)                             has piece() called between regions by threads that would idle
//
// Task or part t runs on thread t % threads, the caller being thread 0, so that a core meets the same part of
// the data in every region; what a thread has not begun when the caller is done with its own share, the
// caller does too.  Ranges are longer for threads that have been faster lately (speeds.hpp): cores differ,
// and other programs take their time from one and not from the other.  So no result may depend on where a
// range ends.  A hand-over takes less than a microsecond while regions follow one another closely: threads
// wait in a short spin before they sleep.  Bodies must not throw.  A region inside a region, or one that
// finds that another caller has the team, for a region or for idle work, runs on its caller alone: always
// correct, never waiting.
#pragma once

#include <cstddef>
#include <span>

namespace picaflor {

// Upper bound of what can be asked for; engine workspaces are per thread.
inline constexpr int kMaxThreads = 256;

// The number of threads that regions of this process use unless their caller says otherwise.
int process_threads();
void set_num_threads(int n);  // throws std::invalid_argument unless 1 <= n <= kMaxThreads

// The number of threads that a region of the calling thread would use: UseThreads, else process_threads();
// 1 inside a region.
int num_threads();

// From now on regions of the calling thread use n threads, 0 for as many as the process.  Returns what it was
// before.
int swap_caller_threads(int n);  // throws as set_num_threads does

// The same for as long as the object lives.
class UseThreads {
 public:
  explicit UseThreads(int n) : before_(swap_caller_threads(n)) {}
  ~UseThreads() { swap_caller_threads(before_); }
  UseThreads(const UseThreads&) = delete;
  UseThreads& operator=(const UseThreads&) = delete;

 private:
  int before_;
};

// The half-open range [begin, end).
struct Range {
  std::ptrdiff_t begin = 0, end = 0;
  std::ptrdiff_t size() const { return end - begin; }
};

namespace detail {
using TaskFunction = void (*)(const void* body, std::ptrdiff_t task) noexcept;
using RangeFunction = void (*)(const void* body, std::ptrdiff_t part, Range range) noexcept;
using PieceFunction = bool (*)(const void* piece) noexcept;
void run_region(std::ptrdiff_t tasks, TaskFunction function, const void* body);
void run_ranges(std::ptrdiff_t size, std::ptrdiff_t unit, std::ptrdiff_t parts, RangeFunction function,
                const void* body);
void run_parts(std::span<const Range> ranges, RangeFunction function, const void* body);

template <class Body>
void task_function(const void* body, std::ptrdiff_t task) noexcept {
  (*static_cast<const Body*>(body))(task);
}
template <class Body>
void range_function(const void* body, std::ptrdiff_t part, Range range) noexcept {
  (*static_cast<const Body*>(body))(part, range);
}
}  // namespace detail

template <class Body>
void parallel_for(std::ptrdiff_t tasks, const Body& body) {
  if (tasks == 1) {
    body(std::ptrdiff_t{0});
    return;
  }
  detail::run_region(tasks, detail::task_function<Body>, &body);
}

// Ranges end at multiples of `unit`, or at `size`; those without elements are left out.  Where the caller
// works alone, as it does for more than num_threads() parts, all of it is one range.
template <class Body>
void parallel_ranges(std::ptrdiff_t size, std::ptrdiff_t unit, std::ptrdiff_t parts, const Body& body) {
  if (parts == 1) {
    if (size > 0) body(std::ptrdiff_t{0}, Range{0, size});
    return;
  }
  detail::run_ranges(size, unit, parts, detail::range_function<Body>, &body);
}

// For who has given each part something that belongs to its range.
template <class Body>
void parallel_parts(std::span<const Range> ranges, const Body& body) {
  detail::run_parts(ranges, detail::range_function<Body>, &body);
}

// Work for the team's other threads from the end of each of the caller's regions to the beginning of its next
// one: they call piece() until it returns false, and finish the piece that they are at before the next region
// begins.  No piece is being done any more when the object is gone.  As long as it lives the team is its
// caller's; if another caller has the team, or there is an object like this one already, nothing is done at
// all.
class IdleWork {
 public:
  template <class Piece>
  explicit IdleWork(const Piece& piece) : IdleWork(piece_function<Piece>, &piece) {}
  ~IdleWork();
  IdleWork(const IdleWork&) = delete;
  IdleWork& operator=(const IdleWork&) = delete;

 private:
  template <class Piece>
  static bool piece_function(const void* piece) noexcept {
    return (*static_cast<const Piece*>(piece))();
  }
  IdleWork(detail::PieceFunction function, const void* piece);

  bool has_team_ = false;
};

}  // namespace picaflor
