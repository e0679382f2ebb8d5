#include "native/model/gpt2_weights.h"

#include <string>

#include "native/base/mapped_file.h"

namespace faultline::model {
namespace {

using tensor::Shape;

LayerNormWeights layer_norm(const Checkpoint& checkpoint, const std::string& name, std::int64_t width) {
  return {checkpoint.floats(name + ".weight", Shape{width}), checkpoint.floats(name + ".bias", Shape{width})};
}

}  // namespace

Gpt2Weights load_gpt2_weights(const ModelFiles& files, ops::WeightType type, base::ThreadPool* pool,
                              base::PromisedMemory::Share* promise) {
  const ModelConfig& config = files.config;
  const bool bfloat16 = type != ops::WeightType::f32 && type != ops::WeightType::int8;
  const Checkpoint checkpoint(files, bfloat16, pool);
  // The file's pages go as their copy comes, so that a model is in memory once, and one tensor of it twice.
  const auto packed = [&](const tensor::TensorView& view, ops::Orientation orientation) {
    ops::PackedWeights copy = ops::pack_weights(view, orientation, type, pool);
    base::forget_pages(view.bytes());
    if (promise != nullptr) promise->set(promise->bytes() - copy.size_bytes());
    return copy;
  };
  const auto linear = [&](const std::string& name, std::int64_t in, std::int64_t out) -> LinearWeights {
    const auto [view, orientation] = checkpoint.linear(name, in, out);
    return {packed(view, orientation), checkpoint.floats(name + ".bias", Shape{out})};
  };

  Gpt2Weights weights;
  const Shape embedding{config.vocabulary, config.width};
  weights.embedding = packed(checkpoint.matrix("wte.weight", embedding), ops::Orientation::nk);
  weights.positions = checkpoint.floats("wpe.weight", Shape{config.context, config.width});
  weights.layers.reserve(static_cast<std::size_t>(config.layers));
  for (std::int32_t i = 0; i < config.layers; ++i) {
    const std::string h = Checkpoint::layer(i);
    weights.layers.push_back({
        .ln1 = layer_norm(checkpoint, h + "ln_1", config.width),
        .attn_qkv = linear(h + "attn.c_attn", config.width, std::int64_t{3} * config.width),
        .attn_proj = linear(h + "attn.c_proj", config.width, config.width),
        .ln2 = layer_norm(checkpoint, h + "ln_2", config.width),
        .mlp_fc = linear(h + "mlp.c_fc", config.width, config.inner),
        .mlp_proj = linear(h + "mlp.c_proj", config.inner, config.width),
    });
  }
  weights.ln_final = layer_norm(checkpoint, "ln_f", config.width);
  weights.tied = config.tied;
  if (!config.tied) weights.separate_unembedding = packed(checkpoint.unembedding(embedding), ops::Orientation::nk);
  return weights;
}

std::uint64_t gpt2_weight_bytes(const ModelConfig& config, ops::WeightType type) {
  const auto floats = [](std::int64_t count) { return sizeof(float) * static_cast<std::uint64_t>(count); };
  const auto linear = [&](std::int32_t in, std::int32_t out) { return ops::packed_bytes(type, in, out) + floats(out); };
  const std::uint64_t norm = floats(std::int64_t{2} * config.width);
  const std::uint64_t layer = 2 * norm + linear(config.width, 3 * config.width) + linear(config.width, config.width) +
                              linear(config.width, config.inner) + linear(config.inner, config.width);
  return (config.tied ? 1 : 2) * ops::packed_bytes(type, config.width, config.vocabulary) +
         floats(std::int64_t{config.context} * config.width) + static_cast<std::uint64_t>(config.layers) * layer + norm;
}

}  // namespace faultline::model
