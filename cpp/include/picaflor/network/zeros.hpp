// Whether the zeros of an operand are worth leaving out of a product: how long it would take without them,
// where with them it takes 1.
//
//   terms packed             speed (1.25 share + 6.5 / n + 8 / width)
//   terms in place           speed (2 share + 8 / width)
//   few rows added to w      0.25 + 1.6 touched,   touched = 1 - (1 - share)^n
//
// for n rows of which `share` is not zero, and a product `width` columns wide: a term reads what it
// multiplies, from a packed panel or from farther away; packing (or reading and writing w) takes as long as
// some rows, and listing a value as some columns.  `speed` is that of the tiles that this is compared to.
// Where a few rows are added to weights without further ado, memory is the limit, and the weights' rows to
// which nothing is added stay untouched.
// (Fitted to 1 to 1024 rows of 128 to 1024 values, 5 to 50 % of them not zero.)
#pragma once

#include <algorithm>
#include <cmath>

#include "picaflor/kernels/table.hpp"
#include "picaflor/network/matmul.hpp"

namespace picaflor {

inline constexpr double kWorthIt = 0.95;  // what is estimated should take less than this
inline constexpr Index kLeastWidth = 80;  // narrower products are over before their zeros are found

struct ZerosCost {
  double speed, rows, width;

  double packed(double share, double packing = 6.5) const {
    return speed * (1.25 * share + packing / rows + 8 / width);
  }
  double in_place(double share) const { return speed * (2 * share + 8 / width); }
  double added(double share) const { return 0.25 + 1.6 * (1 - std::pow(1 - share, rows)); }
};

// The share of x (n, d) that is not zero, by a sample: taken before work is split, so that every thread is
// told the same.
template <class T>
double share_of_nonzeros(Index n, Index d, const T* x, Index x_row) {
  constexpr Index kSampled = 4, kPerRow = 64;
  const Index rows = std::min(n, kSampled), stride = std::max<Index>(d / kPerRow, 1);
  Index seen = 0, others = 0;
  for (Index i = 0; i < rows; ++i) {
    const T* const row = x + i * n / rows * x_row;
    for (Index j = i * stride / rows; j < d; j += stride) {
      ++seen;
      others += row[j] != T(0) ? 1 : 0;
    }
  }
  return seen == 0 ? 1 : static_cast<double>(others) / static_cast<double>(seen);
}

// Of x (n, d) in the product x w, `width` columns wide.  Whether they are left out does not depend on the
// threads, since a zero times infinity is not nothing; how they are does, for each packs for its own rows:
// same bits.
template <class T>
Zeros zeros_of(const KernelTable<T>& kernels, Index threads, Index n, Index d, const T* x, Index x_row,
               Index width) {
  if (width < kLeastWidth) return Zeros::multiplied;
  const double share = share_of_nonzeros(n, d, x, x_row), rows = static_cast<double>(n);
  const auto cost = [&](double r) { return ZerosCost{kernels.tile_speed, r, static_cast<double>(width)}; };
  const double in_place = cost(rows).in_place(share);
  if (std::min(cost(rows).packed(share), in_place) >= kWorthIt) return Zeros::multiplied;
  const double packed = cost(rows / static_cast<double>(threads)).packed(share);
  return packed < in_place ? Zeros::left_out : Zeros::left_out_in_place;
}

// Out of which operand of the gradient x^T dz of weights (in, out), the sums being over n rows.  `is_sum`: a
// multiple of the gradient is all that is added to the weights, and those without one stay as they are.
template <class T>
ZerosOf zeros_to_leave_out(const KernelTable<T>& kernels, Index n, Index in, const T* x, Index x_row,
                           Index out, const T* dz, Index dz_row, bool is_sum) {
  constexpr double kTransposing = 8;  // transposing the gradient takes as long as so many rows
  const auto cost = [&](Index width) {
    return ZerosCost{kernels.tile_speed, static_cast<double>(n), static_cast<double>(width)};
  };
  double of_x = kWorthIt, of_dz = kWorthIt;
  if (out >= kLeastWidth) {
    const double share = share_of_nonzeros(n, in, x, x_row);
    of_x = cost(out).packed(share);
    if (is_sum) of_x = std::min(of_x, cost(out).added(share));
  }
  if (in >= kLeastWidth && cost(in).packed(0, kTransposing) < kWorthIt) {
    of_dz = cost(in).packed(share_of_nonzeros(n, out, dz, dz_row), kTransposing);
  }
  if (std::min(of_x, of_dz) >= kWorthIt) return ZerosOf::neither;
  return of_dz < of_x ? ZerosOf::dz : ZerosOf::x;
}

}  // namespace picaflor
