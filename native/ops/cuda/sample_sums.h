// The sampler's sums over a row: of the weights at temperature 1, of weights times distances, and of the filters'
// weights. Their order is fixed, so most warps compute the exponentials of one tile of the row while one warp adds up
// those of the tile before; that is where the time goes. Included by sample.cu alone.
#pragma once

#include "native/ops/cuda/sample_row.h"

namespace faultline::ops::cuda {
namespace {

/// Passes over the row tile by tile: all but the first kAdders threads fill a tile while those add up the one before.
/// `fill` gets the tile, the place of four values in each of its arrays, the first of their tokens, which are 16 apart,
/// the tokens' logits (-infinity past the row's end), and whether the tile ends there; a tile is kValues arrays of tile_size<kAdders> floats, in
/// which the runs of the 16 lanes take turns. Ends with a barrier, but does not begin with one.
template <std::int32_t kAdders>
constexpr std::int32_t tile_size = kRun*(kThreads - kAdders);

template <std::int32_t kAdders, std::int32_t kValues, class Fill, class Add>
SIMT_DEVICE void by_tiles(Shared& shared, const Logits& logits, const Fill& fill, const Add& add) {
  constexpr std::int32_t kTile = tile_size<kAdders>;
  static_assert(2 * kValues * kTile <= kTileFloats && kTile % kRunTokens == 0);
  const std::int32_t tiles = (logits.n + kTile - 1) / kTile;
  const std::int32_t filler = simt::thread() - kAdders;
  if (filler < 0) {
    simt::sync_block();
    for (std::int32_t tile = 0; tile < tiles; ++tile) {
      add(shared.tiles + tile % 2 * kValues * kTile);
      simt::sync_block();
    }
    return;
  }
  const std::int32_t first = filler / kLaneCount * kRunTokens + filler % kLaneCount;
  const auto load = [&](std::int32_t begin, float(&run)[kRun]) {
    const float* const from = logits.values + (begin + first);
    if (begin + kTile <= logits.n) {
#pragma unroll
      for (int i = 0; i < kRun; ++i) run[i] = simt::load(from + i * kLaneCount);
    } else {
#pragma unroll
      for (int i = 0; i < kRun; ++i)
        run[i] = begin + first + i * kLaneCount < logits.n ? simt::load(from + i * kLaneCount) : kMinusInfinity;
    }
  };
  float next[kRun];
  load(0, next);
#pragma unroll 2  // the values that were loaded ahead then stay where they are
  for (std::int32_t tile = 0; tile < tiles; ++tile) {
    float run[kRun];
#pragma unroll
    for (int i = 0; i < kRun; ++i) run[i] = next[i];
    // The next tile's loads are on their way while this one's exponentials are computed.
    load((tile + 1) * kTile, next);
    fill(shared.tiles + tile % 2 * kValues * kTile, kRun * filler, tile * kTile + first, run, tile == tiles - 1);
    simt::sync_block();
  }
  simt::sync_block();
}

/// What is gathered beside the sums at temperature 1.
struct Collected {
  float top;    // the largest allowed scaled logit
  float bound;  // tokens at or above are collected; not -infinity
  bool far;     // whether there may be logits so far down that they weigh nothing, at temperature 1 or for the filters
};

/// Sums over the row into shared.sum, weighted and filter_sum; tokens at or above what.bound into shared.collected
/// and lane_count, which must be zero and behind a barrier. The filters' weights are those at temperature 1 unless
/// kOwnWeights, and there is no mask unless kMasked.
template <bool kOwnWeights, bool kMasked>
SIMT_DEVICE void add_up(Shared& shared, const Logits& logits, const Collected& what, float top) {
  constexpr std::int32_t kTile = tile_size<kChainThreads>;
  float bound = what.bound;

  const auto fill = [&](float* tile, std::int32_t at, std::int32_t first, const float(&run)[kRun], bool last) {
    float distance[kRun], own[kRun];
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      distance[i] = simt::sub(run[i], top);
      own[i] = kOwnWeights ? scaled_distance(logits, run[i], what.top) : 0.0f;
    }
    if (what.far || last) {
#pragma unroll
      for (int i = 0; i < kRun; ++i) {
        distance[i] = bounded_exponent(distance[i]);  // any finite number will do where the weight is 0
        own[i] = bounded_exponent(own[i]);
      }
    }
    float weight[kRun];
#pragma unroll
    for (int i = 0; i < kRun; ++i) weight[i] = exp_to_one(distance[i]);
    store_run(tile + at, weight);
    store_run(tile + kTile + at, distance);
    std::uint64_t allowed = ~std::uint64_t{0};
    if (kMasked) allowed = first < logits.n ? logits.mask[first / 64] >> (first % 64) : 0;
    const auto is_allowed = [&](int i) { return !kMasked || (allowed >> i * kLaneCount & 1u) != 0; };
    if (kOwnWeights) {
#pragma unroll
      for (int i = 0; i < kRun; ++i) weight[i] = is_allowed(i) ? exp_to_one(own[i]) : 0.0f;
      store_run(tile + 2 * kTile + at, weight);
    }
    if (!(run[0] >= bound || run[1] >= bound || run[2] >= bound || run[3] >= bound)) return;
    // One place for all that this thread has found: the atomic is slow, and in most warps somebody finds something.
    std::uint32_t found = 0;
#pragma unroll
    for (int i = 0; i < kRun; ++i) found |= run[i] >= bound && is_allowed(i) ? 1u << i : 0u;
    const std::int32_t lane = first & (kLaneCount - 1);
    const std::int32_t count = simt::count_bits(found);
    std::int32_t entry = simt::atomic_add(&shared.lane_count[lane], count);
    if (entry + count > kListDepth) bound = -kMinusInfinity;  // the lists do not fit: no more
    for (; found != 0 && entry < kListDepth; found &= found - 1, ++entry)
      shared.collected[entry * kLaneCount + lane] = first + simt::lowest_bit(found) * kLaneCount;
  };

  // Lanes 0 to 15 of the first warp hold the sum and the weighted sum, lanes 16 to 31 that of the filters' weights (and
  // one that nobody asks for). Without a condition on i the loads are moved ahead of the additions, which wait for one
  // another as it is.
  float sum = 0.0f, weighted = 0.0f;
  const auto add = [&](const float* tile) {
    constexpr std::int32_t kRuns = kTile / kRunTokens;
    const float* const distances = tile + kTile + kRun * (simt::lane() % kLaneCount);
    const float* const weights = distances + (kOwnWeights && simt::lane() >= kLaneCount ? kTile : -kTile);
#pragma unroll
    for (std::int32_t run = 0; run < kRuns; ++run) {
      const Float4 weight = load_run(weights + kRunTokens * run), distance = load_run(distances + kRunTokens * run);
      sum = simt::add(simt::add(simt::add(simt::add(sum, weight.x), weight.y), weight.z), weight.w);
      weighted = simt::fma(weight.x, distance.x, weighted);
      weighted = simt::fma(weight.y, distance.y, weighted);
      weighted = simt::fma(weight.z, distance.z, weighted);
      weighted = simt::fma(weight.w, distance.w, weighted);
    }
  };
  by_tiles<kChainThreads, kTileValues>(shared, logits, fill, add);
  static_assert(kChainThreads == 32);
  if (simt::warp() == 0) {
    sum = fold16(sum);
    weighted = fold16(weighted);
    if (simt::lane() == 0) {
      shared.sum = sum;
      shared.weighted = weighted;
    }
    if (simt::lane() == kLaneCount) shared.filter_sum = sum;
  }
  simt::sync_block();
}

}  // namespace
}  // namespace faultline::ops::cuda
