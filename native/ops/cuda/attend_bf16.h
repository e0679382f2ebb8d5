// What the kernels of attend in bfloat16 (attend_bf16.cu) share: their arguments, where queries, keys, values and
// partial softmax states lie, and how states are merged. No kernel.
#pragma once

#include "native/ops/cuda/math.h"
#include "native/ops/cuda/queue.h"

namespace faultline::ops::cuda {

using simt::Word4;

inline constexpr std::int32_t kAttendWarps = 4;
inline constexpr std::int32_t kAttendThreads = kAttendWarps * 32;
inline constexpr float kLog2e = 1.44269504f;

/// The kernels' arguments: DeviceAttendArgs and what the host found out about them.
struct Attend : DeviceAttendArgs {
  /// Queries, keys and values in qkv, and heads in z, start at multiples of 16 bytes and have widths of whole 16 bytes.
  bool wide;
  /// attend_suffix comes before the last attend_prefix, which need not wait for it until it merges what it left: every
  /// block of attend_suffix has waited for those before, so what stands in qkv is in memory. But only there: the
  /// first-level cache may still hold what qkv was a layer ago. Rows were written before the graph began. Only where
  /// `wide`.
  bool early;
};

/// Keys of one head of the layer in a segment of `capacity` keys; its values follow, capacity * dim further on.
SIMT_DEVICE std::int64_t head_at(const Attend& args, std::int32_t head, std::int32_t capacity, std::int32_t dim) {
  return (std::int64_t{args.layer} * args.shape.heads + head) * 2 * capacity * dim;
}

/// Which third of a row of qkv.
enum Part { kQuery, kKey, kValue };
SIMT_DEVICE const std::uint16_t* qkv_at(const Attend& args, std::int32_t row, Part part, std::int32_t head) {
  return static_cast<const std::uint16_t*>(args.qkv) + row * args.qkv_stride +
         (part * args.shape.heads + head) * args.shape.head_width;
}

/// Elements at and at + 1 of a vector in qkv, at even; zero past the head's width.
SIMT_DEVICE std::uint32_t load_pair(const Attend& args, const std::uint16_t* vector, std::int32_t at) {
  const std::int32_t width = args.shape.head_width;
  if (args.wide) return at < width ? *reinterpret_cast<const std::uint32_t*>(vector + at) : 0u;
  const std::uint32_t low = at < width ? vector[at] : 0u, high = at + 1 < width ? vector[at + 1] : 0u;
  return low | high << 16;
}
/// Elements [at, at + 8) of a vector in qkv, at a multiple of 8; zero past the head's width.
SIMT_DEVICE Word4 load_piece(const Attend& args, const std::uint16_t* vector, std::int32_t at) {
  Word4 piece = {0, 0, 0, 0};
  if (args.wide) {
    if (at < args.shape.head_width) piece = simt::load4(vector + at);
    return piece;
  }
  piece.x = load_pair(args, vector, at);
  piece.y = load_pair(args, vector, at + 2);
  piece.z = load_pair(args, vector, at + 4);
  piece.w = load_pair(args, vector, at + 6);
  return piece;
}

/// Keys of its prefix that a row sees; dead rows see none, whatever else stands in them.
SIMT_DEVICE std::int32_t sees_of_prefix(const DeviceRow& row) {
  return row.live != 0 && row.prefix != nullptr ? row.prefix_visible : 0;
}

/// One store. Partial states are aligned to it, because dim + 2 is even.
struct alignas(8) TwoFloats {
  float first, second;
};
/// Where a row's state of one split lies: acc [dim], m, l. The last split's is never stored; that of the suffix takes
/// its place.
SIMT_DEVICE float* partial_at(const Attend& args, std::int32_t row, std::int32_t head, std::int32_t split,
                              std::int32_t dim) {
  return args.partial + ((std::int64_t{row} * args.shape.heads + head) * args.splits + split) * (std::int64_t{dim} + 2);
}

/// One column of a softmax state: scores are scaled and times log2(e).
struct Column {
  float m, l, acc;
};
/// `b` with m = -inf (nothing seen) changes nothing.
SIMT_DEVICE Column merged(const Column& a, const Column& b) {
  const float m = max_of(a.m, b.m), base = m == kMinusInfinity ? 0.0f : m;
  const float of_a = simt::fast_exp2(simt::sub(a.m, base)), of_b = simt::fast_exp2(simt::sub(b.m, base));
  return {m, simt::fma(b.l, of_b, simt::mul(a.l, of_a)), simt::fma(b.acc, of_b, simt::mul(a.acc, of_a))};
}

}  // namespace faultline::ops::cuda
