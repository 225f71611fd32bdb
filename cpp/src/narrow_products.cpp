#include "narrow_products.hpp"

#include <algorithm>

namespace picaflor {
namespace {

template <class T>
struct Levels {
  static inline KernelTable<T> wide, narrow;
  static inline bool halves;
};

// Whether products of (n, k) and (k, m) are the wide level's.  Where it works in halves, m rounded up to its
// vectors may be one sixteenth more than rounded up to the narrow level's (beyond narrow_columns it never is
// more); and there must be more than one vector of columns, since a tile one vector wide loads a factor for
// every multiplication, and of rows.
template <class T>
bool fill_wide_vectors(Index n, Index m) noexcept {
  const Index wide = Levels<T>::wide.lanes, narrow = Levels<T>::narrow.lanes;
  if (!Levels<T>::halves) return m > narrow;
  if (n == 1 || m <= wide) return false;
  const auto rounded = [m](Index unit) { return (m + unit - 1) & -unit; };  // units are powers of two
  return (rounded(wide) - rounded(narrow)) * 16 <= m;
}

// Whether dot products are the wide level's: long ones, since the lanes of longer vectors take longer to add,
// and not those of a single column, whose rows are the caller's: where they begin beside a cache line, every
// load of 64 bytes takes two of them.  The same on every CPU, as the order of their sums depends on it: a
// level has the same bits everywhere.
template <class T>
bool are_dots_wide(const Matmul<T>& g) noexcept {
  return g.k >= 16 * Levels<T>::wide.lanes && (g.is_few_rows || g.m > 1);
}

template <class T>
void matmul(const Matmul<T>& g) noexcept {
  const bool dots = g.is_few_rows || g.is_few_columns;
  const bool wide = dots ? are_dots_wide<T>(g) : fill_wide_vectors<T>(g.n, g.m);
  (wide ? Levels<T>::wide : Levels<T>::narrow).matmul(g);
}

template <class T>
Index matmul_workspace(Index n, Index m, Index k) noexcept {
  return std::max(Levels<T>::wide.matmul_workspace(n, m, k), Levels<T>::narrow.matmul_workspace(n, m, k));
}

template <class T>
void dense_update(const DenseUpdate<T>& u) noexcept {
  (fill_wide_vectors<T>(u.d, u.m) ? Levels<T>::wide : Levels<T>::narrow).dense_update(u);
}

template <class T>
Index dense_update_workspace(Index n, Index d, Index m) noexcept {
  return std::max(Levels<T>::wide.dense_update_workspace(n, d, m),
                  Levels<T>::narrow.dense_update_workspace(n, d, m));
}

template <class T>
void take(const KernelTable<T>& narrow, bool halves, KernelTable<T>& wide) noexcept {
  Levels<T>::narrow = narrow;
  Levels<T>::wide = wide;
  Levels<T>::halves = halves;
  wide.tile_speed = halves ? 1 : 1.35;
  wide.operations_per_thread = halves ? kOperationsPerThread : 8e6 / sizeof(T);
  wide.lanes = narrow.lanes;
  wide.narrow_columns = halves ? 16 * narrow.lanes - 1 : narrow.lanes;
  wide.matmul = matmul<T>;
  wide.matmul_workspace = matmul_workspace<T>;
  wide.dense_update = dense_update<T>;
  wide.dense_update_workspace = dense_update_workspace<T>;
}

}  // namespace

void take_narrow_products(const Kernels& narrow, bool halves, Kernels& wide) noexcept {
  take(narrow.f32, halves, wide.f32);
  take(narrow.f64, halves, wide.f64);
}

}  // namespace picaflor
