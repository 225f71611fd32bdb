// Losses that are a mean over the columns of a value per element.  Each gives, for a prediction o and its
// target t, the value and its derivative with respect to o.  kEpsilon and the places where it enters are
// Keras's; where a clip is active the derivative is that of the clipped value, zero.
#pragma once

#include "picaflor/kernels/lanes.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

inline constexpr double kEpsilon = 1e-7;
// Logarithms of e and 1 - e: float has no number near enough to 1 - e to take them from there.
inline constexpr double kLogEpsilon = -16.11809565095832, kLogOneMinusEpsilon = -1.00000005e-7;

template <class T>
Packet<T> constant(double value) {
  return Packet<T>::all(static_cast<T>(value));
}

// value where low <= o <= high (and for NaN), else 0: how a derivative passes a clip
template <class T>
Packet<T> where_inside(Packet<T> o, Packet<T> low, Packet<T> high, Packet<T> value) {
  return select(o < low, constant<T>(0), select(high < o, constant<T>(0), value));
}

// value where x > 0, 0 where x <= 0, NaN for NaN: the slope of max(x, 0) times value
template <class T>
Packet<T> where_positive(Packet<T> x, Packet<T> value) {
  return select(constant<T>(0) < x, value, select(x <= constant<T>(0), constant<T>(0), x));
}

template <class T>
struct Pointwise {
  Packet<T> value, slope;
};

// (o - t)^2
struct SquaredError {
  template <class T>
  Pointwise<T> operator()(Packet<T> o, Packet<T> t) const {
    const Packet<T> d = o - t;
    return {d * d, d + d};
  }
};

// |o - t|; slope 0 at 0
struct AbsoluteError {
  template <class T>
  Pointwise<T> operator()(Packet<T> o, Packet<T> t) const {
    const Packet<T> d = o - t;
    return {abs(d), sign_of(d)};
  }
};

// d = o - t:  d^2 / 2 where |d| <= delta, delta |d| - delta^2 / 2 elsewhere.
// With s = d clipped to [-delta, delta] both are s (d - s / 2), and s is the slope.
struct Huber {
  double delta;
  template <class T>
  Pointwise<T> operator()(Packet<T> o, Packet<T> t) const {
    const Packet<T> d = o - t;
    const Packet<T> s = min(max(d, constant<T>(-delta)), constant<T>(delta));
    return {s * (d - constant<T>(0.5) * s), s};
  }
};

// d = o - t:  log cosh d, slope tanh d.  With q = exp(-2|d|):  cosh d = exp(|d|) (1 + q) / 2 far from zero,
// cosh^2 d = 1 + (1 - q)^2 / 4q near it, where the first form would cancel.
struct LogCosh {
  template <class T>
  Pointwise<T> operator()(Packet<T> o, Packet<T> t) const {
    const Packet<T> d = o - t, size = abs(d), one = constant<T>(1);
    const Packet<T> r = expm1_nonpositive(-(size + size));  // q - 1
    const Packet<T> q = r + one;
    const Mask<T> small = size < constant<T>(0.875);  // sinh(0.875) < 1
    const Packet<T> u = log1p_unit(select(small, constant<T>(0.25) * (r * r) / q, q));
    const Packet<T> tanh = -r / (q + one);
    return {select(small, constant<T>(0.5) * u, size + (u - constant<T>(0.6931471805599453))),
            select(d < constant<T>(0), -tanh, tanh)};
  }
};

// (log(1 + max(o, e)) - log(1 + max(t, e)))^2
struct SquaredLogError {
  template <class T>
  Pointwise<T> operator()(Packet<T> o, Packet<T> t) const {
    const Packet<T> e = constant<T>(kEpsilon);
    const Packet<T> inside = max(o, e);
    const Packet<T> d = log1p(inside) - log1p(max(t, e));
    return {d * d, select(o < e, constant<T>(0), (d + d) / (inside + constant<T>(1)))};
  }
};

// 100 |o - t| / max(|t|, e)
struct AbsolutePercentageError {
  template <class T>
  Pointwise<T> operator()(Packet<T> o, Packet<T> t) const {
    const Packet<T> d = o - t;
    const Packet<T> k = constant<T>(100) / max(abs(t), constant<T>(kEpsilon));
    return {abs(d) * k, sign_of(d) * k};
  }
};

// o - t log(o + e)
struct Poisson {
  template <class T>
  Pointwise<T> operator()(Packet<T> o, Packet<T> t) const {
    const Packet<T> rate = o + constant<T>(kEpsilon);
    return {o - t * log(rate), constant<T>(1) - t / rate};
  }
};

// o is the logarithm of the rate:  exp(o) - t o
struct PoissonLog {
  template <class T>
  Pointwise<T> operator()(Packet<T> o, Packet<T> t) const {
    const Packet<T> rate = exp(o);
    return {rate - t * o, rate - t};
  }
};

// max(1 - t o, 0), squared or not; t = 0 counts as -1, so that labels 0 and 1 mean -1 and 1.
struct Hinge {
  bool squared;
  template <class T>
  Pointwise<T> operator()(Packet<T> o, Packet<T> t) const {
    const Packet<T> zero = constant<T>(0), one = constant<T>(1);
    const Packet<T> label = select(t == zero, -one, t);
    const Packet<T> margin = one - label * o;
    const Packet<T> active = max(margin, zero);
    if (squared) {
      return {active * active, -(active + active) * label};
    }
    return {active, where_positive(margin, -label)};
  }
};

// p = o clipped to [e, 1 - e]:  -t log p - (1 - t) log(1 - p), with t pulled towards 1/2 by the smoothing
struct BinaryCrossEntropy {
  double smoothing;
  template <class T>
  Pointwise<T> operator()(Packet<T> o, Packet<T> target) const {
    const Packet<T> one = constant<T>(1), low = constant<T>(kEpsilon), high = constant<T>(1 - kEpsilon);
    const Packet<T> t = target * constant<T>(1 - smoothing) + constant<T>(0.5 * smoothing);
    const Packet<T> p = min(max(o, low), high);
    const Packet<T> slope = (p - t) / (p * (one - p));
    const Packet<T> log_p = select(high < o, constant<T>(kLogOneMinusEpsilon), log(p));
    const Packet<T> log_rest = select(high < o, constant<T>(kLogEpsilon), log1p(-p));
    return {-(t * log_p + (one - t) * log_rest), where_inside(o, low, high, slope)};
  }
};

// p = sigmoid(o) in  -t log p - (1 - t) log(1 - p), without forming p near 0 or 1.  With q = exp(-|o|) and
// u = 1 - t for o >= 0, t for o < 0 (how far the target is from the side that o is on):
//   value |o| u + log(1 + q),   slope +-(u - q / (1 + q))
struct BinaryCrossEntropyLogits {
  double smoothing;
  template <class T>
  Pointwise<T> operator()(Packet<T> o, Packet<T> target) const {
    const Packet<T> zero = constant<T>(0), one = constant<T>(1);
    const Packet<T> t = target * constant<T>(1 - smoothing) + constant<T>(0.5 * smoothing);
    const Packet<T> size = abs(o);
    const Mask<T> negative = o < zero;
    const Packet<T> q = exp_nonpositive(-size);
    const Packet<T> u = select(negative, t, one - t);
    const Packet<T> slope = u - q / (one + q);
    return {select(u == zero, zero, size * u) + log1p_unit(q), select(negative, -slope, slope)};
  }
};

// The row's sum of values, each at most the ceiling (NaN stays NaN); the gradients, times k, are put.
template <class Lanes, class F>
typename Lanes::P pointwise_row(Lanes& row, const F& f, typename Lanes::P k, typename Lanes::P ceiling) {
  return row.sum([&](auto at) {
    const auto [value, slope] = f(row.out(at), row.target(at));
    row.put(at, slope * k);
    return min(value, ceiling);
  });
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
