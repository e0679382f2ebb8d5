// The 16-lane vector of the kernels in *.inl as one 512-bit register. vec_scalar.h says what each function computes.
// Included only by <kernel>_avx512.cc and the sets above it; nothing here may be seen by a file that runs on every CPU.
#pragma once

#include <immintrin.h>
#include <stdint.h>

// Sets that differ in one kernel alone name themselves before they include this.
#if !defined(FAULTLINE_VEC)
#define FAULTLINE_VEC avx512
#endif

namespace faultline::ops::FAULTLINE_VEC {
namespace {

/// 14 x 32 keeps 28 accumulators and 2 weight vectors in the 32 registers; the activations are broadcast from memory
/// inside the multiply-add.
constexpr int kTileRows = 14;
constexpr int kTilePanels = 2;
/// Queries that attention takes together.
constexpr int kQueryRows = 4;

struct F16 {
  __m512 v;
};
struct I16 {
  __m512i v;
};
struct M16 {
  __mmask16 m;
};

inline F16 set1(float x) { return {_mm512_set1_ps(x)}; }
inline F16 load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline __mmask16 lanes_below(int n) { return (__mmask16)((1u << n) - 1u); }
inline F16 load_first(const float* p, int n, float fill) {
  return {_mm512_mask_loadu_ps(_mm512_set1_ps(fill), lanes_below(n), p)};
}
inline F16 load_bf16(const uint16_t* p) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)p)), 16))};
}
inline void store(float* p, F16 x) { _mm512_storeu_ps(p, x.v); }
inline void store_first(float* p, F16 x, int n) { _mm512_mask_storeu_ps(p, lanes_below(n), x.v); }

inline F16 add(F16 x, F16 y) { return {_mm512_add_ps(x.v, y.v)}; }
inline F16 sub(F16 x, F16 y) { return {_mm512_sub_ps(x.v, y.v)}; }
inline F16 mul(F16 x, F16 y) { return {_mm512_mul_ps(x.v, y.v)}; }
inline F16 div(F16 x, F16 y) { return {_mm512_div_ps(x.v, y.v)}; }
inline F16 fma(F16 x, F16 y, F16 z) { return {_mm512_fmadd_ps(x.v, y.v, z.v)}; }
inline F16 max(F16 x, F16 y) { return {_mm512_max_ps(x.v, y.v)}; }
inline F16 min(F16 x, F16 y) { return {_mm512_min_ps(x.v, y.v)}; }
inline float lane(F16 x, int i) {
  alignas(64) float lanes[16];
  store(lanes, x);
  return lanes[i];
}

inline float sum_lanes(F16 x) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x.v), _mm512_extractf32x8_ps(x.v, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float max_lanes(F16 x) {
  const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(x.v), _mm512_extractf32x8_ps(x.v, 1));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

inline M16 greater(F16 x, F16 y) { return {_mm512_cmp_ps_mask(x.v, y.v, _CMP_GT_OQ)}; }
inline M16 at_least(F16 x, F16 y) { return {_mm512_cmp_ps_mask(x.v, y.v, _CMP_GE_OQ)}; }
inline M16 equal(F16 x, F16 y) { return {_mm512_cmp_ps_mask(x.v, y.v, _CMP_EQ_OQ)}; }
inline M16 both(M16 x, M16 y) { return {(__mmask16)(x.m & y.m)}; }
inline M16 mask_from(uint32_t bits) { return {(__mmask16)bits}; }
inline uint32_t bits_of(M16 m) { return m.m; }
inline F16 select(M16 m, F16 x, F16 y) { return {_mm512_mask_blend_ps(m.m, y.v, x.v)}; }

inline I16 iset1(uint32_t x) { return {_mm512_set1_epi32((int)x)}; }
inline I16 iload(const uint32_t* p) { return {_mm512_loadu_si512(p)}; }
inline I16 iadd(I16 x, I16 y) { return {_mm512_add_epi32(x.v, y.v)}; }
inline I16 isub(I16 x, I16 y) { return {_mm512_sub_epi32(x.v, y.v)}; }
inline I16 iand(I16 x, I16 y) { return {_mm512_and_si512(x.v, y.v)}; }
inline I16 ixor(I16 x, I16 y) { return {_mm512_xor_si512(x.v, y.v)}; }
template <int kBits>
inline I16 shift_left(I16 x) {
  return {_mm512_slli_epi32(x.v, kBits)};
}
template <int kBits>
inline I16 shift_right(I16 x) {
  return {_mm512_srli_epi32(x.v, kBits)};
}
template <int kBits>
inline I16 shift_right_signed(I16 x) {
  return {_mm512_srai_epi32(x.v, kBits)};
}
inline void multiply_wide(I16 x, uint32_t y, I16& high, I16& low) {
  // The CPU multiplies even lanes only: products of even and odd lanes apart, then interleaved.
  const __m512i v = _mm512_set1_epi32((int)y);
  const __m512i even = _mm512_mul_epu32(x.v, v);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(x.v, 32), v);
  low.v = _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
  high.v = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd);
}
inline void store_low_halves(uint16_t* p, I16 x) { _mm256_storeu_si256((__m256i*)p, _mm512_cvtepi32_epi16(x.v)); }
inline void store_low_bytes(int8_t* p, I16 x) { _mm_storeu_si128((__m128i*)p, _mm512_cvtepi32_epi8(x.v)); }
inline F16 as_float(I16 x) { return {_mm512_castsi512_ps(x.v)}; }
inline I16 as_int(F16 x) { return {_mm512_castps_si512(x.v)}; }
inline F16 to_float(I16 x) { return {_mm512_cvtepi32_ps(x.v)}; }

inline void transpose4(I16& r0, I16& r1, I16& r2, I16& r3) {
  const __m512i low01 = _mm512_unpacklo_epi32(r0.v, r1.v), low23 = _mm512_unpacklo_epi32(r2.v, r3.v);
  const __m512i high01 = _mm512_unpackhi_epi32(r0.v, r1.v), high23 = _mm512_unpackhi_epi32(r2.v, r3.v);
  r0.v = _mm512_unpacklo_epi64(low01, low23);
  r1.v = _mm512_unpackhi_epi64(low01, low23);
  r2.v = _mm512_unpacklo_epi64(high01, high23);
  r3.v = _mm512_unpackhi_epi64(high01, high23);
}

inline float sqrt1(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
inline float fma1(float x, float y, float z) {
  return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(x), _mm_set_ss(y), _mm_set_ss(z)));
}
/// Towards the second-level cache: the first one is full with what is being computed.
inline void prefetch(const void* p) { _mm_prefetch((const char*)p, _MM_HINT_T1); }

}  // namespace
}  // namespace faultline::ops::FAULTLINE_VEC
