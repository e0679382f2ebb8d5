// Sums of four products of bytes by VPMADDWD, which adds two products of 16-bit numbers exactly. quads_scalar.h says
// what each function computes. Include after vec_avx2.h.
//
// Not VPMADDUBSW, which takes bytes as they are: its 16-bit sums saturate, and with the signs moved over to the
// unsigned side, where they would fit, it takes as many instructions as this.
#pragma once

namespace faultline::ops::avx2 {
namespace {

/// Bytes 0 and 2 of every 32-bit lane as 16-bit numbers, and bytes 1 and 3.
struct Split {
  I16 even, odd;
};
inline __m256i even_bytes(__m256i x) { return _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8); }
inline Split split(__m256i a, __m256i b) {
  return {{even_bytes(a), even_bytes(b)}, {_mm256_srai_epi16(a, 8), _mm256_srai_epi16(b, 8)}};
}

/// Sums, see quads_avx512.h.
typedef int32_t EightInt32 __attribute__((vector_size(32)));
struct Sums {
  EightInt32 a, b;
};
inline EightInt32 dot_split(__m256i x_even, __m256i x_odd, __m256i w_even, __m256i w_odd, EightInt32 acc) {
  acc += (EightInt32)_mm256_madd_epi16(x_even, w_even);
  acc += (EightInt32)_mm256_madd_epi16(x_odd, w_odd);
  return acc;
}

/// A Dot, see gemm_quads.inl: 4 x 16 keeps 8 accumulators, 4 halves of weights, 2 of activations and the products in
/// the 16 registers.
struct PlainDot {
  static constexpr int kRows = 4, kPanels = 1;
  using Weights = Split;
  static Split weights(const int8_t* p) {
    return split(_mm256_loadu_si256((const __m256i*)p), _mm256_loadu_si256((const __m256i*)(p + 32)));
  }
  static Split broadcast(const int8_t* p) {
    int32_t quad;
    __builtin_memcpy(&quad, p, sizeof quad);
    const __m256i x = _mm256_set1_epi32(quad);
    return split(x, x);
  }
  static Sums start(int32_t) { return {EightInt32{}, EightInt32{}}; }
  static Sums step(Split x, Split w, Sums acc) {
    return {dot_split(x.even.a, x.odd.a, w.even.a, w.odd.a, acc.a),
            dot_split(x.even.a, x.odd.a, w.even.b, w.odd.b, acc.b)};
  }
  static I16 total(Sums acc) { return {(__m256i)acc.a, (__m256i)acc.b}; }
};

}  // namespace
}  // namespace faultline::ops::avx2
