// One GPT-2 checkpoint, asked by the names that Hugging Face gives inside `transformer`, whatever format it is in.
// Knows names, shapes, types and orientations; packs and converts nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "native/base/aligned_buffer.h"
#include "native/base/thread_pool.h"
#include "native/format/tensor_file.h"
#include "native/model/config.h"
#include "native/ops/pack.h"
#include "native/tensor/tensor_view.h"

namespace faultline::model {

/// A model as it lies on the disk.
struct ModelFiles {
  ModelConfig config;
  std::unique_ptr<format::TensorFile> tensors;
  bool gguf;  // whether names and orientations are GGUF's
};

/// Opens a GGUF file (whose name ends in ".gguf") or a Hugging Face folder (config.json and safetensors). Throws
/// Error(input) for whatever is wrong with it, the weights' values apart.
ModelFiles open_model(const std::string& path);

/// The same model's config alone: of a folder, weights need not be there.
ModelConfig open_config(const std::string& path);

/// Throws Error(environment) that names both sizes where weights of so many bytes have no room on `where`. For before
/// anything of them is read.
void check_weights_fit(std::uint64_t weight_bytes, const std::string& where, std::uint64_t free_bytes,
                       const std::string& hint = "Use a smaller model or --dtype bfloat16, or close other programs.");

/// The same of the host whose processor is `cpu`: free is what base::unpromised_memory() says.
void check_weights_fit_host(std::uint64_t weight_bytes, const std::string& cpu);

/// Throws Error(input) that names the file and its key where a product of this model is too deep for weights of `type`:
/// int8 sums of more than ops::kInt8DepthMost products. `path` is the model's, as for open_config().
void check_depth(const std::string& path, const ModelConfig& config, ops::WeightType type);

/// A weight [in, out] as it stands in its file.
struct WeightView {
  tensor::TensorView view;
  ops::Orientation orientation;
};

/// `files` must outlive it. Every function throws Error(input) that names the file and the tensor that is missing, of
/// another shape than the config says, of a type that is no float weight, or that holds a NaN, an infinity or, where it
/// is to become bfloat16, a number that has no room there.
class Checkpoint {
 public:
  /// Refuses a file with more layers than the config says: it would be cut without a word. `bfloat16_matrices`: whether
  /// the matrices are to be rounded to bfloat16. Where a pool is given, its threads look through the weights.
  Checkpoint(const ModelFiles& files, bool bfloat16_matrices, base::ThreadPool* pool);

  /// `h.3.`, for the names below.
  static std::string layer(std::int32_t index) { return "h." + std::to_string(index) + "."; }

  /// `name`.weight of a linear map: GPT-2's Conv1D keeps it as [in, out], GGUF as [out, in].
  WeightView linear(const std::string& name, std::int64_t in, std::int64_t out) const;
  /// A matrix inside `transformer` that stands alike in all formats, whether or not the file writes that prefix.
  tensor::TensorView matrix(const std::string& name, const tensor::Shape& shape) const;
  /// Any tensor there that does, as floats, widened exactly.
  base::AlignedBuffer floats(const std::string& name, const tensor::Shape& shape) const;
  /// lm_head.weight, which stands outside `transformer`.
  tensor::TensorView unembedding(const tensor::Shape& shape) const;

 private:
  std::string full_name(const std::string& name) const;
  tensor::TensorView checked(const std::string& full_name, const tensor::Shape& shape, bool as_bfloat16) const;
  void check_finite(const std::string& full_name, const tensor::TensorView& tensor, bool as_bfloat16) const;
  /// The next step where config and weights disagree.
  const char* disagreement() const;

  const ModelFiles& files_;
  bool bfloat16_matrices_;
  base::ThreadPool* pool_;
  std::string prefix_;
};

}  // namespace faultline::model
