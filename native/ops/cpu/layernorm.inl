// layernorm, see ops.h. A row is read three times, from the first-level cache after the first.
#include "native/ops/cpu/math.inl"
#include "native/ops/ops.h"

namespace faultline::ops::FAULTLINE_VEC {

void layernorm(const LayerNormArgs& args) {
  const int64_t width = args.width;
  for (int64_t row = 0; row < args.rows; ++row) {
    const float* x = args.x + row * width;
    float* out = args.out + row * width;

    F16 sum = set1(0.0f);
    for (int64_t i = 0; i < width; i += 16) sum = add(sum, load_tail(x, i, width, 0.0f));
    const float mean = sum_lanes(sum) / (float)width;

    // Lanes past the end hold the mean, so that they add nothing.
    F16 squares = set1(0.0f);
    for (int64_t i = 0; i < width; i += 16) {
      const F16 centred = sub(load_tail(x, i, width, mean), set1(mean));
      squares = fma(centred, centred, squares);
    }
    const float scale = sqrt1(sum_lanes(squares) / (float)width + args.eps);
    if (args.scale != nullptr) args.scale[row] = scale;

    for (int64_t i = 0; i < width; i += 16) {
      const F16 normal = div(sub(load_tail(x, i, width, mean), set1(mean)), set1(scale));
      store_tail(out, i, width,
                 fma(normal, load_tail(args.gamma, i, width, 0.0f), load_tail(args.beta, i, width, 0.0f)));
    }
  }
}

}  // namespace faultline::ops::FAULTLINE_VEC
