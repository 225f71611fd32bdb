// Memory of the engine: zeroed, aligned to a cache line, on huge pages where the system offers them.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "picaflor/kernels/table.hpp"

namespace picaflor {

// One owned, zeroed array.  A page-table walk per row is what a large matrix costs on 4 KiB pages, so arrays
// of a few megabytes ask for 2 MiB ones.
template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(Index size) : size_(size) {
    if (size == 0) return;
    const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(T);
    const std::size_t alignment = bytes >= kHugePage ? kHugePage : static_cast<std::size_t>(kCacheLine);
    data_.reset(static_cast<T*>(::operator new (bytes, std::align_val_t{alignment})));
    data_.get_deleter().alignment = alignment;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (bytes >= kHugePage) madvise(data_.get(), bytes, MADV_HUGEPAGE);
#endif
    std::memset(static_cast<void*>(data_.get()), 0, bytes);
  }

  T* data() const {
    return data_.get();
  }
  Index size() const {
    return size_;
  }

 private:
  static constexpr std::size_t kHugePage = std::size_t{1} << 21;
  struct Delete {
    std::size_t alignment = kCacheLine;
    void operator()(T* p) const { ::operator delete (static_cast<void*>(p), std::align_val_t{alignment}); }
  };
  std::unique_ptr<T, Delete> data_;
  Index size_ = 0;
};

// Hands out cache-line-aligned pieces of one block.  Run the same requests twice: first on an empty arena, to
// learn the size, then on one of that size.
template <class T>
class Arena {
 public:
  Arena() = default;
  explicit Arena(Index size) : block_(size) {}

  T* take(Index size) {
    T* piece = block_.data() == nullptr ? nullptr : block_.data() + used_;
    used_ += padded<T>(size);
    return piece;
  }
  Index used() const { return used_; }

 private:
  AlignedArray<T> block_;
  Index used_ = 0;
};

}  // namespace picaflor
