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
// sums: from memory in its order, where a row of b is one tile wide.
// (Measured, 16 vectors of 64 bytes for a single row against 8: 784 x 256 1.5 times as fast, 784 x 200 1.8,
// 784 x 512 1.1; 14 of 32 bytes 0.95 to 1.4, a training step 0.93 to 1.03.)
inline constexpr int kRegisters = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS;
inline constexpr bool kManyRegisters = kRegisters >= 32;
inline constexpr bool kLongRegisters = sizeof(Register<float>) == 64;
inline constexpr int kMaxRows = kManyRegisters ? 8 : 6;

inline constexpr int kFewVectors[] = {8, 4, 4, 3, 2, 2};          // by rows, 16 registers
inline constexpr int kManyVectors[] = {16, 8, 7, 6, 4, 4, 3, 3};  // 32 registers
constexpr int max_vectors(int rows) {
  return kManyRegisters ? kManyVectors[rows - 1] : kFewVectors[rows - 1];
}
inline constexpr int kMaxVectors = max_vectors(1);

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
  bool c_is_far;  // see is_far
  const T* bias;
  MatmulInit init;
  MatmulEnd end;
  T alpha, beta;
  RowsAhead* rows_ahead;
  T* copy;         // (k, Vectors * lanes) receives the rows of b, where the tile is a copying one
  const T* asked;  // (k, lanes) columns that an asking tile wants to be near soon
  Index asked_row;
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

// What a tile is for.  One is the first to read its columns of b and leaves a copy of them; others ask for
// columns that are wanted next.  Those of the gradient of weights (and of any product whose rows of a lie
// side by side, whose sums begin at zero, and which no ReLU ends) take that for granted: a minibatch is a
// short sum, and each branch before and after it would count.  They alone ask for c where it is far, and for
// the rows ahead.
// (Measured, GFLOP/s of 784 x 32 from 10 rows 123 -> 160, of 784 x 256 from 32 rows 174 -> 184, 64 rows 181
// -> 186; with registers of 32 bytes 72 -> 75, 88 -> 90, 93 -> 94.)
enum class TileUse { any, copying, asking, gradient };

template <class T, int Rows, int Vectors, TileUse Use>
EIGEN_STRONG_INLINE void start_tile(const TileColumn<T>& t, const T* c, Register<T> (&sum)[Rows][Vectors]) {
  using namespace Eigen::internal;
  using P = Register<T>;
  const auto column = column_of<T, Vectors>;
  if (Use == TileUse::gradient && Rows > 1 && t.c_is_far) {
    const T* row = c;
    for (int r = 0; r < Rows; ++r, row += t.c_row) {
      PICAFLOR_UNROLL
      for (int v = 0; v < Vectors; ++v) prefetch(row + column(v, t.c_last));
    }
  }
  if (Use == TileUse::gradient && Rows > 1 && t.rows_ahead != nullptr) {
    ask_for(*t.rows_ahead, t.rows_ahead->lines_a_tile);
  }
  if (Use != TileUse::gradient && t.init == MatmulInit::accumulate) {
    PICAFLOR_UNROLL
    for (int r = 0; r < Rows; ++r) {
      PICAFLOR_UNROLL
      for (int v = 0; v < Vectors; ++v) sum[r][v] = ploadu<P>(c + r * t.c_row + column(v, t.c_last));
    }
  } else {
    const bool from_bias = Use != TileUse::gradient && t.init == MatmulInit::bias;
    PICAFLOR_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      const P start = from_bias ? ploadu<P>(t.bias + column(v, t.c_last)) : pzero(P());
      PICAFLOR_UNROLL
      for (int r = 0; r < Rows; ++r) sum[r][v] = start;
    }
  }
}

template <class T, int Rows, int Vectors>
EIGEN_STRONG_INLINE void finish_rows(MatmulEnd end, T alpha, T beta, Register<T> (&sum)[Rows][Vectors], T* c,
                                     Index c_row, Index last) {
  PICAFLOR_UNROLL
  for (int r = 0; r < Rows; ++r) {
    finish_row<T, Vectors>(end, alpha, beta, sum[r], c, last);
    c += c_row;
    packet::registers::keep_in_register(c);
  }
}

// A gradient's end is looked at once for all its rows: what finish_row is told are constants.
template <class T, int Rows, int Vectors, TileUse Use>
EIGEN_STRONG_INLINE void finish_tile(const TileColumn<T>& t, Register<T> (&sum)[Rows][Vectors], T* c) {
  if constexpr (Use != TileUse::gradient) {
    finish_rows(t.end, t.alpha, t.beta, sum, c, t.c_row, t.c_last);
  } else if (t.end == MatmulEnd::store) {
    finish_rows(MatmulEnd::store, t.alpha, t.beta, sum, c, t.c_row, t.c_last);
  } else if (t.beta == T(0)) {
    finish_rows(MatmulEnd::add_scaled, t.alpha, T(0), sum, c, t.c_row, t.c_last);
  } else {
    finish_rows(MatmulEnd::add_scaled, t.alpha, t.beta, sum, c, t.c_row, t.c_last);
  }
}

// The tile that copies b is the first to read it, at a stride that often leads to another page with every
// row: it asks for the row that comes so many steps, some 200 cycles, later.
inline constexpr Index kStepsAhead = 32;

template <class T, int Rows, int Vectors, TileUse Use>
void multiply_tiles(const TileColumn<T>& t) noexcept {
  using namespace Eigen::internal;
  using P = Register<T>;
  // Where the sums, a row of b and one value of a (and without fused operations, a product) fit.
  constexpr bool fits = (Rows + 1) * Vectors + (packet::kFused ? 1 : 2) <= kRegisters;
  const auto column = column_of<T, Vectors>;
  const Index k = t.k, a_row = Use == TileUse::gradient ? 1 : t.a_row, a_col = t.a_col, b_row = t.b_row,
              b_last = t.b_last;
  for (Index tile = 0; tile < t.tiles; ++tile) {
    [[maybe_unused]] const T* asked = t.asked;
    const T* a = t.a + tile * t.a_tile;
    const T* b = t.b;
    T* const c = t.c + tile * Rows * t.c_row;
    P sum[Rows][Vectors];

    start_tile<T, Rows, Vectors, Use>(t, c, sum);
    for (Index p = 0; p < k; ++p) {
      P right[Vectors];
      PICAFLOR_UNROLL
      for (int v = 0; v < Vectors; ++v) {
        right[v] = ploadu<P>(b + column(v, b_last));
        if constexpr (fits && Rows > 1) packet::registers::keep_in_register(right[v]);
      }
      if constexpr (Use == TileUse::copying) {
        PICAFLOR_UNROLL
        for (int v = 0; v < Vectors; ++v) {
          prefetch(b + kStepsAhead * b_row + column(v, b_last));
          pstoreu(t.copy + (p * Vectors + v) * kLanes<T>, right[v]);
        }
      }
      if constexpr (Use == TileUse::asking) {
        prefetch(asked);
        asked += t.asked_row;
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

    finish_tile<T, Rows, Vectors, Use>(t, sum, c);
  }
}

// A product of at least this many tiles is tall: of nearly equal height, none of its tiles is low.
inline constexpr Index kTall = 3;
inline constexpr int kMinTallRows = ((kTall - 1) * kMaxRows + 1) / kTall;

// All shapes, by rows and vectors.  Those that copy b, and that ask for the next panel of it, serve tall
// products only.
template <class T>
struct TileShapes {
  using Kernel = void (*)(const TileColumn<T>&) noexcept;
  Kernel any[kMaxRows][kMaxVectors] = {};
  Kernel copying[kMaxRows][kMaxVectors] = {};
  Kernel asking[kMaxRows][kMaxVectors] = {};
  Kernel gradient[kMaxRows][kMaxVectors] = {};

  constexpr TileShapes() { fill<kMaxRows, kMaxVectors>(); }
  template <int Rows, int Vectors>
  constexpr void fill() {
    if constexpr (Vectors <= max_vectors(Rows)) {
      any[Rows - 1][Vectors - 1] = multiply_tiles<T, Rows, Vectors, TileUse::any>;
      gradient[Rows - 1][Vectors - 1] = multiply_tiles<T, Rows, Vectors, TileUse::gradient>;
    }
    if constexpr ((Rows >= kMinTallRows && Vectors < kWideVectors) ||
                  (Rows >= kWideRows - 1 && Rows <= kWideRows && Vectors == kWideVectors)) {
      copying[Rows - 1][Vectors - 1] = multiply_tiles<T, Rows, Vectors, TileUse::copying>;
      if constexpr (kLongRegisters)
        asking[Rows - 1][Vectors - 1] = multiply_tiles<T, Rows, Vectors, TileUse::asking>;
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
