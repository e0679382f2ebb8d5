#include <bit>
#include <cmath>

#include "native/ops/ref/ref.h"

namespace faultline::ops::ref {
namespace {

/// Element `index` of stored keys or values.
double stored(const void* data, std::int64_t index, KvType type) {
  if (type == KvType::f32) return static_cast<const float*>(data)[index];
  // A bfloat16 is the upper half of a float.
  return std::bit_cast<float>(std::uint32_t{static_cast<const std::uint16_t*>(data)[index]} << 16);
}

}  // namespace

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
          const std::int64_t at = j / 16 * 16 * shared.dim + c * 16 + j % 16;
          score += double{segment.q[row * segment.q_stride + c]} * stored(segment.k, at, segment.kv_type);
        }
        const double weight = std::exp(score * segment.scale);
        total += weight;
        for (std::size_t c = 0; c < dim; ++c) {
          const std::int64_t at = j * segment.v_stride + static_cast<std::int64_t>(c);
          const double value = stored(segment.v, at, segment.kv_type);
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
