// Rows of a user's array, of any number type and any strides, into a padded block of T.
//
//   out (n, d) = T(x[rows]),   columns d .. out_row - 1 of out become zero
//
// Rows that lie contiguously are converted vector by vector (or copied); while a row is copied, a row that
// will be wanted later is prefetched, because a shuffled order defeats the processor's own prefetching.
#pragma once

#include <cstdint>
#include <cstring>

#include "picaflor/kernels/prefetch.hpp"
#include "picaflor/kernels/table.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// One element where it lies; a bool is one whatever nonzero byte stands there.
template <class T, class Source>
T element(const char* p) noexcept {
  if constexpr (sizeof(Source) == sizeof(bool) && Source(2) == Source(true)) {
    return *p != 0 ? T(1) : T(0);
  } else {
    Source value;
    std::memcpy(&value, p, sizeof(value));
    return static_cast<T>(value);
  }
}

// to (d) = from, of the same type; without a call, which short rows would feel.
template <class T>
void copy_row(const char* from, Index d, T* to) noexcept {
  constexpr Index size = sizeof(T), step = 32 / size;
  if (d < step) {
    for (Index j = 0; j < d; ++j) to[j] = element<T, T>(from + j * size);
    return;
  }
  for (Index j = 0; j < d - step; j += step) std::memcpy(to + j, from + j * size, step * size);
  std::memcpy(to + d - step, from + (d - step) * size, step * size);
}

template <class T, class Source>
void gather_elements(const GatherRows<T>& g) noexcept {
  constexpr Index size = sizeof(Source);
  const char* const x = static_cast<const char*>(g.x);
  const auto source = [&](Index i) {
    return x + (g.rows == nullptr ? g.first + i : g.rows[i]) * g.row_bytes;
  };
  const bool contiguous = g.col_bytes == size;

  for (Index i = 0; i < g.n; ++i) {
    T* const out = g.out + i * g.out_row;
    const char* const row = source(i);
    if (contiguous) {
      if (g.rows != nullptr && i < g.ahead) prefetch_row(source(g.distance + i), g.d * size);
      if constexpr (sizeof(T) == sizeof(Source) && Source(1) / Source(2) != Source(0)) {
        copy_row(row, g.d, out);
      } else {
        for (Index j = 0; j < g.d; ++j) out[j] = element<T, Source>(row + j * size);
      }
    } else {
      for (Index j = 0; j < g.d; ++j) out[j] = element<T, Source>(row + j * g.col_bytes);
    }
    for (Index j = g.d; j < g.out_row; ++j) out[j] = T(0);
  }
}

template <class T>
void gather_rows(const GatherRows<T>& g) noexcept {
  switch (g.type) {
    case ElementType::boolean:
      return gather_elements<T, bool>(g);
    case ElementType::u8:
      return gather_elements<T, std::uint8_t>(g);
    case ElementType::i8:
      return gather_elements<T, std::int8_t>(g);
    case ElementType::u16:
      return gather_elements<T, std::uint16_t>(g);
    case ElementType::i16:
      return gather_elements<T, std::int16_t>(g);
    case ElementType::u32:
      return gather_elements<T, std::uint32_t>(g);
    case ElementType::i32:
      return gather_elements<T, std::int32_t>(g);
    case ElementType::u64:
      return gather_elements<T, std::uint64_t>(g);
    case ElementType::i64:
      return gather_elements<T, std::int64_t>(g);
    case ElementType::f32:
      return gather_elements<T, float>(g);
    case ElementType::f64:
      return gather_elements<T, double>(g);
  }
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
