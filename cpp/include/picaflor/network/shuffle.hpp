// The rows of a data set in a random order: the one that NumPy's shuffle finds from the same generator, which
// it leaves in the same state, in a third of the time.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>

#include "picaflor/kernels/table.hpp"

namespace picaflor {

// Where random bits come from: what the capsule of a NumPy bit generator holds (bitgen_t).
struct BitGenerator {
  void* state;
  std::uint64_t (*next_uint64)(void*);
  std::uint32_t (*next_uint32)(void*);
  double (*next_double)(void*);
  std::uint64_t (*next_raw)(void*);
};

inline constexpr Index kMostRowsShuffled = std::numeric_limits<std::uint32_t>::max();

// rows (n) is written: 0 to n - 1, each once.
//
// Fisher and Yates: from the last place on, each changes its row for that of a place drawn from those up to
// it.  A place is as many random bits as the last of them needs, and is drawn again if it lies beyond that.
// Up to half of the draws do, and none can be foretold: so there is no branch, and such a draw changes a row
// for itself.
inline void shuffle_rows(const BitGenerator& bits, Index n, std::int64_t* rows) {
  std::iota(rows, rows + n, std::int64_t{0});
  for (Index place = n - 1; place > 0;) {
    const auto first = static_cast<Index>(std::bit_floor(static_cast<std::uint64_t>(place)));
    const auto mask = static_cast<std::uint32_t>(2 * first - 1);
    while (place >= first) {
      const auto drawn = static_cast<Index>(bits.next_uint32(bits.state) & mask);
      const Index lies_within = drawn <= place;
      std::swap(rows[place], rows[place + ((drawn - place) & -lies_within)]);
      place -= lies_within;
    }
  }
}

}  // namespace picaflor
