// Products too narrow for a level's vectors, done by the level below it: the place where measurement
// overrules "the highest level that runs".
//
// On a Zen 4, which executes 64-byte operations in two halves, one core, float32, v4 against v3: products of
// 32 columns and more 0.97-1.13 times the speed, and 1.2-1.4 times while the core's other hardware thread
// works for somebody else, because half as many instructions compete with that one's.  Of 16 columns 0.8-1.0
// times.  On an Emerald Rapids, which does not: from 9 columns on 1.3-2 times the speed, up to 8 0.4-0.75;
// dot products of 256 with 3 or 4 columns, or few rows, 1.1, of 512 1.3, of 128 0.95-1.04.
#pragma once

#include "picaflor/kernels/table.hpp"

namespace picaflor {

// From now on, products in `wide` whose columns leave its vectors empty are those of `narrow`: half of them,
// or where it executes them in `halves` less, and there those of a single row too (the update of a layer with
// one input or output has one).  Workspaces suit both; so do the numbers of lanes.  Called once, before the
// table is used.  Sums keep their bits: both levels fuse and go through the terms in the same order.  Dot
// products, whose order depends on the vectors, are done by the one or the other, whatever the CPU.
void take_narrow_products(const Kernels& narrow, bool halves, Kernels& wide) noexcept;

}  // namespace picaflor
