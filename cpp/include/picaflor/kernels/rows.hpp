// Walks over one row of c contiguous elements, and over groups of short rows.
//
// Long rows go packet by packet; the last packet ends with the row and overlaps the one before it.  Short
// rows (c up to kFewColumns, at least kLanes) are taken kLanes at a time, one packet per column, so that no
// lane is wasted and nothing is added up across a packet; a row's result does not depend on the rows beside
// it.
#pragma once

#include <limits>

#include "picaflor/kernels/masks.hpp"
#include "picaflor/kernels/transpose.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

namespace packet {

template <class T>
EIGEN_STRONG_INLINE Mask<T> last_lanes(Index count) {
  using P = Packet<T>;
  return splat<P>(static_cast<double>(P::kLanes - count)) <= P::ramp(0);
}

// In the three functions below kLanes elements may be read that end with the row: those before it are the
// caller's, or the row is long enough.

// y_j = f(x_j, ...) over a row; y may be an x
template <class T, class F, class... In>
EIGEN_STRONG_INLINE void map_row(Index c, T* y, const F& f, const In*... x) {
  using P = Packet<T>;
  using Wide = Packet<T, 2>;
  const P last = f(P::load(x + c - P::kLanes)...);
  Index j = 0;
  for (; j + Wide::kLanes <= c; j += Wide::kLanes) f(Wide::load(x + j)...).store(y + j);
  for (; j + P::kLanes <= c; j += P::kLanes) f(P::load(x + j)...).store(y + j);
  last.store(y + c - P::kLanes);
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
  using Wide = Packet<T, 2>;
  constexpr Index kBlock = 64 * Wide::kLanes;  // 64 additions cost 64 half units in the last place at most
  const auto sum_block = [=](Index begin, Index end) {
    Index j = begin;
    Wide sums = splat<Wide>(0);
    for (; j + Wide::kLanes <= end; j += Wide::kLanes) sums = sums + f(Wide::load(x + j)...);
    P sum = sum_of_registers(sums);
    for (; j + P::kLanes <= end; j += P::kLanes) sum = sum + f(P::load(x + j)...);
    if (j < end) sum = sum + (last_lanes<T>(end - j) & f(P::load(x + end - P::kLanes)...));
    return static_cast<double>(sum_of_lanes(sum));
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
  using Wide = Packet<T, 2>;
  Wide tops = Wide::all(std::numeric_limits<T>::lowest());
  Index j = 0;
  for (; j + Wide::kLanes <= c; j += Wide::kLanes) tops = max(Wide::load(x + j), tops);
  P top = max_of_registers(tops);
  for (; j + P::kLanes <= c; j += P::kLanes) top = max(P::load(x + j), top);
  return max_of_lanes(max(P::load(x + c - P::kLanes), top));
}

inline constexpr Index kFewColumns = 32;

// Up to kLanes rows of c <= kFewColumns elements, one in each lane.
template <class T>
class ShortRows {
 public:
  using P = Packet<T>;
  ShortRows(Index rows, Index c, const T* x, Index row) : rows_(rows), c_(c) {
    rows_to_lanes(rows, c, x, row, columns_);
  }
  P operator[](Index j) const { return P::load(columns_ + j * P::kLanes); }
  void put(Index j, const P& column) { column.store(columns_ + j * P::kLanes); }
  void store(T* y, Index row) const { lanes_to_rows(rows_, c_, columns_, y, row); }

 private:
  static_assert(kFewColumns >= P::kLanes, "a long row fills a packet");
  Index rows_, c_;
  alignas(kCacheLine) T columns_[kFewColumns * P::kLanes];
};

// body(first row, number of rows) for groups of n rows
template <class T, class Body>
EIGEN_STRONG_INLINE void for_row_groups(Index n, const Body& body) {
  constexpr Index group = Packet<T>::kLanes;
  for (Index i = 0; i < n; i += group) body(i, n - i < group ? n - i : group);
}

}  // namespace packet

}  // namespace picaflor::inline PICAFLOR_LEVEL
