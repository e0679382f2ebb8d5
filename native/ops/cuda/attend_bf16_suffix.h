// attend_bf16.cu's kernel for what a row wrote itself: its keys and values stream once from memory through registers,
// each a part of a tensor-core product as it comes. Leaves a softmax state.
//
// Products are turned so that memory's order is the operands' order, and nothing passes through shared memory. Of eight
// keys, lane 4 g + t reads key g / 2 + 4 (g % 2), of its pieces those of t; and of the values of keys t and t + 4 the
// pieces of g. So every 16 bytes are read once, whole lines at a time.
//   Scores   m16n8k16, keys on the right: column n is key n / 2 + 4 (n % 2), which gives lane t the scores of the keys
//            whose values it has. On the left is the query, in all rows. A piece's four words stand in one register
//            quad, so rows 0 to 7 hold words 0 and 1, rows 8 to 15 words 2 and 3: two products, of each of which half
//            of the rows count.
//   Values   on the left, a piece's words as they come: two elements of one key side by side in k, rows 0 to 7 with
//            words 0 and 2, rows 8 to 15 with words 1 and 3. On the right are the weights, each where its key's element
//            is the first of a word in even columns, the second in odd ones; words 0 and 1 count in columns 0, 1, 4 and
//            5, words 2 and 3 in the others.
#pragma once

#include "native/ops/cuda/attend_bf16.h"

namespace faultline::ops::cuda {

/// Keys whose softmax state is built on its own before it is merged into the row's: where the row's suffix is cut,
/// whoever works on it.
inline constexpr std::int32_t kSegmentKeys = 64;

/// What one lane has of keys and values, in words of two elements.
template <std::int32_t kDim>
struct SuffixLane {
  /// Read at a time, the next on their way while these are folded: for heads of 64, which nearly all models have, 32
  /// registers of keys and values. With 32 keys fewer warps fit, and more of short suffixes is read twice.
  static constexpr std::int32_t kChunk = 16;
  static constexpr std::int32_t kTiles = kChunk / 8;
  static constexpr std::int32_t kKeyWords = kDim / 8, kValueWords = kDim / 16;
  static constexpr std::int32_t kPieces = (kValueWords + 3) / 4;  // of one lane's part of a value
  static_assert(kSegmentKeys % kChunk == 0);

  std::uint32_t k[kTiles][kKeyWords];
  std::uint32_t v[kTiles][2][kValueWords];
};

/// Which of a piece's words a lane t has of a result, of those that it has the sums of.
SIMT_DEVICE std::int32_t word_of(std::int32_t t) { return t % 2 * 2 + t / 2; }

/// Words of a vector of which `kLanes` neighbouring lanes have kWords each, in pieces of at most 16 bytes side by side:
/// first element of the lane's word `word`.
template <std::int32_t kLanes, std::int32_t kWords>
SIMT_DEVICE std::int32_t word_at(std::int32_t lane, std::int32_t word) {
  constexpr std::int32_t kPiece = kWords < 4 ? kWords : 4;
  return 2 * ((word / kPiece * kLanes + lane) * kPiece + word % kPiece);
}

/// All of them, of vector `index` of those that begin at `vectors`, where the lane's first word is.
template <std::int32_t kDim, std::int32_t kLanes, std::int32_t kWords>
SIMT_DEVICE void load_words(std::uint32_t (&to)[kWords], const std::uint16_t* vectors, std::int32_t index) {
  // One multiply-add: 32 bits are enough for a segment of a head.
  const std::uint16_t* const vector = vectors + std::uint64_t{static_cast<std::uint32_t>(index)} * kDim;
  if constexpr (kWords == 1) {
    to[0] = simt::stream1(vector);
  } else if constexpr (kWords == 2) {
    const simt::Word2 piece = simt::stream2(vector);
    to[0] = piece.x, to[1] = piece.y;
  } else {
#pragma unroll
    for (std::int32_t i = 0; i < kWords; i += 4) {
      const Word4 piece = simt::stream4(vector + i * 2 * kLanes);
      to[i] = piece.x, to[i + 1] = piece.y, to[i + 2] = piece.z, to[i + 3] = piece.w;
    }
  }
}

/// The lane's words of a query, where those of a key are.
template <std::int32_t kWords>
SIMT_DEVICE void load_query(const Attend& args, std::uint32_t (&to)[kWords], const std::uint16_t* query,
                            std::int32_t lane) {
#pragma unroll
  for (std::int32_t i = 0; i < kWords; i += kWords < 4 ? 1 : 4) {
    const std::int32_t at = word_at<4, kWords>(lane, i);
    if constexpr (kWords < 4) {
      to[i] = load_pair(args, query, at);
    } else {
      const Word4 piece = load_piece(args, query, at);
      to[i] = piece.x, to[i + 1] = piece.y, to[i + 2] = piece.z, to[i + 3] = piece.w;
    }
  }
}

SIMT_DEVICE float low_half(std::uint32_t word) { return simt::as_float(word << 16); }
SIMT_DEVICE float high_half(std::uint32_t word) { return simt::as_float(word & 0xFFFF0000u); }

/// A row's older keys, all written by earlier steps, as one lane sees them.
struct Suffix {
  const std::uint16_t* keys;  // the lane's first word of key 0
  const std::uint16_t* values;
  std::int32_t count;
  std::int32_t g, t;  // lane / 4, lane % 4
};

/// Reads the chunk that begins at `first`. Past the last key it reads that one again: its values are finite, and their
/// weight is 0.
template <std::int32_t kDim>
SIMT_DEVICE void load_keys(SuffixLane<kDim>& lane_of, const Suffix& suffix, std::int32_t first) {
  using S = SuffixLane<kDim>;
  const std::int32_t key = first + suffix.g / 2 + suffix.g % 2 * 4;
#pragma unroll
  for (std::int32_t tile = 0; tile < S::kTiles; ++tile)
    load_words<kDim, 4>(lane_of.k[tile], suffix.keys, simt::smallest(key + tile * 8, suffix.count - 1));
}
template <std::int32_t kDim>
SIMT_DEVICE void load_values(SuffixLane<kDim>& lane_of, const Suffix& suffix, std::int32_t first) {
  using S = SuffixLane<kDim>;
  const std::int32_t key = first + suffix.t;
#pragma unroll
  for (std::int32_t i = 0; i < 2 * S::kTiles; ++i)
    load_words<kDim, 8>(lane_of.v[i / 2][i % 2], suffix.values, simt::smallest(key + i * 4, suffix.count - 1));
}

/// A softmax state over some keys. acc[i] belongs to piece i of the lane's values: the two elements of word 2 (t % 2),
/// then those of the word after it.
template <std::int32_t kDim>
struct SuffixState {
  float m, l;
  float acc[SuffixLane<kDim>::kPieces][4];
};
template <std::int32_t kDim>
SIMT_DEVICE void clear(SuffixState<kDim>& state) {
  state.m = kMinusInfinity;
  state.l = 0.0f;
#pragma unroll
  for (std::int32_t i = 0; i < SuffixLane<kDim>::kPieces; ++i) {
    for (std::int32_t j = 0; j < 4; ++j) state.acc[i][j] = 0.0f;
  }
}

/// The state of the segment that begins at `first`, whose first chunk has been asked for. Asks for the one at `next`,
/// if there is one. `query`: the lane's words, as of a key.
template <std::int32_t kDim>
SIMT_DEVICE void fold_segment(SuffixState<kDim>& state, SuffixLane<kDim>& lane_of, const Suffix& suffix,
                              const std::uint32_t (&query)[SuffixLane<kDim>::kKeyWords], float scale,
                              std::int32_t first, std::int32_t next) {
  using S = SuffixLane<kDim>;
  // Where a weight counts: see above.
  const std::uint32_t place = suffix.g % 2 == 0 ? 0x0000FFFFu : 0xFFFF0000u;
  const std::uint32_t low_words = suffix.g % 4 < 2 ? place : 0u, high_words = suffix.g % 4 < 2 ? 0u : place;
  const std::int32_t end = simt::smallest(first + kSegmentKeys, suffix.count);
  clear(state);
#pragma unroll 1
  for (std::int32_t chunk = first; chunk < end; chunk += S::kChunk) {
    const std::int32_t following = chunk + S::kChunk < end ? chunk + S::kChunk : next;
    float weight[2 * S::kTiles];
#pragma unroll
    for (std::int32_t tile = 0; tile < S::kTiles; ++tile) {
      const std::uint32_t(&key)[S::kKeyWords] = lane_of.k[tile];
      float low[4] = {}, high[4] = {};
      if constexpr (S::kKeyWords == 2) {
        simt::mma(low, {query[0], 0u, query[1], 0u}, key);
      } else {
#pragma unroll
        for (std::int32_t i = 0; i < S::kKeyWords; i += 4) {
          const std::uint32_t a[4] = {query[i], query[i + 2], query[i + 1], query[i + 3]};
          simt::mma(low, a, {key[i], key[i + 1]});
          simt::mma(high, a, {key[i + 2], key[i + 3]});
        }
      }
      weight[2 * tile] = simt::add(low[0], high[2]);
      weight[2 * tile + 1] = simt::add(low[1], high[3]);
    }
    if (following < suffix.count) load_keys(lane_of, suffix, following);

    if (chunk + S::kChunk > suffix.count) {
#pragma unroll
      for (std::int32_t i = 0; i < 2 * S::kTiles; ++i)
        weight[i] = chunk + suffix.t + i * 4 < suffix.count ? weight[i] : kMinusInfinity;
    }
    float top = weight[0];
#pragma unroll
    for (std::int32_t i = 1; i < 2 * S::kTiles; ++i) top = simt::largest(weight[i], top);
    top = simt::largest(simt::shuffle_xor(top, 1), top);
    top = simt::largest(simt::shuffle_xor(top, 2), top);
    // The chunk has a key, so this is a number.
    const float m = simt::largest(simt::mul(top, scale), state.m);
    const float alpha = simt::fast_exp2(simt::sub(state.m, m));
    state.m = m;
    state.l = simt::mul(state.l, alpha);
#pragma unroll
    for (std::int32_t i = 0; i < S::kPieces; ++i) {
      for (std::int32_t j = 0; j < 4; ++j) state.acc[i][j] = simt::mul(state.acc[i][j], alpha);
    }
#pragma unroll
    for (std::int32_t i = 0; i < 2 * S::kTiles; ++i) {
      const float w = simt::fast_exp2(simt::fma(weight[i], scale, -m));
      state.l = simt::add(state.l, w);
      const std::uint32_t both = simt::to_bf16_pair(w, w), b[2] = {both & low_words, both & high_words};
      const std::uint32_t(&value)[S::kValueWords] = lane_of.v[i / 2][i % 2];
#pragma unroll
      for (std::int32_t piece = 0; piece < S::kPieces; ++piece) {
        if constexpr (S::kValueWords < 4) {
          simt::mma(state.acc[piece], {value[0], S::kValueWords == 1 ? 0u : value[S::kValueWords - 1], 0u, 0u}, b);
        } else {
          simt::mma(state.acc[piece],
                    {value[4 * piece], value[4 * piece + 1], value[4 * piece + 2], value[4 * piece + 3]}, b);
        }
      }
    }
    if (following < suffix.count) load_values(lane_of, suffix, following);
  }
  state.l = simt::add(state.l, simt::shuffle_xor(state.l, 1));
  state.l = simt::add(state.l, simt::shuffle_xor(state.l, 2));
}

template <std::int32_t kDim>
SIMT_DEVICE void merge(SuffixState<kDim>& into, const SuffixState<kDim>& state) {
  float l = 0;
#pragma unroll
  for (std::int32_t i = 0; i < SuffixLane<kDim>::kPieces; ++i) {
    for (std::int32_t j = 0; j < 4; ++j) {
      const Column column = merged({into.m, into.l, into.acc[i][j]}, {state.m, state.l, state.acc[i][j]});
      into.acc[i][j] = column.acc;
      l = column.l;
    }
  }
  into.l = l;
  into.m = max_of(into.m, state.m);
}

/// States that warps of one row hand over, lane by lane.
template <std::int32_t kDim>
inline constexpr std::size_t kSuffixShared = kAttendThreads * sizeof(SuffixState<kDim>);

/// Stores the row's own key and value, merges them with what was folded of the older ones (`sum`), and leaves the state
/// where that of the prefix's last split would be.
template <std::int32_t kDim>
SIMT_DEVICE void finish_suffix(const Attend& args, std::int32_t index, std::int32_t head, const SuffixState<kDim>& sum,
                               float scale) {
  using S = SuffixLane<kDim>;
  const std::int32_t g = simt::lane() / 4, t = simt::lane() % 4;
  const DeviceRow& row = args.rows[index];
  // Lanes share out vectors by words, as the result.
  std::uint16_t* const key = static_cast<std::uint16_t*>(row.write_to) + head_at(args, head, row.write_capacity, kDim) +
                             std::int64_t{row.write_at} * kDim;
  std::uint16_t* const value = key + std::int64_t{row.write_capacity} * kDim;
  float own = 0.0f;
  std::uint32_t own_value[S::kPieces] = {};
#pragma unroll
  for (std::int32_t i = 0; i < S::kPieces; ++i) {
    const std::int32_t word = 4 * i + word_of(t);
    if (word >= S::kValueWords) continue;
    const std::int32_t at = word_at<8, S::kValueWords>(g, word);
    const std::uint32_t q = load_pair(args, qkv_at(args, index, kQuery, head), at);
    const std::uint32_t k = load_pair(args, qkv_at(args, index, kKey, head), at);
    own = simt::fma(low_half(q), low_half(k), own);
    own = simt::fma(high_half(q), high_half(k), own);
    own_value[i] = load_pair(args, qkv_at(args, index, kValue, head), at);
    *reinterpret_cast<std::uint32_t*>(key + at) = k;
    *reinterpret_cast<std::uint32_t*>(value + at) = own_value[i];
  }
  for (std::int32_t mask = 1; mask < 32; mask *= 2) own = simt::add(own, simt::shuffle_xor(own, mask));
  if (row.suffix_visible <= 0) return;  // stored, and not looked at

  const float own_m = simt::mul(own, scale);
  float* const to = partial_at(args, index, head, args.splits - 1, kDim);
#pragma unroll
  for (std::int32_t i = 0; i < S::kPieces; ++i) {
    const std::int32_t word = 4 * i + word_of(t);
    if (word >= S::kValueWords) continue;
    const std::int32_t at = word_at<8, S::kValueWords>(g, word);
    const float(&acc)[4] = sum.acc[i];
    const Column first = merged({sum.m, sum.l, t < 2 ? acc[0] : acc[2]}, {own_m, 1.0f, low_half(own_value[i])});
    const Column second = merged({sum.m, sum.l, t < 2 ? acc[1] : acc[3]}, {own_m, 1.0f, high_half(own_value[i])});
    *reinterpret_cast<TwoFloats*>(to + at) = {first.acc, second.acc};
    if (at == 0) *reinterpret_cast<TwoFloats*>(to + kDim) = {first.m, first.l};
  }
}

/// With kTogether a block has one row and head, its warps take segments in turns and the first folds what they come to;
/// without, every warp has a row and head of its own. Same segments, same order, same bits: the choice is about how
/// much there is to do at once.
template <std::int32_t kDim, bool kTogether>
SIMT_KERNEL(kAttendThreads, kDim == 128 ? 3 : 5)
attend_suffix(Attend args) {
  using S = SuffixLane<kDim>;
  constexpr std::int32_t kTurns = kTogether ? kAttendWarps : 1;
  const std::int32_t warp = simt::uniform(simt::warp()), g = simt::lane() / 4, t = simt::lane() % 4;
  const std::int32_t task = kTogether ? simt::block_x() : simt::block_x() * kAttendWarps + warp;
  const std::int32_t heads = args.shape.heads, index = task / heads, head = task - index * heads;
  const bool exists = index < args.count;

  // What this reads before it waits: older keys, which earlier steps wrote, and rows, which the draw at the end of the
  // graph before wrote.
  S lane_of;
  Suffix suffix{nullptr, nullptr, 0, g, t};
  const std::int32_t first = kTogether ? warp * kSegmentKeys : 0;
  bool live = false;
  if (exists) {
    const DeviceRow& row = args.rows[index];
    live = simt::uniform(row.live) != 0;
    suffix.count = live ? simt::uniform(row.suffix_visible) - 1 : 0;
    const std::uint16_t* const keys =
        static_cast<const std::uint16_t*>(row.write_to) + head_at(args, head, row.write_capacity, kDim);
    suffix.keys = keys + word_at<4, S::kKeyWords>(t, 0);
    suffix.values = keys + std::int64_t{row.write_capacity} * kDim + word_at<8, S::kValueWords>(g, 0);
    if (first < suffix.count) {
      load_keys(lane_of, suffix, first);
      load_values(lane_of, suffix, first);
    }
  }
  simt::inputs_ready();
  if (!live) return;

  std::uint32_t query[S::kKeyWords];
  load_query(args, query, qkv_at(args, index, kQuery, head), t);
  const float scale = simt::mul(args.scale, kLog2e);
  SuffixState<kDim> sum, state;
  clear(sum);
#pragma unroll 1
  for (std::int32_t round = 0; round < suffix.count; round += kTurns * kSegmentKeys) {
    const std::int32_t begin = round + first;
    if (begin < suffix.count) {
      fold_segment(state, lane_of, suffix, query, scale, begin, begin + kTurns * kSegmentKeys);
    } else {
      clear(state);
    }
    if constexpr (kTogether) {
      SuffixState<kDim>* const states = reinterpret_cast<SuffixState<kDim>*>(simt::shared_memory()) + simt::lane();
      states[warp * 32] = state;
      simt::sync_block();
      for (std::int32_t i = 0; i < kAttendWarps && warp == 0; ++i) merge(sum, states[i * 32]);
      simt::sync_block();  // before the next round's states take their place
    } else {
      merge(sum, state);
    }
  }
  if (!kTogether || warp == 0) finish_suffix(args, index, head, sum, scale);
}

}  // namespace faultline::ops::cuda
