// Work on arrays of any strides: the walk over the elements, in the order in which they lie.
//
// Axes are sorted by stride and joined where one continues the other, as NumPy's iterators do, so that a
// dense array of any axis order is one run.  What is not a run is carried through buffers of kChunk elements.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <tuple>
#include <vector>

#include "arrays.hpp"

namespace picaflor::bind {

// Operand 0 is the output; strides are counted in bytes.
template <std::size_t N>
struct Walk {
  int ndim = 0;
  std::array<Index, kMaxDimensions> lengths{};
  std::array<std::array<Index, kMaxDimensions>, N> strides{};
  std::array<char*, N> data{};
  Index size = 1;

  bool is_run(Index item) const {
    if (ndim == 0) return true;
    if (ndim > 1) return false;
    return std::ranges::all_of(strides, [=](const auto& of_operand) { return of_operand[0] == item; });
  }
};

// The arrays have one shape.  An axis may be left out: then the walk is over the rows along it.
template <std::size_t N>
Walk<N> make_walk(const std::array<const py::array*, N>& arrays, int without = -1) {
  const py::array& first = *arrays[0];
  int ndim = 0;
  std::array<int, kMaxDimensions> order{};
  for (int k = 0; k < static_cast<int>(first.ndim()); ++k) {
    if (k != without) order[static_cast<std::size_t>(ndim++)] = k;
  }
  // Outermost first: the axis with the largest stride in the first operand that tells two axes apart.
  std::stable_sort(order.begin(), order.begin() + ndim, [&](int a, int b) {
    for (const py::array* x : arrays) {
      const Index sa = std::abs(x->strides()[a]), sb = std::abs(x->strides()[b]);
      if (sa != sb && sa != 0 && sb != 0) return sa > sb;
    }
    return false;
  });
  Walk<N> walk;
  for (std::size_t n = 0; n < N; ++n) {
    walk.data[n] = static_cast<char*>(const_cast<void*>(arrays[n]->data()));
  }
  for (int k = 0; k < ndim; ++k) {
    const int axis = order[static_cast<std::size_t>(k)];
    const Index length = first.shape()[axis];
    walk.size *= length;
    if (length == 1) continue;
    const auto last = static_cast<std::size_t>(walk.ndim);
    bool joins = walk.ndim > 0;
    for (std::size_t n = 0; joins && n < N; ++n) {
      joins = walk.strides[n][last - 1] == length * arrays[n]->strides()[axis];
    }
    const std::size_t at = joins ? last - 1 : last;
    walk.lengths[at] = joins ? walk.lengths[at] * length : length;
    for (std::size_t n = 0; n < N; ++n) walk.strides[n][at] = arrays[n]->strides()[axis];
    walk.ndim = static_cast<int>(at) + 1;
  }
  return walk;
}

// Elements number `begin` up to `end` of the walk, in pieces of one stride along its innermost axis:
// piece(pointers, count).
template <std::size_t N, class Piece>
void for_each_piece(const Walk<N>& walk, Index begin, Index end, const Piece& piece) {
  if (walk.ndim == 0) {
    if (begin < end) piece(walk.data, Index{1});
    return;
  }
  const auto inner = static_cast<std::size_t>(walk.ndim - 1);
  while (begin < end) {
    std::array<char*, N> at = walk.data;
    Index rest = begin, inside = 0;
    for (std::size_t axis = inner + 1; axis-- > 0;) {
      const Index position = rest % walk.lengths[axis];
      rest /= walk.lengths[axis];
      if (axis == inner) inside = position;
      for (std::size_t n = 0; n < N; ++n) at[n] += position * walk.strides[n][axis];
    }
    const Index count = std::min(end - begin, walk.lengths[inner] - inside);
    piece(at, count);
    begin += count;
  }
}

// kernel(count, out, in...) over elements begin..end of the walk, on contiguous T.
template <class T, std::size_t N, class Kernel>
void run_walk(const Walk<N>& walk, Index begin, Index end, const Kernel& kernel) {
  constexpr Index kItem = sizeof(T), kChunk = 512;
  std::array<std::array<T, kChunk>, N> buffers;
  const auto run = [&](const std::array<T*, N>& p, Index count) {
    std::apply([&](T* out, auto*... in) { kernel(count, out, in...); }, p);
  };
  if (walk.is_run(kItem)) {
    std::array<T*, N> p;
    for (std::size_t n = 0; n < N; ++n) p[n] = reinterpret_cast<T*>(walk.data[n]) + begin;
    run(p, end - begin);
    return;
  }
  // Short pieces share a buffer: gather until it is full, run the kernel, scatter.
  const auto inner = static_cast<std::size_t>(walk.ndim - 1);
  std::array<T*, N> p;
  for (std::size_t n = 0; n < N; ++n) p[n] = buffers[n].data();
  for (Index from = begin; from < end; from += kChunk) {
    const Index to = std::min(end, from + kChunk);
    Index filled = 0;
    for_each_piece(walk, from, to, [&](const std::array<char*, N>& at, Index count) {
      for (std::size_t n = 1; n < N; ++n) {
        for (Index k = 0; k < count; ++k) {
          buffers[n][static_cast<std::size_t>(filled + k)] =
              *reinterpret_cast<const T*>(at[n] + k * walk.strides[n][inner]);
        }
      }
      filled += count;
    });
    run(p, filled);
    Index emptied = 0;
    for_each_piece(walk, from, to, [&](const std::array<char*, N>& at, Index count) {
      for (Index k = 0; k < count; ++k) {
        *reinterpret_cast<T*>(at[0] + k * walk.strides[0][inner]) =
            buffers[0][static_cast<std::size_t>(emptied + k)];
      }
      emptied += count;
    });
  }
}

// kernel(rows, pointers, distances between rows) over rows begin..end of a walk without their axis, which has
// c elements at distances of steps[n] bytes: copied to a buffer of about kBuffer elements, and back.
template <class T, std::size_t N, class Kernel>
void run_rows_buffered(const Walk<N>& walk, Index c, const std::array<Index, N>& steps, Index begin,
                       Index end, const Kernel& kernel) {
  constexpr Index kBuffer = 4096;
  const Index group = std::max<Index>(kBuffer / c, 1);
  std::vector<T> buffers(static_cast<std::size_t>(group * c) * N);
  const auto inner = static_cast<std::size_t>(std::max(walk.ndim - 1, 0));
  std::array<T*, N> p;
  std::array<Index, N> distances;
  for (std::size_t n = 0; n < N; ++n) {
    p[n] = buffers.data() + static_cast<std::size_t>(group * c) * n;
    distances[n] = c;
  }
  const auto copy = [&](std::size_t n, char* at, Index first, Index count, bool back) {
    const Index row = walk.ndim == 0 ? 0 : walk.strides[n][inner];
    for (Index j = 0; j < c; ++j) {
      for (Index i = 0; i < count; ++i) {
        T& mine = p[n][(first + i) * c + j];
        T& theirs = *reinterpret_cast<T*>(at + i * row + j * steps[n]);
        (back ? theirs : mine) = back ? mine : theirs;
      }
    }
  };
  for (Index from = begin; from < end; from += group) {
    const Index to = std::min(end, from + group);
    Index first = 0;
    for_each_piece(walk, from, to, [&](const std::array<char*, N>& at, Index count) {
      for (std::size_t n = 1; n < N; ++n) copy(n, at[n], first, count, false);
      first += count;
    });
    kernel(to - from, p, distances);
    first = 0;
    for_each_piece(walk, from, to, [&](const std::array<char*, N>& at, Index count) {
      copy(0, at[0], first, count, true);
      first += count;
    });
  }
}

}  // namespace picaflor::bind
