// The product whose left operand is mostly zeros: images, counts, one-hot rows.
//
//   c (n, m) = end(init + a (n, k) b (k, m)),   only over the terms in which a is not zero
//
// For each row of a the places of what is not zero are listed first.  Then sums of up to kMaxVectors vectors
// run over the list, a row of b each: no value of b serves several rows of a as in a tile, but most are not
// touched at all.  Sums go on in the order of k and a zero would have added nothing: same bits as matmul, as
// long as b is finite (there, 0 times infinity is NaN).
#pragma once

#include <cstdint>
#include <cstring>

#include "picaflor/kernels/parts.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

using Place = std::int32_t;  // of a term: its k

// Rows of a whose terms are listed at a time: where a is turned (a = x^T), a line of x holds so many of them.
template <class T>
inline constexpr Index kListedRows = kCacheLine / Index{sizeof(T)};
inline constexpr Index kMaxPlaces = 65536;

template <class T>
constexpr Index listed_rows(Index k) {
  return k * kListedRows<T> <= kMaxPlaces ? kListedRows<T> : kMaxPlaces / k;
}

template <class T>
constexpr Index sparse_workspace(Index k) noexcept {
  if (k == 0 || k > kMaxPlaces) return 0;
  return padded<T>(parts_of(listed_rows<T>(k) * k * Index{sizeof(Place)}, Index{sizeof(T)}));
}

template <class T>
bool can_leave_out_zeros(const Matmul<T>& g) noexcept {
  return g.k > 0 && g.k <= kMaxPlaces && g.b_col == 1 && g.m % kLanes<T> == 0;
}

// Whether a cache line's worth of values is all (positive) zeros.
template <class T>
bool is_blank(const T* values) noexcept {
  std::uint64_t bits[kCacheLine / sizeof(std::uint64_t)];
  std::memcpy(bits, values, sizeof(bits));
  std::uint64_t any = 0;
  PICAFLOR_UNROLL
  for (const std::uint64_t b : bits) any |= b;
  return any == 0;
}

// places (rows, k): where the `rows` rows of a are not zero; counts (rows).  Zeros come in stretches: lines
// of them are passed over, and within a line nothing branches, since which pixels are black can not be
// foreseen.
template <class T>
void list_terms(Index rows, Index k, const T* a, Index a_row, Index a_col, Place* places,
                Index* counts) noexcept {
  constexpr Index line = kListedRows<T>;
  if (a_col == 1) {
    for (Index r = 0; r < rows; ++r) {
      const T* const row = a + r * a_row;
      Place* place = places + r * k;
      for (Index first = 0; first < k; first += line) {
        const bool whole = first + line <= k;
        if (whole && is_blank(row + first)) continue;
        const Index end = whole ? first + line : k;
        for (Index p = first; p < end; ++p) {
          *place = static_cast<Place>(p);
          place += row[p] != T(0) ? 1 : 0;
        }
      }
      counts[r] = place - (places + r * k);
    }
    return;
  }
  Place* ends[line];
  for (Index r = 0; r < rows; ++r) ends[r] = places + r * k;
  const bool is_line = a_row == 1 && rows == line;
  for (Index p = 0; p < k; ++p) {
    const T* const column = a + p * a_col;
    if (is_line && is_blank(column)) continue;
    for (Index r = 0; r < rows; ++r) {
      *ends[r] = static_cast<Place>(p);
      ends[r] += column[r * a_row] != T(0) ? 1 : 0;
    }
  }
  for (Index r = 0; r < rows; ++r) counts[r] = ends[r] - (places + r * k);
}

// Vectors * lanes columns of one row of c.
template <class T>
struct TermSums {
  Index count = 0;
  const Place* places = nullptr;
  const T* a = nullptr;
  Index a_col = 0;
  const T* b = nullptr;
  Index b_row = 0;
  T* c = nullptr;
  const T* bias = nullptr;
  MatmulInit init = MatmulInit::zero;
  MatmulEnd end = MatmulEnd::store;
  T alpha = 1;
};

template <class T, int Vectors>
void sum_terms(const TermSums<T>& s) noexcept {
  using namespace Eigen::internal;
  using P = Register<T>;
  const T* const a = s.a;
  const T* const b = s.b;
  T* const c = s.c;
  const Index a_col = s.a_col, b_row = s.b_row;
  P sum[Vectors];
  PICAFLOR_UNROLL
  for (int v = 0; v < Vectors; ++v) {
    sum[v] = s.init == MatmulInit::bias         ? ploadu<P>(s.bias + v * kLanes<T>)
             : s.init == MatmulInit::accumulate ? ploadu<P>(c + v * kLanes<T>)
                                                : pzero(P());
  }
  for (Index t = 0; t < s.count; ++t) {
    const Index place = s.places[t];
    const P left = pset1<P>(a[place * a_col]);
    const T* const row = b + place * b_row;
    PICAFLOR_UNROLL
    for (int v = 0; v < Vectors; ++v) sum[v] = pmadd(left, ploadu<P>(row + v * kLanes<T>), sum[v]);
  }
  if (s.end == MatmulEnd::relu) {
    PICAFLOR_UNROLL
    for (int v = 0; v < Vectors; ++v) sum[v] = pmax(sum[v], pzero(P()));  // a NaN stays
  } else if (s.end == MatmulEnd::add_scaled) {
    PICAFLOR_UNROLL
    for (int v = 0; v < Vectors; ++v) sum[v] = pmadd(pset1<P>(s.alpha), sum[v], ploadu<P>(c + v * kLanes<T>));
  }
  PICAFLOR_UNROLL
  for (int v = 0; v < Vectors; ++v) pstoreu(c + v * kLanes<T>, sum[v]);
}

template <class T>
struct TermKernels {
  using Kernel = void (*)(const TermSums<T>&) noexcept;
  Kernel at[kMaxVectors] = {};

  constexpr TermKernels() { fill<kMaxVectors>(); }
  template <int Vectors>
  constexpr void fill() {
    at[Vectors - 1] = sum_terms<T, Vectors>;
    if constexpr (Vectors > 1) fill<Vectors - 1>();
  }
};

template <class T>
inline constexpr TermKernels<T> kTermKernels{};

// g.workspace: sparse_workspace(k) elements
template <class T>
void matmul_sparse(const Matmul<T>& g) noexcept {
  Place* const places = reinterpret_cast<Place*>(g.workspace);
  Index counts[kListedRows<T>];
  TermSums<T> s;
  s.a_col = g.a_col;
  s.b_row = g.b_row;
  s.init = g.init;
  s.end = g.end;
  s.alpha = g.alpha;
  constexpr Index widest = kMaxVectors * kLanes<T>;
  for (Index first = 0; first < g.n; first += listed_rows<T>(g.k)) {
    const Index rows = g.n - first < listed_rows<T>(g.k) ? g.n - first : listed_rows<T>(g.k);
    list_terms(rows, g.k, g.a + first * g.a_row, g.a_row, g.a_col, places, counts);
    for (Index column = 0; column < g.m; column += widest) {
      const Index width = g.m - column < widest ? g.m - column : widest;
      s.b = g.b + column;
      s.bias = g.bias == nullptr ? nullptr : g.bias + column;
      for (Index r = 0; r < rows; ++r) {
        s.count = counts[r];
        s.places = places + r * g.k;
        s.a = g.a + (first + r) * g.a_row;
        s.c = g.c + (first + r) * g.c_row + column;
        kTermKernels<T>.at[width / kLanes<T> - 1](s);
      }
    }
  }
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
