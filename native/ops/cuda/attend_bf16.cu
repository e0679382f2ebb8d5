// attend in bfloat16, see device_api.h: group attention. Neighbouring rows share a prefix and read it once a tile, on
// tensor cores; what each row wrote itself it streams once from memory. Kernels, in this order:
//   store_prompt    prompts' rows alone: their keys and values, which read each other's;
//   attend_prefix   where a prefix has more than kDeviceSplitKeys keys: one block a tile, head and split but the last
//                   leaves partial softmax states (attend_bf16_prefix.h);
//   attend_suffix   generated tokens' rows alone: one warp a row and head, or where there are few one block, leaves the
//                   state of the row's older keys and its own, which it also stores (attend_bf16_suffix.h);
//   attend_prefix   one block a tile and head folds the last split, merges the states and writes z. It has the least to
//                   read and the most to compute, and does so while the last blocks of attend_suffix wait for memory.
// Softmax states hold float scores times log2(e), so that their exponentials are powers of two; weights are rounded to
// bfloat16 for the values, but for that of the new key.
//
// A row's result depends on that row alone, to the bit: splits, segments and chunks are counted from the start of the
// prefix or suffix, a chunk of which a row sees nothing leaves the row's state as it is (its maximum unchanged, so a
// factor of 2^0 = 1, and weights of 0), and states are merged in one fixed order: splits ascending, then the suffix
// (segments ascending, its own key). That holds for finite keys and values, as ops.h asks for: an infinity that only a
// neighbour sees would meet a weight of 0.
//
// Streaming softmax in registers after Dao, FlashAttention-2 (2023), partial states after Dao et al., Flash-Decoding
// (2023).
#include "native/ops/cuda/attend_bf16.h"
#include "native/ops/cuda/attend_bf16_prefix.h"
#include "native/ops/cuda/attend_bf16_suffix.h"

namespace faultline::ops::cuda {
namespace {

SIMT_KERNEL(kAttendThreads, 8)
store_prompt(Attend args) {
  simt::inputs_ready();
  const std::int32_t index = simt::block_x();
  const DeviceRow* const row = args.rows + index;
  if (row->live == 0) return;
  const std::int32_t dim = device_dim(args.shape.head_width), pieces = dim / 8;
  const std::int64_t to_values = std::int64_t{row->write_capacity} * dim;
  std::uint16_t* const segment = static_cast<std::uint16_t*>(row->write_to);
  for (std::int32_t i = simt::thread(); i < args.shape.heads * pieces; i += kAttendThreads) {
    const std::int32_t head = i / pieces, at = i % pieces * 8;
    std::uint16_t* const to =
        segment + head_at(args, head, row->write_capacity, dim) + std::int64_t{row->write_at} * dim + at;
    *reinterpret_cast<Word4*>(to) = load_piece(args, qkv_at(args, index, kKey, head), at);
    *reinterpret_cast<Word4*>(to + to_values) = load_piece(args, qkv_at(args, index, kValue, head), at);
  }
}

template <std::int32_t kDim>
simt::LaunchStatus queue_suffix(const Queue& queue, const Attend& args) {
  // Below this many, warps of their own would leave multiprocessors without enough to wait for.
  constexpr std::int32_t kFewTasks = 4;  // per multiprocessor
  const std::int32_t tasks = args.count * args.shape.heads;
  if (tasks < kFewTasks * queue.multiprocessors)
    return simt::launch(attend_suffix<kDim, true>, {tasks}, kAttendThreads, kSuffixShared<kDim>, queue.stream, args);
  return simt::launch(attend_suffix<kDim, false>, {(tasks + kAttendWarps - 1) / kAttendWarps}, kAttendThreads, 0,
                      queue.stream, args);
}

template <std::int32_t kDim>
simt::LaunchStatus attend_of_dim(const Queue& queue, const Attend& args) {
  const std::int32_t heads = args.shape.heads;
  if (args.prompt) {
    const simt::LaunchStatus stored = simt::launch(store_prompt, {args.count}, kAttendThreads, 0, queue.stream, args);
    if (stored != simt::kLaunched) return stored;
  }
  if (args.splits > 1) {
    const simt::LaunchStatus attended =
        simt::launch(attend_prefix<kDim, false>, {args.tile_count, heads, args.splits - 1}, kAttendThreads,
                     kPrefixShared<kDim>, queue.stream, args);
    if (attended != simt::kLaunched) return attended;
  }
  if (!args.prompt) {
    const simt::LaunchStatus attended = queue_suffix<kDim>(queue, args);
    if (attended != simt::kLaunched) return attended;
  }
  return simt::launch(attend_prefix<kDim, true>, {args.tile_count, heads}, kAttendThreads, kPrefixShared<kDim>,
                      queue.stream, args);
}

}  // namespace

simt::LaunchStatus attend_bf16(const Queue& queue, const DeviceAttendArgs& args) {
  if (args.count == 0) return simt::kLaunched;
  constexpr std::int32_t kPiece = 8;  // elements of 16 bytes
  const bool wide = args.shape.head_width % kPiece == 0 && args.qkv_stride % kPiece == 0 && is_aligned16(args.qkv) &&
                    args.z_stride % kPiece == 0 && is_aligned16(args.z);
  const Attend attend{args, wide, wide && !args.prompt};
  switch (args.shape.head_width > kDeviceDimMost ? 0 : device_dim(args.shape.head_width)) {
    case 16:
      return attend_of_dim<16>(queue, attend);
    case 32:
      return attend_of_dim<32>(queue, attend);
    case 64:
      return attend_of_dim<64>(queue, attend);
    case 128:
      return attend_of_dim<128>(queue, attend);
    default:
      return simt::kNoVariant;
  }
}

}  // namespace faultline::ops::cuda
