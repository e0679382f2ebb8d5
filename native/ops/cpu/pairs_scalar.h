// Dot products of bfloat16 pairs written out in plain C++: the specification of pairs_avx512bf16.h, to the bit but for
// NaN payloads. Include after vec_scalar.h; needs a base::FpEnv, which flushes denormals as the instruction does.
#pragma once

namespace faultline::ops::scalar {
namespace {

/// 16 columns of one step of a panel: 32 elements.
inline I16 load_pairs(const uint16_t* p) {
  I16 r;
  __builtin_memcpy(&r, p, sizeof r);
  return r;
}

/// The two elements of a pair, the even one in the low half, as floats.
inline float even_of(uint32_t pair) {
  const uint32_t bits = pair << 16;
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}
inline float odd_of(uint32_t pair) {
  const uint32_t bits = pair & 0xFFFF0000u;
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

/// VDPBF16PS: acc = fma(odd x, odd w, acc), then acc = fma(even x, even w, acc), per lane. The manual names no order;
/// this is the one that processors have (tests/native/ops_bf16_test.cc).
inline F16 dot_pairs(I16 x, I16 w, F16 acc) {
  for (int i = 0; i < 16; ++i) {
    acc.lane[i] = __builtin_fmaf(odd_of(x.lane[i]), odd_of(w.lane[i]), acc.lane[i]);
    acc.lane[i] = __builtin_fmaf(even_of(x.lane[i]), even_of(w.lane[i]), acc.lane[i]);
  }
  return acc;
}

}  // namespace
}  // namespace faultline::ops::scalar
