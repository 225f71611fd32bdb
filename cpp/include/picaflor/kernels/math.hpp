// Exponentials and what is built on them, for packets of float and double.
//
//   exp_nonpositive, expm1_nonpositive, exp, log1p_unit, gaussian_tail
//
// Every function splits its argument as x = n ln 2 + r, |r| <= ln(2) / 2, with n an integer:
//   exp(x) = 2^n (1 + q),   q = exp(r) - 1 = r + r^2 P(r)
// n comes from adding a number so large that the sum's last bit is the unit; the same bits, shifted, are the
// factor 2^n.  To reach the denormal numbers in one rounding the factor is 2^(n + kLift), and 2^-kLift
// multiplies something of ordinary size.
//
// The coefficients are minimax (Remez's algorithm in 50 digits, the weight being the relative error of the
// result); the bounds of approximation stand beside them.  Rounding adds about one unit in the last place.
#pragma once

#include "picaflor/kernels/error_free.hpp"
#include "picaflor/kernels/packet.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

namespace packet {

template <class T>
struct MathConstants;

template <>
struct MathConstants<float> {
  static constexpr int kLift = 32;
  static constexpr double kRound = 0x1.8p23, kBias = 127;
  // x below gives 0 even when it is multiplied by -x: 109 exp(-109) is under half the least denormal.
  static constexpr float kLowest = -109, kHighest = 88.8F;
  static constexpr float kExpm1Lowest = -18;  // exp is below a quarter of the unit in the last place of 1
  static constexpr float kLn2High = 0x1.63p-1F, kLn2Low = -2.12194440054690583e-4F;
  // (exp(r) - 1 - r) / r^2 on |r| <= 0.348, 2^-28
  static constexpr float kExp[] = {0.49999994F, 0.166665137F, 0.0416680612F, 0.00836955104F, 0.00138437806F};
  // (log1p(z) - z) / z^2 on [0, 1], 2^-30
  static constexpr float kLog1p[] = {-0.499999881F,  0.333327144F,  -0.249888644F,  0.198996216F,
                                     -0.161351636F,  0.124795064F,  -0.0832385495F, 0.0421144366F,
                                     -0.0136914793F, 0.00208450598F};
  // (t + 3/4) Phi(-t) exp(t^2/2) on [0, 14.6] as a polynomial in v = 1 - a t / (t + 4), 2^-28.7; its first
  // coefficient in two parts
  static constexpr float kTailFar = 14.6F, kTailShift = 4, kTailA = 2.54794526F;
  static constexpr float kTailHead = 0.458737373F;
  static constexpr float kTail[] = {-1.27566411e-08F, 0.0302045345F,   -0.0371789075F,   -0.0440625846F,
                                    -0.0245898459F,   -0.00769325066F, -0.000811464852F, 0.000316256046F,
                                    9.69502144e-05F,  -1.2583303e-05F, -6.46699436e-06F};
};

template <>
struct MathConstants<double> {
  static constexpr int kLift = 64;
  static constexpr double kRound = 0x1.8p52, kBias = 1023;
  static constexpr double kLowest = -752, kHighest = 709.9;
  static constexpr double kExpm1Lowest = -40;
  static constexpr double kLn2High = 0x1.62e42feep-1, kLn2Low = 0x1.a39ef35793c76p-33;
  // 2^-57.6
  static constexpr double kExp[] = {0.50000000000000111,    0.16666666666666369,    0.041666666666524035,
                                    0.0083333333335252648,  0.0013888888945636842,  0.00019841269432749155,
                                    2.4801490704096106e-05, 2.7557658923547669e-06, 2.7631192210774079e-07,
                                    2.4975052493593578e-08};
  // (2 atanh(s) - 2 s) / s^3 on 0 <= s <= 1/3, in s^2, 2^-59
  static constexpr double kLog1p[] = {0.66666666666666308, 0.40000000000155117, 0.28571428548117972,
                                      0.22222223953647474, 0.18181744479044121, 0.15386548393576202,
                                      0.13301121360879997, 0.12104945113763126, 0.083449702674629062,
                                      0.1700975951061163};
  // on [0, 38.8] in v = 1 - a t / (t + 6), 2^-57.6
  static constexpr double kTailFar = 38.7, kTailShift = 6, kTailA = 2.3092783505154642;
  static constexpr double kTailHead = 0.44471237426829557;
  static constexpr double kTail[] = {
      -7.9644057747349899e-18, 0.049008765904757903,   0.0020481816012858267,   -0.025567496346892263,
      -0.033440149632353186,   -0.028301222418166606,  -0.018436691401380656,   -0.0096019559844493039,
      -0.003967434235001197,   -0.0012333061192423668, -0.00024090239060315399, -1.2176781077059591e-06,
      1.7002973537231069e-05,  4.7444109137299052e-06, -2.264819718806105e-07,  -4.4467061600915339e-07,
      -5.9558016202226199e-08, 3.1162423382581195e-08, 9.3646120603605259e-09,  -1.9454694093271452e-09,
      -9.808037812886304e-10,  9.2781257833560731e-11, 6.4466762691174933e-11};
};

template <class P>
using Constants = MathConstants<typename P::Scalar>;

constexpr double power_of_two(int n) {
  double p = 1;
  for (int i = 0; i < n; ++i) p *= 2;
  for (int i = 0; i > n; --i) p /= 2;
  return p;
}

// far beyond the range in which any of the functions bends, and finite in every type
inline constexpr double kFar = 0x1p100;

template <class P>
inline constexpr double kUnlift = power_of_two(-Constants<P>::kLift);

// c[0] + c[1] x + ... + c[N-1] x^(N-1) with x2 = x * x: pairs c[2k] + c[2k+1] x, then Horner's rule in x2;
// half the waiting of Horner's rule in x.
template <class P, class T, std::size_t N>
EIGEN_STRONG_INLINE P horner_pairs(P x, P x2, const T (&c)[N]) {
  constexpr std::size_t last = (N - 1) / 2 * 2;
  P sum = splat<P>(c[last]);
  if constexpr (last + 1 < N) {
    sum = mul_add(splat<P>(c[last + 1]), x, sum);
  }
  for (std::size_t k = last; k > 0; k -= 2) {
    sum = mul_add(sum, x2, mul_add(splat<P>(c[k - 1]), x, splat<P>(c[k - 2])));
  }
  return sum;
}

// x = n ln 2 + r, factor = 2^(n + lift)
template <class P>
struct Reduced {
  P r, factor;
};

template <class P>
EIGEN_STRONG_INLINE Reduced<P> reduce_with(P x, P magic) {
  using C = Constants<P>;
  const P sum = mul_add(x, splat<P>(1.44269504088896341), magic);
  const P n = sum - magic;
  P r = mul_add(n, splat<P>(-C::kLn2High), x);  // exact: kLn2High ends in zeros
  r = mul_add(n, splat<P>(-C::kLn2Low), r);
  return {r, exponent_bits(sum)};
}

// kLowest <= x <= 0
template <class P>
EIGEN_STRONG_INLINE Reduced<P> reduce(P x, int lift) {
  using C = Constants<P>;
  return reduce_with(x, splat<P>(C::kRound + C::kBias + lift));
}

// exp(r) - 1
template <class P>
EIGEN_STRONG_INLINE P expm1_reduced(P r) {
  const P r2 = r * r;
  return mul_add(r2, horner_pairs(r, r2, Constants<P>::kExp), r);
}

// What the last addition of expm1_reduced(r) = q took.
template <class P>
EIGEN_STRONG_INLINE P expm1_rounding(P r, P q) {
  const P r2 = r * r;
  return r2 * horner_pairs(r, r2, Constants<P>::kExp) - (q - r);
}

// exp(x) as mantissa * factor, mantissa = 2^-kLift exp(r): products with the mantissa do not underflow
template <class P>
struct SplitExp {
  P mantissa, factor, mantissa_low;
  EIGEN_STRONG_INLINE P value() const { return mantissa * factor; }
  EIGEN_STRONG_INLINE P low() const { return mantissa_low * factor; }  // what rounding took
};

// x <= 0; x below kLowest counts as kLowest.  Inlined, since three packets are returned through memory.
template <class P>
EIGEN_ALWAYS_INLINE SplitExp<P> split_exp_nonpositive(P x) {
  using C = Constants<P>;
  const Reduced<P> e = reduce(max(x, splat<P>(C::kLowest)), C::kLift);
  const P unlift = splat<P>(kUnlift<P>);
  const P q = expm1_reduced(e.r), mantissa = mul_add(q, unlift, unlift);
  return {mantissa, e.factor, mul_add(q, unlift, unlift - mantissa)};
}

// Its value alone.
template <class P>
EIGEN_STRONG_INLINE P exp_nonpositive(P x) {
  using C = Constants<P>;
  const Reduced<P> e = reduce(max(x, splat<P>(C::kLowest)), C::kLift);
  const P unlift = splat<P>(kUnlift<P>);
  return mul_add(expm1_reduced(e.r), unlift, unlift) * e.factor;
}

// exp(x) for every x: the lift goes down for negative and up for positive x.
template <class P>
EIGEN_STRONG_INLINE P exp(P x) {
  using C = Constants<P>;
  const P below = x < splat<P>(0);
  const P magic =
      select(below, splat<P>(C::kRound + C::kBias + C::kLift), splat<P>(C::kRound + C::kBias - C::kLift));
  const P unlift = select(below, splat<P>(kUnlift<P>), splat<P>(1 / kUnlift<P>));
  const P inside = min(max(x, splat<P>(C::kLowest)), splat<P>(C::kHighest));
  const Reduced<P> e = reduce_with(inside, magic);
  return mul_add(expm1_reduced(e.r), unlift, unlift) * e.factor;
}

// exp(x) - 1 for x <= 0
template <class P>
EIGEN_STRONG_INLINE P expm1_nonpositive(P x) {
  using C = Constants<P>;
  const Reduced<P> e = reduce(max(x, splat<P>(C::kExpm1Lowest)), 0);
  return mul_add(e.factor, expm1_reduced(e.r), e.factor - splat<P>(1));
}

// tanh(a) for a >= 0, as -u / (2 + u) with u = exp(-2 a) - 1; the roundings of u and 2 + u are corrected.
template <class P>
EIGEN_STRONG_INLINE P tanh_nonnegative(P a) {
  using C = Constants<P>;
  const P half = splat<P>(0.5), one = splat<P>(1), two = splat<P>(2);
  const Reduced<P> e = reduce(max(a * splat<P>(-2), splat<P>(C::kExpm1Lowest)), 0);
  const P q = expm1_reduced(e.r), whole = e.factor - one;
  const P u = mul_add(e.factor, q, whole);
  const P u_low = mul_add(e.factor, q, whole - u);  // the product with a power of two is exact
  const P d = u + two, d_low = u - (d - two) + u_low;
  const P y = u / d;  // -tanh(a); 1 / d = (1 - y) / 2
  const P error = neg_mul_add(y, d_low, u_low) * neg_mul_add(y, half, half);
  return abs(y + error);
}

// log(1 + z) = z + rest for 0 <= z <= 1, with -0.31 z <= rest <= 0
template <class P>
EIGEN_STRONG_INLINE P log1p_rest(P z) {
  using C = Constants<P>;
  if constexpr (sizeof(typename P::Scalar) == sizeof(float)) {
    const P z2 = z * z;
    return z2 * horner_pairs(z, z2, C::kLog1p);
  } else {  // log(1 + z) = 2 atanh(s) = 2 s + s more with s = z / (2 + z);  2 s = z - z s
    const P s = z / (z + splat<P>(2));
    const P s2 = s * s;
    const P more = s2 * horner_pairs(s2, s2 * s2, C::kLog1p);
    return s * (more - z);
  }
}

// log(1 + z) for 0 <= z <= 1
template <class P>
EIGEN_STRONG_INLINE P log1p_unit(P z) {
  return z + log1p_rest(z);
}

// a + b + c + tiny, rounded once, for |b| >= |c| and |a|, |b + c| of any order
template <class P>
EIGEN_STRONG_INLINE P sum_rounded_once(P a, P b, P c, P tiny) {
  const P s = b + c, s_low = c - (s - b) + tiny;
  const P y = a + s, y_low = min(a, s) - (y - max(a, s));
  return y + (y_low + s_low);
}

// The quotient by 1 + z, 0 <= z <= 1.  The rounding of 1 + z is made good by correct(): without that sigmoid
// is 2.2 units in the last place off.
template <class P>
struct OnePlus {
  P d, d_low, inverse;

  EIGEN_STRONG_INLINE explicit OnePlus(P z) {
    const P one = splat<P>(1);
    d = one + z;
    d_low = z - (d - one);
    inverse = one / d;
  }
  EIGEN_STRONG_INLINE P divide(P num) const { return kFused ? num * inverse : num / d; }
  // What is to be added to divide(num) = y, as a part of y.
  EIGEN_STRONG_INLINE P error() const {
    if constexpr (kFused) return neg_mul_add(d_low, inverse, neg_mul_add(d, inverse, splat<P>(1)));
    return -(d_low * inverse);
  }
};

// -t^2/2 reduced, with the square in two parts
template <class P>
EIGEN_STRONG_INLINE Reduced<P> reduce_half_square(P t) {
  using C = Constants<P>;
  const P minus_half = splat<P>(-0.5);
  const P high = upper_half(t);
  Reduced<P> e = reduce(high * minus_half * high, C::kLift);
  e.r = mul_add((t - high) * (t + high), minus_half, e.r);
  return e;
}

// F - kTailHead
template <class P>
EIGEN_STRONG_INLINE P tail_shape(P t) {
  using C = Constants<P>;
  const P v = neg_mul_add(t / (t + splat<P>(C::kTailShift)), splat<P>(C::kTailA), splat<P>(1));
  return horner_pairs(v, v * v, C::kTail);
}

// t Phi(-t) for 0 <= t <= kTailFar; Phi is the normal distribution function.
//   t Phi(-t) = exp(-t^2/2) g F,   g = t / (t + 3/4),   F = (t + 3/4) Phi(-t) exp(t^2/2), 0.375 ... 0.47
// g, F and their product are carried with their rounding errors: without that the result is 4 units off.
template <class P>
EIGEN_STRONG_INLINE P times_gaussian_tail(P t) {
  using C = Constants<P>;
  const P near = splat<P>(0.75), head = splat<P>(C::kTailHead);
  const Reduced<P> e = reduce_half_square(t);
  const P q = expm1_reduced(e.r);

  const P d = t + near;
  const P d_low = min(t, near) - (d - max(t, near));
  const P g = t / d;
  const P d_inverse = neg_mul_add(g, splat<P>(1 / 0.75), splat<P>(1 / 0.75));
  const P g_low = neg_mul_add(g, d_low, residual(g, d, t)) * d_inverse;

  const P bump = tail_shape(t);
  const P f = head + bump;
  const P f_low = bump - (f - head);

  const P gf = g * f;
  P gf_low = mul_add(g, f_low, mul_add(g_low, f, product_error(g, f, gf)));
  if constexpr (!kFused) {  // and of q = r + r^2 P(r), where products are rounded too
    gf_low = gf_low + gf * expm1_rounding(e.r, q);
  }
  const P y = gf + mul_add(gf, q, gf_low);
  return y * e.factor * splat<P>(kUnlift<P>);
}

// t phi(t) - Phi(-t) = exp(-t^2/2) (t / sqrt(2 pi) - F / (t + 3/4)), the slope of -t Phi(-t)
template <class P>
EIGEN_STRONG_INLINE P gaussian_slope(P t) {
  using C = Constants<P>;
  const P unlift = splat<P>(kUnlift<P>);
  const Reduced<P> e = reduce_half_square(t);
  const P f = splat<P>(C::kTailHead) + tail_shape(t);
  const P h = mul_add(t, splat<P>(0.398942280401432678), -(f / (t + splat<P>(0.75))));
  return h * mul_add(expm1_reduced(e.r), unlift, unlift) * e.factor;
}

}  // namespace packet

}  // namespace picaflor::inline PICAFLOR_LEVEL
