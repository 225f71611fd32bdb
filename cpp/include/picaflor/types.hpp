// What every kernel header needs of Eigen, and the namespace of the level that is being compiled.
#pragma once

#include <Eigen/Core>

#include "picaflor/kernels/table.hpp"

#ifndef PICAFLOR_LEVEL
#error "kernel headers are compiled by cpp/src/kernels, once per instruction-set level"
#endif
