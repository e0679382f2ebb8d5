// Sums of four products of bytes by VPMADDWD, see quads_avx2.h. quads_scalar.h says what each function computes.
// Include after vec_avx512.h.
#pragma once

namespace faultline::ops::avx512 {
namespace {

/// Bytes 0 and 2 of every 32-bit lane as 16-bit numbers, and bytes 1 and 3.
struct Split {
  I16 even, odd;
};
inline Split split(__m512i x) { return {{_mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8)}, {_mm512_srai_epi16(x, 8)}}; }

/// Sums, of the type that the instructions work on: GCC keeps an __m512i, whose elements are of 64 bits to it, and its
/// view as 32-bit numbers in a register each, and so has too few for a tile.
typedef int32_t SixteenInt32 __attribute__((vector_size(64)));
struct Sums {
  SixteenInt32 v;
};

/// A Dot, see gemm_quads.inl: 12 x 32 keeps 24 accumulators, 4 halves of weights, 2 of activations and a product in
/// the 32 registers.
struct PlainDot {
  static constexpr int kRows = 12, kPanels = 2;
  using Weights = Split;
  static Split weights(const int8_t* p) { return split(_mm512_loadu_si512(p)); }
  static Split broadcast(const int8_t* p) {
    int32_t quad;
    __builtin_memcpy(&quad, p, sizeof quad);
    return split(_mm512_set1_epi32(quad));
  }
  static Sums start(int32_t) { return {SixteenInt32{}}; }
  static Sums step(Split x, Split w, Sums acc) {
    acc.v += (SixteenInt32)_mm512_madd_epi16(x.even.v, w.even.v);
    acc.v += (SixteenInt32)_mm512_madd_epi16(x.odd.v, w.odd.v);
    return acc;
  }
  static I16 total(Sums acc) { return {(__m512i)acc.v}; }
};

}  // namespace
}  // namespace faultline::ops::avx512
