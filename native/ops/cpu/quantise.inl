// quantise, see ops.h.
#include "native/ops/cpu/math.inl"
#include "native/ops/ops.h"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

inline F16 magnitude(F16 x) { return as_float(iand(as_int(x), iset1(0x7FFFFFFF))); }

/// Nearest integers, ties to even, of numbers within +-2^22: the sum's last bit stands for 1.
inline I16 nearest(F16 x) { return isub(as_int(add(x, set1(12582912.0f))), iset1(0x4B400000)); }

/// The row's scale: 0 where nothing is left of it, NaN where an element is not finite.
inline float row_scale(const float* a, int64_t k) {
  F16 most = set1(0.0f), bad = set1(0.0f);
  for (int64_t i = 0; i < k; i += 16) {
    const F16 x = load_tail(a, i, k, 0.0f);
    most = max(magnitude(x), most);  // keeps `most` where x is NaN
    bad = fma(x, set1(0.0f), bad);   // NaN from the first infinity or NaN on
  }
  if (bits_of(equal(bad, bad)) != 0xFFFFu) return __builtin_nanf("");
  const float largest = max_lanes(most);
  return largest < kLeastQuantised ? 0.0f : lane(div(set1(largest), set1(127.0f)), 0);
}

inline int32_t sum_of(I16 x) {
  alignas(64) float bits[16];
  store(bits, as_float(x));
  uint32_t sum = 0;
  for (int i = 0; i < 16; ++i) {
    uint32_t lane;
    __builtin_memcpy(&lane, &bits[i], sizeof lane);
    sum += lane;
  }
  return (int32_t)sum;
}

}  // namespace

void quantise(const QuantiseArgs& args) {
  const int64_t k = args.k, stride = (k + kInt8DepthStep - 1) / kInt8DepthStep * kInt8DepthStep;
  for (int64_t r = 0; r < args.rows; ++r) {
    const float* a = args.a + r * args.lda;
    int8_t* out = args.out + r * stride;
    const float scale = row_scale(a, k);
    I16 sum = iset1(0);
    // The stride is a multiple of 16: the last vector writes zeros past k, and so do those after it.
    for (int64_t i = 0; i < stride; i += 16) {
      I16 q = iset1(0);
      if (i < k && scale > 0) {
        const F16 x = div(load_tail(a, i, k, 0.0f), set1(scale));
        q = nearest(min(max(x, set1(-127.0f)), set1(127.0f)));
      }
      store_low_bytes(out + i, q);
      sum = iadd(sum, q);
    }
    args.out_rows[r] = {scale, sum_of(sum)};
  }
}

}  // namespace faultline::ops::FAULTLINE_VEC
