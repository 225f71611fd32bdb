// Pack<T>: one vector register of T (Eigen's packet) with operators, so that a formula over lanes reads as a
// formula.  Comparisons give masks for `select`.  With no vector unit a pack is one number.
#pragma once

#include <Eigen/Core>

#include "picaflor/kernels/math.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
struct Pack {
  using Register = typename Eigen::internal::packet_traits<T>::type;
  static constexpr Index kLanes = Eigen::internal::unpacket_traits<Register>::size;

  Register r;

  static Pack all(T value) { return {Eigen::internal::pset1<Register>(value)}; }
  static Pack load(const T* from) { return {Eigen::internal::ploadu<Register>(from)}; }
  static Pack gather(const T* from, Index stride) {
    return {Eigen::internal::pgather<T, Register>(from, stride)};
  }
  static Pack ramp(T first) { return {Eigen::internal::plset<Register>(first)}; }  // first, first + 1, ...
  void store(T* to) const { Eigen::internal::pstoreu(to, r); }

  friend Pack operator+(Pack a, Pack b) { return {Eigen::internal::padd(a.r, b.r)}; }
  friend Pack operator-(Pack a, Pack b) { return {Eigen::internal::psub(a.r, b.r)}; }
  friend Pack operator*(Pack a, Pack b) { return {Eigen::internal::pmul(a.r, b.r)}; }
  friend Pack operator/(Pack a, Pack b) { return {Eigen::internal::pdiv(a.r, b.r)}; }
  friend Pack operator-(Pack a) { return {Eigen::internal::pnegate(a.r)}; }
  friend Pack operator<(Pack a, Pack b) { return {Eigen::internal::pcmp_lt(a.r, b.r)}; }
  friend Pack operator<=(Pack a, Pack b) { return {Eigen::internal::pcmp_le(a.r, b.r)}; }
  friend Pack operator==(Pack a, Pack b) { return {Eigen::internal::pcmp_eq(a.r, b.r)}; }
};

// mask ? a : b, lane by lane
template <class T>
Pack<T> select(Pack<T> mask, Pack<T> a, Pack<T> b) {
  return {Eigen::internal::pselect(mask.r, a.r, b.r)};
}

// A NaN in a comes through; in b it does not.
template <class T>
Pack<T> max(Pack<T> a, Pack<T> b) {
  return {Eigen::internal::pmax(a.r, b.r)};
}
template <class T>
Pack<T> min(Pack<T> a, Pack<T> b) {
  return {Eigen::internal::pmin(a.r, b.r)};
}

template <class T>
Pack<T> abs(Pack<T> a) {
  return {Eigen::internal::pabs(a.r)};
}
template <class T>
Pack<T> sqrt(Pack<T> a) {
  return {Eigen::internal::psqrt(a.r)};
}
template <class T>
Pack<T> exp(Pack<T> a) {
  return {packet::exp_any(a.r)};
}
template <class T>
Pack<T> exp_nonpositive(Pack<T> a) {  // a <= 0
  return {packet::exp_nonpositive(a.r)};
}
template <class T>
Pack<T> expm1_nonpositive(Pack<T> a) {  // a <= 0
  return {packet::expm1_nonpositive(a.r)};
}
template <class T>
Pack<T> log(Pack<T> a) {
  return {Eigen::internal::plog(a.r)};
}
template <class T>
Pack<T> log1p(Pack<T> a) {
  return {Eigen::internal::generic_plog1p(a.r)};
}
template <class T>
Pack<T> log1p_unit(Pack<T> a) {  // 0 <= a <= 1
  return a + Pack<T>{packet::log1p_rest(a.r)};
}

// Over the lanes.
template <class T>
T sum_of_lanes(Pack<T> a) {
  return Eigen::internal::predux(a.r);
}
template <class T>
T max_of_lanes(Pack<T> a) {
  return Eigen::internal::predux_max(a.r);
}
template <class T>
T min_of_lanes(Pack<T> a) {
  return Eigen::internal::predux_min(a.r);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
