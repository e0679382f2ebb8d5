// Finds where a monotone property of the tail of a row of logits flips, in few passes over the row. The answer is
// defined without reference to the search: the largest float t for which the tokens with logit >= t satisfy the
// property, rounded down to no lower than the first token it would exclude. Only speed depends on how it is found.
#pragma once

#include <cstdint>

#include "native/ops/ops.h"

namespace faultline::sampler {

/// What the kept tokens must reach together: `count` of them, or `mass` (in units of ops::Tail::mass). A target of 0 is
/// always reached.
struct TailTarget {
  std::int32_t count = 0;
  float mass = 0;
};

/// Returns a threshold whose tail is the smallest set {tokens with logit >= t} that reaches the target (ties with its
/// last token belong to it), or -infinity when only all allowed tokens together reach it, or not even they.
/// `args.threshold` is not read; `max_logit` is the largest allowed raw logit.
float find_threshold(const ops::OpTable& ops, ops::TailArgs args, float max_logit, const TailTarget& target);

}  // namespace faultline::sampler
