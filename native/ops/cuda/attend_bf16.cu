// attend in bfloat16, see device_api.h: group attention. Neighbouring rows share a prefix and read it once a tile, on
// tensor cores; what each row wrote itself it streams once from memory. Three kernels, in this order:
//   store_prompt    keys and values of prompt rows, which read each other's; left out for generated tokens;
//   attend_prefix   one block a tile, head and split of kDeviceSplitKeys keys: partial softmax states;
//   attend_suffix   one block a row and head: the row's own keys, its new one included (which it also stores), then the
//                   partial states merged and z written.
// Softmax states hold float scores times log2(e), so that their exponentials are powers of two; weights are rounded to
// bfloat16 for the prefix's values, and float for the suffix's.
//
// A row's result depends on that row alone, to the bit: splits, chunks and which warp folds which chunk are counted
// from the start of the segment, a chunk of which a row sees nothing leaves the row's state as it is (its maximum
// unchanged, so a factor of 2^0 = 1, and weights of 0), and states are merged in one fixed order: splits ascending,
// warps ascending, own key. That holds for finite keys and values, as ops.h asks for: an infinity that only a neighbour
// sees would meet a weight of 0.
//
// Streaming softmax in registers after Dao, FlashAttention-2 (2023), partial states after Dao et al., Flash-Decoding
// (2023).
#include "native/ops/cuda/math.h"
#include "native/ops/cuda/queue.h"

namespace faultline::ops::cuda {
namespace {

using simt::Word4;

constexpr std::int32_t kWarps = 4;
constexpr std::int32_t kThreads = kWarps * 32;
constexpr float kLog2e = 1.44269504f;

// Prefix: a warp has the 16 rows of one mma tile, a block those of one attention tile.
constexpr std::int32_t kWarpRows = 16;
constexpr std::int32_t kChunkKeys = 64;  // staged in shared memory at a time, two chunks deep
constexpr std::int32_t kStages = 2;
static_assert(kWarps * kWarpRows == kDeviceTileRows && kDeviceSplitKeys % kChunkKeys == 0);

/// The kernels' arguments: DeviceAttendArgs and what the host found out about them.
struct Attend : DeviceAttendArgs {
  bool wide;  // queries, keys and values in qkv start at multiples of 16 bytes and have widths of whole 16 bytes
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

/// The eight bfloat16 of a piece as floats.
struct Eight {
  float at[8];
};
SIMT_DEVICE Eight widen(const Word4& piece) {
  return {{simt::as_float(piece.x << 16), simt::as_float(piece.x & 0xFFFF0000u), simt::as_float(piece.y << 16),
           simt::as_float(piece.y & 0xFFFF0000u), simt::as_float(piece.z << 16), simt::as_float(piece.z & 0xFFFF0000u),
           simt::as_float(piece.w << 16), simt::as_float(piece.w & 0xFFFF0000u)}};
}

/// Keys of its prefix that a row sees; dead rows see none, whatever else stands in them.
SIMT_DEVICE std::int32_t sees_of_prefix(const DeviceRow& row) {
  return row.live != 0 && row.prefix != nullptr ? row.prefix_visible : 0;
}

/// One store. Partial states are aligned to it, because dim + 2 is even.
struct alignas(8) TwoFloats {
  float first, second;
};
/// Where a row's state of one split lies: acc [dim], m, l.
SIMT_DEVICE float* partial_at(const Attend& args, std::int32_t row, std::int32_t head, std::int32_t split,
                              std::int32_t dim) {
  return args.partial + ((std::int64_t{row} * args.shape.heads + head) * args.splits + split) * (std::int64_t{dim} + 2);
}

SIMT_KERNEL(kThreads, 8)
store_prompt(Attend args) {
  simt::inputs_ready();
  const std::int32_t index = simt::block_x();
  const DeviceRow* const row = args.rows + index;
  if (row->live == 0) return;
  const std::int32_t dim = device_dim(args.shape.head_width), pieces = dim / 8;
  const std::int64_t to_values = std::int64_t{row->write_capacity} * dim;
  std::uint16_t* const segment = static_cast<std::uint16_t*>(row->write_to);
  for (std::int32_t i = simt::thread(); i < args.shape.heads * pieces; i += kThreads) {
    const std::int32_t head = i / pieces, at = i % pieces * 8;
    std::uint16_t* const to =
        segment + head_at(args, head, row->write_capacity, dim) + std::int64_t{row->write_at} * dim + at;
    *reinterpret_cast<Word4*>(to) = load_piece(args, qkv_at(args, index, kKey, head), at);
    *reinterpret_cast<Word4*>(to + to_values) = load_piece(args, qkv_at(args, index, kValue, head), at);
  }
}

// ---- Prefix ----

template <std::int32_t kDim>
constexpr std::size_t kPrefixShared = kStages * 2 * kChunkKeys* kDim * sizeof(std::uint16_t);

/// Offset of a 16-byte piece of a key in a staged chunk. Eight keys' equal pieces, which ldmatrix reads at once, are
/// spread over all banks: 128 bytes hold 64 / kDim keys (at least one), so that many neighbours share an exclusive or.
template <std::int32_t kDim>
SIMT_DEVICE std::int32_t staged_at(std::int32_t key, std::int32_t piece) {
  constexpr std::int32_t kKeysPerLine = kDim < 64 ? 64 / kDim : 1;
  constexpr std::int32_t kMask = kDim < 64 ? kDim / 8 - 1 : 7;
  return key * kDim + (piece ^ (key / kKeysPerLine & kMask)) * 8;
}

/// Copies keys [begin, begin + kChunkKeys) of `from` to shared memory; zeros for those at `end` and beyond, which may
/// hold anything: as values they meet weights of 0, and 0 times NaN is NaN.
template <std::int32_t kDim>
SIMT_DEVICE void stage(std::uint16_t* to, const std::uint16_t* from, std::int32_t begin, std::int32_t end) {
  constexpr std::int32_t kPieces = kDim / 8;
  for (std::int32_t i = 0; i < kChunkKeys * kPieces / kThreads; ++i) {
    const std::int32_t at = i * kThreads + simt::thread(), key = at / kPieces, piece = at % kPieces;
    const bool valid = begin + key < end;
    simt::copy_async16(to + staged_at<kDim>(key, piece),
                       from + std::int64_t{valid ? begin + key : begin} * kDim + piece * 8, valid);
  }
}

/// A warp's 16 rows. Fragments are those of mma.m16n8k16: this thread has rows lane / 4 and lane / 4 + 8 and of every
/// eight columns the two at lane % 4 * 2. l is this thread's share, summed over the four threads of a row at the end.
template <std::int32_t kDim>
struct WarpState {
  std::uint32_t q[kDim / 16][4];
  float acc[kDim / 8][4];
  float m[2];
  float l[2];
};

/// Weights of a staged chunk of keys for the warp's rows, as the left operand of the product with the values; folds the
/// chunk into m and l and rescales acc.
template <std::int32_t kDim>
SIMT_DEVICE void fold_keys(WarpState<kDim>& state, std::uint32_t (&weights)[kChunkKeys / 16][4],
                           const std::uint16_t* keys, std::int32_t begin, const std::int32_t (&sees)[2], float scale) {
  constexpr std::int32_t kTiles = kChunkKeys / 8;
  const std::int32_t lane = simt::lane();
  float score[kTiles][4] = {};
  for (std::int32_t step = 0; step < kDim / 16; ++step) {
    for (std::int32_t pair = 0; pair < kTiles / 2; ++pair) {
      std::uint32_t b[4];
      simt::load_matrix4(b, keys + staged_at<kDim>(pair * 16 + lane / 16 * 8 + lane % 8, step * 2 + lane / 8 % 2));
      const std::uint32_t first[2] = {b[0], b[1]}, second[2] = {b[2], b[3]};
      simt::mma(score[pair * 2], state.q[step], first);
      simt::mma(score[pair * 2 + 1], state.q[step], second);
    }
  }
  for (std::int32_t half = 0; half < 2; ++half) {
    float top = kMinusInfinity;
    for (std::int32_t tile = 0; tile < kTiles; ++tile) {
      for (std::int32_t i = 0; i < 2; ++i) {
        float& s = score[tile][half * 2 + i];
        s = begin + tile * 8 + lane % 4 * 2 + i < sees[half] ? simt::mul(s, scale) : kMinusInfinity;
        top = max_of(s, top);
      }
    }
    top = max_of(simt::shuffle_xor(top, 1), top);
    top = max_of(simt::shuffle_xor(top, 2), top);
    const float m = max_of(state.m[half], top);
    // A row that has seen nothing yet: -inf less -inf would be NaN.
    const float base = m == kMinusInfinity ? 0.0f : m;
    const float alpha = simt::fast_exp2(simt::sub(state.m[half], base));
    float sum = 0.0f;
    for (std::int32_t tile = 0; tile < kTiles; ++tile) {
      for (std::int32_t i = 0; i < 2; ++i) {
        float& s = score[tile][half * 2 + i];
        s = simt::fast_exp2(simt::sub(s, base));
        sum = simt::add(sum, s);
      }
    }
    state.m[half] = m;
    state.l[half] = simt::fma(state.l[half], alpha, sum);
    for (std::int32_t tile = 0; tile < kDim / 8; ++tile) {
      for (std::int32_t i = 0; i < 2; ++i)
        state.acc[tile][half * 2 + i] = simt::mul(state.acc[tile][half * 2 + i], alpha);
    }
  }
  // What a thread has of two neighbouring result tiles is what it must bring of one left operand.
  for (std::int32_t i = 0; i < kChunkKeys / 16; ++i) {
    weights[i][0] = simt::to_bf16_pair(score[2 * i][0], score[2 * i][1]);
    weights[i][1] = simt::to_bf16_pair(score[2 * i][2], score[2 * i][3]);
    weights[i][2] = simt::to_bf16_pair(score[2 * i + 1][0], score[2 * i + 1][1]);
    weights[i][3] = simt::to_bf16_pair(score[2 * i + 1][2], score[2 * i + 1][3]);
  }
}

template <std::int32_t kDim>
SIMT_DEVICE void fold_values(WarpState<kDim>& state, const std::uint32_t (&weights)[kChunkKeys / 16][4],
                             const std::uint16_t* values) {
  const std::int32_t lane = simt::lane();
  for (std::int32_t step = 0; step < kChunkKeys / 16; ++step) {
    for (std::int32_t pair = 0; pair < kDim / 16; ++pair) {
      std::uint32_t b[4];
      simt::load_matrix4_transposed(b, values + staged_at<kDim>(step * 16 + lane % 16, pair * 2 + lane / 16));
      const std::uint32_t first[2] = {b[0], b[1]}, second[2] = {b[2], b[3]};
      simt::mma(state.acc[pair * 2], weights[step], first);
      simt::mma(state.acc[pair * 2 + 1], weights[step], second);
    }
  }
}

template <std::int32_t kDim>
SIMT_KERNEL(kThreads, kDim <= 32   ? 4
                      : kDim == 64 ? 3
                                   : 2)
attend_prefix(Attend args) {
  simt::inputs_ready();
  const DeviceTile tile = args.tiles[simt::block_x()];
  const std::int32_t head = simt::block_y(), split = simt::block_z(), lane = simt::lane(), warp = simt::warp();
  const std::int32_t begin = split * kDeviceSplitKeys;

  // Every warp looks at all rows of the tile, two to a lane, so that the block agrees without a barrier.
  std::int32_t low = 0, high = 0;
  if (lane < tile.count) low = sees_of_prefix(args.rows[tile.begin + lane]);
  if (lane + 32 < tile.count) high = sees_of_prefix(args.rows[tile.begin + lane + 32]);
  const std::uint32_t low_sees = simt::ballot(low > begin), high_sees = simt::ballot(high > begin);
  if ((low_sees | high_sees) == 0) return;
  std::int32_t end = low > high ? low : high;
  for (std::int32_t mask = 16; mask > 0; mask /= 2) {
    const std::int32_t other = simt::shuffle_xor(end, mask);
    end = other > end ? other : end;
  }
  if (end > begin + kDeviceSplitKeys) end = begin + kDeviceSplitKeys;

  const std::int32_t row = warp * kWarpRows + lane / 4;  // of the tile; the other one is row + 8
  std::int32_t sees[2];
  for (std::int32_t half = 0; half < 2; ++half)
    sees[half] = simt::shuffle(warp < kWarps / 2 ? low : high, (row + half * 8) % 32);
  std::int32_t warp_end = sees[0] > sees[1] ? sees[0] : sees[1];
  for (std::int32_t mask = 4; mask < 32; mask *= 2) {
    const std::int32_t other = simt::shuffle_xor(warp_end, mask);
    warp_end = other > warp_end ? other : warp_end;
  }

  // Any row that sees keys of this split knows where they are; dead rows need not.
  const DeviceRow& witness =
      args.rows[tile.begin + (low_sees != 0 ? simt::lowest_bit(low_sees) : 32 + simt::lowest_bit(high_sees))];
  const std::uint16_t* const keys =
      static_cast<const std::uint16_t*>(witness.prefix) + head_at(args, head, witness.prefix_capacity, kDim);
  const std::uint16_t* const values = keys + std::int64_t{witness.prefix_capacity} * kDim;

  constexpr std::int32_t kStage = kChunkKeys * kDim;
  std::uint16_t* const staged_keys = reinterpret_cast<std::uint16_t*>(simt::shared_memory());
  std::uint16_t* const staged_values = staged_keys + kStages * kStage;
  stage<kDim>(staged_keys, keys, begin, end);
  simt::copy_commit();
  stage<kDim>(staged_values, values, begin, end);
  simt::copy_commit();

  const float scale = simt::mul(args.scale, kLog2e);
  WarpState<kDim> state;
  for (std::int32_t half = 0; half < 2; ++half) {
    state.m[half] = kMinusInfinity;
    state.l[half] = 0.0f;
    const bool seeing = sees[half] > begin;
    const std::uint16_t* const q = qkv_at(args, tile.begin + row + half * 8, kQuery, head);
    for (std::int32_t step = 0; step < kDim / 16; ++step) {
      for (std::int32_t i = 0; i < 2; ++i)
        state.q[step][i * 2 + half] = seeing ? load_pair(args, q, step * 16 + i * 8 + lane % 4 * 2) : 0u;
    }
  }
  for (std::int32_t i = 0; i < kDim / 8; ++i) {
    for (std::int32_t j = 0; j < 4; ++j) state.acc[i][j] = 0.0f;
  }

  std::int32_t now = 0;  // the chunk's stage
  for (std::int32_t chunk = begin; chunk < end; chunk += kChunkKeys, now ^= 1) {
    const std::int32_t next = chunk + kChunkKeys;
    // Groups are committed empty or not, so that the same number is always on the way.
    if (next < end) stage<kDim>(staged_keys + (now ^ 1) * kStage, keys, next, end);
    simt::copy_commit();
    if (next < end) stage<kDim>(staged_values + (now ^ 1) * kStage, values, next, end);
    simt::copy_commit();
    const bool working = chunk < warp_end;
    std::uint32_t weights[kChunkKeys / 16][4];
    simt::copy_wait<3>();
    simt::sync_block();
    if (working) fold_keys<kDim>(state, weights, staged_keys + now * kStage, chunk, sees, scale);
    simt::copy_wait<2>();
    simt::sync_block();
    if (working) fold_values<kDim>(state, weights, staged_values + now * kStage);
    simt::sync_block();  // before the next round overwrites this stage
  }

  for (std::int32_t half = 0; half < 2; ++half) {
    float l = state.l[half];
    l = simt::add(l, simt::shuffle_xor(l, 1));
    l = simt::add(l, simt::shuffle_xor(l, 2));
    if (sees[half] <= begin) continue;  // attend_suffix knows it and will not read
    float* const to = partial_at(args, tile.begin + row + half * 8, head, split, kDim);
    for (std::int32_t i = 0; i < kDim / 8; ++i)
      *reinterpret_cast<TwoFloats*>(to + i * 8 + lane % 4 * 2) = {state.acc[i][half * 2], state.acc[i][half * 2 + 1]};
    if (lane % 4 == 0) *reinterpret_cast<TwoFloats*>(to + kDim) = {state.m[half], l};
  }
}

// ---- Suffix ----

/// How a warp walks over keys: each lane has a piece of 16 bytes, a key's pieces lie side by side. A chunk is what the
/// warp folds at once. Its keys and values pass through shared memory only to be on their way without occupying
/// registers: 8 KiB a warp for the widest heads, with 24 warps a multiprocessor several times what latency times
/// bandwidth asks for. A lane reads back what it copied itself, so no barrier is needed.
template <std::int32_t kDim>
struct Walk {
  static constexpr std::int32_t kPieces = kDim / 8;
  static constexpr std::int32_t kKeysPerLoad = 32 / kPieces;
  static constexpr std::int32_t kChunk = kDim == 128 ? 16 : 32;
  static constexpr std::int32_t kLoads = kChunk / kKeysPerLoad;
};

/// Copies this lane's pieces of keys [first, first + kChunk) to its places in `to`, 32 pieces apart; zeros where `own`
/// stands, and at `visible` and beyond. Nothing when all are beyond. One group either way.
template <std::int32_t kDim>
SIMT_DEVICE void copy_chunk(Word4* to, const std::uint16_t* from, std::int32_t first, std::int32_t visible,
                            std::int32_t own) {
  using W = Walk<kDim>;
  if (first < visible) {
    first += simt::lane() / W::kPieces;
    for (std::int32_t i = 0; i < W::kLoads; ++i) {
      const std::int32_t key = first + i * W::kKeysPerLoad;
      const bool valid = key < visible && key != own;
      simt::copy_async16(to + i * 32, from + std::int64_t{valid ? key : 0} * kDim, valid);
    }
  }
  simt::copy_commit();
}

/// The scaled score of a key; the lanes of its pieces all get it.
template <std::int32_t kDim>
SIMT_DEVICE float score_of(const Eight& q, const Word4& key) {
  const Eight k = widen(key);
  float s = simt::mul(q.at[0], k.at[0]);
  for (std::int32_t i = 1; i < 8; ++i) s = simt::fma(q.at[i], k.at[i], s);
  for (std::int32_t mask = 1; mask < Walk<kDim>::kPieces; mask *= 2) s = simt::add(s, simt::shuffle_xor(s, mask));
  return s;
}

/// One column of a softmax state.
struct Column {
  float m, l, acc;
};
/// `b` with m = -inf (nothing seen) changes nothing.
SIMT_DEVICE Column merged(const Column& a, const Column& b) {
  const float m = max_of(a.m, b.m), base = m == kMinusInfinity ? 0.0f : m;
  const float of_a = simt::fast_exp2(simt::sub(a.m, base)), of_b = simt::fast_exp2(simt::sub(b.m, base));
  return {m, simt::fma(b.l, of_b, simt::mul(a.l, of_a)), simt::fma(b.acc, of_b, simt::mul(a.acc, of_a))};
}

/// States that the block merges, in this order: the prefix's, each warp's, that of the row's own key.
constexpr std::int32_t kStates = kWarps + 2;
constexpr std::int32_t kOfPrefix = 0, kOfWarps = 1, kOfOwn = kWarps + 1;
template <std::int32_t kDim>
struct SuffixShared {
  Word4 keys[kWarps][Walk<kDim>::kLoads * 32];
  Word4 values[kWarps][Walk<kDim>::kLoads * 32];
  float acc[kStates][kDim];
  float m[kStates];
  float l[kStates];
};

template <std::int32_t kDim>
SIMT_KERNEL(kThreads, 6)
attend_suffix(Attend args) {
  using W = Walk<kDim>;
  const std::int32_t index = simt::block_x(), head = simt::block_y();
  const std::int32_t thread = simt::thread(), warp = simt::warp(), lane = simt::lane();
  const std::int32_t head_width = args.shape.head_width, width = args.shape.heads * head_width;
  const DeviceRow& row = args.rows[index];
  std::uint16_t* const z = static_cast<std::uint16_t*>(args.z) + index * args.z_stride;
  const bool live = row.live != 0;

  const std::int32_t piece = lane % W::kPieces * 8, group = lane / W::kPieces;
  const std::int32_t visible = live ? row.suffix_visible : 0, own = row.write_at;
  std::uint16_t* const keys =
      static_cast<std::uint16_t*>(row.write_to) + head_at(args, head, row.write_capacity, kDim) + piece;
  std::uint16_t* const values = keys + std::int64_t{row.write_capacity} * kDim;
  constexpr std::int32_t kStride = kWarps * W::kChunk;
  std::int32_t chunk = warp * W::kChunk;
  SuffixShared<kDim>& shared = *reinterpret_cast<SuffixShared<kDim>*>(simt::shared_memory());
  Word4* const k = shared.keys[warp] + lane;
  Word4* const v = shared.values[warp] + lane;
  copy_chunk<kDim>(k, keys, chunk, visible, own);
  copy_chunk<kDim>(v, values, chunk, visible, own);
  // Rows and older keys were written long before the kernels that this one waits for now.
  simt::inputs_ready();
  if (head == args.shape.heads - 1) {
    for (std::int64_t i = width + thread; i < args.z_stride; i += kThreads) z[i] = 0;
  }
  // Dead rows become zeros, so that nothing but finite numbers goes on to the next operation.
  if (!live) {
    if (thread < head_width) z[head * head_width + thread] = 0;
    return;
  }

  // Meanwhile: queries, the row's own key and value, and what the prefix came to.
  const float scale = simt::mul(args.scale, kLog2e);
  Eight q = widen(load_piece(args, qkv_at(args, index, kQuery, head), piece));
  for (std::int32_t i = 0; i < 8; ++i) q.at[i] = simt::mul(q.at[i], scale);
  if (warp == kWarps - 1) {  // which has the fewest chunks
    const Word4 own_key = load_piece(args, qkv_at(args, index, kKey, head), piece);
    const Word4 own_value = load_piece(args, qkv_at(args, index, kValue, head), piece);
    const float s = score_of<kDim>(q, own_key);
    if (group == 0) {
      if (!args.prompt) {
        *reinterpret_cast<Word4*>(keys + std::int64_t{own} * kDim) = own_key;
        *reinterpret_cast<Word4*>(values + std::int64_t{own} * kDim) = own_value;
      }
      const Eight acc = widen(own_value);
      for (std::int32_t i = 0; i < 8; ++i) shared.acc[kOfOwn][piece + i] = acc.at[i];
      if (lane == 0) {
        shared.m[kOfOwn] = own < visible ? s : kMinusInfinity;
        shared.l[kOfOwn] = 1.0f;
      }
    }
  }
  if (thread < kDim) {
    Column prefix = {kMinusInfinity, 0.0f, 0.0f};
    const std::int32_t seen = sees_of_prefix(row);
    for (std::int32_t split = 0; split * kDeviceSplitKeys < seen; ++split) {
      const float* const from = partial_at(args, index, head, split, kDim);
      prefix = merged(prefix, {from[kDim], from[kDim + 1], from[thread]});
    }
    shared.acc[kOfPrefix][thread] = prefix.acc;
    if (thread == 0) {
      shared.m[kOfPrefix] = prefix.m;
      shared.l[kOfPrefix] = prefix.l;
    }
  }

  float m = kMinusInfinity, l = 0.0f;  // l is of this lane's keys alone, until the end
  Eight acc = {};
  for (; chunk < visible; chunk += kStride) {
    float score[W::kLoads];
    float top = m;
    simt::copy_wait<1>();
    for (std::int32_t i = 0; i < W::kLoads; ++i) {
      const std::int32_t key = chunk + i * W::kKeysPerLoad + group;
      const float s = score_of<kDim>(q, k[i * 32]);
      score[i] = key < visible && key != own ? s : kMinusInfinity;
      top = max_of(score[i], top);
    }
    copy_chunk<kDim>(k, keys, chunk + kStride, visible, own);
    for (std::int32_t mask = W::kPieces; mask < 32; mask *= 2) top = max_of(simt::shuffle_xor(top, mask), top);
    const float base = top == kMinusInfinity ? 0.0f : top;
    const float alpha = simt::fast_exp2(simt::sub(m, base));
    m = top;
    l = simt::mul(l, alpha);
    for (std::int32_t c = 0; c < 8; ++c) acc.at[c] = simt::mul(acc.at[c], alpha);
    simt::copy_wait<1>();
    for (std::int32_t i = 0; i < W::kLoads; ++i) {
      const float weight = simt::fast_exp2(simt::sub(score[i], base));
      l = simt::add(l, weight);
      const Eight value = widen(v[i * 32]);
      for (std::int32_t c = 0; c < 8; ++c) acc.at[c] = simt::fma(weight, value.at[c], acc.at[c]);
    }
    copy_chunk<kDim>(v, values, chunk + kStride, visible, own);
  }
  for (std::int32_t mask = W::kPieces; mask < 32; mask *= 2) {
    l = simt::add(l, simt::shuffle_xor(l, mask));
    for (std::int32_t c = 0; c < 8; ++c) acc.at[c] = simt::add(acc.at[c], simt::shuffle_xor(acc.at[c], mask));
  }
  if (group == 0) {
    for (std::int32_t c = 0; c < 8; ++c) shared.acc[kOfWarps + warp][piece + c] = acc.at[c];
    if (lane == 0) {
      shared.m[kOfWarps + warp] = m;
      shared.l[kOfWarps + warp] = l;
    }
  }
  simt::sync_block();
  if (thread >= head_width) return;
  Column result = {kMinusInfinity, 0.0f, 0.0f};
  for (std::int32_t i = 0; i < kStates; ++i) result = merged(result, {shared.m[i], shared.l[i], shared.acc[i][thread]});
  z[head * head_width + thread] = simt::to_bf16(result.l == 0.0f ? 0.0f : simt::div(result.acc, result.l));
}

template <std::int32_t kDim>
simt::LaunchStatus attend_of_dim(const Queue& queue, const Attend& args) {
  const std::int32_t heads = args.shape.heads;
  if (args.prompt) {
    const simt::LaunchStatus stored = simt::launch(store_prompt, {args.count}, kThreads, 0, queue.stream, args);
    if (stored != simt::kLaunched) return stored;
  }
  if (args.tile_count > 0 && args.splits > 0) {
    const simt::LaunchStatus attended = simt::launch(attend_prefix<kDim>, {args.tile_count, heads, args.splits},
                                                     kThreads, kPrefixShared<kDim>, queue.stream, args);
    if (attended != simt::kLaunched) return attended;
  }
  return simt::launch(attend_suffix<kDim>, {args.count, heads}, kThreads, sizeof(SuffixShared<kDim>), queue.stream,
                      args);
}

}  // namespace

simt::LaunchStatus attend_bf16(const Queue& queue, const DeviceAttendArgs& args) {
  if (args.count == 0) return simt::kLaunched;
  constexpr std::int32_t kPiece = 8;  // elements of 16 bytes
  const bool wide = args.shape.head_width % kPiece == 0 && args.qkv_stride % kPiece == 0 && is_aligned16(args.qkv);
  const Attend attend{args, wide};
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
