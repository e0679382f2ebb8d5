// GPT-2's weights, packed for ops.gemm. Knows the names and shapes in Hugging Face's checkpoints; computes nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "native/base/aligned_buffer.h"
#include "native/base/thread_pool.h"
#include "native/format/tensor_file.h"
#include "native/model/config.h"
#include "native/ops/pack.h"

namespace faultline::model {

/// Scale and shift of a layer norm, each [width], always float.
struct LayerNormWeights {
  base::AlignedBuffer gamma;
  base::AlignedBuffer beta;
};

/// y = x W + b with W [in, out] (Hugging Face's Conv1D), packed; b [out], always float.
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

/// Takes F32, F16 and BF16 tensors, with or without the prefix `transformer.`. Matrices become `type`; norms, biases
/// and position embeddings stay float. Throws Error(input) that names the file and the tensor that is missing, of
/// another shape than the config says, or of another type; Error(environment) when memory runs out.
Gpt2Weights load_gpt2_weights(const format::TensorFile& file, const ModelConfig& config, ops::WeightType type,
                              base::ThreadPool* pool);

}  // namespace faultline::model
