// Element types of tensors, with safetensors' names. Files may hold any of them (GPT-2 checkpoints carry boolean masks
// that nobody reads); the engine computes with F32, F16 and BF16 alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace faultline::tensor {

enum class DType : std::uint8_t {
#define FAULTLINE_DTYPE(name, text, bytes) name,
#include "native/tensor/dtypes.def"
#undef FAULTLINE_DTYPE
};

/// Bytes of one element.
std::size_t dtype_size(DType dtype);
/// safetensors' name, e.g. "F32".
const char* dtype_name(DType dtype);
/// The type with this safetensors name, or nothing.
std::optional<DType> dtype_from_name(std::string_view name);

}  // namespace faultline::tensor
