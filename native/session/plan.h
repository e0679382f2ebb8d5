// How much memory a run will use, computed before it starts, so that nothing is ever killed by running out. Allocates
// nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/model/config.h"

namespace faultline::session {

/// What a run is about to do, at its largest.
struct Demand {
  std::int32_t batch;            // slots wanted, at least 1
  std::int64_t samples;          // in all groups together
  std::int32_t longest_prompt;   // tokens
  std::int32_t longest_suffix;   // tokens that one sample may draw
  std::size_t longest_heal = 0;  // bytes that a prompt owes
  std::int32_t groups = 1;       // that have samples
  bool all_slots = false;        // fewer slots than were wanted are an error
};

/// What things cost on one backend, in bytes. All functions are exact: they say what will be allocated.
class Footprint {
 public:
  virtual ~Footprint() = default;
  /// Buffers of forward passes over `rows` rows at most, `logit_rows` of which get logits, and of the draws behind
  /// them.
  virtual std::size_t activation_bytes(std::int32_t rows, std::int32_t logit_rows) const = 0;
  /// Keys and values of so many tokens.
  virtual std::size_t segment_bytes(std::int32_t tokens) const = 0;
  /// Keys, values and logits of one prompt of that many tokens, and the masks for the bytes that it owes.
  virtual std::size_t prompt_bytes(std::int32_t tokens, std::size_t heal_bytes) const = 0;
  /// Rows of one prefill pass at most: bounds the activations, whatever a prompt's length. Results do not depend on it.
  virtual std::int32_t prefill_rows() const = 0;
};

struct MemoryPlan {
  std::int32_t slots;            // samples drawn at the same time
  std::int32_t rows;             // of the largest forward pass
  std::int32_t groups;           // whose prompts are kept at the same time, enough to fill the slots
  std::size_t activation_bytes;  // buffers of the forward pass
  std::size_t slot_bytes;        // keys and values that one sample draws
  std::size_t group_bytes;       // largest prompt's keys and values, its logits and healing masks
  std::size_t total_bytes;       // activations, all slots, all those groups: what must fit
};

/// As many slots as were wanted and as fit `budget_bytes` beside the groups that fill them; a single slot needs one
/// group. Throws Error(environment) with the numbers when not even one slot fits, and with the largest number of slots
/// that does when `all_slots` is set and fewer fit.
MemoryPlan plan_memory(const Footprint& footprint, const Demand& demand, std::uint64_t budget_bytes);

}  // namespace faultline::session
