// Walks over one row of c contiguous elements, and over groups of short rows.
//
// Long rows go packet by packet; the last packet ends with the row and overlaps the one before it.  Short
// rows (c up to kFewColumns, at least kLanes) are taken kLanes at a time, one packet per column, so that no
// lane is wasted and nothing is added up across a packet; a row's result does not depend on the rows beside
// it.
#pragma once

#include <limits>

#include "picaflor/kernels/packets.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

namespace packet {

// All ones in the last `count` lanes.
template <class P>
EIGEN_STRONG_INLINE P last_lanes(Index count) {
  using T = Scalar<P>;
  return pcmp_le(splat<P>(static_cast<double>(kLanes<P> - count)), Eigen::internal::plset<P>(T{0}));
}

// In the three functions below kLanes elements may be read that end with the row: those before it are the
// caller's, or the row is long enough.

// y_j = f(x_j, ...) over a row; y may be an x
template <class T, class F, class... In>
EIGEN_STRONG_INLINE void map_row(Index c, T* y, const F& f, const In*... x) {
  using P = Packet<T>;
  using Wide = Pair<P>;
  const P last = f(load<P>(x + c - kLanes<P>)...);
  Index j = 0;
  for (; j + kLanes<Wide> <= c; j += kLanes<Wide>) store<Wide>(y + j, f(load<Wide>(x + j)...));
  for (; j + kLanes<P> <= c; j += kLanes<P>) store<P>(y + j, f(load<P>(x + j)...));
  store<P>(y + c - kLanes<P>, last);
}

// A long sum, with the part that rounding took from it (Knuth's exact addition).
struct LongSum {
  double high = 0, low = 0;

  EIGEN_STRONG_INLINE void add(double term) {
    const double sum = high + term, part = sum - high;
    low += (high - (sum - part)) + (term - part);
    high = sum;
  }
  EIGEN_STRONG_INLINE double value() const { return low == low ? high + low : high; }  // infinite terms
};

// sum_j f(x_j, ...).  Packets add up over blocks short enough for T, blocks in a LongSum.
template <class T, class F, class... In>
EIGEN_STRONG_INLINE double sum_row(Index c, const F& f, const In*... x) {
  using P = Packet<T>;
  using Wide = Pair<P>;
  constexpr Index kBlock = 64 * kLanes<Wide>;  // 64 additions cost 64 half units in the last place at most
  const auto sum_block = [=](Index begin, Index end) {
    Index j = begin;
    Wide sums = splat<Wide>(0);
    for (; j + kLanes<Wide> <= end; j += kLanes<Wide>) sums = padd(sums, f(load<Wide>(x + j)...));
    P sum = padd(sums.first, sums.second);
    for (; j + kLanes<P> <= end; j += kLanes<P>) sum = padd(sum, f(load<P>(x + j)...));
    if (j < end) sum = padd(sum, pand(f(load<P>(x + end - kLanes<P>)...), last_lanes<P>(end - j)));
    return static_cast<double>(Eigen::internal::predux(sum));
  };
  if (c <= kBlock) return sum_block(0, c);
  LongSum total;
  for (Index begin = 0; begin < c; begin += kBlock) {
    total.add(sum_block(begin, begin + kBlock < c ? begin + kBlock : c));
  }
  return total.value();
}

// The largest finite or infinite element, at least the lowest finite number; elements that are NaN may be
// passed over.
template <class T>
EIGEN_STRONG_INLINE T top_of_row(Index c, const T* x) {
  using P = Packet<T>;
  using Wide = Pair<P>;
  Wide tops = PacketTraits<Wide>::fill(std::numeric_limits<T>::lowest());
  Index j = 0;
  for (; j + kLanes<Wide> <= c; j += kLanes<Wide>) tops = pmax(load<Wide>(x + j), tops);
  P top = pmax(tops.first, tops.second);
  for (; j + kLanes<P> <= c; j += kLanes<P>) top = pmax(load<P>(x + j), top);
  return Eigen::internal::predux_max(pmax(load<P>(x + c - kLanes<P>), top));
}

inline constexpr Index kFewColumns = 32;

// Beyond that distance a level's gather instruction could overflow its 32-bit offsets.
inline constexpr Index kFarRow = Index{1} << 24;

// Element j of up to kLanes rows, one row in each lane.
template <class P>
EIGEN_STRONG_INLINE P load_column(const Scalar<P>* x, Index row, Index rows) {
  if (rows == kLanes<P>) return Eigen::internal::pgather<Scalar<P>, P>(x, row);
  Scalar<P> buffer[kLanes<P>];
  for (Index k = 0; k < kLanes<P>; ++k) buffer[k] = x[(k < rows ? k : 0) * row];
  return load<P>(buffer);
}
template <class P>
EIGEN_STRONG_INLINE void store_column(Scalar<P>* y, Index row, Index rows, const P& p) {
  if (rows == kLanes<P>) return Eigen::internal::pscatter<Scalar<P>, P>(y, p, row);
  Scalar<P> buffer[kLanes<P>];
  store<P>(buffer, p);
  for (Index k = 0; k < rows; ++k) y[k * row] = buffer[k];
}

// body(first row, number of rows) for groups of rows, the greatest distance between rows being `row`
template <class P, class Body>
EIGEN_STRONG_INLINE void for_row_groups(Index n, Index row, const Body& body) {
  static_assert(kFewColumns >= kLanes<P>, "a long row fills a packet");
  const Index group = row < kFarRow ? kLanes<P> : 1;
  for (Index i = 0; i < n; i += group) body(i, n - i < group ? n - i : group);
}

}  // namespace packet

}  // namespace picaflor::inline PICAFLOR_LEVEL
