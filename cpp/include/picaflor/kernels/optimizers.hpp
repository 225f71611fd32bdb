// One step of an optimizer: a single pass over parameters, gradients and the slots a rule keeps.
//
// For every element, with gradient g, parameter w and everything else a number of the step:
//   g = clip(gradient_scale (g + l1 sign(w) + 2 l2 w), -clip_value, clip_value),   w = w - decay w,
//   then the rule below.
// Formulas are Keras 3's (network/optimizer.hpp works out the numbers); slots stand in Keras's order.
//
// Every element goes through the same packet instructions wherever it lies (a tail shorter than a packet is
// copied into one), multiply-adds are fused by name, and square roots and quotients are correctly rounded:
// the result does not depend on how an array is split, nor on the maker of the CPU.
//
// An element whose w, g and slots are 0 stays 0 under every rule, so rows may be padded with zeros: epsilon
// is at least the smallest normal number, which changes no quotient but 0/0.
#pragma once

#include <cstring>
#include <limits>

#include "picaflor/kernels/packet.hpp"
#include "picaflor/kernels/penalties.hpp"
#include "picaflor/kernels/table.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {
namespace rules {

using namespace packet;

template <class T>
Packet<T> at_least_tiny(double epsilon) {
  constexpr T tiny = std::numeric_limits<T>::min();
  const T rounded = static_cast<T>(epsilon);
  return Packet<T>::all(rounded > tiny ? rounded : tiny);
}

// The same beside the root of a mean of squares, which counts as zero where it is subnormal: 0.1 g over it
// and not over something far smaller.
template <class T>
Packet<T> at_least_root_of_tiny(double epsilon) {
  constexpr double least = sizeof(T) == sizeof(float) ? 0x1p-63 : 0x1p-511;
  return splat<Packet<T>>(epsilon > least ? epsilon : least);
}

// ---------------------------------------------------------------------------------------------- the rules

// w -= rate g
template <class T>
struct Sgd {
  using P = Packet<T>;
  static constexpr int kSlots = 0;
  P minus_rate;
  explicit Sgd(const OptimizerStep& s) : minus_rate(splat<P>(-s.rate)) {}
  void operator()(P g, P& w, P&, P&, P&) const { w = mul_add(minus_rate, g, w); }
};

// v = momentum v - rate g,   w += v,   or with Nesterov w += momentum v - rate g
template <class T, bool Nesterov>
struct Momentum {
  using P = Packet<T>;
  static constexpr int kSlots = 1;
  P minus_rate, momentum;
  explicit Momentum(const OptimizerStep& s) : minus_rate(splat<P>(-s.rate)), momentum(splat<P>(s.momentum)) {}
  void operator()(P g, P& w, P& v, P&, P&) const {
    const P step = minus_rate * g;
    v = mul_add(momentum, v, step);
    w = w + (Nesterov ? mul_add(momentum, v, step) : v);
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
      : minus_rate(splat<P>(-s.rate)),
        beta_1(splat<P>(s.beta_1)),
        rest_1(splat<P>(1 - s.beta_1)),
        beta_2(splat<P>(s.beta_2)),
        rest_2(splat<P>(1 - s.beta_2)),
        epsilon(at_least_root_of_tiny<T>(s.epsilon)) {}
  void operator()(P g, P& w, P& m, P& v, P& top) const {
    m = mul_add(beta_1, m, rest_1 * g);
    v = mul_add(beta_2, v, rest_2 * g * g);
    if constexpr (AmsGrad) {
      top = max(v, top);
    }
    w = mul_add(minus_rate, m / (sqrt(AmsGrad ? top : v) + epsilon), w);
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
      : minus_rate(splat<P>(-s.rate)),
        beta_1(splat<P>(s.beta_1)),
        rest_1(splat<P>(1 - s.beta_1)),
        beta_2(splat<P>(s.beta_2)),
        rest_2(splat<P>(1 - s.beta_2)),
        epsilon(at_least_root_of_tiny<T>(s.epsilon)),
        of_m(splat<P>(s.extra_1)),
        of_g(splat<P>(s.extra_2)) {}
  void operator()(P g, P& w, P& m, P& v, P&) const {
    m = mul_add(beta_1, m, rest_1 * g);
    v = mul_add(beta_2, v, rest_2 * g * g);
    const P ahead = mul_add(of_m, m, of_g * g);
    w = mul_add(minus_rate, ahead / (sqrt(v) + epsilon), w);
  }
};

// m = b1 m + (1 - b1) g,   u = max(b2 u, |g|),   w -= rate m / (u + epsilon)       rate = lr / (1 - b1^t)
template <class T>
struct Adamax {
  using P = Packet<T>;
  static constexpr int kSlots = 2;
  P minus_rate, beta_1, rest_1, beta_2, epsilon;
  explicit Adamax(const OptimizerStep& s)
      : minus_rate(splat<P>(-s.rate)),
        beta_1(splat<P>(s.beta_1)),
        rest_1(splat<P>(1 - s.beta_1)),
        beta_2(splat<P>(s.beta_2)),
        epsilon(at_least_tiny<T>(s.epsilon)) {}
  void operator()(P g, P& w, P& m, P& u, P&) const {
    m = mul_add(beta_1, m, rest_1 * g);
    u = max(abs(g), beta_2 * u);
    w = mul_add(minus_rate, m / (u + epsilon), w);
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
      : rate(splat<P>(s.rate)),
        momentum(splat<P>(s.momentum)),
        rho(splat<P>(s.beta_2)),
        rest(splat<P>(1 - s.beta_2)),
        epsilon(at_least_tiny<T>(s.epsilon)) {}
  void operator()(P g, P& w, P& v, P& slot_1, P& slot_2) const {
    v = mul_add(rho, v, rest * g * g);
    P spread = v;
    if constexpr (Centered) {
      P& mean = WithMomentum ? slot_2 : slot_1;
      mean = mul_add(rho, mean, rest * g);
      spread = max(neg_mul_add(mean, mean, v), splat<P>(0));
    }
    const P step = rate * g / sqrt(spread + epsilon);
    if constexpr (WithMomentum) {
      slot_1 = mul_add(momentum, slot_1, step);
      w = w - slot_1;
    } else {
      w = w - step;
    }
  }
};

// a = a + g^2,   w -= rate g / sqrt(a + epsilon)
template <class T>
struct Adagrad {
  using P = Packet<T>;
  static constexpr int kSlots = 1;
  P rate, epsilon;
  explicit Adagrad(const OptimizerStep& s) : rate(splat<P>(s.rate)), epsilon(at_least_tiny<T>(s.epsilon)) {}
  void operator()(P g, P& w, P& a, P&, P&) const {
    a = mul_add(g, g, a);
    w = w - rate * g / sqrt(a + epsilon);
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
      : minus_rate(splat<P>(-s.rate)),
        rho(splat<P>(s.beta_2)),
        rest(splat<P>(1 - s.beta_2)),
        epsilon(at_least_tiny<T>(s.epsilon)) {}
  void operator()(P g, P& w, P& a, P& b, P&) const {
    a = mul_add(rho, a, rest * g * g);
    const P step = g * sqrt((b + epsilon) / (a + epsilon));
    b = mul_add(rho, b, rest * step * step);
    w = mul_add(minus_rate, step, w);
  }
};

// w -= rate sign(b1 m + (1 - b1) g),   m = b2 m + (1 - b2) g
template <class T>
struct Lion {
  using P = Packet<T>;
  static constexpr int kSlots = 1;
  P rate, beta_1, rest_1, beta_2, rest_2;
  explicit Lion(const OptimizerStep& s)
      : rate(splat<P>(s.rate)),
        beta_1(splat<P>(s.beta_1)),
        rest_1(splat<P>(1 - s.beta_1)),
        beta_2(splat<P>(s.beta_2)),
        rest_2(splat<P>(1 - s.beta_2)) {}
  void operator()(P g, P& w, P& m, P&, P&) const {
    w = w - rate * sign_of(mul_add(beta_1, m, rest_1 * g));
    m = mul_add(beta_2, m, rest_2 * g);
  }
};

// ----------------------------------------------------------------------------------------------- the pass

template <class T>
struct Identity {
  using P = Packet<T>;
  Identity(const OptimizerStep&, const ParameterRows<T>&) {}
  void operator()(P&, P&) const {}
};

// g = clip(scale (g + penalty's)),   w = w - decay w
template <class T>
struct PenalizeClipAndDecay {
  using P = Packet<T>;
  PenaltyGradient<T> penalty;
  bool clips;
  P scale, bound, minus_decay;
  PenalizeClipAndDecay(const OptimizerStep& s, const ParameterRows<T>& u)
      : penalty(u.l1, u.l2),
        clips(s.gradient_scale != 1 || s.clip_value > 0),
        scale(splat<P>(s.gradient_scale)),
        bound(splat<P>(s.clip_value > 0 ? s.clip_value : std::numeric_limits<double>::infinity())),
        minus_decay(splat<P>(-s.decay)) {}
  void operator()(P& g, P& w) const {
    g = penalty.added_to(g, w);
    if (clips) g = max(min(scale * g, bound), -bound);
    w = mul_add(minus_decay, w, w);
  }
};

// Element 0, 1, ... of one packet.
template <class T, class Before, class Rule>
void update_packet(const Before& before, const Rule& rule, T* p, const T* g, T* slot_0, T* slot_1,
                   T* slot_2) {
  using P = Packet<T>;
  P gradient = P::load(g), w = P::load(p);
  P a = gradient, b = gradient, c = gradient;
  if constexpr (Rule::kSlots > 0) a = P::load(slot_0);
  if constexpr (Rule::kSlots > 1) b = P::load(slot_1);
  if constexpr (Rule::kSlots > 2) c = P::load(slot_2);
  before(gradient, w);
  rule(gradient, w, a, b, c);
  w.store(p);
  if constexpr (Rule::kSlots > 0) a.store(slot_0);
  if constexpr (Rule::kSlots > 1) b.store(slot_1);
  if constexpr (Rule::kSlots > 2) c.store(slot_2);
}

template <class T, class Before, class Rule>
void sweep(const OptimizerStep& step, const ParameterRows<T>& u) {
  constexpr Index width = Packet<T>::kLanes;
  const Before before(step, u);
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
  if (s.gradient_scale == 1 && !(s.clip_value > 0) && s.decay == 0 && u.l1 == 0 && u.l2 == 0) {
    sweep<T, Identity<T>, Rule>(s, u);
  } else {
    sweep<T, PenalizeClipAndDecay<T>, Rule>(s, u);
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
