// Finds how far down an order of tokens one must go until those kept reach a target, in few passes over the row of
// logits and without sorting it. The answer is defined without reference to the search: the largest key for which the
// tokens with that key or a greater one reach the target. Only speed depends on how it is found.
#pragma once

#include <cstdint>

#include "native/ops/ops.h"
#include "native/sampler/truncation.h"

namespace faultline::sampler {

/// In which order tokens are kept: the greatest key first. A key depends on the logit alone, so equal logits are kept
/// or cut off together, and the tokens with a key of at least k are always a band of logits.
class KeepOrder {
 public:
  virtual ~KeepOrder() = default;
  virtual float key(float logit) const = 0;
  /// Exactly the logits with key(logit) >= key. Grows as the key falls; holds all logits for -infinity.
  virtual ops::Band band(float key) const = 0;
};

/// What the kept tokens must reach together: `count` of them, or `mass` (in units of ops::Tail::mass). A target of 0 is
/// always reached.
struct KeepTarget {
  std::int32_t count = 0;
  float mass = 0;
};

/// Where to look first.
struct KeepHint {
  float first_key;  // no key is greater
  float width;      // how far below it the tokens that matter are likely to stand
};

/// The smallest band of that order whose tokens, of those that `row` has kept so far, reach the target (ties with the
/// last of them belong to it), within what was kept. Everything that was kept where only all together reach it, or not
/// even they.
ops::Band find_band(const TruncatedRow& row, const KeepOrder& order, const KeepHint& hint, const KeepTarget& target);

/// find_band for the order in which the likeliest come first.
ops::Band find_likeliest(const TruncatedRow& row, const KeepTarget& target);

}  // namespace faultline::sampler
