// The activations, one struct each, on packets:
//   value(x)                y = f(x)
//   slope(x)                f'(x), accurate everywhere
//   slope_from(y, x)        the same from y = f(x); x is read only where needs_input(kind)
//
// At a kink the slope is the one from below: relu'(0) = 0.  Infinite x give the limit, NaN gives NaN.
#pragma once

#include "picaflor/kernels/math.hpp"
#include "picaflor/kernels/tanh_table.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

namespace packet {

template <class P>
EIGEN_STRONG_INLINE P zero() {
  return splat<P>(0);
}
template <class P>
EIGEN_STRONG_INLINE P one() {
  return splat<P>(1);
}
template <class P>
EIGEN_STRONG_INLINE auto positive(P x) {
  return zero<P>() < x;
}
template <class P>
EIGEN_STRONG_INLINE P with_sign_of(P x, P magnitude) {
  return magnitude | (x & sign_bit<P>());
}

struct Linear {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    return x;
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P) const {
    return one<P>();
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P, P) const {
    return one<P>();
  }
};

struct Relu {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    return max(x, zero<P>());
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    keep_in_registers(x);
    return nan_where(x, positive(x) & one<P>());
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {
    return slope(y);
  }
};

// a (x - c) up to c, x above, at most b
struct ClippedRelu {
  double a, b, c;
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    keep_in_registers(x);
    const P above = min(x, splat<P>(b));
    if (a == 0) {  // not 0 (x - c): that is NaN for x = -inf
      return nan_where(x, (splat<P>(c) < x) & above);
    }
    return select(splat<P>(c) < x, above, splat<P>(a) * (x - splat<P>(c)));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    keep_in_registers(x);
    const P inside = (x < splat<P>(b)) & one<P>();
    return nan_where(x, select(splat<P>(c) < x, inside, splat<P>(a)));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P, P x) const {
    return slope(x);
  }
};

struct LeakyRelu {
  double a;
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    keep_in_registers(x);
    return select(positive(x), x, x * splat<P>(a));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    keep_in_registers(x);
    return nan_where(x, select(positive(x), one<P>(), splat<P>(a)));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {  // a >= 0: y has the sign of x
    return slope(y);
  }
};

// a (exp(x) - 1) for x <= 0, x above; all of it times `scale`.  Elu: a = alpha, scale = 1.
// Selu: Klambauer et al., Self-Normalizing Neural Networks (2017), equation 14.
struct ScaledElu {
  double a, scale;
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    const P below = expm1_nonpositive(min(x, zero<P>())) * splat<P>(scale * a);
    return select(positive(x), x * splat<P>(scale), below);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    const P below = exp_nonpositive(min(x, zero<P>())) * splat<P>(scale * a);
    return select(positive(x), splat<P>(scale), below);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {  // a >= 0: y has the sign of x
    return select(positive(y), splat<P>(scale), y + splat<P>(scale * a));
  }
};

inline constexpr ScaledElu kSelu{1.6732632423543772848170429916717, 1.0507009873554804934193349852946};

// 1 / (1 + exp(-x)).  With z = exp(-|x|) nothing overflows: 1 / (1 + z) or z / (1 + z).
struct Sigmoid {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    const P z = exp_nonpositive(minus_abs(x));
    const OnePlus<P> d(z);
    const P y = d.divide(select_negative(x, z, one<P>()));
    return mul_add(y, d.error(), y);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {  // z / (1 + z)^2
    const P z = exp_nonpositive(minus_abs(x)), s = one<P>() / (one<P>() + z);
    return z * s * s;
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {
    return neg_mul_add(y, y, y);
  }
};

// min(max(x + 3, 0), 6) / 6
struct HardSigmoid {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    const P six = splat<P>(6);
    return min(max(x + splat<P>(3), zero<P>()), six) / six;
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    keep_in_registers(x);
    return nan_where(x, (abs(x) < splat<P>(3)) & splat<P>(1.0 / 6));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {
    keep_in_registers(y);
    return nan_where(y, (positive(y) & (y < one<P>())) & splat<P>(1.0 / 6));
  }
};

struct Tanh {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
#ifdef EIGEN_VECTORIZE_AVX512
    if constexpr (sizeof(typename P::Scalar) == sizeof(float)) return tanh_by_table(x);
#endif
    return with_sign_of(x, tanh_nonnegative(minus_abs(x)));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {  // 1 / cosh(x)^2 = 4 z / (1 + z)^2, z = exp(-2 |x|)
    const P z = exp_nonpositive(abs(x) * splat<P>(-2)), s = splat<P>(2) / (one<P>() + z);
    return z * s * s;
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {
    return (one<P>() - y) * (one<P>() + y);
  }
};

// log(1 + exp(x)) = max(x, 0) + log(1 + z), z = exp(-|x|)
struct Softplus {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    const SplitExp<P> e = split_exp_nonpositive(minus_abs(x));
    const P z = e.value(), above = min(max(x, zero<P>()), splat<P>(kFar));
    const P z_low = e.low() * neg_mul_add(z, splat<P>(0.5), one<P>());  // times 1 / (1 + z), roughly
    return max(x, sum_rounded_once(above, z, log1p_rest(z), z_low));    // finite terms only: no inf - inf
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    return Sigmoid{}.value(x);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {  // 1 - exp(-y)
    return -expm1_nonpositive(-y);
  }
};

// x / (1 + |x|)
struct Softsign {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    const P a = min(abs(x), splat<P>(kFar));  // not inf / inf; from 2^54 on the result is 1
    return with_sign_of(x, a / (one<P>() + a));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    const P s = one<P>() / (one<P>() + abs(x));
    return s * s;
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {
    const P s = one<P>() - abs(y);
    return s * s;
  }
};

// x sigmoid(x) (Elfwing et al. 2017; "swish").  With z = exp(-|x|): x / (1 + z) or x z / (1 + z); the product
// x z is formed from the parts of z, so that it is right where z itself is denormal.
struct Silu {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    using C = Constants<P>;
    const P unlift = splat<P>(kUnlift<P>), lowest = splat<P>(C::kLowest);
    const Reduced<P> e = reduce(max(minus_abs(x), lowest), C::kLift);
    const P mantissa = mul_add(expm1_reduced(e.r), unlift, unlift);  // z = mantissa * factor
    const P xz = max(x, lowest) * e.factor * mantissa;
    return select_negative(x, xz, x) / mul_add(mantissa, e.factor, one<P>());
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {  // (1 + z + |x| z) / (1 + z)^2 or z (1 + z - |x|) / (1 + z)^2
    const P z = exp_nonpositive(minus_abs(x));
    const P a = min(abs(x), splat<P>(-Constants<P>::kLowest));
    const P d = one<P>() + z, s = one<P>() / d;
    const P num = select_negative(x, z * (d - a), mul_add(a, z, d));
    return num * s * s;
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P, P x) const {
    return slope(x);
  }
};

// x hard_sigmoid(x)
struct HardSilu {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    return max(x, splat<P>(-3)) * HardSigmoid{}.value(x);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {  // (x + 3/2) / 3 inside
    const P inside = (x + splat<P>(1.5)) / splat<P>(3);
    const P above = select(splat<P>(3) <= x, one<P>(), inside);
    return nan_where(x, select(x <= splat<P>(-3), zero<P>(), above));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P, P x) const {
    return slope(x);
  }
};

// x Phi(x) with the normal distribution function Phi (Hendrycks and Gimpel 2016): max(x, 0) - |x| Phi(-|x|)
struct Gelu {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    const P t = magnitude_up_to(x, splat<P>(Constants<P>::kTailFar));
    return max(x, zero<P>()) - times_gaussian_tail(t);  // a NaN stays: max(x, 0)
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {  // Phi(x) + x phi(x) = 1 + h(x) or -h(-x), h = t phi(t) - Phi(-t)
    const P h = gaussian_slope(min(abs(x), splat<P>(Constants<P>::kTailFar)));
    return select_negative(x, -h, one<P>() + h);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P, P x) const {
    return slope(x);
  }
};

struct Exponential {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    return exp(x);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    return exp(x);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {
    return y;
  }
};

// 1 for x > 0, else 0; nowhere a slope to descend
struct Step {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    return nan_where(x, positive(x) & one<P>());
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P) const {
    return zero<P>();
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P, P) const {
    return zero<P>();
  }
};

// body(f) with the struct of f.kind
template <class Body>
EIGEN_STRONG_INLINE void with_kind(const Activation& f, const Body& body) {
  switch (f.kind) {
    case ActivationKind::linear:
      return body(Linear{});
    case ActivationKind::relu:
      return body(Relu{});
    case ActivationKind::clipped_relu:
      return body(ClippedRelu{f.a, f.b, f.c});
    case ActivationKind::leaky_relu:
      return body(LeakyRelu{f.a});
    case ActivationKind::elu:
      return body(ScaledElu{f.a, 1});
    case ActivationKind::selu:
      return body(kSelu);
    case ActivationKind::sigmoid:
      return body(Sigmoid{});
    case ActivationKind::hard_sigmoid:
      return body(HardSigmoid{});
    case ActivationKind::tanh:
      return body(Tanh{});
    case ActivationKind::softplus:
      return body(Softplus{});
    case ActivationKind::softsign:
      return body(Softsign{});
    case ActivationKind::silu:
      return body(Silu{});
    case ActivationKind::hard_silu:
      return body(HardSilu{});
    case ActivationKind::gelu:
      return body(Gelu{});
    case ActivationKind::exponential:
      return body(Exponential{});
    case ActivationKind::step:
      return body(Step{});
    case ActivationKind::softmax:
    case ActivationKind::log_softmax:
      break;  // rows, not elements: softmax.hpp
  }
}

}  // namespace packet

}  // namespace picaflor::inline PICAFLOR_LEVEL
