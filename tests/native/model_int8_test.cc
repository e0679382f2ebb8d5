// What a model in int8 is refused for, and that it takes the memory it should. How close it comes to float32 is
// measured by `faultline precision` (tests/integration/cli/precision.test.ts).
#include <fstream>

#include "native/model/gpt2_forward.h"
#include "native/ops/pack.h"
#include "tests/native/tiny_model.h"

namespace faultline::check {
namespace {

using namespace model;
using ops::WeightType;

TEST(model_int8_refuses_matrices_whose_sums_would_not_fit) {
  const std::string folder = write_tiny_model("deep", {});
  for (const int inner : {ops::kInt8DepthMost + 1, ops::kInt8DepthMost}) {
    std::ofstream(folder + "/config.json") << R"({"model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 16, )"
                                           << R"("vocab_size": 23, "n_positions": 32, "n_inner": )" << inner << "}";
    // With one less it is the weights that do not fit the config.
    EXPECT_THROWS(input, inner > ops::kInt8DepthMost ? "/config.json: n_inner is 133145, and int8" : "mlp.c_fc.weight",
                  load_gpt2(folder, WeightType::int8, nullptr));
  }
}

TEST(model_int8_takes_a_byte_for_a_weight) {
  const std::string folder = source_path("data/models/pico-gpt2-py");
  const Gpt2 bytes = load_gpt2(folder, WeightType::int8, nullptr), floats = load_gpt2(folder, WeightType::f32, nullptr);
  const ModelConfig& config = bytes.config;
  const auto panels = static_cast<std::size_t>(ops::panel_count(config.vocabulary));
  // Of each panel of 16 columns: their bytes, and a scale for each.
  EXPECT_EQ(bytes.weights.embedding.size_bytes(),
            panels * 16 * (static_cast<std::size_t>((config.width + 3) / 4 * 4) + 4));
  EXPECT_EQ(floats.weights.embedding.size_bytes(), panels * 16 * static_cast<std::size_t>(config.width) * 4);
  EXPECT(bytes.weights.layers[0].mlp_fc.weight.matrix().type == WeightType::int8);
}

}  // namespace
}  // namespace faultline::check
