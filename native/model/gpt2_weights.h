// GPT-2's weights, packed for ops.gemm. Knows the names and shapes in checkpoints; computes nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "native/base/aligned_buffer.h"
#include "native/base/promised_memory.h"
#include "native/base/thread_pool.h"
#include "native/model/checkpoint.h"
#include "native/ops/pack.h"

namespace faultline::model {

/// Scale and shift of a layer norm, each [width], always float.
struct LayerNormWeights {
  base::AlignedBuffer gamma;
  base::AlignedBuffer beta;
};

/// y = x W + b with W [in, out], packed; b [out], always float.
struct LinearWeights {
  ops::PackedWeights weight;
  base::AlignedBuffer bias;
};

struct Gpt2Layer {
  LayerNormWeights ln1;
  LinearWeights attn_qkv;   // [width, 3 * width]: query, key, value side by side
  LinearWeights attn_proj;  // [width, width]
  LayerNormWeights ln2;
  LinearWeights mlp_fc;    // [width, inner]
  LinearWeights mlp_proj;  // [inner, width]
};

/// Owns all its memory; the file may be closed afterwards. Immutable once loaded, so that any thread may read it.
struct Gpt2Weights {
  /// Token embedding as a matrix [width, vocabulary]: packed like the unembedding, which it also is in tied models.
  ops::PackedWeights embedding;
  base::AlignedBuffer positions;  // [context, width], float
  std::vector<Gpt2Layer> layers;
  LayerNormWeights ln_final;
  ops::PackedWeights separate_unembedding;  // [width, vocabulary]; empty in tied models
  bool tied = true;

  ops::PackedMatrix unembedding() const { return (tied ? embedding : separate_unembedding).matrix(); }
};

/// Matrices become `type`; norms, biases and position embeddings stay float. `promise` holds gpt2_weight_bytes() at
/// first and, after each matrix, what is still to come; null where nothing was promised. Throws Checkpoint's errors,
/// and Error(environment) when memory runs out.
Gpt2Weights load_gpt2_weights(const ModelFiles& files, ops::WeightType type, base::ThreadPool* pool,
                              base::PromisedMemory::Share* promise = nullptr);

/// Bytes that the weights of such a model take once they are loaded, for memory plans. Exact.
std::uint64_t gpt2_weight_bytes(const ModelConfig& config, ops::WeightType type);

}  // namespace faultline::model
