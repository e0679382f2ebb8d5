#include "native/model/gpt2_weights.h"

#include <string>
#include <string_view>

#include "native/base/error.h"
#include "native/tensor/convert.h"

namespace faultline::model {
namespace {

using base::AlignedBuffer;
using base::Error;
using base::ErrorCode;
using tensor::Shape;
using tensor::TensorView;

/// One checkpoint, asked by the names that Hugging Face gives inside `transformer`.
class Checkpoint {
 public:
  Checkpoint(const format::TensorFile& file, ops::WeightType type, base::ThreadPool* pool)
      : file_(file), prefix_(file.find("transformer.wte.weight") ? "transformer." : ""), type_(type), pool_(pool) {}

  const std::string& prefix() const { return prefix_; }

  LayerNormWeights layer_norm(const std::string& name, std::int64_t width) const {
    return {floats(prefix_ + name + ".weight", Shape{width}), floats(prefix_ + name + ".bias", Shape{width})};
  }

  LinearWeights linear(const std::string& name, std::int64_t in, std::int64_t out) const {
    return {matrix(prefix_ + name + ".weight", Shape{in, out}, ops::Orientation::kn),
            floats(prefix_ + name + ".bias", Shape{out})};
  }

  ops::PackedWeights matrix(const std::string& name, const Shape& shape, ops::Orientation orientation) const {
    return ops::pack_weights(view(name, shape), orientation, type_, pool_);
  }

  AlignedBuffer floats(const std::string& name, const Shape& shape) const {
    const TensorView tensor = view(name, shape);
    AlignedBuffer buffer = AlignedBuffer::floats(static_cast<std::size_t>(shape.elements()));
    tensor::copy_as_float(tensor, 0, shape.elements(), buffer.as<float>());
    return buffer;
  }

 private:
  TensorView view(const std::string& name, const Shape& shape) const {
    const TensorView tensor = file_.get(name);
    if (tensor.shape != shape)
      throw Error(ErrorCode::input,
                  file_.path() + ": tensor " + name + " has shape " + tensor.shape.to_string() +
                      ", but config.json asks for " + shape.to_string(),
                  "Check that config.json and the weights belong together.");
    if (!tensor::is_float_weight(tensor.dtype))
      throw Error(ErrorCode::input, file_.path() + ": tensor " + name + " holds " + tensor::dtype_name(tensor.dtype) +
                                        ", but weights must be F32, F16 or BF16");
    return tensor;
  }

  const format::TensorFile& file_;
  std::string prefix_;
  ops::WeightType type_;
  base::ThreadPool* pool_;
};

/// A file with more layers than the config says would be cut without a word.
void refuse_more_layers(const format::TensorFile& file, const std::string& prefix, std::int32_t layers) {
  const std::string next = prefix + "h." + std::to_string(layers) + ".";
  for (const std::string& name : file.names()) {
    if (name.starts_with(next))
      throw Error(ErrorCode::input,
                  file.path() + ": tensor " + name + " belongs to layer " + std::to_string(layers) +
                      ", but config.json says n_layer " + std::to_string(layers),
                  "Check that config.json and the weights belong together.");
  }
}

}  // namespace

Gpt2Weights load_gpt2_weights(const format::TensorFile& file, const ModelConfig& config, ops::WeightType type,
                              base::ThreadPool* pool) {
  const Checkpoint checkpoint(file, type, pool);
  refuse_more_layers(file, checkpoint.prefix(), config.layers);

  Gpt2Weights weights;
  const Shape embedding{config.vocabulary, config.width};
  weights.embedding = checkpoint.matrix(checkpoint.prefix() + "wte.weight", embedding, ops::Orientation::nk);
  weights.positions = checkpoint.floats(checkpoint.prefix() + "wpe.weight", Shape{config.context, config.width});
  weights.layers.reserve(static_cast<std::size_t>(config.layers));
  for (std::int32_t i = 0; i < config.layers; ++i) {
    const std::string h = "h." + std::to_string(i) + ".";
    weights.layers.push_back({
        .ln1 = checkpoint.layer_norm(h + "ln_1", config.width),
        .attn_qkv = checkpoint.linear(h + "attn.c_attn", config.width, std::int64_t{3} * config.width),
        .attn_proj = checkpoint.linear(h + "attn.c_proj", config.width, config.width),
        .ln2 = checkpoint.layer_norm(h + "ln_2", config.width),
        .mlp_fc = checkpoint.linear(h + "mlp.c_fc", config.width, config.inner),
        .mlp_proj = checkpoint.linear(h + "mlp.c_proj", config.inner, config.width),
    });
  }
  weights.ln_final = checkpoint.layer_norm("ln_f", config.width);
  weights.tied = config.tied;
  if (!config.tied) weights.separate_unembedding = checkpoint.matrix("lm_head.weight", embedding, ops::Orientation::nk);
  return weights;
}

}  // namespace faultline::model
