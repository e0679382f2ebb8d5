// Sums of four products of bytes by the instruction VPDPBUSD in its VEX encoding (AVX-VNNI), on two 256-bit registers.
// quads_scalar.h says what each function computes. Include after vec_avx2.h.
#pragma once

namespace faultline::ops::FAULTLINE_VEC {
namespace {

using B64 = I16;
/// See quads_avx512.h.
typedef int32_t EightInt32 __attribute__((vector_size(32)));
struct Sums {
  EightInt32 a, b;
};
inline Sums start_sums(uint32_t all) {
  const EightInt32 v = (EightInt32)_mm256_set1_epi32((int)all);
  return {v, v};
}
inline I16 total_of(Sums acc) { return {(__m256i)acc.a, (__m256i)acc.b}; }

inline B64 load_quads(const int8_t* p) {
  return {_mm256_loadu_si256((const __m256i*)p), _mm256_loadu_si256((const __m256i*)(p + 32))};
}
inline B64 repeat_quad(const int8_t* p) {
  uint32_t quad;
  __builtin_memcpy(&quad, p, sizeof quad);
  return iset1(quad);
}
inline Sums dot_unsigned(B64 x, B64 y, Sums acc) {
  return {(EightInt32)_mm256_dpbusd_avx_epi32((__m256i)acc.a, x.a, y.a),
          (EightInt32)_mm256_dpbusd_avx_epi32((__m256i)acc.b, x.b, y.b)};
}
inline B64 offset_bytes(B64 x) { return ixor(x, iset1(0x80808080u)); }

}  // namespace
}  // namespace faultline::ops::FAULTLINE_VEC
