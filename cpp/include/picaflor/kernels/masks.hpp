// Comparisons of packets, lane by lane, and what is done by them.  With NaN they are false.
//
// With AVX-512 a mask is a register of bits, one for each lane; elsewhere a packet's registers, with all bits
// of a lane or none.  (Eigen's masks are of the second kind everywhere.  With AVX-512 that takes an
// instruction to spread the bits, on which Intel's CPUs wait until the register that it overwrites is known,
// as if it read it: one step of a loop after the other.  Measured there: up to 5 times the cycles.)
#pragma once

#include "picaflor/kernels/packet.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

namespace packet {

namespace registers {

template <class P>
struct Masks {
  using Type = P;
  static EIGEN_STRONG_INLINE P less(P a, P b) { return Eigen::internal::pcmp_lt(a, b); }
  static EIGEN_STRONG_INLINE P less_equal(P a, P b) { return Eigen::internal::pcmp_le(a, b); }
  static EIGEN_STRONG_INLINE P equal(P a, P b) { return Eigen::internal::pcmp_eq(a, b); }
  static EIGEN_STRONG_INLINE P both(P a, P b) { return Eigen::internal::pand(a, b); }
  static EIGEN_STRONG_INLINE P select(P mask, P a, P b) { return Eigen::internal::pselect(mask, a, b); }
  static EIGEN_STRONG_INLINE P or_zero(P mask, P a) { return Eigen::internal::pand(mask, a); }
  static EIGEN_STRONG_INLINE P or_ones(P mask, P a) {
    return Eigen::internal::por(a, Eigen::internal::pnot(mask));
  }
};

#ifdef EIGEN_VECTORIZE_AVX512
template <>
struct Masks<__m512> {
  using Type = __mmask16;
  static EIGEN_STRONG_INLINE Type less(__m512 a, __m512 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  static EIGEN_STRONG_INLINE Type less_equal(__m512 a, __m512 b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ);
  }
  static EIGEN_STRONG_INLINE Type equal(__m512 a, __m512 b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
  static EIGEN_STRONG_INLINE Type both(Type a, Type b) { return _kand_mask16(a, b); }
  static EIGEN_STRONG_INLINE __m512 select(Type mask, __m512 a, __m512 b) {
    return _mm512_mask_blend_ps(mask, b, a);
  }
  static EIGEN_STRONG_INLINE __m512 or_zero(Type mask, __m512 a) { return _mm512_maskz_mov_ps(mask, a); }
  static EIGEN_STRONG_INLINE __m512 or_ones(Type mask, __m512 a) {
    return _mm512_mask_mov_ps(_mm512_castsi512_ps(_mm512_set1_epi32(-1)), mask, a);
  }
};
template <>
struct Masks<__m512d> {
  using Type = __mmask8;
  static EIGEN_STRONG_INLINE Type less(__m512d a, __m512d b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
  static EIGEN_STRONG_INLINE Type less_equal(__m512d a, __m512d b) {
    return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ);
  }
  static EIGEN_STRONG_INLINE Type equal(__m512d a, __m512d b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
  static EIGEN_STRONG_INLINE Type both(Type a, Type b) { return _kand_mask8(a, b); }
  static EIGEN_STRONG_INLINE __m512d select(Type mask, __m512d a, __m512d b) {
    return _mm512_mask_blend_pd(mask, b, a);
  }
  static EIGEN_STRONG_INLINE __m512d or_zero(Type mask, __m512d a) { return _mm512_maskz_mov_pd(mask, a); }
  static EIGEN_STRONG_INLINE __m512d or_ones(Type mask, __m512d a) {
    return _mm512_mask_mov_pd(_mm512_castsi512_pd(_mm512_set1_epi32(-1)), mask, a);
  }
};
#endif

// a for x < 0, b for x > 0, either for zero and NaN.
template <class P>
EIGEN_STRONG_INLINE P select_negative(P x, P a, P b) {
  return Masks<P>::select(Masks<P>::less(x, Eigen::internal::pzero(x)), a, b);
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

}  // namespace registers

template <class T, int N = 1>
struct Mask {
  using Registers = registers::Masks<Register<T>>;
  typename Registers::Type r[N];
};

// f(0) of a mask's or a packet's first registers, and f(1) of its second
template <class Result, int N, class F>
EIGEN_STRONG_INLINE Result by_register(const F& f) {
  if constexpr (N == 1)
    return {{f(0)}};
  else
    return {{f(0), f(1)}};
}

template <class T, int N>
EIGEN_STRONG_INLINE Mask<T, N> operator<(Packet<T, N> a, Packet<T, N> b) {
  return by_register<Mask<T, N>, N>([&](int i) { return Mask<T>::Registers::less(a.r[i], b.r[i]); });
}
template <class T, int N>
EIGEN_STRONG_INLINE Mask<T, N> operator<=(Packet<T, N> a, Packet<T, N> b) {
  return by_register<Mask<T, N>, N>([&](int i) { return Mask<T>::Registers::less_equal(a.r[i], b.r[i]); });
}
template <class T, int N>
EIGEN_STRONG_INLINE Mask<T, N> operator==(Packet<T, N> a, Packet<T, N> b) {
  return by_register<Mask<T, N>, N>([&](int i) { return Mask<T>::Registers::equal(a.r[i], b.r[i]); });
}
template <class T, int N>
EIGEN_STRONG_INLINE Mask<T, N> operator&(Mask<T, N> a, Mask<T, N> b) {
  return by_register<Mask<T, N>, N>([&](int i) { return Mask<T>::Registers::both(a.r[i], b.r[i]); });
}

// a where the mask holds, b elsewhere
template <class T, int N>
EIGEN_STRONG_INLINE Packet<T, N> select(Mask<T, N> mask, Packet<T, N> a, Packet<T, N> b) {
  return by_register<Packet<T, N>, N>(
      [&](int i) { return Mask<T>::Registers::select(mask.r[i], a.r[i], b.r[i]); });
}
// a where the mask holds, 0 elsewhere
template <class T, int N>
EIGEN_STRONG_INLINE Packet<T, N> operator&(Mask<T, N> mask, Packet<T, N> a) {
  return by_register<Packet<T, N>, N>([&](int i) { return Mask<T>::Registers::or_zero(mask.r[i], a.r[i]); });
}
template <class T, int N>
EIGEN_STRONG_INLINE Packet<T, N> select_negative(Packet<T, N> x, Packet<T, N> a, Packet<T, N> b) {
  return by_register<Packet<T, N>, N>(
      [&](int i) { return registers::select_negative(x.r[i], a.r[i], b.r[i]); });
}

// all bits of dx set (a NaN) where x is NaN, dx elsewhere
template <class T, int N>
EIGEN_STRONG_INLINE Packet<T, N> nan_where(Packet<T, N> x, Packet<T, N> dx) {
  const Mask<T, N> number = x == x;
  return by_register<Packet<T, N>, N>(
      [&](int i) { return Mask<T>::Registers::or_ones(number.r[i], dx.r[i]); });
}

// -1, 0 or 1; a NaN stays
template <class P>
EIGEN_STRONG_INLINE P sign_of(P x) {
  const P zero = splat<P>(0), one = splat<P>(1);
  return select(zero < x, one, select(x < zero, -one, x));
}

}  // namespace packet

using packet::Mask;

}  // namespace picaflor::inline PICAFLOR_LEVEL
