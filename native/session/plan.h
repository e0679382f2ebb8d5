// How much memory a run will use, computed before it starts, so that nothing is ever killed by running out. Allocates
// nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/model/config.h"

namespace faultline::session {

/// Rows of one prefill pass: bounds the activations, whatever a prompt's length. Results do not depend on it.
inline constexpr std::int32_t kPrefillRows = 128;

/// Slots when the caller names none: matrix products gain little beyond so many rows.
inline constexpr std::int32_t kDefaultBatch = 128;

/// What a run is about to do, at its largest.
struct Demand {
  std::int32_t batch;            // slots wanted, at least 1
  std::int64_t samples;          // in all groups together
  std::int32_t longest_prompt;   // tokens
  std::int32_t longest_suffix;   // tokens that one sample may draw
  std::size_t longest_heal = 0;  // bytes that a prompt owes
};

struct MemoryPlan {
  std::int32_t slots;            // samples drawn at the same time
  std::int32_t rows;             // of the largest forward pass
  std::size_t activation_bytes;  // buffers of the forward pass
  std::size_t slot_bytes;        // keys and values that one sample draws
  std::size_t group_bytes;       // largest prompt's keys and values, its logits and healing masks
  std::size_t total_bytes;       // activations, all slots, one group: what must fit
};

/// As many slots as were wanted and as fit `budget_bytes` beside one group. Throws Error(environment) with the numbers
/// when not even one slot fits.
MemoryPlan plan_memory(const model::ModelConfig& config, const Demand& demand, std::uint64_t budget_bytes);

/// Keys, values and logits of one prompt of that many tokens, and the masks for the bytes that it owes.
std::size_t group_bytes(const model::ModelConfig& config, std::int32_t prompt_tokens, std::size_t heal_bytes);

}  // namespace faultline::session
