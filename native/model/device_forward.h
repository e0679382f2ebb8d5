// GPT-2's forward pass on a device, as a sequence of queued operations: the same diagram as gpt2_forward.h, over
// device_api.h instead of ops.h. Chooses no tokens and schedules nothing: the rows, which stand in device memory, say
// where keys and values are.
#pragma once

#include <cstdint>
#include <span>

#include "native/model/config.h"
#include "native/model/device_gpt2.h"
#include "native/model/hooks.h"
#include "native/ops/device.h"

namespace faultline::model {

/// Every buffer that a forward pass writes. M: rows; L: rows that get logits; S: splits of the longest prefix.
class DeviceActivations {
 public:
  DeviceActivations(const ops::DeviceContext& context, const ModelConfig& config, ops::DeviceType type,
                    std::int32_t rows, std::int32_t logit_rows);

  /// What the constructor allocates, for memory plans.
  static std::uint64_t bytes(const ModelConfig& config, ops::DeviceType type, std::int32_t rows,
                             std::int32_t logit_rows);
  /// Floats from one row of logits to the next.
  static std::int64_t logits_stride(const ModelConfig& config) {
    return ops::device_round_up(config.vocabulary, ops::kDevicePadOut);
  }
  /// Floats of `partial` that belong to one row.
  static std::int64_t partial_stride(const ModelConfig& config) {
    return std::int64_t{config.heads} * splits(config.context) * (ops::device_dim(config.head_width()) + 2);
  }
  /// Splits of a prefix of `tokens` keys, at least 1.
  static std::int32_t splits(std::int32_t tokens) {
    return tokens < 1 ? 1 : (tokens + ops::kDeviceSplitKeys - 1) / ops::kDeviceSplitKeys;
  }

  std::int32_t rows() const { return rows_; }
  std::int32_t logit_rows() const { return logit_rows_; }

  ops::DeviceBuffer residual;  // [M, width] float
  ops::DeviceBuffer normed;    // [M, width] of the model's type
  ops::DeviceBuffer qkv;       // [M, 3 * width] of the type
  ops::DeviceBuffer z;         // [M, width] of the type: the heads' outputs side by side
  ops::DeviceBuffer partial;   // [M, heads, S, dim + 2] float: attention over each split of the prefix
  ops::DeviceBuffer mlp;       // [M, inner] of the type
  ops::DeviceBuffer logits;    // [L, logits_stride] float

 private:
  std::int32_t rows_;
  std::int32_t logit_rows_;
};

/// The rows of one pass, all pointers to device memory.
struct DeviceBatch {
  ops::DeviceRow* rows;
  std::int32_t count;
  const ops::DeviceTile* tiles;
  std::int32_t tile_count;
  std::int32_t splits;
  bool prompt;  // prompts' tokens (prefix == write_to), each prompt's in order, not generated ones
};

/// Neighbouring rows that get logits, and where.
struct DeviceLogits {
  std::int32_t first;  // of `count` rows
  std::int32_t count;
  float* to;  // [count, DeviceActivations::logits_stride]
};

/// Queues the pass. Row i's results depend on row i and on what it attends to, never on its neighbours or their number.
/// With `capture` (a prompt's rows, standing at `first_position` on, whose keys end at `first_position` + count) the
/// hook points that it wants are fetched as the pass reaches them, which waits for the device each time; results are
/// the same bits with and without. Throws Error(environment) when the device fails.
void device_forward(const ops::DeviceContext& context, const DeviceGpt2& model, const DeviceActivations& activations,
                    const DeviceBatch& batch, std::span<const DeviceLogits> logits, Capture* capture = nullptr,
                    std::int32_t first_position = 0);

}  // namespace faultline::model
