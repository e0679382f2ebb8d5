// What a truncation is: a way to keep the tokens that are worth drawing and cut off the rest. One file each, one row
// each in truncations.def; here is what they share. None of them sorts: each returns a band of raw logits, found by
// the position of floats on their line or by a search over sums (threshold_search.h), so that its tokens are the same
// on every instruction set, to the bit, and equal logits share one fate.
#pragma once

#include <span>

#include "native/ops/ops.h"
#include "native/sampler/sampler.h"

namespace faultline::sampler {

/// One row of logits, and what the truncations before this one have kept of it.
struct TruncatedRow {
  const ops::OpTable& ops;
  /// The row, at the temperature, conditioned; `kept` is what the truncations so far keep, `max` is finite.
  ops::TailArgs args;
  float largest_logit;      // no allowed raw logit is larger
  ops::SoftmaxStats whole;  // before any truncation

  bool untouched() const;
  /// The probability mass that is kept so far, in units of ops::Tail::mass.
  float kept_mass() const;
  /// Statistics of the tokens kept so far. One pass over the row, unless it is untouched.
  ops::SoftmaxStats kept_stats() const;
  /// The largest scaled logit that is kept so far.
  float kept_max() const;
  /// log p(token) - log p(likeliest) for the scaled logit `max` of the likeliest one: scaled, rounded, subtracted,
  /// rounded. Never falls as the logit grows.
  float height(float logit, float max) const { return logit * args.inv_temperature - max; }
};

/// A row of truncations.def. All have one number as parameter, by which they can be switched off.
struct Truncation {
  const char* name;   // "top-k", as flags and errors say
  const char* range;  // "0 (off) or more", as errors say
  float (*value)(const SamplingParameters& parameters);
  bool (*in_range)(float value);
  bool (*on)(float value);
  /// What it keeps of a row whose logits are finite or -infinity: a band that holds a token with weight, given one.
  ops::Band (*keep)(const TruncatedRow& row, const SamplingParameters& parameters);

  bool on_for(const SamplingParameters& parameters) const { return on(value(parameters)); }
};

#define FAULTLINE_TRUNCATION(name) extern const Truncation name;
#include "native/sampler/truncations.def"
#undef FAULTLINE_TRUNCATION

/// In the order in which they apply.
std::span<const Truncation* const> truncations();

/// What both hold; nothing where they do not meet.
ops::Band intersection(const ops::Band& a, const ops::Band& b);

}  // namespace faultline::sampler
