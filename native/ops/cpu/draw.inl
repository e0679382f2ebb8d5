// draw: the Gumbel-max argmax over one row of logits, see ops.h. Random numbers and logarithms dominate, so both are
// skipped where they cannot change the result: a token is only perturbed when an upper bound of its score beats the
// best score so far. The bounds hold for the rounded arithmetic too (rounded addition is monotonic), and ties go to the
// earlier token, so skipping never changes a bit.
#include "native/ops/cpu/math.inl"
#include "native/ops/ops.h"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

/// No Gumbel number is larger: the smallest u is 2^-33, where -log1p(-u) >= u and so -log(...) <= 33 ln 2 = 22.8739.
constexpr float kLargestGumbel = 22.875f;

/// An upper bound of gumbel16(u) from u's exponent e alone: -log1p(-u) >= u >= 2^e, so the value is at most -e ln 2.
/// The 0.001 covers the rounding of this line and of gumbel16.
inline F16 gumbel_bound16(F16 u) {
  constexpr float kLog2 = 0.693147181f;
  return fma(to_float(shift_right<23>(as_int(u))), set1(-kLog2), set1(127.0f * kLog2 + 0.001f));
}

/// The words of 64 tokens from `first` (a multiple of 64) on: words[b].lane[i] belongs to token first + 16 b + i.
inline void philox64(const DrawArgs& args, uint32_t first, I16 words[4]) {
  // transpose4 mixes lanes of one group of 4 only. With counter 4 k + q in lane 4 q + k the four results come out in
  // token order.
  alignas(64) static constexpr uint32_t kOrder[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  I16 c0 = iset1(args.sample), c1 = iset1(args.position), c3 = iset1(args.stream);
  I16 c2 = iadd(iload(kOrder), iset1(args.attempt << 16 | first / 4));
  uint32_t key0 = (uint32_t)args.key, key1 = (uint32_t)(args.key >> 32);
  for (int round = 0; round < base::kPhiloxRounds; ++round) {
    I16 high0, low0, high1, low1;
    multiply_wide(c0, base::kPhiloxMultiplier0, high0, low0);
    multiply_wide(c2, base::kPhiloxMultiplier1, high1, low1);
    c0 = ixor(ixor(high1, c1), iset1(key0));
    c1 = low1;
    c2 = ixor(ixor(high0, c3), iset1(key1));
    c3 = low0;
    key0 += base::kPhiloxWeyl0;
    key1 += base::kPhiloxWeyl1;
  }
  transpose4(c0, c1, c2, c3);
  words[0] = c0, words[1] = c1, words[2] = c2, words[3] = c3;
}

/// Takes over the best of 16 scores when it beats `best` strictly; the lowest lane among equals.
inline void keep_best(F16 scores, uint32_t allowed, int32_t first, Draw& best) {
  // max sends NaN to -inf, which never wins.
  const F16 valid = select(mask_from(allowed), max(scores, set1(kMinusInfinity)), set1(kMinusInfinity));
  if (bits_of(greater(valid, set1(best.score))) == 0) return;
  best.score = max_lanes(valid);
  best.token = first + __builtin_ctz(bits_of(equal(valid, set1(best.score))));
}

}  // namespace

Draw draw(const DrawArgs& args) {
  Draw best = {-1, kMinusInfinity};
  const F16 scale = set1(args.inv_temperature);
  const F16 least = set1(args.kept.least), most = set1(args.kept.most);
  for (int32_t first = 0; first < args.n; first += 64) {
    F16 scaled[4];
    uint32_t allowed[4];
    const int blocks = args.n - first >= 64 ? 4 : (args.n - first + 15) / 16;
    F16 largest = set1(kMinusInfinity);
    for (int b = 0; b < blocks; ++b) {
      const int32_t i = first + 16 * b;
      const F16 logits = load_tail(args.logits, i, args.n, kMinusInfinity);
      allowed[b] = allowed_bits(args.mask, i, args.n) & kept_bits(logits, least, most);
      scaled[b] = mul(logits, scale);
      largest = max(select(mask_from(allowed[b]), scaled[b], set1(kMinusInfinity)), largest);
    }
    const F16 bound = args.greedy ? largest : add(largest, set1(kLargestGumbel));
    if (bits_of(greater(bound, set1(best.score))) == 0) continue;
    if (args.greedy) {
      for (int b = 0; b < blocks; ++b) keep_best(scaled[b], allowed[b], first + 16 * b, best);
      continue;
    }
    I16 words[4];
    philox64(args, (uint32_t)first, words);
    for (int b = 0; b < blocks; ++b) {
      const F16 u = uniform16(words[b]);
      const F16 reach = add(scaled[b], gumbel_bound16(u));
      if ((bits_of(greater(reach, set1(best.score))) & allowed[b]) == 0) continue;
      keep_best(add(scaled[b], gumbel16(u)), allowed[b], first + 16 * b, best);
    }
  }
  return best;
}

}  // namespace faultline::ops::FAULTLINE_VEC
