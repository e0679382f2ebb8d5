// The 16-lane vector of the kernels in *.inl as four 128-bit registers of ARM64. vec_scalar.h says what each function
// computes. Included only by <kernel>_neon.cc. ARM64 always has these instructions: no flags, no question at run time.
//
// One thing differs from x86, by the architecture: which results flush-to-zero takes for denormal (ops.h).
#pragma once

#include <arm_neon.h>
#include <stdint.h>

#define FAULTLINE_VEC neon

namespace faultline::ops::neon {
namespace {

/// 6 x 16 keeps 24 accumulators, 4 weight vectors and 1 broadcast in the 32 registers.
constexpr int kTileRows = 6;
constexpr int kTilePanels = 1;
/// Queries that attention takes together.
constexpr int kQueryRows = 1;

struct F16 {
  float32x4_t q[4];
};
struct I16 {
  uint32x4_t q[4];
};
/// All bits of a lane are the answer.
struct M16 {
  uint32x4_t q[4];
};

#define FAULTLINE_QUARTERS(result, expression) \
  _Pragma("GCC unroll 4") for (int i = 0; i < 4; ++i)(result).q[i] = (expression)

inline F16 set1(float x) {
  F16 r;
  FAULTLINE_QUARTERS(r, vdupq_n_f32(x));
  return r;
}
inline F16 load(const float* p) {
  F16 r;
  FAULTLINE_QUARTERS(r, vld1q_f32(p + 4 * i));
  return r;
}
inline F16 load_first(const float* p, int n, float fill) {
  float lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = i < n ? p[i] : fill;
  return load(lanes);
}
inline F16 load_bf16(const uint16_t* p) {
  F16 r;
  FAULTLINE_QUARTERS(r, vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p + 4 * i), 16)));
  return r;
}
inline void store(float* p, F16 x) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, x.q[i]);
}
inline void store_first(float* p, F16 x, int n) {
  float lanes[16];
  store(lanes, x);
  for (int i = 0; i < n; ++i) p[i] = lanes[i];
}

inline F16 add(F16 x, F16 y) {
  FAULTLINE_QUARTERS(x, vaddq_f32(x.q[i], y.q[i]));
  return x;
}
inline F16 sub(F16 x, F16 y) {
  FAULTLINE_QUARTERS(x, vsubq_f32(x.q[i], y.q[i]));
  return x;
}
inline F16 mul(F16 x, F16 y) {
  FAULTLINE_QUARTERS(x, vmulq_f32(x.q[i], y.q[i]));
  return x;
}
inline F16 div(F16 x, F16 y) {
  FAULTLINE_QUARTERS(x, vdivq_f32(x.q[i], y.q[i]));
  return x;
}
inline F16 fma(F16 x, F16 y, F16 z) {
  FAULTLINE_QUARTERS(z, vfmaq_f32(z.q[i], x.q[i], y.q[i]));
  return z;
}
// Not vmaxq_f32 and vminq_f32, which give NaN when either side is one.
inline float32x4_t larger(float32x4_t x, float32x4_t y) { return vbslq_f32(vcgtq_f32(x, y), x, y); }
inline F16 max(F16 x, F16 y) {
  FAULTLINE_QUARTERS(x, larger(x.q[i], y.q[i]));
  return x;
}
inline F16 min(F16 x, F16 y) {
  FAULTLINE_QUARTERS(x, vbslq_f32(vcltq_f32(x.q[i], y.q[i]), x.q[i], y.q[i]));
  return x;
}
inline float lane(F16 x, int i) {
  float lanes[16];
  store(lanes, x);
  return lanes[i];
}

inline float sum_lanes(F16 x) {
  const float32x4_t four = vaddq_f32(vaddq_f32(x.q[0], x.q[2]), vaddq_f32(x.q[1], x.q[3]));
  const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
inline float max_lanes(F16 x) {
  const float32x4_t four = larger(larger(x.q[0], x.q[2]), larger(x.q[1], x.q[3]));
  const float32x4_t two = larger(four, vextq_f32(four, four, 2));
  return vgetq_lane_f32(larger(two, vextq_f32(two, two, 1)), 0);
}

inline M16 greater(F16 x, F16 y) {
  M16 m;
  FAULTLINE_QUARTERS(m, vcgtq_f32(x.q[i], y.q[i]));
  return m;
}
inline M16 at_least(F16 x, F16 y) {
  M16 m;
  FAULTLINE_QUARTERS(m, vcgeq_f32(x.q[i], y.q[i]));
  return m;
}
inline M16 equal(F16 x, F16 y) {
  M16 m;
  FAULTLINE_QUARTERS(m, vceqq_f32(x.q[i], y.q[i]));
  return m;
}
inline M16 both(M16 x, M16 y) {
  FAULTLINE_QUARTERS(x, vandq_u32(x.q[i], y.q[i]));
  return x;
}
inline uint32x4_t each_bit() {
  const uint32_t bits[4] = {1, 2, 4, 8};
  return vld1q_u32(bits);
}
inline M16 mask_from(uint32_t bits) {
  M16 m;
  FAULTLINE_QUARTERS(m, vtstq_u32(vdupq_n_u32(bits >> (4 * i)), each_bit()));
  return m;
}
inline uint32_t bits_of(M16 m) {
  uint32_t bits = 0;
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) bits |= vaddvq_u32(vandq_u32(m.q[i], each_bit())) << (4 * i);
  return bits;
}
inline F16 select(M16 m, F16 x, F16 y) {
  FAULTLINE_QUARTERS(x, vbslq_f32(m.q[i], x.q[i], y.q[i]));
  return x;
}

inline I16 iset1(uint32_t x) {
  I16 r;
  FAULTLINE_QUARTERS(r, vdupq_n_u32(x));
  return r;
}
inline I16 iload(const uint32_t* p) {
  I16 r;
  FAULTLINE_QUARTERS(r, vld1q_u32(p + 4 * i));
  return r;
}
inline I16 iadd(I16 x, I16 y) {
  FAULTLINE_QUARTERS(x, vaddq_u32(x.q[i], y.q[i]));
  return x;
}
inline I16 isub(I16 x, I16 y) {
  FAULTLINE_QUARTERS(x, vsubq_u32(x.q[i], y.q[i]));
  return x;
}
inline I16 iand(I16 x, I16 y) {
  FAULTLINE_QUARTERS(x, vandq_u32(x.q[i], y.q[i]));
  return x;
}
inline I16 ixor(I16 x, I16 y) {
  FAULTLINE_QUARTERS(x, veorq_u32(x.q[i], y.q[i]));
  return x;
}
template <int kBits>
inline I16 shift_left(I16 x) {
  FAULTLINE_QUARTERS(x, vshlq_n_u32(x.q[i], kBits));
  return x;
}
template <int kBits>
inline I16 shift_right(I16 x) {
  FAULTLINE_QUARTERS(x, vshrq_n_u32(x.q[i], kBits));
  return x;
}
template <int kBits>
inline I16 shift_right_signed(I16 x) {
  FAULTLINE_QUARTERS(x, vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_u32(x.q[i]), kBits)));
  return x;
}
inline void multiply_wide(I16 x, uint32_t y, I16& high, I16& low) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const uint32x4_t first = vreinterpretq_u32_u64(vmull_n_u32(vget_low_u32(x.q[i]), y));
    const uint32x4_t second = vreinterpretq_u32_u64(vmull_n_u32(vget_high_u32(x.q[i]), y));
    low.q[i] = vuzp1q_u32(first, second);
    high.q[i] = vuzp2q_u32(first, second);
  }
}
inline void store_low_halves(uint16_t* p, I16 x) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) vst1_u16(p + 4 * i, vmovn_u32(x.q[i]));
}
inline void store_low_bytes(int8_t* p, I16 x) {
#pragma GCC unroll 2
  for (int i = 0; i < 4; i += 2) {
    const uint16x8_t halves = vcombine_u16(vmovn_u32(x.q[i]), vmovn_u32(x.q[i + 1]));
    vst1_s8(p + 4 * i, vreinterpret_s8_u8(vmovn_u16(halves)));
  }
}
inline F16 as_float(I16 x) {
  F16 r;
  FAULTLINE_QUARTERS(r, vreinterpretq_f32_u32(x.q[i]));
  return r;
}
inline I16 as_int(F16 x) {
  I16 r;
  FAULTLINE_QUARTERS(r, vreinterpretq_u32_f32(x.q[i]));
  return r;
}
inline F16 to_float(I16 x) {
  F16 r;
  FAULTLINE_QUARTERS(r, vcvtq_f32_s32(vreinterpretq_s32_u32(x.q[i])));
  return r;
}

#undef FAULTLINE_QUARTERS

/// First halves of both, and second halves.
inline uint32x4_t join_low(uint32x4_t x, uint32x4_t y) { return vcombine_u32(vget_low_u32(x), vget_low_u32(y)); }
inline uint32x4_t join_high(uint32x4_t x, uint32x4_t y) { return vcombine_u32(vget_high_u32(x), vget_high_u32(y)); }
inline void transpose4(I16& r0, I16& r1, I16& r2, I16& r3) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const uint32x4_t even01 = vtrn1q_u32(r0.q[i], r1.q[i]), odd01 = vtrn2q_u32(r0.q[i], r1.q[i]);
    const uint32x4_t even23 = vtrn1q_u32(r2.q[i], r3.q[i]), odd23 = vtrn2q_u32(r2.q[i], r3.q[i]);
    r0.q[i] = join_low(even01, even23);
    r1.q[i] = join_low(odd01, odd23);
    r2.q[i] = join_high(even01, even23);
    r3.q[i] = join_high(odd01, odd23);
  }
}

inline float sqrt1(float x) { return vget_lane_f32(vsqrt_f32(vdup_n_f32(x)), 0); }
inline float fma1(float x, float y, float z) {
  return vget_lane_f32(vfma_f32(vdup_n_f32(z), vdup_n_f32(x), vdup_n_f32(y)), 0);
}
inline void prefetch(const void* p) { __builtin_prefetch(p, 0, 2); }

}  // namespace
}  // namespace faultline::ops::neon
