#include "native/model/activations.h"

#include <algorithm>

#include "native/ops/pack.h"

namespace faultline::model {
namespace {

using base::AlignedBuffer;

constexpr std::int64_t kFloatsPerLine = static_cast<std::int64_t>(base::kAlignment / sizeof(float));

std::size_t product(std::int64_t a, std::int64_t b) {
  return static_cast<std::size_t>(a) * static_cast<std::size_t>(b);
}

/// Elements of the widest input of a product in bfloat16. In int8 it takes less: rows are half as long, or as long
/// where they are filled up to twice as much.
std::size_t rounded_size(const ModelConfig& config, std::int32_t rows) {
  return static_cast<std::size_t>(ops::bf16_size(rows, std::max(config.width, config.inner)));
}

}  // namespace

std::int64_t Activations::logits_stride(const ModelConfig& config) {
  return (config.vocabulary + kFloatsPerLine - 1) / kFloatsPerLine * kFloatsPerLine;
}

Activations::Activations(const ModelConfig& config, std::int32_t rows, std::int32_t logit_rows)
    : residual(AlignedBuffer::floats(product(rows, config.width))),
      normed(AlignedBuffer::floats(product(rows, config.width))),
      scale(AlignedBuffer::floats(product(rows, 1))),
      qkv(AlignedBuffer::floats(product(rows, std::int64_t{3} * config.width))),
      z(AlignedBuffer::floats(product(rows, config.width))),
      softmax_m(AlignedBuffer::floats(product(config.heads, rows))),
      softmax_l(AlignedBuffer::floats(product(config.heads, rows))),
      mlp(AlignedBuffer::floats(product(rows, config.inner))),
      rounded(rounded_size(config, rows), sizeof(std::uint16_t)),
      quantised(static_cast<std::size_t>(rows), sizeof(ops::QuantisedRow)),
      logits(AlignedBuffer::floats(product(logit_rows, logits_stride(config)))),
      prefix_visible(static_cast<std::size_t>(rows), sizeof(std::int32_t)),
      suffix_visible(static_cast<std::size_t>(rows), sizeof(std::int32_t)),
      rows_(rows),
      logit_rows_(logit_rows) {}

std::size_t Activations::bytes(const ModelConfig& config, std::int32_t rows, std::int32_t logit_rows) {
  const std::int64_t per_row = std::int64_t{6} * config.width + config.inner + std::int64_t{2} * config.heads + 3;
  return sizeof(float) * (product(rows, per_row) + product(logit_rows, logits_stride(config))) +
         sizeof(std::uint16_t) * rounded_size(config, rows) +
         sizeof(ops::QuantisedRow) * static_cast<std::size_t>(rows);
}

}  // namespace faultline::model
