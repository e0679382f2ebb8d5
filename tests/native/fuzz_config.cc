// Fuzz target: config.json, from its text to the shape of a model. What is accepted must be a shape whose sizes can be
// computed.
#include "native/base/check.h"
#include "native/base/error.h"
#include "native/model/gpt2_weights.h"
#include "tests/native/fuzz.h"
#include "tests/native/fuzz_shared.h"

namespace faultline::check {

std::vector<std::string> fuzz_seeds() {
  return {
      R"({"model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768, "vocab_size": 50257, "n_positions": 1024})",
      R"({"model_type":"gpt2","n_layer":1,"n_head":2,"n_embd":8,"n_inner":null,"vocab_size":5,"n_positions":3,)"
      R"("layer_norm_epsilon":1e-05,"tie_word_embeddings":false,"eos_token_id":4,"activation_function":"gelu_new",)"
      R"("scale_attn_weights":true,"reorder_and_upcast_attn":false,"task_specific_params":{"a":[1,{"b":"\u00e9"}]}})"};
}

std::vector<std::string> fuzz_words() {
  return json_words({"false", "\"n_inner\":", "\"n_embd\":", "\"gelu\"", "65536", "2147483647", "1e400", "4294967296",
                     "9223372036854775807", "18446744073709551616"});
}

}  // namespace faultline::check

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace faultline;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const model::ModelConfig config = model::parse_config(format::parse_json(text, "fuzz.json"), "fuzz.json");
    FAULTLINE_CHECK(config.layers > 0 && config.heads > 0 && config.head_width() * config.heads == config.width);
    FAULTLINE_CHECK(config.inner > 0 && config.context > 0 && config.epsilon > 0 && config.epsilon < 1);
    FAULTLINE_CHECK(!config.eos_token || (*config.eos_token >= 0 && *config.eos_token < config.vocabulary));
    FAULTLINE_CHECK(model::gpt2_weight_bytes(config, ops::WeightType::f32) < std::uint64_t{1} << 60);
    return 0;
  } catch (const base::Error& error) {
    if (error.code() != base::ErrorCode::input) throw;
    return -1;
  }
}
