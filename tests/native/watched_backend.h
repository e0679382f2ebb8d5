// A backend that passes everything on to another, and tells of each call of its steppers: for tests and benchmarks that
// ask when a run calls, and with how many lanes. Draws nothing itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "native/session/backend.h"

namespace faultline::session {

class WatchedBackend final : public Backend {
 public:
  enum class Call : std::uint8_t { prefill, first, next };
  /// Hears of a call before it begins. `count`: the call's lanes, or a prefill's prompts.
  using Watcher = std::function<void(Call call, std::size_t count)>;

  /// `inner` must outlive it, and it its steppers.
  WatchedBackend(Backend& inner, Watcher watcher) : inner_(inner), watcher_(std::move(watcher)) {}

  const model::ModelConfig& config() const override { return inner_.config(); }
  const Footprint& footprint() const override { return inner_.footprint(); }
  BackendDescription description() const override { return inner_.description(); }
  std::uint64_t default_memory() const override { return inner_.default_memory(); }
  std::uint64_t weight_bytes() const override { return inner_.weight_bytes(); }
  std::uint64_t free_memory() const override { return inner_.free_memory(); }
  base::PromisedMemory& promises() override { return inner_.promises(); }
  std::uint64_t peak_memory() const override { return inner_.peak_memory(); }
  std::int32_t default_batch() const override { return inner_.default_batch(); }
  std::string lacks(const sampler::SamplingParameters& parameters) const override { return inner_.lacks(parameters); }
  base::ThreadPool& pool() override { return inner_.pool(); }
  std::unique_ptr<Stepper> stepper(const MemoryPlan& plan, std::int32_t longest_suffix) override {
    return std::make_unique<WatchedStepper>(watcher_, inner_.stepper(plan, longest_suffix));
  }
  std::optional<std::vector<model::Activation>> activations(std::span<const std::int32_t> tokens,
                                                            std::span<const model::HookPoint> points,
                                                            std::uint64_t memory_bytes,
                                                            const std::atomic<bool>& cancelled) override {
    return inner_.activations(tokens, points, memory_bytes, cancelled);
  }

 private:
  class WatchedStepper final : public Stepper {
   public:
    WatchedStepper(const Watcher& watcher, std::unique_ptr<Stepper> inner)
        : watcher_(watcher), inner_(std::move(inner)) {}
    std::vector<std::unique_ptr<Prompt>> prefill(std::span<const std::span<const std::int32_t>> prompts,
                                                 const std::atomic<bool>& cancelled) override {
      watcher_(Call::prefill, prompts.size());
      return inner_->prefill(prompts, cancelled);
    }
    void first(std::span<Lane* const> lanes) override {
      watcher_(Call::first, lanes.size());
      inner_->first(lanes);
    }
    void next(std::span<Lane* const> lanes, bool nothing_waits) override {
      watcher_(Call::next, lanes.size());
      inner_->next(lanes, nothing_waits);
    }
    std::size_t touched_bytes() const override { return inner_->touched_bytes(); }

   private:
    const Watcher& watcher_;
    std::unique_ptr<Stepper> inner_;
  };

  Backend& inner_;
  Watcher watcher_;
};

}  // namespace faultline::session
