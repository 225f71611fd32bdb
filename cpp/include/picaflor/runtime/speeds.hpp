// How fast the threads of a team are, and work cut accordingly.
//
// A thread's speed is measured by what it did of a region and how long that took, in a moving average over
// some four regions.  Only how the speeds compare counts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "picaflor/runtime/parallel.hpp"

namespace picaflor {

// [0, size) cut at multiples of `unit` into a range for each of `parts` threads, as long as their speeds
// tell.
class Cut {
 public:
  Cut(std::ptrdiff_t size, std::ptrdiff_t unit, std::ptrdiff_t parts, const double* speeds) : parts_(parts) {
    const std::ptrdiff_t units = (size + unit - 1) / unit;
    double sum = 0, before = 0;
    for (std::ptrdiff_t i = 0; i < parts; ++i) sum += speeds[i];
    for (std::ptrdiff_t i = 0; i < parts; ++i) {
      const double first = static_cast<double>(units) * before / sum;
      begin_[i] = std::min(size, static_cast<std::ptrdiff_t>(first + 0.5) * unit);
      before += speeds[i];
    }
    begin_[parts] = size;
  }
  // As it was cut before: ranges one after the other, from 0 on.
  explicit Cut(std::span<const Range> ranges) : parts_(std::ssize(ranges)) {
    std::ptrdiff_t end = 0;
    for (std::ptrdiff_t i = 0; i < parts_; ++i) {
      begin_[i] = end;
      end += ranges[static_cast<std::size_t>(i)].size();
    }
    begin_[parts_] = end;
  }
  Range range(std::ptrdiff_t part) const { return {begin_[part], begin_[part + 1]}; }
  std::ptrdiff_t parts() const { return parts_; }

 private:
  std::ptrdiff_t parts_;
  std::ptrdiff_t begin_[kMaxThreads + 1];  // without defaults: only the first few are used
};

struct Speeds {
  double of[kMaxThreads];

  Speeds() { std::fill_n(of, kMaxThreads, 1.0); }

  // seconds (cut.parts()): how long each range took
  void learn(const Cut& cut, const double* seconds) {
    constexpr double kShortest = 15e-6;  // below, clocks and hand-overs are felt
    constexpr double kWeight = 0.25, kDrift = 0.02, kLeast = 0.25, kMost = 4;
    const std::ptrdiff_t parts = cut.parts();
    const auto measured = [&](std::ptrdiff_t i) {
      return static_cast<double>(cut.range(i).size()) / std::max(seconds[i], 1e-7);
    };
    double longest = 0;
    bool all_worked = true;
    for (std::ptrdiff_t i = 0; i < parts; ++i) {
      if (cut.range(i).size() == 0) {
        all_worked = false;
      } else {
        longest = std::max(longest, seconds[i]);
      }
    }
    if (!all_worked || longest < kShortest) {
      // Nothing to learn from: towards equal shares, or a thread that was slow once might stay without work.
      for (std::ptrdiff_t i = 0; i < parts; ++i) of[i] += kDrift * (1 - of[i]);
      return;
    }
    double sum = 0, sum_so_far = 0;
    for (std::ptrdiff_t i = 0; i < parts; ++i) {
      sum += measured(i);
      sum_so_far += of[i];
    }
    for (std::ptrdiff_t i = 0; i < parts; ++i) {
      // in bounds: a thread that was stopped for once is not slow
      const double speed = std::clamp(measured(i) * sum_so_far / sum, of[i] / 2, of[i] * 2);
      of[i] = std::clamp(of[i] + kWeight * (speed - of[i]), kLeast, kMost);
    }
  }
};

}  // namespace picaflor
