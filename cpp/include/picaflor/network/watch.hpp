// When a range of minibatches has to end: its time is over, or somebody asks for it.
#pragma once

#include <chrono>

#include "picaflor/network/data.hpp"

namespace picaflor {

// Of a product, between two questions whether to go on: some hundredths of a second.
inline constexpr double kOperationsBetweenQuestions = 2e9;

class Watch {
 public:
  Watch(double seconds, Interrupt interrupt) : seconds_(seconds), interrupt_(interrupt) {}

  // In the middle of long work: whether to give it up.
  bool interrupted() {
    if (!interrupted_ && interrupt_.asked != nullptr) ask(Clock::now());
    return interrupted_;
  }

  // After so many operations: whether to go no further.  Small steps together read the clock once.
  bool is_over(double operations) {
    constexpr double kWorthALook = 1e6, kSmallestStep = 3e4;
    since_look_ += operations + kSmallestStep;
    if (since_look_ < kWorthALook) return false;
    since_look_ = 0;
    const Clock::time_point now = Clock::now();
    if (!interrupted_ && interrupt_.asked != nullptr) ask(now);
    return interrupted_ || std::chrono::duration<double>(now - start_).count() >= seconds_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  // It may take the interpreter's lock, so it happens at most fifty times a second.
  void ask(Clock::time_point now) {
    if (now - asked_ < std::chrono::milliseconds(20)) return;
    asked_ = now;
    interrupted_ = interrupt_.asked(interrupt_.state);
  }

  double seconds_;
  Interrupt interrupt_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point asked_ = start_;
  bool interrupted_ = false;
  double since_look_ = 0;  // operations
};

}  // namespace picaflor
