// One row times a transposed matrix: the data gradient of a minibatch of one.
//
//   c (1, m) = a (1, k) b (k, m),   b_row = 1: a column of b lies contiguously, as a does
//
// Every c_j is a dot product along memory, kLanes sums side by side that are added at the end, the first lane
// first.  Turning b for the tiles of gemm.hpp would take four times as long.  The order of the sums is
// another one; therefore the caller says that there is only one row, before rows are cut into blocks for
// threads.
#pragma once

#include "picaflor/kernels/tile.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
bool can_use_dots(const Matmul<T>& g) noexcept {
  return g.is_one_row && g.a_col == 1 && g.b_row == 1 && g.k >= kLanes<T> && g.init == MatmulInit::zero &&
         g.end == MatmulEnd::store;
}

// c_j, c_j+1, ... of `Columns` columns of b, 1 or kLanes.
template <class T, int Columns>
void dots(const Matmul<T>& g, Index j) noexcept {
  using namespace Eigen::internal;
  using P = Register<T>;
  constexpr int lanes = static_cast<int>(kLanes<T>);
  const T* const b = g.b + j * g.b_col;
  PacketBlock<P, lanes> sums;
  PICAFLOR_UNROLL
  for (int i = 0; i < lanes; ++i) sums.packet[i] = pzero(P());
  const auto add = [&](Index p, const auto& part) {
    const P a = part(ploadu<P>(g.a + p));
    PICAFLOR_UNROLL
    for (int i = 0; i < Columns; ++i) {
      sums.packet[i] = pmadd(a, part(ploadu<P>(b + i * g.b_col + p)), sums.packet[i]);
    }
  };
  for (Index p = 0; p + lanes <= g.k; p += lanes) add(p, [](P x) { return x; });
  const Index rest = g.k % lanes;
  if (rest != 0) {  // read together with steps before them, which count as zero
    const P is_new = pcmp_le(pset1<P>(static_cast<T>(lanes - rest)), plset<P>(T(0)));
    add(g.k - lanes, [&](P x) { return pand(x, is_new); });
  }
  ptranspose(sums);
  P total = sums.packet[0];
  PICAFLOR_UNROLL
  for (int i = 1; i < lanes; ++i) total = padd(total, sums.packet[i]);
  if constexpr (Columns == 1) {
    g.c[j] = pfirst(total);
  } else {
    pstoreu(g.c + j, total);
  }
}

template <class T>
void matmul_dots(const Matmul<T>& g) noexcept {
  Index j = 0;
  for (; j + kLanes<T> <= g.m; j += kLanes<T>) dots<T, static_cast<int>(kLanes<T>)>(g, j);
  for (; j < g.m; ++j) dots<T, 1>(g, j);
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
