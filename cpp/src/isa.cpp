// Asks the CPU what it can do and picks the table of kernels, once, when the module is imported.
#include "picaflor/runtime/isa.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <stdexcept>
#include <string_view>

#include "narrow_products.hpp"

#if defined(__x86_64__) || defined(_M_X64)
#define PICAFLOR_X86 1
#ifdef _MSC_VER
#include <immintrin.h>
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

namespace picaflor {

// Each level's cpp/src/kernels/level.cpp fills a table with the functions of its own namespace.
#define PICAFLOR_DECLARE(level)               \
  namespace level {                           \
  void fill_level(Kernels& kernels) noexcept; \
  }
PICAFLOR_DECLARE(v2)
PICAFLOR_DECLARE(v3)
PICAFLOR_DECLARE(v4)
PICAFLOR_DECLARE(baseline)
#undef PICAFLOR_DECLARE

namespace {

// The levels that the CPU and the operating system support.
struct Cpu {
  bool v2 = false, v3 = false, v4 = false;
  bool halves_v4 = false;  // executes an operation on 64 bytes in two halves
};

#ifdef PICAFLOR_X86

struct Registers {
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(std::uint32_t leaf) {
  Registers r;
#ifdef _MSC_VER
  int out[4];
  __cpuidex(out, static_cast<int>(leaf), 0);
  r = {static_cast<std::uint32_t>(out[0]), static_cast<std::uint32_t>(out[1]),
       static_cast<std::uint32_t>(out[2]), static_cast<std::uint32_t>(out[3])};
#else
  __cpuid_count(leaf, 0, r.eax, r.ebx, r.ecx, r.edx);
#endif
  return r;
}

// Which register states the operating system saves; only defined where cpuid reports OSXSAVE.
std::uint64_t xgetbv() {
#ifdef _MSC_VER
  return _xgetbv(0);
#else
  std::uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
#endif
}

constexpr bool all(std::uint64_t word, std::initializer_list<int> bits) {
  for (const int bit : bits) {
    if (((word >> bit) & 1U) == 0) return false;
  }
  return true;
}

#endif

// The levels are those of the x86-64 psABI: https://gitlab.com/x86-psABIs/x86-64-ABI, section 3.1.1.
Cpu detect_cpu() {
  Cpu cpu;
#ifdef PICAFLOR_X86
  const Registers one = cpuid(1);
  const Registers zero = cpuid(0);
  const Registers seven = zero.eax >= 7 ? cpuid(7) : Registers{};
  const Registers extended = cpuid(0x80000000).eax >= 0x80000001 ? cpuid(0x80000001) : Registers{};

  // SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF in 64-bit mode
  cpu.v2 = all(one.ecx, {0, 9, 13, 19, 20, 23}) && all(extended.ecx, {0});
  const std::uint64_t saved = all(one.ecx, {27}) ? xgetbv() : 0;
  // FMA, MOVBE, AVX, F16C; BMI1, AVX2, BMI2; LZCNT; the system saves the SSE and AVX registers
  cpu.v3 = cpu.v2 && all(one.ecx, {12, 22, 28, 29}) && all(seven.ebx, {3, 5, 8}) && all(extended.ecx, {5}) &&
           all(saved, {1, 2});
  // AVX512F, DQ, CD, BW, VL; the system saves the mask and the 512-bit registers
  cpu.v4 = cpu.v3 && all(seven.ebx, {16, 17, 28, 30, 31}) && all(saved, {5, 6, 7});

  const bool is_amd = zero.ebx == 0x68747541 && zero.edx == 0x69746e65 && zero.ecx == 0x444d4163;
  const std::uint32_t family = (one.eax >> 8 & 0xf) + (one.eax >> 20 & 0xff);
  cpu.halves_v4 = is_amd && family == 0x19;  // Zen 4
#endif
  return cpu;
}

using Fill = void (*)(Kernels&) noexcept;

struct Level {
  std::string_view name;
  Fill fill;        // null when this build leaves the level out
  bool Cpu::*runs;  // null: runs everywhere
};

#ifdef PICAFLOR_HAS_v2
constexpr Fill kV2 = &v2::fill_level;
#else
constexpr Fill kV2 = nullptr;
#endif
#ifdef PICAFLOR_HAS_v3
constexpr Fill kV3 = &v3::fill_level;
#else
constexpr Fill kV3 = nullptr;
#endif
#ifdef PICAFLOR_HAS_v4
constexpr Fill kV4 = &v4::fill_level;
#else
constexpr Fill kV4 = nullptr;
#endif
#ifdef PICAFLOR_HAS_baseline
constexpr Fill kBaseline = &baseline::fill_level;
#else
constexpr Fill kBaseline = nullptr;
#endif

// The highest first.
constexpr Level kLevels[] = {{"x86-64-v4", kV4, &Cpu::v4},
                             {"x86-64-v3", kV3, &Cpu::v3},
                             {"x86-64-v2", kV2, &Cpu::v2},
                             {"baseline", kBaseline, nullptr}};

bool runs(const Level& level, const Cpu& cpu) {
  return level.fill != nullptr && (level.runs == nullptr || cpu.*level.runs);
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

const Level& choose() {
  const Cpu cpu = detect_cpu();
  if (const char* const forced = std::getenv("PICAFLOR_ISA"); forced != nullptr && *forced != '\0') {
    const auto* const level = std::ranges::find(kLevels, std::string_view(forced), &Level::name);
    if (level == std::end(kLevels) || level->fill == nullptr) {
      throw std::runtime_error(
          "PICAFLOR_ISA=" + std::string(forced) +
          " is not an instruction-set level of this build; levels that run here: " + join(runnable_levels()));
    }
    if (!runs(*level, cpu)) {
      throw std::runtime_error("PICAFLOR_ISA=" + std::string(forced) +
                               " needs instructions that this CPU or operating system does not support; "
                               "levels that run here: " +
                               join(runnable_levels()));
    }
    return *level;
  }
  const std::vector<std::string> names = runnable_levels();
  if (names.empty()) {
    throw std::runtime_error(
        "this build of picaflor needs a CPU with SSE4.2 and POPCNT (x86-64-v2); build it from source with "
        "-C cmake.define.PICAFLOR_LEVELS=baseline for this machine");
  }
  return *std::ranges::find(kLevels, std::string_view(names.front()), &Level::name);
}

}  // namespace

std::vector<std::string> runnable_levels() {
  const Cpu cpu = detect_cpu();
  std::vector<std::string> names;
  for (const Level& level : kLevels) {
    if (runs(level, cpu)) names.emplace_back(level.name);
  }
  return names;
}

const Kernels& kernels() {
  static const Kernels chosen = [] {
    const Level& level = choose();
    Kernels table{};
    table.level = level.name.data();
    level.fill(table);
#if defined(PICAFLOR_HAS_v3) && defined(PICAFLOR_HAS_v4)
    if (level.fill == kV4) {
      Kernels narrow{};
      v3::fill_level(narrow);
      take_narrow_products(narrow, detect_cpu().halves_v4, table);
    }
#endif
    return table;
  }();
  return chosen;
}

}  // namespace picaflor
