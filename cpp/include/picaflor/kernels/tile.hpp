// The inner kernel of every matrix product: one tile of c held in registers.
//
//   c (Rows, Vectors * lanes) = end(init + a (Rows, k) b (k, Vectors * lanes))
//
// For each of the k steps the columns of b are loaded as they lie, one value of each row of a is broadcast,
// and Rows x Vectors independent sums advance by one fused multiply-add.  So each c_ij is one chain of
// additions in the order of k: its bits depend neither on the tile's shape nor on where the tile lies in the
// matrix.
#pragma once

#include <cmath>

#include "picaflor/kernels/packet.hpp"
#include "picaflor/kernels/prefetch.hpp"
#include "picaflor/kernels/table.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// a b + c with the rounding that the level's vectors have: fused where the processor can.
template <class T>
T multiply_add(T a, T b, T c) {
#if defined(EIGEN_VECTORIZE_FMA) || defined(__ARM_FEATURE_FMA)
  return std::fma(a, b, c);
#else
  return a * b + c;
#endif
}

// Tile shapes.  Enough independent sums to hide the latency of a fused multiply-add (4 cycles, two or one per
// cycle), few enough to leave registers for one row of b and one value of a (but for a few shapes, see
// `fits`).  Few rows get wide tiles, so that a product with a single row streams b instead of waiting for its
// sums.
inline constexpr int kRegisters = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS;
inline constexpr bool kManyRegisters = kRegisters >= 32;
inline constexpr int kMaxRows = kManyRegisters ? 8 : 6;
inline constexpr int kMaxVectors = 8;

inline constexpr int kFewVectors[] = {8, 4, 4, 3, 2, 2};         // by rows, 16 registers
inline constexpr int kManyVectors[] = {8, 8, 7, 6, 4, 4, 3, 3};  // 32 registers
constexpr int max_vectors(int rows) {
  return kManyRegisters ? kManyVectors[rows - 1] : kFewVectors[rows - 1];
}

// High tiles are two or three vectors wide.  What is left over goes to lower and wider tiles, one vector more
// each, instead of to a tile of its own, whose few sums would wait for one another.
inline constexpr int kWideVectors = max_vectors(kMaxRows) + 1;
inline constexpr int kWideRows = kManyRegisters ? 6 : 4;
static_assert(max_vectors(kWideRows) >= kWideVectors);

// A column of tiles: `tiles` tiles of the same shape below one another.  Without defaults, because clearing
// it would take a small product longer than its sums.
template <class T>
struct TileColumn {
  Index k, tiles;
  const T* a;
  Index a_row, a_col, a_tile;  // a_tile: distance from one tile's rows to the next tile's
  const T* b;
  Index b_row, b_last;  // b_last: where the last vector of a row of b begins (vectors may overlap)
  T* c;
  Index c_row, c_last;
  const T* bias;
  MatmulInit init;
  MatmulEnd end;
  T alpha, beta;
  T* copy;  // (k, Vectors * lanes) receives the rows of b, where Copies is true
};

// Where vector v of a row begins: one behind the other, but for the last one, which may overlap.
template <class T, int Vectors>
EIGEN_STRONG_INLINE constexpr Index column_of(int v, Index last) {
  return v == 0 || v + 1 < Vectors ? v * kLanes<T> : last;
}

// row = end(sum).  All old values are read before the first is written: the last two vectors may overlap.
template <class T, int Vectors>
EIGEN_STRONG_INLINE void finish_row(MatmulEnd end, T alpha, T beta, Register<T> (&sum)[Vectors], T* row,
                                    Index last) {
  using namespace Eigen::internal;
  using P = Register<T>;
  if (end == MatmulEnd::relu) {
    PICAFLOR_UNROLL
    for (int v = 0; v < Vectors; ++v) sum[v] = pmax(sum[v], pzero(P()));  // a NaN stays
  } else if (end == MatmulEnd::add_scaled) {
    PICAFLOR_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      const P old = ploadu<P>(row + column_of<T, Vectors>(v, last));
      if (beta != T(0)) sum[v] = pmadd(pset1<P>(beta), old, sum[v]);
      sum[v] = pmadd(pset1<P>(alpha), sum[v], old);
    }
  }
  PICAFLOR_UNROLL
  for (int v = 0; v < Vectors; ++v) pstoreu(row + column_of<T, Vectors>(v, last), sum[v]);
}

// The tile that copies b is the first to read it, at a stride that often leads to another page with every
// row: it asks for the row that comes so many steps, some 200 cycles, later.
inline constexpr Index kRowsAhead = 32;

template <class T, int Rows, int Vectors, bool Copies>
void multiply_tiles(const TileColumn<T>& t) noexcept {
  using namespace Eigen::internal;
  using P = Register<T>;
  // Where the sums, a row of b and one value of a (and without fused operations, a product) fit.
  constexpr bool fits = (Rows + 1) * Vectors + (packet::kFused ? 1 : 2) <= kRegisters;
  const auto column = column_of<T, Vectors>;
  const Index k = t.k, a_row = t.a_row, a_col = t.a_col, b_row = t.b_row, b_last = t.b_last, c_row = t.c_row,
              c_last = t.c_last;
  for (Index tile = 0; tile < t.tiles; ++tile) {
    const T* a = t.a + tile * t.a_tile;
    const T* b = t.b;
    T* const c = t.c + tile * Rows * c_row;
    P sum[Rows][Vectors];

    if (t.init == MatmulInit::accumulate) {
      PICAFLOR_UNROLL
      for (int r = 0; r < Rows; ++r) {
        PICAFLOR_UNROLL
        for (int v = 0; v < Vectors; ++v) sum[r][v] = ploadu<P>(c + r * c_row + column(v, c_last));
      }
    } else {
      PICAFLOR_UNROLL
      for (int v = 0; v < Vectors; ++v) {
        const P start = t.init == MatmulInit::bias ? ploadu<P>(t.bias + column(v, c_last)) : pzero(P());
        PICAFLOR_UNROLL
        for (int r = 0; r < Rows; ++r) sum[r][v] = start;
      }
    }

    for (Index p = 0; p < k; ++p) {
      P right[Vectors];
      PICAFLOR_UNROLL
      for (int v = 0; v < Vectors; ++v) {
        right[v] = ploadu<P>(b + column(v, b_last));
        if constexpr (fits && Rows > 1) packet::registers::keep_in_register(right[v]);
      }
      if constexpr (Copies) {
        PICAFLOR_UNROLL
        for (int v = 0; v < Vectors; ++v) {
          prefetch(b + kRowsAhead * b_row + column(v, b_last));
          pstoreu(t.copy + (p * Vectors + v) * kLanes<T>, right[v]);
        }
      }
      PICAFLOR_UNROLL
      for (int r = 0; r < Rows; ++r) {
        const P left = pset1<P>(a[r * a_row]);
        PICAFLOR_UNROLL
        for (int v = 0; v < Vectors; ++v) sum[r][v] = pmadd(left, right[v], sum[r][v]);
      }
      a += a_col;
      b += b_row;
    }

    PICAFLOR_UNROLL
    for (int r = 0; r < Rows; ++r)
      finish_row<T, Vectors>(t.end, t.alpha, t.beta, sum[r], c + r * c_row, c_last);
  }
}

// A product of at least this many tiles is tall: of nearly equal height, none of its tiles is low.
inline constexpr Index kTall = 3;
inline constexpr int kMinTallRows = ((kTall - 1) * kMaxRows + 1) / kTall;

// All shapes, by rows and vectors.  Those that copy b serve tall products only.

template <class T>
struct TileShapes {
  using Kernel = void (*)(const TileColumn<T>&) noexcept;
  Kernel plain[kMaxRows][kMaxVectors] = {};
  Kernel copying[kMaxRows][kMaxVectors] = {};

  constexpr TileShapes() { fill<kMaxRows, kMaxVectors>(); }
  template <int Rows, int Vectors>
  constexpr void fill() {
    if constexpr (Vectors <= max_vectors(Rows)) {
      plain[Rows - 1][Vectors - 1] = multiply_tiles<T, Rows, Vectors, false>;
    }
    if constexpr ((Rows >= kMinTallRows && Vectors < kWideVectors) ||
                  (Rows >= kWideRows - 1 && Rows <= kWideRows && Vectors == kWideVectors)) {
      copying[Rows - 1][Vectors - 1] = multiply_tiles<T, Rows, Vectors, true>;
    }
    if constexpr (Vectors > 1) {
      fill<Rows, Vectors - 1>();
    } else if constexpr (Rows > 1) {
      fill<Rows - 1, kMaxVectors>();
    }
  }
};

template <class T>
inline constexpr TileShapes<T> kTiles{};

}  // namespace picaflor::inline PICAFLOR_LEVEL
