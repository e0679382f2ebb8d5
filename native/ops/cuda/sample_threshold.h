// The sampler's search for the smallest set of likely tokens that top-k and top-p keep: the one that ops.h's tails
// define, found by sums in any order and settled by the sums that count. Included by sample.cu alone.
#pragma once

#include "native/ops/cuda/sample_row.h"
#include "native/ops/cuda/sample_sums.h"

namespace faultline::ops::cuda {
namespace {

/// The allowed tokens at or above `bound`, where they fit.
struct Lists {
  std::int32_t bound;  // as a key
  std::int32_t depth;  // of the longest
  bool fit;
};

/// Makes the lists of collected and lane_count, whose tokens are in order but for those of one tile.
SIMT_DEVICE Lists make_lists(Shared& shared, const Logits& logits, float top, float bound) {
  constexpr std::int32_t kTile = tile_size<kChainThreads>;
  Lists lists = {key_of(bound), 0, true};
  for (std::int32_t lane = 0; lane < kLaneCount; ++lane) {
    const std::int32_t count = shared.lane_count[lane];
    lists.depth = count > lists.depth ? count : lists.depth;
  }
  lists.fit = lists.depth <= kListDepth;
  if (!lists.fit) return lists;
  const std::int32_t padded = (lists.depth + kListStep - 1) / kListStep * kListStep;
  for (std::int32_t at = simt::thread(); at < padded * kLaneCount; at += kThreads) {
    const std::int32_t lane = at % kLaneCount, count = shared.lane_count[lane];
    std::int32_t entry = at / kLaneCount;
    if (entry >= count) {
      shared.list.entry[at] = {kNotALogit, 0.0f};
      continue;
    }
    const std::int32_t token = shared.collected[at];
    const float value = logits.values[token];
    const auto of_same_tile = [&](std::int32_t other) {
      return shared.collected[other * kLaneCount + lane] / kTile == token / kTile;
    };
    const std::int32_t found_at = entry;
    for (std::int32_t other = found_at - 1; other >= 0 && of_same_tile(other); --other)
      entry -= shared.collected[other * kLaneCount + lane] > token ? 1 : 0;
    for (std::int32_t other = found_at + 1; other < count && of_same_tile(other); ++other)
      entry += shared.collected[other * kLaneCount + lane] < token ? 1 : 0;
    shared.list.entry[entry * kLaneCount + lane] = {value, filter_weight(logits, value, top)};
    shared.list.token[entry * kLaneCount + lane] = token;
  }
  simt::sync_block();
  return lists;
}

/// ops::Tail.
struct Tail {
  std::int32_t count;
  float mass;
};
/// Each half warp's tail from what its lanes counted and added up.
SIMT_DEVICE Tail fold_tail(std::int32_t count, float sum) {
  for (std::int32_t half = kLaneCount / 2; half > 0; half /= 2) count += simt::shuffle_xor(count, half);
  return {count, fold16(sum)};
}

/// The tail from `key` on, which each half warp chooses and gets. `key` is not below the lists' bound.
SIMT_DEVICE Tail tail_of_lists(const Shared& shared, const Lists& lists, std::int32_t key) {
  const float from = value_of(key);
  const Entry* const entries = shared.list.entry + simt::thread() % kLaneCount;
  std::int32_t count = 0;
  float sum = 0.0f;
  for (std::int32_t first = 0; first < lists.depth; first += kListStep) {
    Entry entry[kListStep];
#pragma unroll
    for (std::int32_t i = 0; i < kListStep; ++i) entry[i] = entries[(first + i) * kLaneCount];
#pragma unroll
    for (std::int32_t i = 0; i < kListStep; ++i) {
      const bool kept = entry[i].value >= from;
      count += kept ? 1 : 0;
      sum = simt::add(sum, kept ? entry[i].weight : 0.0f);
    }
  }
  return fold_tail(count, sum);
}

/// The same from the row itself, for the first kRowProbes half warps; the whole block takes part. Overwrites the lists.
SIMT_DEVICE Tail tail_of_row(Shared& shared, const Logits& logits, float top, std::int32_t key) {
  constexpr std::int32_t kAdders = kRowProbes * kLaneCount;
  constexpr std::int32_t kTile = tile_size<kAdders>;
  const float from = value_of(key);
  const std::int32_t lane = simt::thread() % kLaneCount;
  std::int32_t count = 0;
  float sum = 0.0f;
  const auto fill = [&](float* tile, std::int32_t at, std::int32_t first, const float(&run)[kRun]) {
    std::uint64_t allowed = ~std::uint64_t{0};
    if (logits.mask != nullptr && first < logits.n) allowed = logits.mask[first / 64] >> (first % 64);
    float value[kRun], weight[kRun];
#pragma unroll
    for (int i = 0; i < kRun; ++i) {
      const bool counts = (allowed >> i * kLaneCount & 1u) != 0 && first + i * kLaneCount < logits.n;
      value[i] = counts ? run[i] : kNotALogit;
      weight[i] = filter_weight(logits, run[i], top);
    }
    store_run(tile + at, value);
    store_run(tile + kTile + at, weight);
  };
  const auto add = [&](const float* tile) {
#pragma unroll 4
    for (std::int32_t run = 0; run < kTile / kRunTokens; ++run) {
      const Float4 value = load_run(tile + kRunTokens * run + kRun * lane);
      const Float4 weight = load_run(tile + kTile + kRunTokens * run + kRun * lane);
      const float values[kRun] = {value.x, value.y, value.z, value.w};
      const float weights[kRun] = {weight.x, weight.y, weight.z, weight.w};
#pragma unroll
      for (int i = 0; i < kRun; ++i) {
        const bool kept = values[i] >= from;
        count += kept ? 1 : 0;
        sum = simt::add(sum, kept ? weights[i] : 0.0f);
      }
    }
  };
  simt::sync_block();  // others may still read the lists, or the tiles before
  by_tiles<kAdders, 2>(shared, logits, false, fill, fill, add);
  return fold_tail(count, sum);
}

/// sampler::KeepTarget.
struct Target {
  std::int32_t count;
  float mass;
};

/// What the search for the threshold works on. `lists` are of no use once the row itself was searched.
struct Search {
  Shared& shared;
  const Logits& logits;
  float top;      // largest allowed scaled logit
  float largest;  // largest allowed logit
  float shares;   // what a weight of 1 counts in a histogram
  Lists lists;
};

/// The first bin up to which the bins add up to `wanted`, from `above` on, and what those before it add up to: into
/// shared.bin, which must be negative and stays so where all bins are too few, and above_bin. Where `all`, the last bin
/// that holds anything will do then. Barriers before and after are the caller's.
SIMT_DEVICE void find_bin(Shared& shared, std::int32_t above, std::int32_t wanted, bool all) {
  const std::int32_t first = kThreadBins * simt::thread();
  const bool takes_part = simt::thread() < kFillThreads;
  std::int32_t own = 0;
  if (takes_part) {
#pragma unroll
    for (std::int32_t i = 0; i < kThreadBins; ++i) own += shared.bins[first + i];
  }
  std::int32_t before = own;
  for (std::int32_t step = 1; step < 32; step *= 2) {
    const std::int32_t other = simt::shuffle(before, simt::lane() - step);
    before += simt::lane() >= step ? other : 0;
  }
  if (simt::lane() == 31) shared.warp_share[simt::warp()] = before;
  simt::sync_block();
  before += above - own;
  std::int32_t total = above;
  for (std::int32_t warp = 0; warp < kWarps; ++warp) {
    total += shared.warp_share[warp];
    before += warp < simt::warp() ? shared.warp_share[warp] : 0;
  }
  if (all && wanted > total) wanted = total;
  if (!takes_part || before >= wanted || before + own < wanted) return;
  std::int32_t bin = first;
  while (before + shared.bins[bin] < wanted) before += shared.bins[bin++];
  shared.bin = bin;
  shared.above_bin = before;
}

/// Of the nearby tokens, writes the keys of those next to the place where the tail reaches `wanted` to shared.probes,
/// in descending order up to the last place; before them, as often as there are places left, the key just above.
template <std::int32_t kProbes>
SIMT_DEVICE void choose_probes(Shared& shared, std::int32_t wanted) {
  const std::int32_t count = shared.nearby_count, mine = simt::thread();
  std::int32_t rank = 0, tail = shared.above_bin;
  float value = 0.0f;
  if (mine < count) {
    value = shared.nearby[mine].value;
#pragma unroll 4
    for (std::int32_t other = 0; other < count; ++other) {
      const Near near = shared.nearby[other];
      tail += near.value >= value ? near.share : 0;
      rank += near.value > value || (near.value == value && other < mine) ? 1 : 0;
    }
  }
  // The tokens too high to reach the target are the first of the ranks.
  const std::int32_t missing = simt::count_in_block(mine < count && tail < wanted);
  const std::int32_t begin = missing > kProbes / 2 ? missing - kProbes / 2 : 0;
  const std::int32_t used = count - begin < kProbes - 1 ? count - begin : kProbes - 1;
  if (mine < count && rank >= begin && rank < begin + used) {
    const std::int32_t key = key_of(value);
    shared.probes[kProbes - used + rank - begin] = key;
    if (rank == begin) {
      for (std::int32_t place = 0; place < kProbes - used; ++place) shared.probes[place] = key + 1;
    }
  }
  simt::sync_block();
}

/// Whether shared.probes could be chosen. `each` calls a function with each allowed logit of the row or the lists, and
/// `all` says that these are all that can be kept.
template <std::int32_t kProbes, class Each>
SIMT_DEVICE bool find_probes(const Search& search, const Target& target, bool all, const Each& each) {
  Shared& shared = search.shared;
  const auto share_of = [&](float value) {
    if (target.count > 0) return 1;
    const float weight = filter_weight(search.logits, value, search.top);
    return static_cast<std::int32_t>(simt::fma(weight, search.shares, 0.5f));
  };
  const std::int32_t mass = static_cast<std::int32_t>(simt::mul(target.mass, search.shares));
  const std::int32_t least = target.count > 0 ? target.count : mass;
  const std::int32_t wanted = least > 1 ? least : 1;
  float begin = 0.0f, bins_per_unit = static_cast<float>(kBins) / kReach;
  std::int32_t above = 0;
  for (int histogram = 0; histogram < kHistograms; ++histogram) {
    // Negative, or at least kBins, where the logit has no bin.
    const auto place_of = [&](float value) {
      const float distance = simt::sub(0.0f, scaled_distance(search.logits, value, search.top));
      return simt::mul(simt::sub(distance, begin), bins_per_unit);
    };
    constexpr float kEnd = static_cast<float>(kBins);
    simt::sync_block();  // others may still read the bins, or what lies in their place
    for (std::int32_t bin = simt::thread(); bin < kBins; bin += kThreads) shared.bins[bin] = 0;
    if (simt::thread() == 0) {
      shared.bin = -1;
      shared.nearby_count = 0;
    }
    simt::sync_block();
    each([&](float value) {
      const float place = place_of(value);
      if (!(place >= 0.0f && place < kEnd)) return;
      simt::atomic_add(&shared.bins[static_cast<std::int32_t>(place)], share_of(value));
    });
    simt::sync_block();
    find_bin(shared, above, wanted, all);
    simt::sync_block();
    const std::int32_t bin = shared.bin;
    if (bin < 0) return false;
    above = shared.above_bin;
    each([&](float value) {
      const float place = place_of(value);
      if (!(place >= 0.0f && place < kEnd) || static_cast<std::int32_t>(place) != bin) return;
      const std::int32_t at = simt::atomic_add(&shared.nearby_count, 1);
      if (at < kNearby) shared.nearby[at] = {value, share_of(value)};
    });
    simt::sync_block();
    if (shared.nearby_count <= kNearby) {
      choose_probes<kProbes>(shared, wanted);
      return true;
    }
    begin = simt::add(begin, simt::div(simt::from_int(bin), bins_per_unit));
    bins_per_unit = simt::mul(bins_per_unit, kEnd);
  }
  return false;
}

/// Moves `low` to the largest key below `high` whose tail reaches the target, and puts the tail's mass into
/// shared.kept_mass; false where not even that of `low` does. `probe` gives each half warp the tail of its own key. The
/// keys tried first are shared.probes if `chosen`, between neighbours of which there is no token; then such at equal
/// distances.
template <std::int32_t kProbes, class Probe>
SIMT_DEVICE bool settle(Shared& shared, const Probe& probe, const Target& target, bool chosen, std::int32_t& low,
                        std::int32_t high) {
  const std::int32_t half = simt::thread() / kLaneCount;
  const std::int32_t mine = half < kProbes ? half : kProbes - 1;
  bool low_reaches = false;
  do {
    // Up to 2^32, and never negative.
    const std::uint64_t range = static_cast<std::uint64_t>(std::int64_t{high} - low);
    // In descending order.
    const auto key_at = [&](std::int32_t place) {
      const std::uint32_t share = static_cast<std::uint32_t>(kProbes - 1 - place);
      const std::int64_t divided = low + static_cast<std::int64_t>(range * share / kProbes);
      const std::int32_t key = chosen ? shared.probes[place] : static_cast<std::int32_t>(divided);
      return key > low ? key : low;
    };
    const std::int32_t key = key_at(mine);
    const Tail tail = probe(key);
    const bool reaches = key < high && tail.count >= target.count && tail.mass >= target.mass;
    const std::int32_t reached = simt::count_in_block(reaches && half < kProbes && simt::thread() % kLaneCount == 0);
    if (half == kProbes - reached && simt::thread() % kLaneCount == 0) shared.kept_mass = tail.mass;
    if (reached == 0 && !chosen) return false;
    const std::int32_t above = reached < kProbes ? key_at(kProbes - 1 - reached) : high;
    if (reached > 0) {
      low = key_at(kProbes - reached);
      low_reaches = true;
    }
    if (above > low && above < high) high = above;
    if (chosen && reached > 0 && reached < kProbes) return true;
    chosen = false;
  } while (!low_reaches || std::int64_t{high} - low > 1);
  return true;
}

/// The largest key whose tail reaches the target; `low`, at which everything is kept, where only everything does or not
/// even that.
SIMT_DEVICE std::int32_t find_threshold(Search& search, const Target& target, std::int32_t low) {
  Shared& shared = search.shared;
  const Logits& logits = search.logits;
  std::int32_t high = key_of(search.largest) + 1;
  if (search.lists.fit) {
    const auto each = [&](const auto& visit) {
      for (std::int32_t at = simt::thread(); at < search.lists.depth * kLaneCount; at += kThreads) {
        const float value = shared.list.entry[at].value;
        if (value == value) visit(value);
      }
    };
    const auto tail_from = [&](std::int32_t key) { return tail_of_lists(shared, search.lists, key); };
    std::int32_t reached = search.lists.bound > low ? search.lists.bound : low;
    const bool all = reached == low;
    const bool chosen = find_probes<kListProbes>(search, target, all, each);
    if (settle<kListProbes>(shared, tail_from, target, chosen, reached, high)) return reached;
    if (all) return low;
    high = reached;
  }
  search.lists.fit = false;
  const auto each = [&](const auto& visit) {
    for (std::int32_t group = simt::thread(); group < groups_of(logits); group += kThreads) {
      const Four four = load_four(logits, group);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        if ((four.allowed >> i & 1u) != 0) visit(four.value[i]);
      }
    }
  };
  const auto tail_from = [&](std::int32_t key) { return tail_of_row(shared, logits, search.top, key); };
  const bool chosen = find_probes<kRowProbes>(search, target, true, each);
  settle<kRowProbes>(shared, tail_from, target, chosen, low, high);
  return low;
}

/// top-k, then top-p of what it kept: the key of sampler::kept_band's set. `kept` is the sum of all weights.
SIMT_DEVICE std::int32_t keep_threshold(Search& search, std::int32_t top_k, float top_p, float kept) {
  std::int32_t threshold = kLowestKey;
#pragma unroll 1
  for (const bool by_count : {true, false}) {
    Target target = {top_k, 0.0f};
    if (by_count) {
      if (top_k <= 0 || top_k >= search.logits.n) continue;
    } else {
      if (top_p >= 1.0f || kept != kept) continue;  // nothing reaches NaN
      target = {0, simt::mul(top_p, kept)};
    }
    threshold = find_threshold(search, target, threshold);
    if (threshold > kLowestKey) {
      simt::sync_block();
      kept = search.shared.kept_mass;
    }
  }
  return threshold;
}

}  // namespace
}  // namespace faultline::ops::cuda
