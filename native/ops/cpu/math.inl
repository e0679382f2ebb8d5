// exp, log and what the kernels build from them, 16 lanes at a time. Compiled once per instruction set from the same
// steps, so the results are the same to the bit everywhere. Maximum errors are measured by
// tests/native/ops_math_test.cc against long double.
#include "native/base/philox_constants.h"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

constexpr float kMinusInfinity = -__builtin_inff();

/// exp(x), within 1.5 ulp for x in [-87.336, 88]. Below: 0 (the true value is under 2^-126, which flush-to-zero would
/// drop). Above 88: exp(88), so that nothing here makes an infinity. exp(0) is exactly 1. NaN stays NaN.
inline F16 exp16(F16 x) {
  constexpr float kLow = -87.336f, kHigh = 88.0f;
  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits of the sum.
  constexpr float kRound = 12582912.0f;
  const F16 bounded = max(set1(kLow), min(set1(kHigh), x));
  const F16 shifted = fma(bounded, set1(1.44269504f), set1(kRound));
  const F16 n = sub(shifted, set1(kRound));
  // x - n ln 2 in two steps (Cody and Waite): the first constant has 9 bits, so its products are exact.
  const F16 r = fma(n, set1(2.12194440e-4f), fma(n, set1(-0.693359375f), bounded));
  // Cephes expf, minimax on [-ln 2 / 2, ln 2 / 2].
  F16 p = set1(1.9875691500e-4f);
  p = fma(p, r, set1(1.3981999507e-3f));
  p = fma(p, r, set1(8.3334519073e-3f));
  p = fma(p, r, set1(4.1665795894e-2f));
  p = fma(p, r, set1(1.6666665459e-1f));
  p = fma(p, r, set1(5.0000001201e-1f));
  const F16 y = add(fma(p, mul(r, r), r), set1(1.0f));
  // 2^n by its exponent bits; n is in the low bits of `shifted`, and the rest of them leaves at the top.
  const F16 power = as_float(iadd(shift_left<23>(as_int(shifted)), iset1(127u << 23)));
  return select(greater(set1(kLow), x), set1(0.0f), mul(y, power));
}

/// log(1 + f) + e ln 2 for f in [sqrt(1/2) - 1, sqrt(2) - 1] (Cephes logf).
inline F16 log_from_parts(F16 f, F16 e) {
  const F16 z = mul(f, f);
  F16 p = set1(7.0376836292e-2f);
  p = fma(p, f, set1(-1.1514610310e-1f));
  p = fma(p, f, set1(1.1676998740e-1f));
  p = fma(p, f, set1(-1.2420140846e-1f));
  p = fma(p, f, set1(1.4249322787e-1f));
  p = fma(p, f, set1(-1.6668057665e-1f));
  p = fma(p, f, set1(2.0000714765e-1f));
  p = fma(p, f, set1(-2.4999993993e-1f));
  p = fma(p, f, set1(3.3333331174e-1f));
  F16 y = mul(mul(p, f), z);
  y = fma(e, set1(-2.12194440e-4f), y);
  y = fma(z, set1(-0.5f), y);
  return fma(e, set1(0.693359375f), add(f, y));
}

/// Splits a positive normal float into m * 2^e with m in [sqrt(1/2), sqrt(2)).
inline void split(F16 x, F16& m, F16& e) {
  constexpr uint32_t kHalfRoot = 0x3F3504F3u;  // sqrt(1/2)
  const I16 shifted = isub(as_int(x), iset1(kHalfRoot));
  e = to_float(shift_right_signed<23>(shifted));
  m = as_float(iadd(iand(shifted, iset1(0x007FFFFFu)), iset1(kHalfRoot)));
}

/// log(x) for positive normal x, within 1.5 ulp.
inline F16 log16(F16 x) {
  F16 m, e;
  split(x, m, e);
  return log_from_parts(sub(m, set1(1.0f)), e);
}

/// -log1p(-u) for u in [2^-33, 1 - 2^-24], within 3 ulp: a standard exponential variable when u is uniform.
inline F16 exponential16(F16 u) {
  F16 m, e;
  split(sub(set1(1.0f), u), m, e);
  // Near zero 1 - u has lost u's low bits, but there the exponent is 0 and f is -u itself.
  const F16 zero = set1(0.0f);
  const F16 f = select(equal(e, zero), sub(zero, u), sub(m, set1(1.0f)));
  return sub(zero, log_from_parts(f, e));
}

/// Random words as u = (x + 0.5) * 2^-32, rounded once, below 1.
inline F16 uniform16(I16 words) {
  const F16 high = to_float(shift_right<16>(words));
  const F16 low =
      add(to_float(iand(words, iset1(0xFFFFu))), set1(0.5f));  // exact, so the fma below is the only rounding
  return min(mul(fma(high, set1(65536.0f), low), set1(0x1p-32f)), set1(1.0f - 0x1p-24f));
}

/// -log(-log1p(-u)): a standard Gumbel variable when u is uniform.
inline F16 gumbel16(F16 u) { return sub(set1(0.0f), log16(exponential16(u))); }

/// gelu_tanh(x) = x / (1 + exp(-2 y)), y = sqrt(2/pi) (x + 0.044715 x^3). Relative error within (6 + 3 |2 y|) u for x
/// >= -9, u = 2^-24: the roundings of exp's argument grow with it (0.5 x (1 + tanh y) would lose all digits there
/// instead). From -9 down the true value is within 2e-28 of zero. So is the result until exp16 stops growing at e^88,
/// near x = -10; from there on it is x e^-88 = 6.06e-39 x, which is above -1e-24 down to x = -1.6e14 and -2.06 at the
/// largest finite float.
inline F16 gelu16(F16 x) {
  constexpr float kLinear = -1.5957691216f;  // -2 sqrt(2/pi)
  constexpr float kCubic = -0.07135481627f;  // times 0.044715
  const F16 exponent = mul(x, fma(mul(x, x), set1(kCubic), set1(kLinear)));
  return div(x, add(set1(1.0f), exp16(exponent)));
}

/// The 16 bits of a vocabulary mask that belong to tokens [i, i + 16), i a multiple of 16, without those from n on.
inline uint32_t allowed_bits(const uint64_t* mask, int32_t i, int32_t n) {
  const uint32_t inside = n - i >= 16 ? 0xFFFFu : (1u << (n - i)) - 1u;
  return mask == nullptr ? inside : (uint32_t)(mask[i / 64] >> (i % 64)) & inside;
}

/// The bits of the logits that stand from `least` to `most`; never NaN's.
inline uint32_t kept_bits(F16 logits, F16 least, F16 most) {
  return bits_of(both(at_least(logits, least), at_least(most, logits)));
}

/// 16 floats from i, or what is left before n with `fill` for the rest.
inline F16 load_tail(const float* p, int64_t i, int64_t n, float fill) {
  return n - i >= 16 ? load(p + i) : load_first(p + i, (int)(n - i), fill);
}
inline void store_tail(float* p, int64_t i, int64_t n, F16 a) {
  if (n - i >= 16) {
    store(p + i, a);
  } else {
    store_first(p + i, a, (int)(n - i));
  }
}

}  // namespace
}  // namespace faultline::ops::FAULTLINE_VEC
