#include "native/session/session.h"

#include <algorithm>
#include <utility>

#include "native/base/error.h"
#include "native/base/fp_env.h"
#include "native/base/host_limits.h"
#include "native/session/cpu_backend.h"
#include "native/session/device_backend.h"
#include "native/session/device_choice.h"

namespace faultline::session {
namespace {

using base::Error;
using base::ErrorCode;

/// The trie over the tokenizer's vocabulary. Models often have rows for more tokens than the tokenizer knows (padding);
/// those spell nothing. A tokenizer that knows more tokens than the model has rows belongs to another model.
std::unique_ptr<const constraint::TokenTrie> make_trie(const VocabularyBytes& given, std::int32_t model_size) {
  std::vector<std::uint32_t> offsets = given.offsets;
  if (offsets.size() > static_cast<std::size_t>(model_size) + 1)
    throw Error(ErrorCode::input,
                "the tokenizer has " + std::to_string(offsets.size() - 1) + " tokens, but the model only " +
                    std::to_string(model_size),
                "Check that tokenizer and model belong together.");
  if (!offsets.empty()) offsets.resize(static_cast<std::size_t>(model_size) + 1, offsets.back());
  return std::make_unique<constraint::TokenTrie>(
      std::make_shared<constraint::Vocabulary>(given.bytes, offsets, given.eos_token));
}

std::unique_ptr<Backend> load_cpu(const SessionOptions& options, base::ThreadPool& pool) {
  return std::make_unique<CpuBackend>(options.folder, options.weights, pool);
}

/// Not for int8, which no device computes.
std::unique_ptr<Backend> load_device(const SessionOptions& options, base::ThreadPool& pool) {
  const auto type = options.weights == ops::WeightType::f32 ? ops::DeviceType::f32 : ops::DeviceType::bf16;
  return std::make_unique<DeviceBackend>(options.folder, type, pool, options.steps_per_launch);
}

/// The backend, and why it is this one.
std::unique_ptr<Backend> load_backend(const SessionOptions& options, base::ThreadPool& pool, std::string& reason) {
  return on_chosen_device(
      options.device, options.weights, reason, [&] { return load_device(options, pool); },
      [&] { return load_cpu(options, pool); });
}

/// What is wrong with the arguments of a call.
void check_asked(const RunContext& context, std::span<const GroupRequest> requests, std::int32_t batch) {
  if (batch < 0) throw Error(ErrorCode::usage, "batch is " + std::to_string(batch) + ", but must be at least 1");
  check_requests(context, requests);
}

int thread_count(int asked) {
  if (asked < 0) throw Error(ErrorCode::usage, "threads is " + std::to_string(asked) + ", but must be at least 1");
  return asked == 0 ? base::default_threads() : asked;
}

}  // namespace

Session::Session(const SessionOptions& options) : pool_(thread_count(options.threads)) {
  backend_ = load_backend(options, pool_, device_reason_);
  eos_token_ = backend_->config().eos_token;
  memory_bytes_ = options.memory_bytes != 0 ? options.memory_bytes : backend_->default_memory();
  if (options.vocabulary) {
    trie_ = make_trie(*options.vocabulary, backend_->config().vocabulary);
    eos_token_ = options.vocabulary->eos_token;
  }
}

bool Session::generate(std::span<const GroupRequest> requests, std::int32_t batch, const SampleSink& sink,
                       const std::atomic<bool>& cancelled) {
  check_asked(context(), requests, batch);
  const base::FpEnv fp_env;
  return BatchRun(context(), requests, batch).run(sink, cancelled);
}

RunPlan Session::check(std::span<const GroupRequest> requests, std::int32_t batch) {
  check_asked(context(), requests, batch);
  return plan_run(context(), requests, batch);
}

std::optional<std::vector<model::Activation>> Session::activations(std::span<const std::int32_t> tokens,
                                                                   std::span<const model::HookPoint> points,
                                                                   const std::atomic<bool>& cancelled) {
  const base::FpEnv fp_env;
  const model::ModelConfig& config = backend_->config();
  if (tokens.empty()) throw Error(ErrorCode::usage, "there is no token to run", "Give at least one.");
  for (const std::int32_t token : tokens)
    if (token < 0 || token >= config.vocabulary)
      throw Error(
          ErrorCode::usage,
          "token " + std::to_string(token) + " is outside the vocabulary of " + std::to_string(config.vocabulary),
          "Tokens run from 0 to " + std::to_string(config.vocabulary - 1) + ".");
  if (tokens.size() > static_cast<std::size_t>(config.context))
    throw Error(ErrorCode::usage,
                std::to_string(tokens.size()) + " tokens do not fit the context of " + std::to_string(config.context));

  return backend_->activations(tokens, points, memory_bytes_, cancelled);
}

}  // namespace faultline::session
