// parse_config: every field that it reads is refused by its name when it is missing, of another kind or out of range.
#include "native/model/config.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/native/check.h"

namespace faultline::model {
namespace {

using Members = std::vector<std::pair<std::string, std::string>>;  // key, value as JSON

Members least() {
  return {{"model_type", "\"gpt2\""}, {"n_layer", "2"},     {"n_head", "4"},
          {"n_embd", "64"},           {"vocab_size", "23"}, {"n_positions", "32"}};
}

ModelConfig parse(const Members& members) {
  std::string text;
  for (const auto& [key, value] : members) text += (text.empty() ? "{\"" : ",\"") + key + "\":" + value;
  return parse_config(format::parse_json(text + "}", "text"), "x/config.json");
}

/// The smallest config with `key` set to `value`; without it where `value` is empty.
ModelConfig with(const std::string& key, const std::string& value) {
  Members members = least();
  std::erase_if(members, [&](const auto& member) { return member.first == key; });
  if (!value.empty()) members.emplace_back(key, value);
  return parse(members);
}

TEST(model_config_takes_what_stands_there_and_the_defaults) {
  const ModelConfig plain = parse(least());
  EXPECT_EQ(plain.layers, 2);
  EXPECT_EQ(plain.heads, 4);
  EXPECT_EQ(plain.width, 64);
  EXPECT_EQ(plain.head_width(), 16);
  EXPECT_EQ(plain.inner, 256);
  EXPECT_EQ(plain.vocabulary, 23);
  EXPECT_EQ(plain.context, 32);
  EXPECT_EQ(plain.epsilon, 1e-5F);
  EXPECT(plain.tied && plain.scale_attention && !plain.eos_token);

  EXPECT_EQ(with("n_inner", "100").inner, 100);
  EXPECT_EQ(with("n_inner", "null").inner, 256);
  EXPECT_EQ(with("layer_norm_epsilon", "1e-6").epsilon, 1e-6F);
  EXPECT(!with("tie_word_embeddings", "false").tied);
  EXPECT(!with("scale_attn_weights", "false").scale_attention);
  EXPECT(with("eos_token_id", "22").eos_token == 22);
  EXPECT_EQ(with("activation_function", "\"gelu_pytorch_tanh\"").layers, 2);
  EXPECT_EQ(with("add_cross_attention", "false").layers, 2);
}

TEST(model_config_takes_the_ends_of_each_range) {
  for (const auto& [key, value] : Members{{"n_layer", "1"},
                                          {"n_layer", "1024"},
                                          {"n_head", "1"},
                                          {"n_head", "64"},
                                          {"n_embd", "65536"},
                                          {"vocab_size", "1"},
                                          {"vocab_size", "262144"},
                                          {"n_positions", "1"},
                                          {"n_positions", "1048576"},
                                          {"n_inner", "1"},
                                          {"n_inner", "524288"},
                                          {"eos_token_id", "0"}})
    (void)with(key, value);
}

TEST(model_config_refuses_each_field_by_its_name) {
  const struct {
    const char* key;
    const char* value;  // empty: left out
    const char* reason;
  } cases[] = {
      {"model_type", "", "is missing"},
      {"model_type", "\"llama\"", "is \"llama\""},
      {"model_type", "2", "must be a string, but is a number"},
      {"activation_function", "\"relu\"", "is \"relu\""},
      {"activation_function", "true", "must be a string, but is a boolean"},
      {"scale_attn_by_inverse_layer_idx", "true", "is true, which is not supported"},
      {"reorder_and_upcast_attn", "true", "is true, which is not supported"},
      {"add_cross_attention", "true", "is true, which is not supported"},
      {"is_encoder_decoder", "true", "is true, which is not supported"},
      {"is_encoder_decoder", "0", "must be true or false, but is a number"},
      {"n_layer", "", "is missing"},
      {"n_layer", "null", "is missing"},
      {"n_layer", "\"2\"", "must be an integer, but is a string"},
      {"n_layer", "2.0", "must be an integer, but is a number"},
      {"n_layer", "0", "is 0, outside 1 to 1024"},
      {"n_layer", "1025", "is 1025, outside 1 to 1024"},
      {"n_head", "", "is missing"},
      {"n_head", "0", "is 0, outside 1 to 65536"},
      {"n_head", "65537", "is 65537, outside 1 to 65536"},
      {"n_embd", "", "is missing"},
      {"n_embd", "-64", "is -64, outside 1 to 65536"},
      {"n_embd", "65540", "is 65540, outside 1 to 65536"},
      {"n_embd", "66", "is 66, which n_head 4 does not divide"},
      {"vocab_size", "", "is missing"},
      {"vocab_size", "0", "is 0, outside 1 to 262144"},
      {"vocab_size", "262145", "is 262145, outside 1 to 262144"},
      {"n_positions", "", "is missing"},
      {"n_positions", "0", "is 0, outside 1 to 1048576"},
      {"n_positions", "1048577", "is 1048577, outside 1 to 1048576"},
      {"n_positions", "4294967328", "is 4294967328, outside"},  // 2^32 + 32
      {"n_inner", "0", "is 0, outside 1 to 524288"},
      {"n_inner", "524289", "is 524289, outside 1 to 524288"},
      {"n_inner", "\"4x\"", "must be an integer, but is a string"},
      {"layer_norm_epsilon", "0", "must be a number between 0 and 1"},
      {"layer_norm_epsilon", "1", "must be a number between 0 and 1"},
      {"layer_norm_epsilon", "-1e-5", "must be a number between 0 and 1"},
      {"layer_norm_epsilon", "1e-39", "must be a number between 0 and 1, in float32 too"},
      {"layer_norm_epsilon", "0.99999999", "must be a number between 0 and 1, in float32 too"},
      {"layer_norm_epsilon", "\"1e-5\"", "must be a number between 0 and 1"},
      {"tie_word_embeddings", "1", "must be true or false, but is a number"},
      {"scale_attn_weights", "\"yes\"", "must be true or false, but is a string"},
      {"eos_token_id", "-1", "is -1, outside 0 to 22"},
      {"eos_token_id", "23", "is 23, outside 0 to 22"},
      {"eos_token_id", "\"22\"", "must be an integer, but is a string"},
      {"eos_token_id", "[22]", "is a list, and one token can end a sample"},
  };
  for (const auto& [key, value, reason] : cases)
    EXPECT_THROWS(input, std::string("x/config.json: ") + key + " " + reason, with(key, value));
  EXPECT_THROWS(input, "x/config.json: must hold an object, but holds an array",
                parse_config(format::parse_json("[]", "text"), "x/config.json"));
  try {
    (void)with("eos_token_id", "[21, 22]");
  } catch (const base::Error& error) {
    EXPECT(error.hint().starts_with("Leave the one of them that ends a text, without brackets."));
  }
}

}  // namespace
}  // namespace faultline::model
