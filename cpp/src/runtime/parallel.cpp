#include "picaflor/runtime/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "picaflor/runtime/cpus.hpp"
#include "picaflor/runtime/float_mode.hpp"
#include "picaflor/runtime/speeds.hpp"

#ifndef _WIN32
#include <pthread.h>
#include <signal.h>
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace picaflor {
namespace {

void pause() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");  // some 20 ns; the `yield` instruction is over in one cycle
#endif
}

// Waits until ready() in a spin of some 100 microseconds that lets other threads of this core run; false if
// not.
template <class Ready>
bool spin_until(const Ready& ready) {
  constexpr int kSpins = 2000, kSpinsPerYield = 32;
  for (int i = 1; i <= kSpins; ++i) {
    if (ready()) return true;
    if (i % kSpinsPerYield == 0) {
      std::this_thread::yield();
    } else {
      pause();
    }
  }
  return ready();
}

// A place to sleep for one thread.  seq_cst on both sides: either the sleeper sees what the waker has changed
// before it calls wake(), or the waker sees `asleep`.
class Bed {
 public:
  template <class Ready>
  void sleep_until(const Ready& ready) {
    std::unique_lock lock(mutex_);
    asleep_.store(true);
    awake_.wait(lock, ready);
    asleep_.store(false);
  }
  void wake() {
    if (!asleep_.load()) return;
    const std::lock_guard lock(mutex_);
    awake_.notify_one();
  }

 private:
  std::atomic<bool> asleep_ = false;
  std::mutex mutex_;
  std::condition_variable awake_;
};

thread_local bool inside_region = false;
thread_local int caller_threads = 0;  // UseThreads; 0: as the process

// Signals belong to the threads of the program, so workers start with all of them blocked.
class BlockSignals {
#ifndef _WIN32
 public:
  BlockSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;

 private:
  sigset_t before_;
#endif
};

class Team {
 public:
  Cut cut(std::ptrdiff_t size, std::ptrdiff_t unit, std::ptrdiff_t parts) const {
    return Cut(size, unit, parts, speeds_.of);
  }

  // How long each range takes is what the speeds are learnt from.
  void run_cut(const Cut& cut, detail::RangeFunction function, const void* body) {
    using Clock = std::chrono::steady_clock;
    const std::ptrdiff_t parts = cut.parts();
    double seconds[kMaxThreads];
    const auto run_part = [&](std::ptrdiff_t part) {
      const Range range = cut.range(part);
      if (range.size() == 0) return;
      const Clock::time_point start = Clock::now();
      function(body, part, range);
      seconds[part] = std::chrono::duration<double>(Clock::now() - start).count();
    };
    run(parts, parts, detail::task_function<decltype(run_part)>, &run_part);
    speeds_.learn(cut, seconds);
  }

  // Workers take over the caller's floating-point mode, so that a result does not depend on who works it out.
  void run(std::ptrdiff_t tasks, std::ptrdiff_t threads, detail::TaskFunction function, const void* body) {
    end_idle_work();
    threads = std::min(threads, start(threads - 1) + 1);
    offer({tasks, threads, function, body, float_mode()});
    region_.run_share(0);
    // A share that nobody has begun by now belongs to a worker that is still waking up, or that other
    // programs keep from its core for milliseconds.  Doing it here makes a region at worst as slow as one
    // thread.
    for (std::ptrdiff_t thread = 1; thread < threads; ++thread) {
      if (!worker(thread).take()) continue;
      region_.run_share(thread);
      working_.fetch_sub(1);
    }
    wait();
    if (piece_function_ != nullptr && threads > 1) begin_idle_work(threads);
  }

  // Null for none.
  void set_idle_work(detail::PieceFunction function, const void* piece) {
    end_idle_work();
    piece_function_ = function;
    piece_ = piece;
  }

 private:
  struct Region {
    std::ptrdiff_t tasks = 0, threads = 1;
    detail::TaskFunction function = nullptr;
    const void* body = nullptr;
    FloatMode mode = {};

    void run_share(std::ptrdiff_t thread) const noexcept {
      for (std::ptrdiff_t task = thread; task < tasks; task += threads) function(body, task);
    }
  };

  struct alignas(64) Worker {
    std::atomic<std::uint64_t> shares =
        0;  // odd while one is on offer; grows with every offer and every taking
    Bed bed;

    bool offered() const { return shares.load() % 2 == 1; }
    void offer() {
      shares.store(shares.load(std::memory_order_relaxed) + 1);
      bed.wake();
    }
    // The share on offer goes to whoever asks first: this worker or the caller.
    bool take() {
      std::uint64_t n = shares.load();
      return n % 2 == 1 && shares.compare_exchange_strong(n, n + 1);
    }
  };

  // To the workers; the share of thread 0 is the caller's.
  void offer(const Region& region) {
    region_ = region;
    working_.store(region.threads - 1);
    for (std::ptrdiff_t thread = 1; thread < region.threads; ++thread) worker(thread).offer();
  }

  void wait() {
    const auto all_done = [this] { return working_.load() == 0; };
    if (!spin_until(all_done)) caller_.sleep_until(all_done);
  }

  // A region that the caller has no share of and does not wait for.
  void begin_idle_work(std::ptrdiff_t threads) {
    idle_work_is_wanted_.store(true);
    offer({threads, threads, do_pieces, this, float_mode()});
  }

  void end_idle_work() {
    if (!idle_work_is_wanted_.exchange(false)) return;
    for (std::ptrdiff_t thread = 1; thread < region_.threads; ++thread) {
      if (worker(thread).take()) working_.fetch_sub(1);
    }
    wait();
  }

  static void do_pieces(const void* me, std::ptrdiff_t) noexcept {
    const Team& team = *static_cast<const Team*>(me);
    while (team.idle_work_is_wanted_.load() && team.piece_function_(team.piece_)) {
    }
  }

  Worker& worker(std::ptrdiff_t thread) { return *workers_[static_cast<std::size_t>(thread - 1)]; }

  // Makes sure that there are `count` workers; returns how many there are.
  std::ptrdiff_t start(std::ptrdiff_t count) {
    if (std::ssize(workers_) >= count) return std::ssize(workers_);
    [[maybe_unused]] const BlockSignals blocked;
    while (std::ssize(workers_) < count) {
      workers_.push_back(std::make_unique<Worker>());
      try {
        std::thread([this, me = workers_.back().get(), thread = std::ssize(workers_)] {
          work(*me, thread);
        }).detach();
      } catch (const std::system_error&) {  // the system has no thread left: go on with those there are
        workers_.pop_back();
        break;
      }
    }
    return std::ssize(workers_);
  }

  [[noreturn]] void work(Worker& me, std::ptrdiff_t thread) {
    inside_region = true;
    while (true) {
      const auto offered = [&] { return me.offered(); };
      if (!spin_until(offered)) me.bed.sleep_until(offered);
      if (!me.take()) continue;
      set_float_mode(region_.mode);
      region_.run_share(thread);
      if (working_.fetch_sub(1) == 1) caller_.wake();
    }
  }

  Region region_;
  Speeds speeds_;
  detail::PieceFunction piece_function_ = nullptr;
  const void* piece_ = nullptr;
  std::atomic<bool> idle_work_is_wanted_ = false;
  std::vector<std::unique_ptr<Worker>> workers_;
  alignas(64) std::atomic<std::ptrdiff_t> working_ = 0;  // shares of workers that are not finished
  Bed caller_;
};

// Never destroyed: workers may outlive the static objects of the process.
Team* team = nullptr;                  // used by the owner of `busy` only
std::atomic<bool> busy = false;        // somebody has the team: for a region, or for idle work
thread_local bool keeps_team = false;  // IdleWork: `busy` is this thread's between regions too
std::atomic<int> setting = 0;          // 0: default_num_threads() has not been asked yet

// One caller at a time has the team.  Waiting for it would cost more than doing the work alone.
class Claim {
 public:
  Claim() : owned_(keeps_team || !busy.exchange(true)) {}
  ~Claim() {
    if (owned_ && !keeps_team) busy.store(false);
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  explicit operator bool() const { return owned_; }

 private:
  bool owned_;
};

class InsideRegion {
 public:
  InsideRegion() : before_(inside_region) { inside_region = true; }
  ~InsideRegion() { inside_region = before_; }
  InsideRegion(const InsideRegion&) = delete;
  InsideRegion& operator=(const InsideRegion&) = delete;

 private:
  bool before_;
};

// Called by the owner of `busy`.
Team& the_team() {
#ifndef _WIN32
  // The child of a fork has none of its parent's threads, and locks in whatever state they were: it leaves
  // the old team behind and starts a new one when it needs one.
  [[maybe_unused]] static const int registered = pthread_atfork(nullptr, nullptr, [] {
    team = nullptr;
    keeps_team = false;
    busy.store(false);
  });
#endif
  if (team == nullptr) team = new Team;
  return *team;
}

// Whether use(team) was done: nobody else has the team.
template <class Use>
bool use_team(const Use& use) {
  const Claim claim;
  if (!claim) return false;
  const InsideRegion inside;
  use(the_team());
  return true;
}

int checked(int n) {
  if (n < 1 || n > kMaxThreads) {
    throw std::invalid_argument("n must be a number of threads from 1 to " + std::to_string(kMaxThreads) +
                                ", got " + std::to_string(n));
  }
  return n;
}

}  // namespace

int process_threads() {
  int n = setting.load(std::memory_order_relaxed);
  if (n == 0) {
    n = default_num_threads();
    int unset = 0;
    if (!setting.compare_exchange_strong(unset, n)) n = unset;
  }
  return n;
}

void set_num_threads(int n) {
  setting.store(checked(n));
}

int num_threads() {
  if (inside_region) return 1;
  return caller_threads > 0 ? caller_threads : process_threads();
}

int swap_caller_threads(int n) {
  return std::exchange(caller_threads, n == 0 ? 0 : checked(n));
}

IdleWork::IdleWork(detail::PieceFunction function, const void* piece) {
  if (keeps_team || inside_region) return;
  const Claim claim;
  if (!claim) return;
  the_team().set_idle_work(function, piece);
  keeps_team = has_team_ = true;  // the claim ends with this object
}

IdleWork::~IdleWork() {
  if (!has_team_ || !keeps_team) return;  // the child of a fork has left the team behind
  the_team().set_idle_work(nullptr, nullptr);
  keeps_team = false;
  busy.store(false);
}

void detail::run_ranges(std::ptrdiff_t size, std::ptrdiff_t unit, std::ptrdiff_t parts,
                        RangeFunction function, const void* body) {
  const auto cut = [&](Team& all) { all.run_cut(all.cut(size, unit, parts), function, body); };
  if (num_threads() >= parts && use_team(cut)) return;
  const InsideRegion inside;
  if (size > 0) function(body, 0, Range{0, size});
}

void detail::run_parts(std::span<const Range> ranges, RangeFunction function, const void* body) {
  const auto as_cut = [&](Team& all) { all.run_cut(Cut(ranges), function, body); };
  if (num_threads() >= std::ssize(ranges) && use_team(as_cut)) return;
  const InsideRegion inside;
  for (std::ptrdiff_t part = 0; part < std::ssize(ranges); ++part) {
    const Range range = ranges[static_cast<std::size_t>(part)];
    if (range.size() > 0) function(body, part, range);
  }
}

void detail::run_region(std::ptrdiff_t tasks, TaskFunction function, const void* body) {
  const std::ptrdiff_t threads = std::min<std::ptrdiff_t>(num_threads(), tasks);
  if (threads > 1 && use_team([&](Team& all) { all.run(tasks, threads, function, body); })) return;
  const InsideRegion inside;
  for (std::ptrdiff_t task = 0; task < tasks; ++task) function(body, task);
}

}  // namespace picaflor
