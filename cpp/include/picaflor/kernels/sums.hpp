// Loops over rows and over blocks of columns.  Sums are taken in double, in an order that depends on sizes
// alone, neither on alignment nor on the instruction-set level.  Results pass through a small array of their
// own, so that an output may lie where an input does, and the compiler vectorises without asking whether it
// does.
#pragma once

#include <cstring>

#include "picaflor/kernels/table.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// sum_i term(i), i = 0 ... size - 1:  term i goes to lane i mod 16, and the lanes are added in one order.
template <class Term>
double lane_sum(Index size, Term term) {
  constexpr Index lanes = 16;
  double sum[lanes] = {};
  Index i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (Index k = 0; k < lanes; ++k) sum[k] += term(i + k);
  }
  for (Index k = 0; i + k < size; ++k) sum[k] += term(i + k);
  for (Index half = lanes / 2; half > 0; half /= 2) {
    for (Index k = 0; k < half; ++k) sum[k] += sum[k + half];
  }
  return sum[0];
}

// Columns are worked on in blocks of so many: a whole one is unrolled, and its sums stay in registers.
inline constexpr Index kColumnBlock = 16;

// sum_k = sum_i term(i, k) for the columns k = 0 ... columns - 1 <= kColumnBlock of a block, rows added up in
// runs of 256.
template <class Term>
void column_block_sums(Index n, Index columns, Term term, double* sum) {
  constexpr Index run = 256;
  for (Index k = 0; k < columns; ++k) sum[k] = 0;
  for (Index first = 0; first < n; first += run) {
    const Index last = first + run < n ? first + run : n;
    double part[kColumnBlock] = {};
    if (columns == kColumnBlock) {
      for (Index i = first; i < last; ++i) {
        for (Index k = 0; k < kColumnBlock; ++k) part[k] += term(i, k);
      }
    } else {
      for (Index i = first; i < last; ++i) {
        for (Index k = 0; k < columns; ++k) part[k] += term(i, k);
      }
    }
    for (Index k = 0; k < columns; ++k) sum[k] += part[k];
  }
}

// out_ik = term(i, k) for the columns of a block, row by row
template <class T, class Term>
void write_columns(Index n, Index columns, T* out, Index out_row, Term term) {
  T part[kColumnBlock];
  if (columns == kColumnBlock) {
    for (Index i = 0; i < n; ++i) {
      for (Index k = 0; k < kColumnBlock; ++k) part[k] = term(i, k);
      std::memcpy(out + i * out_row, part, sizeof part);
    }
  } else {
    for (Index i = 0; i < n; ++i) {
      for (Index k = 0; k < columns; ++k) part[k] = term(i, k);
      std::memcpy(out + i * out_row, part, static_cast<std::size_t>(columns) * sizeof(T));
    }
  }
}

// out_j = term(j) along one row
template <class T, class Term>
void write_row(Index size, T* out, Term term) {
  T part[kColumnBlock];
  Index j = 0;
  for (; j + kColumnBlock <= size; j += kColumnBlock) {
    for (Index k = 0; k < kColumnBlock; ++k) part[k] = term(j + k);
    std::memcpy(out + j, part, sizeof part);
  }
  for (; j < size; ++j) out[j] = term(j);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
