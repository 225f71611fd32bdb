// Products that are made of dot products along memory: those with a single row or a single column.
//
//   one row      c (1, m) = a (1, k) b (k, m),   b_row = 1      the data gradient of a minibatch of one
//   one column   c (n, 1) = end(init + a (n, k) b (k, 1)),   a_col = b_row = 1
//                                                               the forward pass of a layer with one output
//
// Each sum runs kLanes steps at a time, and its lanes are added at the end, the first one first.  The tiles
// of gemm.hpp would have to turn b for a single row, which takes four times as long, and would work out a
// whole vector of columns for a single one.  The order of the sums is another one; therefore the caller says
// that there is only one row or column, before anything is cut into blocks for threads.
#pragma once

#include "picaflor/kernels/rows.hpp"
#include "picaflor/kernels/tile.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// a (k) times `Count` vectors (k) that lie `distance` apart, in the first lanes; 1 or kLanes, k >= kLanes.
template <class T, int Count>
Register<T> dots(Index k, const T* a, const T* b, Index distance) noexcept {
  using namespace Eigen::internal;
  using P = Register<T>;
  constexpr int lanes = static_cast<int>(kLanes<T>);
  PacketBlock<P, lanes> sums;
  PICAFLOR_UNROLL
  for (int i = 0; i < lanes; ++i) sums.packet[i] = pzero(P());
  const auto add = [&](Index p, const auto& part) {
    const P left = part(ploadu<P>(a + p));
    PICAFLOR_UNROLL
    for (int i = 0; i < Count; ++i) {
      sums.packet[i] = pmadd(left, part(ploadu<P>(b + i * distance + p)), sums.packet[i]);
    }
  };
  for (Index p = 0; p + lanes <= k; p += lanes) add(p, [](P x) { return x; });
  const Index rest = k % lanes;
  if (rest != 0) {  // read together with steps before them, which count as zero
    const P is_new = packet::last_lanes<Packet<T>>(rest).r[0];
    add(k - lanes, [&](P x) { return pand(x, is_new); });
  }
  ptranspose(sums);
  P total = sums.packet[0];
  PICAFLOR_UNROLL
  for (int i = 1; i < lanes; ++i) total = padd(total, sums.packet[i]);
  return total;
}

// `count` dot products: put(i, those from i on, how many of them).
template <class T, class Put>
void each_dots(Index count, Index k, const T* a, const T* b, Index distance, const Put& put) noexcept {
  constexpr Index lanes = kLanes<T>;
  Index i = 0;
  for (; i + lanes <= count; i += lanes) {
    put(i, dots<T, static_cast<int>(lanes)>(k, a, b + i * distance, distance), lanes);
  }
  for (; i < count; ++i) put(i, dots<T, 1>(k, a, b + i * distance, distance), Index{1});
}

template <class T>
bool is_row_of_dots(const Matmul<T>& g) noexcept {
  return g.is_one_row && g.a_col == 1 && g.b_row == 1 && g.k >= kLanes<T> && g.init == MatmulInit::zero &&
         g.end == MatmulEnd::store;
}

template <class T>
void matmul_one_row(const Matmul<T>& g) noexcept {
  each_dots(g.m, g.k, g.a, g.b, g.b_col, [&](Index j, Register<T> sums, Index count) {
    if (count == 1) {
      g.c[j] = Eigen::internal::pfirst(sums);
    } else {
      Eigen::internal::pstoreu(g.c + j, sums);
    }
  });
}

template <class T>
bool is_column_of_dots(const Matmul<T>& g) noexcept {
  return g.is_one_column && g.a_col == 1 && g.b_row == 1 && g.init != MatmulInit::accumulate &&
         g.end != MatmulEnd::add_scaled;
}

template <class T>
void matmul_one_column(const Matmul<T>& g) noexcept {
  const T start = g.init == MatmulInit::bias ? g.bias[0] : T(0);
  const auto put = [&](Index row, T sum) {
    g.c[row * g.c_row] = g.end == MatmulEnd::relu && sum < T(0) ? T(0) : sum;  // a NaN stays
  };
  if (g.k < kLanes<T>) {
    for (Index i = 0; i < g.n; ++i) {
      T sum = start;
      for (Index p = 0; p < g.k; ++p) sum = multiply_add(g.a[i * g.a_row + p], g.b[p], sum);
      put(i, sum);
    }
    return;
  }
  each_dots(g.n, g.k, g.b, g.a, g.a_row, [&](Index row, Register<T> sums, Index count) {
    alignas(kCacheLine) T y[kLanes<T>];
    Eigen::internal::pstore(y, sums);
    for (Index i = 0; i < count; ++i) put(row + i, start + y[i]);
  });
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
