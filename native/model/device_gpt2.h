// GPT-2's weights and its keys and values in device memory, in the layouts of device_api.h. Computes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "native/base/thread_pool.h"
#include "native/model/config.h"
#include "native/ops/device.h"

namespace faultline::model {

/// Scale and shift of a layer norm, each [width], float.
struct DeviceLayerNorm {
  ops::DeviceBuffer gamma;
  ops::DeviceBuffer beta;
};

/// y = x W + b.
struct DeviceLinear {
  ops::DeviceBuffer weight;
  ops::DeviceMatrix matrix;
  ops::DeviceBuffer bias;  // [matrix.n_stride] float, zero past n; empty where there is none
};

struct DeviceGpt2Layer {
  DeviceLayerNorm ln1;
  DeviceLinear attn_qkv;   // [width, 3 * width]: query, key, value side by side
  DeviceLinear attn_proj;  // [width, width]
  DeviceLayerNorm ln2;
  DeviceLinear mlp_fc;    // [width, inner]
  DeviceLinear mlp_proj;  // [inner, width]
};

/// A loaded model. Immutable; belongs to its context and the context's thread.
struct DeviceGpt2 {
  ModelConfig config;
  ops::DeviceType type;
  DeviceLinear embedding;       // [width, vocabulary]
  ops::DeviceBuffer positions;  // [context, width], float
  std::vector<DeviceGpt2Layer> layers;
  DeviceLayerNorm ln_final;
  DeviceLinear separate_unembedding;  // [width, vocabulary]; empty in tied models

  ops::DeviceMatrix unembedding() const { return (config.tied ? embedding : separate_unembedding).matrix; }
  ops::DeviceKvShape kv_shape() const { return {config.layers, config.heads, config.head_width(), type}; }
};

/// Loads a Hugging Face folder or a GGUF file (open_model) into device memory; matrices become `type`. Throws
/// Error(input) for whatever is wrong with the files, Error(environment) with sizes when the weights do not fit the
/// device, or when a head is wider than the kernels go.
DeviceGpt2 load_device_gpt2(const ops::DeviceContext& context, const std::string& path, ops::DeviceType type,
                            base::ThreadPool* pool);

/// Bytes of the weights of such a model in device memory, for memory plans; a few more than are allocated, as every
/// matrix is counted with a bias. Throws Error(environment) when a head, or for bfloat16 the model, is wider than the
/// kernels go.
std::uint64_t device_weight_bytes(const ModelConfig& config, ops::DeviceType type);

/// Bytes of one segment of keys and values for `capacity` tokens (rounded up to whole blocks of 16), for all layers.
std::uint64_t device_segment_bytes(const ModelConfig& config, ops::DeviceType type, std::int32_t capacity);
/// Tokens that a segment asked to hold `tokens` really holds.
constexpr std::int32_t device_segment_capacity(std::int32_t tokens) { return ops::device_round_up(tokens, 16); }

}  // namespace faultline::model
