// SPDX-License-Identifier: Apache-2.0
#pragma once
// GELU by a table in registers. Included after vector_avx512.h. Coefficients are printed by tools/fit_polynomials.py.
#include "backend/cpu/vector_avx512.h"

namespace emberline::cpu {
namespace {

// x Phi(x) as a cubic in x for each of 32 pieces of the number line: entry 16 + i is for x nearest to i * kPieceWidth.
// The first entry stands for all below, where the result is 0, and the last for all above, where it is x.
constexpr float kPieceWidth = 4.8F / 14.5F;
alignas(64) constexpr float kGeluPieces[4][32] = {
    {0.0F,
     0.0F,
     -0.0140185387F,
     -0.0389032938F,
     -0.0932095455F,
     -0.191448045F,
     -0.333960902F,
     -0.488479961F,
     -0.588301724F,
     -0.567523605F,
     -0.419031382F,
     -0.217024797F,
     -0.0626813826F,
     0.000415187111F,
     0.00531080147F,
     0.000501282542F,
     6.19965164e-06F,
     0.000501282542F,
     0.00531080147F,
     0.000415187111F,
     -0.0626813826F,
     -0.217024797F,
     -0.419031382F,
     -0.567523605F,
     -0.588301724F,
     -0.488479961F,
     -0.333960902F,
     -0.191448045F,
     -0.0932095456F,
     -0.038903294F,
     -0.0140185388F,
     0.0F},
    {0.0F,          0.0F,         -0.0085877214F, -0.0253946664F, -0.0649849259F, -0.142766333F,
     -0.266185042F, -0.41371251F, -0.519421575F,  -0.49240017F,   -0.2827623F,    0.051844131F,
     0.361993287F,  0.522324817F, 0.53691427F,    0.507129771F,   0.5F,           0.492870229F,
     0.46308573F,   0.477675183F, 0.638006713F,   0.948155869F,   1.2827623F,     1.49240017F,
     1.51942157F,   1.41371251F,  1.26618504F,    1.14276633F,    1.06498493F,    1.02539467F,
     1.00858772F,   1.0F},
    {0.0F,
     0.0F,
     -0.00175738339F,
     -0.00554191702F,
     -0.0151649766F,
     -0.0356992396F,
     -0.0713399615F,
     -0.118311892F,
     -0.15564468F,
     -0.143978424F,
     -0.0452395826F,
     0.139757586F,
     0.347919791F,
     0.48411606F,
     0.497996998F,
     0.435379427F,
     0.397128174F,
     0.435379427F,
     0.497996998F,
     0.48411606F,
     0.347919791F,
     0.139757586F,
     -0.0452395825F,
     -0.143978424F,
     -0.15564468F,
     -0.118311892F,
     -0.0713399615F,
     -0.0356992396F,
     -0.0151649766F,
     -0.00554191706F,
     -0.00175738341F,
     0.0F},
    {0.0F,
     0.0F,
     -0.000120115309F,
     -0.000404235916F,
     -0.00118410693F,
     -0.00299165609F,
     -0.00642367047F,
     -0.0114111146F,
     -0.0158081822F,
     -0.0141352115F,
     0.00137959435F,
     0.0355184581F,
     0.0821826051F,
     0.120863508F,
     0.124966037F,
     0.0803490785F,
     3.44456706e-14F,
     -0.0803490785F,
     -0.124966037F,
     -0.120863508F,
     -0.0821826051F,
     -0.0355184581F,
     -0.00137959435F,
     0.0141352115F,
     0.0158081822F,
     0.0114111146F,
     0.00642367047F,
     0.00299165609F,
     0.00118410693F,
     0.000404235919F,
     0.00012011531F,
     0.0F},
};

// x Phi(x) with an absolute error below 1e-5: for results that are rounded to bf16 or int8. Few of its instructions are
// multiplications, of which there is but one a cycle while tile products run.
class PiecewiseGelu {
 public:
  PiecewiseGelu() {
    for (int c = 0; c < 4; ++c) {
      low_[c] = load(kGeluPieces[c]);
      high_[c] = load(kGeluPieces[c] + kLanes);
    }
  }

  Vec operator()(Vec x) const {
    // Clamped to +-15.49 pieces; NaN may become anything here, and comes back with x below.
    const Vec inside = _mm512_range_ps(x, splat(15.49F * kPieceWidth), 0x2);
    // The sum's low bits hold the whole number, rounded to even; the selection reads five of them.
    const Vec sum = multiply_add(inside, splat(1.0F / kPieceWidth), splat(12582912.0F + 16.0F));
    const __m512i entry = _mm512_castps_si512(sum);
    Vec y = select(3, entry);
    y = multiply_add(y, x, select(2, entry));
    y = multiply_add(y, x, select(1, entry));
    return multiply_add(y, x, select(0, entry));
  }

 private:
  Vec select(int c, __m512i entry) const { return _mm512_permutex2var_ps(low_[c], entry, high_[c]); }

  Vec low_[4];
  Vec high_[4];
};

}  // namespace
}  // namespace emberline::cpu
