// Element types of tensors, with safetensors' names. Files may hold any of them (GPT-2 checkpoints carry boolean masks
// that nobody reads); the engine takes weights in F32, F16, BF16 and Q8_0 alone (convert.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace faultline::tensor {

enum class DType : std::uint8_t {
#define FAULTLINE_DTYPE(name, text, elements, bytes) name,
#include "native/tensor/dtypes.def"
#undef FAULTLINE_DTYPE
};

/// Elements that are stored together: 1, but for quantised types, whose elements share a scale.
std::size_t dtype_block(DType dtype);
/// Bytes of one block: of one element where that is a block.
std::size_t dtype_size(DType dtype);
/// The name for messages, e.g. "F32".
const char* dtype_name(DType dtype);
/// The type with this safetensors name, or nothing. safetensors has no types in blocks.
std::optional<DType> dtype_from_name(std::string_view name);

}  // namespace faultline::tensor
