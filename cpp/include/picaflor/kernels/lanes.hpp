// Two ways to lay rows of a matrix into vector lanes, with one face, so that every loss and metric that works
// row by row is written once and is fast for one column as for a thousand.
//
//   RowLanes     one row per lane: kLanes rows at a time, transposed into a buffer on the stack; a reduction
//                over the columns is vertical.  For c <= kNarrow<T>, where rows are too short to fill a
//                register.
//   ColumnLanes  one row, kLanes of its columns at a time; a reduction ends across the lanes.  For wide rows.
//
// Every quantity that belongs to a row is a packet: lane i holds row i's in RowLanes, all lanes the same in
// ColumnLanes.  A function over columns gets a position `at`, which it hands to out(at), target(at), put(at).
// A row's result depends on its own contents alone, never on its neighbours or its place in a block.
#pragma once

#include <limits>

#include "picaflor/kernels/math.hpp"
#include "picaflor/kernels/transpose.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

// Rows up to this width go one per lane.  Measured for softmax_cross_entropy on a Zen 4, float32, ns per
// element with rows in lanes and with columns in lanes:  AVX2  c = 33: 0.82, 2.8   c = 100: 0.54, 1.2
// AVX-512  33: 0.54, 3.1   100: 0.48, 1.2;  SSE only up to about 64.  More than 128 would crowd the cache.
template <class T>
inline constexpr Index kNarrow = 16 * Packet<T>::kLanes < 128 ? 16 * Packet<T>::kLanes : 128;

// ------------------------------------------------------------------------------------------------ RowLanes

template <class T>
class RowLanes {
 public:
  using Number = T;
  using P = Packet<T>;
  static constexpr Index kRows = P::kLanes;

  // Rows first .. first + rows of the arguments (LossArgs or MetricArgs), rows <= kRows.
  template <class Args>
  RowLanes(const Args& a, Index first, Index rows) : c_(a.c), rows_(rows) {
    rows_to_lanes(rows, c_, a.out + first * a.out_row, a.out_row, out_);
    if (a.ids != nullptr) {
      has_ids_ = true;
      for (Index i = 0; i < kRows; ++i) {
        ids_[i] = i < rows ? static_cast<Index>(a.ids[first + i]) : 0;
        id_as_number_[i] = static_cast<T>(ids_[i]);
      }
    } else {
      rows_to_lanes(rows, c_, a.target + first * a.target_row, a.target_row, target_);
    }
    if constexpr (requires { a.dout; }) {
      wants_gradient_ = a.dout != nullptr;
    }
  }

  Index columns() const { return c_; }
  bool has_ids() const { return has_ids_; }
  bool wants_gradient() const { return wants_gradient_; }

  P out(Index j) const { return P::load(out_ + j * kRows); }
  P target(Index j) const { return P::load(target_ + j * kRows); }
  P dout(Index j) const { return P::load(dout_ + j * kRows); }
  void put(Index j, P gradient) { gradient.store(dout_ + j * kRows); }
  P column(Index j) const { return P::all(static_cast<T>(j)); }
  Mask<T> is_id(Index j) const { return column(j) == P::load(id_as_number_); }

  P out_at_id() const {
    alignas(kCacheLine) T chosen[kRows];
    for (Index i = 0; i < kRows; ++i) {
      chosen[i] = out_[ids_[i] * kRows + i];
    }
    return P::load(chosen);
  }
  void add_at_id(P amount) {
    alignas(kCacheLine) T add[kRows];
    amount.store(add);
    for (Index i = 0; i < kRows; ++i) {
      dout_[ids_[i] * kRows + i] += add[i];
    }
  }

  template <class F>
  void each(F&& f) {
    for (Index j = 0; j < c_; ++j) {
      f(j);
    }
  }
  template <class F>
  P sum(F&& f) {
    P total = P::all(0);
    for (Index j = 0; j < c_; ++j) {
      total = total + f(j);
    }
    return total;
  }
  template <class F>
  P top(F&& f) {
    P highest = P::all(-std::numeric_limits<T>::infinity());
    for (Index j = 0; j < c_; ++j) {
      highest = max(highest, f(j));
    }
    return highest;
  }

  // The first column where f is true (a mask); columns() where it nowhere is.
  template <class F>
  P first(F&& f) {
    P found = P::all(static_cast<T>(c_));
    for (Index j = c_ - 1; j >= 0; --j) {
      found = select(f(j), column(j), found);
    }
    return found;
  }

  void finish(T* dout, Index row) const { lanes_to_rows(rows_, c_, dout_, dout, row); }

 private:
  Index c_, rows_;
  bool has_ids_ = false, wants_gradient_ = false;
  Index ids_[kRows];
  alignas(kCacheLine) T id_as_number_[kRows];
  alignas(kCacheLine) T out_[kNarrow<T> * kRows];
  alignas(kCacheLine) T target_[kNarrow<T> * kRows];
  alignas(kCacheLine) T dout_[kNarrow<T> * kRows];
};

// --------------------------------------------------------------------------------------------- ColumnLanes

template <class T>
class ColumnLanes {
 public:
  using Number = T;
  using P = Packet<T>;
  static constexpr Index kRows = 1;

  struct Full {  // kLanes columns from j on
    Index j;
  };
  struct Part {  // the last `count` columns; lanes past them read as zero and are not written
    Index j, count;
  };

  template <class Args>
  ColumnLanes(const Args& a, Index row, Index)
      : c_(a.c),
        out_(a.out + row * a.out_row),
        target_(a.target != nullptr ? a.target + row * a.target_row : nullptr),
        has_ids_(a.ids != nullptr),
        id_(has_ids_ ? static_cast<Index>(a.ids[row]) : 0) {
    if constexpr (requires { a.dout; }) {
      dout_ = a.dout != nullptr ? a.dout + row * a.dout_row : nullptr;
    }
  }

  Index columns() const { return c_; }
  bool has_ids() const { return has_ids_; }
  bool wants_gradient() const { return dout_ != nullptr; }

  P out(Full at) const { return P::load(out_ + at.j); }
  P out(Part at) const { return load_part(out_, at); }
  P target(Full at) const { return P::load(target_ + at.j); }
  P target(Part at) const { return load_part(target_, at); }
  P dout(Full at) const { return P::load(dout_ + at.j); }
  P dout(Part at) const { return load_part(dout_, at); }
  void put(Full at, P gradient) {
    if (dout_ != nullptr) {
      gradient.store(dout_ + at.j);
    }
  }
  void put(Part at, P gradient) {
    if (dout_ != nullptr) {
      alignas(kCacheLine) T lanes[L];
      gradient.store(lanes);
      for (Index i = 0; i < at.count; ++i) {
        dout_[at.j + i] = lanes[i];
      }
    }
  }
  template <class At>
  P column(At at) const {
    return P::ramp(static_cast<T>(at.j));
  }
  template <class At>
  Mask<T> is_id(At at) const {  // by distance: exact however many columns there are
    return P::ramp(0) == P::all(static_cast<T>(id_ - at.j));
  }

  P out_at_id() const { return P::all(out_[id_]); }
  void add_at_id(P amount) {
    if (dout_ != nullptr) {
      alignas(kCacheLine) T lanes[L];
      amount.store(lanes);
      dout_[id_] += lanes[0];
    }
  }

  template <class F>
  void each(F&& f) {
    Index j = 0;
    for (; j + L <= c_; j += L) {
      f(Full{j});
    }
    if (j < c_) {
      f(Part{j, c_ - j});
    }
  }

  // Four running sums hide the latency of the addition; they are emptied every kBlock columns, so that the
  // rounding error grows with c / kBlock, not with c.
  template <class F>
  P sum(F&& f) {
    P total = P::all(0);
    Index j = 0;
    while (j + 4 * L <= c_) {
      P s0 = P::all(0), s1 = s0, s2 = s0, s3 = s0;
      const Index stop = c_ - j < kBlock ? c_ : j + kBlock;
      for (; j + 4 * L <= stop; j += 4 * L) {
        s0 = s0 + f(Full{j});
        s1 = s1 + f(Full{j + L});
        s2 = s2 + f(Full{j + 2 * L});
        s3 = s3 + f(Full{j + 3 * L});
      }
      total = total + ((s0 + s1) + (s2 + s3));
    }
    for (; j + L <= c_; j += L) {
      total = total + f(Full{j});
    }
    if (j < c_) {
      total = total + select(in(Part{j, c_ - j}), f(Part{j, c_ - j}), P::all(0));
    }
    return P::all(sum_of_lanes(total));
  }

  template <class F>
  P top(F&& f) {
    const P lowest = P::all(-std::numeric_limits<T>::infinity());
    P t0 = lowest, t1 = lowest, t2 = lowest, t3 = lowest;
    Index j = 0;
    for (; j + 4 * L <= c_; j += 4 * L) {
      t0 = max(t0, f(Full{j}));
      t1 = max(t1, f(Full{j + L}));
      t2 = max(t2, f(Full{j + 2 * L}));
      t3 = max(t3, f(Full{j + 3 * L}));
    }
    for (; j + L <= c_; j += L) {
      t0 = max(t0, f(Full{j}));
    }
    if (j < c_) {
      t1 = max(t1, select(in(Part{j, c_ - j}), f(Part{j, c_ - j}), lowest));
    }
    return P::all(max_of_lanes(max(max(t0, t1), max(t2, t3))));
  }

  template <class F>
  P first(F&& f) {
    const P none = P::all(static_cast<T>(c_));
    P found = none;
    each([&](auto at) { found = min(found, select(f(at), column(at), none)); });
    return P::all(min_of_lanes(found));  // a part's lanes past the end lie at or past column c
  }

  void finish(T*, Index) const {}

 private:
  static constexpr Index L = P::kLanes;
  static constexpr Index kBlock = 64 * L;

  static Mask<T> in(Part at) { return P::ramp(0) < P::all(static_cast<T>(at.count)); }
  static P load_part(const T* from, Part at) {
    alignas(kCacheLine) T lanes[L] = {};
    for (Index i = 0; i < at.count; ++i) {
      lanes[i] = from[at.j + i];
    }
    return P::load(lanes);
  }

  Index c_;
  const T* out_;
  const T* target_;
  T* dout_ = nullptr;
  bool has_ids_;
  Index id_;
};

}  // namespace picaflor::inline PICAFLOR_LEVEL
