// What a run with one model would take, from its config and the machine alone: for `faultline doctor --plan`.
// Loads no weights and allocates nothing but, on a GPU, the context that says how much is free. What a loaded session
// does is planned by plan.h, with the same numbers.
#pragma once

#include <cstdint>
#include <string>

#include "native/ops/ops.h"
#include "native/session/plan.h"
#include "native/session/session.h"

namespace faultline::session {

/// n samples of one prompt.
struct ModelPlanOptions {
  std::string folder;  // of the model, or its GGUF file; the config alone is read
  ops::WeightType weights = ops::WeightType::f32;
  DeviceChoice device = DeviceChoice::cpu;
  std::uint64_t memory_bytes = 0;  // 0: the backend's default, of what would be free beside the weights
  std::int32_t samples = 1;
  std::int32_t prompt_tokens = 1;
  std::int32_t new_tokens = 1;  // cut to what the context leaves
};

struct ModelPlan {
  std::string device;  // "cpu", "cuda" or "emulated"
  std::string device_name;
  std::string device_reason;    // why it is this one, a sentence without a full stop
  std::uint64_t weight_bytes;   // beside the budget
  std::uint64_t budget_bytes;   // for everything else
  std::uint64_t reserve_bytes;  // of what is free, no plan's (base::memory_reserve); 0 on a device, which kills nobody
  std::int32_t new_tokens;      // that a sample may draw
  MemoryPlan memory;            // with as many of the samples at a time as fit
  std::int32_t default_batch;   // slots of a run that names none, at most
  std::int32_t most_slots;  // that fit the budget, however many samples there are; kPlanMostSlots stands for "or more"
};

/// Nobody draws more at a time.
inline constexpr std::int32_t kPlanMostSlots = 1 << 20;

/// Throws Error(input) for whatever is wrong with the config, Error(usage) for counts below 1 and a prompt that leaves
/// no room in the context, Error(environment) when the weights do not fit, not even one sample fits the budget, or the
/// device asked for cannot be used.
ModelPlan plan_model(const ModelPlanOptions& options);

}  // namespace faultline::session
