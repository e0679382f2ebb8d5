// gelu and add, see ops.h.
#include "native/ops/cpu/math.inl"
#include "native/ops/ops.h"

namespace faultline::ops::FAULTLINE_VEC {

void gelu(const float* x, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) store_tail(out, i, n, gelu16(load_tail(x, i, n, 0.0f)));
}

// Not named add: that is the vector's.
void add_rows(const float* a, const float* b, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) store_tail(out, i, n, add(load_tail(a, i, n, 0.0f), load_tail(b, i, n, 0.0f)));
}

}  // namespace faultline::ops::FAULTLINE_VEC
