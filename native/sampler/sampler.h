// From one row of logits to one token: greedy, or drawn with temperature, top-k and top-p, without sorting the
// vocabulary. Stateless: random numbers come from counters. Knows no text, no batch and no model.
//
// The order is Hugging Face's: temperature, then top-k, then top-p, whose mass is relative to what top-k kept. Tokens
// that tie with the last one kept are kept too, by top-k and by top-p alike, so that the result does not depend on an
// order among equals.
//
// Two kinds of mask must not be confused. `condition` says what is known about the text (healing: the prompt's last
// bytes); the distribution is conditioned on it before anything else, so top-k and top-p act on the conditional
// distribution. A decoding constraint instead applies after top-k and top-p; there is none yet, and it will be an
// argument of its own.
#pragma once

#include <cstdint>

#include "native/ops/ops.h"

namespace faultline::sampler {

struct SamplingParameters {
  float temperature = 1;   // 0: greedy, the other two are not used
  std::int32_t top_k = 0;  // 0: off
  float top_p = 1;         // 1: off
};

/// Throws Error(usage) that names the parameter and its range when one is out of it.
void validate(const SamplingParameters& parameters);

/// Which random numbers a draw reads: the Philox key and counter, but for the word's block (ops.h, DrawArgs).
struct DrawKey {
  std::uint64_t key;       // experiment seed XOR hash of the task's id
  std::uint32_t sample;    // sample index
  std::uint32_t position;  // of the token drawn: how many tokens stand before it, prompt included
  std::uint32_t attempt;   // < 65536; 0 for the first draw at a position
};

/// The stream word of the counter: one per use of random numbers, so that uses never share any.
inline constexpr std::uint32_t kTokenStream = 0;

/// What a draw from logits that hold NaN or only infinities is refused with.
inline constexpr const char* kNotFinite = "the model's logits are not finite";

struct TokenDraw {
  std::int32_t token;  // -1: `condition` allows nothing
  /// Of the unmodified distribution (temperature 1, nothing masked), as is the entropy in nats.
  float logprob;
  float entropy;
};

/// The smallest raw logit that temperature, top-k and top-p keep; -infinity when they keep everything. `condition` may
/// be null.
float keep_threshold(const ops::OpTable& ops, const float* logits, std::int32_t n, const SamplingParameters& parameters,
                     ops::Mask condition);

/// Draws one token from `logits` [n]. Pure: the same arguments give the same token on any thread. Throws Error(input)
/// when the logits hold NaN or only infinities: the model's weights are broken.
TokenDraw draw_token(const ops::OpTable& ops, const float* logits, std::int32_t n, const SamplingParameters& parameters,
                     ops::Mask condition, const DrawKey& key);

}  // namespace faultline::sampler
