// What a caller asks of the engine and what comes back: plain data, the same words as src/engine/types.ts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "native/sampler/sampler.h"

namespace faultline::session {

/// When a sample may end before its token budget or the context does.
enum class StopPolicy : std::uint8_t {
  function,  // at end of text, and where the function that the prompt opened ends
  eos,       // at end of text
  none,      // neither: end of text is a token like any other
};

/// One prompt, n samples.
struct GroupRequest {
  std::vector<std::int32_t> prompt;
  std::vector<std::uint8_t> prompt_bytes;  // the whole prompt's, also where `heal` took tokens away; for `function`
  std::vector<std::uint8_t> heal;          // bytes that the first tokens must spell, empty for none; at most a token's
  std::vector<std::uint32_t> sample_indices;
  std::uint64_t key = 0;  // experiment seed XOR hash of the task's id
  sampler::SamplingParameters sampling;
  std::int32_t max_new_tokens = 1;  // tokens drawn, those that heal among them
  StopPolicy stop_policy = StopPolicy::eos;
  std::vector<std::vector<std::uint8_t>> stop_strings;
};

enum class FinishReason : std::uint8_t { eos, stop, function, length, context, error };

/// "eos", "stop", ...
const char* finish_reason_name(FinishReason reason);

/// One finished sample. tokens, logprobs and entropies are aligned; end of text is not among them when it ended the
/// sample.
struct SampleResult {
  std::int32_t group = 0;  // index into the requests
  std::uint32_t sample_index = 0;
  std::vector<std::int32_t> tokens;
  std::vector<float> logprobs;   // under the unmodified model
  std::vector<float> entropies;  // nats, of the distribution each token was drawn from, unmodified
  float eos_logprob = 0;         // NaN unless finish is eos
  FinishReason finish = FinishReason::error;
  std::vector<std::uint8_t> bytes;  // of the tokens, healed bytes removed; empty without a vocabulary
  std::int64_t cut = 0;             // how many of `bytes` belong to the completion
  std::string error;                // with finish `error`
};

}  // namespace faultline::session
