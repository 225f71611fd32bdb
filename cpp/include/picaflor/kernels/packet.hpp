// Packet<T, N>: N vector registers of T with operators, so that a formula over their lanes reads as a
// formula. One source, on Eigen's packet layer, for SSE, AVX2, AVX-512 and NEON; with no vector unit a
// register is one number.
//
// min(x, c) and max(x, c) return x when x is NaN, so the variable stands first wherever it must propagate.
#pragma once

#include <cmath>

#include "picaflor/types.hpp"

#if defined(__clang__)
#define PICAFLOR_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define PICAFLOR_UNROLL _Pragma("GCC unroll 16")
#else
#define PICAFLOR_UNROLL
#endif

namespace picaflor::inline PICAFLOR_LEVEL {

namespace packet {

template <class T>
using Register = typename Eigen::internal::packet_traits<T>::type;
template <class T>
inline constexpr Index kLanes = Eigen::internal::unpacket_traits<Register<T>>::size;

#ifdef EIGEN_HAS_SINGLE_INSTRUCTION_MADD
inline constexpr bool kFused = true;  // mul_add rounds once
#else
inline constexpr bool kFused = false;
#endif
#ifdef EIGEN_VECTORIZE_AVX512
inline constexpr bool kScales = true;  // there is an instruction for x 2^n
#else
inline constexpr bool kScales = false;
#endif

// -------------------------------------------------------- what Eigen 3.4 lacks, for one register

namespace registers {

// c - a b; rounds once where the level can
template <class P>
EIGEN_STRONG_INLINE P neg_mul_add(P a, P b, P c) {
  return Eigen::internal::pmadd(Eigen::internal::pnegate(a), b, c);
}
#ifdef EIGEN_VECTORIZE_FMA
EIGEN_STRONG_INLINE __m256 neg_mul_add(__m256 a, __m256 b, __m256 c) {
  return _mm256_fnmadd_ps(a, b, c);
}
EIGEN_STRONG_INLINE __m256d neg_mul_add(__m256d a, __m256d b, __m256d c) {
  return _mm256_fnmadd_pd(a, b, c);
}
#endif
#ifdef EIGEN_VECTORIZE_AVX512
EIGEN_STRONG_INLINE __m512 neg_mul_add(__m512 a, __m512 b, __m512 c) {
  return _mm512_fnmadd_ps(a, b, c);
}
EIGEN_STRONG_INLINE __m512d neg_mul_add(__m512d a, __m512d b, __m512d c) {
  return _mm512_fnmadd_pd(a, b, c);
}
#endif

// Keeps a value that is used several times in its register.  GCC would often rather read it from memory with
// every use, as an operand of the instruction: then loads and not multiply-adds are what a tile waits for.
// (Eigen's own barrier lets the value lie in memory, and at v4 knows half of the registers.)
template <class P>
EIGEN_STRONG_INLINE void keep_in_register([[maybe_unused]] P& x) {
#if defined(__GNUC__) && defined(__x86_64__)
  __asm__("" : "+v"(x));
#elif defined(__GNUC__) && defined(__aarch64__)
  __asm__("" : "+w"(x));
#endif
}

// The same for an address that is worked out step by step: GCC would rather work all of them out in advance,
// and keep those that find no register of their kind in the multiplier's.
template <class T>
EIGEN_STRONG_INLINE void keep_in_register([[maybe_unused]] T*& address) {
#if defined(__GNUC__)
  __asm__("" : "+r"(address));
#endif
}

// Correctly rounded.  (Eigen's own float psqrt is a refined rsqrtps: off by units in the last place,
// different on AMD and Intel, NaN at infinity.)
EIGEN_STRONG_INLINE float square_root(float x) {
  return std::sqrt(x);
}
EIGEN_STRONG_INLINE double square_root(double x) {
  return std::sqrt(x);
}
#ifdef EIGEN_VECTORIZE_SSE2
EIGEN_STRONG_INLINE __m128 square_root(__m128 x) {
  return _mm_sqrt_ps(x);
}
EIGEN_STRONG_INLINE __m128d square_root(__m128d x) {
  return _mm_sqrt_pd(x);
}
#endif
#ifdef EIGEN_VECTORIZE_AVX
EIGEN_STRONG_INLINE __m256 square_root(__m256 x) {
  return _mm256_sqrt_ps(x);
}
EIGEN_STRONG_INLINE __m256d square_root(__m256d x) {
  return _mm256_sqrt_pd(x);
}
#endif
#ifdef EIGEN_VECTORIZE_AVX512
// The instructions take long, and the time of the unit that divides too.  Instead: a guess, good to 2^-14,
// steps of Goldschmidt's iteration for g = sqrt(x) and h = 1 / (2 sqrt(x)), each of which squares the error,
// and Newton's correction of g by the remainder x - g^2.  The same bits for every float from 2^-102 on, and
// for every double from 2^-968 on that was tried (tests/cpp/square_roots.cpp); below, where the remainder is
// subnormal, the instruction.
template <int Steps, class P>
EIGEN_STRONG_INLINE P refined_root(P x, P guess) {
  using namespace Eigen::internal;
  const P half = pset1<P>(0.5F);
  P g = pmul(x, guess), h = pmul(half, guess);
  for (int i = 0; i < Steps; ++i) {
    const P error = neg_mul_add(g, h, half);
    g = pmadd(g, error, g);
    h = pmadd(h, error, h);
  }
  return pmadd(neg_mul_add(g, g, x), h, g);
}
inline constexpr int kOwnRoot = 0x02 | 0x04 | 0x08;  // the classes 0, -0 and infinity
// Guesses with a mask of ones: gcc 12 takes the unmasked ones for a use of something uninitialised.
EIGEN_STRONG_INLINE __m512 square_root(__m512 x) {
  const __m512 root = refined_root<1>(x, _mm512_maskz_rsqrt14_ps(0xffff, x));
  const __mmask16 own = _mm512_fpclass_ps_mask(x, kOwnRoot);
  const __mmask16 low =
      _mm512_mask_cmp_ps_mask(static_cast<__mmask16>(~own), x, _mm512_set1_ps(0x1p-102F), _CMP_LT_OQ);
  const __m512 result = _mm512_mask_mov_ps(root, own, x);
  return EIGEN_PREDICT_TRUE(low == 0) ? result : _mm512_mask_sqrt_ps(result, low, x);
}
EIGEN_STRONG_INLINE __m512d square_root(__m512d x) {
  const __m512d root = refined_root<2>(x, _mm512_maskz_rsqrt14_pd(0xff, x));
  const __mmask8 own = _mm512_fpclass_pd_mask(x, kOwnRoot);
  const __mmask8 low =
      _mm512_mask_cmp_pd_mask(static_cast<__mmask8>(~own), x, _mm512_set1_pd(0x1p-968), _CMP_LT_OQ);
  const __m512d result = _mm512_mask_mov_pd(root, own, x);
  return EIGEN_PREDICT_TRUE(low == 0) ? result : _mm512_mask_sqrt_pd(result, low, x);
}
#endif
#if defined(EIGEN_VECTORIZE_NEON) && EIGEN_ARCH_ARM64
EIGEN_STRONG_INLINE float32x4_t square_root(float32x4_t x) {
  return vsqrtq_f32(x);
}
EIGEN_STRONG_INLINE float64x2_t square_root(float64x2_t x) {
  return vsqrtq_f64(x);
}
#endif

// min(|x|, c); of a NaN nothing is said
template <class P>
EIGEN_STRONG_INLINE P magnitude_up_to(P x, P c) {
  return Eigen::internal::pmin(Eigen::internal::pabs(x), c);
}
#ifdef EIGEN_VECTORIZE_AVX512
inline constexpr int kLesserMagnitude = 0b1010;
EIGEN_STRONG_INLINE __m512 magnitude_up_to(__m512 x, __m512 c) {
  return _mm512_maskz_range_ps(0xffff, x, c, kLesserMagnitude);
}
EIGEN_STRONG_INLINE __m512d magnitude_up_to(__m512d x, __m512d c) {
  return _mm512_maskz_range_pd(0xff, x, c, kLesserMagnitude);
}

// x 2^n, rounded once, for integers n
EIGEN_STRONG_INLINE __m512 scale(__m512 x, __m512 n) {
  return _mm512_maskz_scalef_ps(0xffff, x, n);
}
EIGEN_STRONG_INLINE __m512d scale(__m512d x, __m512d n) {
  return _mm512_maskz_scalef_pd(0xff, x, n);
}
#endif

// The bits of t shifted left until its lowest ones, an integer e, are an exponent: 2^(e - bias).
EIGEN_STRONG_INLINE float exponent_bits(float t) {
  return Eigen::numext::bit_cast<float>(Eigen::numext::bit_cast<std::uint32_t>(t) << 23);
}
EIGEN_STRONG_INLINE double exponent_bits(double t) {
  return Eigen::numext::bit_cast<double>(Eigen::numext::bit_cast<std::uint64_t>(t) << 52);
}
#ifdef EIGEN_VECTORIZE_SSE2
EIGEN_STRONG_INLINE __m128 exponent_bits(__m128 t) {
  return _mm_castsi128_ps(_mm_slli_epi32(_mm_castps_si128(t), 23));
}
EIGEN_STRONG_INLINE __m128d exponent_bits(__m128d t) {
  return _mm_castsi128_pd(_mm_slli_epi64(_mm_castpd_si128(t), 52));
}
#endif
#ifdef EIGEN_VECTORIZE_AVX2
EIGEN_STRONG_INLINE __m256 exponent_bits(__m256 t) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(t), 23));
}
EIGEN_STRONG_INLINE __m256d exponent_bits(__m256d t) {
  return _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(t), 52));
}
#endif
#ifdef EIGEN_VECTORIZE_AVX512
EIGEN_STRONG_INLINE __m512 exponent_bits(__m512 t) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(t), 23));
}
EIGEN_STRONG_INLINE __m512d exponent_bits(__m512d t) {
  return _mm512_castsi512_pd(_mm512_slli_epi64(_mm512_castpd_si512(t), 52));
}
#endif
#ifdef EIGEN_VECTORIZE_NEON
EIGEN_STRONG_INLINE float32x4_t exponent_bits(float32x4_t t) {
  return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(t), 23));
}
#if EIGEN_ARCH_ARM64
EIGEN_STRONG_INLINE float64x2_t exponent_bits(float64x2_t t) {
  return vreinterpretq_f64_u64(vshlq_n_u64(vreinterpretq_u64_f64(t), 52));
}
#endif
#endif

}  // namespace registers

// ------------------------------------------------------------------------------------------ packets

// Two registers take every step together: one chain of dependent operations leaves the multipliers waiting;
// two or four in lockstep keep them busy (measured: 1.5 to 2 times the speed).
template <class T, int N = 1>
struct Packet {
  static_assert(N == 1 || N == 2);
  using Scalar = T;
  static constexpr Index kLanes = N * packet::kLanes<T>;

  Register<T> r[N];

  static EIGEN_STRONG_INLINE Packet all(T value) {
    const Register<T> one = Eigen::internal::pset1<Register<T>>(value);
    if constexpr (N == 1)
      return {{one}};
    else
      return {{one, one}};
  }
  static EIGEN_STRONG_INLINE Packet load(const T* from) {
    using Eigen::internal::ploadu;
    if constexpr (N == 1)
      return {{ploadu<Register<T>>(from)}};
    else
      return {{ploadu<Register<T>>(from), ploadu<Register<T>>(from + packet::kLanes<T>)}};
  }
  // The elements at from, at from + stride, ...
  static EIGEN_STRONG_INLINE Packet gather(const T* from, Index stride) {
    static_assert(N == 1);
    return {{Eigen::internal::pgather<T, Register<T>>(from, stride)}};
  }
  static EIGEN_STRONG_INLINE Packet ramp(T first) {  // first, first + 1, ...
    static_assert(N == 1);
    return {{Eigen::internal::plset<Register<T>>(first)}};
  }
  EIGEN_STRONG_INLINE void store(T* to) const {
    Eigen::internal::pstoreu(to, r[0]);
    if constexpr (N == 2) Eigen::internal::pstoreu(to + packet::kLanes<T>, r[1]);
  }
  EIGEN_STRONG_INLINE void scatter(T* to, Index stride) const {
    static_assert(N == 1);
    Eigen::internal::pscatter<T, Register<T>>(to, r[0], stride);
  }
};

#define PICAFLOR_PACKET_1(name, f)                        \
  template <class T, int N>                               \
  EIGEN_STRONG_INLINE Packet<T, N> name(Packet<T, N> a) { \
    if constexpr (N == 1)                                 \
      return {{f(a.r[0])}};                               \
    else                                                  \
      return {{f(a.r[0]), f(a.r[1])}};                    \
  }
#define PICAFLOR_PACKET_2(name, f)                                        \
  template <class T, int N>                                               \
  EIGEN_STRONG_INLINE Packet<T, N> name(Packet<T, N> a, Packet<T, N> b) { \
    if constexpr (N == 1)                                                 \
      return {{f(a.r[0], b.r[0])}};                                       \
    else                                                                  \
      return {{f(a.r[0], b.r[0]), f(a.r[1], b.r[1])}};                    \
  }
#define PICAFLOR_PACKET_3(name, f)                                                        \
  template <class T, int N>                                                               \
  EIGEN_STRONG_INLINE Packet<T, N> name(Packet<T, N> a, Packet<T, N> b, Packet<T, N> c) { \
    if constexpr (N == 1)                                                                 \
      return {{f(a.r[0], b.r[0], c.r[0])}};                                               \
    else                                                                                  \
      return {{f(a.r[0], b.r[0], c.r[0]), f(a.r[1], b.r[1], c.r[1])}};                    \
  }
PICAFLOR_PACKET_2(operator+, Eigen::internal::padd)
PICAFLOR_PACKET_2(operator-, Eigen::internal::psub)
PICAFLOR_PACKET_2(operator*, Eigen::internal::pmul)
PICAFLOR_PACKET_2(operator/, Eigen::internal::pdiv)
PICAFLOR_PACKET_1(operator-, Eigen::internal::pnegate)
PICAFLOR_PACKET_3(mul_add, Eigen::internal::pmadd)      // a b + c
PICAFLOR_PACKET_3(neg_mul_add, registers::neg_mul_add)  // c - a b
PICAFLOR_PACKET_2(min, Eigen::internal::pmin)
PICAFLOR_PACKET_2(max, Eigen::internal::pmax)
PICAFLOR_PACKET_2(magnitude_up_to, registers::magnitude_up_to)
PICAFLOR_PACKET_1(abs, Eigen::internal::pabs)
PICAFLOR_PACKET_1(sqrt, registers::square_root)
PICAFLOR_PACKET_1(log, Eigen::internal::plog)
PICAFLOR_PACKET_1(log1p, Eigen::internal::generic_plog1p)
PICAFLOR_PACKET_2(operator&, Eigen::internal::pand)
PICAFLOR_PACKET_2(operator|, Eigen::internal::por)
PICAFLOR_PACKET_1(exponent_bits, registers::exponent_bits)
#ifdef EIGEN_VECTORIZE_AVX512
PICAFLOR_PACKET_2(scale, registers::scale)
#endif
#undef PICAFLOR_PACKET_1
#undef PICAFLOR_PACKET_2
#undef PICAFLOR_PACKET_3

template <class P>
EIGEN_STRONG_INLINE void keep_in_registers(P& x) {
  for (auto& part : x.r) registers::keep_in_register(part);
}

template <class P>
EIGEN_STRONG_INLINE P splat(double value) {
  return P::all(static_cast<typename P::Scalar>(value));
}

// Over the lanes.
template <class T>
EIGEN_STRONG_INLINE T sum_of_lanes(const Packet<T>& a) {
  return Eigen::internal::predux(a.r[0]);
}
template <class T>
EIGEN_STRONG_INLINE T max_of_lanes(const Packet<T>& a) {
  return Eigen::internal::predux_max(a.r[0]);
}
template <class T>
EIGEN_STRONG_INLINE T min_of_lanes(const Packet<T>& a) {
  return Eigen::internal::predux_min(a.r[0]);
}
template <class T>
EIGEN_STRONG_INLINE Packet<T> sum_of_registers(const Packet<T, 2>& a) {
  return {{Eigen::internal::padd(a.r[0], a.r[1])}};
}
template <class T>
EIGEN_STRONG_INLINE Packet<T> max_of_registers(const Packet<T, 2>& a) {
  return {{Eigen::internal::pmax(a.r[0], a.r[1])}};
}

template <class P>
EIGEN_STRONG_INLINE P sign_bit() {
  return splat<P>(-0.0);
}
template <class P>
EIGEN_STRONG_INLINE P minus_abs(P x) {
  return x | sign_bit<P>();
}

}  // namespace packet

using packet::kLanes;
using packet::Packet;
using packet::Register;

}  // namespace picaflor::inline PICAFLOR_LEVEL
