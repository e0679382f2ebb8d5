// Dot products of bfloat16 pairs by the instruction VDPBF16PS. pairs_scalar.h says what each function computes. Include
// after vec_avx512.h.
#pragma once

namespace faultline::ops::FAULTLINE_VEC {
namespace {

inline I16 load_pairs(const uint16_t* p) { return {_mm512_loadu_si512(p)}; }
inline F16 dot_pairs(I16 x, I16 w, F16 acc) { return {_mm512_dpbf16_ps(acc.v, (__m512bh)x.v, (__m512bh)w.v)}; }

}  // namespace
}  // namespace faultline::ops::FAULTLINE_VEC
