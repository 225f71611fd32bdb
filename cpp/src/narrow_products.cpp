#include "narrow_products.hpp"

#include <algorithm>

namespace picaflor {
namespace {

template <class T>
struct Levels {
  static inline KernelTable<T> wide, narrow;
};

// Whether m columns are the wide level's.  Rounded up to its vectors they may be one sixteenth more than
// rounded up to the narrow level's; and there must be more than one vector of them, since a tile one vector
// wide loads a factor for every multiplication.
template <class T>
bool fill_wide_vectors(Index m) noexcept {
  const Index lanes = Levels<T>::wide.lanes;
  if (m <= lanes) return false;
  const auto rounded = [m](Index unit) { return (m + unit - 1) & -unit; };  // units are powers of two
  return (rounded(lanes) - rounded(Levels<T>::narrow.lanes)) * 16 <= m;
}

template <class T>
void matmul(const Matmul<T>& g) noexcept {
  const bool one_vector = g.n == 1 || g.is_one_row || g.is_one_column;
  const bool wide = !one_vector && fill_wide_vectors<T>(g.m);
  (wide ? Levels<T>::wide : Levels<T>::narrow).matmul(g);
}

template <class T>
Index matmul_workspace(Index n, Index m, Index k) noexcept {
  return std::max(Levels<T>::wide.matmul_workspace(n, m, k), Levels<T>::narrow.matmul_workspace(n, m, k));
}

template <class T>
void dense_update(const DenseUpdate<T>& u) noexcept {
  // what is turned, is turned by whole vectors
  const bool whole = u.leaves_out_zeros != ZerosOf::dz || u.m % Levels<T>::wide.lanes == 0;
  const bool wide = whole && u.d > 1 && fill_wide_vectors<T>(u.m);
  (wide ? Levels<T>::wide : Levels<T>::narrow).dense_update(u);
}

template <class T>
Index dense_update_workspace(Index n, Index d, Index m) noexcept {
  return std::max(Levels<T>::wide.dense_update_workspace(n, d, m),
                  Levels<T>::narrow.dense_update_workspace(n, d, m));
}

template <class T>
void take(const KernelTable<T>& narrow, KernelTable<T>& wide) noexcept {
  Levels<T>::narrow = narrow;
  Levels<T>::wide = wide;
  wide.lanes = narrow.lanes;
  wide.matmul = matmul<T>;
  wide.matmul_workspace = matmul_workspace<T>;
  wide.dense_update = dense_update<T>;
  wide.dense_update_workspace = dense_update_workspace<T>;
}

}  // namespace

void take_narrow_products(const Kernels& narrow, Kernels& wide) noexcept {
  take(narrow.f32, wide.f32);
  take(narrow.f64, wide.f64);
}

}  // namespace picaflor
