#include "native/model/gpt2_weights.h"

#include <string>

#include "native/model/checkpoint.h"

namespace faultline::model {
namespace {

using tensor::Shape;

LayerNormWeights layer_norm(const Checkpoint& checkpoint, const std::string& name, std::int64_t width) {
  return {checkpoint.floats(name + ".weight", Shape{width}), checkpoint.floats(name + ".bias", Shape{width})};
}

}  // namespace

Gpt2Weights load_gpt2_weights(const format::TensorFile& file, const ModelConfig& config, ops::WeightType type,
                              base::ThreadPool* pool) {
  const Checkpoint checkpoint(file, config);
  const auto linear = [&](const std::string& name, std::int64_t in, std::int64_t out) -> LinearWeights {
    return {ops::pack_weights(checkpoint.view(name + ".weight", Shape{in, out}), ops::Orientation::kn, type, pool),
            checkpoint.floats(name + ".bias", Shape{out})};
  };

  Gpt2Weights weights;
  const Shape embedding{config.vocabulary, config.width};
  weights.embedding = ops::pack_weights(checkpoint.view("wte.weight", embedding), ops::Orientation::nk, type, pool);
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
  if (!config.tied)
    weights.separate_unembedding =
        ops::pack_weights(checkpoint.unembedding(embedding), ops::Orientation::nk, type, pool);
  return weights;
}

}  // namespace faultline::model
