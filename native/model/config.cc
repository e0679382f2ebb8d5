#include "native/model/config.h"

#include <cmath>
#include <string_view>

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

/// Typed access to the members of one config, with errors that name the file and the key.
class Fields {
 public:
  Fields(const Json& json, const std::string& path) : json_(json), path_(path) {}

  [[noreturn]] void refuse(std::string_view key, const std::string& reason, const std::string& hint = {}) const {
    throw Error(ErrorCode::input, path_ + ": " + std::string(key) + " " + reason, hint);
  }

  /// The member, or null when it is absent or JSON's null.
  const Json* find(std::string_view key) const {
    const Json* value = json_.find(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  std::int64_t integer(std::string_view key, const Json& value, std::int64_t least, std::int64_t most) const {
    const std::optional<std::int64_t> number = value.as_integer();
    if (!number) refuse(key, std::string("must be an integer, but is ") + value.kind_name());
    if (*number < least || *number > most)
      refuse(key,
             "is " + std::to_string(*number) + ", outside " + std::to_string(least) + " to " + std::to_string(most));
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
  if (config.width % config.heads != 0)
    fields.refuse("n_embd", "is " + std::to_string(config.width) + ", which n_head " + std::to_string(config.heads) +
                                " does not divide");
  config.inner = fields.find("n_inner") != nullptr ? fields.size("n_inner", 8 * kWidthMost) : 4 * config.width;

  config.epsilon = 1e-5F;
  if (const Json* value = fields.find("layer_norm_epsilon")) {
    const std::optional<double> number = value->as_number();
    if (!number || !(*number > 0.0) || !(*number < 1.0))
      fields.refuse("layer_norm_epsilon", "must be a number between 0 and 1");
    config.epsilon = static_cast<float>(*number);
  }
  config.tied = fields.boolean("tie_word_embeddings", true);
  config.scale_attention = fields.boolean("scale_attn_weights", true);
  if (const Json* value = fields.find("eos_token_id"))
    config.eos_token = static_cast<std::int32_t>(fields.integer("eos_token_id", *value, 0, config.vocabulary - 1));
  return config;
}

ModelConfig read_config(const std::string& folder) {
  const std::string path = folder + "/config.json";
  return parse_config(format::parse_json_file(path), path);
}

}  // namespace faultline::model
