#include "native/model/device_gpt2.h"

#include <algorithm>
#include <memory>

#include "native/base/error.h"
#include "native/base/mapped_file.h"
#include "native/base/promised_memory.h"
#include "native/model/checkpoint.h"
#include "native/ops/pack.h"

namespace faultline::model {
namespace {

using base::Error;
using base::ErrorCode;
using ops::DeviceBuffer;
using ops::DeviceContext;
using ops::DeviceType;
using tensor::Shape;

/// Reads a checkpoint tensor by tensor, so that host memory holds one packed matrix at a time.
class Loader {
 public:
  Loader(const DeviceContext& context, const Checkpoint& checkpoint, DeviceType type, base::ThreadPool* pool)
      : context_(context), checkpoint_(checkpoint), type_(type), pool_(pool) {}

  DeviceBuffer floats(const std::string& name, const Shape& shape, std::uint64_t room = 0) const {
    const base::AlignedBuffer values = checkpoint_.floats(name, shape);
    DeviceBuffer buffer = DeviceBuffer::zeroed(context_, std::max<std::uint64_t>(values.size(), room), "weights");
    buffer.upload(values.data(), values.size());
    context_.synchronize();
    return buffer;
  }

  DeviceLayerNorm layer_norm(const std::string& name, std::int64_t width) const {
    return {floats(name + ".weight", Shape{width}), floats(name + ".bias", Shape{width})};
  }

  DeviceLinear linear(const std::string& name, std::int32_t in, std::int32_t out) const {
    const auto [view, orientation] = checkpoint_.linear(name, in, out);
    DeviceLinear linear = matrix(view, orientation, in, out);
    linear.bias =
        floats(name + ".bias", Shape{out}, sizeof(float) * static_cast<std::uint64_t>(linear.matrix.n_stride));
    return linear;
  }

  DeviceLinear matrix(const tensor::TensorView& view, ops::Orientation orientation, std::int32_t in,
                      std::int32_t out) const {
    const base::AlignedBuffer packed = ops::pack_for_device(view, orientation, type_, pool_);
    base::forget_pages(view.bytes());
    DeviceLinear linear{.weight = DeviceBuffer(context_, packed.size(), "weights"), .matrix = {}, .bias = {}};
    linear.weight.upload(packed.data(), packed.size());
    context_.synchronize();
    linear.matrix = {linear.weight.as<void>(),
                     type_,
                     in,
                     out,
                     ops::device_round_up(in, ops::kDevicePad),
                     ops::device_round_up(out, ops::kDevicePadOut)};
    return linear;
  }

 private:
  const DeviceContext& context_;
  const Checkpoint& checkpoint_;
  DeviceType type_;
  base::ThreadPool* pool_;
};

/// Bytes of a weight [in, out] on the device, its bias included.
std::uint64_t linear_bytes(DeviceType type, std::int32_t in, std::int32_t out) {
  const auto rows = static_cast<std::uint64_t>(ops::device_round_up(out, ops::kDevicePadOut));
  return rows * (static_cast<std::uint64_t>(ops::device_stride(in)) * ops::device_element_size(type) + sizeof(float));
}

/// Refuses, with numbers, a shape that the kernels have no room for.
void check_shape(const ModelConfig& config, DeviceType type) {
  if (config.head_width() > ops::kDeviceDimMost)
    throw Error(ErrorCode::environment,
                "this model's heads are " + std::to_string(config.head_width()) +
                    " wide, but the CUDA kernels go up to " + std::to_string(ops::kDeviceDimMost),
                "Use --device cpu.");
  if (type == DeviceType::bf16 && config.width > ops::kDeviceWidthMost)
    throw Error(ErrorCode::environment,
                "this model is " + std::to_string(config.width) + " wide, but the CUDA kernels for bfloat16 go up to " +
                    std::to_string(ops::kDeviceWidthMost),
                "Use --dtype float32, or --device cpu.");
}

/// Refuses, before anything is sent, what cannot be run on this device. The room is promised until all is there:
/// another model may be loading.
base::PromisedMemory::Share promise_room(const DeviceContext& context, const ModelConfig& config, DeviceType type) {
  return DeviceContext::promises().promise([&] {
    const std::uint64_t bytes = device_weight_bytes(config, type);
    check_weights_fit(bytes, context.info().name, context.free_bytes(),
                      type == DeviceType::f32
                          ? "Use --dtype bfloat16, close other programs that use the GPU, or use --device cpu."
                          : "Close other programs that use the GPU, or use --device cpu.");
    return bytes;
  });
}

}  // namespace

DeviceGpt2 load_device_gpt2(const DeviceContext& context, const std::string& path, DeviceType type,
                            base::ThreadPool* pool) {
  const ModelFiles files = open_model(path);
  const ModelConfig& config = files.config;
  const base::PromisedMemory::Share promise = promise_room(context, config, type);
  const Checkpoint checkpoint(files, type == DeviceType::bf16, pool);
  const Loader load(context, checkpoint, type, pool);

  const Shape embedding{config.vocabulary, config.width};
  DeviceGpt2 model{.config = config,
                   .type = type,
                   .embedding = load.matrix(checkpoint.matrix("wte.weight", embedding), ops::Orientation::nk,
                                            config.width, config.vocabulary),
                   .positions = load.floats("wpe.weight", Shape{config.context, config.width}),
                   .layers = {},
                   .ln_final = load.layer_norm("ln_f", config.width),
                   .separate_unembedding = {}};
  for (std::int32_t i = 0; i < config.layers; ++i) {
    const std::string h = Checkpoint::layer(i);
    model.layers.push_back({.ln1 = load.layer_norm(h + "ln_1", config.width),
                            .attn_qkv = load.linear(h + "attn.c_attn", config.width, 3 * config.width),
                            .attn_proj = load.linear(h + "attn.c_proj", config.width, config.width),
                            .ln2 = load.layer_norm(h + "ln_2", config.width),
                            .mlp_fc = load.linear(h + "mlp.c_fc", config.width, config.inner),
                            .mlp_proj = load.linear(h + "mlp.c_proj", config.inner, config.width)});
  }
  if (!config.tied)
    model.separate_unembedding =
        load.matrix(checkpoint.unembedding(embedding), ops::Orientation::nk, config.width, config.vocabulary);
  return model;
}

std::uint64_t device_weight_bytes(const ModelConfig& config, DeviceType type) {
  check_shape(config, type);
  const std::uint64_t norm = 2 * sizeof(float) * static_cast<std::uint64_t>(config.width);
  const std::uint64_t layer =
      2 * norm + linear_bytes(type, config.width, 3 * config.width) + linear_bytes(type, config.width, config.width) +
      linear_bytes(type, config.width, config.inner) + linear_bytes(type, config.inner, config.width);
  return (config.tied ? 1 : 2) * linear_bytes(type, config.width, config.vocabulary) +
         sizeof(float) * static_cast<std::uint64_t>(config.context) * static_cast<std::uint64_t>(config.width) +
         static_cast<std::uint64_t>(config.layers) * layer + norm;
}

std::uint64_t device_segment_bytes(const ModelConfig& config, DeviceType type, std::int32_t capacity) {
  return 2 * ops::device_element_size(type) * static_cast<std::uint64_t>(config.layers) *
         static_cast<std::uint64_t>(config.heads) * static_cast<std::uint64_t>(device_segment_capacity(capacity)) *
         static_cast<std::uint64_t>(ops::device_dim(config.head_width()));
}

}  // namespace faultline::model
