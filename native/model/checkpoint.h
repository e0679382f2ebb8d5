// One GPT-2 checkpoint, asked by the names that Hugging Face gives inside `transformer`. Knows names, shapes and types;
// packs and converts nothing.
#pragma once

#include <cstdint>
#include <string>

#include "native/base/aligned_buffer.h"
#include "native/format/tensor_file.h"
#include "native/model/config.h"
#include "native/tensor/tensor_view.h"

namespace faultline::model {

/// `file` must outlive it. Every function throws Error(input) that names the file and the tensor that is missing, of
/// another shape than the config says, or of another type than F32, F16 or BF16.
class Checkpoint {
 public:
  /// Refuses a file with more layers than the config says: it would be cut without a word.
  Checkpoint(const format::TensorFile& file, const ModelConfig& config);

  /// `h.3.`, for the names below.
  static std::string layer(std::int32_t index) { return "h." + std::to_string(index) + "."; }

  /// A tensor inside `transformer`, whether or not the file writes that prefix.
  tensor::TensorView view(const std::string& name, const tensor::Shape& shape) const;
  /// The same as floats, widened exactly.
  base::AlignedBuffer floats(const std::string& name, const tensor::Shape& shape) const;
  /// lm_head.weight, which stands outside `transformer`.
  tensor::TensorView unembedding(const tensor::Shape& shape) const;

 private:
  tensor::TensorView checked(const std::string& full_name, const tensor::Shape& shape) const;

  const format::TensorFile& file_;
  std::string prefix_;
};

}  // namespace faultline::model
