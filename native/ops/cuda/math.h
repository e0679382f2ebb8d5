// exp, log and what the kernels build from them, one element at a time: ops/cpu/math.inl step for step, so that the
// results are the CPU's to the bit. That file says where the polynomials come from and how exact they are;
// vec_scalar.h, next to it, is the specification of each step (which side of a comparison NaN takes, above all).
// Scalars and sums of 16 lanes only: no kernel, no memory.
//
// tests/native/simt_math_test.cc compares every function here with the CPU's kernels.
#pragma once

#include <cstdint>

#include "native/base/philox_constants.h"
#include "native/ops/cuda/simt.h"

namespace faultline::ops::cuda {

inline constexpr float kMinusInfinity = -__builtin_inff();

/// a > b ? a : b, so b when either is NaN.
SIMT_DEVICE float max_of(float a, float b) { return a > b ? a : b; }
/// a < b ? a : b, so b when either is NaN.
SIMT_DEVICE float min_of(float a, float b) { return a < b ? a : b; }

/// Below -87.336 exp is 0. The place to say so is the argument, -88 being one that comes out as 0 below: a choice
/// between results makes compilers branch around the polynomial, and then those of several numbers no longer overlap.
SIMT_DEVICE float bounded_exponent(float x) {
  constexpr float kLow = -87.336f;
  return kLow > x ? -88.0f : x;
}
/// exp(x) = y 2^n with y in [0.7, 1.5]. n stands in the low bits of `shifted`; n is -127 and y more than 1 for -88.
SIMT_DEVICE float exp_in_parts(float x, float& shifted) {
  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits of the sum.
  constexpr float kRound = 12582912.0f;
  shifted = simt::fma(x, 1.44269504f, kRound);
  const float n = simt::sub(shifted, kRound);
  const float r = simt::fma(n, 2.12194440e-4f, simt::fma(n, -0.693359375f, x));
  float p = 1.9875691500e-4f;
  p = simt::fma(p, r, 1.3981999507e-3f);
  p = simt::fma(p, r, 8.3334519073e-3f);
  p = simt::fma(p, r, 4.1665795894e-2f);
  p = simt::fma(p, r, 1.6666665459e-1f);
  p = simt::fma(p, r, 5.0000001201e-1f);
  return simt::add(simt::fma(p, simt::mul(r, r), r), 1.0f);
}

/// exp(x) for x in [-87.336, 88]. Below: 0. Above: exp(88). exp(0) is exactly 1, NaN stays NaN.
SIMT_DEVICE float exact_exp(float x) {
  constexpr float kHigh = 88.0f;
  float shifted;
  const float y = exp_in_parts(bounded_exponent(min_of(kHigh, x)), shifted);
  return simt::mul(y, simt::as_float((simt::as_bits(shifted) << 23) + (127u << 23)));
}

/// The same number for bounded_exponent(x), x up to 0, in fewer instructions. What is below the normal numbers comes as
/// a subnormal one, which arithmetic takes for the 0 that it is; NaN gives NaN or the largest float.
SIMT_DEVICE float exp_to_one(float bounded) {
  float shifted;
  const float y = exp_in_parts(bounded, shifted);
  return simt::as_float(simt::as_bits(y) + (simt::as_bits(shifted) << 23));
}

/// log(1 + f) + e ln 2 for f in [sqrt(1/2) - 1, sqrt(2) - 1].
SIMT_DEVICE float log_from_parts(float f, float e) {
  const float z = simt::mul(f, f);
  float p = 7.0376836292e-2f;
  p = simt::fma(p, f, -1.1514610310e-1f);
  p = simt::fma(p, f, 1.1676998740e-1f);
  p = simt::fma(p, f, -1.2420140846e-1f);
  p = simt::fma(p, f, 1.4249322787e-1f);
  p = simt::fma(p, f, -1.6668057665e-1f);
  p = simt::fma(p, f, 2.0000714765e-1f);
  p = simt::fma(p, f, -2.4999993993e-1f);
  p = simt::fma(p, f, 3.3333331174e-1f);
  float y = simt::mul(simt::mul(p, f), z);
  y = simt::fma(e, -2.12194440e-4f, y);
  y = simt::fma(z, -0.5f, y);
  return simt::fma(e, 0.693359375f, simt::add(f, y));
}

/// Splits a positive normal float into m * 2^e with m in [sqrt(1/2), sqrt(2)).
SIMT_DEVICE void split(float x, float& m, float& e) {
  constexpr std::uint32_t kHalfRoot = 0x3F3504F3u;  // sqrt(1/2)
  const std::uint32_t shifted = simt::as_bits(x) - kHalfRoot;
  e = simt::from_int(static_cast<std::int32_t>(shifted) >> 23);
  m = simt::as_float((shifted & 0x007FFFFFu) + kHalfRoot);
}

/// log(x) for positive normal x.
SIMT_DEVICE float exact_log(float x) {
  float m, e;
  split(x, m, e);
  return log_from_parts(simt::sub(m, 1.0f), e);
}

/// -log1p(-u) for u in [2^-33, 1 - 2^-24]: a standard exponential variable when u is uniform.
SIMT_DEVICE float exponential(float u) {
  float m, e;
  split(simt::sub(1.0f, u), m, e);
  // Near zero 1 - u has lost u's low bits, but there the exponent is 0 and f is -u itself.
  const float f = e == 0.0f ? simt::sub(0.0f, u) : simt::sub(m, 1.0f);
  return simt::sub(0.0f, log_from_parts(f, e));
}

/// A random word as u = (word + 0.5) * 2^-32, rounded once, below 1.
SIMT_DEVICE float uniform(std::uint32_t word) {
  const float high = simt::from_int(static_cast<std::int32_t>(word >> 16));
  const float low = simt::add(simt::from_int(static_cast<std::int32_t>(word & 0xFFFFu)), 0.5f);
  return min_of(simt::mul(simt::fma(high, 65536.0f, low), 0x1p-32f), 1.0f - 0x1p-24f);
}

/// -log(-log1p(-u)): a standard Gumbel variable when u is uniform.
SIMT_DEVICE float gumbel(float u) { return simt::sub(0.0f, exact_log(exponential(u))); }

/// No Gumbel number is larger, see ops/cpu/draw.inl.
inline constexpr float kLargestGumbel = 22.875f;
/// None is smaller: the largest u is 1 - 2^-24, where -log(-log1p(-u)) = -log(24 ln 2) = -2.8116.
inline constexpr float kSmallestGumbel = -2.8125f;

/// An upper bound of gumbel(u) from u's exponent alone, see ops/cpu/draw.inl.
SIMT_DEVICE float gumbel_bound(float u) {
  constexpr float kLog2 = 0.693147181f;
  return simt::fma(simt::from_int(static_cast<std::int32_t>(simt::as_bits(u) >> 23)), -kLog2, 127.0f * kLog2 + 0.001f);
}

/// gelu_tanh(x) = x / (1 + exp(-2 y)), y = sqrt(2/pi) (x + 0.044715 x^3).
SIMT_DEVICE float gelu(float x) {
  constexpr float kLinear = -1.5957691216f;  // -2 sqrt(2/pi)
  constexpr float kCubic = -0.07135481627f;  // times 0.044715
  const float exponent = simt::mul(x, simt::fma(simt::mul(x, x), kCubic, kLinear));
  return simt::div(x, simt::add(1.0f, exact_exp(exponent)));
}

/// ops::OpTable::log_sum.
SIMT_DEVICE float log_sum(float sum) { return sum == 0.0f ? kMinusInfinity : exact_log(sum); }

/// The four words of one counter of Philox4x32-10.
struct PhiloxWords {
  std::uint32_t word[4];
};
SIMT_DEVICE PhiloxWords philox4x32_10(std::uint64_t key, std::uint32_t c0, std::uint32_t c1, std::uint32_t c2,
                                      std::uint32_t c3) {
  // Copies: the constants' own addresses are the host's.
  constexpr std::uint32_t kMultiplier0 = base::kPhiloxMultiplier0, kMultiplier1 = base::kPhiloxMultiplier1;
  std::uint32_t key0 = static_cast<std::uint32_t>(key), key1 = static_cast<std::uint32_t>(key >> 32);
#pragma unroll
  for (int round = 0; round < base::kPhiloxRounds; ++round) {
    const std::uint32_t high0 = simt::multiply_high(c0, kMultiplier0), low0 = c0 * kMultiplier0;
    const std::uint32_t high1 = simt::multiply_high(c2, kMultiplier1), low1 = c2 * kMultiplier1;
    c0 = high1 ^ c1 ^ key0;
    c1 = low1;
    c2 = high0 ^ c3 ^ key1;
    c3 = low0;
    key0 += base::kPhiloxWeyl0;
    key1 += base::kPhiloxWeyl1;
  }
  return {{c0, c1, c2, c3}};
}

/// The fixed tree of ops.h over each half warp: lane i % 16 of a sum lies in lanes i and i + 16 of the warp, or the two
/// halves hold two sums. Every lane gets its half's total. (lane[j] += lane[j + 8] is what lane j computes here; lane
/// j + 8 computes the same sum with its sides swapped, which is the same float.)
SIMT_DEVICE float fold16(float lane_sum) {
  lane_sum = simt::add(lane_sum, simt::shuffle_xor(lane_sum, 8));
  lane_sum = simt::add(lane_sum, simt::shuffle_xor(lane_sum, 4));
  lane_sum = simt::add(lane_sum, simt::shuffle_xor(lane_sum, 2));
  return simt::add(lane_sum, simt::shuffle_xor(lane_sum, 1));
}
/// ops/cpu's max_lanes in the same way. Which of two zeros wins, and NaN, can differ between lanes: lane 0 has the
/// CPU's.
SIMT_DEVICE float fold16_max(float lane_max) {
  lane_max = max_of(lane_max, simt::shuffle_xor(lane_max, 8));
  lane_max = max_of(lane_max, simt::shuffle_xor(lane_max, 4));
  lane_max = max_of(lane_max, simt::shuffle_xor(lane_max, 2));
  return max_of(lane_max, simt::shuffle_xor(lane_max, 1));
}

}  // namespace faultline::ops::cuda
