// Lists of what is not zero in a row: its values, and where their rows of the other operand begin.
//
// Nothing branches, since which pixels are black, or which units of a layer are off, can not be foreseen.
#pragma once

#include <cstdint>

#include "picaflor/kernels/tile.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

template <class T>
struct Term {
  T value;
  std::int32_t offset;
};

#ifdef EIGEN_VECTORIZE_AVX2

// For every set of lanes, one bit each: their numbers, the lowest first, four bits each.
struct LanesOfMask {
  std::uint32_t at[256] = {};

  constexpr LanesOfMask() {
    for (unsigned mask = 0; mask < 256; ++mask) {
      int shift = 0;
      for (unsigned lane = 0; lane < 8; ++lane) {
        if ((mask >> lane & 1) == 0) continue;
        at[mask] |= lane << shift;
        shift += 4;
      }
    }
  }
};
inline constexpr LanesOfMask kLanesOfMask;

// The terms of eight values whose offsets are `offsets`: those that count move to the front.
inline Term<float>* list_eight(__m256 values, __m256i offsets, Term<float>* terms) noexcept {
  const __m256 counts = _mm256_cmp_ps(values, _mm256_setzero_ps(), _CMP_NEQ_UQ);
  const auto mask = static_cast<unsigned>(_mm256_movemask_ps(counts));
  const __m256i shifts = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28);
  const __m256i order = _mm256_srlv_epi32(_mm256_set1_epi32(static_cast<int>(kLanesOfMask.at[mask])), shifts);
  const __m256 v = _mm256_permutevar8x32_ps(values, order);
  const __m256 o = _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(offsets, order));
  const __m256 even = _mm256_unpacklo_ps(v, o), odd = _mm256_unpackhi_ps(v, o);  // pairs 0 1 4 5, 2 3 6 7
  _mm256_storeu_ps(&terms[0].value, _mm256_permute2f128_ps(even, odd, 0x20));
  _mm256_storeu_ps(&terms[4].value, _mm256_permute2f128_ps(even, odd, 0x31));
  return terms + _mm_popcnt_u32(mask);
}

#endif
#ifdef EIGEN_VECTORIZE_AVX512

// The same for sixteen.
inline Term<float>* list_sixteen(__m512 values, __m512i offsets, Term<float>* terms) noexcept {
  const __mmask16 counts = _mm512_cmp_ps_mask(values, _mm512_setzero_ps(), _CMP_NEQ_UQ);
  const __m512 v = _mm512_maskz_compress_ps(counts, values);
  const __m512 o = _mm512_castsi512_ps(_mm512_maskz_compress_epi32(counts, offsets));
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
  _mm512_storeu_ps(&terms[0].value, _mm512_permutex2var_ps(v, low, o));
  _mm512_storeu_ps(&terms[8].value, _mm512_permutex2var_ps(v, high, o));
  return terms + _mm_popcnt_u32(counts);
}

#endif

// The terms of row (k) that are not zero (a NaN counts), p * step being the offset of place p; returns their
// end.  Nothing is written behind the k-th term.
template <class T>
Term<T>* list_row(Index k, const T* row, Index step, Term<T>* terms) noexcept {
  Index p = 0;
#ifdef EIGEN_VECTORIZE_AVX512
  if constexpr (sizeof(T) == sizeof(float)) {
    const __m512i steps = _mm512_set1_epi32(static_cast<int>(step));
    __m512i offsets =
        _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), steps);
    for (; p + 16 <= k; p += 16) {
      terms = list_sixteen(_mm512_loadu_ps(row + p), offsets, terms);
      offsets = _mm512_add_epi32(offsets, _mm512_slli_epi32(steps, 4));
    }
  }
#elif defined(EIGEN_VECTORIZE_AVX2)
  if constexpr (sizeof(T) == sizeof(float)) {
    const __m256i steps = _mm256_set1_epi32(static_cast<int>(step));
    __m256i offsets = _mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), steps);
    for (; p + 8 <= k; p += 8) {
      terms = list_eight(_mm256_loadu_ps(row + p), offsets, terms);
      offsets = _mm256_add_epi32(offsets, _mm256_slli_epi32(steps, 3));
    }
  }
#endif
  for (; p < k; ++p) {
    *terms = {row[p], static_cast<std::int32_t>(p * step)};
    terms += row[p] != T(0) ? 1 : 0;
  }
  return terms;
}

}  // namespace picaflor::inline PICAFLOR_LEVEL
