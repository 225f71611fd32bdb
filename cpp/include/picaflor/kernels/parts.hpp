// Sizes cut into nearly equal parts.
#pragma once

#include "picaflor/types.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// std::min and std::max would leave code of one instruction-set level behind for all.
constexpr Index smaller_of(Index a, Index b) {
  return b < a ? b : a;
}
constexpr Index larger_of(Index a, Index b) {
  return a < b ? b : a;
}

// One part is the common case of small networks, which would feel the divisions.
constexpr Index parts_of(Index whole, Index at_most) {
  return whole > at_most ? (whole + at_most - 1) / at_most : whole > 0 ? 1 : 0;
}

// A whole cut into nearly equal parts, the larger ones last.
struct Parts {
  Index count, size, smaller;  // parts, the size of the smaller ones and how many of these there are

  constexpr Parts(Index whole, Index parts)
      : count(parts),
        size(parts == 1 ? whole : whole / parts),
        smaller(parts == 1 ? 1 : parts - whole % parts) {}
  constexpr Index begin(Index i) const { return i * size + (i > smaller ? i - smaller : 0); }
  constexpr Index size_of(Index i) const { return i < smaller ? size : size + 1; }
  constexpr Index largest() const { return size_of(count - 1); }
};

}  // namespace picaflor::inline PICAFLOR_LEVEL
