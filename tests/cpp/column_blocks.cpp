// Which weights move into blocks, and that they come back as they were left there.  Exits with 0, or prints
// the line that failed.
#include "picaflor/network/column_blocks.hpp"

#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <vector>

using picaflor::ColumnBlocks;
using picaflor::Index;
using picaflor::Parameter;
using picaflor::ParameterArrays;
using picaflor::Plan;
using picaflor::Range;

#define CHECK(condition)                                                         \
  if (!(condition)) {                                                            \
    std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
    std::exit(1);                                                                \
  }

namespace {

template <class T>
Parameter weights(Index rows, Index cols) {
  return {.rows = rows,
          .cols = cols,
          .row = picaflor::row_stride<T>(cols),
          .size = rows * picaflor::row_stride<T>(cols)};
}

// What training asks for a first layer of in x out.
struct Question {
  Index in = 784, out = 256, n = 64, minibatches = 100, arrays = 1, threads = 2;
  bool transposed = false, is_trained = true;
  picaflor::Op op = picaflor::Op::dense;
  double operations_per_thread = picaflor::kOperationsPerThread;

  template <class T = float>
  Index parts() const {
    Plan plan;
    plan.steps = {{.op = op,
                   .layer = 0,
                   .in = in,
                   .out = out,
                   .kernel = op == picaflor::Op::dense ? 0 : -1,
                   .gamma = 0}};
    plan.parameters = {weights<T>(in, out)};
    plan.parameters[0].transposed = transposed;
    plan.trainable = {is_trained};
    picaflor::KernelTable<T> kernels{};
    kernels.operations_per_thread = operations_per_thread;
    return picaflor::parts_in_blocks(kernels, plan, n, minibatches, arrays, threads);
  }
};

void wide_weights_of_large_minibatches_move() {
  CHECK(Question{}.parts() == 2);
  CHECK(Question{.arrays = 3}.parts() == 2);
  CHECK(Question{.threads = 3}.parts() == 3);
  CHECK((Question{.in = 300, .threads = 3}.parts<double>() == 3));
  CHECK(Question{.minibatches = 16}.parts() == 2);
  CHECK(Question{.threads = 1}.parts() == 0);
  CHECK(Question{.minibatches = 15}.parts() == 0);
  CHECK(Question{.n = 1}.parts() == 0);  // too little work
  CHECK(Question{.operations_per_thread = 1e7}.parts() == 2);
  CHECK(Question{.operations_per_thread = 2e7}.parts() == 0);  // as little for so fast a product
  CHECK((Question{.out = 64, .threads = 2}.parts() == 0));     // too few columns
  CHECK(Question{.out = 1024}.parts() == 0);                   // parts of rows fill half a page
  CHECK(Question{.in = 20000}.parts() == 0);                   // too large
  CHECK(Question{.transposed = true}.parts() == 0);
  CHECK(Question{.is_trained = false}.parts() == 0);
  CHECK(Question{.op = picaflor::Op::layer_norm}.parts() == 0);
}

// The element of array a in row i, column j, as it comes and as it is left.
double before(Index a, Index i, Index j) {
  return static_cast<double>(1000 * a + 100 * i + j);
}

template <class T>
void weights_come_back(Index rows, Index cols, Index parts, std::initializer_list<Index> which) {
  const Parameter p = weights<T>(rows, cols);
  std::vector<std::vector<T>> kept(4);
  ParameterArrays<T> arrays = {};
  for (const Index a : which) {
    auto& array = kept[static_cast<std::size_t>(a)];
    array.assign(static_cast<std::size_t>(p.size), T(-1));
    arrays[static_cast<std::size_t>(a)] = array.data();
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < cols; ++j)
        array[static_cast<std::size_t>(i * p.row + j)] = static_cast<T>(before(a, i, j));
    }
  }
  ColumnBlocks<T> blocks;
  CHECK(!blocks.hold(-1) && !blocks.hold(7));
  blocks.move_in(7, p, arrays, parts);
  blocks.outside([&] { CHECK(!blocks.hold(7)); });
  CHECK(blocks.hold(7) && !blocks.hold(-1) && !blocks.hold(0));
  Index seen = 0;
  for (Index b = 0; const Range columns : blocks.columns()) {
    const auto& block = blocks[b++];
    if (columns.size() == 0) continue;
    CHECK(columns.begin == seen);
    seen = columns.end;
    for (Index a = 0; a < 4; ++a) {
      T* const mine = block.arrays[static_cast<std::size_t>(a)];
      CHECK((mine == nullptr) == (arrays[static_cast<std::size_t>(a)] == nullptr));
      for (Index i = 0; mine != nullptr && i < rows; ++i) {
        for (Index j = columns.begin; j < columns.end; ++j) {
          T& value = mine[i * block.row + j - columns.begin];
          CHECK(j >= cols || value == static_cast<T>(before(a, i, j)));
          value += T(0.5);
        }
      }
    }
  }
  CHECK(seen == picaflor::padded<T>(cols));
  blocks.move_out();
  CHECK(!blocks.hold(7));
  for (const Index a : which) {
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < cols; ++j) {
        const T value = arrays[static_cast<std::size_t>(a)][i * p.row + j];
        CHECK(value == static_cast<T>(before(a, i, j) + 0.5));
      }
    }
  }
}

template <class T>
void all_weights_come_back() {
  for (const Index rows : {1, 7, 100}) {
    for (const Index cols : {5, 97, 128, 256, 300}) {
      for (const Index parts : {1, 2, 3, 5}) {
        weights_come_back<T>(rows, cols, parts, {0});
        weights_come_back<T>(rows, cols, parts, {0, 2});
        weights_come_back<T>(rows, cols, parts, {0, 1, 2, 3});
      }
    }
  }
}

}  // namespace

int main() {
  picaflor::set_num_threads(3);  // fewer than parts, sometimes
  wide_weights_of_large_minibatches_move();
  all_weights_come_back<float>();
  all_weights_come_back<double>();
}
