// Which instruction-set levels this build has, which of them run here, and which one is in use.
#pragma once

#include <string>
#include <vector>

#include "picaflor/kernels/table.hpp"

namespace picaflor {

// Names of the levels in this build that run on this machine, the highest, which is the one to use, first.
std::vector<std::string> runnable_levels();

}  // namespace picaflor
