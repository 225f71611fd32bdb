// Tuned kernels against their plain versions, bit for bit, on random sizes, strides and starts (but the sums
// of few rows or of few columns, whose order is another one, to within their rounding); compiled for one
// instruction-set level by tests/test_products.py.  Exits with 0, or prints what differed.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "picaflor/kernels/dense.hpp"
#include "picaflor/kernels/gather.hpp"

using namespace picaflor;

namespace {

std::mt19937 generator(7);

Index up_to(Index most) {
  return static_cast<Index>(generator() % static_cast<unsigned>(most + 1));
}

// Sizes around every tile height, vector width and block border.
Index size() {
  constexpr Index sizes[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 12, 13, 14, 15,  16, 17,
                             23, 24, 25, 30, 31, 32, 33, 37, 47, 48, 64, 65, 97, 130, 257};
  return sizes[up_to(30)];
}

template <class T>
std::vector<T> random_values(Index count) {
  std::normal_distribution<double> normal;
  std::vector<T> values(static_cast<std::size_t>(count));
  for (T& v : values) v = static_cast<T>(normal(generator));
  return values;
}

// Zeros in stretches and one by one, of both signs.
template <class T>
void blank_out(std::vector<T>& values) {
  for (std::size_t i = 0; i < values.size(); i += static_cast<std::size_t>(1 + up_to(40))) {
    const auto end = std::min(values.size(), i + static_cast<std::size_t>(up_to(60)));
    for (std::size_t j = i; j < end; ++j) values[j] = up_to(8) == 0 ? T(-0.0) : T(0);
  }
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// A workspace of exactly `count` elements, with a mark behind it that must survive.
template <class T>
class Workspace {
 public:
  explicit Workspace(Index count) : count_(count), memory_(static_cast<std::size_t>(count + 2 * kLine)) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    start_ = memory_.data() + (kCacheLine - static_cast<Index>(address % kCacheLine)) / Index{sizeof(T)};
    start_[count] = kMark;
  }
  T* data() { return start_; }
  bool intact() const { return start_[count_] == kMark; }

 private:
  static constexpr Index kLine = kCacheLine / Index{sizeof(T)};
  static constexpr T kMark = T(12345);
  Index count_;
  std::vector<T> memory_;
  T* start_;
};

// A left or right operand (rows, cols) in one of three layouts: rows contiguous, columns contiguous, neither.
struct Layout {
  Index row, col, count;
  Layout(Index rows, Index cols) {
    const Index gap = up_to(3) == 0 ? 1024 - cols % 1024 : up_to(4);  // often a power-of-two stride
    switch (up_to(2)) {
      case 0:
        row = cols + gap, col = 1;
        break;
      case 1:
        row = 1, col = rows + gap;
        break;
      default:
        row = 2 * cols + gap, col = 2;
    }
    count = rows * row + cols * col + 1;
  }
};

// Of everything but c and the workspace; nothing beside c and behind the workspace may be written.
template <class T>
bool tuned_equals_plain(Matmul<T> g) {
  auto tuned = random_values<T>(g.n * g.c_row + 1), plain = tuned;
  Workspace<T> workspace(matmul_workspace<T>(g.n, g.m, g.k));
  g.workspace = workspace.data();
  g.c = tuned.data();
  matmul(g);
  g.c = plain.data();
  matmul_plain(g);
  if (same_bits(tuned, plain) && workspace.intact()) return true;
  std::printf(
      "matmul %zu bytes: n %td m %td k %td, a %td %td, b %td %td, init %d end %d, zeros left out %d, "
      "workspace %s\n",
      sizeof(T), g.n, g.m, g.k, g.a_row, g.a_col, g.b_row, g.b_col, static_cast<int>(g.init),
      static_cast<int>(g.end), static_cast<int>(g.zeros), workspace.intact() ? "intact" : "overrun");
  return false;
}

template <class T>
bool matmul_equals_plain(Index n, Index m, Index k) {
  Matmul<T> g;
  g.n = n, g.m = m, g.k = k;
  const Layout left(n, k), right(k, m);
  const Index begin = up_to(kLanes<T> - 1);
  auto a = random_values<T>(left.count);
  const auto b = random_values<T>(begin + right.count), bias = random_values<T>(m);
  g.zeros = static_cast<Zeros>(std::max<Index>(up_to(3) - 1, 0));
  if (g.zeros != Zeros::multiplied) blank_out(a);
  g.a = a.data(), g.a_row = left.row, g.a_col = left.col;
  g.b = b.data() + begin, g.b_row = right.row, g.b_col = right.col;
  g.c_row = m + up_to(4);
  g.bias = bias.data();
  g.init = static_cast<MatmulInit>(up_to(2));
  g.end = static_cast<MatmulEnd>(up_to(2));
  if (g.end == MatmulEnd::add_scaled) {
    g.init = MatmulInit::zero;
    if (k > kMaxScaledDepth) g.k = kMaxScaledDepth;
  }
  g.alpha = T(-0.37);
  g.beta = up_to(1) == 0 ? T(0) : T(0.03);
  return tuned_equals_plain(g);
}

// dx (n, m) = dy (n, k) w^T
template <class T>
bool data_gradient_equals_plain(Index n, Index m, Index k) {
  Matmul<T> g;
  g.n = n, g.m = m, g.k = k;
  g.a_row = k + up_to(9), g.b_row = 1, g.b_col = k + up_to(9), g.c_row = m + up_to(9);
  const auto dy = random_values<T>(n * g.a_row), w = random_values<T>(m * g.b_col);
  g.a = dy.data(), g.b = w.data();
  return tuned_equals_plain(g);
}

// The sums of few rows or of few columns are formed in another order: near the plain ones, and the same bits
// wherever the others (columns or rows of c) are cut.
template <class T>
bool dots_are_close_and_split_invariant(Index count, Index k, Index few, bool are_rows) {
  const Index distance = k + up_to(3), c_row = (are_rows ? count : few) + up_to(2);
  const auto many = random_values<T>(count * distance), held = random_values<T>(few * distance),
             bias = random_values<T>(few);
  Matmul<T> g;
  g.k = k;
  g.c_row = c_row;
  g.b_row = 1, g.b_col = distance, g.a_row = distance;
  g.is_few_rows = are_rows;
  g.is_few_columns = !are_rows;
  if (!are_rows) {
    g.init = up_to(1) == 0 ? MatmulInit::bias : MatmulInit::zero;
    g.end = up_to(1) == 0 ? MatmulEnd::relu : MatmulEnd::store;
    g.bias = bias.data();
  }
  const auto product = [&](auto multiply, Index begin, Index end, std::vector<T>& c) {
    Matmul<T> part = g;
    const T* const others = many.data() + begin * distance;
    part.n = are_rows ? few : end - begin;
    part.m = are_rows ? end - begin : few;
    part.a = are_rows ? held.data() : others;
    part.b = are_rows ? others : held.data();
    part.c = c.data() + (are_rows ? begin : begin * c_row);
    Workspace<T> workspace(matmul_workspace<T>(part.n, part.m, k));
    part.workspace = workspace.data();
    multiply(part);
    return workspace.intact();
  };
  std::vector<T> whole(static_cast<std::size_t>((are_rows ? few : count) * c_row), T(5)), cut = whole,
                                                                                          plain = whole;
  const Index middle = up_to(count);
  bool good = product(matmul<T>, 0, count, whole) && product(matmul<T>, 0, middle, cut) &&
              product(matmul<T>, middle, count, cut) && product(matmul_plain<T>, 0, count, plain);
  std::vector<double> magnitudes(whole.size(), 0.0);  // of no terms: what lies beyond stays as it was
  for (Index i = 0; i < count; ++i) {
    for (Index j = 0; j < few; ++j) {
      double& sum = magnitudes[static_cast<std::size_t>(are_rows ? j * c_row + i : i * c_row + j)];
      if (!are_rows) sum = std::abs(static_cast<double>(bias[static_cast<std::size_t>(j)]));
      for (Index p = 0; p < k; ++p) {
        sum += std::abs(static_cast<double>(held[static_cast<std::size_t>(j * distance + p)]) *
                        static_cast<double>(many[static_cast<std::size_t>(i * distance + p)]));
      }
    }
  }
  const auto most = static_cast<double>((k + 1) * std::numeric_limits<T>::epsilon());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    const double apart = static_cast<double>(whole[at]) - static_cast<double>(plain[at]);
    good = good && std::abs(apart) <= most * magnitudes[at] && whole[at] == cut[at];
  }
  if (!good) {
    std::printf("dots %zu bytes: %td %s, %td of length %td, cut at %td\n", sizeof(T), few,
                are_rows ? "rows" : "columns", count, k, middle);
  }
  return good;
}

template <class T>
bool dense_update_equals_plain(Index n, Index d, Index m) {
  DenseUpdate<T> u;
  u.n = n, u.d = d, u.m = m;
  u.x_row = d + up_to(3), u.dz_row = m + up_to(3), u.w_row = m + up_to(1) * up_to(9);
  auto x = random_values<T>(n * u.x_row + 1);
  auto dz = random_values<T>(n * u.dz_row + 1);
  u.leaves_out_zeros = static_cast<ZerosOf>(up_to(2));
  if (u.leaves_out_zeros == ZerosOf::x) blank_out(x);
  if (u.leaves_out_zeros == ZerosOf::dz) blank_out(dz);
  u.x = x.data(), u.dz = dz.data();
  std::vector<T> state[2][4];  // tuned and plain: w and three slots
  for (int i = 0; i < 4; ++i) {
    state[0][i] = random_values<T>(d * u.w_row);
    for (T& v : state[0][i]) v = i == 0 ? v : v * v;
    state[1][i] = state[0][i];
  }
  OptimizerStep step;
  u.step = &step;
  step.rate = 0.01, step.beta_1 = 0.9, step.beta_2 = 0.999, step.epsilon = 1e-7;
  const Index variant = up_to(8);
  if (variant == 1) step.kind = OptimizerKind::adam;
  if (variant == 2) step.momentum = 0.9;
  if (variant == 3) u.l1 = 0.1, u.l2 = 0.2;
  if (variant == 4) step.clip_value = 0.5;
  if (variant == 5) step.decay = 1e-3;
  if (variant == 6) step.gradient_scale = 0.5;
  if (variant == 7) u.l2 = 0.2;
  if (variant == 8) step.kind = OptimizerKind::adam, step.clip_value = 0.5, u.l2 = 0.2;
  const std::vector<std::int64_t> next(static_cast<std::size_t>(1 + up_to(40)));
  RowsAhead ahead;
  ahead.x = reinterpret_cast<const char*>(x.data());
  ahead.rows = next.data(), ahead.count = std::ssize(next);
  ahead.bytes = up_to(999);
  if (up_to(1) == 0) u.rows_ahead = &ahead;
  Workspace<T> workspace(dense_update_workspace<T>(n, d, m)), gradient(d * m);
  for (int plain = 0; plain < 2; ++plain) {
    u.w = state[plain][0].data();
    for (int s = 0; s < kMaxSlots; ++s) u.slots[s] = state[plain][s + 1].data();
    u.workspace = plain == 1 ? gradient.data() : workspace.data();
    plain == 1 ? dense_update_plain(u) : dense_update(u);
  }
  const bool asked_for_all = u.rows_ahead == nullptr || (ahead.row == ahead.count && ahead.at == 0);
  bool same = workspace.intact() && asked_for_all;
  for (int i = 0; i < 4; ++i) same = same && same_bits(state[0][i], state[1][i]);
  if (!same)
    std::printf("dense_update %zu bytes: n %td d %td m %td variant %td\n", sizeof(T), n, d, m, variant);
  return same;
}

// Threads share w by rows or columns: the same bits, also where what is left out is not finite.
template <class T>
bool dense_update_is_split_invariant(Index n, Index d, Index m) {
  m = parts_of(m, kLanes<T>) * kLanes<T>;
  auto x = random_values<T>(n * d), dz = random_values<T>(n * m);
  blank_out(dz);
  x[static_cast<std::size_t>(up_to(n * d - 1))] = std::numeric_limits<T>::infinity();
  std::vector<T> whole = random_values<T>(d * m), cut = whole;
  OptimizerStep step;
  step.rate = 0.01;
  const auto update = [&](std::vector<T>& w, Index row, Index rows, Index column, Index columns) {
    DenseUpdate<T> u;
    u.n = n, u.d = rows, u.m = columns;
    u.x = x.data() + row, u.x_row = d;
    u.dz = dz.data() + column, u.dz_row = m;
    u.w = w.data() + row * m + column, u.w_row = m;
    u.step = &step;
    u.leaves_out_zeros = ZerosOf::dz;
    Workspace<T> workspace(dense_update_workspace<T>(n, rows, columns));
    u.workspace = workspace.data();
    dense_update(u);
    return workspace.intact();
  };
  const Index row = up_to(d), column = up_to(m / kLanes<T>) * kLanes<T>;
  const bool good = update(whole, 0, d, 0, m) && update(cut, 0, row, 0, column) &&
                    update(cut, row, d - row, 0, column) && update(cut, 0, row, column, m - column) &&
                    update(cut, row, d - row, column, m - column) && same_bits(whole, cut);
  if (!good) std::printf("split dense_update %zu bytes: n %td d %td m %td\n", sizeof(T), n, d, m);
  return good;
}

// Workspaces are asked for with columns padded to whole vectors and for the largest minibatch; the products
// may be narrower and of fewer rows.
template <class T>
bool workspaces_grow(Index n, Index m, Index k) {
  const Index wide = padded<T>(m), rows = n + size() * 33;
  const bool good = matmul_workspace<T>(n, m, k) <= matmul_workspace<T>(rows, wide, k) &&
                    matmul_workspace<T>(k, m, n) <= matmul_workspace<T>(k, wide, rows) &&
                    dense_update_workspace<T>(n, k, m) <= dense_update_workspace<T>(rows, k, wide);
  if (!good) std::printf("workspace %zu bytes: n %td m %td k %td\n", sizeof(T), n, m, k);
  return good;
}

// A column's sum does not depend on the columns beside it.
template <class T>
bool column_sums_are_split_invariant(Index n, Index m) {
  const Index row = m + up_to(3);
  const auto x = random_values<T>(n * row + 1);
  std::vector<T> whole(static_cast<std::size_t>(m + 1), T(5)), single = whole;
  column_sums(n, m, x.data(), row, whole.data());
  for (Index j = 0; j < m; ++j) column_sums(n, Index{1}, x.data() + j, row, single.data() + j);
  if (same_bits(whole, single)) return true;
  std::printf("column_sums %zu bytes: n %td m %td\n", sizeof(T), n, m);
  return false;
}

template <class T>
int failures() {
  int failed = 0;
  // with a cache so small that products are cut as only large ones would be
  second_level_cache = 4 * 1024;
  for (int i = 0; i < 200; ++i) {
    failed += !matmul_equals_plain<T>(up_to(12 * kMaxRows), (kMaxVectors + up_to(9)) * kLanes<T> + up_to(3),
                                      kShortDepth * up_to(3) + size());
  }
  second_level_cache = 1024 * 1024;
  // so few rows that a transposed b is not transposed itself
  for (Index n = 1; n <= kMostRowsTransposed + 1; ++n) {
    const Index least = (n < 16 ? 16 : 4) * n;
    failed += !data_gradient_equals_plain<T>(n, least + up_to(40), least + up_to(40));
  }
  // few rows, whose weights often lie beside the boundaries of vectors
  for (int i = 0; i < 100; ++i) failed += !matmul_equals_plain<T>(1 + up_to(3), 65 + size(), 260 + size());
  // every way to cut some rows into tiles, beside enough columns for packing the rows, and columns into
  // panels
  for (Index n = 1; n <= 5 * kMaxRows; ++n) {
    for (int layout = 0; layout < 5; ++layout) failed += !matmul_equals_plain<T>(n, 401, 97);
  }
  for (Index m = 1; m <= 12 * kLanes<T>; ++m) failed += !matmul_equals_plain<T>(10 * kMaxRows, m, 33);
  // more than a block of depth, of rows and of columns
  const Index depth = kMaxDepth + 7, rows = kRowBlock<T> * 2 / depth + 9;
  for (int layout = 0; layout < 4; ++layout) {
    failed += !matmul_equals_plain<T>(rows, 25 * kLanes<T> + 3, depth);
  }
  for (int i = 0; i < 9; ++i) failed += !dense_update_equals_plain<T>(size(), 13, kStripColumns + size());
  for (int i = 0; i < 500; ++i) {
    const Index deep = up_to(19) == 0 ? size() * 17 : size();
    failed += !matmul_equals_plain<T>(up_to(49) == 0 ? 700 : size(), size(), up_to(29) == 0 ? 0 : deep);
    const Index batch = up_to(29) == 0 ? 0 : up_to(39) == 0 ? 800 : up_to(199) == 0 ? 2300 : size();
    failed += !dense_update_equals_plain<T>(batch, up_to(9) == 0 ? 1 : size(), size());
    failed += !dots_are_close_and_split_invariant<T>(size(), deep, 1 + up_to(7), true);
    failed += !dots_are_close_and_split_invariant<T>(size(), deep, 1 + up_to(kMostColumnsOfDots - 1), false);
    failed += !dots_are_close_and_split_invariant<T>(size(), deep, 1 + up_to(19), false);
    failed += !dense_update_is_split_invariant<T>(size(), size(), size());
    failed += !workspaces_grow<T>(size() * size(), size(), deep);
    failed += !column_sums_are_split_invariant<T>(size() - 1, size());
  }
  return failed;
}

}  // namespace

int main() {
  return failures<float>() + failures<double>() == 0 ? 0 : 1;
}
