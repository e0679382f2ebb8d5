// What the kernels of the bfloat16 matrix product have in common: which arguments they take, how one of their tilings
// is queued, and what becomes of the accumulators, whose layout is one: bias, gelu or residual, rounding and stores. No
// product here.
#pragma once

#include <cstdint>
#include <utility>

#include "native/ops/cuda/queue.h"
#include "native/ops/cuda/simt.h"
#include "native/ops/device_api.h"
#include "native/ops/ops.h"

namespace faultline::ops::cuda {

/// Whether a product has the alignment that device_api.h promises; rows of A so long that their bytes pass 31 bits are
/// not taken.
inline bool gemm_bf16_takes(const DeviceGemmArgs& args) {
  constexpr std::int64_t kStrideMost = 1 << 29;
  const bool residual = args.epilogue == static_cast<std::int32_t>(Epilogue::residual);
  if (residual && args.out_type != DeviceType::f32) return false;
  if (args.lda % 8 != 0 || args.lda > kStrideMost || args.ldo % 8 != 0 || args.w.k_stride % kDevicePad != 0 ||
      args.w.n_stride % kDevicePadOut != 0) {
    return false;
  }
  return is_aligned16(args.a) && is_aligned16(args.w.data) && is_aligned16(args.bias) && is_aligned16(args.out) &&
         (!residual || is_aligned16(args.residual));
}

/// A product in one of `kCount` tilings: the one that `pick(columns)` names, queued by `queue(tiling, columns)`, which
/// gets its index as a std::integral_constant. Columns beyond a row of the output are not computed.
template <int kCount, class Pick, class QueueTiling>
simt::LaunchStatus gemm_bf16_queue(const DeviceGemmArgs& args, const Pick& pick, const QueueTiling& queue) {
  if (!gemm_bf16_takes(args)) return simt::kNoVariant;
  if (args.m == 0) return simt::kLaunched;
  const std::int32_t columns = args.ldo < args.w.n_stride ? static_cast<std::int32_t>(args.ldo) : args.w.n_stride;
  const std::int32_t index = pick(columns);
  simt::LaunchStatus status = simt::kNoVariant;
  const auto queue_if_picked = [&]<int kIndex>(std::integral_constant<int, kIndex> tiling) {
    if (kIndex == index) status = queue(tiling, columns);
  };
  [&]<int... kIndex>(std::integer_sequence<int, kIndex...>) {
    (queue_if_picked(std::integral_constant<int, kIndex>{}), ...);
  }
  (std::make_integer_sequence<int, kCount>{});
  return status;
}

/// gelu_tanh(x) = x / (1 + exp(-2 y)), y = sqrt(2/pi) (x + 0.044715 x^3), by the device's exp2 and reciprocal.
SIMT_DEVICE float fast_gelu(float x) {
  constexpr float kLinear = -2.302208198f;  // -2 sqrt(2/pi) log2(e)
  constexpr float kCubic = -0.1029432397f;  // times 0.044715
  const float exponent = simt::mul(x, simt::fma(simt::mul(x, x), kCubic, kLinear));
  return simt::mul(x, simt::fast_reciprocal(simt::add(1.0f, simt::fast_exp2(exponent))));
}

/// kCount neighbouring columns of one row: 2, as an accumulator holds them, or 4, after quads have exchanged halves.
template <int kCount>
struct Outputs {
  float value[kCount];
};

template <int kCount>
SIMT_DEVICE Outputs<kCount> read_floats(const float* from) {
  Outputs<kCount> out;
  if constexpr (kCount == 4) {
    const simt::Word4 word = *reinterpret_cast<const simt::Word4*>(from);
    out = {{simt::as_float(word.x), simt::as_float(word.y), simt::as_float(word.z), simt::as_float(word.w)}};
  } else {
    const simt::Word2 word = *reinterpret_cast<const simt::Word2*>(from);
    out = {{simt::as_float(word.x), simt::as_float(word.y)}};
  }
  return out;
}

template <int kCount>
SIMT_DEVICE void write_outputs(const DeviceGemmArgs& args, std::int64_t at, const Outputs<kCount>& out) {
  const float(&v)[kCount] = out.value;
  if (args.out_type == DeviceType::f32) {
    float* const to = static_cast<float*>(args.out) + at;
    if constexpr (kCount == 4) {
      *reinterpret_cast<simt::Word4*>(to) = {simt::as_bits(v[0]), simt::as_bits(v[1]), simt::as_bits(v[2]),
                                             simt::as_bits(v[3])};
    } else {
      *reinterpret_cast<simt::Word2*>(to) = {simt::as_bits(v[0]), simt::as_bits(v[1])};
    }
  } else {
    std::uint16_t* const to = static_cast<std::uint16_t*>(args.out) + at;
    if constexpr (kCount == 4) {
      *reinterpret_cast<simt::Word2*>(to) = {simt::to_bf16_pair(v[0], v[1]), simt::to_bf16_pair(v[2], v[3])};
    } else {
      *reinterpret_cast<std::uint32_t*>(to) = simt::to_bf16_pair(v[0], v[1]);
    }
  }
}

/// What the outputs of one batch are added to: kBatch groups of eight rows, down first, and their columns' biases.
template <int kDown, int kAcross, int kBatch>
struct Addends {
  static constexpr std::int32_t kCount = kAcross == 1 ? 2 : 4, kAbove = 2 * kDown;
  static constexpr std::int32_t kGroups = kAbove * (kAcross == 1 ? 1 : kAcross / 2);
  static constexpr std::int32_t kBiases = kBatch < kAbove ? 1 : kBatch / kAbove;
  static_assert(kAcross == 1 || kAcross % 2 == 0);
  static_assert(kAbove % kBatch == 0 || kBatch % kAbove == 0);

  Outputs<kCount> bias[kBiases];
  Outputs<kCount> residual[kBatch];
};

/// This lane's first row of a warp's outputs.
SIMT_DEVICE std::int32_t lane_row(std::int32_t row) { return row + simt::lane() / 4; }

/// And its first column. An accumulator holds columns 2 q and 2 q + 1 of its eight in lane q of a quad. For 16-byte
/// stores two neighbouring lanes swap: the even one gets four columns of the left eight, the odd one the same four of
/// the right eight.
template <int kCount>
SIMT_DEVICE std::int32_t lane_column(std::int32_t column) {
  const std::int32_t lane = simt::lane();
  return column + (kCount == 2 ? lane % 4 * 2 : lane % 4 / 2 * 4 + (lane % 2 != 0 ? 8 : 0));
}

/// Columns that are written.
SIMT_DEVICE std::int64_t output_columns(const DeviceGemmArgs& args) {
  return args.ldo < args.w.n_stride ? args.ldo : args.w.n_stride;
}

/// Reads the batch that starts with group `first`, for finish_outputs with the same parameters. Nothing waits for the
/// values here, so products can be started between. Residuals may be the memory that the outputs go to: those of a
/// batch are read before its first store.
template <int kDown, int kAcross, int kBatch>
SIMT_DEVICE Addends<kDown, kAcross, kBatch> read_addends(const DeviceGemmArgs& args, std::int32_t row,
                                                         std::int32_t column, std::int32_t first) {
  using A = Addends<kDown, kAcross, kBatch>;
  A addends = {};
  row = lane_row(row);
  column = lane_column<A::kCount>(column);
  const std::int64_t end = output_columns(args);
  if (args.bias != nullptr) {
#pragma unroll
    for (std::int32_t b = 0; b < A::kBiases; ++b) {
      const std::int32_t c = column + (first / A::kAbove + b) * (4 * A::kCount);
      // Of a group all or none is inside, because end is a multiple of 8.
      if (first / A::kAbove + b < A::kGroups / A::kAbove && c < end) {
        addends.bias[b] = read_floats<A::kCount>(args.bias + c);
      }
    }
  }
  if (args.epilogue == static_cast<std::int32_t>(Epilogue::residual)) {
#pragma unroll
    for (std::int32_t b = 0; b < kBatch; ++b) {
      const std::int32_t c = column + (first + b) / A::kAbove * (4 * A::kCount), r = row + (first + b) % A::kAbove * 8;
      if (first + b < A::kGroups && c < end && r < args.m) {
        addends.residual[b] = read_floats<A::kCount>(args.residual + r * args.ldo + c);
      }
    }
  }
  return addends;
}

/// Finishes the outputs of one warp: kDown x kAcross accumulators of 16 x 8, the first at (row, column) of the product.
/// `sums(i, j, e)` is element e of accumulator (i, j) of this lane, as mma.m16n8k16 and wgmma lay it out: row lane / 4
/// (+ 8 for e of 2 and 3), column 2 (lane % 4) + e % 2. `addends`: of the first batch. kBatch: groups of eight rows
/// whose residuals are held at once, a multiple or a divisor of the 2 kDown that stand above each other.
template <int kDown, int kAcross, int kBatch, class Sums>
SIMT_DEVICE void finish_outputs(const DeviceGemmArgs& args, std::int32_t row, std::int32_t column,
                                Addends<kDown, kAcross, kBatch> addends, const Sums& sums) {
  using A = Addends<kDown, kAcross, kBatch>;
  constexpr std::int32_t kCount = A::kCount, kAbove = A::kAbove, kGroups = A::kGroups;
  const bool odd = simt::lane() % 2 != 0;
  const std::int32_t top = lane_row(row), left_column = lane_column<kCount>(column);
  const std::int64_t end = output_columns(args);
  const bool gelu = args.epilogue == static_cast<std::int32_t>(Epilogue::gelu);
  const bool residual = args.epilogue == static_cast<std::int32_t>(Epilogue::residual);

#pragma unroll
  for (std::int32_t first = 0; first < kGroups; first += kBatch) {
    if (first > 0) addends = read_addends<kDown, kAcross, kBatch>(args, row, column, first);
#pragma unroll
    for (std::int32_t b = 0; b < kBatch; ++b) {
      if (first + b >= kGroups) continue;
      const std::int32_t i = (first + b) % kAbove / 2, half = b % 2 * 2, j = (first + b) / kAbove * (kCount / 2);
      const std::int32_t c = left_column + j * 8, r = top + (first + b) % kAbove * 8;
      Outputs<kCount> out;
      if constexpr (kCount == 4) {
        const float left[2] = {sums(i, j, half), sums(i, j, half + 1)};
        const float right[2] = {sums(i, j + 1, half), sums(i, j + 1, half + 1)};
        const float swapped0 = simt::shuffle_xor(odd ? left[0] : right[0], 1);
        const float swapped1 = simt::shuffle_xor(odd ? left[1] : right[1], 1);
        out = {
            {odd ? swapped0 : left[0], odd ? swapped1 : left[1], odd ? right[0] : swapped0, odd ? right[1] : swapped1}};
      } else {
        out = {{sums(i, j, half), sums(i, j, half + 1)}};
      }
      if (c >= end || r >= args.m) continue;
#pragma unroll
      for (std::int32_t e = 0; e < kCount; ++e) {
        float value = simt::add(out.value[e], addends.bias[b / kAbove].value[e]);
        if (gelu) value = fast_gelu(value);
        if (residual) value = simt::add(value, addends.residual[b].value[e]);
        out.value[e] = value;
      }
      if (c + kCount > args.w.n) {
#pragma unroll
        for (std::int32_t e = 0; e < kCount; ++e) out.value[e] = c + e < args.w.n ? out.value[e] : 0.0f;
      }
      write_outputs<kCount>(args, r * args.ldo + c, out);
    }
  }
}

}  // namespace faultline::ops::cuda
