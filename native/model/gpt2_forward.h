// GPT-2's forward pass over a batch of rows, one token each. Reads top to bottom like the paper's diagram; all numeric
// work is in ops.h. Chooses no tokens and schedules nothing: the rows say where their keys and values stand.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "native/base/thread_pool.h"
#include "native/kv/kv_segment.h"
#include "native/model/activations.h"
#include "native/model/config.h"
#include "native/model/gpt2_weights.h"
#include "native/model/hooks.h"
#include "native/ops/ops.h"

namespace faultline::model {

/// How a model with such weights keeps keys and values: as float beside float weights, else as bfloat16, which is finer
/// than what the products around them are rounded to and halves what a step reads of them.
kv::KvShape kv_shape(const ModelConfig& config, ops::WeightType weights);

/// A loaded model. Immutable; may be shared by threads.
struct Gpt2 {
  ModelConfig config;
  Gpt2Weights weights;
  ops::OpTable ops;

  kv::KvShape kv_shape() const { return model::kv_shape(config, weights.embedding.matrix().type); }
};

/// Loads a Hugging Face folder or a GGUF file (open_model) with the process's kernels; `type` is f32, bf16 or int8.
/// Throws Error(input) for whatever is wrong with the files, Error(environment) where the weights need more memory than
/// there is.
Gpt2 load_gpt2(const std::string& path, ops::WeightType type, base::ThreadPool* pool);

/// One token of a batch: what it is, where it stands, and what it attends to. Its key and value go to
/// `write_to[write_at]`; then it attends to the first `prefix_visible` tokens of `prefix` and, where `suffix` is not
/// null, to the first `suffix_visible` of `suffix`. A prompt's row has prefix == write_to and no suffix; a generated
/// token's row has the prompt as prefix and suffix == write_to; rows of the same suffix stand next to each other. Rows
/// that share a prefix should be neighbours: a few of them at a time read it, head by head, so that all but the first
/// find a head's part in their core's cache.
struct Row {
  std::int32_t token;
  std::int32_t position;
  kv::KvSegment* write_to;
  std::int32_t write_at;
  const kv::KvSegment* prefix;
  std::int32_t prefix_visible;
  const kv::KvSegment* suffix;
  std::int32_t suffix_visible;
};

/// Which rows get logits.
enum class LogitRows : std::uint8_t { none, last, all };

/// Receives logits as they come: activations.logits holds those of rows [first, first + count) until it returns. Called
/// on the thread that called forward(); blocks come in order.
using LogitSink = std::function<void(std::int32_t first, std::int32_t count)>;

/// Runs `rows` through the model. Each written segment's length then covers what was written. The rows asked for get
/// logits, as many at a time as `activations` has room for, and each such block goes to `sink` before the next one
/// takes its place; without a sink they must all fit, and are there afterwards. With `capture` (rows of one prompt
/// alone, in order) the hook points it wants are copied; results are the same bits with and without it. Row i's results
/// depend on row i and on what it attends to, never on its neighbours, on their number or on the number of threads.
///
/// Call from the thread that owns `activations`, under a base::FpEnv. Tokens and positions must be in range
/// (Error(internal) otherwise), and there may be no more rows than `activations` has room for.
void forward(const Gpt2& model, base::ThreadPool& pool, Activations& activations, std::span<const Row> rows,
             LogitRows logit_rows, Capture* capture = nullptr, const LogitSink& sink = {});

}  // namespace faultline::model
