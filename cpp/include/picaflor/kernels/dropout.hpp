// Dropout and Gaussian noise from a counter-based generator.
//
// Element i draws from number (seed, stream, i) alone, and only integer operations, single additions,
// products, quotients and square roots are used, never a fused multiply-add: the same bits for any split into
// threads and at every instruction-set level.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "picaflor/kernels/philox.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {
namespace noise {

// y = f(x, words) in groups of 64 numbers of the stream; the parts of groups at the two ends are copied into
// whole ones.  y may be x: f works on copies, which the compiler knows to be apart.
template <class T, class F>
void for_each_group(RandomStream stream, Index size, const T* x, T* y, F f) {
  constexpr Index whole = kPhiloxWords;
  const auto draw = [&](Index skipped, std::size_t bytes) {
    PhiloxWords random;
    philox(stream, stream.first / whole, random);
    T in[whole] = {}, out[whole];
    std::memcpy(in + skipped, x, bytes);
    f(random, in, out);
    std::memcpy(y, out + skipped, bytes);
  };
  while (size > 0) {
    const auto skipped = static_cast<Index>(stream.first % whole);
    const Index count = size < whole - skipped ? size : whole - skipped;
    if (count == whole) {
      draw(0, whole * sizeof(T));  // a number the compiler knows: the copies become registers
    } else {
      draw(skipped, static_cast<std::size_t>(count) * sizeof(T));
    }
    stream.first += static_cast<std::uint64_t>(count);
    size -= count;
    x += count;
    y += count;
  }
}

// sin(t) and cos(t) for |t| <= pi / 4, by their series: the first terms left out are below 2e-9.
inline float sine(float t) {
  const float s = t * t;
  return t * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72))));
}

inline float cosine(float t) {
  const float s = t * t;
  return 1 - s / 2 * (1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90))));
}

// -2 ln(u) for u = (word / 2 + 1/2) / 2^31 in (0, 1]:  with u = 2^e m, sqrt(1/2) <= m < sqrt(2),
// ln m = 2 atanh(q) = 2 (q + q^3 / 3 + q^5 / 5 + ...),  q = (m - 1) / (m + 1),  |q| < 0.172
inline float minus_two_log(std::uint32_t word) {
  constexpr std::uint32_t root_half = 0x3f3504f3u;  // bits of sqrt(1/2)
  const float f = static_cast<float>(static_cast<std::int32_t>(word >> 1)) + 0.5f;
  std::uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  const std::int32_t e = static_cast<std::int32_t>(bits - root_half) >> 23;
  bits -= static_cast<std::uint32_t>(e) << 23;
  float m;
  std::memcpy(&m, &bits, sizeof m);
  const float q = (m - 1) / (m + 1), s = q * q;
  const float log_m = 2 * q * (1 + s * (1.0f / 3 + s * (1.0f / 5 + s * (1.0f / 7 + s * (1.0f / 9)))));
  return -2 * (static_cast<float>(e - 31) * 0.693147181f + log_m);
}

// Two independent standard normal numbers from two random words (G. E. P. Box, M. E. Muller, "A note on the
// generation of random normal deviates", 1958, doi:10.1214/aoms/1177706645); |z| <= sqrt(64 ln 2) = 6.66.
inline void normal_pair(std::uint32_t of_radius, std::uint32_t of_angle, float& first, float& second) {
  constexpr float turn = 6.28318531f / 4294967296.0f;  // 2 pi / 2^32
  const float radius = std::sqrt(minus_two_log(of_radius));
  const std::uint32_t quadrant = (of_angle + (1u << 29)) >> 30;  // the nearest quarter turn; 4 counts as 0
  const float t = static_cast<float>(static_cast<std::int32_t>(of_angle - (quadrant << 30))) * turn;
  const float s = sine(t), c = cosine(t);
  const float cos_part = (quadrant & 1) != 0 ? s : c, sin_part = (quadrant & 1) != 0 ? c : s;
  first = radius * (((quadrant + 1) & 2) != 0 ? -cos_part : cos_part);
  second = radius * ((quadrant & 2) != 0 ? -sin_part : sin_part);
}

}  // namespace noise

// y_i = x_i / (1 - rate), or 0 with probability rate (exact to 2^-33).    x, y: (size), y may be x.
// The backward is the same call on dy: the mask is drawn again, not stored.
template <class T>
void dropout(RandomStream stream, double rate, Index size, const T* x, T* y) noexcept {
  const auto threshold = static_cast<std::uint64_t>(rate * 4294967296.0 + 0.5);
  if (threshold > 0xffffffffu) {  // rate = 1
    std::memset(y, 0, static_cast<std::size_t>(size) * sizeof(T));
    return;
  }
  const auto limit = static_cast<std::uint32_t>(threshold);
  const T scale = static_cast<T>(1 / (1 - rate));
  noise::for_each_group(stream, size, x, y, [limit, scale](const PhiloxWords& random, const T* in, T* out) {
    const std::uint32_t* const words = &random.word[0][0];
    for (int k = 0; k < kPhiloxWords; ++k) {
      const T kept = in[k] * scale;
      out[k] = words[k] >= limit ? kept : T(0);
    }
  });
}

// y_i = x_i + stddev z_i, z standard normal with float precision.    x, y: (size), y may be x.
// Its backward is the identity.
template <class T>
void gaussian_noise(RandomStream stream, double stddev, Index size, const T* x, T* y) noexcept {
  const T spread = static_cast<T>(stddev);
  noise::for_each_group(stream, size, x, y, [spread](const PhiloxWords& random, const T* in, T* out) {
    for (int w = 0; w < 4; w += 2) {
      const int here = w * kPhiloxLanes, there = here + kPhiloxLanes;
      float z[2][kPhiloxLanes];
      for (int k = 0; k < kPhiloxLanes; ++k) {
        noise::normal_pair(random.word[w][k], random.word[w + 1][k], z[0][k], z[1][k]);
      }
      for (int k = 0; k < kPhiloxLanes; ++k) {
        out[here + k] = in[here + k] + spread * static_cast<T>(z[0][k]);
        out[there + k] = in[there + k] + spread * static_cast<T>(z[1][k]);
      }
    }
  });
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
