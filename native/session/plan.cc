#include "native/session/plan.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "native/base/error.h"
#include "native/constraint/heal.h"
#include "native/kv/kv_segment.h"
#include "native/model/activations.h"

namespace faultline::session {
namespace {

kv::KvShape kv_shape(const model::ModelConfig& config) { return {config.layers, config.heads, config.head_width()}; }

std::string mebibytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1024.0 * 1024.0));
  return text;
}

}  // namespace

std::size_t group_bytes(const model::ModelConfig& config, std::int32_t prompt_tokens, std::size_t heal_bytes) {
  return kv::KvSegment::bytes(kv_shape(config), prompt_tokens) +
         sizeof(float) * static_cast<std::size_t>(model::Activations::logits_stride(config)) +
         constraint::Heal::bytes(heal_bytes, config.vocabulary);
}

MemoryPlan plan_memory(const model::ModelConfig& config, const Demand& demand, std::uint64_t budget_bytes) {
  MemoryPlan plan{};
  plan.slot_bytes = kv::KvSegment::bytes(kv_shape(config), demand.longest_suffix);
  plan.group_bytes = group_bytes(config, demand.longest_prompt, demand.longest_heal);
  const auto fill = [&](std::int32_t slots) {
    plan.slots = slots;
    plan.rows = std::max(slots, std::min(kPrefillRows, std::max(1, demand.longest_prompt)));
    plan.activation_bytes = model::Activations::bytes(config, plan.rows, slots);
    plan.total_bytes = plan.activation_bytes + plan.group_bytes + static_cast<std::size_t>(slots) * plan.slot_bytes;
    return plan.total_bytes <= budget_bytes;
  };

  std::int32_t most = static_cast<std::int32_t>(std::clamp<std::int64_t>(demand.samples, 1, demand.batch));
  if (fill(most)) return plan;
  if (!fill(1))
    throw base::Error(base::ErrorCode::environment,
                      "one sample needs " + mebibytes(plan.total_bytes) + " (" + mebibytes(plan.activation_bytes) +
                          " activations, " + mebibytes(plan.group_bytes) + " prompt, " + mebibytes(plan.slot_bytes) +
                          " completion), but the memory budget is " + mebibytes(budget_bytes),
                      "Raise --memory, or lower --max-new-tokens.");
  // More slots never need less, so the largest number that fits is found by halving.
  std::int32_t fits = 1;
  while (fits + 1 < most) {
    const std::int32_t middle = fits + (most - fits) / 2;
    (fill(middle) ? fits : most) = middle;
  }
  fill(fits);
  return plan;
}

}  // namespace faultline::session
