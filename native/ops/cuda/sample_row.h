// What every part of the sampler (sample.cu) shares: the block's threads and shared memory, a row's logits, and the
// block's largest. Included by that file alone.
#pragma once

#include <cstdint>

#include "native/ops/cuda/math.h"
#include "native/ops/cuda/queue.h"

namespace faultline::ops::cuda {
namespace {

constexpr std::int32_t kLaneCount = 16;
/// Threads that compute exponentials, and the warp that adds them up, which takes about as many instructions as one of
/// theirs. Four such blocks on a multiprocessor hide one another's barriers, the additions that wait for one another,
/// and what few threads do; on a smaller one, two.
constexpr std::int32_t kFillThreads = 224;
constexpr std::int32_t kChainThreads = 32;
constexpr std::int32_t kThreads = kFillThreads + kChainThreads;
constexpr std::int32_t kBlocks = 4;
constexpr std::int32_t kWarps = kThreads / 32;
/// Tokens of one lane, 16 apart, that a thread takes at a time: their values are one 16-byte word of a tile, and their
/// bits one word of a mask.
constexpr std::int32_t kRun = 4;
constexpr std::int32_t kRunTokens = kRun * kLaneCount;
/// Values that a tile keeps of a token: weight and distance to the largest at temperature 1, weight for the filters.
constexpr std::int32_t kTileValues = 3;
/// Floats of the two tiles that are in use at any time.
constexpr std::int32_t kTileFloats = 2 * kTileValues * kRun * kFillThreads;
/// Most tokens in the list of one lane: as many as leave room for two blocks in the 100 KB of a small multiprocessor.
constexpr std::int32_t kListDepth = 176;
constexpr std::int32_t kListTokens = kListDepth * kLaneCount;
/// Entries of the lists that are summed at a time.
constexpr std::int32_t kListStep = 8;
static_assert(kListDepth % kListStep == 0);
/// How far below the largest scaled logit tokens are collected for the lists. Of 50257 tokens, those further down weigh
/// at most 50257 e^-9 = 6 times the first, and in the peaked rows of a trained model far less than one percent of it.
constexpr float kWidth = 9.0f;
/// Bins of the histogram, and how far below the largest scaled logit it reaches: to weights of zero.
constexpr std::int32_t kThreadBins = 8;
constexpr std::int32_t kBins = kThreadBins * kFillThreads;
constexpr float kReach = 88.0f;
/// How often a bin that holds too many tokens is divided into bins of its own.
constexpr int kHistograms = 2;
/// Most tokens of a bin that are ordered, one by a thread.
constexpr std::int32_t kNearby = kThreads;
/// The mass of all tokens in the integers that the histogram adds up.
constexpr float kAllShares = 0x1p30f;
/// Thresholds at which sums of the lists are taken at a time, one by a half warp; a power of two, for a division.
constexpr std::int32_t kListProbes = kThreads / kLaneCount;
/// Likewise of the row: half the warps, while the others fill a tile.
constexpr std::int32_t kRowProbes = 8;

/// Floats as integers of the same order, zeros and subnormals (which arithmetic takes for zeros) as 0.
SIMT_DEVICE std::int32_t key_of(float value) {
  const std::uint32_t bits = simt::as_bits(value);
  if ((bits & 0x7F800000u) == 0) return 0;
  return static_cast<std::int32_t>(bits >> 31 != 0 ? 0x80000000u - bits : bits);
}
/// A float that is at or above just the floats of keys from `key` on.
SIMT_DEVICE float value_of(std::int32_t key) {
  constexpr std::int32_t kSmallestNormal = 0x00800000;
  if (key > 0 && key < kSmallestNormal) key = kSmallestNormal;
  const std::uint32_t bits = static_cast<std::uint32_t>(key);
  return simt::as_float(key < 0 ? 0x80000000u - bits : bits);
}
/// The key of -infinity, at or below those of all logits.
constexpr std::int32_t kLowestKey = -0x7F800000;

/// Is at or above nothing.
constexpr float kNotALogit = __builtin_nanf("");

SIMT_DEVICE bool is_finite(float value) { return (simt::as_bits(value) & 0x7F800000u) != 0x7F800000u; }

struct Best {
  float score;
  std::int32_t token;
};
/// The larger score, the lower token among equals. A score of -infinity or NaN is never offered.
SIMT_DEVICE bool before(const Best& a, const Best& b) {
  return a.score > b.score || (a.score == b.score && a.token < b.token);
}

/// A row's logits, the condition on its draw, and 1 / temperature.
struct Logits {
  const float* values;
  const std::uint64_t* mask;
  std::int32_t n;
  bool aligned;  // for loads of 16 bytes
  float inv_temperature;
};

/// Four neighbouring tokens: their logits, and a bit for each that is allowed. Tokens past the end are not.
struct Four {
  float value[4];
  std::uint32_t allowed;
};
SIMT_DEVICE Four load_four(const Logits& logits, std::int32_t group) {
  const std::int32_t first = 4 * group;
  Four four = {{kMinusInfinity, kMinusInfinity, kMinusInfinity, kMinusInfinity}, 0};
  if (first >= logits.n) return four;
  const std::int32_t count = logits.n - first;
  if (logits.aligned && count >= 4) {
    const simt::Word4 words = simt::load4(logits.values + first);
    four = {{simt::as_float(words.x), simt::as_float(words.y), simt::as_float(words.z), simt::as_float(words.w)}, 0xFu};
  } else {
#pragma unroll
    for (std::int32_t i = 0; i < 4; ++i) {
      if (i < count) {
        four.value[i] = logits.values[first + i];
        four.allowed |= 1u << i;
      }
    }
  }
  // 64 is a multiple of 4, so the four bits stand in one word.
  if (logits.mask != nullptr) four.allowed &= static_cast<std::uint32_t>(logits.mask[first / 64] >> (first % 64));
  return four;
}
SIMT_DEVICE std::int32_t groups_of(const Logits& logits) { return (logits.n + 3) / 4; }

/// Distance of a scaled logit from the largest, `top`.
SIMT_DEVICE float scaled_distance(const Logits& logits, float value, float top) {
  return simt::sub(simt::mul(value, logits.inv_temperature), top);
}
/// Its weight, as softmax_stats and tail compute it: their ways around infinities give the same.
SIMT_DEVICE float filter_weight(const Logits& logits, float value, float top) {
  return exp_to_one(bounded_exponent(scaled_distance(logits, value, top)));
}

struct alignas(16) Float4 {
  float x, y, z, w;
};
SIMT_DEVICE Float4 load_run(const float* from) { return *reinterpret_cast<const Float4*>(from); }
SIMT_DEVICE void store_run(float* to, const float (&from)[kRun]) {
  *reinterpret_cast<Float4*>(to) = {from[0], from[1], from[2], from[3]};
}

/// A token of a list: its logit (NaN where there is none) and its weight for the filters.
struct alignas(8) Entry {
  float value;
  float weight;
};
/// A token next to the threshold that is sought: its logit, and its part of the histogram.
struct alignas(8) Near {
  float value;
  std::int32_t share;
};

struct alignas(16) Shared {
  union {
    float tiles[kTileFloats];
    struct {
      Entry entry[kListTokens];  // entry e of lane l at 16 e + l
      std::int32_t token[kListTokens];
    } list;
  };
  union {
    std::int32_t collected[kListTokens];  // tokens for the lists, where their places will be up to the order of a few
    std::int32_t bins[kBins];
  };
  DeviceRow row;
  Near nearby[kNearby];
  std::int32_t probes[kListProbes];
  std::int32_t lane_count[kLaneCount];  // tokens in each list, or more than kListDepth where they did not fit
  float warp_score[kWarps];
  float warp_other[kWarps];
  float warp_least[kWarps];
  std::int32_t warp_token[kWarps];
  std::int32_t warp_share[kWarps];
  std::int32_t nearby_count;
  std::int32_t bin;
  std::int32_t above_bin;
  // What later steps need of earlier ones, so that it takes no registers in between.
  float top;      // the largest logit
  float largest;  // the largest that is allowed
  float sum;
  float weighted;
  float filter_sum;
  float kept_mass;
};

/// The ends of a row. NaN is passed over.
struct Extremes {
  float all;    // the largest logit
  float some;   // the largest that is allowed
  float least;  // the least, infinity where there is none
};

/// Every thread gets the block's extremes.
SIMT_DEVICE void extremes_in_block(Shared& shared, Extremes& found) {
  for (std::int32_t half = 16; half > 0; half /= 2) {
    found.all = simt::largest(found.all, simt::shuffle_xor(found.all, half));
    found.some = simt::largest(found.some, simt::shuffle_xor(found.some, half));
    found.least = simt::smallest(found.least, simt::shuffle_xor(found.least, half));
  }
  if (simt::lane() == 0) {
    shared.warp_score[simt::warp()] = found.all;
    shared.warp_other[simt::warp()] = found.some;
    shared.warp_least[simt::warp()] = found.least;
  }
  simt::sync_block();
  for (std::int32_t i = 0; i < kWarps; ++i) {
    found.all = simt::largest(found.all, shared.warp_score[i]);
    found.some = simt::largest(found.some, shared.warp_other[i]);
    found.least = simt::smallest(found.least, shared.warp_least[i]);
  }
}

/// The row's extremes, for every thread.
SIMT_DEVICE Extremes find_extremes(Shared& shared, const Logits& logits) {
  Extremes found = {kMinusInfinity, kMinusInfinity, -kMinusInfinity};
  const auto take_group = [&](std::int32_t group) {
    const Four four = load_four(logits, group);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (4 * group + i >= logits.n) continue;
      found.all = simt::largest(found.all, four.value[i]);
      found.least = simt::smallest(found.least, four.value[i]);
      if ((four.allowed >> i & 1u) != 0) found.some = simt::largest(found.some, four.value[i]);
    }
  };
  // From the row's end to its start, where the next pass begins, so that it finds some of the row in the caches.
  const std::int32_t whole = logits.n / 4;
  if (logits.aligned && logits.mask == nullptr) {
    // Memory is what this pass waits for: several loads at a time, the last of them of group 0 over and over.
    constexpr std::int32_t kLoads = 8;
    for (std::int32_t group = whole - 1 - simt::thread(); group >= 0; group -= kLoads * kThreads) {
      simt::Word4 words[kLoads];
#pragma unroll
      for (std::int32_t i = 0; i < kLoads; ++i) {
        const std::int32_t at = group - i * kThreads;
        words[i] = simt::load4(logits.values + 4 * (at > 0 ? at : 0));
      }
#pragma unroll
      for (std::int32_t i = 0; i < kLoads; ++i) {
        const float x = simt::as_float(words[i].x), y = simt::as_float(words[i].y);
        const float z = simt::as_float(words[i].z), w = simt::as_float(words[i].w);
        found.all = simt::largest(found.all, simt::largest(simt::largest(x, y), simt::largest(z, w)));
        found.least = simt::smallest(found.least, simt::smallest(simt::smallest(x, y), simt::smallest(z, w)));
      }
    }
    found.some = found.all;
    if (whole < groups_of(logits) && simt::thread() == 0) take_group(whole);
  } else {
    for (std::int32_t group = groups_of(logits) - 1 - simt::thread(); group >= 0; group -= kThreads) take_group(group);
  }
  extremes_in_block(shared, found);
  return found;
}

/// Every thread gets the block's best.
SIMT_DEVICE Best best_in_block(Shared& shared, Best best) {
  for (std::int32_t half = 16; half > 0; half /= 2) {
    const Best other = {simt::shuffle_xor(best.score, half), simt::shuffle_xor(best.token, half)};
    if (before(other, best)) best = other;
  }
  if (simt::lane() == 0) {
    shared.warp_score[simt::warp()] = best.score;
    shared.warp_token[simt::warp()] = best.token;
  }
  simt::sync_block();
  for (std::int32_t i = 0; i < kWarps; ++i) {
    const Best other = {shared.warp_score[i], shared.warp_token[i]};
    if (before(other, best)) best = other;
  }
  simt::sync_block();  // the next reduction writes the same places
  return best;
}

}  // namespace
}  // namespace faultline::ops::cuda
