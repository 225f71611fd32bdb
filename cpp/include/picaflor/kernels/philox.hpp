// The counter-based generator Philox4x32-10: a block of four 32-bit words is a function of key and counter
// alone, so any element of a stream can be had without the ones before it.
//
// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
// SC '11, doi:10.1145/2063384.2063405, section 3.3 and table 2.
#pragma once

#include <cstdint>

#include "picaflor/kernels/table.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// Words 0 to 3 of kPhiloxLanes consecutive blocks, word by word.  Element i of a stream is word w of block b
// with  i = 64 (b / 16) + 16 w + b % 16:  the order in which vector instructions bring them forth.
inline constexpr Index kPhiloxLanes = 16;
inline constexpr Index kPhiloxWords = 4 * kPhiloxLanes;

struct PhiloxWords {
  std::uint32_t word[4][kPhiloxLanes];
};

// Elements 64 group .. 64 group + 63 of a stream: key = seed, counter = (block number, stream).
inline void philox(RandomStream where, std::uint64_t group, PhiloxWords& out) noexcept {
  constexpr std::uint32_t multiplier_0 = 0xD2511F53u, multiplier_1 = 0xCD9E8D57u;
  constexpr std::uint32_t weyl_0 = 0x9E3779B9u, weyl_1 = 0xBB67AE85u;  // golden ratio, sqrt(3) - 1
  auto& [c0, c1, c2, c3] = out.word;
  for (Index k = 0; k < kPhiloxLanes; ++k) {
    const std::uint64_t block = group * kPhiloxLanes + static_cast<std::uint64_t>(k);
    c0[k] = static_cast<std::uint32_t>(block);
    c1[k] = static_cast<std::uint32_t>(block >> 32);
    c2[k] = static_cast<std::uint32_t>(where.stream);
    c3[k] = static_cast<std::uint32_t>(where.stream >> 32);
  }
  auto key_0 = static_cast<std::uint32_t>(where.seed);
  auto key_1 = static_cast<std::uint32_t>(where.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (Index k = 0; k < kPhiloxLanes; ++k) {
      const std::uint64_t product_0 = static_cast<std::uint64_t>(multiplier_0) * c0[k];
      const std::uint64_t product_1 = static_cast<std::uint64_t>(multiplier_1) * c2[k];
      const std::uint32_t next_0 = static_cast<std::uint32_t>(product_1 >> 32) ^ c1[k] ^ key_0;
      const std::uint32_t next_2 = static_cast<std::uint32_t>(product_0 >> 32) ^ c3[k] ^ key_1;
      c1[k] = static_cast<std::uint32_t>(product_1);
      c3[k] = static_cast<std::uint32_t>(product_0);
      c0[k] = next_0;
      c2[k] = next_2;
    }
    key_0 += weyl_0;
    key_1 += weyl_1;
  }
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
