// The draw of every row's next token, and the row's move to it. Results are sampler::draw_token's to the bit (sampler.h
// and ops.h define them; the searches there are the CPU's own way to the same sets). Not here: what the host does with
// a token, and constraints on the text.
//
// One block draws for one row, so that few rows are in flight and their logits are read from memory once, then from the
// L2 cache. First come the largest logits, of all tokens and of those allowed. Then the sums, whose order is fixed:
// token i belongs to lane i % 16, ascending. Most warps compute the exponentials of one tile of the row while two warps
// add up those of the tile before.
//
// With top-k or top-p, the threshold is next. The tokens near the largest logit are collected in lists, one for each of
// the 16 lanes, in ascending order, so that 16 threads get the sum of a tail to the bit from the lists alone. That sum
// only grows with the set of tokens, rounded or not, so the threshold is found by dividing the floats in between, many
// thresholds at a time. Rows that are too flat for the lists are searched as they are.
//
// Last comes the largest perturbed logit, of the lists where they hold all kept tokens, of the row otherwise.
#include <cstdint>

#include "native/ops/cuda/math.h"
#include "native/ops/cuda/queue.h"

namespace faultline::ops::cuda {
namespace {

constexpr std::int32_t kLaneCount = 16;
/// Warps that add up tiles: one for the sum and the weighted sum at temperature 1, one for the sum of the filters.
constexpr std::int32_t kChainThreads = 64;
/// Threads that fill tiles, four tokens each.
constexpr std::int32_t kFillThreads = 512;
constexpr std::int32_t kThreads = kChainThreads + kFillThreads;
constexpr std::int32_t kWarps = kThreads / 32;
constexpr std::int32_t kHalfWarps = kThreads / kLaneCount;
constexpr std::int32_t kTile = 4 * kFillThreads;
/// Values that a tile keeps of a token: weight and distance to the largest at temperature 1, weight for the filters.
constexpr std::int32_t kTileValues = 3;
/// Most tokens in the list of one lane: their keys and weights lie where the two tiles were.
constexpr std::int32_t kListDepth = 2 * kTileValues * kTile / (2 * kLaneCount);
/// How far below the largest scaled logit tokens are collected at first. Of 50257 tokens, those further down weigh at
/// most 50257 e^-8 = 17 times the first, and in the peaked rows of a trained model far less than one percent of it.
constexpr float kWidth = 8.0f;
/// How often the lists are made anew, each time half or twice as wide, before the row itself is searched.
constexpr int kGathers = 3;
/// Thresholds that one pass over the lists tries: a power of two, for the division in narrow().
constexpr std::int32_t kListProbes = 32;
/// Thresholds that one pass over the row tries, likewise: four warps, about as fast as the other warps fill a tile.
constexpr std::int32_t kRowProbes = 8;

/// Floats as integers of the same order, zeros and subnormals (which arithmetic takes for zeros) as 0.
SIMT_DEVICE std::int32_t key_of(float value) {
  const std::uint32_t bits = simt::as_bits(value);
  if ((bits & 0x7F800000u) == 0) return 0;
  return static_cast<std::int32_t>(bits >> 31 != 0 ? 0x80000000u - bits : bits);
}
SIMT_DEVICE float value_of(std::int32_t key) {
  const std::uint32_t bits = static_cast<std::uint32_t>(key);
  return simt::as_float(key < 0 ? 0x80000000u - bits : bits);
}
/// The key of -infinity, at or below those of all logits; and one below all keys, for places that hold no token.
constexpr std::int32_t kLowestKey = -0x7F800000;
constexpr std::int32_t kNoKey = kLowestKey - 1;

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
SIMT_DEVICE bool allowed(const Logits& logits, std::int32_t token) {
  return logits.mask == nullptr || (logits.mask[token / 64] >> (token % 64) & 1u) != 0;
}
SIMT_DEVICE std::int32_t groups_of(const Logits& logits) { return (logits.n + 3) / 4; }

/// exp(scaled logit - top) as softmax_stats and tail compute it: their ways around infinities give the same weights.
SIMT_DEVICE float filter_weight(const Logits& logits, float value, float top) {
  return exact_exp(simt::sub(simt::mul(value, logits.inv_temperature), top));
}

struct alignas(16) Float4 {
  float x, y, z, w;
};
SIMT_DEVICE void store_four(float* to, const float (&from)[4]) {
  *reinterpret_cast<Float4*>(to) = {from[0], from[1], from[2], from[3]};
}

struct alignas(16) Shared {
  float tiles[2][kTileValues][kTile];
  std::int32_t list_token[kListDepth * kLaneCount];  // entry e of lane l at 16 e + l
  std::int32_t half_count[kHalfWarps * kLaneCount];
  std::int32_t lane_count[kLaneCount];  // tokens in each list, or more than kListDepth where they did not fit
  float warp_score[kWarps];
  float warp_other[kWarps];
  std::int32_t warp_token[kWarps];
  float sum;
  float weighted;
  float filter_sum;
  float kept_mass;
};
// The lists' keys and weights take the place of the tiles once these are added up.
SIMT_DEVICE std::int32_t* list_key(Shared& shared) { return reinterpret_cast<std::int32_t*>(&shared.tiles[0][0][0]); }
SIMT_DEVICE float* list_weight(Shared& shared) { return &shared.tiles[1][0][0]; }
static_assert(kListDepth * kLaneCount == kTileValues * kTile, "one tile holds the keys, the other the weights");

/// Every thread gets the block's largest `all` and `some`.
SIMT_DEVICE void largest_in_block(Shared& shared, float& all, float& some) {
  for (std::int32_t half = 16; half > 0; half /= 2) {
    all = max_of(all, simt::shuffle_xor(all, half));
    some = max_of(some, simt::shuffle_xor(some, half));
  }
  if (simt::lane() == 0) {
    shared.warp_score[simt::warp()] = all;
    shared.warp_other[simt::warp()] = some;
  }
  simt::sync_block();
  for (std::int32_t i = 0; i < kWarps; ++i) {
    all = max_of(shared.warp_score[i], all);
    some = max_of(shared.warp_other[i], some);
  }
}

/// The largest logit of all tokens and of those allowed, for every thread. NaN is passed over.
SIMT_DEVICE void find_largest(Shared& shared, const Logits& logits, float& all, float& some) {
  all = kMinusInfinity;
  some = kMinusInfinity;
  std::int32_t group = simt::thread();
  if (logits.aligned && logits.mask == nullptr) {
    // Memory is what this pass waits for: several loads at a time.
    constexpr std::int32_t kLoads = 4;
    for (; group + (kLoads - 1) * kThreads < logits.n / 4; group += kLoads * kThreads) {
      simt::Word4 words[kLoads];
#pragma unroll
      for (std::int32_t i = 0; i < kLoads; ++i) words[i] = simt::load4(logits.values + 4 * (group + i * kThreads));
#pragma unroll
      for (std::int32_t i = 0; i < kLoads; ++i) {
        all = max_of(simt::as_float(words[i].x), all);
        all = max_of(simt::as_float(words[i].y), all);
        all = max_of(simt::as_float(words[i].z), all);
        all = max_of(simt::as_float(words[i].w), all);
      }
    }
    some = all;
  }
  for (; group < groups_of(logits); group += kThreads) {
    const Four four = load_four(logits, group);
#pragma unroll
    for (std::int32_t i = 0; i < 4; ++i) {
      all = max_of(four.value[i], all);
      if ((four.allowed >> i & 1u) != 0) some = max_of(four.value[i], some);
    }
  }
  largest_in_block(shared, all, some);
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

/// What add_up() gathers beside the sums at temperature 1.
struct Filters {
  bool on;
  bool same_weights;   // the temperature is 1 and the largest logit is allowed
  float top;           // the largest allowed scaled logit
  std::int32_t bound;  // tokens at or above are collected
};

/// Four tokens' values in a tile. The filters' weight carries a sign where the token is collected.
SIMT_DEVICE void fill_tile(const Logits& logits, const Filters& filters, const Four& four, float top,
                           float (&tile)[kTileValues][kTile], std::int32_t at) {
  float weight[4], distance[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    distance[i] = max_of(-200.0f, simt::sub(four.value[i], top));
    weight[i] = exact_exp(distance[i]);
  }
  store_four(&tile[0][at], weight);
  store_four(&tile[1][at], distance);
  if (!filters.on) return;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (!filters.same_weights) weight[i] = filter_weight(logits, four.value[i], filters.top);
    const bool is_allowed = (four.allowed >> i & 1u) != 0;
    const std::uint32_t collected = key_of(four.value[i]) >= filters.bound ? 1u << 31 : 0u;
    weight[i] = is_allowed ? simt::as_float(simt::as_bits(weight[i]) | collected) : 0.0f;
  }
  store_four(&tile[2][at], weight);
}

/// Sums over the row into shared.sum, weighted and filter_sum; tokens at or above filters.bound into the lists.
SIMT_DEVICE void add_up(Shared& shared, const Logits& logits, const Filters& filters, float top) {
  const std::int32_t tiles = (logits.n + kTile - 1) / kTile;
  const std::int32_t filler = simt::thread() - kChainThreads;
  const std::int32_t lane = simt::lane() % kLaneCount;
  const bool upper = simt::lane() >= kLaneCount;
  const bool chain = simt::warp() == 0, filter_chain = simt::warp() == 1 && filters.on;
  float sum = 0.0f;
  std::int32_t collected = 0;
  Four four{};
  if (filler >= 0) four = load_four(logits, filler);
  for (std::int32_t tile = 0; tile <= tiles; ++tile) {
    if (filler >= 0 && tile < tiles) {
      // The next tile's loads are on their way while this one's exponentials are computed.
      const Four next = load_four(logits, (tile + 1) * kFillThreads + filler);
      fill_tile(logits, filters, four, top, shared.tiles[tile % 2], 4 * filler);
      four = next;
    }
    if (tile > 0 && (chain || filter_chain)) {
      const std::int32_t begin = (tile - 1) * kTile;
      const std::int32_t left = logits.n - begin;
      const std::int32_t steps = ((left < kTile ? left : kTile) + kLaneCount - 1) / kLaneCount;
      const auto& values = shared.tiles[(tile - 1) % 2];
      if (chain) {
        // Lanes 0 to 15 hold the sum, where a product with 1 changes nothing; lanes 16 to 31 the weighted sum.
#pragma unroll 8
        for (std::int32_t step = 0; step < steps; ++step) {
          const std::int32_t at = step * kLaneCount + lane;
          const float distance = values[1][at];
          sum = simt::fma(values[0][at], upper ? distance : 1.0f, sum);
        }
      } else {
#pragma unroll 8
        for (std::int32_t step = 0; step < steps; ++step) {
          const std::int32_t at = step * kLaneCount + lane;
          const std::uint32_t bits = simt::as_bits(values[2][at]);
          sum = simt::add(sum, simt::as_float(bits & 0x7FFFFFFFu));
          if (bits >> 31 != 0) {
            if (!upper && collected < kListDepth) shared.list_token[collected * kLaneCount + lane] = begin + at;
            ++collected;
          }
        }
      }
    }
    simt::sync_block();
  }
  if (chain) {
    sum = fold16(sum);
    if (simt::lane() == 0) shared.sum = sum;
    if (simt::lane() == kLaneCount) shared.weighted = sum;
  } else if (filter_chain) {
    sum = fold16(sum);
    if (simt::lane() == 0) shared.filter_sum = sum;
    if (!upper) shared.lane_count[lane] = collected;
  }
  simt::sync_block();
}

/// The allowed tokens at or above `bound`, where they fit.
struct Lists {
  std::int32_t bound;
  std::int32_t depth;  // of the longest
  bool fit;
};

/// Completes the lists of list_token and lane_count by keys and weights.
SIMT_DEVICE Lists complete_lists(Shared& shared, const Logits& logits, float top, std::int32_t bound) {
  Lists lists = {bound, 0, true};
  for (std::int32_t lane = 0; lane < kLaneCount; ++lane) {
    const std::int32_t count = shared.lane_count[lane];
    lists.depth = count > lists.depth ? count : lists.depth;
  }
  lists.fit = lists.depth <= kListDepth;
  if (!lists.fit) return lists;
  for (std::int32_t at = simt::thread(); at < lists.depth * kLaneCount; at += kThreads) {
    const bool filled = at / kLaneCount < shared.lane_count[at % kLaneCount];
    const float value = filled ? logits.values[shared.list_token[at]] : 0.0f;
    list_key(shared)[at] = filled ? key_of(value) : kNoKey;
    list_weight(shared)[at] = filled ? filter_weight(logits, value, top) : 0.0f;
  }
  simt::sync_block();
  return lists;
}

/// Makes the lists anew. Each half warp takes a stretch of the row, so that lane l of all of them sees the tokens of
/// list l: counted first, then written behind those of the stretches before.
SIMT_DEVICE Lists gather(Shared& shared, const Logits& logits, float top, std::int32_t bound) {
  const std::int32_t half = simt::thread() / kLaneCount, lane = simt::thread() % kLaneCount;
  const std::int32_t stretch = ((logits.n + kLaneCount - 1) / kLaneCount + kHalfWarps - 1) / kHalfWarps * kLaneCount;
  const std::int32_t begin = half * stretch + lane;
  const std::int32_t end = (half + 1) * stretch < logits.n ? (half + 1) * stretch : logits.n;
  const auto collected = [&](std::int32_t token) {
    return key_of(logits.values[token]) >= bound && allowed(logits, token);
  };
  simt::sync_block();  // others may still read the lists before
  std::int32_t count = 0;
#pragma unroll 4
  for (std::int32_t token = begin; token < end; token += kLaneCount) count += collected(token) ? 1 : 0;
  shared.half_count[simt::thread()] = count;
  simt::sync_block();
  std::int32_t place = 0, total = 0;
  for (std::int32_t other = 0; other < kHalfWarps; ++other) {
    const std::int32_t found = shared.half_count[other * kLaneCount + lane];
    total += found;
    if (other < half) place += found;
  }
  if (half == 0) shared.lane_count[lane] = total;
#pragma unroll 4
  for (std::int32_t token = begin; token < end; token += kLaneCount) {
    if (!collected(token)) continue;
    if (place < kListDepth) shared.list_token[place * kLaneCount + lane] = token;
    ++place;
  }
  simt::sync_block();
  return complete_lists(shared, logits, top, bound);
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
SIMT_DEVICE Tail tail_of_lists(Shared& shared, const Lists& lists, std::int32_t key) {
  const std::int32_t lane = simt::thread() % kLaneCount;
  std::int32_t count = 0;
  float sum = 0.0f;
#pragma unroll 4
  for (std::int32_t entry = 0; entry < lists.depth; ++entry) {
    const bool kept = list_key(shared)[entry * kLaneCount + lane] >= key;
    count += kept ? 1 : 0;
    sum = simt::add(sum, kept ? list_weight(shared)[entry * kLaneCount + lane] : 0.0f);
  }
  return fold_tail(count, sum);
}

/// The same from the row itself, for the first kRowProbes half warps; the whole block takes part. Overwrites the lists.
SIMT_DEVICE Tail tail_of_row(Shared& shared, const Logits& logits, float top, std::int32_t key) {
  const std::int32_t lane = simt::thread() % kLaneCount;
  const bool adds = simt::thread() < kRowProbes * kLaneCount;
  std::int32_t* const keys = list_key(shared);
  float* const weights = list_weight(shared);
  std::int32_t count = 0;
  float sum = 0.0f;
  for (std::int32_t begin = 0; begin < logits.n; begin += kTile) {
    simt::sync_block();
    for (std::int32_t at = 4 * simt::thread(); at < kTile; at += 4 * kThreads) {
      const Four four = load_four(logits, (begin + at) / 4);
      float weight[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        keys[at + i] = (four.allowed >> i & 1u) != 0 ? key_of(four.value[i]) : kNoKey;
        weight[i] = filter_weight(logits, four.value[i], top);
      }
      store_four(weights + at, weight);
    }
    simt::sync_block();
    const std::int32_t left = logits.n - begin;
    const std::int32_t values = adds ? (left < kTile ? left : kTile) : 0;
#pragma unroll 4
    for (std::int32_t at = lane; at < values; at += kLaneCount) {
      const bool kept = keys[at] >= key;
      count += kept ? 1 : 0;
      sum = simt::add(sum, kept ? weights[at] : 0.0f);
    }
  }
  return fold_tail(count, sum);
}

/// sampler::TailTarget.
struct Target {
  std::int32_t count;
  float mass;
};

/// Moves `low` to the largest key below `high` whose tail reaches the target; false where not even that of `low` does.
/// `probe` gives each half warp the tail of its own key, and kProbes of them try keys at equal distances.
template <std::int32_t kProbes, class Probe>
SIMT_DEVICE bool narrow(const Probe& probe, const Target& target, std::int32_t& low, std::int32_t high) {
  const std::int32_t half = simt::thread() / kLaneCount;
  const std::int32_t mine = half < kProbes ? half : kProbes - 1;
  do {
    // Up to 2^32, and never negative.
    const std::uint64_t range = static_cast<std::uint64_t>(std::int64_t{high} - low);
    const auto key_at = [&](std::int32_t share) {
      return static_cast<std::int32_t>(low +
                                       static_cast<std::int64_t>(range * static_cast<std::uint32_t>(share) / kProbes));
    };
    const Tail tail = probe(key_at(mine));
    const bool reaches = tail.count >= target.count && tail.mass >= target.mass;
    const std::int32_t reached = simt::count_in_block(reaches && half < kProbes && simt::thread() % kLaneCount == 0);
    if (reached == 0) return false;
    if (reached < kProbes) high = key_at(reached);
    low = key_at(reached - 1);
  } while (std::int64_t{high} - low > 1);
  return true;
}

/// What the search for the threshold works on. `lists` are made anew where that helps, and of no use once the row
/// itself was searched.
struct Search {
  Shared& shared;
  const Logits& logits;
  float top;      // largest allowed scaled logit
  float largest;  // largest allowed logit
  float width;    // of the lists, in scaled logits
  Lists lists;
};

/// The key that lies `width` below the largest logit. How exact that is does not matter.
SIMT_DEVICE std::int32_t key_below(float largest, float width, float inv_temperature) {
  return key_of(simt::sub(largest, simt::div(width, inv_temperature)));
}

/// The largest key whose tail reaches the target; `low`, at which everything is kept, where only everything does or not
/// even that.
SIMT_DEVICE std::int32_t find_threshold(Search& search, const Target& target, std::int32_t low) {
  const auto of_lists = [&](std::int32_t key) { return tail_of_lists(search.shared, search.lists, key); };
  const auto of_row = [&](std::int32_t key) { return tail_of_row(search.shared, search.logits, search.top, key); };
  const auto gather_from = [&](std::int32_t bound) {
    search.lists = gather(search.shared, search.logits, search.top, bound);
  };
  std::int32_t high = key_of(search.largest) + 1;
  // What top-k keeps is often few enough for the lists.
  if (low > kLowestKey && !search.lists.fit) gather_from(low);
  bool halved = false, doubled = false;
  for (int gathers = 0;; ++gathers) {
    if (search.lists.fit) {
      std::int32_t reached = search.lists.bound > low ? search.lists.bound : low;
      const bool all = reached == low;
      if (narrow<kListProbes>(of_lists, target, reached, high)) return reached;
      if (all) return low;
      high = reached;
      if (halved || gathers == kGathers) break;
      doubled = true;
      search.width = simt::mul(search.width, 2.0f);
    } else {
      if (doubled || low > kLowestKey || gathers == kGathers) break;
      halved = true;
      search.width = simt::mul(search.width, 0.5f);
    }
    gather_from(key_below(search.largest, search.width, search.logits.inv_temperature));
  }
  search.lists.fit = false;
  narrow<kRowProbes>(of_row, target, low, high);
  return low;
}

/// top-k, then top-p of what it kept: the key of sampler::keep_threshold's set.
SIMT_DEVICE std::int32_t keep_threshold(Search& search, std::int32_t top_k, float top_p) {
  Shared& shared = search.shared;
  std::int32_t threshold = kLowestKey;
  float kept = shared.filter_sum;
  if (top_k > 0 && top_k < search.logits.n) {
    threshold = find_threshold(search, {top_k, 0.0f}, threshold);
    if (top_p < 1.0f && threshold > kLowestKey) {
      const bool listed = search.lists.fit && search.lists.bound <= threshold;
      const Tail tail = listed ? tail_of_lists(shared, search.lists, threshold)
                               : tail_of_row(shared, search.logits, search.top, threshold);
      if (simt::thread() == 0) shared.kept_mass = tail.mass;
      simt::sync_block();
      kept = shared.kept_mass;
    }
  }
  if (top_p < 1.0f) threshold = find_threshold(search, {0, simt::mul(top_p, kept)}, threshold);
  return threshold;
}

/// The random numbers of a draw.
struct Randomness {
  std::uint64_t key;
  std::uint32_t sample;
  std::uint32_t position;
  bool greedy;  // reads none
};
SIMT_DEVICE PhiloxWords words_of(const Randomness& random, std::int32_t group) {
  constexpr std::uint32_t kAttempt = 0, kTokenStream = 0;  // DrawArgs::attempt, sampler::kTokenStream
  return philox4x32_10(random.key, random.sample, random.position, kAttempt << 16 | static_cast<std::uint32_t>(group),
                       kTokenStream);
}

/// Tokens compete in one thread: those that come after `last` in the order of before(), for the best among them.
struct Contest {
  Best last;
  float limit;  // the winner's score is no lower
  Best best;
};

SIMT_DEVICE void offer(Contest& contest, float score, std::int32_t token) {
  const Best offered = {score, token};
  if (score > kMinusInfinity && before(contest.last, offered) && before(offered, contest.best)) contest.best = offered;
}

/// Whether a score of at most `bound` may still win. Bounds of rounded sums hold, for rounding is monotonic.
SIMT_DEVICE bool may_win(const Contest& contest, float bound) {
  return bound >= contest.limit && bound >= contest.best.score;
}

SIMT_DEVICE void compete(Contest& contest, float scaled, std::uint32_t word, std::int32_t token) {
  const float u = uniform(word);
  if (may_win(contest, simt::add(scaled, gumbel_bound(u)))) offer(contest, simt::add(scaled, gumbel(u)), token);
}

/// Every allowed token of the row at or above `threshold`.
SIMT_DEVICE void compete_in_row(Contest& contest, const Logits& logits, const Randomness& random, float threshold) {
#pragma unroll 2
  for (std::int32_t group = simt::thread(); group < groups_of(logits); group += kThreads) {
    const Four four = load_four(logits, group);
    float scaled[4];
    float largest = kMinusInfinity;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const bool kept = (four.allowed >> i & 1u) != 0 && four.value[i] >= threshold;
      scaled[i] = kept ? simt::mul(four.value[i], logits.inv_temperature) : kMinusInfinity;
      largest = max_of(scaled[i], largest);
    }
    if (!may_win(contest, random.greedy ? largest : simt::add(largest, kLargestGumbel))) continue;
    if (random.greedy) {
#pragma unroll
      for (int i = 0; i < 4; ++i) offer(contest, scaled[i], 4 * group + i);
    } else {
      const PhiloxWords words = words_of(random, group);
#pragma unroll
      for (int i = 0; i < 4; ++i) compete(contest, scaled[i], words.word[i], 4 * group + i);
    }
  }
}

/// Every token of the lists at or above the key `threshold`.
SIMT_DEVICE void compete_in_lists(Contest& contest, Shared& shared, const Lists& lists, const Logits& logits,
                                  const Randomness& random, std::int32_t threshold) {
  for (std::int32_t at = simt::thread(); at < lists.depth * kLaneCount; at += kThreads) {
    const std::int32_t key = list_key(shared)[at];
    if (key < threshold) continue;
    const std::int32_t token = shared.list_token[at];
    const float scaled = simt::mul(value_of(key), logits.inv_temperature);
    if (!may_win(contest, simt::add(scaled, kLargestGumbel))) continue;
    const PhiloxWords words = words_of(random, token / 4);
    const std::uint32_t low = token % 2 == 0 ? words.word[0] : words.word[1];
    const std::uint32_t high = token % 2 == 0 ? words.word[2] : words.word[3];
    compete(contest, scaled, token % 4 < 2 ? low : high, token);
  }
}

/// Moves a row to the token it drew, or ends it. One thread.
SIMT_DEVICE void advance(DeviceRow& row, const DeviceDraw& draw) {
  if (draw.status != DrawStatus::drawn) {
    row.live = 0;
    return;
  }
  row.token = draw.token;
  ++row.position;
  row.write_at = row.suffix_visible++;  // the first token drawn after a prompt starts the suffix
  --row.remaining;
  if (draw.token == row.stop_token || row.remaining <= 0) row.live = 0;
}

/// sampler::draw_token, and the candidates where they are not null. The whole block; every thread gets the draw.
SIMT_DEVICE DeviceDraw draw_token(Shared& shared, const DeviceRow& row, const float* values, std::int32_t vocabulary,
                                  std::int32_t* candidates) {
  const bool greedy = row.temperature == 0.0f;
  const Logits logits = {values, row.mask, vocabulary, reinterpret_cast<std::uintptr_t>(values) % 16 == 0,
                         greedy ? 1.0f : simt::div(1.0f, row.temperature)};
  float top, largest;
  find_largest(shared, logits, top, largest);

  const float scaled_top = simt::mul(largest, logits.inv_temperature);
  const bool filtered = (row.top_k > 0 && row.top_k < vocabulary) || row.top_p < 1.0f;
  // Where scaling leaves float's range, no tail reaches anything and everything is kept.
  const Filters filters = {!greedy && filtered && is_finite(scaled_top),
                           logits.inv_temperature == 1.0f && largest == top, scaled_top,
                           key_below(largest, kWidth, logits.inv_temperature)};
  add_up(shared, logits, filters, top);
  const float sum = shared.sum, weighted = shared.weighted;
  if (!is_finite(top) || !is_finite(sum) || !is_finite(weighted) || sum <= 0.0f)
    return {-1, 0.0f, 0.0f, DrawStatus::not_finite};

  std::int32_t threshold = kLowestKey;
  bool listed = false;
  Search search = {shared, logits, scaled_top, largest, kWidth, {}};
  if (filters.on) {
    search.lists = complete_lists(shared, logits, scaled_top, filters.bound);
    threshold = keep_threshold(search, row.top_k, row.top_p);
    listed = search.lists.fit && search.lists.bound <= threshold;
  }

  const Randomness random = {row.key, row.sample, static_cast<std::uint32_t>(row.position) + 1, greedy};
  Best last = {-kMinusInfinity, -1}, first = {kMinusInfinity, -1};
  const std::int32_t ranks = candidates == nullptr ? 1 : kDeviceCandidates;
  for (std::int32_t rank = 0; rank < ranks; ++rank) {
    // The token with the largest logit competes too and gets no less than this.
    const float least = greedy ? scaled_top : simt::add(scaled_top, kSmallestGumbel);
    Contest contest = {last, rank == 0 ? least : kMinusInfinity, {kMinusInfinity, -1}};
    if (listed) {
      compete_in_lists(contest, shared, search.lists, logits, random, threshold);
    } else {
      compete_in_row(contest, logits, random, value_of(threshold));
    }
    last = best_in_block(shared, contest.best);
    if (rank == 0) first = last;
    if (last.token < 0) break;
    if (candidates != nullptr && simt::thread() == 0) candidates[rank] = last.token;
  }
  if (first.token < 0) return {-1, 0.0f, 0.0f, DrawStatus::nothing_allowed};
  const float log_of_sum = log_sum(sum);
  return {first.token, simt::sub(simt::sub(values[first.token], top), log_of_sum),
          simt::sub(log_of_sum, simt::div(weighted, sum)), DrawStatus::drawn};
}

SIMT_KERNEL(kThreads, 2) sample_rows(DeviceSampleArgs args) {
  simt::inputs_ready();
  Shared& shared = *reinterpret_cast<Shared*>(simt::shared_memory());
  const std::int32_t index = simt::block_x();
  const DeviceRow row = args.rows[index];
  std::int32_t* const candidates =
      args.candidates == nullptr ? nullptr : args.candidates + std::int64_t{index} * kDeviceCandidates;
  // draw_token writes over these, behind a barrier.
  if (candidates != nullptr && simt::thread() < kDeviceCandidates) candidates[simt::thread()] = -1;
  DeviceDraw draw = {-1, 0.0f, 0.0f, DrawStatus::dead};
  if (row.live != 0 && row.remaining > 0) {
    const float* const values = args.first ? row.first_logits : args.logits + index * args.stride;
    draw = draw_token(shared, row, values, args.vocabulary, candidates);
  }
  if (simt::thread() != 0) return;
  args.out[index] = draw;
  advance(args.rows[index], draw);
}

}  // namespace

simt::LaunchStatus sample(const Queue& queue, const DeviceSampleArgs& args) {
  if (args.count == 0) return simt::kLaunched;
  return simt::launch(sample_rows, {args.count, 1, 1}, kThreads, sizeof(Shared), queue.stream, args);
}

std::uint64_t sample_scratch(std::int32_t, std::int32_t) { return 0; }

}  // namespace faultline::ops::cuda
