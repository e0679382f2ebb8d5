#include <cmath>

#include "native/ops/ref/ref.h"

namespace faultline::ops::ref {

void layernorm(const LayerNormArgs& args, std::vector<double>& out, std::vector<double>& scale) {
  out.clear();
  scale.clear();
  for (std::int64_t row = 0; row < args.rows; ++row) {
    const float* x = args.x + row * args.width;
    double mean = 0;
    for (std::int32_t i = 0; i < args.width; ++i) mean += x[i];
    mean /= args.width;
    double variance = 0;
    for (std::int32_t i = 0; i < args.width; ++i) variance += (x[i] - mean) * (x[i] - mean);
    variance /= args.width;
    scale.push_back(std::sqrt(variance + args.eps));
    for (std::int32_t i = 0; i < args.width; ++i)
      out.push_back((x[i] - mean) / scale.back() * args.gamma[i] + args.beta[i]);
  }
}

}  // namespace faultline::ops::ref
