// A model on a CUDA device (or the emulator of one). A step is recorded as a graph, and several are launched together,
// unless a sample's next draw depends on what the host must see first. What changes from step to step stands in device
// memory, so a graph is recorded once for each size (rows, tiles of rows that share a prompt, splits of the longest
// prompt) and place in a launch.
#pragma once

#include "native/model/device_forward.h"
#include "native/model/device_gpt2.h"
#include "native/session/backend.h"

namespace faultline::session {

/// What a model of that shape costs in device memory.
class DeviceFootprint final : public Footprint {
 public:
  DeviceFootprint(const model::ModelConfig& config, ops::DeviceType type) : config_(config), type_(type) {}
  std::size_t activation_bytes(std::int32_t rows, std::int32_t logit_rows) const override;
  std::size_t segment_bytes(std::int32_t tokens) const override;
  std::size_t prompt_bytes(std::int32_t tokens, std::size_t heal_bytes) const override;
  std::int32_t prefill_rows() const override;

 private:
  model::ModelConfig config_;
  ops::DeviceType type_;
};

class DeviceBackend final : public Backend {
 public:
  /// Opens the device and loads the model into its memory; `pool` must outlive the backend. Throws Error(environment)
  /// with the next step when there is no usable device or the model does not fit, and load_device_gpt2's errors.
  /// `steps_per_launch`: see SessionOptions.
  DeviceBackend(const std::string& folder, ops::DeviceType type, base::ThreadPool& pool, std::int32_t steps_per_launch);

  /// Of so many free bytes, what a run takes when it is told no budget: the rest is for what the driver keeps, graphs,
  /// and whoever draws on the screen.
  static constexpr std::uint64_t default_share(std::uint64_t free_bytes) { return free_bytes / 10 * 9; }

  /// Slots when the caller names none: 16 prompts of 100 samples on the largest devices (132 multiprocessors). More
  /// would gain little, and make a step of a small device so long that a cancelled run keeps it waiting.
  static std::int32_t default_batch_of(const ops::DeviceInfo& info) {
    constexpr std::int32_t kEach = 12;  // multiprocessor
    return ops::device_round_up(kEach * info.multiprocessors, 64);
  }

  const model::ModelConfig& config() const override { return model_.config; }
  const Footprint& footprint() const override { return footprint_; }
  BackendDescription description() const override;
  std::uint64_t default_memory() const override;
  std::uint64_t weight_bytes() const override { return model::device_weight_bytes(model_.config, model_.type); }
  std::uint64_t free_memory() const override { return context_.free_bytes(); }
  base::PromisedMemory& promises() override { return ops::DeviceContext::promises(); }
  std::uint64_t peak_memory() const override { return context_.peak_bytes(); }
  std::int32_t default_batch() const override;
  std::string lacks(const sampler::SamplingParameters& parameters) const override;
  base::ThreadPool& pool() override { return pool_; }
  std::unique_ptr<Stepper> stepper(const MemoryPlan& plan, std::int32_t longest_suffix) override;
  std::optional<std::vector<model::Activation>> activations(std::span<const std::int32_t> tokens,
                                                            std::span<const model::HookPoint> points,
                                                            std::uint64_t memory_bytes,
                                                            const std::atomic<bool>& cancelled) override;

 private:
  base::ThreadPool& pool_;
  ops::DeviceContext context_;
  model::DeviceGpt2 model_;
  DeviceFootprint footprint_;
  std::int32_t steps_per_launch_;
};

}  // namespace faultline::session
