#include "native/model/config.h"

#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "native/base/error.h"

namespace faultline::model {
namespace {

using base::Error;
using base::ErrorCode;
using format::Json;

// Largest sizes that are taken for real. They keep every product of extents far inside 64 bits; the largest GPT-2 has
// 48 layers of width 1600.
constexpr std::int64_t kLayersMost = 1024;
constexpr std::int64_t kWidthMost = 1 << 16;
constexpr std::int64_t kVocabularyMost = 1 << 18;  // of ops.draw, whose counters have 16 bits for a block of 4 tokens
constexpr std::int64_t kContextMost = 1 << 20;

[[noreturn]] void refuse_key(const std::string& path, std::string_view key, const std::string& reason,
                             const std::string& hint) {
  throw Error(ErrorCode::input, path + ": " + std::string(key) + " " + reason, hint);
}

void check_range(const std::string& path, std::string_view key, std::int64_t number, std::int64_t least,
                 std::int64_t most) {
  if (number < least || number > most)
    refuse_key(path, key,
               "is " + std::to_string(number) + ", outside " + std::to_string(least) + " to " + std::to_string(most),
               {});
}

void check_divides(const std::string& path, std::string_view width_key, std::int64_t width, std::string_view heads_key,
                   std::int64_t heads) {
  if (width % heads != 0)
    refuse_key(path, width_key,
               "is " + std::to_string(width) + ", which " + std::string(heads_key) + " " + std::to_string(heads) +
                   " does not divide",
               {});
}

/// As the float that the computation uses, where denormals are 0: what is next to nothing would be none at all, and
/// what is next to 1 would be 1.
float checked_epsilon(const std::string& path, std::string_view key, std::optional<double> number) {
  const bool inside = number && *number > 0.0 && *number < 1.0;
  const float epsilon = inside ? static_cast<float>(*number) : 0.0F;
  if (epsilon < std::numeric_limits<float>::min() || epsilon >= 1.0F)
    refuse_key(path, key, "must be a number between 0 and 1, in float32 too", {});
  return epsilon;
}

/// Typed access to the members of one config, with errors that name the file and the key.
class Fields {
 public:
  Fields(const Json& json, const std::string& path) : json_(json), path_(path) {}

  [[noreturn]] void refuse(std::string_view key, const std::string& reason, const std::string& hint = {}) const {
    refuse_key(path_, key, reason, hint);
  }

  /// The member, or null when it is absent or JSON's null.
  const Json* find(std::string_view key) const {
    const Json* value = json_.find(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  std::int64_t integer(std::string_view key, const Json& value, std::int64_t least, std::int64_t most) const {
    const std::optional<std::int64_t> number = value.as_integer();
    if (!number) refuse(key, std::string("must be an integer, but is ") + value.kind_name());
    check_range(path_, key, *number, least, most);
    return *number;
  }

  std::int32_t size(std::string_view key, std::int64_t most) const {
    const Json* value = find(key);
    if (value == nullptr) refuse(key, "is missing", "Take config.json from the model's own repository.");
    return static_cast<std::int32_t>(integer(key, *value, 1, most));
  }

  bool boolean(std::string_view key, bool otherwise) const {
    const Json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->as_bool()) refuse(key, std::string("must be true or false, but is ") + value->kind_name());
    return *value->as_bool();
  }

  std::string text(std::string_view key, const std::string& otherwise) const {
    const Json* value = find(key);
    if (value == nullptr) return otherwise;
    if (value->as_string() == nullptr) refuse(key, std::string("must be a string, but is ") + value->kind_name());
    return *value->as_string();
  }

 private:
  const Json& json_;
  const std::string& path_;
};

}  // namespace

ModelConfig parse_config(const Json& json, const std::string& path) {
  if (json.kind() != Json::Kind::object)
    throw Error(ErrorCode::input, path + ": must hold an object, but holds " + json.kind_name());
  const Fields fields(json, path);

  const std::string type = fields.text("model_type", "");
  if (type != "gpt2")
    fields.refuse("model_type", type.empty() ? "is missing" : "is \"" + type + "\"", "Models of type gpt2 can be run.");

  const std::string activation = fields.text("activation_function", "gelu_new");
  if (activation != "gelu_new" && activation != "gelu_pytorch_tanh")
    fields.refuse("activation_function", "is \"" + activation + "\"", "gelu_new and gelu_pytorch_tanh are supported.");
  for (const std::string_view key :
       {"scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn", "add_cross_attention", "is_encoder_decoder"}) {
    if (fields.boolean(key, false)) fields.refuse(key, "is true, which is not supported");
  }

  ModelConfig config{};
  config.layers = fields.size("n_layer", kLayersMost);
  config.heads = fields.size("n_head", kWidthMost);
  config.width = fields.size("n_embd", kWidthMost);
  config.vocabulary = fields.size("vocab_size", kVocabularyMost);
  config.context = fields.size("n_positions", kContextMost);
  check_divides(path, "n_embd", config.width, "n_head", config.heads);
  config.inner = fields.find("n_inner") != nullptr ? fields.size("n_inner", 8 * kWidthMost) : 4 * config.width;

  config.epsilon = 1e-5F;
  if (const Json* value = fields.find("layer_norm_epsilon"))
    config.epsilon = checked_epsilon(path, "layer_norm_epsilon", value->as_number());
  config.tied = fields.boolean("tie_word_embeddings", true);
  config.scale_attention = fields.boolean("scale_attn_weights", true);
  if (const Json* value = fields.find("eos_token_id")) {
    if (value->as_array() != nullptr)
      fields.refuse(
          "eos_token_id", "is a list, and one token can end a sample",
          "Leave the one of them that ends a text, without brackets. Where there is a tokenizer, its eos_token "
          "is taken in place of it.");
    config.eos_token = static_cast<std::int32_t>(fields.integer("eos_token_id", *value, 0, config.vocabulary - 1));
  }
  return config;
}

ModelConfig read_config(const std::string& folder) {
  const std::string path = folder + "/config.json";
  return parse_config(format::parse_json_file(path), path);
}

ModelConfig parse_gguf_config(const format::GgufFile& file) {
  const std::string& path = file.path();
  const auto required = [&](std::string_view key) {
    const std::optional<format::GgufValue> value = file.value(key);
    if (!value) refuse_key(path, key, "is missing", "Convert the model again with a current converter.");
    return *value;
  };
  const auto integer = [&](std::string_view key, const format::GgufValue& value, std::int64_t least,
                           std::int64_t most) {
    const std::optional<std::int64_t> number = value.as_integer();
    if (!number) refuse_key(path, key, std::string("must be an integer, but is ") + value.kind_name(), {});
    check_range(path, key, *number, least, most);
    return static_cast<std::int32_t>(*number);
  };
  const auto size = [&](std::string_view key, std::int64_t most) { return integer(key, required(key), 1, most); };

  const format::GgufValue architecture = required("general.architecture");
  if (architecture.as_string() != "gpt2")
    refuse_key(path, "general.architecture",
               "is " + (architecture.as_string() ? format::json_quote(*architecture.as_string())
                                                 : std::string(architecture.kind_name())),
               "Models of architecture gpt2 can be run.");
  if (const auto parts = file.value("split.count"); parts && parts->as_integer().value_or(0) > 1)
    refuse_key(path, "split.count", "says that this is one of " + std::to_string(*parts->as_integer()) + " files",
               "Join them first: llama-gguf-split --merge");

  ModelConfig config{};
  config.layers = size("gpt2.block_count", kLayersMost);
  config.heads = size("gpt2.attention.head_count", kWidthMost);
  config.width = size("gpt2.embedding_length", kWidthMost);
  config.context = size("gpt2.context_length", kContextMost);
  check_divides(path, "gpt2.embedding_length", config.width, "gpt2.attention.head_count", config.heads);
  config.inner = size("gpt2.feed_forward_length", 8 * kWidthMost);
  constexpr std::string_view kEpsilon = "gpt2.attention.layer_norm_epsilon";
  config.epsilon = checked_epsilon(path, kEpsilon, required(kEpsilon).as_number());
  // What other architectures vary. Absent from GPT-2's files, or with the one value that we have code for.
  const std::pair<std::string_view, std::int32_t> fixed[] = {{"gpt2.attention.head_count_kv", config.heads},
                                                             {"gpt2.attention.key_length", config.head_width()},
                                                             {"gpt2.attention.value_length", config.head_width()}};
  for (const auto& [key, only] : fixed) {
    if (const auto value = file.value(key)) (void)integer(key, *value, only, only);
  }
  if (const auto causal = file.value("gpt2.attention.causal"); causal && causal->as_bool() != true)
    refuse_key(path, "gpt2.attention.causal", "is not true, which is not supported", {});

  const tensor::TensorView embedding = file.get("token_embd.weight");
  if (embedding.shape.rank() != 2)
    refuse_key(path, "token_embd.weight", "has shape " + embedding.shape.to_string() + ", not two dimensions", {});
  check_range(path, "token_embd.weight's number of rows", embedding.shape[0], 1, kVocabularyMost);
  config.vocabulary = static_cast<std::int32_t>(embedding.shape[0]);
  config.tied = !file.find("output.weight");
  config.scale_attention = true;
  if (const auto eos = file.value("tokenizer.ggml.eos_token_id"))
    config.eos_token = integer("tokenizer.ggml.eos_token_id", *eos, 0, config.vocabulary - 1);
  return config;
}

}  // namespace faultline::model
