#include "native/session/plan.h"

#include <algorithm>
#include <string>

#include "native/base/bytes_text.h"
#include "native/base/error.h"

namespace faultline::session {
MemoryPlan plan_memory(const Footprint& footprint, const Demand& demand, std::uint64_t budget_bytes) {
  MemoryPlan plan{};
  plan.slot_bytes = footprint.segment_bytes(demand.longest_suffix);
  plan.group_bytes = footprint.prompt_bytes(demand.longest_prompt, demand.longest_heal);
  // Samples of a group, on average. One group more than they need, because the next one begins while the last samples
  // of the one before it are still being drawn.
  const std::int64_t each = std::max<std::int64_t>(1, demand.samples / std::max(1, demand.groups));
  const auto groups_for = [&](std::int32_t slots) {
    return slots == 1 ? 1 : static_cast<std::int32_t>(std::min<std::int64_t>(demand.groups, (slots - 1) / each + 2));
  };
  const auto fill = [&](std::int32_t slots) {
    plan.slots = slots;
    plan.groups = groups_for(slots);
    plan.rows = std::max(slots, std::min(footprint.prefill_rows(), std::max(1, demand.longest_prompt)));
    plan.activation_bytes = footprint.activation_bytes(plan.rows, slots);
    plan.total_bytes = plan.activation_bytes + static_cast<std::size_t>(plan.groups) * plan.group_bytes +
                       static_cast<std::size_t>(slots) * plan.slot_bytes;
    return plan.total_bytes <= budget_bytes;
  };

  const auto wanted = static_cast<std::int32_t>(std::clamp<std::int64_t>(demand.samples, 1, demand.batch));
  if (fill(wanted)) return plan;
  const std::size_t wanted_bytes = plan.total_bytes;
  if (!fill(1))
    throw base::Error(base::ErrorCode::environment,
                      "one sample needs " + base::bytes_text(plan.total_bytes) + " (" +
                          base::bytes_text(plan.activation_bytes) + " activations, " +
                          base::bytes_text(plan.group_bytes) + " prompt, " + base::bytes_text(plan.slot_bytes) +
                          " completion), but the memory budget is " + base::bytes_text(budget_bytes),
                      "Raise --memory, or lower --max-new-tokens.");
  // More slots never need less, so the largest number that fits is found by halving.
  std::int32_t fits = 1;
  std::int32_t most = wanted;
  while (fits + 1 < most) {
    const std::int32_t middle = fits + (most - fits) / 2;
    (fill(middle) ? fits : most) = middle;
  }
  if (demand.all_slots)
    throw base::Error(base::ErrorCode::environment,
                      std::to_string(wanted) + " samples at a time need " + base::bytes_text(wanted_bytes) +
                          ", but the memory budget is " + base::bytes_text(budget_bytes) + ", which holds " +
                          std::to_string(fits),
                      "Lower --batch to " + std::to_string(fits) + ", leave it out, or raise --memory.");
  fill(fits);
  return plan;
}

}  // namespace faultline::session
