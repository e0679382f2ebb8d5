// Every buffer that a forward pass writes, with its shape. M is the largest number of rows (tokens) in one pass, L the
// largest number of rows whose logits are there at the same time. Owned by the engine thread and reused from pass to
// pass.
#pragma once

#include <cstdint>

#include "native/base/aligned_buffer.h"
#include "native/model/config.h"

namespace faultline::model {

class Activations {
 public:
  /// Throws Error(environment) when the memory cannot be had.
  Activations(const ModelConfig& config, std::int32_t rows, std::int32_t logit_rows);

  /// What the constructor allocates, for memory plans.
  static std::size_t bytes(const ModelConfig& config, std::int32_t rows, std::int32_t logit_rows);

  /// Floats from one row of logits to the next: the vocabulary, rounded up to whole cache lines.
  static std::int64_t logits_stride(const ModelConfig& config);

  std::int32_t rows() const { return rows_; }
  std::int32_t logit_rows() const { return logit_rows_; }

  base::AlignedBuffer residual;        // [M, width]: the residual stream
  base::AlignedBuffer normed;          // [M, width]: what a layer norm put out; also one branch's output when captured
  base::AlignedBuffer scale;           // [M]: a layer norm's divisor
  base::AlignedBuffer qkv;             // [M, 3 * width]
  base::AlignedBuffer z;               // [M, width]: the heads' outputs side by side
  base::AlignedBuffer softmax_m;       // [heads, M]: running maximum of the attention scores
  base::AlignedBuffer softmax_l;       // [heads, M]: running sum of their exponentials
  base::AlignedBuffer mlp;             // [M, inner]
  base::AlignedBuffer rounded;         // bfloat16 or int8 [M, inner]: what the running product reads (GemmArgs)
  base::AlignedBuffer quantised;       // ops::QuantisedRow [M]: of its int8 rows
  base::AlignedBuffer logits;          // [L, logits_stride]
  base::AlignedBuffer prefix_visible;  // int32 [M]: keys of the shared segment that a row sees
  base::AlignedBuffer suffix_visible;  // int32 [M]: keys of its own segment

 private:
  std::int32_t rows_;
  std::int32_t logit_rows_;
};

}  // namespace faultline::model
