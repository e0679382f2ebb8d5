// The 16-lane vector of the kernels in *.inl, for any CPU: plain loops over arrays. This is also the specification of
// what the other vec_*.h must compute, lane by lane and bit by bit. Included once per translation unit by
// <kernel>_scalar.cc.
#pragma once

#include <stdint.h>

#define FAULTLINE_VEC scalar

namespace faultline::ops::scalar {
namespace {

/// gemm's register tile, see gemm.inl. Small: a general-purpose CPU has few registers, and memory is not what binds
/// here.
constexpr int kTileRows = 4;
constexpr int kTilePanels = 1;
/// Queries that attention takes together.
constexpr int kQueryRows = 1;

struct F16 {
  float lane[16];
};
struct I16 {
  uint32_t lane[16];
};
/// One bit per lane.
struct M16 {
  uint32_t bits;
};

#define FAULTLINE_LANES(result, expression) \
  for (int i = 0; i < 16; ++i) (result).lane[i] = (expression)

inline F16 set1(float a) {
  F16 r;
  FAULTLINE_LANES(r, a);
  return r;
}
inline F16 load(const float* p) {
  F16 r;
  FAULTLINE_LANES(r, p[i]);
  return r;
}
/// Lanes [0, n); the others are `fill`, and nothing past n is read.
inline F16 load_first(const float* p, int n, float fill) {
  F16 r;
  FAULTLINE_LANES(r, i < n ? p[i] : fill);
  return r;
}
inline F16 load_bf16(const uint16_t* p) {
  F16 r;
  for (int i = 0; i < 16; ++i) {
    const uint32_t bits = (uint32_t)p[i] << 16;
    __builtin_memcpy(&r.lane[i], &bits, 4);
  }
  return r;
}
inline void store(float* p, F16 a) {
  for (int i = 0; i < 16; ++i) p[i] = a.lane[i];
}
/// Lanes [0, n); nothing past n is written.
inline void store_first(float* p, F16 a, int n) {
  for (int i = 0; i < n; ++i) p[i] = a.lane[i];
}

inline F16 add(F16 a, F16 b) {
  FAULTLINE_LANES(a, a.lane[i] + b.lane[i]);
  return a;
}
inline F16 sub(F16 a, F16 b) {
  FAULTLINE_LANES(a, a.lane[i] - b.lane[i]);
  return a;
}
inline F16 mul(F16 a, F16 b) {
  FAULTLINE_LANES(a, a.lane[i] * b.lane[i]);
  return a;
}
inline F16 div(F16 a, F16 b) {
  FAULTLINE_LANES(a, a.lane[i] / b.lane[i]);
  return a;
}
/// a * b + c, rounded once.
inline F16 fma(F16 a, F16 b, F16 c) {
  FAULTLINE_LANES(c, __builtin_fmaf(a.lane[i], b.lane[i], c.lane[i]));
  return c;
}
/// a > b ? a : b, so b when either is NaN (x86's rule).
inline F16 max(F16 a, F16 b) {
  FAULTLINE_LANES(a, a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]);
  return a;
}
/// a < b ? a : b.
inline F16 min(F16 a, F16 b) {
  FAULTLINE_LANES(a, a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]);
  return a;
}
inline float lane(F16 a, int i) { return a.lane[i]; }

/// The fixed tree of ops.h: lane[j] += lane[j + 8], then + 4, + 2, + 1.
inline float sum_lanes(F16 a) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.lane[i] += a.lane[i + half];
  }
  return a.lane[0];
}
inline float max_lanes(F16 a) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.lane[i] = a.lane[i] > a.lane[i + half] ? a.lane[i] : a.lane[i + half];
  }
  return a.lane[0];
}

/// Comparisons are false when either side is NaN.
inline M16 greater(F16 a, F16 b) {
  M16 m = {0};
  for (int i = 0; i < 16; ++i) m.bits |= (uint32_t)(a.lane[i] > b.lane[i]) << i;
  return m;
}
inline M16 at_least(F16 a, F16 b) {
  M16 m = {0};
  for (int i = 0; i < 16; ++i) m.bits |= (uint32_t)(a.lane[i] >= b.lane[i]) << i;
  return m;
}
inline M16 equal(F16 a, F16 b) {
  M16 m = {0};
  for (int i = 0; i < 16; ++i) m.bits |= (uint32_t)(a.lane[i] == b.lane[i]) << i;
  return m;
}
inline M16 both(M16 a, M16 b) { return M16{a.bits & b.bits}; }
inline M16 mask_from(uint32_t bits) { return M16{bits & 0xFFFFu}; }
inline uint32_t bits_of(M16 m) { return m.bits; }
/// m ? a : b
inline F16 select(M16 m, F16 a, F16 b) {
  FAULTLINE_LANES(a, (m.bits >> i & 1u) != 0 ? a.lane[i] : b.lane[i]);
  return a;
}

inline I16 iset1(uint32_t a) {
  I16 r;
  FAULTLINE_LANES(r, a);
  return r;
}
inline I16 iload(const uint32_t* p) {
  I16 r;
  FAULTLINE_LANES(r, p[i]);
  return r;
}
inline I16 iadd(I16 a, I16 b) {
  FAULTLINE_LANES(a, a.lane[i] + b.lane[i]);
  return a;
}
inline I16 isub(I16 a, I16 b) {
  FAULTLINE_LANES(a, a.lane[i] - b.lane[i]);
  return a;
}
inline I16 iand(I16 a, I16 b) {
  FAULTLINE_LANES(a, a.lane[i] & b.lane[i]);
  return a;
}
inline I16 ixor(I16 a, I16 b) {
  FAULTLINE_LANES(a, a.lane[i] ^ b.lane[i]);
  return a;
}
template <int kBits>
inline I16 shift_left(I16 a) {
  FAULTLINE_LANES(a, a.lane[i] << kBits);
  return a;
}
template <int kBits>
inline I16 shift_right(I16 a) {
  FAULTLINE_LANES(a, a.lane[i] >> kBits);
  return a;
}
/// Keeps the sign.
template <int kBits>
inline I16 shift_right_signed(I16 a) {
  FAULTLINE_LANES(a, (uint32_t)((int32_t)a.lane[i] >> kBits));
  return a;
}
/// The two halves of the 64-bit products a * b.
inline void multiply_wide(I16 a, uint32_t b, I16& high, I16& low) {
  for (int i = 0; i < 16; ++i) {
    const uint64_t product = (uint64_t)a.lane[i] * b;
    high.lane[i] = (uint32_t)(product >> 32);
    low.lane[i] = (uint32_t)product;
  }
}
/// The low 16 bits of every lane, side by side.
inline void store_low_halves(uint16_t* p, I16 a) {
  for (int i = 0; i < 16; ++i) p[i] = (uint16_t)a.lane[i];
}
/// The low 8 bits of every lane, side by side.
inline void store_low_bytes(int8_t* p, I16 a) {
  for (int i = 0; i < 16; ++i) p[i] = (int8_t)(uint8_t)a.lane[i];
}
inline F16 as_float(I16 a) {
  F16 r;
  __builtin_memcpy(&r, &a, sizeof r);
  return r;
}
inline I16 as_int(F16 a) {
  I16 r;
  __builtin_memcpy(&r, &a, sizeof r);
  return r;
}
/// Signed integers to the nearest float.
inline F16 to_float(I16 a) {
  F16 r;
  FAULTLINE_LANES(r, (float)(int32_t)a.lane[i]);
  return r;
}
/// Transposes the 4 x 4 matrix in every group of 4 lanes: afterwards r<k>.lane[4 g + w] is the old r<w>.lane[4 g + k].
inline void transpose4(I16& r0, I16& r1, I16& r2, I16& r3) {
  I16 in[4] = {r0, r1, r2, r3};
  I16 out[4];
  for (int k = 0; k < 4; ++k) {
    for (int g = 0; g < 4; ++g) {
      for (int w = 0; w < 4; ++w) out[k].lane[4 * g + w] = in[w].lane[4 * g + k];
    }
  }
  r0 = out[0], r1 = out[1], r2 = out[2], r3 = out[3];
}

#undef FAULTLINE_LANES

inline float sqrt1(float a) { return __builtin_sqrtf(a); }
inline float fma1(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline void prefetch(const void* p) { __builtin_prefetch(p); }

}  // namespace
}  // namespace faultline::ops::scalar
