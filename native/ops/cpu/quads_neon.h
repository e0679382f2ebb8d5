// Sums of four products of bytes by SMULL and SADALP. quads_scalar.h says what each function computes. Include after
// vec_neon.h. Not SDOT, which not every ARM64 CPU has.
#pragma once

namespace faultline::ops::neon {
namespace {

struct Bytes {
  int8x16_t q[4];
};

/// A Dot, see gemm_quads.inl: 5 x 16 keeps 20 accumulators, 4 vectors of weights and the products in the 32 registers.
struct PlainDot {
  static constexpr int kRows = 5, kPanels = 1;
  using Weights = Bytes;
  static Bytes weights(const int8_t* p) {
    return {{vld1q_s8(p), vld1q_s8(p + 16), vld1q_s8(p + 32), vld1q_s8(p + 48)}};
  }
  static int8x16_t broadcast(const int8_t* p) {
    uint32_t quad;
    __builtin_memcpy(&quad, p, sizeof quad);
    return vreinterpretq_s8_u32(vdupq_n_u32(quad));
  }
  static I16 start(int32_t) { return iset1(0); }
  static I16 step(int8x16_t x, Bytes w, I16 acc) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(w.q[i])), high = vmull_high_s8(x, w.q[i]);
      // Neighbours add up within 16 bits, because no factor is -128: 2 * 127 * 127 < 2^15.
      const int16x8_t pairs = vpaddq_s16(low, high);
      acc.q[i] = vreinterpretq_u32_s32(vpadalq_s16(vreinterpretq_s32_u32(acc.q[i]), pairs));
    }
    return acc;
  }
  static I16 total(I16 acc) { return acc; }
};

}  // namespace
}  // namespace faultline::ops::neon
