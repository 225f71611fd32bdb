// Products that are made of dot products along memory: those with few rows or with few columns.
//
//   few rows      c (n, m) = a (n, k) b (k, m),   a_col = b_row = 1   the data gradient of a small minibatch
//   few columns   c (n, m) = end(init + a (n, k) b (k, m)),   a_col = b_row = 1,   m <= kMostColumnsOfDots
//                                                               the forward pass of a layer with few outputs
//
// Each sum runs kLanes steps at a time, and its lanes are added at the end, the first one first.  The tiles
// of gemm.hpp would have to transpose b for few rows, which takes up to four times as long, and would work
// out a whole vector of columns for a few.  The order of the sums is another one; therefore the caller says
// that there are only few rows or few columns, before anything is cut into blocks for threads.
#pragma once

#include "picaflor/kernels/parts.hpp"
#include "picaflor/kernels/rows.hpp"
#include "picaflor/kernels/tile.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// Vectors of k >= kLanes elements, `distance` apart.
template <class T>
struct Vectors {
  const T* first;
  Index distance;
  const T* operator[](Index i) const { return first + i * distance; }
};

// The vectors b times the vectors a, which stay in registers: b_i a_j in lane i A + j, A B <= kLanes.
template <class T, int A, int B>
Register<T> dots(Index k, Vectors<T> a, Vectors<T> b) noexcept {
  using namespace Eigen::internal;
  using P = Register<T>;
  constexpr int lanes = static_cast<int>(kLanes<T>);
  static_assert(A * B <= lanes);
  PacketBlock<P, lanes> sums;
  PICAFLOR_UNROLL
  for (int i = 0; i < lanes; ++i) sums.packet[i] = pzero(P());
  const auto add = [&](Index p, const auto& part) {
    P left[A];
    PICAFLOR_UNROLL
    for (int j = 0; j < A; ++j) {
      left[j] = part(ploadu<P>(a[j] + p));
      if constexpr (B > 1) packet::registers::keep_in_register(left[j]);
    }
    PICAFLOR_UNROLL
    for (int i = 0; i < B; ++i) {
      P right = part(ploadu<P>(b[i] + p));
      if constexpr (A > 1) packet::registers::keep_in_register(right);
      PICAFLOR_UNROLL
      for (int j = 0; j < A; ++j) sums.packet[i * A + j] = pmadd(left[j], right, sums.packet[i * A + j]);
    }
  };
  for (Index p = 0; p + lanes <= k; p += lanes) add(p, [](P x) { return x; });
  const Index rest = k % lanes;
  if (rest != 0) {  // read together with steps before them, which count as zero
    const Mask<T> is_new = packet::last_lanes<T>(rest);
    add(k - lanes, [&](P x) { return (is_new & Packet<T>{{x}}).r[0]; });
  }
  ptranspose(sums);
  P total = sums.packet[0];
  PICAFLOR_UNROLL
  for (int i = 1; i < lanes; ++i) total = padd(total, sums.packet[i]);
  return total;
}

// `count` vectors b times the A vectors a: put(i, those of b from i on, how many vectors b these are).
template <class T, int A, class Put>
void each_dots(Index count, Index k, Vectors<T> a, Vectors<T> b, const Put& put) noexcept {
  constexpr int together = static_cast<int>(kLanes<T>) / A;
  Index i = 0;
  for (; i + together <= count; i += together) {
    put(i, dots<T, A, together>(k, a, {b[i], b.distance}), together);
  }
  for (; i < count; ++i) put(i, dots<T, A, 1>(k, a, {b[i], b.distance}), 1);
}

template <class T>
bool are_rows_of_dots(const Matmul<T>& g) noexcept {
  return g.is_few_rows && g.a_col == 1 && g.b_row == 1 && g.k >= kLanes<T> && g.init == MatmulInit::zero &&
         g.end == MatmulEnd::store;
}

template <class T>
inline constexpr int kRowsOfDots = smaller_of(4, kLanes<T>);

template <class T, int Rows = kRowsOfDots<T>>
void rows_of_dots(const Matmul<T>& g) noexcept {
  if constexpr (Rows > 1) {
    if (g.n < Rows) return rows_of_dots<T, Rows - 1>(g);
  }
  alignas(kCacheLine) T y[kLanes<T>];
  const Vectors<T> rows{g.a, g.a_row}, columns{g.b, g.b_col};
  each_dots<T, Rows>(g.m, g.k, rows, columns, [&](Index column, Register<T> sums, int count) {
    Eigen::internal::pstore(y, sums);
    for (int i = 0; i < Rows; ++i) {
      for (int j = 0; j < count; ++j) g.c[i * g.c_row + column + j] = y[j * Rows + i];
    }
  });
}

template <class T>
void matmul_few_rows(const Matmul<T>& g) noexcept {
  const Parts rows(g.n, parts_of(g.n, kRowsOfDots<T>));
  for (Index i = 0; i < rows.count; ++i) {
    Matmul<T> part = g;
    part.n = rows.size_of(i);
    part.a += rows.begin(i) * g.a_row;
    part.c += rows.begin(i) * g.c_row;
    rows_of_dots(part);
  }
}

// Columns whose dots fit a register.
template <class T>
inline constexpr Index kMostDots = smaller_of(kMostColumnsOfDots, kLanes<T>);

template <class T>
bool are_columns_of_dots(const Matmul<T>& g) noexcept {
  return g.is_few_columns && g.m <= kMostDots<T> && g.a_col == 1 && g.b_row == 1 &&
         g.init != MatmulInit::accumulate && g.end != MatmulEnd::add_scaled;
}

template <class T, int Columns>
void columns_of_dots(const Matmul<T>& g) noexcept {
  using namespace Eigen::internal;
  using P = Register<T>;
  const auto start = [&](Index j) { return g.init == MatmulInit::bias ? g.bias[j] : T(0); };
  if (g.k < kLanes<T>) {
    for (Index i = 0; i < g.n; ++i) {
      for (Index j = 0; j < Columns; ++j) {
        T sum = start(j);
        for (Index p = 0; p < g.k; ++p) {
          sum = multiply_add(g.a[i * g.a_row + p], g.b[j * g.b_col + p], sum);
        }
        g.c[i * g.c_row + j] = g.end == MatmulEnd::relu && sum < T(0) ? T(0) : sum;  // a NaN stays
      }
    }
    return;
  }
  alignas(kCacheLine) T y[kLanes<T>];
  for (Index l = 0; l < kLanes<T>; ++l) y[l] = start(l % Columns);
  const P starts = pload<P>(y);
  const Vectors<T> rows{g.a, g.a_row}, columns{g.b, g.b_col};
  each_dots<T, Columns>(g.n, g.k, columns, rows, [&](Index row, P sums, int count) {
    sums = padd(starts, sums);
    if (g.end == MatmulEnd::relu) sums = pmax(sums, pzero(sums));  // here too
    if (g.c_row == Columns && count * Columns == kLanes<T>) return pstoreu(g.c + row * Columns, sums);
    pstore(y, sums);
    for (int i = 0; i < count; ++i) {
      for (int j = 0; j < Columns; ++j) g.c[(row + i) * g.c_row + j] = y[i * Columns + j];
    }
  });
}

template <class T, int Columns = 1>
void matmul_few_columns(const Matmul<T>& g) noexcept {
  if (g.m == Columns) return columns_of_dots<T, Columns>(g);
  if constexpr (Columns < kMostDots<T>) matmul_few_columns<T, Columns + 1>(g);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
