// One step of an optimizer: a single pass over parameters, gradients and the slots a rule keeps.
//
// For every element, with gradient g, parameter w and everything else a number of the step:
//   g = clip(gradient_scale g, -clip_value, clip_value),   w = w - decay w,   then the rule below.
// Formulas are Keras 3's (network/optimizer.hpp works out the numbers); slots stand in Keras's order.
//
// Every element goes through the same packet instructions wherever it lies (a tail shorter than a packet is
// copied into one), multiply-adds are fused by name, and square roots and quotients are the correctly rounded
// instructions: the result does not depend on how an array is split, nor on the maker of the CPU.  (Eigen's
// own float psqrt is a refined rsqrtps: off by units in the last place, different on AMD and Intel, NaN at
// infinity.)
//
// An element whose w, g and slots are 0 stays 0 under every rule, so rows may be padded with zeros: epsilon
// is at least the smallest normal number, which changes no quotient but 0/0.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstring>
#include <limits>

#include "picaflor/kernels/table.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {
namespace rules {

using Eigen::internal::padd;
using Eigen::internal::pcmp_lt;
using Eigen::internal::pdiv;
using Eigen::internal::ploadu;
using Eigen::internal::pmadd;
using Eigen::internal::pmul;
using Eigen::internal::pnegate;
using Eigen::internal::pselect;
using Eigen::internal::pset1;
using Eigen::internal::pstoreu;
using Eigen::internal::psub;
using Eigen::internal::pzero;

template <class T>
using Packet = typename Eigen::internal::packet_traits<T>::type;

template <class T>
inline constexpr Index kPacketSize = Eigen::internal::packet_traits<T>::size;

// Correctly rounded square roots, one instruction each.
#ifdef EIGEN_VECTORIZE_SSE2
inline __m128 square_root(__m128 x) {
  return _mm_sqrt_ps(x);
}
inline __m128d square_root(__m128d x) {
  return _mm_sqrt_pd(x);
}
#endif
#ifdef EIGEN_VECTORIZE_AVX
inline __m256 square_root(__m256 x) {
  return _mm256_sqrt_ps(x);
}
inline __m256d square_root(__m256d x) {
  return _mm256_sqrt_pd(x);
}
#endif
#ifdef EIGEN_VECTORIZE_AVX512
// With a mask of ones: gcc 12 takes the unmasked ones for a use of something uninitialised.
inline __m512 square_root(__m512 x) {
  return _mm512_maskz_sqrt_ps(0xffff, x);
}
inline __m512d square_root(__m512d x) {
  return _mm512_maskz_sqrt_pd(0xff, x);
}
#endif
#if defined(EIGEN_VECTORIZE_NEON) && EIGEN_ARCH_ARM64
inline float32x4_t square_root(float32x4_t x) {
  return vsqrtq_f32(x);
}
inline float64x2_t square_root(float64x2_t x) {
  return vsqrtq_f64(x);
}
#endif
inline float square_root(float x) {
  return std::sqrt(x);
}
inline double square_root(double x) {
  return std::sqrt(x);
}

template <class T>
Packet<T> constant(double x) {
  return pset1<Packet<T>>(static_cast<T>(x));
}

template <class T>
Packet<T> at_least_tiny(double epsilon) {
  constexpr T tiny = std::numeric_limits<T>::min();
  const T rounded = static_cast<T>(epsilon);
  return pset1<Packet<T>>(rounded > tiny ? rounded : tiny);
}

// The same beside the root of a mean of squares, which counts as zero where it is subnormal: 0.1 g over it
// and not over something far smaller.
template <class T>
Packet<T> at_least_root_of_tiny(double epsilon) {
  constexpr double least = sizeof(T) == sizeof(float) ? 0x1p-63 : 0x1p-511;
  return constant<T>(epsilon > least ? epsilon : least);
}

// The comparisons below are false for a NaN, which therefore passes through all of these.
template <class P>
P smaller_of(P x, P bound) {
  return pselect(pcmp_lt(bound, x), bound, x);
}

template <class P>
P larger_of(P x, P bound) {
  return pselect(pcmp_lt(x, bound), bound, x);
}

template <class P>
P magnitude(P x) {
  return pselect(pcmp_lt(x, pzero(x)), pnegate(x), x);
}

// value times sign(x), with sign(0) = 0
template <class P>
P signed_as(P value, P x) {
  const P zero = pzero(x);
  return pselect(pcmp_lt(zero, x), value, pselect(pcmp_lt(x, zero), pnegate(value), x));
}

// ---------------------------------------------------------------------------------------------- the rules

// w -= rate g
template <class T>
struct Sgd {
  using P = Packet<T>;
  static constexpr int kSlots = 0;
  P minus_rate;
  explicit Sgd(const OptimizerStep& s) : minus_rate(constant<T>(-s.rate)) {}
  void operator()(P g, P& w, P&, P&, P&) const { w = pmadd(minus_rate, g, w); }
};

// v = momentum v - rate g,   w += v,   or with Nesterov w += momentum v - rate g
template <class T, bool Nesterov>
struct Momentum {
  using P = Packet<T>;
  static constexpr int kSlots = 1;
  P minus_rate, momentum;
  explicit Momentum(const OptimizerStep& s)
      : minus_rate(constant<T>(-s.rate)), momentum(constant<T>(s.momentum)) {}
  void operator()(P g, P& w, P& v, P&, P&) const {
    const P step = pmul(minus_rate, g);
    v = pmadd(momentum, v, step);
    w = padd(w, Nesterov ? pmadd(momentum, v, step) : v);
  }
};

// m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g^2,   w -= rate m / (sqrt(v) + epsilon)
// with AMSGrad top = max(top, v) instead of v under the root.    rate = lr sqrt(1 - b2^t) / (1 - b1^t)
template <class T, bool AmsGrad>
struct Adam {
  using P = Packet<T>;
  static constexpr int kSlots = AmsGrad ? 3 : 2;
  P minus_rate, beta_1, rest_1, beta_2, rest_2, epsilon;
  explicit Adam(const OptimizerStep& s)
      : minus_rate(constant<T>(-s.rate)),
        beta_1(constant<T>(s.beta_1)),
        rest_1(constant<T>(1 - s.beta_1)),
        beta_2(constant<T>(s.beta_2)),
        rest_2(constant<T>(1 - s.beta_2)),
        epsilon(at_least_root_of_tiny<T>(s.epsilon)) {}
  void operator()(P g, P& w, P& m, P& v, P& top) const {
    m = pmadd(beta_1, m, pmul(rest_1, g));
    v = pmadd(beta_2, v, pmul(pmul(rest_2, g), g));
    if constexpr (AmsGrad) {
      top = pselect(pcmp_lt(v, top), top, v);  // a NaN in v stays
    }
    w = padd(w, pdiv(pmul(minus_rate, m), padd(square_root(AmsGrad ? top : v), epsilon)));
  }
};

// m, v as in Adam,   w -= rate (extra_1 m + extra_2 g) / (sqrt(v) + epsilon)
//   extra_1 = u_{t+1} / (1 - u_1 ... u_{t+1}),   extra_2 = (1 - u_t) / (1 - u_1 ... u_t)
template <class T>
struct Nadam {
  using P = Packet<T>;
  static constexpr int kSlots = 2;
  P minus_rate, beta_1, rest_1, beta_2, rest_2, epsilon, of_m, of_g;
  explicit Nadam(const OptimizerStep& s)
      : minus_rate(constant<T>(-s.rate)),
        beta_1(constant<T>(s.beta_1)),
        rest_1(constant<T>(1 - s.beta_1)),
        beta_2(constant<T>(s.beta_2)),
        rest_2(constant<T>(1 - s.beta_2)),
        epsilon(at_least_root_of_tiny<T>(s.epsilon)),
        of_m(constant<T>(s.extra_1)),
        of_g(constant<T>(s.extra_2)) {}
  void operator()(P g, P& w, P& m, P& v, P&) const {
    m = pmadd(beta_1, m, pmul(rest_1, g));
    v = pmadd(beta_2, v, pmul(pmul(rest_2, g), g));
    const P ahead = pmadd(of_m, m, pmul(of_g, g));
    w = padd(w, pdiv(pmul(minus_rate, ahead), padd(square_root(v), epsilon)));
  }
};

// m = b1 m + (1 - b1) g,   u = max(b2 u, |g|),   w -= rate m / (u + epsilon)       rate = lr / (1 - b1^t)
template <class T>
struct Adamax {
  using P = Packet<T>;
  static constexpr int kSlots = 2;
  P minus_rate, beta_1, rest_1, beta_2, epsilon;
  explicit Adamax(const OptimizerStep& s)
      : minus_rate(constant<T>(-s.rate)),
        beta_1(constant<T>(s.beta_1)),
        rest_1(constant<T>(1 - s.beta_1)),
        beta_2(constant<T>(s.beta_2)),
        epsilon(at_least_tiny<T>(s.epsilon)) {}
  void operator()(P g, P& w, P& m, P& u, P&) const {
    m = pmadd(beta_1, m, pmul(rest_1, g));
    u = larger_of(magnitude(g), pmul(beta_2, u));
    w = padd(w, pdiv(pmul(minus_rate, m), padd(u, epsilon)));
  }
};

// v = rho v + (1 - rho) g^2,   step = rate g / sqrt(v + epsilon),   w -= step        rho is beta_2
//   with momentum   a = momentum a + step,   w -= a
//   centered        mean = rho mean + (1 - rho) g,   v - mean^2 instead of v under the root, never below 0
//                   (in exact arithmetic it is not; rounding can push it there, and the root would be a NaN)
template <class T, bool WithMomentum, bool Centered>
struct RmsProp {
  using P = Packet<T>;
  static constexpr int kSlots = 1 + WithMomentum + Centered;
  P rate, momentum, rho, rest, epsilon;
  explicit RmsProp(const OptimizerStep& s)
      : rate(constant<T>(s.rate)),
        momentum(constant<T>(s.momentum)),
        rho(constant<T>(s.beta_2)),
        rest(constant<T>(1 - s.beta_2)),
        epsilon(at_least_tiny<T>(s.epsilon)) {}
  void operator()(P g, P& w, P& v, P& slot_1, P& slot_2) const {
    v = pmadd(rho, v, pmul(pmul(rest, g), g));
    P spread = v;
    if constexpr (Centered) {
      P& mean = WithMomentum ? slot_2 : slot_1;
      mean = pmadd(rho, mean, pmul(rest, g));
      spread = larger_of(pmadd(pnegate(mean), mean, v), pzero(v));
    }
    const P step = pdiv(pmul(rate, g), square_root(padd(spread, epsilon)));
    if constexpr (WithMomentum) {
      slot_1 = pmadd(momentum, slot_1, step);
      w = psub(w, slot_1);
    } else {
      w = psub(w, step);
    }
  }
};

// a = a + g^2,   w -= rate g / sqrt(a + epsilon)
template <class T>
struct Adagrad {
  using P = Packet<T>;
  static constexpr int kSlots = 1;
  P rate, epsilon;
  explicit Adagrad(const OptimizerStep& s)
      : rate(constant<T>(s.rate)), epsilon(at_least_tiny<T>(s.epsilon)) {}
  void operator()(P g, P& w, P& a, P&, P&) const {
    a = pmadd(g, g, a);
    w = psub(w, pdiv(pmul(rate, g), square_root(padd(a, epsilon))));
  }
};

// a = rho a + (1 - rho) g^2,   step = g sqrt((b + epsilon) / (a + epsilon)),   b = rho b + (1 - rho) step^2,
// w -= rate step                                                                      rho is beta_2
template <class T>
struct Adadelta {
  using P = Packet<T>;
  static constexpr int kSlots = 2;
  P minus_rate, rho, rest, epsilon;
  explicit Adadelta(const OptimizerStep& s)
      : minus_rate(constant<T>(-s.rate)),
        rho(constant<T>(s.beta_2)),
        rest(constant<T>(1 - s.beta_2)),
        epsilon(at_least_tiny<T>(s.epsilon)) {}
  void operator()(P g, P& w, P& a, P& b, P&) const {
    a = pmadd(rho, a, pmul(pmul(rest, g), g));
    const P step = pmul(g, square_root(pdiv(padd(b, epsilon), padd(a, epsilon))));
    b = pmadd(rho, b, pmul(pmul(rest, step), step));
    w = pmadd(minus_rate, step, w);
  }
};

// w -= rate sign(b1 m + (1 - b1) g),   m = b2 m + (1 - b2) g
template <class T>
struct Lion {
  using P = Packet<T>;
  static constexpr int kSlots = 1;
  P rate, beta_1, rest_1, beta_2, rest_2;
  explicit Lion(const OptimizerStep& s)
      : rate(constant<T>(s.rate)),
        beta_1(constant<T>(s.beta_1)),
        rest_1(constant<T>(1 - s.beta_1)),
        beta_2(constant<T>(s.beta_2)),
        rest_2(constant<T>(1 - s.beta_2)) {}
  void operator()(P g, P& w, P& m, P&, P&) const {
    w = psub(w, signed_as(rate, pmadd(beta_1, m, pmul(rest_1, g))));
    m = pmadd(beta_2, m, pmul(rest_2, g));
  }
};

// ----------------------------------------------------------------------------------------------- the pass

template <class T>
struct Identity {
  using P = Packet<T>;
  explicit Identity(const OptimizerStep&) {}
  void operator()(P&, P&) const {}
};

// g = clip(scale g),   w = w - decay w
template <class T>
struct ClipAndDecay {
  using P = Packet<T>;
  P scale, bound, minus_decay;
  explicit ClipAndDecay(const OptimizerStep& s)
      : scale(constant<T>(s.gradient_scale)),
        bound(constant<T>(s.clip_value > 0 ? s.clip_value : std::numeric_limits<double>::infinity())),
        minus_decay(constant<T>(-s.decay)) {}
  void operator()(P& g, P& w) const {
    g = larger_of(smaller_of(pmul(scale, g), bound), pnegate(bound));
    w = pmadd(minus_decay, w, w);
  }
};

// Element 0, 1, ... of one packet.
template <class T, class Before, class Rule>
void update_packet(const Before& before, const Rule& rule, T* p, const T* g, T* slot_0, T* slot_1,
                   T* slot_2) {
  using P = Packet<T>;
  P gradient = ploadu<P>(g), w = ploadu<P>(p);
  P a = gradient, b = gradient, c = gradient;
  if constexpr (Rule::kSlots > 0) a = ploadu<P>(slot_0);
  if constexpr (Rule::kSlots > 1) b = ploadu<P>(slot_1);
  if constexpr (Rule::kSlots > 2) c = ploadu<P>(slot_2);
  before(gradient, w);
  rule(gradient, w, a, b, c);
  pstoreu(p, w);
  if constexpr (Rule::kSlots > 0) pstoreu(slot_0, a);
  if constexpr (Rule::kSlots > 1) pstoreu(slot_1, b);
  if constexpr (Rule::kSlots > 2) pstoreu(slot_2, c);
}

template <class T, class Before, class Rule>
void sweep(const OptimizerStep& step, const ParameterRows<T>& u) {
  constexpr Index width = kPacketSize<T>;
  const Before before(step);
  const Rule rule(step);
  const Index whole = u.size / width * width;
  const auto bytes = static_cast<std::size_t>(u.size - whole) * sizeof(T);
  const auto slot = [&](int k, Index i) { return k < Rule::kSlots ? u.slots[k] + i : nullptr; };
  for (Index row = 0; row < u.rows; ++row) {
    T* const p = u.p + row * u.p_row;
    const T* const g = u.g + row * u.g_row;
    T* const slots[kMaxSlots] = {slot(0, row * u.p_row), slot(1, row * u.p_row), slot(2, row * u.p_row)};
    Index i = 0;
    const auto at = [&](int k) { return k < Rule::kSlots ? slots[k] + i : nullptr; };
    for (; i < whole; i += width) update_packet<T>(before, rule, p + i, g + i, at(0), at(1), at(2));
    if (bytes == 0) continue;
    T tail[5][width] = {};
    std::memcpy(tail[3], p + i, bytes);
    std::memcpy(tail[4], g + i, bytes);
    for (int k = 0; k < Rule::kSlots; ++k) std::memcpy(tail[k], at(k), bytes);
    update_packet<T>(before, rule, tail[3], tail[4], tail[0], tail[1], tail[2]);
    std::memcpy(p + i, tail[3], bytes);
    for (int k = 0; k < Rule::kSlots; ++k) std::memcpy(at(k), tail[k], bytes);
  }
}

template <class T, class Rule>
void run(const OptimizerStep& s, const ParameterRows<T>& u) {
  if (s.gradient_scale == 1 && !(s.clip_value > 0) && s.decay == 0) {
    sweep<T, Identity<T>, Rule>(s, u);
  } else {
    sweep<T, ClipAndDecay<T>, Rule>(s, u);
  }
}

}  // namespace rules

template <class T>
void optimizer_step(const OptimizerStep& s, const ParameterRows<T>& u) noexcept {
  const auto with = [&]<class Rule>() { rules::run<T, Rule>(s, u); };
  switch (s.kind) {
    case OptimizerKind::sgd:
      if (s.momentum == 0) return with.template operator()<rules::Sgd<T>>();
      if (s.nesterov) return with.template operator()<rules::Momentum<T, true>>();
      return with.template operator()<rules::Momentum<T, false>>();
    case OptimizerKind::adam:
      if (s.amsgrad) return with.template operator()<rules::Adam<T, true>>();
      return with.template operator()<rules::Adam<T, false>>();
    case OptimizerKind::rmsprop:
      if (s.momentum > 0) {
        if (s.centered) return with.template operator()<rules::RmsProp<T, true, true>>();
        return with.template operator()<rules::RmsProp<T, true, false>>();
      }
      if (s.centered) return with.template operator()<rules::RmsProp<T, false, true>>();
      return with.template operator()<rules::RmsProp<T, false, false>>();
    case OptimizerKind::adagrad:
      return with.template operator()<rules::Adagrad<T>>();
    case OptimizerKind::adadelta:
      return with.template operator()<rules::Adadelta<T>>();
    case OptimizerKind::adamax:
      return with.template operator()<rules::Adamax<T>>();
    case OptimizerKind::nadam:
      return with.template operator()<rules::Nadam<T>>();
    case OptimizerKind::lion:
      return with.template operator()<rules::Lion<T>>();
  }
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
