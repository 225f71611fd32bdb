// Which level works out a product.  Exits with 0, or prints the line that failed.
#include "narrow_products.hpp"

#include <cstdio>
#include <cstdlib>
#include <initializer_list>

using picaflor::DenseUpdate;
using picaflor::Index;
using picaflor::Kernels;
using picaflor::KernelTable;
using picaflor::Matmul;

#define CHECK(condition)                                                         \
  if (!(condition)) {                                                            \
    std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
    std::exit(1);                                                                \
  }

namespace {

enum class Level { none, narrow, wide };
Level done_by = Level::none;

template <class T, Level level>
void fill(KernelTable<T>& table, Index lanes) {
  table.lanes = table.wide_lanes = lanes;
  table.matmul = [](const Matmul<T>&) noexcept { done_by = level; };
  table.matmul_workspace = [](Index n, Index m, Index k) noexcept {
    return level == Level::wide ? n + m : m + k;
  };
  table.dense_update = [](const DenseUpdate<T>&) noexcept { done_by = level; };
  table.dense_update_workspace = [](Index n, Index, Index) noexcept { return level == Level::wide ? n : 7; };
}

Kernels level_of(bool halves) {
  Kernels narrow{}, wide{};
  fill<float, Level::narrow>(narrow.f32, 8);
  fill<double, Level::narrow>(narrow.f64, 4);
  fill<float, Level::wide>(wide.f32, 16);
  fill<double, Level::wide>(wide.f64, 8);
  picaflor::take_narrow_products(narrow, halves, wide);
  return wide;
}

template <class T>
Level product(const Kernels& kernels, Index n, Index m, Index k, bool few_rows = false,
              bool few_columns = false) {
  const Matmul<T> g{.n = n, .m = m, .k = k, .is_few_rows = few_rows, .is_few_columns = few_columns};
  kernels.of<T>().matmul(g);
  return done_by;
}

template <class T>
void columns_decide(const Kernels& kernels, bool halves) {
  const Index lanes = kernels.of<T>().lanes;
  CHECK(product<T>(kernels, 10, lanes, 50) == Level::narrow);
  CHECK(product<T>(kernels, 10, lanes + 1, 50) == (halves ? Level::narrow : Level::wide));
  CHECK(product<T>(kernels, 10, 2 * lanes, 50) == (halves ? Level::narrow : Level::wide));
  CHECK(product<T>(kernels, 1, 8 * lanes, 50) == (halves ? Level::narrow : Level::wide));
  CHECK(product<T>(kernels, 10, 8 * lanes, 50) == Level::wide);
  DenseUpdate<T> update;
  update.d = 10, update.m = lanes;
  kernels.of<T>().dense_update(update);
  CHECK(done_by == Level::narrow);
  update.m = 8 * lanes;
  kernels.of<T>().dense_update(update);
  CHECK(done_by == Level::wide);
  CHECK(kernels.of<T>().matmul_workspace(1, 2, 9) == 11 && kernels.of<T>().matmul_workspace(9, 2, 1) == 11);
  CHECK(kernels.of<T>().dense_update_workspace(3, 1, 1) == 7);
}

// Their sums are in another order at either level, so that the processor must not decide.
template <class T>
void dots_are_the_same_on_every_processor(const Kernels& kernels) {
  const Index long_enough = 32 * kernels.of<T>().lanes;
  CHECK(product<T>(kernels, 4, 100, long_enough, true) == Level::wide);
  CHECK(product<T>(kernels, 4, 1, long_enough, true) == Level::wide);
  CHECK(product<T>(kernels, 4, 100, long_enough - 1, true) == Level::narrow);
  CHECK(product<T>(kernels, 100, 3, long_enough, false, true) == Level::wide);
  CHECK(product<T>(kernels, 100, 3, long_enough - 1, false, true) == Level::narrow);
  CHECK(product<T>(kernels, 100, 1, 10 * long_enough, false, true) == Level::narrow);
}

}  // namespace

int main() {
  for (const bool halves : {false, true}) {
    const Kernels kernels = level_of(halves);
    columns_decide<float>(kernels, halves);
    columns_decide<double>(kernels, halves);
    dots_are_the_same_on_every_processor<float>(kernels);
    dots_are_the_same_on_every_processor<double>(kernels);
  }
}
