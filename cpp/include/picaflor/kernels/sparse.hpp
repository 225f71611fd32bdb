// The product whose left operand has many zeros: what a ReLU leaves, images, counts, one-hot rows.
//
//   c (n, m) = end(init + a (n, k) b (k, m)),   only over the terms in which a is not zero
//
// The terms of some rows of a are listed, in stretches of the depth such that the same stretch of a panel of
// b fits the first-level cache.  Then, panel by panel and stretch by stretch, the sums of one row of c after
// the other run over the row's list: a value of b serves only one row of a, unlike in a tile, but where
// half of a is zero that is up to 1.4 times as fast as the tiles, where nine tenths are, 4 times.  Between
// two stretches the sums wait in a strip of workspace.  Few terms do not pay for packing the panel, and read
// b where it lies.  When that is worth doing, network/zeros.hpp estimates.
//
// Sums go on in the order of k and a zero would have added nothing: same bits as the tiles', as long as b is
// finite (there, 0 times infinity is NaN), but for the sign of a sum that is zero.
#pragma once

#include <limits>

#include "picaflor/kernels/panel.hpp"
#include "picaflor/kernels/terms.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// Sums in registers, beside a term's factor and, before AVX, a product.  (Of 64 bytes each, more of them
// would leave few steps to a stretch.)
inline constexpr int kTermVectors = sizeof(Register<float>) == 64 ? 7 : 13;
// Steps of a stretch, whose part of a panel takes 26 or 28 KiB of a first-level cache of 32 or more.
template <class T>
inline constexpr Index kStretch =
    (kTermVectors == 7 ? 28 : 26) * 1024 / (kTermVectors * kLanes<T> * Index{sizeof(T)});
// Lists are made for so many rows and steps at a time.
inline constexpr Index kListedRows = 256, kListedDepth = 512;
// A caller whose sums may not be cut lists fewer rows of more steps.
inline constexpr Index kMostListedDepth = 8192, kMostTerms = 1 << 18;
static_assert(kMaxScaledDepth <= kListedDepth);  // sums that end in add_scaled do not pass through c

// ------------------------------------------------------------------------------------------- one stretch

// Where sums start and where they go.
template <class T>
struct SumEnds {
  const T* from = nullptr;  // null: from zero
  Index from_row = 0;
  T* to = nullptr;
  Index to_row = 0;
  MatmulEnd end = MatmulEnd::store;
  T alpha = 1, beta = 0;
};

// Rows of c, Vectors * lanes columns wide.
template <class T>
struct TermRows {
  Index rows;
  const std::int32_t* counts;  // (rows)
  const Term<T>* terms;        // of all the rows, one after the other
  const T* b;
  Index b_last, last;  // where the last vector of a row begins: in b, and in ends.from and ends.to
  SumEnds<T> ends;
};

template <class T, int Vectors>
void sum_terms(const TermRows<T>& t) noexcept {
  using namespace Eigen::internal;
  using P = Register<T>;
  const auto column = column_of<T, Vectors>;
  const SumEnds<T>& ends = t.ends;
  const T* const b = t.b;
  const Index b_last = t.b_last, last = t.last;
  const Term<T>* term = t.terms;
  const bool skips = ends.end == MatmulEnd::add_scaled && ends.beta == T(0) &&
                     ends.from == nullptr;  // where nothing is to be added
  for (Index r = 0; r < t.rows; ++r) {
    if (skips && t.counts[r] == 0) continue;
    P sum[Vectors];
    if (ends.from == nullptr) {
      PICAFLOR_UNROLL
      for (int v = 0; v < Vectors; ++v) sum[v] = pzero(P());
    } else {
      const T* const from = ends.from + r * ends.from_row;
      PICAFLOR_UNROLL
      for (int v = 0; v < Vectors; ++v) sum[v] = ploadu<P>(from + column(v, last));
    }
    for (const Term<T>* const end = term + t.counts[r]; term != end; ++term) {
      const P left = pset1<P>(term->value);
      const T* const right = b + term->offset;
      PICAFLOR_UNROLL
      for (int v = 0; v < Vectors; ++v) sum[v] = pmadd(left, ploadu<P>(right + column(v, b_last)), sum[v]);
    }
    finish_row<T, Vectors>(ends.end, ends.alpha, ends.beta, sum, ends.to + r * ends.to_row, last);
  }
}

template <class T>
struct TermKernels {
  using Kernel = void (*)(const TermRows<T>&) noexcept;
  Kernel at[kTermVectors] = {};

  constexpr TermKernels() { fill<kTermVectors>(); }
  template <int Vectors>
  constexpr void fill() {
    at[Vectors - 1] = sum_terms<T, Vectors>;
    if constexpr (Vectors > 1) fill<Vectors - 1>();
  }
};

template <class T>
inline constexpr TermKernels<T> kTermKernels{};

// ------------------------------------------------------------------------------------------ the lists

// Where things begin in a workspace for blocks of up to `rows` rows and k steps.
template <class T>
struct TermSpace {
  Index packed = 0, strip, lists, size;

  constexpr TermSpace(Index rows, Index k, Index m) {
    const Index width = smaller_of(parts_of(m, kLanes<T>), kTermVectors) * kLanes<T>;
    const Index terms = smaller_of(rows * k, kMostTerms);
    strip = padded<T>(smaller_of(k, kStretch<T>) * width);
    lists = strip + padded<T>(rows * width);
    size = lists + padded<T>(terms * Index{sizeof(Term<T>) / sizeof(T)});
  }
};

// The terms of some rows of a: stretch by stretch of the depth, and of a stretch row by row.
template <class T>
struct TermLists {
  Index rows;
  Parts stretches;
  const Term<T>* starts[kMostListedDepth / kStretch<T> + 1];    // (stretches)
  std::int32_t counts[kMostTerms / kStretch<T> + kListedRows];  // (stretches, rows)

  // n k <= kMostTerms; the offset of place p of a stretch is p * step.
  TermLists(Index n, Index k, Index longest, const T* a, Index a_row, Index a_col, Index step,
            Term<T>* terms) noexcept
      : rows(n), stretches(k, parts_of(k, longest)) {
    std::int32_t* count = counts;
    const auto list = [&](Index depth, const T* row) {
      Term<T>* const end = list_row(depth, row, step, terms);
      *count++ = static_cast<std::int32_t>(end - terms);
      terms = end;
    };
    for (Index s = 0; s < stretches.count; ++s) {
      starts[s] = terms;
      const Index depth = stretches.size_of(s);
      const T* const block = a + stretches.begin(s) * a_col;
      if (a_col == 1) {
        for (Index r = 0; r < rows; ++r) list(depth, block + r * a_row);
        continue;
      }
      for (Index r = 0; r < rows; r += kLanes<T>) {
        T transposed[kLanes<T>][kStretch<T>];
        const Index height = smaller_of(rows - r, kLanes<T>);
        transpose_rows(height, depth, block + r * a_row, a_row, a_col, transposed[0]);
        for (Index i = 0; i < height; ++i) list(depth, transposed[i]);
      }
    }
  }

 private:
  // Up to kLanes rows that do not lie along memory.
  static void transpose_rows(Index height, Index depth, const T* a, Index a_row, Index a_col,
                             T* transposed) noexcept {
    Index p = 0;
    if (height == kLanes<T> && a_row == 1) {
      for (; p + kLanes<T> <= depth; p += kLanes<T>)
        transpose_block(a + p * a_col, a_col, transposed + p, kStretch<T>);
    }
    for (; p < depth; ++p) {
      for (Index i = 0; i < height; ++i) transposed[i * kStretch<T> + p] = a[i * a_row + p * a_col];
    }
  }
};

// ----------------------------------------------------------------------------------------------- products

// Panel i of b (of the depth of the lists), the sums waiting in the strip between two stretches.  Without a
// place for packing, b is read as it lies.
template <class T>
void sum_panel(const TermLists<T>& lists, const Panels<T>& panels, Index i, const T* b, Index b_row,
               Index b_col, T* packed, T* strip, const SumEnds<T>& ends) noexcept {
  const int width = panels.width(i);
  for (Index s = 0; s < lists.stretches.count; ++s) {
    const bool starts = s == 0, stops = s + 1 == lists.stretches.count;
    const T* const stretch = b + lists.stretches.begin(s) * b_row;
    TermRows<T> t;
    t.rows = lists.rows;
    t.counts = lists.counts + s * lists.rows;
    t.terms = lists.starts[s];
    t.last = panels.last(i);
    if (packed != nullptr) {
      panels.pack(i, lists.stretches.size_of(s), stretch, b_row, b_col, panels.row(), packed);
      t.b = packed;
      t.b_last = (width - 1) * kLanes<T>;
    } else {
      t.b = stretch + panels.column(i);
      t.b_last = t.last;
    }
    t.ends.from = starts ? ends.from : strip;
    t.ends.from_row = starts ? ends.from_row : panels.row();
    t.ends.to = stops ? ends.to : strip;
    t.ends.to_row = stops ? ends.to_row : panels.row();
    t.ends.end = stops ? ends.end : MatmulEnd::store;
    t.ends.alpha = ends.alpha;
    t.ends.beta = ends.beta;
    kTermKernels<T>.at[width - 1](t);
  }
}

template <class T>
bool can_leave_out_zeros(const Matmul<T>& g) noexcept {
  return g.k > 0 && g.m >= kLanes<T>;
}

template <class T>
constexpr Index sparse_workspace(Index n, Index m, Index k) noexcept {
  return TermSpace<T>(smaller_of(n, kListedRows), smaller_of(k, kListedDepth), m).size;
}

// g.workspace: sparse_workspace(n, m, k) elements.  Not inlined, since TermLists takes some pages of the
// stack, which every small product would pay for touching.
template <class T>
EIGEN_DONT_INLINE void matmul_sparse(const Matmul<T>& g) noexcept {
  constexpr Index kFar = std::numeric_limits<std::int32_t>::max() / kListedDepth;  // for an offset
  const bool packs = g.zeros != Zeros::left_out_in_place || g.a_col != 1 || g.b_col != 1 || g.b_row >= kFar;
  const Panels<T> panels(g.m, kTermVectors);
  const Parts rows(g.n, parts_of(g.n, kListedRows)), depths(g.k, parts_of(g.k, kListedDepth));
  const TermSpace<T> space(rows.largest(), depths.largest(), g.m);
  auto* const terms = reinterpret_cast<Term<T>*>(g.workspace + space.lists);
  T* const packed = packs ? g.workspace + space.packed : nullptr;
  T* const strip = g.workspace + space.strip;
  for (Index block = 0; block < rows.count; ++block) {
    const Index row = rows.begin(block);
    for (Index d = 0; d < depths.count; ++d) {
      const Index first = depths.begin(d);
      const TermLists<T> lists(rows.size_of(block), depths.size_of(d), packs ? kStretch<T> : kListedDepth,
                               g.a + row * g.a_row + first * g.a_col, g.a_row, g.a_col,
                               packs ? panels.row() : g.b_row, terms);
      for (Index i = 0; i < panels.count(); ++i) {
        const Index column = panels.column(i);
        SumEnds<T> ends;
        ends.to = g.c + row * g.c_row + column;
        ends.to_row = g.c_row;
        if (d > 0 || g.init == MatmulInit::accumulate) {
          ends.from = ends.to;
          ends.from_row = g.c_row;
        } else if (g.init == MatmulInit::bias) {
          ends.from = g.bias + column;
        }
        if (d + 1 == depths.count) ends.end = g.end;
        ends.alpha = g.alpha;
        ends.beta = g.beta;
        sum_panel(lists, panels, i, g.b + first * g.b_row, g.b_row, g.b_col, packed, strip, ends);
      }
    }
  }
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
