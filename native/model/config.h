// The part of a Hugging Face config.json, or of a GGUF file's metadata, that decides what GPT-2 computes. Reads no
// weights. Keys that do not change the forward pass (dropout, initialisation, task settings) are not read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "native/format/gguf.h"
#include "native/format/json.h"

namespace faultline::model {

struct ModelConfig {
  std::int32_t layers;      // n_layer
  std::int32_t heads;       // n_head
  std::int32_t width;       // n_embd, a multiple of heads
  std::int32_t inner;       // n_inner, by default 4 * width
  std::int32_t vocabulary;  // vocab_size
  std::int32_t context;     // n_positions
  float epsilon;            // layer_norm_epsilon
  bool tied;                // tie_word_embeddings: the unembedding is the embedding
  bool scale_attention;     // scale_attn_weights: scores are divided by sqrt(width / heads)
  std::optional<std::int32_t> eos_token;

  std::int32_t head_width() const { return width / heads; }
};

/// Validates every field that it reads. Throws Error(input) that names the file, the key and what stands there; a
/// setting that would change the computation in a way we have no code for is refused by its name.
ModelConfig parse_config(const format::Json& json, const std::string& path);

/// The same for `folder`/config.json.
ModelConfig read_config(const std::string& folder);

/// The same from a GGUF file's metadata (`general.architecture` gpt2). The vocabulary's size is token_embd.weight's
/// number of rows, the head is tied where there is no output.weight, and scores are scaled, as in every GPT-2 in this
/// format.
ModelConfig parse_gguf_config(const format::GgufFile& file);

}  // namespace faultline::model
