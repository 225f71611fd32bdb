// Small vectors of T in the widest register of the level, on Eigen's packet layer: one source for SSE, AVX2,
// AVX-512 and NEON.  Here stand the few operations that Eigen 3.4 lacks; elementwise.hpp has the loops.
//
// NaN: pmin(x, c) and pmax(x, c) return x when x is NaN, so the variable stands first wherever it must
// propagate.  Comparisons with NaN are false.
#pragma once

#include "picaflor/types.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

namespace packet {

using Eigen::internal::pabs;
using Eigen::internal::padd;
using Eigen::internal::pand;
using Eigen::internal::pandnot;
using Eigen::internal::pcmp_eq;
using Eigen::internal::pcmp_le;
using Eigen::internal::pcmp_lt;
using Eigen::internal::pdiv;
using Eigen::internal::ploadu;
using Eigen::internal::pmadd;
using Eigen::internal::pmax;
using Eigen::internal::pmin;
using Eigen::internal::pmul;
using Eigen::internal::pnegate;
using Eigen::internal::pnot;
using Eigen::internal::por;
using Eigen::internal::pselect;
using Eigen::internal::pset1;
using Eigen::internal::pstoreu;
using Eigen::internal::psub;
using Eigen::internal::pxor;
using Eigen::internal::pzero;

template <class T>
using Packet = typename Eigen::internal::packet_traits<T>::type;
#ifdef EIGEN_HAS_SINGLE_INSTRUCTION_MADD
inline constexpr bool kFused = true;  // pmadd rounds once
#else
inline constexpr bool kFused = false;
#endif

// c - a b; rounds once where the level can
template <class P>
EIGEN_STRONG_INLINE P pnmadd(P a, P b, P c) {
  return pmadd(pnegate(a), b, c);
}
#ifdef EIGEN_VECTORIZE_FMA
EIGEN_STRONG_INLINE __m256 pnmadd(__m256 a, __m256 b, __m256 c) {
  return _mm256_fnmadd_ps(a, b, c);
}
EIGEN_STRONG_INLINE __m256d pnmadd(__m256d a, __m256d b, __m256d c) {
  return _mm256_fnmadd_pd(a, b, c);
}
#endif
#ifdef EIGEN_VECTORIZE_AVX512
EIGEN_STRONG_INLINE __m512 pnmadd(__m512 a, __m512 b, __m512 c) {
  return _mm512_fnmadd_ps(a, b, c);
}
EIGEN_STRONG_INLINE __m512d pnmadd(__m512d a, __m512d b, __m512d c) {
  return _mm512_fnmadd_pd(a, b, c);
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

// a for x < 0, b for x > 0, either for zero and NaN.
template <class P>
EIGEN_STRONG_INLINE P select_negative(P x, P a, P b) {
  return pselect(pcmp_lt(x, pzero(x)), a, b);
}
#ifdef EIGEN_VECTORIZE_AVX
EIGEN_STRONG_INLINE __m256 select_negative(__m256 x, __m256 a, __m256 b) {
  return _mm256_blendv_ps(b, a, x);
}
EIGEN_STRONG_INLINE __m256d select_negative(__m256d x, __m256d a, __m256d b) {
  return _mm256_blendv_pd(b, a, x);
}
#endif
#ifdef EIGEN_VECTORIZE_AVX512
EIGEN_STRONG_INLINE __m512 select_negative(__m512 x, __m512 a, __m512 b) {
  return _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(x)), b, a);
}
EIGEN_STRONG_INLINE __m512d select_negative(__m512d x, __m512d a, __m512d b) {
  return _mm512_mask_blend_pd(_mm512_movepi64_mask(_mm512_castpd_si512(x)), b, a);
}
#endif

// Two packets that take every step together.  One chain of dependent operations leaves the multipliers
// waiting; two or four in lockstep keep them busy (measured: 1.5 to 2 times the speed).
template <class P>
struct Pair {
  P first, second;
};

#define PICAFLOR_PAIR_1(f)                          \
  template <class P>                                \
  EIGEN_STRONG_INLINE Pair<P> f(const Pair<P>& a) { \
    return {f(a.first), f(a.second)};               \
  }
#define PICAFLOR_PAIR_2(f)                                            \
  template <class P>                                                  \
  EIGEN_STRONG_INLINE Pair<P> f(const Pair<P>& a, const Pair<P>& b) { \
    return {f(a.first, b.first), f(a.second, b.second)};              \
  }
#define PICAFLOR_PAIR_3(f)                                                              \
  template <class P>                                                                    \
  EIGEN_STRONG_INLINE Pair<P> f(const Pair<P>& a, const Pair<P>& b, const Pair<P>& c) { \
    return {f(a.first, b.first, c.first), f(a.second, b.second, c.second)};             \
  }
PICAFLOR_PAIR_1(pabs)
PICAFLOR_PAIR_1(pnegate)
PICAFLOR_PAIR_1(pnot)
PICAFLOR_PAIR_1(exponent_bits)
PICAFLOR_PAIR_2(padd)
PICAFLOR_PAIR_2(psub)
PICAFLOR_PAIR_2(pmul)
PICAFLOR_PAIR_2(pdiv)
PICAFLOR_PAIR_2(pmin)
PICAFLOR_PAIR_2(pmax)
PICAFLOR_PAIR_2(pand)
PICAFLOR_PAIR_2(pandnot)
PICAFLOR_PAIR_2(por)
PICAFLOR_PAIR_2(pxor)
PICAFLOR_PAIR_2(pcmp_eq)
PICAFLOR_PAIR_2(pcmp_le)
PICAFLOR_PAIR_2(pcmp_lt)
PICAFLOR_PAIR_3(pmadd)
PICAFLOR_PAIR_3(pnmadd)
PICAFLOR_PAIR_3(pselect)
PICAFLOR_PAIR_3(select_negative)
#undef PICAFLOR_PAIR_1
#undef PICAFLOR_PAIR_2
#undef PICAFLOR_PAIR_3

template <class P>
struct PacketTraits {
  using Scalar = typename Eigen::internal::unpacket_traits<P>::type;
  static constexpr Index lanes = Eigen::internal::unpacket_traits<P>::size;
  static EIGEN_STRONG_INLINE P fill(Scalar value) { return pset1<P>(value); }
  static EIGEN_STRONG_INLINE P load(const Scalar* x) { return ploadu<P>(x); }
  static EIGEN_STRONG_INLINE void store(Scalar* x, const P& p) { pstoreu(x, p); }
};
template <class P>
struct PacketTraits<Pair<P>> {
  using One = PacketTraits<P>;
  using Scalar = typename One::Scalar;
  static constexpr Index lanes = 2 * One::lanes;
  static EIGEN_STRONG_INLINE Pair<P> fill(Scalar value) { return {One::fill(value), One::fill(value)}; }
  static EIGEN_STRONG_INLINE Pair<P> load(const Scalar* x) {
    return {One::load(x), One::load(x + One::lanes)};
  }
  static EIGEN_STRONG_INLINE void store(Scalar* x, const Pair<P>& p) {
    One::store(x, p.first);
    One::store(x + One::lanes, p.second);
  }
};

template <class P>
using Scalar = typename PacketTraits<P>::Scalar;
template <class P>
inline constexpr Index kLanes = PacketTraits<P>::lanes;

template <class P>
EIGEN_STRONG_INLINE P splat(double value) {
  return PacketTraits<P>::fill(static_cast<Scalar<P>>(value));
}
template <class P>
EIGEN_STRONG_INLINE P load(const Scalar<P>* x) {
  return PacketTraits<P>::load(x);
}
template <class P>
EIGEN_STRONG_INLINE void store(Scalar<P>* x, const P& p) {
  PacketTraits<P>::store(x, p);
}

template <class P>
EIGEN_STRONG_INLINE P sign_bit() {
  return splat<P>(-0.0);
}
template <class P>
EIGEN_STRONG_INLINE P minus_abs(P x) {
  return por(x, sign_bit<P>());
}

// all bits of dx set (a NaN) where x is NaN, dx elsewhere
template <class P>
EIGEN_STRONG_INLINE P nan_where(P x, P dx) {
  return por(dx, pnot(pcmp_eq(x, x)));
}

// c[0] + c[1] x + ... + c[N-1] x^(N-1), by Horner's rule
template <class P, class T, std::size_t N>
EIGEN_STRONG_INLINE P horner(P x, const T (&c)[N]) {
  P sum = splat<P>(c[N - 1]);
  for (std::size_t k = N - 1; k-- > 0;) {
    sum = pmadd(sum, x, splat<P>(c[k]));
  }
  return sum;
}

// The same with x2 = x * x: pairs c[2k] + c[2k+1] x, then Horner's rule in x2; half the waiting.
template <class P, class T, std::size_t N>
EIGEN_STRONG_INLINE P horner_pairs(P x, P x2, const T (&c)[N]) {
  constexpr std::size_t last = (N - 1) / 2 * 2;
  P sum = splat<P>(c[last]);
  if constexpr (last + 1 < N) {
    sum = pmadd(splat<P>(c[last + 1]), x, sum);
  }
  for (std::size_t k = last; k > 0; k -= 2) {
    sum = pmadd(sum, x2, pmadd(splat<P>(c[k - 1]), x, splat<P>(c[k - 2])));
  }
  return sum;
}

// x without the lower half of its significant bits: the square of the result is exact
template <class P>
EIGEN_STRONG_INLINE P upper_half(P x) {
  if constexpr (sizeof(Scalar<P>) == sizeof(float)) {
    return pand(x, PacketTraits<P>::fill(Eigen::numext::bit_cast<float>(std::uint32_t{0xFFFFF000})));
  } else {
    return pand(x, PacketTraits<P>::fill(Eigen::numext::bit_cast<double>(std::uint64_t{0xFFFFFFFFF8000000})));
  }
}

// a b - p, exactly, for p = a b as rounded
template <class P>
EIGEN_STRONG_INLINE P product_error(P a, P b, P p) {
  if constexpr (kFused) {
    return pmadd(a, b, pnegate(p));
  } else {  // Dekker, "A floating-point technique for extending the available precision" (1971)
    const P a_high = upper_half(a), a_low = psub(a, a_high);
    const P b_high = upper_half(b), b_low = psub(b, b_high);
    const P cross = padd(pmul(a_high, b_low), pmul(a_low, b_high));
    return padd(padd(psub(pmul(a_high, b_high), p), cross), pmul(a_low, b_low));
  }
}

// c - a b for c near a b, exactly
template <class P>
EIGEN_STRONG_INLINE P residual(P a, P b, P c) {
  if constexpr (kFused) {
    return pnmadd(a, b, c);
  } else {
    const P p = pmul(a, b);
    return psub(psub(c, p), product_error(a, b, p));
  }
}

}  // namespace packet

}  // namespace picaflor::inline PICAFLOR_LEVEL
