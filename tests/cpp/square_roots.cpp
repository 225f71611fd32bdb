// The square root of a register against the processor's, bit for bit: every float of two octaves, which stand
// for all others, samples of the rest, and the numbers that are no ordinary ones.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>

#include "picaflor/kernels/packet.hpp"

namespace {

using picaflor::packet::Packet;

template <class T>
class Roots {
 public:
  void add(T x) {
    x_[count_++] = x;
    if (count_ == Packet<T>::kLanes) check();
  }
  int finish() {
    while (count_ != 0) add(T(1));
    return failed_;
  }

 private:
  void check() {
    T roots[Packet<T>::kLanes];
    sqrt(Packet<T>::load(x_)).store(roots);
    for (int i = 0; i < count_; ++i) {
      const T expected = std::sqrt(x_[i]);
      const bool same = std::isnan(expected)
                            ? std::isnan(roots[i])
                            : roots[i] == expected && std::signbit(roots[i]) == std::signbit(expected);
      if (!same && failed_++ < 10) {
        std::printf("%zu bytes: the root of %a is %a, not %a\n", sizeof(T), static_cast<double>(x_[i]),
                    static_cast<double>(roots[i]), static_cast<double>(expected));
      }
    }
    count_ = 0;
  }

  T x_[Packet<T>::kLanes];
  int count_ = 0, failed_ = 0;
};

template <class T>
int run(int least_exponent, int most_exponent) {
  using Limits = std::numeric_limits<T>;
  Roots<T> roots;
  for (const T x : {T(0), -T(0), Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(), T(-1),
                    -Limits::min(), Limits::max()}) {
    roots.add(x);
  }
  if (sizeof(T) == sizeof(float)) {
    for (std::uint32_t i = 0; i < std::uint32_t{1} << 23; ++i) {
      const T x = T(1) + std::ldexp(static_cast<T>(i), -23);
      roots.add(x);
      roots.add(2 * x);
    }
  }
  std::mt19937_64 bits(1);
  for (int i = 0; i < 1 << 22; ++i) {
    const T mantissa = T(1) + std::ldexp(static_cast<T>(bits() >> 11), -53);
    const int exponent = least_exponent + static_cast<int>(bits() % (most_exponent - least_exponent));
    roots.add(std::ldexp(mantissa, exponent));
  }
  return roots.finish();
}

}  // namespace

int main() {
  const int failed = run<float>(-126, 127) + run<double>(-1022, 1023);
  if (failed != 0) std::printf("%d roots differ\n", failed);
  return failed == 0 ? 0 : 1;
}
