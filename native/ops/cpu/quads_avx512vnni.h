// Sums of four products of bytes by the instruction VPDPBUSD (AVX512-VNNI). quads_scalar.h says what each function
// computes. Include after vec_avx512.h.
#pragma once

namespace faultline::ops::FAULTLINE_VEC {
namespace {

using B64 = I16;
/// See quads_avx512.h.
typedef int32_t SixteenInt32 __attribute__((vector_size(64)));
struct Sums {
  SixteenInt32 v;
};
inline Sums start_sums(uint32_t all) { return {(SixteenInt32)_mm512_set1_epi32((int)all)}; }
inline I16 total_of(Sums acc) { return {(__m512i)acc.v}; }

inline B64 load_quads(const int8_t* p) { return {_mm512_loadu_si512(p)}; }
inline B64 repeat_quad(const int8_t* p) {
  uint32_t quad;
  __builtin_memcpy(&quad, p, sizeof quad);
  return iset1(quad);
}
inline Sums dot_unsigned(B64 x, B64 y, Sums acc) {
  return {(SixteenInt32)_mm512_dpbusd_epi32((__m512i)acc.v, x.v, y.v)};
}
inline B64 offset_bytes(B64 x) { return ixor(x, iset1(0x80808080u)); }

}  // namespace
}  // namespace faultline::ops::FAULTLINE_VEC
