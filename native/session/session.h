// A loaded model ready to draw samples and to show its activations: the one place that joins model, cache, sampler and
// constraints. Synchronous: every function runs on the calling thread and the session's pool, and returns when done.
// engine.h puts a thread and a queue in front of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "native/base/thread_pool.h"
#include "native/constraint/token_trie.h"
#include "native/model/hooks.h"
#include "native/session/backend.h"
#include "native/session/batch_run.h"
#include "native/session/request.h"

namespace faultline::session {

/// The vocabulary as it arrives: see constraint::Vocabulary.
struct VocabularyBytes {
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint32_t> offsets;
  std::int32_t eos_token;
};

/// Where the model runs.
enum class DeviceChoice : std::uint8_t {
  cpu,
  cuda,       // an error when it cannot be used, never the CPU instead
  automatic,  // CUDA where it can be used, else the CPU; device_reason() says which and why
};

struct SessionOptions {
  std::string folder;                              // of the model: config.json and safetensors; or its GGUF file
  ops::WeightType weights = ops::WeightType::f32;  // f32, bf16 or int8
  DeviceChoice device = DeviceChoice::cpu;
  int threads = 0;                 // 0: what affinity and cgroup quotas allow
  std::uint64_t memory_bytes = 0;  // for keys, values and activations; 0: the backend's default, of what is free then
  std::optional<VocabularyBytes> vocabulary = std::nullopt;
  /// Steps that a device takes at once, at most 8; 0: as many as fit the time after which a run must have heard that it
  /// is cancelled. Results do not depend on it.
  std::int32_t steps_per_launch = 0;
};

/// Use from one thread at a time.
class Session {
 public:
  /// Loads the model. Throws Error(input) for whatever is wrong with its files or the vocabulary, Error(usage) for a
  /// thread count below 0 or int8 on CUDA, Error(environment) when memory, an instruction set or the device asked for
  /// is lacking.
  explicit Session(const SessionOptions& options);

  const model::ModelConfig& config() const { return backend_->config(); }
  BackendDescription device() const { return backend_->description(); }
  /// Why this device was taken, a sentence without a full stop.
  const std::string& device_reason() const { return device_reason_; }
  /// The vocabulary's end of text, or else the model's.
  std::optional<std::int32_t> eos_token() const { return eos_token_; }
  int threads() const { return pool_.threads(); }
  std::uint64_t memory_bytes() const { return memory_bytes_; }
  /// See Backend::peak_memory.
  std::uint64_t peak_memory() const { return backend_->peak_memory(); }

  /// Draws all samples of all groups, `batch` at a time at most (0: the backend's default); each goes to `sink` as it
  /// ends. Returns false when `cancelled` was set in between. Throws Error(usage) before anything runs when a request
  /// cannot be asked of this model, Error(environment) when not one sample fits the memory budget, or not a `batch`
  /// that was asked for; it names the largest that does.
  bool generate(std::span<const GroupRequest> requests, std::int32_t batch, const SampleSink& sink,
                const std::atomic<bool>& cancelled);

  /// What generate() of the same requests and batch would take now. Throws what that would before anything runs; runs
  /// and allocates nothing. For callers that have more to start than a model.
  RunPlan check(std::span<const GroupRequest> requests, std::int32_t batch);

  /// What the hook points `points` carry when `tokens` pass through, in the order asked for. Nothing when `cancelled`
  /// was set in between. Throws Error(usage) before anything runs: no token, a token outside the vocabulary, more
  /// tokens than the context holds, a point asked for twice; Error(environment) when it does not fit the budget.
  std::optional<std::vector<model::Activation>> activations(std::span<const std::int32_t> tokens,
                                                            std::span<const model::HookPoint> points,
                                                            const std::atomic<bool>& cancelled);

 private:
  RunContext context() { return {*backend_, trie_.get(), eos_token_, memory_bytes_}; }

  base::ThreadPool pool_;
  std::string device_reason_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<const constraint::TokenTrie> trie_;
  std::optional<std::int32_t> eos_token_;
  std::uint64_t memory_bytes_;
};

}  // namespace faultline::session
