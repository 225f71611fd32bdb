// tanh of floats in registers of 64 bytes, which can look 16 numbers up in 32 at a time.
//
//   tanh(a) = c_0 + t (c_1 + t (c_2 + ... + t c_6)),   t = a - center,   0 <= a <= 9.25
//
// Center and coefficients are those of a's interval: a quarter of an octave, from 2^-4 on; the first one
// begins at 0, where the center is 0 and the odd function tanh has odd powers only.  The interval's number
// modulo 32 are the lowest bits of the exponent and the highest two of the mantissa, so that the tables begin
// with the interval at 2.
//
// Each center is the number near the middle of its interval whose tanh is nearest to a float, c_0; so the one
// rounding that counts is the last one.  The polynomials meet tanh in Chebyshev's nodes (in 40 digits): off
// by up to 2^-28 of the result, from 5 on 2^-26.
//
// math.hpp's tanh_nonnegative, for all other registers, divides and corrects roundings: half as fast here.
#pragma once

#include "picaflor/kernels/packet.hpp"

namespace picaflor::inline PICAFLOR_LEVEL {

namespace packet {

#ifdef EIGEN_VECTORIZE_AVX512

// The center, c_0, ..., c_6 of the intervals; the four without one are never asked for.
// clang-format off
alignas(kCacheLine) inline constexpr float kTanhTable[8][32] = {
    {2.24994326F, 2.75006676F, 3.24991369F, 3.75008559F, 4.49993181F, 5.50019073F, 6.49980927F, 7.50019073F,
     8.62538147F, 0, 0, 0, 0, 0.0859364495F, 0.101560496F, 0.117190413F, 0.140629709F, 0.17187272F,
     0.20312424F, 0.23437345F, 0.281243235F, 0.34375155F, 0.406240493F, 0.468753487F, 0.562476516F,
     0.687487423F, 0.812479019F, 0.937519848F, 1.12498033F, 1.37504101F, 1.62498569F, 1.87500703F},
    {0.978023648F, 0.991860807F, 0.996997118F, 0.998894632F, 0.999753177F, 0.999966621F, 0.99999547F,
     0.999999404F, 0.99999994F, 0, 0, 0, 0, 0.0857255235F, 0.101212747F, 0.116656862F, 0.13970992F,
     0.170200095F, 0.200375989F, 0.230174243F, 0.274055332F, 0.330822498F, 0.385275871F, 0.437191606F,
     0.509812593F, 0.596365452F, 0.670955539F, 0.734080672F, 0.809294283F, 0.879835963F, 0.925344169F,
     0.954045892F},
    {0.0434697419F, 0.0162121411F, 0.00599674741F, 0.00220951461F, 0.000493587751F, 6.67791974e-05F,
     9.04457556e-06F, 1.2227232e-06F, 1.28702453e-07F, 0, 0, 0, 1, 0.992651105F, 0.989755988F, 0.986391187F,
     0.980481148F, 0.971031904F, 0.959849477F, 0.947019815F, 0.924893677F, 0.890556455F, 0.8515625F,
     0.808863521F, 0.740091145F, 0.644348264F, 0.549818695F, 0.461125553F, 0.345042765F, 0.225888684F,
     0.143738165F, 0.0897964388F},
    {-0.0425144397F, -0.0160801932F, -0.00597874774F, -0.00220707292F, -0.000493461557F, -6.76052005e-05F,
     -8.49896696e-06F, -2.34091954e-06F, -3.51432391e-07F, 0, 0, 0, 0, -0.0850949436F, -0.100175686F,
     -0.115067966F, -0.136983126F, -0.165270269F, -0.19233118F, -0.217982054F, -0.253471971F, -0.294616073F,
     -0.328086793F, -0.353628665F, -0.377307713F, -0.384266883F, -0.368904054F, -0.338503122F,
     -0.279241025F, -0.198745012F, -0.133007273F, -0.0856699273F},
    {0.0270904414F, 0.0105450274F, 0.00396173354F, 0.00146807008F, 0.000328591763F, 4.44913239e-05F,
     6.03005947e-06F, 8.23965706e-07F, 8.80861037e-08F, 0, 0, 0, -0.333333075F, -0.323588729F,
     -0.319779485F, -0.315374106F, -0.30768913F, -0.295548439F, -0.28141135F, -0.265500158F, -0.238832518F,
     -0.199386522F, -0.157450408F, -0.115017831F, -0.0543410443F, 0.0143806124F, 0.0642450601F,
     0.0947801918F, 0.110974357F, 0.0995674133F, 0.0751651824F, 0.0518010557F},
    {-0.0123235285F, -0.0050990521F, -0.00195667287F, -0.000730763597F, -0.000164212004F, -1.34123229e-05F,
     -8.83495522e-06F, 1.1515388e-05F, 1.4764438e-06F, 0, 0, 0, 0, 0.0300712511F, 0.0555451773F,
     0.0169004798F, 0.0907158777F, 0.111295864F, 0.124850594F, 0.160977438F, 0.149762481F, 0.164070308F,
     0.170870483F, 0.169099987F, 0.153431445F, 0.119418599F, 0.0799727887F, 0.0430891886F, 0.00325256377F,
     -0.0213500243F, -0.0252192691F, -0.0208623018F},
    {0.00397877535F, 0.00191295485F, 0.000769647537F, 0.000292186742F, 6.7916284e-05F, 9.19478771e-06F,
     1.23184907e-06F, 1.32614716e-07F, 1.2230279e-08F, 0, 0, 0, 0.13300465F, 0.123315446F, 0.120586626F,
     0.129394189F, 0.111792512F, 0.102365233F, 0.0910334438F, 0.0794381872F, 0.0590553842F, 0.0319527686F,
     0.00596060557F, -0.0171797033F, -0.0435032248F, -0.0615945458F, -0.0626830906F, -0.0530605614F,
     -0.0320308022F, -0.00949276611F, 0.00140599394F, 0.00460567093F},
    {-0.00072509615F, -0.000548680429F, -0.000246998214F, -9.58208038e-05F, -2.22853305e-05F,
     -2.66044226e-05F, 1.51103513e-05F, -3.18504535e-05F, -2.59903118e-06F, 0, 0, 0, 0, 284.326721F,
     111.512039F, 636.165771F, -5.69435167F, -16.1769352F, -11.947216F, -74.358963F, 0.0521544777F,
     -0.00585587788F, -0.644096553F, -0.697430074F, -0.0301972311F, 0.00448499899F, -0.0116019975F,
     0.0458283611F, 0.0192513503F, 0.0107909702F, 0.00417825021F, 0.000578133098F}};
// clang-format on

EIGEN_STRONG_INLINE __m512 tanh_by_table(__m512 x) {
  const __m512 sign = _mm512_set1_ps(-0.0F);
  // A NaN stands second, where it stays.
  const __m512 a = _mm512_min_ps(_mm512_set1_ps(9.25F), _mm512_andnot_ps(sign, x));
  const __m512i interval =
      _mm512_srli_epi32(_mm512_castps_si512(_mm512_max_ps(a, _mm512_set1_ps(0.0625F))), 21);
  const auto look_up = [=](const float(&table)[32]) {
    return _mm512_permutex2var_ps(_mm512_load_ps(table), interval, _mm512_load_ps(table + 16));
  };
  const __m512 t = _mm512_sub_ps(a, look_up(kTanhTable[0]));
  __m512 sum = look_up(kTanhTable[7]);
  PICAFLOR_UNROLL
  for (int k = 6; k >= 1; --k) sum = _mm512_fmadd_ps(sum, t, look_up(kTanhTable[k]));
  return _mm512_or_ps(sum, _mm512_and_ps(sign, x));
}

EIGEN_STRONG_INLINE Packet<float, 1> tanh_by_table(Packet<float, 1> x) {
  return {{tanh_by_table(x.r[0])}};
}
EIGEN_STRONG_INLINE Packet<float, 2> tanh_by_table(Packet<float, 2> x) {
  return {{tanh_by_table(x.r[0]), tanh_by_table(x.r[1])}};
}

#endif

}  // namespace packet

}  // namespace picaflor::inline PICAFLOR_LEVEL
