#include "native/session/session.h"

#include <algorithm>
#include <utility>

#include "native/base/error.h"
#include "native/base/fp_env.h"
#include "native/base/host_limits.h"

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

int thread_count(int asked) {
  if (asked < 0) throw Error(ErrorCode::usage, "threads is " + std::to_string(asked) + ", but must be at least 1");
  return asked == 0 ? base::default_threads() : asked;
}

}  // namespace

Session::Session(const SessionOptions& options)
    : pool_(thread_count(options.threads)),
      model_(model::load_gpt2(options.folder, options.weights, &pool_)),
      eos_token_(model_.config.eos_token),
      memory_bytes_(options.memory_bytes != 0 ? options.memory_bytes : base::available_memory() / 2) {
  if (options.vocabulary) {
    trie_ = make_trie(*options.vocabulary, model_.config.vocabulary);
    eos_token_ = options.vocabulary->eos_token;
  }
}

bool Session::generate(std::span<const GroupRequest> requests, std::int32_t batch, const SampleSink& sink,
                       const std::atomic<bool>& cancelled) {
  if (batch < 0) throw Error(ErrorCode::usage, "batch is " + std::to_string(batch) + ", but must be at least 1");
  const base::FpEnv fp_env;
  check_requests(context(), requests);
  return BatchRun(context(), requests, batch == 0 ? kDefaultBatch : batch).run(sink, cancelled);
}

std::optional<std::vector<model::Activation>> Session::activations(std::span<const std::int32_t> tokens,
                                                                   std::span<const model::HookPoint> points,
                                                                   const std::atomic<bool>& cancelled) {
  const base::FpEnv fp_env;
  const model::ModelConfig& config = model_.config;
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

  const auto length = static_cast<std::int32_t>(tokens.size());
  const std::int32_t chunk = std::min(kPrefillRows, length);
  const bool logits =
      std::ranges::any_of(points, [](const auto& point) { return point.kind == model::HookKind::logits; });
  const std::int32_t logit_rows = logits ? chunk : 0;
  const std::uint64_t needed = kv::KvSegment::bytes(model_.kv_shape(), length) +
                               model::Activations::bytes(config, chunk, logit_rows) +
                               model::Capture::bytes(config, points, length);
  if (needed > memory_bytes_)
    throw Error(ErrorCode::environment,
                "these activations need " + std::to_string(needed) + " bytes, but the memory budget is " +
                    std::to_string(memory_bytes_),
                "Raise --memory, or ask for fewer hook points or tokens.");

  model::Capture capture(config, points, length);
  model::Activations buffers(config, chunk, logit_rows);
  kv::KvSegment prefix(model_.kv_shape(), length);
  std::vector<model::Row> rows;
  for (std::int32_t begin = 0; begin < length; begin += kPrefillRows) {
    if (cancelled.load(std::memory_order_relaxed)) return std::nullopt;
    rows.clear();
    for (std::int32_t i = begin; i < std::min(length, begin + kPrefillRows); ++i)
      rows.push_back({.token = tokens[static_cast<std::size_t>(i)],
                      .position = i,
                      .write_to = &prefix,
                      .write_at = i,
                      .prefix = &prefix,
                      .prefix_visible = i + 1,
                      .suffix = nullptr,
                      .suffix_visible = 0});
    model::forward(model_, pool_, buffers, rows, logits ? model::LogitRows::all : model::LogitRows::none, &capture);
  }
  return capture.take();
}

}  // namespace faultline::session
