// Transposes: squares, transposed in registers, and what is made of them.
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
void transpose_square(const T* from, Index from_row, T* to, Index to_row) noexcept {
  using namespace Eigen::internal;
  constexpr int rows = static_cast<int>(kSquare<T>);
  PacketBlock<SquareRow<T>, rows> square;
  PICAFLOR_UNROLL
  for (int i = 0; i < rows; ++i) square.packet[i] = ploadu<SquareRow<T>>(from + i * from_row);
  ptranspose(square);
  PICAFLOR_UNROLL
  for (int i = 0; i < rows; ++i) pstoreu(to + i * to_row, square.packet[i]);
}

// The same for i < kSquare, j < kLanes
template <class T>
void transpose_columns(const T* from, Index from_row, T* to, Index to_row) noexcept {
  for (Index j = 0; j < kLanes<T>; j += kSquare<T>) {
    transpose_square(from + j * from_row, from_row, to + j, to_row);
  }
}

// The same for i, j < kLanes
template <class T>
void transpose_block(const T* from, Index from_row, T* to, Index to_row) noexcept {
  for (Index i = 0; i < kLanes<T>; i += kSquare<T>) {
    transpose_columns(from + i, from_row, to + i * to_row, to_row);
  }
}

// ------------------------------------------------------------------------------------ rows in the lanes

// The pieces in which a block of rows, `row` apart, is transposed into lanes or back: square(i, j) where
// squares fit, column(j) beside them where an instruction that gathers or scatters reaches all of a
// register's rows (its offsets have 32 bits), element(i, j) for what is left.
template <class T, class Square, class Column, class Element>
EIGEN_STRONG_INLINE void each_piece(Index rows, Index c, Index row, const Square& square,
                                    const Column& column, const Element& element) {
  constexpr Index S = kSquare<T>, far = Index{1} << 24;
  const Index rows_in_squares = rows / S * S, columns_in_squares = c / S * S;
  for (Index j = 0; j < columns_in_squares; j += S) {
    for (Index i = 0; i < rows_in_squares; i += S) square(i, j);
  }
  for (Index i = rows_in_squares; i < rows; ++i) {
    for (Index j = 0; j < columns_in_squares; ++j) element(i, j);
  }
  const bool is_reached = rows == Packet<T>::kLanes && row <= far && row >= -far;
  for (Index j = columns_in_squares; j < c; ++j) {
    if (is_reached) {
      column(j);
      continue;
    }
    for (Index i = 0; i < rows; ++i) element(i, j);
  }
}

// block (c, kLanes) = transpose of `rows` rows of c elements; lanes past `rows` become zero.
template <class T>
void rows_to_lanes(Index rows, Index c, const T* from, Index row, T* block) {
  constexpr Index L = Packet<T>::kLanes;
  for (Index j = 0; rows < L && j < c; ++j) Packet<T>::all(0).store(block + j * L);
  each_piece<T>(
      rows, c, row,
      [=](Index i, Index j) { transpose_square(from + i * row + j, row, block + j * L + i, L); },
      [=](Index j) { Packet<T>::gather(from + j, row).store(block + j * L); },
      [=](Index i, Index j) { block[j * L + i] = from[i * row + j]; });
}

// The way back.
template <class T>
void lanes_to_rows(Index rows, Index c, const T* block, T* to, Index row) {
  constexpr Index L = Packet<T>::kLanes;
  each_piece<T>(
      rows, c, row, [=](Index i, Index j) { transpose_square(block + j * L + i, L, to + i * row + j, row); },
      [=](Index j) { Packet<T>::load(block + j * L).scatter(to + j, row); },
      [=](Index i, Index j) { to[i * row + j] = block[j * L + i]; });
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
