// gelu, add and round_bf16, see ops.h.
#include "native/ops/cpu/math.inl"
#include "native/ops/ops.h"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

/// Bits of the nearest bfloat16 in the low half of every lane, ties to even; NaN keeps its sign and becomes quiet.
inline I16 bf16_bits(F16 x) {
  const I16 bits = as_int(x), high = shift_right<16>(bits);
  const I16 nearest = shift_right<16>(iadd(bits, iadd(iand(high, iset1(1)), iset1(0x7FFF))));
  // Adding the carry would turn some NaN into infinity.
  const I16 quiet = iadd(iand(high, iset1(0xFFFF & ~0x40u)), iset1(0x40));
  return as_int(select(equal(x, x), as_float(nearest), as_float(quiet)));
}

}  // namespace

void gelu(const float* x, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) store_tail(out, i, n, gelu16(load_tail(x, i, n, 0.0f)));
}

// Not named add: that is the vector's.
void add_rows(const float* a, const float* b, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) store_tail(out, i, n, add(load_tail(a, i, n, 0.0f), load_tail(b, i, n, 0.0f)));
}

void round_bf16(const RoundArgs& args) {
  const int64_t k = args.k, stride = (k + kDepthStep - 1) / kDepthStep * kDepthStep;
  for (int64_t r = 0; r < args.rows; ++r) {
    const float* a = args.a + r * args.lda;
    uint16_t* out = args.out + r * stride;
    // The stride is a multiple of 16: the last vector writes zeros past k, and so do those after it.
    for (int64_t i = 0; i < stride; i += 16) {
      store_low_halves(out + i, bf16_bits(i < k ? load_tail(a, i, k, 0.0f) : set1(0.0f)));
    }
  }
}

}  // namespace faultline::ops::FAULTLINE_VEC
