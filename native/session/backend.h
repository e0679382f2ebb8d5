// Where a model runs: the seam between scheduling (batch_run.h) and computing. One implementation keeps everything in
// host memory and calls ops.h (cpu_backend.h), the other queues device_api.h's operations (device_backend.h). Knows
// samples only by what their next draw needs.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "native/base/promised_memory.h"
#include "native/base/thread_pool.h"
#include "native/model/config.h"
#include "native/model/hooks.h"
#include "native/sampler/sampler.h"
#include "native/session/plan.h"
#include "native/session/request.h"
#include "native/session/sample.h"

namespace faultline::session {

/// A prompt's keys, values and last logits, wherever they are kept. Freed with the object, which the samples drawn from
/// it share.
class Prompt {
 public:
  virtual ~Prompt() = default;
};

/// One sample in flight, as a stepper sees it.
struct Lane {
  std::int32_t slot = 0;  // which of the plan's slots keeps its private keys and values
  std::shared_ptr<const Prompt> prompt;
  const GroupRequest* request = nullptr;
  const Sample* sample = nullptr;

  // What the last call drew, in order: one token, or several where the backend takes several steps at once. When the
  // sample ends at one of them, the rest belong to nobody.
  std::vector<sampler::TokenDraw> draws;
  std::string error;  // what kept the next token from being drawn; comes after `draws`
};

/// Draws tokens for as many samples at a time as the plan has slots. Every token and log-probability depends on its own
/// sample alone, to the bit. Used by one thread, under a base::FpEnv. Throws Error(environment) when the machine fails.
class Stepper {
 public:
  virtual ~Stepper() = default;
  /// Runs each prompt once, together where that is faster; none when `cancelled` was set in between. Prompts have
  /// tokens.
  virtual std::vector<std::unique_ptr<Prompt>> prefill(std::span<const std::span<const std::int32_t>> prompts,
                                                       const std::atomic<bool>& cancelled) = 0;
  /// Draws each lane's first token, from its prompt's logits.
  virtual void first(std::span<Lane* const> lanes) = 0;
  /// Draws at least one more token for each. Lanes that share a prompt are neighbours. `nothing_waits`: no lane will
  /// start any more, so all later calls are for some of these lanes. A backend may then draw ahead, for lanes that the
  /// caller ends meanwhile too.
  virtual void next(std::span<Lane* const> lanes, bool nothing_waits) = 0;
  /// Bytes of the plan, prompts apart, that the memory's free bytes lack already; no more than they do.
  virtual std::size_t touched_bytes() const = 0;
};

/// What the session tells of where it runs; recorded with every experiment.
struct BackendDescription {
  std::string device;  // "cpu", "cuda" or "emulated"
  std::string name;    // "AMD EPYC ...", "NVIDIA H200"
  std::string isa;     // "avx512", "sm_90"
  std::string
      kernel_family;  // "fma", "dpbf16-2", "mma2", "int8-2": with the same weights and family results are the same bits
  std::int32_t default_batch = 0;  // Backend::default_batch()
};

/// A loaded model on some hardware. Use from one thread at a time.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual const model::ModelConfig& config() const = 0;
  virtual const Footprint& footprint() const = 0;
  virtual BackendDescription description() const = 0;
  /// What is used when the caller names no budget: how much may go to keys, values and activations.
  virtual std::uint64_t default_memory() const = 0;
  /// Of the loaded model.
  virtual std::uint64_t weight_bytes() const = 0;
  /// What can be allocated now and is promised to nobody: a larger budget is cut to it.
  virtual std::uint64_t free_memory() const = 0;
  /// Where a run says what it has planned with.
  virtual base::PromisedMemory& promises() = 0;
  /// The most device memory that the model and its runs had allocated at any time; 0 on the CPU.
  virtual std::uint64_t peak_memory() const = 0;
  /// Slots when the caller names none.
  virtual std::int32_t default_batch() const = 0;
  /// The name of a truncation that the parameters switch on and that this backend cannot do; empty when it can do all.
  virtual std::string lacks(const sampler::SamplingParameters& parameters) const = 0;
  /// Threads for what is done on the host.
  virtual base::ThreadPool& pool() = 0;

  /// Allocates what the plan says, for samples of at most `longest_suffix` tokens.
  virtual std::unique_ptr<Stepper> stepper(const MemoryPlan& plan, std::int32_t longest_suffix) = 0;

  /// What the hook points carry when `tokens` (checked by the caller) pass through; nothing when `cancelled` was set in
  /// between. Throws Error(environment) when it does not fit `memory_bytes`, or what is free.
  virtual std::optional<std::vector<model::Activation>> activations(std::span<const std::int32_t> tokens,
                                                                    std::span<const model::HookPoint> points,
                                                                    std::uint64_t memory_bytes,
                                                                    const std::atomic<bool>& cancelled) = 0;
};

/// For both backends: so many bytes for hook points, kept from runs of this process. Throws Error(environment) where
/// they do not fit `budget`, or what is free.
base::PromisedMemory::Share promise_activations(Backend& backend, std::uint64_t needed, std::uint64_t budget);

}  // namespace faultline::session
