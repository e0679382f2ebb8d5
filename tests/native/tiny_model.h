// Random GPT-2 models small enough for enumeration, written as Hugging Face folders, and the files of tests/golden.
// For tests of the rungs from model/ upwards; inline, because each rung's tests are an executable of their own.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "native/base/philox.h"
#include "native/format/json.h"
#include "tests/native/check.h"
#include "tests/native/safetensors_writer.h"

namespace faultline::check {

struct TinyShape {
  std::int32_t layers = 2;
  std::int32_t heads = 2;
  std::int32_t width = 16;
  std::int32_t vocabulary = 23;
  std::int32_t context = 32;
  std::uint64_t seed = 1;
  /// Spread of the embeddings: larger makes more peaked distributions.
  float embedding_scale = 0.5F;
  bool tied = true;
};

/// Values uniform in [-scale, scale], from counters, so that a model is the same on every machine.
class RandomFloats {
 public:
  explicit RandomFloats(std::uint64_t seed) : seed_(seed) {}

  std::vector<float> draw(std::int64_t count, float scale, float centre) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) {
      const std::uint32_t word = base::philox4x32_10({next_++, 0, 0, 0}, seed_)[0];
      value = centre + scale * (static_cast<float>(word >> 8) / 8388608.0F - 1.0F);
    }
    return values;
  }

 private:
  std::uint64_t seed_;
  std::uint32_t next_ = 0;
};

/// Writes config.json and model.safetensors below the test run's temporary folder and returns the folder.
inline std::string write_tiny_model(const std::string& name, const TinyShape& shape) {
  const std::string folder = temporary_folder() + "/" + name;
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/config.json") << "{\"model_type\": \"gpt2\", \"n_layer\": " << shape.layers
                                         << ", \"n_head\": " << shape.heads << ", \"n_embd\": " << shape.width
                                         << ", \"vocab_size\": " << shape.vocabulary
                                         << ", \"n_positions\": " << shape.context
                                         << ", \"eos_token_id\": " << shape.vocabulary - 1
                                         << (shape.tied ? "" : ", \"tie_word_embeddings\": false") << "}";
  RandomFloats random(shape.seed);
  std::vector<std::pair<std::string, std::vector<float>>> data;
  std::vector<tensor::Shape> shapes;
  const auto add = [&](const std::string& tensor, const tensor::Shape& extents, float scale, float centre = 0) {
    data.emplace_back(tensor, random.draw(extents.elements(), scale, centre));
    shapes.push_back(extents);
  };
  const std::int64_t width = shape.width;
  const float scale = 1.5F / std::sqrt(static_cast<float>(width));
  add("wte.weight", {shape.vocabulary, width}, shape.embedding_scale);
  add("wpe.weight", {shape.context, width}, 0.3F);
  for (std::int32_t i = 0; i < shape.layers; ++i) {
    const std::string h = "h." + std::to_string(i) + ".";
    for (const char* const norm : {"ln_1", "ln_2"}) {
      add(h + norm + ".weight", {width}, 0.2F, 1);
      add(h + norm + ".bias", {width}, 0.1F);
    }
    add(h + "attn.c_attn.weight", {width, 3 * width}, scale);
    add(h + "attn.c_attn.bias", {3 * width}, 0.1F);
    add(h + "attn.c_proj.weight", {width, width}, scale);
    add(h + "attn.c_proj.bias", {width}, 0.1F);
    add(h + "mlp.c_fc.weight", {width, 4 * width}, scale);
    add(h + "mlp.c_fc.bias", {4 * width}, 0.1F);
    add(h + "mlp.c_proj.weight", {4 * width, width}, scale);
    add(h + "mlp.c_proj.bias", {width}, 0.1F);
  }
  add("ln_f.weight", {width}, 0.2F, 1);
  add("ln_f.bias", {width}, 0.1F);
  if (!shape.tied) add("lm_head.weight", {shape.vocabulary, width}, shape.embedding_scale);

  std::vector<NamedTensor> tensors;
  for (std::size_t i = 0; i < data.size(); ++i)
    tensors.push_back(
        {data[i].first, {tensor::DType::f32, shapes[i], reinterpret_cast<const std::byte*>(data[i].second.data())}});
  write_safetensors(folder + "/model.safetensors", tensors);
  return folder;
}

/// tests/golden/<path>, or what else is given relative to the source tree.
inline std::string source_path(const std::string& relative) {
  return std::string(FAULTLINE_SOURCE_DIR) + "/" + relative;
}

/// A JSON object of token lists, e.g. prompts.json.
inline std::map<std::string, std::vector<std::int32_t>> read_token_lists(const std::string& path) {
  const format::Json json = format::parse_json_file(path);
  std::map<std::string, std::vector<std::int32_t>> lists;
  for (const auto& [name, list] : *json.as_object()) {
    std::vector<std::int32_t>& tokens = lists[name];
    for (const format::Json& token : *list.as_array()) tokens.push_back(static_cast<std::int32_t>(*token.as_integer()));
  }
  return lists;
}

}  // namespace faultline::check
