// The sampler's sums over a row: of the weights at temperature 1, of weights times distances, and of the filters'
// weights. Their order is fixed, so most warps compute the exponentials of one tile of the row while one warp adds up
// those of the tile before; that is where the time goes. Included by sample.cu alone.
#pragma once

#include "native/ops/cuda/sample_row.h"

namespace faultline::ops::cuda {
namespace {

/// Passes over the row tile by tile: all but the first kAdders threads fill a tile while those add up the one before.
/// `fill` gets the tile, the place of four values in each of its arrays, the first of their tokens, which are 16 apart,
/// and the tokens' logits (-infinity past the row's end); a tile is kValues arrays of tile_size<kAdders> floats, in
/// which the runs of the 16 lanes take turns. Where `quick`, `fill_quickly` gets the same but of the last few tiles,
/// which it need not be able to end. Ends with a barrier, but does not begin with one.
template <std::int32_t kAdders>
constexpr std::int32_t tile_size = kRun*(kThreads - kAdders);

template <std::int32_t kAdders, std::int32_t kValues, class FillQuickly, class Fill, class Add>
SIMT_DEVICE void by_tiles(Shared& shared, const Logits& logits, bool quick, const FillQuickly& fill_quickly,
                          const Fill& fill, const Add& add) {
  constexpr std::int32_t kTile = tile_size<kAdders>;
  static_assert(2 * kValues * kTile <= kTileFloats && kTile % kRunTokens == 0);
  const std::int32_t tiles = (logits.n + kTile - 1) / kTile;
  const std::int32_t filler = simt::thread() - kAdders;
  const auto tile_at = [&](std::int32_t tile) { return shared.tiles + tile % 2 * kValues * kTile; };
  if (filler < 0) {
    simt::sync_block();
    for (std::int32_t tile = 0; tile < tiles; ++tile) {
      add(tile_at(tile));
      simt::sync_block();
    }
    return;
  }
  std::int32_t first = filler / kLaneCount * kRunTokens + filler % kLaneCount;
  // The next tile's loads are on their way while this one's exponentials are computed.
  float next[kRun], run[kRun];
  const auto load_whole = [&](const float* from, float(&values)[kRun]) {
#pragma unroll
    for (int i = 0; i < kRun; ++i) values[i] = simt::load_last(from + i * kLaneCount);
  };
  const auto load_from = [&](std::int32_t begin, float(&values)[kRun]) {
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      const std::int32_t token = begin + i * kLaneCount;
      values[i] = token < logits.n ? simt::load(logits.values + token) : kMinusInfinity;
    }
  };
  load_from(first, next);
  std::int32_t tile = 0;
  if (quick) {
    const float* from = logits.values + first;
    // Two tiles at a time, so that the values loaded ahead stay where they are, and up to the last but one whole tile.
    for (; (tile + 3) * kTile <= logits.n; tile += 2) {
      load_whole(from + kTile, run);
      fill_quickly(tile_at(0), kRun * filler, first, next);
      simt::sync_block();
      load_whole(from + 2 * kTile, next);
      fill_quickly(tile_at(1), kRun * filler, first + kTile, run);
      simt::sync_block();
      from += 2 * kTile;
      first += 2 * kTile;
    }
  }
  for (; tile < tiles; ++tile) {
#pragma unroll
    for (int i = 0; i < kRun; ++i) run[i] = next[i];
    load_from(first + kTile, next);
    fill(tile_at(tile), kRun * filler, first, run);
    simt::sync_block();
    first += kTile;
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

  const auto fill_with = [&](const auto& bounded, float* tile, std::int32_t at, std::int32_t first,
                             const float(&run)[kRun]) {
    float distance[kRun];
    // Any finite number will do where the weight is 0.
#pragma unroll
    for (int i = 0; i < kRun; ++i) distance[i] = bounded(simt::sub(run[i], top));
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
      for (int i = 0; i < kRun; ++i) {
        const float own = bounded(scaled_distance(logits, run[i], what.top));
        weight[i] = exp_to_one(is_allowed(i) ? own : bounded_exponent(kMinusInfinity));  // or 0, without a branch
      }
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
  const auto fill_near = [&](float* tile, std::int32_t at, std::int32_t first, const float(&run)[kRun]) {
    fill_with([](float distance) { return distance; }, tile, at, first, run);
  };
  const auto fill = [&](float* tile, std::int32_t at, std::int32_t first, const float(&run)[kRun]) {
    fill_with([](float distance) { return bounded_exponent(distance); }, tile, at, first, run);
  };
  by_tiles<kChainThreads, kTileValues>(shared, logits, !what.far, fill_near, fill, add);
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
