// attend_bf16.cu's kernel for the prefix: rows of a tile read each key of their prefix once, on tensor cores. The one
// that has a prefix's last keys merges the states of all others and writes z.
#pragma once

#include "native/ops/cuda/attend_bf16.h"

namespace faultline::ops::cuda {

// A warp has the 16 rows of one mma tile, a block those of one attention tile.
inline constexpr std::int32_t kWarpRows = 16;
inline constexpr std::int32_t kChunkKeys = 64;  // staged in shared memory at a time, two chunks deep
inline constexpr std::int32_t kStages = 2;
static_assert(kAttendWarps * kWarpRows == kDeviceTileRows && kDeviceSplitKeys % kChunkKeys == 0);

template <std::int32_t kDim>
inline constexpr std::size_t kPrefixShared = kStages * 2 * kChunkKeys* kDim * sizeof(std::uint16_t);

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
  for (std::int32_t i = 0; i < kChunkKeys * kPieces / kAttendThreads; ++i) {
    const std::int32_t at = i * kAttendThreads + simt::thread(), key = at / kPieces, piece = at % kPieces;
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

/// load_pair of a query, which with Attend::early is read before wait_for_inputs.
SIMT_DEVICE std::uint32_t query_pair(const Attend& args, const std::uint16_t* query, std::int32_t at) {
  if (!args.early) return load_pair(args, query, at);
  return at < args.shape.head_width ? simt::load1_fresh(query + at) : 0u;
}

/// A row's softmax state: of every eight columns, those that the thread has of WarpState's.
template <std::int32_t kDim>
struct RowState {
  float acc[kDim / 8][2];
  float m, l;
};
/// merged() of all columns. pair(i): the two of eight columns.
template <std::int32_t kDim, class Pair>
SIMT_DEVICE void merge(RowState<kDim>& into, float m_from, float l_from, const Pair& pair) {
  float m = 0, l = 0;
#pragma unroll
  for (std::int32_t i = 0; i < kDim / 8; ++i) {
    const TwoFloats from = pair(i);
    const Column first = merged({into.m, into.l, into.acc[i][0]}, {m_from, l_from, from.first});
    const Column second = merged({into.m, into.l, into.acc[i][1]}, {m_from, l_from, from.second});
    into.acc[i][0] = first.acc, into.acc[i][1] = second.acc;
    m = first.m, l = first.l;
  }
  into.m = m, into.l = l;
}

/// What a row comes to: the states of its splits before this one, then this one's (half `half` of `state`, with l
/// summed), then its suffix's.
template <std::int32_t kDim>
SIMT_DEVICE RowState<kDim> merge_row(const Attend& args, const DeviceRow& row, std::int32_t index, std::int32_t head,
                                     std::int32_t split, const WarpState<kDim>& state, std::int32_t half, float l) {
  RowState<kDim> sum{};
  sum.m = kMinusInfinity;
  const auto add_stored = [&](std::int32_t stored) {
    const float* const from = partial_at(args, index, head, stored, kDim);
    const TwoFloats m_l = *reinterpret_cast<const TwoFloats*>(from + kDim);
    merge(sum, m_l.first, m_l.second,
          [&](std::int32_t i) { return *reinterpret_cast<const TwoFloats*>(from + i * 8 + simt::lane() % 4 * 2); });
  };
  const std::int32_t seen = sees_of_prefix(row);
#pragma unroll 1
  for (std::int32_t before = 0; before < split && before * kDeviceSplitKeys < seen; ++before) add_stored(before);
  merge(sum, state.m[half], l, [&](std::int32_t i) {
    return TwoFloats{state.acc[i][half * 2], state.acc[i][half * 2 + 1]};
  });
  if (row.suffix_visible > 0) add_stored(split);
  return sum;
}

/// Columns [heads * head_width, z_stride) of the tile's rows.
SIMT_DEVICE void clear_padding(const Attend& args, const DeviceTile& tile) {
  const std::int32_t width = args.shape.heads * args.shape.head_width;
  const std::int32_t padding = static_cast<std::int32_t>(args.z_stride) - width;
  for (std::int32_t i = simt::thread(); i < tile.count * padding; i += kAttendThreads) {
    const std::int32_t row = i / padding;
    static_cast<std::uint16_t*>(args.z)[(tile.begin + row) * args.z_stride + width + i - row * padding] = 0;
  }
}

/// Of all splits but the last the states, which are left in args.partial, or of the last one (kLast) everything up to
/// z.
template <std::int32_t kDim, bool kLast>
SIMT_KERNEL(kAttendThreads, kDim <= 32   ? 4
                            : kDim == 64 ? 3
                                         : 2)
attend_prefix(Attend args) {
  if (!kLast || !args.early) simt::wait_for_inputs();
  simt::start_next();
  const DeviceTile tile = args.tiles[simt::block_x()];
  const std::int32_t split = kLast ? args.splits - 1 : simt::block_z();
  const std::int32_t head = simt::block_y(), lane = simt::lane(), warp = simt::warp();
  const std::int32_t begin = split * kDeviceSplitKeys;

  // Every warp looks at all rows of the tile, two to a lane, so that the block agrees without a barrier.
  std::int32_t low = 0, high = 0;
  if (lane < tile.count) low = sees_of_prefix(args.rows[tile.begin + lane]);
  if (lane + 32 < tile.count) high = sees_of_prefix(args.rows[tile.begin + lane + 32]);
  const std::uint32_t low_sees = simt::ballot(low > begin), high_sees = simt::ballot(high > begin);
  if (!kLast && (low_sees | high_sees) == 0) return;
  std::int32_t end = low > high ? low : high;
  for (std::int32_t mask = 16; mask > 0; mask /= 2) {
    const std::int32_t other = simt::shuffle_xor(end, mask);
    end = other > end ? other : end;
  }
  if (end > begin + kDeviceSplitKeys) end = begin + kDeviceSplitKeys;

  const std::int32_t row = warp * kWarpRows + lane / 4;  // of the tile; the other one is row + 8
  std::int32_t sees[2];
  for (std::int32_t half = 0; half < 2; ++half)
    sees[half] = simt::shuffle(warp < kAttendWarps / 2 ? low : high, (row + half * 8) % 32);
  std::int32_t warp_end = sees[0] > sees[1] ? sees[0] : sees[1];
  for (std::int32_t mask = 4; mask < 32; mask *= 2) {
    const std::int32_t other = simt::shuffle_xor(warp_end, mask);
    warp_end = other > warp_end ? other : warp_end;
  }

  WarpState<kDim> state;
  for (std::int32_t half = 0; half < 2; ++half) {
    state.m[half] = kMinusInfinity;
    state.l[half] = 0.0f;
  }
  for (std::int32_t i = 0; i < kDim / 8; ++i) {
    for (std::int32_t j = 0; j < 4; ++j) state.acc[i][j] = 0.0f;
  }
  if (begin < end) {
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
    for (std::int32_t half = 0; half < 2; ++half) {
      const bool seeing = sees[half] > begin;
      const std::uint16_t* const q = qkv_at(args, tile.begin + row + half * 8, kQuery, head);
      for (std::int32_t step = 0; step < kDim / 16; ++step) {
        for (std::int32_t i = 0; i < 2; ++i)
          state.q[step][i * 2 + half] = seeing ? query_pair(args, q, step * 16 + i * 8 + lane % 4 * 2) : 0u;
      }
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
  }

  if (kLast && args.early) simt::wait_for_inputs();
  const std::int32_t head_width = args.shape.head_width;
  if (kLast && head == args.shape.heads - 1) clear_padding(args, tile);
#pragma unroll
  for (std::int32_t half = 0; half < 2; ++half) {
    float l = state.l[half];
    l = simt::add(l, simt::shuffle_xor(l, 1));
    l = simt::add(l, simt::shuffle_xor(l, 2));
    const std::int32_t index = tile.begin + row + half * 8;
    if constexpr (!kLast) {
      if (sees[half] <= begin) continue;  // who merges knows it and will not read
      float* const to = partial_at(args, index, head, split, kDim);
      for (std::int32_t i = 0; i < kDim / 8; ++i)
        *reinterpret_cast<TwoFloats*>(to + i * 8 + lane % 4 * 2) = {state.acc[i][half * 2], state.acc[i][half * 2 + 1]};
      if (lane % 4 == 0) *reinterpret_cast<TwoFloats*>(to + kDim) = {state.m[half], l};
    } else {
      if (row + half * 8 >= tile.count) continue;
      const DeviceRow& of = args.rows[index];
      // Dead rows become zeros, so that nothing but finite numbers goes on to the next operation.
      RowState<kDim> sum{};
      if (of.live != 0) sum = merge_row(args, of, index, head, split, state, half, l);
      std::uint16_t* const z = static_cast<std::uint16_t*>(args.z) + index * args.z_stride + head * head_width;
#pragma unroll
      for (std::int32_t i = 0; i < kDim / 8; ++i) {
        const std::int32_t at = i * 8 + lane % 4 * 2;
        if (at >= head_width) continue;
        const float first = sum.l == 0.0f ? 0.0f : simt::div(sum.acc[i][0], sum.l);
        const float second = sum.l == 0.0f ? 0.0f : simt::div(sum.acc[i][1], sum.l);
        if (args.wide) {
          *reinterpret_cast<std::uint32_t*>(z + at) = simt::to_bf16_pair(first, second);
        } else {
          z[at] = simt::to_bf16(first);
          if (at + 1 < head_width) z[at + 1] = simt::to_bf16(second);
        }
      }
    }
  }
}

}  // namespace faultline::ops::cuda
