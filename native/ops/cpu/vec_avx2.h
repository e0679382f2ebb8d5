// The 16-lane vector of the kernels in *.inl as two 256-bit registers. vec_scalar.h says what each function computes.
// Included only by <kernel>_avx2.cc and <kernel>_avxvnni.cc; nothing here may be seen by a file that runs on every CPU.
#pragma once

#include <immintrin.h>
#include <stdint.h>

// Whoever builds other kernels over it names them before including this.
#if !defined(FAULTLINE_VEC)
#define FAULTLINE_VEC avx2
#endif

namespace faultline::ops::FAULTLINE_VEC {
namespace {

/// 6 x 16 keeps 12 accumulators, 2 weight vectors and 1 broadcast in the 16 registers, and 12 independent chains cover
/// the latency of 2 fused multiply-adds per cycle (4 cycles on Zen, 4 to 5 on Intel).
constexpr int kTileRows = 6;
constexpr int kTilePanels = 1;
/// Queries that attention takes together.
constexpr int kQueryRows = 1;

struct F16 {
  __m256 a, b;
};
struct I16 {
  __m256i a, b;
};
/// All bits of a lane are the answer.
struct M16 {
  __m256 a, b;
};

inline F16 set1(float x) {
  const __m256 v = _mm256_set1_ps(x);
  return {v, v};
}
inline F16 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline __m256i lanes_below(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline F16 load_first(const float* p, int n, float fill) {
  const __m256i ma = lanes_below(n), mb = lanes_below(n - 8);
  const __m256 f = _mm256_set1_ps(fill);
  // maskload does not touch masked-off lanes, but the address p + 8 is formed: it stays inside or one past the tail's
  // block.
  return {_mm256_blendv_ps(f, _mm256_maskload_ps(p, ma), _mm256_castsi256_ps(ma)),
          _mm256_blendv_ps(f, _mm256_maskload_ps(p + 8, mb), _mm256_castsi256_ps(mb))};
}
inline __m256 widen(__m128i v) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(v), 16)); }
inline F16 load_bf16(const uint16_t* p) {
  return {widen(_mm_loadu_si128((const __m128i*)p)), widen(_mm_loadu_si128((const __m128i*)(p + 8)))};
}
inline void store(float* p, F16 v) {
  _mm256_storeu_ps(p, v.a);
  _mm256_storeu_ps(p + 8, v.b);
}
inline void store_first(float* p, F16 v, int n) {
  _mm256_maskstore_ps(p, lanes_below(n), v.a);
  _mm256_maskstore_ps(p + 8, lanes_below(n - 8), v.b);
}

inline F16 add(F16 x, F16 y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
inline F16 sub(F16 x, F16 y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
inline F16 mul(F16 x, F16 y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
inline F16 div(F16 x, F16 y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
inline F16 fma(F16 x, F16 y, F16 z) { return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
inline F16 max(F16 x, F16 y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
inline F16 min(F16 x, F16 y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
inline float lane(F16 v, int i) {
  alignas(32) float lanes[16];
  store(lanes, v);
  return lanes[i];
}

inline float sum_lanes(F16 v) {
  const __m256 eight = _mm256_add_ps(v.a, v.b);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float max_lanes(F16 v) {
  const __m256 eight = _mm256_max_ps(v.a, v.b);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

inline M16 greater(F16 x, F16 y) { return {_mm256_cmp_ps(x.a, y.a, _CMP_GT_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_GT_OQ)}; }
inline M16 at_least(F16 x, F16 y) { return {_mm256_cmp_ps(x.a, y.a, _CMP_GE_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_GE_OQ)}; }
inline M16 equal(F16 x, F16 y) { return {_mm256_cmp_ps(x.a, y.a, _CMP_EQ_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_EQ_OQ)}; }
inline M16 both(M16 x, M16 y) { return {_mm256_and_ps(x.a, y.a), _mm256_and_ps(x.b, y.b)}; }
inline __m256 spread(uint32_t bits) {
  const __m256i each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)bits), each), each));
}
inline M16 mask_from(uint32_t bits) { return {spread(bits & 255u), spread(bits >> 8 & 255u)}; }
inline uint32_t bits_of(M16 m) { return (uint32_t)_mm256_movemask_ps(m.a) | (uint32_t)_mm256_movemask_ps(m.b) << 8; }
inline F16 select(M16 m, F16 x, F16 y) { return {_mm256_blendv_ps(y.a, x.a, m.a), _mm256_blendv_ps(y.b, x.b, m.b)}; }

inline I16 iset1(uint32_t x) {
  const __m256i v = _mm256_set1_epi32((int)x);
  return {v, v};
}
inline I16 iload(const uint32_t* p) {
  return {_mm256_loadu_si256((const __m256i*)p), _mm256_loadu_si256((const __m256i*)(p + 8))};
}
inline I16 iadd(I16 x, I16 y) { return {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)}; }
inline I16 isub(I16 x, I16 y) { return {_mm256_sub_epi32(x.a, y.a), _mm256_sub_epi32(x.b, y.b)}; }
inline I16 iand(I16 x, I16 y) { return {_mm256_and_si256(x.a, y.a), _mm256_and_si256(x.b, y.b)}; }
inline I16 ixor(I16 x, I16 y) { return {_mm256_xor_si256(x.a, y.a), _mm256_xor_si256(x.b, y.b)}; }
template <int kBits>
inline I16 shift_left(I16 x) {
  return {_mm256_slli_epi32(x.a, kBits), _mm256_slli_epi32(x.b, kBits)};
}
template <int kBits>
inline I16 shift_right(I16 x) {
  return {_mm256_srli_epi32(x.a, kBits), _mm256_srli_epi32(x.b, kBits)};
}
template <int kBits>
inline I16 shift_right_signed(I16 x) {
  return {_mm256_srai_epi32(x.a, kBits), _mm256_srai_epi32(x.b, kBits)};
}
inline void multiply_wide8(__m256i x, __m256i y, __m256i& high, __m256i& low) {
  // The CPU multiplies even lanes only: products of even and odd lanes apart, then interleaved.
  const __m256i even = _mm256_mul_epu32(x, y);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), y);
  low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
  high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
}
inline void multiply_wide(I16 x, uint32_t y, I16& high, I16& low) {
  const __m256i v = _mm256_set1_epi32((int)y);
  multiply_wide8(x.a, v, high.a, low.a);
  multiply_wide8(x.b, v, high.b, low.b);
}
inline void store_low_halves(uint16_t* p, I16 x) {
  const __m256i low = _mm256_set1_epi32(0xFFFF);
  // Packing works within 128-bit halves: the quarters come out as a0 b0 a1 b1.
  const __m256i packed = _mm256_packus_epi32(_mm256_and_si256(x.a, low), _mm256_and_si256(x.b, low));
  _mm256_storeu_si256((__m256i*)p, _mm256_permute4x64_epi64(packed, 0xD8));
}
inline void store_low_bytes(int8_t* p, I16 x) {
  const __m256i low = _mm256_set1_epi32(0xFF);
  const __m256i halves = _mm256_packus_epi32(_mm256_and_si256(x.a, low), _mm256_and_si256(x.b, low));
  const __m256i ordered = _mm256_permute4x64_epi64(halves, 0xD8);
  _mm_storeu_si128((__m128i*)p,
                   _mm_packus_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1)));
}
inline F16 as_float(I16 x) { return {_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b)}; }
inline I16 as_int(F16 x) { return {_mm256_castps_si256(x.a), _mm256_castps_si256(x.b)}; }
inline F16 to_float(I16 x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }

inline void transpose4_half(__m256i& r0, __m256i& r1, __m256i& r2, __m256i& r3) {
  const __m256i low01 = _mm256_unpacklo_epi32(r0, r1), low23 = _mm256_unpacklo_epi32(r2, r3);
  const __m256i high01 = _mm256_unpackhi_epi32(r0, r1), high23 = _mm256_unpackhi_epi32(r2, r3);
  r0 = _mm256_unpacklo_epi64(low01, low23);
  r1 = _mm256_unpackhi_epi64(low01, low23);
  r2 = _mm256_unpacklo_epi64(high01, high23);
  r3 = _mm256_unpackhi_epi64(high01, high23);
}
inline void transpose4(I16& r0, I16& r1, I16& r2, I16& r3) {
  transpose4_half(r0.a, r1.a, r2.a, r3.a);
  transpose4_half(r0.b, r1.b, r2.b, r3.b);
}

inline float sqrt1(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
inline float fma1(float x, float y, float z) {
  return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(x), _mm_set_ss(y), _mm_set_ss(z)));
}
/// Towards the second-level cache: the first one is full with what is being computed.
inline void prefetch(const void* p) { _mm_prefetch((const char*)p, _MM_HINT_T1); }

}  // namespace
}  // namespace faultline::ops::FAULTLINE_VEC
