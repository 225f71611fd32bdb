// The thread team: one per process, started when first needed, parked when there is nothing to do.
//
//   parallel_for(tasks, body)   calls body(task) for every task in [0, tasks)
//
// Task t runs on thread t % threads, the caller being thread 0, so that a core meets the same part of the
// data in every region; what a thread has not begun when the caller is done with its own share, the caller
// does too. A hand-over takes less than a microsecond while regions follow one another closely: threads wait
// in a short spin before they sleep.  Bodies must not throw.  A region inside a region, or one that finds the
// team busy with another caller's region, runs on its caller alone: always correct, never waiting.
#pragma once

#include <cstddef>

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

namespace detail {
using TaskFunction = void (*)(const void* body, std::ptrdiff_t task) noexcept;
void run_region(std::ptrdiff_t tasks, TaskFunction function, const void* body);
}  // namespace detail

template <class Body>
void parallel_for(std::ptrdiff_t tasks, const Body& body) {
  if (tasks == 1) {
    body(std::ptrdiff_t{0});
    return;
  }
  detail::run_region(
      tasks, [](const void* b, std::ptrdiff_t task) noexcept { (*static_cast<const Body*>(b))(task); },
      &body);
}

}  // namespace picaflor
