// attend in float32, see device_api.h, exact to the bit as ops.h and ops/cpu/attention.inl define it. Two kernels: one
// stores the keys and values of all rows, because prompt rows read each other's; then one block for each row and head
// walks over the chunks of the prefix and of the suffix. Rows that share a prefix each read it again: this form is for
// results that are the CPU's, the bfloat16 one for speed.
#include "native/ops/cuda/math.h"
#include "native/ops/cuda/queue.h"
#include "native/ops/ops.h"

namespace faultline::ops::cuda {
namespace {

using simt::Word4;

// A thread scores one key of a chunk, then sums one or two columns of the values.
constexpr std::int32_t kThreads = kKeyChunk;
constexpr std::int32_t kWarps = kThreads / 32;
constexpr std::int32_t kStoreThreads = 128;

/// Keys of one head of a layer in a segment of `capacity` keys; its values follow, capacity * dim further on.
SIMT_DEVICE std::int64_t head_at(const DeviceAttendArgs& args, std::int32_t head, std::int32_t capacity) {
  const std::int64_t index = std::int64_t{args.layer} * args.shape.heads + head;
  return index * 2 * capacity * device_dim(args.shape.head_width);
}

SIMT_KERNEL(kStoreThreads, 8)
store_keys_and_values(DeviceAttendArgs args) {
  simt::inputs_ready();
  const DeviceRow* const row = args.rows + simt::block_x();
  if (row->live == 0) return;
  const std::int32_t head_width = args.shape.head_width, dim = device_dim(head_width);
  const std::int32_t width = args.shape.heads * head_width;
  const float* const qkv = static_cast<const float*>(args.qkv) + simt::block_x() * args.qkv_stride;
  float* const segment = static_cast<float*>(row->write_to);
  for (std::int32_t i = simt::thread(); i < args.shape.heads * dim; i += kStoreThreads) {
    const std::int32_t head = i / dim, c = i % dim;
    float* const to = segment + head_at(args, head, row->write_capacity) + std::int64_t{row->write_at} * dim + c;
    const bool inside = c < head_width;
    const float* const from = qkv + width + head * head_width + c;
    to[0] = inside ? from[0] : 0.0f;
    to[std::int64_t{row->write_capacity} * dim] = inside ? from[width] : 0.0f;
  }
}

/// The chain of one score along the head's width. q is in shared memory; k is a key, 64-byte aligned.
SIMT_DEVICE float chain(const float* q, const float* k, std::int32_t head_width) {
  float sum = 0.0f;
  std::int32_t c = 0;
  for (; c + 4 <= head_width; c += 4) {
    const Word4 key = simt::load4(k + c);
    sum = simt::fma(q[c], simt::as_float(key.x), sum);
    sum = simt::fma(q[c + 1], simt::as_float(key.y), sum);
    sum = simt::fma(q[c + 2], simt::as_float(key.z), sum);
    sum = simt::fma(q[c + 3], simt::as_float(key.w), sum);
  }
  for (; c < head_width; ++c) sum = simt::fma(q[c], k[c], sum);
  return sum;
}

struct Shared {
  // Aligned so that four neighbours can be read at once.
  alignas(16) float q[kDeviceDimMost];
  alignas(16) float weight[kKeyChunk];
  float warp_max[kWarps];
};

/// The running softmax of one row and head. m and l are the same in all threads; acc are the columns thread() and, when
/// there are two, thread() + kThreads.
template <std::int32_t kColumns>
struct State {
  float m, l;
  float acc[kColumns];
};

/// Folds in the first `visible` keys of one segment, of which k and v are this head's part.
template <std::int32_t kColumns>
SIMT_DEVICE void fold_segment(const DeviceAttendArgs& args, const float* k, const float* v, std::int32_t visible,
                              Shared& shared, State<kColumns>& state) {
  const std::int32_t head_width = args.shape.head_width, dim = device_dim(head_width), thread = simt::thread();
  for (std::int32_t begin = 0; begin < visible; begin += kKeyChunk) {
    const std::int32_t left = visible - begin, keys = left < kKeyChunk ? left : kKeyChunk;

    // Keys that are not visible score -inf and so weigh exactly 0. Which of two equal maxima wins (+0, -0) changes
    // nothing, so their order is free.
    float score = kMinusInfinity;
    if (thread < keys)
      score = simt::mul(chain(shared.q, k + std::int64_t{begin + thread} * dim, head_width), args.scale);
    float largest = score;
    for (std::int32_t mask = 16; mask > 0; mask /= 2) largest = max_of(largest, simt::shuffle_xor(largest, mask));
    if (simt::lane() == 0) shared.warp_max[simt::warp()] = largest;
    simt::sync_block();  // also: all threads are done with the last chunk's weights
    for (std::int32_t w = 0; w < kWarps; ++w) largest = max_of(shared.warp_max[w], largest);
    const float new_max = max_of(largest, state.m);
    const float alpha = exact_exp(simt::sub(state.m, new_max));
    shared.weight[thread] = exact_exp(simt::sub(score, new_max));
    simt::sync_block();

    float sum = 0.0f;
    for (std::int32_t j = thread % kLanes; j < kKeyChunk; j += kLanes) sum = simt::add(sum, shared.weight[j]);
    state.m = new_max;
    state.l = simt::fma(state.l, alpha, fold16(sum));

    for (std::int32_t i = 0; i < kColumns; ++i) {
      const std::int32_t c = thread + i * kThreads;
      if (c >= head_width) continue;
      float acc = simt::mul(state.acc[i], alpha);
      const float* column = v + std::int64_t{begin} * dim + c;
      if (keys == kKeyChunk) {
        for (std::int32_t j = 0; j < kKeyChunk; ++j) acc = simt::fma(shared.weight[j], column[j * dim], acc);
      } else {
        for (std::int32_t j = 0; j < keys; ++j) acc = simt::fma(shared.weight[j], column[j * dim], acc);
      }
      state.acc[i] = acc;
    }
  }
}

template <std::int32_t kColumns>
SIMT_KERNEL(kThreads, 8)
attend_row_and_head(DeviceAttendArgs args) {
  simt::inputs_ready();
  Shared& shared = *reinterpret_cast<Shared*>(simt::shared_memory());
  const std::int32_t r = simt::block_x(), head = simt::block_y(), head_width = args.shape.head_width;
  const std::int32_t dim = device_dim(head_width), width = args.shape.heads * head_width;
  const DeviceRow* const row = args.rows + r;
  float* const z = static_cast<float*>(args.z) + r * args.z_stride;

  // Dead rows become zeros, so that nothing but finite numbers goes on to the next operation.
  State<kColumns> state = {kMinusInfinity, 0.0f, {}};
  if (row->live != 0) {
    const float* const q = static_cast<const float*>(args.qkv) + r * args.qkv_stride + head * head_width;
    for (std::int32_t c = simt::thread(); c < head_width; c += kThreads) shared.q[c] = q[c];
    simt::sync_block();
    if (row->prefix_visible > 0) {
      const float* const k = static_cast<const float*>(row->prefix) + head_at(args, head, row->prefix_capacity);
      fold_segment(args, k, k + std::int64_t{row->prefix_capacity} * dim, row->prefix_visible, shared, state);
    }
    if (row->suffix_visible > 0) {
      const float* const k = static_cast<const float*>(row->write_to) + head_at(args, head, row->write_capacity);
      fold_segment(args, k, k + std::int64_t{row->write_capacity} * dim, row->suffix_visible, shared, state);
    }
  }
  for (std::int32_t i = 0; i < kColumns; ++i) {
    const std::int32_t c = simt::thread() + i * kThreads;
    if (c < head_width) z[head * head_width + c] = state.l == 0.0f ? 0.0f : simt::div(state.acc[i], state.l);
  }
  if (head == args.shape.heads - 1) {
    for (std::int64_t i = width + simt::thread(); i < args.z_stride; i += kThreads) z[i] = 0.0f;
  }
}

}  // namespace

simt::LaunchStatus attend_f32(const Queue& queue, const DeviceAttendArgs& args) {
  if (args.shape.head_width > kDeviceDimMost) return simt::kNoVariant;
  if (args.count == 0) return simt::kLaunched;
  const simt::LaunchStatus stored =
      simt::launch(store_keys_and_values, {args.count}, kStoreThreads, 0, queue.stream, args);
  if (stored != simt::kLaunched) return stored;
  return simt::launch(args.shape.head_width <= kThreads ? attend_row_and_head<1> : attend_row_and_head<2>,
                      {args.count, args.shape.heads}, kThreads, sizeof(Shared), queue.stream, args);
}

}  // namespace faultline::ops::cuda
