// The sampler's draw: the largest perturbed logit among the kept tokens, of the lists or of the row. Included by
// sample.cu alone.
#pragma once

#include "native/ops/cuda/sample_row.h"
#include "native/ops/cuda/sample_threshold.h"

namespace faultline::ops::cuda {
namespace {

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

/// Every allowed token of the row at or above `threshold`; the whole block.
SIMT_DEVICE void compete_in_row(Contest& contest, Shared& shared, const Logits& logits, const Randomness& random,
                                float threshold) {
  const auto compete_in_group = [&](const Four& four, std::int32_t group) {
    float scaled[4];
    float largest = kMinusInfinity;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const bool kept = (four.allowed >> i & 1u) != 0 && four.value[i] >= threshold;
      scaled[i] = kept ? simt::mul(four.value[i], logits.inv_temperature) : kMinusInfinity;
      largest = max_of(scaled[i], largest);
    }
    if (!may_win(contest, random.greedy ? largest : simt::add(largest, kLargestGumbel))) return;
    if (random.greedy) {
#pragma unroll
      for (int i = 0; i < 4; ++i) offer(contest, scaled[i], 4 * group + i);
      return;
    }
    const PhiloxWords words = words_of(random, group);
    // One bound for all four: conversions are slow, and hardly any group gets past it.
    std::uint32_t least = words.word[0];
#pragma unroll
    for (int i = 1; i < 4; ++i) least = words.word[i] < least ? words.word[i] : least;
    if (!may_win(contest, simt::add(largest, gumbel_bound(uniform(least))))) return;
    for (int i = 0; i < 4; ++i) compete(contest, scaled[i], words.word[i], 4 * group + i);
  };
  Four next = load_four(logits, simt::thread());
  for (std::int32_t first = 0; first < groups_of(logits); first += kThreads) {
    const Four four = next;
    const std::int32_t group = first + simt::thread();
    next = load_four(logits, group + kThreads);
    compete_in_group(four, group);
    // The best of the first tokens shows that most of the others cannot win, in a flat row above all.
    if (first == 0) contest.limit = max_of(best_in_block(shared, contest.best).score, contest.limit);
  }
}

/// Every token of the lists at or above the key `threshold`.
SIMT_DEVICE void compete_in_lists(Contest& contest, const Shared& shared, const Lists& lists, const Logits& logits,
                                  const Randomness& random, std::int32_t threshold) {
  const float from = value_of(threshold);
  for (std::int32_t at = simt::thread(); at < lists.depth * kLaneCount; at += kThreads) {
    const float value = shared.list.entry[at].value;
    if (!(value >= from)) continue;
    const std::int32_t token = shared.list.token[at];
    const float scaled = simt::mul(value, logits.inv_temperature);
    if (!may_win(contest, simt::add(scaled, kLargestGumbel))) continue;
    const PhiloxWords words = words_of(random, token / 4);
    const std::uint32_t low = token % 2 == 0 ? words.word[0] : words.word[1];
    const std::uint32_t high = token % 2 == 0 ? words.word[2] : words.word[3];
    compete(contest, scaled, token % 4 < 2 ? low : high, token);
  }
}

}  // namespace
}  // namespace faultline::ops::cuda
