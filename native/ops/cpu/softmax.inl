// softmax_stats, tail, gather and log_sum over one row of logits, see ops.h.
#include "native/ops/cpu/math.inl"
#include "native/ops/ops.h"

namespace faultline::ops::FAULTLINE_VEC {

SoftmaxStats softmax_stats(const SoftmaxStatsArgs& args) {
  const F16 scale = set1(args.inv_temperature), nothing = set1(kMinusInfinity);
  const F16 least = set1(args.kept.least), most = set1(args.kept.most);
  // Every token drawn takes these sums over the whole row once, so that the band costs them nothing.
  const bool banded = args.kept.least != kMinusInfinity || args.kept.most != -kMinusInfinity;
  // Tokens that are left out become -inf and so weigh nothing; no branch on the mask.
  const auto scaled = [&](int32_t i) {
    const F16 logits = load_tail(args.logits, i, args.n, 0.0f);
    uint32_t allowed = allowed_bits(args.mask, i, args.n);
    if (banded) allowed &= kept_bits(logits, least, most);
    return select(mask_from(allowed), mul(logits, scale), nothing);
  };
  // Scaling keeps the order, so that the largest logit scaled is the largest scaled logit.
  float top = args.largest * args.inv_temperature;
  if (args.largest != args.largest) {
    F16 largest = nothing;
    for (int32_t i = 0; i < args.n; i += 16) largest = max(scaled(i), largest);
    top = max_lanes(largest);
  }
  if (top == kMinusInfinity) return {top, 0.0f, 0.0f};

  F16 sum = set1(0.0f), weighted = set1(0.0f);
  for (int32_t i = 0; i < args.n; i += 16) {
    // exp is 0 long before -200; the bound only keeps 0 * -inf from making a NaN.
    const F16 distance = max(set1(-200.0f), sub(scaled(i), set1(top)));
    const F16 weight = exp16(distance);
    sum = add(sum, weight);
    weighted = fma(weight, distance, weighted);
  }
  return {top, sum_lanes(sum), sum_lanes(weighted)};
}

Tail tail(const TailArgs& args) {
  const F16 least = set1(args.kept.least), most = set1(args.kept.most), zero = set1(0.0f);
  F16 sum = zero;
  int32_t count = 0;
  for (int32_t i = 0; i < args.n; i += 16) {
    const F16 logits = load_tail(args.logits, i, args.n, 0.0f);
    const uint32_t kept = kept_bits(logits, least, most) & allowed_bits(args.mask, i, args.n);
    // Most blocks keep nothing once the band is near its place; adding zeros would change no bit.
    if (kept == 0) continue;
    count += __builtin_popcount(kept);
    const F16 weight = exp16(sub(mul(logits, set1(args.inv_temperature)), set1(args.max)));
    sum = add(sum, select(mask_from(kept), weight, zero));
  }
  return {count, sum_lanes(sum)};
}

int32_t gather(const GatherArgs& args) {
  const F16 least = set1(args.kept.least), most = set1(args.kept.most), nothing = set1(__builtin_nanf(""));
  int32_t filled = 0;
  for (int32_t i = 0; i < args.n; i += 16) {
    const F16 logits = load_tail(args.logits, i, args.n, 0.0f);
    const uint32_t kept = kept_bits(logits, least, most) & allowed_bits(args.mask, i, args.n);
    if (kept == 0) continue;
    if (filled == args.room) return -1;
    store(args.out + filled, select(mask_from(kept), logits, nothing));
    filled += 16;
  }
  return filled;
}

float log_sum(float sum) { return sum == 0.0f ? kMinusInfinity : lane(log16(set1(sum)), 0); }

}  // namespace faultline::ops::FAULTLINE_VEC
