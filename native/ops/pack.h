// Repacks weight matrices into the panels that ops.gemm reads (see PackedMatrix in ops.h). Knows no kernel: the layout
// is one for all instruction sets.
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
/// Bytes of one element.
constexpr std::size_t weight_size(WeightType type) { return type == WeightType::f32 ? 4 : 2; }
/// Bytes of a packed [k, n] matrix, for memory plans.
constexpr std::size_t packed_bytes(WeightType type, std::int32_t k, std::int32_t n) {
  return static_cast<std::size_t>(panel_count(n)) * kLanes * static_cast<std::size_t>(k) * weight_size(type);
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

/// Packs a rank-2 tensor of a type that is a float weight (native/tensor/convert.h). To f32: exact. To bf16: nearest,
/// ties to even (exact from BF16). Work is split over panels when a pool is given. Throws Error(internal) for another
/// rank or type (the model checks shapes and names the tensor first), Error(environment) when memory runs out.
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

/// Element (i, j) of a packed matrix as float: how the oracle and tests read one, and how one embedding row is read
/// from a packed tied head. Not for inner loops.
float packed_element(const PackedMatrix& matrix, std::int32_t i, std::int32_t j);

}  // namespace faultline::ops
