// The counter-based generator Philox4x32-10: a block of four 32-bit words is a function of key and counter
// alone, so any element of a stream can be had without the ones before it.
//
// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
// SC '11, doi:10.1145/2063384.2063405, section 3.3 and table 2.
#pragma once

#include <Eigen/Core>
#include <cstdint>

#include "picaflor/kernels/table.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// A register of 64-bit lanes, each holding one 32-bit word in its low half; what is in the high half does not
// matter.  `times` multiplies low halves, so that the high half of the product costs one shift; `store_with`
// stores the words of two registers, taking turns.
#if defined(EIGEN_VECTORIZE_AVX512)
struct WideWords {
  static constexpr int kLanes = 8;
  __m512i r;
  static WideWords all(std::uint32_t value) { return {_mm512_set1_epi64(value)}; }
  static WideWords load(const std::uint64_t* from) { return {_mm512_loadu_si512(from)}; }
  void store_with(WideWords odd, std::uint32_t* to) const {
    const __m512i up = _mm512_maskz_slli_epi64(0xff, odd.r, 32);
    _mm512_storeu_si512(to, _mm512_mask_blend_epi32(0xaaaa, r, up));
  }
  WideWords times(WideWords b) const { return {_mm512_maskz_mul_epu32(0xff, r, b.r)}; }
  WideWords high() const { return {_mm512_maskz_srli_epi64(0xff, r, 32)}; }
  WideWords operator^(WideWords b) const { return {_mm512_xor_si512(r, b.r)}; }
};
#elif defined(EIGEN_VECTORIZE_AVX2)
struct WideWords {
  static constexpr int kLanes = 4;
  __m256i r;
  static WideWords all(std::uint32_t value) { return {_mm256_set1_epi64x(value)}; }
  static WideWords load(const std::uint64_t* from) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))};
  }
  void store_with(WideWords odd, std::uint32_t* to) const {
    const __m256i both = _mm256_blend_epi32(r, _mm256_slli_epi64(odd.r, 32), 0xaa);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), both);
  }
  WideWords times(WideWords b) const { return {_mm256_mul_epu32(r, b.r)}; }
  WideWords high() const { return {_mm256_srli_epi64(r, 32)}; }
  WideWords operator^(WideWords b) const { return {_mm256_xor_si256(r, b.r)}; }
};
#elif defined(EIGEN_VECTORIZE_SSE2)
struct WideWords {
  static constexpr int kLanes = 2;
  __m128i r;
  static WideWords all(std::uint32_t value) { return {_mm_set1_epi64x(value)}; }
  static WideWords load(const std::uint64_t* from) {
    return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))};
  }
  void store_with(WideWords odd, std::uint32_t* to) const {
    const __m128i low = _mm_and_si128(r, _mm_set1_epi64x(0xffffffff));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_or_si128(low, _mm_slli_epi64(odd.r, 32)));
  }
  WideWords times(WideWords b) const { return {_mm_mul_epu32(r, b.r)}; }
  WideWords high() const { return {_mm_srli_epi64(r, 32)}; }
  WideWords operator^(WideWords b) const { return {_mm_xor_si128(r, b.r)}; }
};
#else
struct WideWords {
  static constexpr int kLanes = 1;
  std::uint64_t r;
  static WideWords all(std::uint32_t value) { return {value}; }
  static WideWords load(const std::uint64_t* from) { return {*from}; }
  void store_with(WideWords odd, std::uint32_t* to) const {
    to[0] = static_cast<std::uint32_t>(r);
    to[1] = static_cast<std::uint32_t>(odd.r);
  }
  WideWords times(WideWords b) const { return {(r & 0xffffffffu) * (b.r & 0xffffffffu)}; }
  WideWords high() const { return {r >> 32}; }
  WideWords operator^(WideWords b) const { return {r ^ b.r}; }
};
#endif

// Blocks are drawn 16 at a time, and their words are handed out word by word: element i of a stream is word w
// of block b where  i = 64 (b / 16) + 16 w + b % 16.
inline constexpr int kPhiloxLanes = 16;
inline constexpr int kPhiloxWords = 4 * kPhiloxLanes;

struct PhiloxWords {
  std::uint32_t word[4][kPhiloxLanes];
};

// Elements 64 group ... 64 group + 63 of a stream: key = seed, counter = (block number, stream).
inline void philox(RandomStream where, std::uint64_t group, PhiloxWords& out) noexcept {
  constexpr int width = 2 * WideWords::kLanes;  // even and odd blocks: two chains hide the product's latency
  const auto multiplier_0 = WideWords::all(0xD2511F53u), multiplier_1 = WideWords::all(0xCD9E8D57u);
  constexpr std::uint32_t weyl_0 = 0x9E3779B9u, weyl_1 = 0xBB67AE85u;  // golden ratio, sqrt(3) - 1
  for (int lane = 0; lane < kPhiloxLanes; lane += width) {
    WideWords c0[2], c1[2], c2[2], c3[2];
    for (int k = 0; k < 2; ++k) {
      std::uint64_t block[WideWords::kLanes];
      for (int j = 0; j < WideWords::kLanes; ++j) {
        block[j] = group * kPhiloxLanes + static_cast<std::uint64_t>(lane + 2 * j + k);
      }
      c0[k] = WideWords::load(block);
      c1[k] = c0[k].high();
      c2[k] = WideWords::all(static_cast<std::uint32_t>(where.stream));
      c3[k] = WideWords::all(static_cast<std::uint32_t>(where.stream >> 32));
    }
    auto key_0 = static_cast<std::uint32_t>(where.seed), key_1 = static_cast<std::uint32_t>(where.seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const auto k0 = WideWords::all(key_0), k1 = WideWords::all(key_1);
      for (int k = 0; k < 2; ++k) {
        const WideWords product_0 = c0[k].times(multiplier_0), product_1 = c2[k].times(multiplier_1);
        c0[k] = product_1.high() ^ (c1[k] ^ k0);
        c2[k] = product_0.high() ^ (c3[k] ^ k1);
        c1[k] = product_1;
        c3[k] = product_0;
      }
      key_0 += weyl_0;
      key_1 += weyl_1;
    }
    c0[0].store_with(c0[1], out.word[0] + lane);
    c1[0].store_with(c1[1], out.word[1] + lane);
    c2[0].store_with(c2[1], out.word[2] + lane);
    c3[0].store_with(c3[1], out.word[3] + lane);
  }
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
