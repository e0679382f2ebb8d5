#include "native/ops/pack.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "native/base/check.h"
#include "native/tensor/convert.h"

namespace faultline::ops {
namespace {

using tensor::TensorView;

/// A run of the source's elements as bits of T (float or bfloat16), from any type of weight.
template <class T>
void converted(const TensorView& weights, std::int64_t begin, std::int64_t count, T* out) {
  if constexpr (sizeof(T) == 2) {
    tensor::copy_as_bfloat16(weights, begin, count, out);
  } else {
    tensor::copy_as_float(weights, begin, count, out);
  }
}

/// One panel of rows of 16 columns, or of pairs of rows; what is missing at its end is left zero. Reads the source in
/// runs along its contiguous dimension: one element at a time took most of a model's loading.
template <WeightType kType, class T>
void pack_panel(const TensorView& weights, Orientation orientation, std::int64_t column_begin, std::int32_t k,
                std::int32_t width, T* panel) {
  if (orientation == Orientation::kn) {
    const std::int64_t n = weights.shape[1];
    std::array<T, kLanes> row{};
    for (std::int32_t i = 0; i < k; ++i) {
      converted(weights, i * n + column_begin, width, row.data());
      for (std::int32_t j = 0; j < width; ++j) panel[panel_offset(kType, i, j)] = row[static_cast<std::size_t>(j)];
    }
    return;
  }
  // So many values of k at a time that all columns of them stay in the nearest cache while they are turned.
  constexpr std::int32_t kRun = 128;
  std::array<std::array<T, kRun>, kLanes> columns{};
  for (std::int32_t first = 0; first < k; first += kRun) {
    const std::int32_t here = std::min(kRun, k - first);
    for (std::int32_t j = 0; j < width; ++j)
      converted(weights, (column_begin + j) * k + first, here, columns[static_cast<std::size_t>(j)].data());
    for (std::int32_t i = 0; i < here; ++i) {
      for (std::int32_t j = 0; j < width; ++j)
        panel[panel_offset(kType, first + i, j)] = columns[static_cast<std::size_t>(j)][static_cast<std::size_t>(i)];
    }
  }
}

/// The columns' scales of one panel of floats [k][16]: what QuantiseArgs says of rows.
std::array<float, kLanes> column_scales(const float* floats, std::int32_t k) {
  std::array<float, kLanes> largest{}, bad{};
  for (std::int64_t i = 0; i < k; ++i) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float size = std::fabs(floats[i * kLanes + static_cast<std::int64_t>(lane)]);
      largest[lane] = size > largest[lane] ? size : largest[lane];
      bad[lane] += size * 0.0F;  // NaN from the first infinity or NaN on
    }
  }
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const float scale = largest[lane] < kLeastQuantised ? 0.0F : largest[lane] / 127.0F;
    largest[lane] = bad[lane] == 0 ? scale : std::numeric_limits<float>::quiet_NaN();
  }
  return largest;
}

/// One panel of floats [k][16] as an int8 panel with its scales; what is missing at its end is left zero. Loops over
/// lanes without a call or a branch, which compilers make vectors of: a model has to be there within a second.
void quantise_panel(const float* floats, std::int32_t k, std::int8_t* panel) {
  const std::array<float, kLanes> scales = column_scales(floats, k);
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: a sum with it is a whole number, rounded to nearest even
  for (std::int64_t i = 0; i < k; ++i) {
    std::array<std::int32_t, kLanes> row;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float x = floats[i * kLanes + static_cast<std::int64_t>(lane)] / scales[lane];
      const float bounded = x > 127.0F ? 127.0F : x > -127.0F ? x : -127.0F;
      row[lane] = scales[lane] > 0 ? static_cast<std::int32_t>((bounded + kRound) - kRound) : 0;
    }
    for (std::int32_t lane = 0; lane < kLanes; ++lane) {
      panel[panel_offset(WeightType::int8, i, lane)] = static_cast<std::int8_t>(row[static_cast<std::size_t>(lane)]);
    }
  }
  std::memcpy(panel + panel_size(WeightType::int8, k) - sizeof scales, scales.data(), sizeof scales);
}

/// The scale of a column of a packed int8 matrix.
float packed_scale(const PackedMatrix& matrix, std::int32_t j) {
  const std::int64_t size = panel_size(WeightType::int8, matrix.k);
  const auto* const panel_end = static_cast<const std::int8_t*>(matrix.data) + (j / kLanes + 1) * size;
  float scale;
  std::memcpy(&scale, panel_end - std::int64_t{kLanes - j % kLanes} * std::int64_t{sizeof scale}, sizeof scale);
  return scale;
}

/// Columns [begin, end) of W as rows of `stride`. Both orders read the source along its contiguous dimension; the one
/// that transposes goes over few columns at a time, so that the rows it writes stay in cache.
template <class T>
void pack_device_rows(const TensorView& weights, Orientation orientation, std::int64_t begin, std::int64_t end,
                      std::int64_t k, std::int64_t stride, T* out) {
  if (orientation == Orientation::nk) {
    for (std::int64_t j = begin; j < end; ++j) {
      converted(weights, j * k, k, out + j * stride);
    }
    return;
  }
  constexpr std::int64_t kColumns = 16;
  const std::int64_t n = weights.shape[1];
  for (std::int64_t first = begin; first < end; first += kColumns) {
    const std::int64_t last = std::min(end, first + kColumns);
    std::array<T, kColumns> row;
    for (std::int64_t i = 0; i < k; ++i) {
      converted(weights, i * n + first, last - first, row.data());
      for (std::int64_t j = first; j < last; ++j) out[j * stride + i] = row[static_cast<std::size_t>(j - first)];
    }
  }
}

}  // namespace

base::AlignedBuffer pack_for_device(const TensorView& weights, Orientation orientation, DeviceType type,
                                    base::ThreadPool* pool) {
  FAULTLINE_CHECK(weights.shape.rank() == 2, weights.shape.to_string());
  FAULTLINE_CHECK(tensor::is_float_weight(weights.dtype), tensor::dtype_name(weights.dtype));
  const std::int64_t k = weights.shape[orientation == Orientation::kn ? 0 : 1];
  const std::int64_t n = weights.shape[orientation == Orientation::kn ? 1 : 0];
  FAULTLINE_CHECK(k <= INT32_MAX - kDevicePad && n <= INT32_MAX - kDevicePadOut, weights.shape.to_string());
  const std::int64_t stride = device_round_up(static_cast<std::int32_t>(k), kDevicePad);
  const std::int64_t rows = device_round_up(static_cast<std::int32_t>(n), kDevicePadOut);
  const std::size_t size = type == DeviceType::f32 ? sizeof(float) : sizeof(std::uint16_t);
  base::AlignedBuffer packed(static_cast<std::size_t>(rows) * static_cast<std::size_t>(stride), size);  // zero-filled
  const auto pack_range = [&](std::int64_t begin, std::int64_t end) {
    if (type == DeviceType::f32) {
      pack_device_rows(weights, orientation, begin, end, k, stride, packed.as<float>());
    } else {
      pack_device_rows(weights, orientation, begin, end, k, stride, packed.as<std::uint16_t>());
    }
  };
  if (pool != nullptr) {
    pool->parallel_for(n, pack_range);
  } else {
    pack_range(0, n);
  }
  return packed;
}

PackedWeights pack_columns(const TensorView& weights, Orientation orientation, WeightType type,
                           std::int32_t column_begin, std::int32_t columns, base::ThreadPool* pool) {
  FAULTLINE_CHECK(weights.shape.rank() == 2, weights.shape.to_string());
  FAULTLINE_CHECK(tensor::is_float_weight(weights.dtype), tensor::dtype_name(weights.dtype));
  const std::int64_t k = weights.shape[orientation == Orientation::kn ? 0 : 1];
  const std::int64_t n = weights.shape[orientation == Orientation::kn ? 1 : 0];
  FAULTLINE_CHECK(k <= INT32_MAX && n <= INT32_MAX - kLanes, weights.shape.to_string());
  FAULTLINE_CHECK(column_begin >= 0 && columns >= 0 && columns <= n - column_begin);
  FAULTLINE_CHECK(type != WeightType::int8 || k <= kInt8DepthMost, weights.shape.to_string());

  PackedWeights packed;
  packed.type_ = type;
  packed.k_ = static_cast<std::int32_t>(k);
  packed.n_ = columns;
  packed.buffer_ = base::AlignedBuffer(packed_bytes(type, packed.k_, columns));  // zero-filled
  const auto pack_range = [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> floats;  // of one panel, in int8
    for (std::int64_t panel = begin; panel < end; ++panel) {
      const auto first = static_cast<std::int32_t>(panel * kLanes);
      const std::int32_t width = std::min(kLanes, columns - first);
      const std::int64_t offset = panel * panel_size(type, packed.k_);
      const auto pack = [&]<WeightType kType, class T>(T* buffer) {
        pack_panel<kType>(weights, orientation, column_begin + first, packed.k_, width, buffer + offset);
      };
      switch (type) {
        case WeightType::f32:
          pack.operator()<WeightType::f32>(packed.buffer_.as<float>());
          break;
        case WeightType::bf16:
          pack.operator()<WeightType::bf16>(packed.buffer_.as<std::uint16_t>());
          break;
        case WeightType::bf16_pairs:
          pack.operator()<WeightType::bf16_pairs>(packed.buffer_.as<std::uint16_t>());
          break;
        case WeightType::int8:
          floats.assign(static_cast<std::size_t>(panel_size(WeightType::f32, packed.k_)), 0.0F);
          pack_panel<WeightType::f32>(weights, orientation, column_begin + first, packed.k_, width, floats.data());
          quantise_panel(floats.data(), packed.k_, packed.buffer_.as<std::int8_t>() + offset);
          break;
      }
    }
  };
  const std::int64_t panels = panel_count(columns);
  if (pool != nullptr) {
    pool->parallel_for(panels, pack_range);
  } else {
    pack_range(0, panels);
  }
  return packed;
}

PackedWeights pack_weights(const TensorView& weights, Orientation orientation, WeightType type,
                           base::ThreadPool* pool) {
  FAULTLINE_CHECK(weights.shape.rank() == 2, weights.shape.to_string());
  const std::int64_t n = weights.shape[orientation == Orientation::kn ? 1 : 0];
  FAULTLINE_CHECK(n <= INT32_MAX - kLanes, weights.shape.to_string());
  return pack_columns(weights, orientation, type, 0, static_cast<std::int32_t>(n), pool);
}

float packed_element(const PackedMatrix& matrix, std::int32_t i, std::int32_t j) {
  const std::int64_t at = j / kLanes * panel_size(matrix.type, matrix.k) + panel_offset(matrix.type, i, j % kLanes);
  if (matrix.type == WeightType::f32) return static_cast<const float*>(matrix.data)[at];
  if (matrix.type == WeightType::int8)
    return static_cast<float>(static_cast<const std::int8_t*>(matrix.data)[at]) * packed_scale(matrix, j);
  return tensor::float_from_bfloat16(static_cast<const std::uint16_t*>(matrix.data)[at]);
}

void packed_column(const PackedMatrix& matrix, std::int32_t j, float* out) {
  const std::int64_t panel = j / kLanes * panel_size(matrix.type, matrix.k);
  const auto read_bf16 = [&]<WeightType kType>() {
    const auto* const halves = static_cast<const std::uint16_t*>(matrix.data) + panel;
    for (std::int32_t i = 0; i < matrix.k; ++i)
      out[i] = std::bit_cast<float>(std::uint32_t{halves[panel_offset(kType, i, j % kLanes)]} << 16);
  };
  switch (matrix.type) {
    case WeightType::f32: {
      const auto* const floats = static_cast<const float*>(matrix.data) + panel;
      for (std::int32_t i = 0; i < matrix.k; ++i) out[i] = floats[panel_offset(WeightType::f32, i, j % kLanes)];
      break;
    }
    case WeightType::bf16:
      read_bf16.operator()<WeightType::bf16>();
      break;
    case WeightType::bf16_pairs:
      read_bf16.operator()<WeightType::bf16_pairs>();
      break;
    case WeightType::int8: {
      const auto* const bytes = static_cast<const std::int8_t*>(matrix.data) + panel;
      const float scale = packed_scale(matrix, j);
      for (std::int32_t i = 0; i < matrix.k; ++i)
        out[i] = static_cast<float>(bytes[panel_offset(WeightType::int8, i, j % kLanes)]) * scale;
      break;
    }
  }
}

}  // namespace faultline::ops
