// Memory of the engine: zeroed, aligned to a cache line, on huge pages where the system offers them.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "picaflor/kernels/table.hpp"

namespace picaflor {

// One owned, zeroed array.  calloc gets large blocks from the system as zero pages, which cost nothing until
// they are touched.  A page-table walk per row is what a large matrix costs on 4 KiB pages, so arrays of a
// few megabytes ask for 2 MiB ones.  Arrays of a page and more begin at a page: a processor that looks only
// at the place in the page when it asks whether a load must wait for a store then finds none in arrays that
// are walked through side by side, as weights and the optimizer's slots are.
template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(Index size) : size_(size) {
    if (size == 0) return;
    if (size < 0 || size > kLargest) throw std::bad_alloc();
    const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(T);
    const std::size_t alignment = bytes >= kHugePage ? kHugePage
                                  : bytes >= kPage   ? kPage
                                                     : static_cast<std::size_t>(kCacheLine);
    block_.reset(std::calloc(bytes + alignment, 1));
    if (block_ == nullptr) throw std::bad_alloc();
    void* start = block_.get();
    std::size_t space = bytes + alignment;
    data_ = static_cast<T*>(std::align(alignment, bytes, start, space));
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (bytes >= kHugePage) madvise(data_, bytes, MADV_HUGEPAGE);
#endif
  }
  AlignedArray(AlignedArray&& other) noexcept { *this = std::move(other); }
  AlignedArray& operator=(AlignedArray&& other) noexcept {
    block_ = std::move(other.block_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  T* data() const { return data_; }
  Index size() const { return size_; }

 private:
  static constexpr Index kLargest = (Index{1} << 56) / static_cast<Index>(sizeof(T));
  static constexpr std::size_t kPage = 4096, kHugePage = std::size_t{1} << 21;
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::unique_ptr<void, Free> block_;
  T* data_ = nullptr;
  Index size_ = 0;
};

// Hands out cache-line-aligned pieces of one block.
template <class T>
class Arena {
 public:
  // lay_out() takes the pieces: twice, first to learn the size.
  template <class LayOut>
  void fit(const LayOut& lay_out) {
    block_ = AlignedArray<T>();
    used_ = 0;
    lay_out();
    block_ = AlignedArray<T>(used_);
    used_ = 0;
    lay_out();
  }

  T* take(Index size) {
    T* piece = block_.data() == nullptr ? nullptr : block_.data() + used_;
    used_ += padded<T>(size);
    return piece;
  }

 private:
  AlignedArray<T> block_;
  Index used_ = 0;
};

}  // namespace picaflor
