// embed, see device_api.h: one block copies one row of the embedding and adds the position's. float32 results have the
// CPU's bits (one addition); bfloat16 weights are widened exactly, so theirs are rounded once too.
#include "native/ops/cuda/queue.h"

namespace faultline::ops::cuda {
namespace {

using simt::Word2;
using simt::Word4;

constexpr std::int32_t kThreads = 128;

SIMT_DEVICE float widened(const float* row, std::int32_t i) { return row[i]; }
SIMT_DEVICE float widened(const std::uint16_t* row, std::int32_t i) { return simt::from_bf16(row[i]); }

/// Four elements from column i, a multiple of 4. Rows of a DeviceMatrix start on 128 bytes at least.
SIMT_DEVICE void widen4(const float* row, std::int32_t i, float (&out)[4]) {
  const Word4 word = simt::load4(row + i);
  out[0] = simt::as_float(word.x);
  out[1] = simt::as_float(word.y);
  out[2] = simt::as_float(word.z);
  out[3] = simt::as_float(word.w);
}
SIMT_DEVICE void widen4(const std::uint16_t* row, std::int32_t i, float (&out)[4]) {
  const Word2 pairs = *reinterpret_cast<const Word2*>(row + i);
  out[0] = simt::as_float(pairs.x << 16);
  out[1] = simt::as_float(pairs.x & 0xFFFF0000u);
  out[2] = simt::as_float(pairs.y << 16);
  out[3] = simt::as_float(pairs.y & 0xFFFF0000u);
}

/// kVector: width and the pointers allow 16-byte accesses. Same sums either way.
template <class W, bool kVector>
SIMT_KERNEL(kThreads, 8)
embed_row(DeviceEmbedArgs args) {
  simt::inputs_ready();
  const std::int32_t r = simt::block_x();
  const DeviceRow* const row = args.rows + r;
  float* const out = args.residual + r * args.stride;
  // A dead row holds no valid token; zeros keep it finite in the layers above.
  const std::int32_t live_width = row->live != 0 ? args.width : 0;
  const W* const token = static_cast<const W*>(args.wte.data) + std::int64_t{row->token} * args.wte.k_stride;
  const float* const position = args.wpe + std::int64_t{row->position} * args.width;
  if constexpr (kVector) {
    for (std::int32_t i = 4 * simt::thread(); i < live_width; i += 4 * kThreads) {
      float a[4], b[4];
      widen4(token, i, a);
      widen4(position, i, b);
      *reinterpret_cast<Word4*>(out + i) = {simt::as_bits(simt::add(a[0], b[0])), simt::as_bits(simt::add(a[1], b[1])),
                                            simt::as_bits(simt::add(a[2], b[2])), simt::as_bits(simt::add(a[3], b[3]))};
    }
  } else {
    for (std::int32_t i = simt::thread(); i < live_width; i += kThreads)
      out[i] = simt::add(widened(token, i), position[i]);
  }
  for (std::int64_t i = live_width + simt::thread(); i < args.stride; i += kThreads) out[i] = 0.0f;
}

template <class W>
simt::LaunchStatus queue_rows(const Queue& queue, const DeviceEmbedArgs& args) {
  const bool vector =
      args.width % 4 == 0 && args.stride % 4 == 0 && is_aligned16(args.wpe) && is_aligned16(args.residual);
  return simt::launch(vector ? embed_row<W, true> : embed_row<W, false>, {args.count}, kThreads, 0, queue.stream, args);
}

}  // namespace

simt::LaunchStatus embed(const Queue& queue, const DeviceEmbedArgs& args) {
  if (args.count == 0) return simt::kLaunched;
  return args.wte.type == DeviceType::f32 ? queue_rows<float>(queue, args) : queue_rows<std::uint16_t>(queue, args);
}

}  // namespace faultline::ops::cuda
