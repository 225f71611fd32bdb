// Exponentials and what is built on them, for packets of float and double.
//
//   exp_nonpositive, expm1_nonpositive, exp, log1p_unit, gaussian_tail
//
// Every function splits its argument as x = n ln 2 + r, |r| <= ln(2) / 2, with n an integer:
//   exp(x) = 2^n (1 + q),   q = exp(r) - 1 = r + r^2 P(r)
// n comes from adding a number so large that the sum's last bit is the unit; the same bits, shifted, are the
// factor 2^n.  To reach the denormal numbers in one rounding the factor is 2^(n + kLift), and 2^-kLift
// multiplies something of ordinary size.  Where the processor multiplies by 2^n in one instruction, `scale`,
// which rounds once, that does it.
//
// The coefficients are minimax (Remez's algorithm in 50 digits, the weight being the relative error of the
// result); the bounds of approximation stand beside them.  Rounding adds about one unit in the last
// place, up to five to gelu, and up to seven where a multiply-add rounds twice.
#pragma once

#include "picaflor/kernels/error_free.hpp"
#include "picaflor/kernels/masks.hpp"

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
  // Phi(-t) exp(t^2/2) = (1 + t A(t)) / B(t) on [0, 14.6], 2^-25.7
  static constexpr float kTailFar = 14.6F;
  static constexpr float kTailA[] = {0.879623175F, 0.368515849F, 0.0818939656F, 0.00830694474F};
  static constexpr float kTailB[] = {2, 3.35501575F, 2.41394114F, 0.944281936F, 0.205289006F, 0.0208222233F};
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
  // on [0, 38.8], 2^-64
  static constexpr double kTailFar = 38.7;
  static constexpr double kTailA[] = {1.7639375319142281,     1.5442897417172665,     0.87133459238560262,
                                      0.34900838723922623,    0.10372046690703826,    0.023291773885755415,
                                      0.003952766895302098,   0.00049778766460949902, 4.4480535542746205e-05,
                                      2.5549423779865822e-06, 7.2241821362278763e-08};
  static constexpr double kTailB[] = {2,
                                      5.1236441854341868,
                                      6.176656074039844,
                                      4.6410286514549819,
                                      2.4253860415666879,
                                      0.93078660918880107,
                                      0.26967559106160954,
                                      0.059618779031829272,
                                      0.01001925126431724,
                                      0.0012541729256727394,
                                      0.00011167725145427476,
                                      6.4042908047136548e-06,
                                      1.810833920375315e-07};
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

// kExpm1Lowest <= x <= 0, for exp(x) - 1 = (factor - 1) + factor q: an error of r counts times factor = 2^n,
// so that n times what ln 2 loses by rounding never does.
template <class P>
EIGEN_STRONG_INLINE Reduced<P> reduce_for_expm1(P x) {
  if constexpr (!kFused) return reduce(x, 0);
  using C = Constants<P>;
  const P magic = splat<P>(C::kRound + C::kBias);
  const P sum = mul_add(x, splat<P>(1.44269504088896341), magic);
  return {mul_add(sum - magic, splat<P>(-0.693147180559945309), x), exponent_bits(sum)};
}

// exp(r) - 1
template <class P>
EIGEN_STRONG_INLINE P expm1_reduced(P r) {
  const P r2 = r * r;
  return mul_add(r2, horner_pairs(r, r2, Constants<P>::kExp), r);
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

// exp(x) for kLowest <= x <= kHighest, where there is `scale`
template <class P>
EIGEN_STRONG_INLINE P exp_by_scale(P x) {
  using C = Constants<P>;
  const P round = splat<P>(C::kRound);
  const P n = mul_add(x, splat<P>(1.44269504088896341), round) - round;
  const P r = mul_add(n, splat<P>(-C::kLn2Low), mul_add(n, splat<P>(-C::kLn2High), x));
  return scale(expm1_reduced(r) + splat<P>(1), n);
}

// exp(x) for x <= 0
template <class P>
EIGEN_STRONG_INLINE P exp_nonpositive(P x) {
  using C = Constants<P>;
  if constexpr (kScales) return exp_by_scale(max(x, splat<P>(C::kLowest)));
  const Reduced<P> e = reduce(max(x, splat<P>(C::kLowest)), C::kLift);
  const P unlift = splat<P>(kUnlift<P>);
  return mul_add(expm1_reduced(e.r), unlift, unlift) * e.factor;
}

// exp(x) for every x: the lift goes down for negative and up for positive x.
template <class P>
EIGEN_STRONG_INLINE P exp(P x) {
  using C = Constants<P>;
  if constexpr (kScales) return exp_by_scale(min(max(x, splat<P>(C::kLowest)), splat<P>(C::kHighest)));
  const auto below = x < splat<P>(0);
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
  const Reduced<P> e = reduce_for_expm1(max(x, splat<P>(C::kExpm1Lowest)));
  return mul_add(e.factor, expm1_reduced(e.r), e.factor - splat<P>(1));
}

// tanh(a) for a >= 0 from minus_a = -a, as -u / (2 + u) with u = exp(-2 a) - 1; the roundings of u and 2 + u
// are corrected.
template <class P>
EIGEN_STRONG_INLINE P tanh_nonnegative(P minus_a) {
  using C = Constants<P>;
  const P half = splat<P>(0.5), one = splat<P>(1), two = splat<P>(2);
  const Reduced<P> e = reduce_for_expm1(max(minus_a + minus_a, splat<P>(C::kExpm1Lowest)));
  const P q = expm1_reduced(e.r), whole = e.factor - one;
  const P u = mul_add(e.factor, q, whole);
  const P u_low = mul_add(e.factor, q, whole - u);  // the product with a power of two is exact
  const P d = u + two, d_low = u - (d - two) + u_low;
  const P y = u / d;  // -tanh(a); 1 / d = (1 - y) / 2
  return abs(mul_add(neg_mul_add(y, d_low, u_low), neg_mul_add(y, half, half), y));
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

// The quotient by 1 + z, 0 <= z <= 1.  The rounding of 1 + z is made good by error(): without that sigmoid
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

// y exp(-t^2/2) for 0 <= t <= kTailFar and t2 = t t; what rounding took from t2 counts too.
template <class P>
EIGEN_STRONG_INLINE P times_gaussian(P y, P t, P t2) {
  using C = Constants<P>;
  const P minus_half = splat<P>(-0.5), magic = splat<P>(C::kRound + (kScales ? 0 : C::kBias + C::kLift));
  const P sum = mul_add(t2, splat<P>(-0.5 * 1.44269504088896341), magic), n = sum - magic;
  const P n_ln2 = n * splat<P>(-C::kLn2High);  // exact
  const P high = kFused ? mul_add(t * minus_half, t, n_ln2)
                        : mul_add(t2, minus_half, n_ln2) + product_error(t, t, t2) * minus_half;
  const P r = mul_add(n, splat<P>(-C::kLn2Low), high);
  const P product = mul_add(y, expm1_reduced(r), y);
  if constexpr (kScales) {
    return scale(product, n);
  } else {
    return product * exponent_bits(sum) * splat<P>(kUnlift<P>);
  }
}

// t Phi(-t) for 0 <= t <= kTailFar; Phi is the normal distribution function.
//   t Phi(-t) = exp(-t^2/2) (t + t^2 A) / B
// A and B have positive coefficients only, so that their roundings stay small.
template <class P>
EIGEN_STRONG_INLINE P times_gaussian_tail(P t) {
  using C = Constants<P>;
  const P t2 = t * t;
  const P y = mul_add(t2, horner_pairs(t, t2, C::kTailA), t) / horner_pairs(t, t2, C::kTailB);
  return times_gaussian(y, t, t2);
}

// t phi(t) - Phi(-t) = exp(-t^2/2) (t / sqrt(2 pi) - (1 + t A) / B), the slope of -t Phi(-t)
template <class P>
EIGEN_STRONG_INLINE P gaussian_slope(P t) {
  using C = Constants<P>;
  const P t2 = t * t;
  const P ratio = mul_add(t, horner_pairs(t, t2, C::kTailA), splat<P>(1)) / horner_pairs(t, t2, C::kTailB);
  return times_gaussian(mul_add(t, splat<P>(0.398942280401432678), -ratio), t, t2);
}

}  // namespace packet

}  // namespace picaflor::inline PICAFLOR_LEVEL
