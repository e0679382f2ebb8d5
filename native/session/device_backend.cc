#include "native/session/device_backend.h"

#include <algorithm>
#include <iterator>

#include "native/base/error.h"
#include "native/constraint/heal.h"
#include "native/sampler/truncation.h"
#include "native/session/device_stepper.h"

namespace faultline::session {
namespace {

/// The truncations that ops/cuda/sample.cu does.
constexpr const sampler::Truncation* kTruncations[] = {&sampler::top_k, &sampler::top_p};

}  // namespace

std::size_t DeviceFootprint::activation_bytes(std::int32_t rows, std::int32_t logit_rows) const {
  const std::int32_t capacity = graph_rows(logit_rows);
  return model::DeviceActivations::bytes(config_, type_, std::max(rows, capacity), capacity) +
         device_step_bytes(std::max(rows, capacity), logit_rows);
}

std::size_t DeviceFootprint::segment_bytes(std::int32_t tokens) const {
  return model::device_segment_bytes(config_, type_, tokens);
}

std::size_t DeviceFootprint::prompt_bytes(std::int32_t tokens, std::size_t heal_bytes) const {
  return segment_bytes(tokens) +
         sizeof(float) * static_cast<std::size_t>(model::DeviceActivations::logits_stride(config_)) +
         constraint::Heal::bytes(heal_bytes, config_.vocabulary);
}

std::int32_t DeviceFootprint::prefill_rows() const { return kDevicePrefillRows; }

DeviceBackend::DeviceBackend(const std::string& folder, ops::DeviceType type, base::ThreadPool& pool,
                             std::int32_t steps_per_launch)
    : pool_(pool),
      model_(model::load_device_gpt2(context_, folder, type, &pool)),
      footprint_(model_.config, type),
      steps_per_launch_(steps_per_launch) {}

BackendDescription DeviceBackend::description() const {
  const ops::DeviceInfo& info = context_.info();
  // In float32 every operation gives the CPU's bits, so it is the CPU's family.
  return {.device = context_.api().name,
          .name = info.name,
          .isa = "sm_" + std::to_string(10 * info.major + info.minor),
          .kernel_family = model_.type == ops::DeviceType::f32 ? "fma" : "mma2",
          .default_batch = default_batch()};
}

std::uint64_t DeviceBackend::default_memory() const { return default_share(context_.free_bytes()); }

std::int32_t DeviceBackend::default_batch() const { return default_batch_of(context_.info()); }

std::string DeviceBackend::lacks(const sampler::SamplingParameters& parameters) const {
  if (parameters.temperature == 0) return {};
  for (const sampler::Truncation* const truncation : sampler::truncations()) {
    const bool has = std::ranges::find(kTruncations, truncation) != std::end(kTruncations);
    if (!has && truncation->on_for(parameters)) return truncation->name;
  }
  return {};
}

std::unique_ptr<Stepper> DeviceBackend::stepper(const MemoryPlan& plan, std::int32_t longest_suffix) {
  return std::make_unique<DeviceStepper>(context_, model_, plan, longest_suffix, steps_per_launch_);
}

std::optional<std::vector<model::Activation>> DeviceBackend::activations(std::span<const std::int32_t> tokens,
                                                                         std::span<const model::HookPoint> points,
                                                                         std::uint64_t memory_bytes,
                                                                         const std::atomic<bool>& cancelled) {
  const auto length = static_cast<std::int32_t>(tokens.size());
  const std::int32_t chunk = std::min(kDevicePrefillRows, length);
  const bool logits =
      std::ranges::any_of(points, [](const auto& point) { return point.kind == model::HookKind::logits; });
  const std::int32_t logit_rows = logits ? chunk : 0;
  const std::uint64_t needed = footprint_.segment_bytes(length) +
                               model::DeviceActivations::bytes(config(), model_.type, chunk, logit_rows) +
                               model::Capture::bytes(config(), points, length);
  const base::PromisedMemory::Share promise = promise_activations(*this, needed, memory_bytes);

  model::Capture capture(config(), points, length);
  const model::DeviceActivations buffers(context_, config(), model_.type, chunk, logit_rows);
  // Zeroed: a hook point copies whole segments, and what was never written should be nothing in particular.
  const ops::DeviceBuffer segment =
      ops::DeviceBuffer::zeroed(context_, footprint_.segment_bytes(length), "a prompt's keys and values");
  const PromptRun prompt{tokens, &segment, nullptr};
  if (!run_prompts(context_, model_, buffers, {&prompt, 1}, &capture, cancelled)) return std::nullopt;
  return capture.take();
}

}  // namespace faultline::session
