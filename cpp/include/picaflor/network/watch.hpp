// When a range of minibatches has to end: its time is over, or somebody asks for it.
#pragma once

#include <chrono>
#include <cmath>

#include "picaflor/network/data.hpp"

namespace picaflor {

class Watch {
 public:
  Watch(double seconds, Interrupt interrupt) : seconds_(seconds), interrupt_(interrupt) {}

  // Asking may take the interpreter's lock, so it happens at most fifty times a second.
  bool interrupted() {
    if (interrupted_ || interrupt_.asked == nullptr) return interrupted_;
    const Clock::time_point now = Clock::now();
    if (now - asked_ >= std::chrono::milliseconds(20)) {
      asked_ = now;
      interrupted_ = interrupt_.asked(interrupt_.state);
    }
    return interrupted_;
  }

  bool time_over() const { return std::chrono::duration<double>(Clock::now() - start_).count() >= seconds_; }

 private:
  using Clock = std::chrono::steady_clock;
  double seconds_;
  Interrupt interrupt_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point asked_ = start_;
  bool interrupted_ = false;
};

}  // namespace picaflor
