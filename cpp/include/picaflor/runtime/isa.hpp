// Which instruction-set levels this build has, which of them run here, and which one is in use.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "picaflor/kernels/table.hpp"

namespace picaflor {

// What the choice of a level depends on, so that it can be tested without the machine.
struct Cpu {
  bool v2 = false, v3 = false, v4 = false;  // the CPU and the operating system support the level
  bool amd = false;
  int family = 0;  // as AMD and Intel print it: extended family added
};

Cpu detect_cpu();

// The level's name that suits the CPU best among those the CPU supports.
std::string_view preferred_level(const Cpu& cpu);

// Names of the levels in this build that run on this machine, the preferred one first.
std::vector<std::string> runnable_levels();

}  // namespace picaflor
