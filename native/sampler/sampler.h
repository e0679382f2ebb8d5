// From one row of logits to one token: greedy, or drawn with temperature and truncations, without sorting the
// vocabulary. Stateless: random numbers come from counters. Knows no text, no batch and no model.
//
// The order is that of Hugging Face's transformers: temperature, then top-k, top-p, min-p, typical, eta
// (truncations.def), each on the renormalised distribution that the one before it left. What each keeps, its formula
// and its paper stand in its file. Tokens that tie with the last one kept are kept too, by all of them alike, so that
// the result does not depend on an order among equals: top-k may keep more than k.
//
// Two kinds of mask must not be confused. `condition` says what is known about the text (healing: the prompt's last
// bytes); the distribution is conditioned on it before anything else, so truncations act on the conditional
// distribution. A decoding `constraint` instead applies after them: they act as if it were not there, and where it
// allows none of the tokens they keep, that is a dead end, which the caller hears of.
#pragma once

#include <cstdint>

#include "native/ops/ops.h"

namespace faultline::sampler {

struct SamplingParameters {
  float temperature = 1;   // 0: greedy, the others are not used
  std::int32_t top_k = 0;  // 0: off
  float top_p = 1;         // 1: off
  float min_p = 0;         // 0: off
  float typical = 1;       // 1: off
  float eta = 0;           // epsilon of eta sampling; 0: off
};

/// Smaller parameters would not be normal floats, which are what logarithms are taken of.
inline constexpr float kLeastProbability = 1e-37F;

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

/// Both may be null: every token is allowed.
struct Masks {
  ops::Mask condition = nullptr;
  ops::Mask constraint = nullptr;
};

struct TokenDraw {
  std::int32_t token;  // -1: a dead end, the masks allow none of the tokens kept
  /// Of the unmodified distribution (temperature 1, nothing masked), as is the entropy in nats.
  float logprob;
  float entropy;
};

/// The raw logits that temperature and truncations keep, of the tokens that `condition` (may be null) allows.
/// Everything where it allows none, and where logits divided by the temperature leave float's range.
ops::Band kept_band(const ops::OpTable& ops, const float* logits, std::int32_t n, const SamplingParameters& parameters,
                    ops::Mask condition);

/// Draws one token from `logits` [n]. Pure: the same arguments give the same token on any thread. Throws Error(input)
/// when the logits hold NaN or only infinities: the model's weights are broken.
TokenDraw draw_token(const ops::OpTable& ops, const float* logits, std::int32_t n, const SamplingParameters& parameters,
                     const Masks& masks, const DrawKey& key);

}  // namespace faultline::sampler
