// The sampler's sums over a row: of the weights at temperature 1, of weights times distances, and of the filters'
// weights. Their order is fixed, so most warps compute the exponentials of one tile of the row while two warps add up
// those of the tile before; that is where the time goes. Included by sample.cu alone.
#pragma once

#include "native/ops/cuda/sample_row.h"

namespace faultline::ops::cuda {
namespace {

/// Passes over the row tile by tile: all but the first kAdders threads fill a tile while those add up the one before.
/// `fill` gets the tile, the place of four values in each of its arrays, the first of their tokens, which are 16 apart,
/// and the tokens' logits (-infinity past the row's end); a tile is kValues arrays of tile_size<kAdders> floats, in
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
      for (int i = 0; i < kRun; ++i) run[i] = from[i * kLaneCount];
    } else {
#pragma unroll
      for (int i = 0; i < kRun; ++i)
        run[i] = begin + first + i * kLaneCount < logits.n ? from[i * kLaneCount] : kMinusInfinity;
    }
  };
  float next[kRun];
  load(0, next);
  for (std::int32_t tile = 0; tile < tiles; ++tile) {
    float run[kRun];
#pragma unroll
    for (int i = 0; i < kRun; ++i) run[i] = next[i];
    // The next tile's loads are on their way while this one's exponentials are computed.
    load((tile + 1) * kTile, next);
    fill(shared.tiles + tile % 2 * kValues * kTile, kRun * filler, tile * kTile + first, run);
    simt::sync_block();
  }
  simt::sync_block();
}

/// What is gathered beside the sums at temperature 1.
struct Collected {
  float top;    // the largest allowed scaled logit
  float bound;  // tokens at or above are collected; not -infinity
};

/// Sums over the row into shared.sum, weighted and filter_sum; tokens at or above what.bound into shared.collected
/// and lane_count, which must be zero and behind a barrier. The filters' weights are those at temperature 1 unless
/// kOwnWeights, and there is no mask unless kMasked.
template <bool kOwnWeights, bool kMasked>
SIMT_DEVICE void add_up(Shared& shared, const Logits& logits, const Collected& what, float top) {
  constexpr std::int32_t kTile = tile_size<kChainThreads>;
  const bool upper = simt::lane() >= kLaneCount;
  const std::int32_t lane = simt::lane() % kLaneCount;
  float bound = what.bound;

  const auto fill = [&](float* tile, std::int32_t at, std::int32_t first, const float(&run)[kRun]) {
    float weight[kRun], distance[kRun];
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      distance[i] = bounded_exponent(simt::sub(run[i], top));  // any finite number will do where the weight is 0
      weight[i] = exp_to_one(distance[i]);
    }
    store_run(tile + at, weight);
    store_run(tile + kTile + at, distance);
    std::uint64_t allowed = ~std::uint64_t{0};
    if (kMasked) allowed = first < logits.n ? logits.mask[first / 64] >> (first % 64) : 0;
    const auto is_allowed = [&](int i) { return !kMasked || (allowed >> i * kLaneCount & 1u) != 0; };
    if (kOwnWeights) {
#pragma unroll
      for (int i = 0; i < kRun; ++i) {
        weight[i] = filter_weight(logits, run[i], what.top);
        if (!is_allowed(i)) weight[i] = 0.0f;
      }
      store_run(tile + 2 * kTile + at, weight);
    }
    if (!(run[0] >= bound || run[1] >= bound || run[2] >= bound || run[3] >= bound)) return;
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      if (!(run[i] >= bound && is_allowed(i))) continue;
      const std::int32_t entry = simt::atomic_add(&shared.lane_count[first % kLaneCount], 1);
      if (entry < kListDepth) {
        shared.collected[entry * kLaneCount + first % kLaneCount] = first + i * kLaneCount;
      } else {
        bound = -kMinusInfinity;  // the lists do not fit: no more
      }
    }
  };

  // Lanes 0 to 15 of the first warp hold the sum, lanes 16 to 31 that of the filters' weights. Both halves of the
  // second hold the weighted sum. Values are loaded ahead of the additions, which wait for one another as it is.
  float sum = 0.0f;
  constexpr std::int32_t kRuns = kTile / kRunTokens;
  const auto add_plain = [&](const float* tile) {
    constexpr std::int32_t kAhead = 4;
    static_assert(kRuns % kAhead == 0);
    const float* const weights = tile + (kOwnWeights && upper ? 2 * kTile : 0) + kRun * lane;
    Float4 ahead[kAhead];
#pragma unroll
    for (std::int32_t i = 0; i < kAhead; ++i) ahead[i] = load_run(weights + kRunTokens * i);
#pragma unroll 2
    for (std::int32_t run = kAhead; run <= kRuns; run += kAhead) {
      Float4 now[kAhead];
#pragma unroll
      for (std::int32_t i = 0; i < kAhead; ++i) now[i] = ahead[i];
      if (run < kRuns) {
#pragma unroll
        for (std::int32_t i = 0; i < kAhead; ++i) ahead[i] = load_run(weights + kRunTokens * (run + i));
      }
#pragma unroll
      for (std::int32_t i = 0; i < kAhead; ++i)
        sum = simt::add(simt::add(simt::add(simt::add(sum, now[i].x), now[i].y), now[i].z), now[i].w);
    }
  };
  const auto add_weighted = [&](const float* tile) {
    constexpr std::int32_t kAhead = 2;
    static_assert(kRuns % kAhead == 0);
    const float* const weights = tile + kRun * lane;
    Float4 weight_ahead[kAhead], distance_ahead[kAhead];
#pragma unroll
    for (std::int32_t i = 0; i < kAhead; ++i) {
      weight_ahead[i] = load_run(weights + kRunTokens * i);
      distance_ahead[i] = load_run(weights + kTile + kRunTokens * i);
    }
#pragma unroll 2
    for (std::int32_t run = kAhead; run <= kRuns; run += kAhead) {
      Float4 weight[kAhead], distance[kAhead];
#pragma unroll
      for (std::int32_t i = 0; i < kAhead; ++i) {
        weight[i] = weight_ahead[i];
        distance[i] = distance_ahead[i];
      }
      if (run < kRuns) {
#pragma unroll
        for (std::int32_t i = 0; i < kAhead; ++i) {
          weight_ahead[i] = load_run(weights + kRunTokens * (run + i));
          distance_ahead[i] = load_run(weights + kTile + kRunTokens * (run + i));
        }
      }
#pragma unroll
      for (std::int32_t i = 0; i < kAhead; ++i) {
        sum = simt::fma(weight[i].x, distance[i].x, sum);
        sum = simt::fma(weight[i].y, distance[i].y, sum);
        sum = simt::fma(weight[i].z, distance[i].z, sum);
        sum = simt::fma(weight[i].w, distance[i].w, sum);
      }
    }
  };
  by_tiles<kChainThreads, kTileValues>(shared, logits, fill, [&](const float* tile) {
    if (simt::warp() == 0) {
      add_plain(tile);
    } else {
      add_weighted(tile);
    }
  });
  if (simt::warp() <= 1) {
    sum = fold16(sum);
    if (simt::lane() == 0) (simt::warp() == 0 ? shared.sum : shared.weighted) = sum;
    if (simt::warp() == 0 && simt::lane() == kLaneCount) shared.filter_sum = sum;
  }
  simt::sync_block();
}

}  // namespace
}  // namespace faultline::ops::cuda
