// The activations, one struct each, on packets:
//   value(x)                y = f(x)
//   slope(x)                f'(x), accurate everywhere
//   slope_from(y, x)        the same from y = f(x); x is read only where needs_input(kind)
//
// At a kink the slope is the one from below: relu'(0) = 0.  Infinite x give the limit, NaN gives NaN.
#pragma once

#include "picaflor/kernels/math.hpp"

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
EIGEN_STRONG_INLINE P positive(P x) {
  return pcmp_lt(zero<P>(), x);
}
template <class P>
EIGEN_STRONG_INLINE P with_sign_of(P x, P magnitude) {
  return por(magnitude, pand(x, sign_bit<P>()));
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
    return pmax(x, zero<P>());
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    return nan_where(x, pand(positive(x), one<P>()));
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
    const P above = pmin(x, splat<P>(b));
    if (a == 0) {  // not 0 (x - c): that is NaN for x = -inf
      return nan_where(x, pand(pcmp_lt(splat<P>(c), x), above));
    }
    return pselect(pcmp_lt(splat<P>(c), x), above, pmul(splat<P>(a), psub(x, splat<P>(c))));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    const P inside = pand(pcmp_lt(x, splat<P>(b)), one<P>());
    return nan_where(x, pselect(pcmp_lt(splat<P>(c), x), inside, splat<P>(a)));
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
    return pselect(positive(x), x, pmul(x, splat<P>(a)));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    return nan_where(x, pselect(positive(x), one<P>(), splat<P>(a)));
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
    const P below = pmul(expm1_nonpositive(pmin(x, zero<P>())), splat<P>(scale * a));
    return pselect(positive(x), pmul(x, splat<P>(scale)), below);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    const P below = pmul(exp_nonpositive(pmin(x, zero<P>())), splat<P>(scale * a));
    return pselect(positive(x), splat<P>(scale), below);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {  // a >= 0: y has the sign of x
    return pselect(positive(y), splat<P>(scale), padd(y, splat<P>(scale * a)));
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
    return pmadd(y, d.error(), y);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {  // z / (1 + z)^2
    const P z = exp_nonpositive(minus_abs(x)), s = pdiv(one<P>(), padd(one<P>(), z));
    return pmul(pmul(z, s), s);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {
    return pnmadd(y, y, y);
  }
};

// min(max(x + 3, 0), 6) / 6
struct HardSigmoid {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    const P six = splat<P>(6);
    return pdiv(pmin(pmax(padd(x, splat<P>(3)), zero<P>()), six), six);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    return nan_where(x, pand(pcmp_lt(pabs(x), splat<P>(3)), splat<P>(1.0 / 6)));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {
    return nan_where(y, pand(pand(positive(y), pcmp_lt(y, one<P>())), splat<P>(1.0 / 6)));
  }
};

struct Tanh {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    return with_sign_of(x, tanh_nonnegative(pabs(x)));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {  // 1 / cosh(x)^2 = 4 z / (1 + z)^2, z = exp(-2 |x|)
    const P z = exp_nonpositive(pmul(pabs(x), splat<P>(-2))), s = pdiv(splat<P>(2), padd(one<P>(), z));
    return pmul(pmul(z, s), s);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {
    return pmul(psub(one<P>(), y), padd(one<P>(), y));
  }
};

// log(1 + exp(x)) = max(x, 0) + log(1 + z), z = exp(-|x|)
struct Softplus {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    const SplitExp<P> e = split_exp_nonpositive(minus_abs(x));
    const P z = e.value(), above = pmin(pmax(x, zero<P>()), splat<P>(kFar));
    const P z_low = pmul(e.low(), pnmadd(z, splat<P>(0.5), one<P>()));  // times 1 / (1 + z), roughly
    return pmax(x, sum_rounded_once(above, z, log1p_rest(z), z_low));   // finite terms only: no inf - inf
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    return Sigmoid{}.value(x);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {  // 1 - exp(-y)
    return pnegate(expm1_nonpositive(pnegate(y)));
  }
};

// x / (1 + |x|)
struct Softsign {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    const P a = pmin(pabs(x), splat<P>(kFar));  // not inf / inf; from 2^54 on the result is 1
    return with_sign_of(x, pdiv(a, padd(one<P>(), a)));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    const P s = pdiv(one<P>(), padd(one<P>(), pabs(x)));
    return pmul(s, s);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P y, P) const {
    const P s = psub(one<P>(), pabs(y));
    return pmul(s, s);
  }
};

// x sigmoid(x) (Elfwing et al. 2017; "swish").  With z = exp(-|x|): x / (1 + z) or x z / (1 + z); the product
// x z is formed from the parts of z, so that it is right where z itself is denormal.
struct Silu {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    using C = Constants<P>;
    const P unlift = splat<P>(kUnlift<P>), lowest = splat<P>(C::kLowest);
    const Reduced<P> e = reduce(pmax(minus_abs(x), lowest), C::kLift);
    const P q = expm1_reduced(e.r);
    const P z = pmul(pmadd(q, unlift, unlift), e.factor);
    const P xf = pmul(pmax(x, lowest), e.factor);
    const P xz = pmadd(xf, q, xf), xz_low = pmadd(xf, q, psub(xf, xz));
    const OnePlus<P> d(z);
    const P y = d.divide(select_negative(x, pmul(xz, unlift), x));
    const P num_low = select_negative(x, pmul(xz_low, unlift), zero<P>());
    const P finite = pmin(y, splat<P>(kFar));
    return padd(y, pmadd(num_low, d.inverse, pmul(finite, d.error())));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {  // (1 + z + |x| z) / (1 + z)^2 or z (1 + z - |x|) / (1 + z)^2
    const P z = exp_nonpositive(minus_abs(x));
    const P a = pmin(pabs(x), splat<P>(-Constants<P>::kLowest));
    const P d = padd(one<P>(), z), s = pdiv(one<P>(), d);
    const P num = select_negative(x, pmul(z, psub(d, a)), pmadd(a, z, d));
    return pmul(pmul(num, s), s);
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
    return pmul(pmax(x, splat<P>(-3)), HardSigmoid{}.value(x));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {  // (x + 3/2) / 3 inside
    const P inside = pdiv(padd(x, splat<P>(1.5)), splat<P>(3));
    const P above = pselect(pcmp_le(splat<P>(3), x), one<P>(), inside);
    return nan_where(x, pandnot(above, pcmp_le(x, splat<P>(-3))));
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
    const P t = pmin(pabs(x), splat<P>(Constants<P>::kTailFar));
    return psub(pmax(x, zero<P>()), times_gaussian_tail(t));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {  // Phi(x) + x phi(x) = 1 + h(x) or -h(-x), h = t phi(t) - Phi(-t)
    const P h = gaussian_slope(pmin(pabs(x), splat<P>(Constants<P>::kTailFar)));
    return select_negative(x, pnegate(h), padd(one<P>(), h));
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope_from(P, P x) const {
    return slope(x);
  }
};

struct Exponential {
  template <class P>
  EIGEN_STRONG_INLINE P value(P x) const {
    return exp_any(x);
  }
  template <class P>
  EIGEN_STRONG_INLINE P slope(P x) const {
    return exp_any(x);
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
    return nan_where(x, pand(positive(x), one<P>()));
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
