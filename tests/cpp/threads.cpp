// Exercises the thread team without Python, so that it can be built with ThreadSanitizer.  Exits with 0, or
// prints the line that failed.
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "picaflor/runtime/parallel.hpp"
#include "picaflor/runtime/speeds.hpp"

using picaflor::num_threads;
using picaflor::parallel_for;
using picaflor::parallel_ranges;
using picaflor::Range;
using std::ptrdiff_t;

#define CHECK(condition)                                                         \
  if (!(condition)) {                                                            \
    std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
    std::exit(1);                                                                \
  }

namespace {

void each_task_runs_once() {
  for (const ptrdiff_t tasks : {0, 1, 2, 3, 7, 64}) {
    std::vector<int> runs(static_cast<std::size_t>(tasks));  // plain ints: a race would be reported
    for (int repeat = 0; repeat < 200; ++repeat) {
      parallel_for(tasks, [&](ptrdiff_t t) { ++runs[static_cast<std::size_t>(t)]; });
    }
    for (const int n : runs) CHECK(n == 200);
  }
}

// Calls body(task) for each task when all three threads have begun their share, so that the caller takes none
// over.
template <class Body>
void with_all_threads(ptrdiff_t tasks, const Body& body) {
  std::atomic<int> begun = 0;
  parallel_for(tasks, [&](ptrdiff_t t) {
    if (t < 3) ++begun;
    while (begun < 3) std::this_thread::yield();
    body(t);
  });
}

void tasks_keep_their_thread() {
  const auto caller = std::this_thread::get_id();
  std::vector<std::thread::id> first(7), again(7);
  with_all_threads(7, [&](ptrdiff_t t) { first[static_cast<std::size_t>(t)] = std::this_thread::get_id(); });
  with_all_threads(7, [&](ptrdiff_t t) { again[static_cast<std::size_t>(t)] = std::this_thread::get_id(); });
  CHECK(first == again);
  CHECK(first[0] == caller && first[3] == caller && first[6] == caller);
  CHECK(first[1] == first[4] && first[2] == first[5]);
  CHECK(first[0] != first[1] && first[1] != first[2] && first[0] != first[2]);
}

void ranges_make_up_the_whole() {
  for (const ptrdiff_t size : {0, 1, 5, 12, 13, 100, 1000}) {
    for (const ptrdiff_t unit : {1, 12, 16}) {
      for (const ptrdiff_t parts : {1, 2, 3, 7}) {  // 7: on the caller alone
        std::vector<int> visits(static_cast<std::size_t>(size));
        std::vector<int> runs(static_cast<std::size_t>(parts));
        parallel_ranges(size, unit, parts, [&](ptrdiff_t part, Range range) {
          ++runs[static_cast<std::size_t>(part)];
          CHECK(range.size() > 0 && range.begin % unit == 0 && (range.end % unit == 0 || range.end == size));
          for (ptrdiff_t i = range.begin; i < range.end; ++i) ++visits[static_cast<std::size_t>(i)];
        });
        for (const int n : visits) CHECK(n == 1);
        for (const int n : runs) CHECK(n <= 1);
      }
    }
  }
}

// Threads that sleep over every element, one of them four times as long.
void slower_threads_get_shorter_ranges() {
  constexpr ptrdiff_t kSize = 90;
  std::vector<ptrdiff_t> sizes(3);
  const auto region = [&](int slowest) {
    parallel_ranges(kSize, 1, 3, [&](ptrdiff_t part, Range range) {
      sizes[static_cast<std::size_t>(part)] = range.size();
      const ptrdiff_t each = part == slowest ? 400 : 100;
      std::this_thread::sleep_for(std::chrono::microseconds(range.size() * each));
    });
  };
  for (const int slowest : {2, 0, 1}) {
    for (int repeat = 0; repeat < 25; ++repeat) region(slowest);
    for (int part = 0; part < 3; ++part) {
      const ptrdiff_t size = sizes[static_cast<std::size_t>(part)];
      CHECK(part == slowest ? 5 <= size && size <= 20 : 30 <= size && size <= 50);
    }
  }
}

// Two threads, of which the second takes `slower` times as long; its share after so many regions.
double learnt_share(picaflor::Speeds& speeds, ptrdiff_t units, double seconds_per_unit, double slower,
                    int regions) {
  for (int repeat = 0; repeat < regions; ++repeat) {
    const picaflor::Cut cut(units, 1, 2, speeds.of);
    const double seconds[2] = {seconds_per_unit * static_cast<double>(cut.range(0).size()),
                               seconds_per_unit * slower * static_cast<double>(cut.range(1).size())};
    speeds.learn(cut, seconds);
  }
  const picaflor::Cut cut(units, 1, 2, speeds.of);
  return static_cast<double>(cut.range(1).size()) / static_cast<double>(units);
}

void a_thread_that_was_slow_gets_work_again() {
  for (const double slower : {2.0, 4.0, 100.0}) {
    for (const ptrdiff_t units : {4, 16, 640}) {
      for (const double microseconds : {10.0, 20.0, 30.0, 40.0, 80.0, 1000.0}) {
        picaflor::Speeds speeds;
        const double each = 1e-6 * microseconds / static_cast<double>(units);
        const double share = learnt_share(speeds, units, each, slower, 500);
        CHECK(microseconds < 1000 || units < 640 || slower > 4 || std::abs(share - 1 / (1 + slower)) < 0.02);
        CHECK(std::abs(learnt_share(speeds, units, each, 1, 500) - 0.5) < 0.05);
      }
    }
  }
}

void nested_regions_run_on_their_caller() {
  std::vector<int> sums(4);
  parallel_for(4, [&](ptrdiff_t t) {
    const auto outer = std::this_thread::get_id();
    bool same = num_threads() == 1;
    parallel_for(5, [&](ptrdiff_t u) {
      same = same && std::this_thread::get_id() == outer;
      sums[static_cast<std::size_t>(t)] += static_cast<int>(u);
    });
    if (!same) sums[static_cast<std::size_t>(t)] = -1000;
  });
  for (const int sum : sums) CHECK(sum == 10);
  CHECK(num_threads() == 3);
}

void callers_do_not_disturb_one_another() {
  std::vector<std::thread> callers;
  std::atomic<int> wrong = 0;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&wrong] {
      std::vector<long> out(9);
      for (long repeat = 0; repeat < 2000; ++repeat) {
        parallel_for(9, [&](ptrdiff_t t) { out[static_cast<std::size_t>(t)] = repeat * 10 + t; });
        for (ptrdiff_t t = 0; t < 9; ++t) {
          if (out[static_cast<std::size_t>(t)] != repeat * 10 + t) ++wrong;
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

void a_limit_belongs_to_its_thread() {
  {
    const picaflor::UseThreads one(1);
    CHECK(num_threads() == 1);
    std::thread([] { CHECK(num_threads() == 3); }).join();
    const auto caller = std::this_thread::get_id();
    std::vector<int> elsewhere(8);
    parallel_for(8, [&](ptrdiff_t t) {
      elsewhere[static_cast<std::size_t>(t)] = std::this_thread::get_id() != caller;
    });
    for (const int e : elsewhere) CHECK(e == 0);
    const picaflor::UseThreads five(5);
    CHECK(num_threads() == 5);
  }
  CHECK(num_threads() == 3);
}

void workers_leave_signals_alone() {
  std::vector<int> blocked(3);
  with_all_threads(3, [&](ptrdiff_t t) {
    sigset_t set;
    pthread_sigmask(SIG_BLOCK, nullptr, &set);
    blocked[static_cast<std::size_t>(t)] = sigismember(&set, SIGINT);
  });
  CHECK(blocked[0] == 0 && blocked[1] == 1 && blocked[2] == 1);
}

template <class Condition>
void wait_until(const Condition& condition) {
  while (!condition()) std::this_thread::yield();
}

void idle_work_is_done_between_regions() {
  const auto caller = std::this_thread::get_id();
  std::atomic<int> pieces = 0, at_work = 0, wrong = 0;
  const auto piece = [&] {
    ++at_work;
    if (std::this_thread::get_id() == caller || num_threads() != 1) ++wrong;
    --at_work;
    return ++pieces > 0;
  };
  {
    const picaflor::IdleWork work(piece);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    CHECK(pieces == 0);  // there has been no region yet
    for (int repeat = 0; repeat < 200; ++repeat) {
      with_all_threads(3, [&](ptrdiff_t) {
        if (at_work != 0) ++wrong;
      });
      const int before = pieces;
      wait_until([&] { return pieces > before + repeat % 5; });
      const picaflor::IdleWork ignored(piece);
    }
    parallel_ranges(100, 1, 3, [&](ptrdiff_t, Range) { wrong += at_work; });
    const int before = pieces;
    wait_until([&] { return pieces > before; });
  }
  const int at_the_end = pieces;
  parallel_for(3, [&](ptrdiff_t) { wrong += at_work; });
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  CHECK(pieces == at_the_end && at_work == 0 && wrong == 0);
}

void idle_work_ends_when_there_is_none_left() {
  std::vector<int> done(50);  // plain ints: a race would be reported
  std::atomic<int> next = 0, refusals = 0;
  const auto piece = [&] {
    const int i = next++;
    if (i >= 50) {
      ++refusals;
      return false;
    }
    ++done[static_cast<std::size_t>(i)];
    return true;
  };
  {
    const picaflor::IdleWork work(piece);
    with_all_threads(3, [](ptrdiff_t) {});
    wait_until([&] { return refusals > 0; });
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    CHECK(refusals <= 2);  // each thread asks until it is told so, once
  }
  for (const int n : done) CHECK(n == 1);
}

void idle_work_keeps_the_team() {
  std::atomic<int> pieces = 0;
  const auto piece = [&] { return ++pieces > 0; };
  const picaflor::IdleWork work(piece);
  std::thread([&] {
    const auto caller = std::this_thread::get_id();
    const picaflor::IdleWork ignored(piece);
    std::vector<int> elsewhere(6);
    parallel_for(6, [&](ptrdiff_t t) {
      elsewhere[static_cast<std::size_t>(t)] = std::this_thread::get_id() != caller;
    });
    for (const int e : elsewhere) CHECK(e == 0);
  }).join();
  CHECK(pieces == 0);
}

void sleeping_workers_wake() {
  for (int repeat = 0; repeat < 30; ++repeat) {
    std::vector<int> ran(3);
    std::this_thread::sleep_for(std::chrono::milliseconds(repeat % 3));
    with_all_threads(3, [&](ptrdiff_t t) { ran[static_cast<std::size_t>(t)] = 1; });
    CHECK(ran[0] + ran[1] + ran[2] == 3);
  }
}

double cpu_seconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void an_idle_team_burns_no_cpu() {
  parallel_for(3, [](ptrdiff_t) {});
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  CHECK(cpu_seconds() - before < 0.03);
}

// The child of a fork has none of the threads, even when another thread of the parent was inside a region.
void forked_children_have_a_team_of_their_own() {
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    while (!stop) parallel_for(3, [](ptrdiff_t) {});
  });
  for (int repeat = 0; repeat < 10; ++repeat) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      alarm(20);  // a child that hangs is killed, and fails
      each_task_runs_once();
      tasks_keep_their_thread();
      std::_Exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  stop = true;
  busy.join();
}

}  // namespace

int main(int argc, char** argv) {
  picaflor::set_num_threads(3);
  each_task_runs_once();
  tasks_keep_their_thread();
  ranges_make_up_the_whole();
  slower_threads_get_shorter_ranges();
  a_thread_that_was_slow_gets_work_again();
  nested_regions_run_on_their_caller();
  callers_do_not_disturb_one_another();
  a_limit_belongs_to_its_thread();
  workers_leave_signals_alone();
  idle_work_is_done_between_regions();
  idle_work_ends_when_there_is_none_left();
  idle_work_keeps_the_team();
  sleeping_workers_wake();
  an_idle_team_burns_no_cpu();
  // ThreadSanitizer does not support starting threads after a fork of a process that has some.
  const bool skip_fork = argc > 1 && std::strcmp(argv[1], "--no-fork") == 0;
  if (!skip_fork) forked_children_have_a_team_of_their_own();
  return 0;
}
