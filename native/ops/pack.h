// Repacks weight matrices into the panels that ops.gemm and its kin read (see PackedMatrix in ops.h). Knows no
// kernel: the caller says which of the layouts it wants.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/base/aligned_buffer.h"
#include "native/base/thread_pool.h"
#include "native/ops/device_api.h"
#include "native/ops/ops.h"
#include "native/tensor/tensor_view.h"

namespace faultline::ops {

/// How a two-dimensional weight stands in its file: [k, n] as GPT-2's Conv1D has it (in, out), or [n, k] as
/// torch.nn.Linear and embeddings have it (out, in).
enum class Orientation : std::uint8_t { kn, nk };

/// Panels of 16 columns that n columns need.
constexpr std::int32_t panel_count(std::int32_t n) { return (n + kLanes - 1) / kLanes; }
/// Consecutive values of k that stand side by side in a panel.
constexpr std::int64_t panel_step(WeightType type) {
  return type == WeightType::int8 ? 4 : type == WeightType::bf16_pairs ? 2 : 1;
}
/// Bytes of one element.
constexpr std::size_t weight_size(WeightType type) {
  return type == WeightType::f32 ? 4 : type == WeightType::int8 ? 1 : 2;
}
/// Elements of one panel of depth k, those past k in its last step included, and the room of int8's scales.
constexpr std::int64_t panel_size(WeightType type, std::int32_t k) {
  const std::int64_t step = panel_step(type), scale = type == WeightType::int8 ? sizeof(float) : 0;
  return ((k + step - 1) / step * step + scale) * kLanes;
}
/// Where row i, column `lane` stands in a panel, in elements.
constexpr std::int64_t panel_offset(WeightType type, std::int64_t i, std::int32_t lane) {
  const std::int64_t step = panel_step(type);
  return (i / step * kLanes + lane) * step + i % step;
}
/// Bytes of a packed [k, n] matrix, for memory plans.
constexpr std::size_t packed_bytes(WeightType type, std::int32_t k, std::int32_t n) {
  return static_cast<std::size_t>(panel_count(n)) * static_cast<std::size_t>(panel_size(type, k)) * weight_size(type);
}

/// Elements of one row of activations in bfloat16 (GemmArgs::a_bf16).
constexpr std::int64_t bf16_stride(std::int32_t k) {
  return (std::int64_t{k} + kDepthStep - 1) / kDepthStep * kDepthStep;
}
/// Elements of `rows` such rows, with those that must be readable past the last.
constexpr std::int64_t bf16_size(std::int32_t rows, std::int32_t k) {
  return (std::int64_t{rows} + kTileHeight - 1) / kTileHeight * kTileHeight * bf16_stride(k);
}

/// Bytes of one row of activations in int8 (GemmArgs::a_int8).
constexpr std::int64_t int8_stride(std::int32_t k) {
  return (std::int64_t{k} + kInt8DepthStep - 1) / kInt8DepthStep * kInt8DepthStep;
}
/// Bytes of `rows` such rows, with those that must be readable past the last.
constexpr std::int64_t int8_size(std::int32_t rows, std::int32_t k) {
  return (std::int64_t{rows} + kTileHeight - 1) / kTileHeight * kTileHeight * int8_stride(k);
}

/// A packed matrix with its memory. Movable, not copyable; immutable once packed, so it may be shared between threads.
class PackedWeights {
 public:
  PackedWeights() = default;
  PackedMatrix matrix() const { return {buffer_.data(), type_, k_, n_}; }
  std::size_t size_bytes() const { return buffer_.size(); }

 private:
  friend PackedWeights pack_columns(const tensor::TensorView&, Orientation, WeightType, std::int32_t, std::int32_t,
                                    base::ThreadPool*);
  base::AlignedBuffer buffer_;
  WeightType type_ = WeightType::f32;
  std::int32_t k_ = 0;
  std::int32_t n_ = 0;
};

/// Packs a rank-2 tensor of a type that is a float weight (native/tensor/convert.h). To f32: exact. To bf16 and
/// bf16_pairs: nearest, ties to even (exact from BF16). To int8: each column as QuantiseArgs says of a row. Work is
/// split over panels when a pool is given. Throws Error(internal) for another rank or type, or a k above kInt8DepthMost
/// in int8 (the model checks shapes and names the tensor first), Error(environment) when memory runs out.
PackedWeights pack_weights(const tensor::TensorView& weights, Orientation orientation, WeightType type,
                           base::ThreadPool* pool = nullptr);

/// The same for columns [column_begin, column_begin + n) of the matrix alone, e.g. the query part of a fused c_attn.
PackedWeights pack_columns(const tensor::TensorView& weights, Orientation orientation, WeightType type,
                           std::int32_t column_begin, std::int32_t columns, base::ThreadPool* pool = nullptr);

/// The layout of a DeviceMatrix (device_api.h) in host memory, ready to be sent: element (i, j) of W [k, n] at row j,
/// column i of [n rounded up to kDevicePadOut][k rounded up to kDevicePad], zero elsewhere. Rounding, splitting and
/// errors as pack_weights.
base::AlignedBuffer pack_for_device(const tensor::TensorView& weights, Orientation orientation, DeviceType type,
                                    base::ThreadPool* pool = nullptr);

/// Element (i, j) of a packed matrix as float: how the oracle and tests read one. Not for inner loops.
float packed_element(const PackedMatrix& matrix, std::int32_t i, std::int32_t j);

/// Column j of a packed matrix as k floats into `out`: how one embedding row is read from a packed tied head.
void packed_column(const PackedMatrix& matrix, std::int32_t j, float* out);

}  // namespace faultline::ops
