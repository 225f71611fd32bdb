// Square pieces of a matrix, turned in registers: what every transpose here is made of.
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

}  // namespace picaflor::inline PICAFLOR_LEVEL
