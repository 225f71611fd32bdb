// What the caller hands to the engine for a range of minibatches, and what it gets back: plain data.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "picaflor/kernels/table.hpp"

namespace picaflor {

// A user's matrix of any number type and any strides, read where it lies.
struct Rows {
  const void* data = nullptr;
  ElementType type = ElementType::f32;
  Index rows = 0, cols = 0;
  Index row_bytes = 0, col_bytes = 0;
};

template <class T>
constexpr ElementType element_type() {
  return sizeof(T) == sizeof(float) ? ElementType::f32 : ElementType::f64;
}

template <class T>
struct Dataset {
  Rows x;
  Rows y;                             // (n, c) targets; without data where there are ids
  const std::int64_t* ids = nullptr;  // (n) class ids
  const T* weight = nullptr;          // (n) sample weights, or null for ones
};

// Asked between minibatches (and between layers of long ones); true ends the range early.
struct Interrupt {
  bool (*asked)(void*) = nullptr;
  void* state = nullptr;
};

struct RangeRequest {
  const std::int64_t* order = nullptr;  // row numbers; null for 0, 1, 2, ...
  Index start = 0, stop = 0;            // the part of the order to go through
  Index batch_size = 32;
  const double* rates = nullptr;  // learning rate of each minibatch, for training
  double seconds = std::numeric_limits<double>::infinity();
  Interrupt interrupt;
};

struct RangeSums {
  Index rows = 0, batches = 0;
  double loss = 0;  // sum of  loss of the minibatch, penalty included, x its rows
  std::vector<double> metrics, metric_weights;
  Index bad_batch = -1;  // first minibatch of the range whose loss was not finite
  bool interrupted = false;
};

enum class DivideBy { rows, weights, none };

// How the rows' losses make up the loss of a minibatch.
struct Reduction {
  DivideBy divide_by = DivideBy::rows;
  bool penalty_per_sample = false;  // the penalty is divided too (scikit-learn's alpha)
};

struct WeightedMetric {
  Metric metric;
  bool weighted = false;  // whether sample weights count
};

}  // namespace picaflor
