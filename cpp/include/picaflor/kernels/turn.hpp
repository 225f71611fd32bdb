// Transposes: squares, turned in registers, and what is made of them.
#pragma once

#include <type_traits>

#include "picaflor/kernels/packet.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// A square's row is half a register at AVX-512, whose shuffles across 64 bytes cost more than those of twice
// as many halves.
template <class T>
using SquareRow =
    std::conditional_t<sizeof(Register<T>) == 64,
                       typename Eigen::internal::unpacket_traits<Register<T>>::half, Register<T>>;
template <class T>
inline constexpr Index kSquare = Eigen::internal::unpacket_traits<SquareRow<T>>::size;

// to_ij = from_ji,  i, j < kSquare
template <class T>
void turn_square(const T* from, Index from_row, T* to, Index to_row) noexcept {
  using namespace Eigen::internal;
  constexpr int rows = static_cast<int>(kSquare<T>);
  PacketBlock<SquareRow<T>, rows> square;
  PICAFLOR_UNROLL
  for (int i = 0; i < rows; ++i) square.packet[i] = ploadu<SquareRow<T>>(from + i * from_row);
  ptranspose(square);
  PICAFLOR_UNROLL
  for (int i = 0; i < rows; ++i) pstoreu(to + i * to_row, square.packet[i]);
}

// The same for as many rows as a register holds.
template <class T>
void turn_block(const T* from, Index from_row, T* to, Index to_row) noexcept {
  for (Index i = 0; i < kLanes<T>; i += kSquare<T>) {
    for (Index j = 0; j < kLanes<T>; j += kSquare<T>) {
      turn_square(from + i * from_row + j, from_row, to + j * to_row + i, to_row);
    }
  }
}

// -------------------------------------------------------------------------------- rows in the lanes, and
// back

// Whether a gather or scatter instruction can reach `rows` rows: it takes a whole register of them, and its
// offsets have 32 bits.
template <class T>
bool reaches_rows(Index rows, Index row) noexcept {
  constexpr Index kFar = Index{1} << 24;
  return rows == Packet<T>::kLanes && row <= kFar && row >= -kFar;
}

// block (c, kLanes) = transpose of `rows` rows of c elements; lanes past `rows` become zero.
template <class T>
void turn_in(Index rows, Index c, const T* from, Index row, T* block) {
  constexpr Index L = Packet<T>::kLanes, S = kSquare<T>;
  const Index rows_in_squares = rows / S * S, columns_in_squares = c / S * S;
  for (Index j = 0; rows < L && j < c; ++j) Packet<T>::all(0).store(block + j * L);
  for (Index j = 0; j < columns_in_squares; j += S) {
    for (Index i = 0; i < rows_in_squares; i += S) turn_square(from + i * row + j, row, block + j * L + i, L);
  }
  for (Index i = rows_in_squares; i < rows; ++i) {
    for (Index j = 0; j < columns_in_squares; ++j) block[j * L + i] = from[i * row + j];
  }
  const bool gathers = reaches_rows<T>(rows, row);
  for (Index j = columns_in_squares; j < c; ++j) {
    if (gathers) {
      Packet<T>::gather(from + j, row).store(block + j * L);
      continue;
    }
    for (Index i = 0; i < rows; ++i) block[j * L + i] = from[i * row + j];
  }
}

// The way back.
template <class T>
void turn_out(Index rows, Index c, const T* block, T* to, Index row) {
  constexpr Index L = Packet<T>::kLanes, S = kSquare<T>;
  const Index rows_in_squares = rows / S * S, columns_in_squares = c / S * S;
  for (Index j = 0; j < columns_in_squares; j += S) {
    for (Index i = 0; i < rows_in_squares; i += S) turn_square(block + j * L + i, L, to + i * row + j, row);
  }
  for (Index i = rows_in_squares; i < rows; ++i) {
    for (Index j = 0; j < columns_in_squares; ++j) to[i * row + j] = block[j * L + i];
  }
  const bool scatters = reaches_rows<T>(rows, row);
  for (Index j = columns_in_squares; j < c; ++j) {
    if (scatters) {
      Packet<T>::load(block + j * L).scatter(to + j, row);
      continue;
    }
    for (Index i = 0; i < rows; ++i) to[i * row + j] = block[j * L + i];
  }
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
