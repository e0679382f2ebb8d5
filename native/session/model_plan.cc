#include "native/session/model_plan.h"

#include <algorithm>

#include "native/base/error.h"
#include "native/base/promised_memory.h"
#include "native/model/checkpoint.h"
#include "native/model/gpt2_weights.h"
#include "native/ops/cpu/isa.h"
#include "native/ops/device.h"
#include "native/ops/registry.h"
#include "native/session/cpu_backend.h"
#include "native/session/device_backend.h"
#include "native/session/device_choice.h"

namespace faultline::session {
namespace {

using base::Error;
using base::ErrorCode;

/// Fills in what depends on where the model runs. `left` is what there is for a run beside the weights, in bytes,
/// `share` what it takes of that when it is told no budget.
template <class Share>
void place(ModelPlan& plan, const ModelPlanOptions& options, const Footprint& footprint, std::uint64_t left,
           Share&& share) {
  plan.budget_bytes = options.memory_bytes == 0 ? share(left) : std::min(options.memory_bytes, left);
  Demand demand{.batch = options.samples,
                .samples = options.samples,
                .longest_prompt = options.prompt_tokens,
                .longest_suffix = plan.new_tokens};
  plan.memory = plan_memory(footprint, demand, plan.budget_bytes);
  demand.batch = kPlanMostSlots;
  demand.samples = kPlanMostSlots;
  plan.most_slots = plan_memory(footprint, demand, plan.budget_bytes).slots;
}

void place_on_cpu(ModelPlan& plan, const ModelPlanOptions& options, const model::ModelConfig& config) {
  model::check_depth(options.folder, config, options.weights);
  plan.device = "cpu";
  plan.device_name = ops::cpu::this_cpu().brand;
  plan.default_batch = CpuBackend::kDefaultBatch;
  plan.weight_bytes = model::gpt2_weight_bytes(config, ops::packing_of(options.weights));
  model::check_weights_fit_host(plan.weight_bytes, plan.device_name);
  const std::uint64_t free = base::host_memory_source()();
  const std::uint64_t beside = free - std::min(free, plan.weight_bytes);  // as a session sees it once they are loaded
  plan.reserve_bytes = base::memory_reserve(beside);
  place(plan, options, CpuFootprint(config, options.weights),
        base::host_promises().left_of(base::plannable_memory(beside)), CpuBackend::default_share);
}

void place_on_device(ModelPlan& plan, const ModelPlanOptions& options, const model::ModelConfig& config) {
  const auto type = options.weights == ops::WeightType::f32 ? ops::DeviceType::f32 : ops::DeviceType::bf16;
  const ops::DeviceContext context;
  plan.device = context.api().name;
  plan.device_name = context.info().name;
  plan.default_batch = DeviceBackend::default_batch_of(context.info());
  plan.weight_bytes = model::device_weight_bytes(config, type);
  const std::uint64_t free = context.free_bytes();
  model::check_weights_fit(plan.weight_bytes, plan.device_name, free);
  place(plan, options, DeviceFootprint(config, type), free - plan.weight_bytes, DeviceBackend::default_share);
}

}  // namespace

ModelPlan plan_model(const ModelPlanOptions& options) {
  const model::ModelConfig config = model::open_config(options.folder);
  if (options.samples < 1 || options.prompt_tokens < 1 || options.new_tokens < 1)
    throw Error(ErrorCode::usage, "samples, prompt tokens and new tokens must be at least 1");
  if (options.prompt_tokens >= config.context)
    throw Error(ErrorCode::usage,
                "a prompt of " + std::to_string(options.prompt_tokens) + " tokens leaves no room in the context of " +
                    std::to_string(config.context),
                "Give fewer prompt tokens.");
  ModelPlan plan{};
  plan.new_tokens = std::min(options.new_tokens, config.context - options.prompt_tokens);
  on_chosen_device(
      options.device, options.weights, plan.device_reason, [&] { place_on_device(plan, options, config); },
      [&] { place_on_cpu(plan, options, config); });
  return plan;
}

}  // namespace faultline::session
