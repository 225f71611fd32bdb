// Losses that look at a whole row at once: the categorical cross-entropies, categorical hinge,
// Kullback-Leibler divergence, cosine similarity.  Each function returns the row's value and puts its
// gradient times k.  o: predictions or logits, t: targets (class id y stands for the one-hot row); sums run
// over the c columns.
#pragma once

#include "picaflor/kernels/losses_pointwise.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// Target probabilities, smoothed: t (1 - s) + s / c.
template <class Lanes>
class Targets {
 public:
  using P = typename Lanes::P;
  using T = typename Lanes::Number;

  Targets(const Lanes& row, double smoothing)
      : row_(row),
        keep_(constant<T>(1 - smoothing)),
        add_(constant<T>(smoothing / static_cast<double>(row.columns()))) {}

  template <class At>
  P operator()(At at) const {
    const P t = row_.has_ids() ? select(row_.is_id(at), constant<T>(1), constant<T>(0)) : row_.target(at);
    return t * keep_ + add_;
  }

 private:
  const Lanes& row_;
  P keep_, add_;
};

// With q_j = exp(o_j - top), S = sum q:
//   value -sum t_j log softmax(o)_j = sum t_j (top - o_j) + log(S) sum t,   slope softmax(o)_j sum t - t_j
// S >= 1, so log(0) is never formed. A target of 0 contributes 0 even where o_j is -inf.
template <class Lanes>
typename Lanes::P softmax_cross_entropy_row(Lanes& row, double smoothing, typename Lanes::P k) {
  using P = typename Lanes::P;
  using T = typename Lanes::Number;
  const P top = row.top([&](auto at) { return row.out(at); });

  if (row.has_ids() && smoothing == 0) {
    const P at_id = row.out_at_id();
    const P sum = row.sum([&](auto at) {
      const P q = exp_nonpositive(row.out(at) - top);
      row.put(at, q);
      return q;
    });
    if (row.wants_gradient()) {
      const P share = k / sum;
      row.each([&](auto at) { row.put(at, row.dout(at) * share); });
      row.add_at_id(-k);
    }
    return log(sum) + (top - at_id);
  }

  const Targets<Lanes> target(row, smoothing);
  const P zero = constant<T>(0);
  P value = row.sum([&](auto at) {
    const P t = target(at);
    return select(t == zero, zero, t * (top - row.out(at)));
  });
  const P mass = row.sum(target);
  const P sum = row.sum([&](auto at) {
    const P q = exp_nonpositive(row.out(at) - top);
    row.put(at, q);
    return q;
  });
  if (row.wants_gradient()) {
    const P share = k * mass / sum;
    row.each([&](auto at) { row.put(at, row.dout(at) * share - k * target(at)); });
  }
  return value + log(sum) * mass;
}

// p_j = o_j / sum o, clipped to [e, 1 - e] before the logarithm:  value -sum t_j log p_j,
// slope (sum of t_i over the i that are not clipped - t_j / p_j if j is not clipped) / sum o
template <class Lanes>
typename Lanes::P categorical_cross_entropy_row(Lanes& row, double smoothing, typename Lanes::P k) {
  using P = typename Lanes::P;
  using T = typename Lanes::Number;
  const P low = constant<T>(kEpsilon), high = constant<T>(1 - kEpsilon);
  const Targets<Lanes> target(row, smoothing);
  const P sum = row.sum([&](auto at) { return row.out(at); });
  const P value = row.sum([&](auto at) {
    const P p = row.out(at) / sum;
    return target(at) * select(high < p, constant<T>(kLogOneMinusEpsilon), log(max(p, low)));
  });
  if (row.wants_gradient()) {
    const P mass = row.sum([&](auto at) { return where_inside(row.out(at) / sum, low, high, target(at)); });
    const P share = k / sum;
    row.each([&](auto at) {
      const P p = row.out(at) / sum;
      row.put(at, (mass - where_inside(p, low, high, target(at) / p)) * share);
    });
  }
  return -value;
}

// max(1 + max_j (1 - t_j) o_j - sum t_j o_j, 0); of equal maxima the first has the slope
template <class Lanes>
typename Lanes::P categorical_hinge_row(Lanes& row, typename Lanes::P k) {
  using P = typename Lanes::P;
  using T = typename Lanes::Number;
  const P zero = constant<T>(0), one = constant<T>(1);
  const Targets<Lanes> target(row, 0);
  const P positive = row.sum([&](auto at) { return target(at) * row.out(at); });
  const P negative = row.top([&](auto at) { return (one - target(at)) * row.out(at); });
  const P margin = one + (negative - positive);
  if (row.wants_gradient()) {
    const P first = row.first([&](auto at) { return (one - target(at)) * row.out(at) == negative; });
    row.each([&](auto at) {
      const P t = target(at);
      const P slope = select(row.column(at) == first, one - t, zero) - t;
      row.put(at, where_positive(margin, slope * k));
    });
  }
  return max(margin, zero);
}

// t and p = o clipped to [e, 1]:  sum t_j log(t_j / p_j),  slope -t_j / p_j where o_j is not clipped
template <class Lanes>
typename Lanes::P kl_divergence_row(Lanes& row, typename Lanes::P k) {
  using P = typename Lanes::P;
  using T = typename Lanes::Number;
  const P low = constant<T>(kEpsilon), one = constant<T>(1);
  return row.sum([&](auto at) {
    const P o = row.out(at);
    const P t = min(max(row.target(at), low), one);
    const P ratio = t / min(max(o, low), one);
    row.put(at, where_inside(o, low, one, -k * ratio));
    return t * log(ratio);
  });
}

// -sum t_j o_j / (|t| |o|), norms of at least e;  slope -(t_j / |t| + value o_j / |o|) / |o|, the second term
// only where |o| is above e
template <class Lanes>
typename Lanes::P cosine_similarity_row(Lanes& row, typename Lanes::P k) {
  using P = typename Lanes::P;
  using T = typename Lanes::Number;
  const P least = constant<T>(kEpsilon * kEpsilon), one = constant<T>(1);
  const P square_o = row.sum([&](auto at) { return row.out(at) * row.out(at); });
  const P square_t = row.sum([&](auto at) { return row.target(at) * row.target(at); });
  const P o_scale = one / sqrt(max(square_o, least)), t_scale = one / sqrt(max(square_t, least));
  const P value = -row.sum([&](auto at) { return (row.target(at) * t_scale) * (row.out(at) * o_scale); });
  if (row.wants_gradient()) {
    const P pull = select(square_o < least, constant<T>(0), value);
    row.each([&](auto at) {
      row.put(at, -k * o_scale * (row.target(at) * t_scale + pull * (row.out(at) * o_scale)));
    });
  }
  return value;
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
