// Conversions between the types of weights the engine reads and float. Exact upwards; bfloat16 rounds to nearest even.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>

#include "native/tensor/tensor_view.h"

namespace faultline::tensor {

/// IEEE binary16 to float, exact, denormals included (independent of the thread's FpEnv).
float float_from_half(std::uint16_t bits);
/// bfloat16 to float, exact.
float float_from_bfloat16(std::uint16_t bits);
/// Nearest bfloat16, ties to even; too large becomes infinity; NaN stays a quiet NaN.
/// One number; rows are ops.round_bf16's.
inline std::uint16_t bfloat16_from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  // The carry below would turn some NaNs into infinity: keep the sign, set the quiet bit.
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

/// Whether the engine can read elements of this type as floats: F32, F16, BF16 or Q8_0.
bool is_float_weight(DType dtype);
/// Element `index` of a view of a float weight (checked once by callers through is_float_weight), any alignment. Exact
/// for all: a Q8_0 element is the product of 11 and 8 significant bits. Not for inner loops: it asks for the type every
/// time.
float element_as_float(const TensorView& view, std::int64_t index);
/// Elements [begin, begin + count) of a view as floats into `out`. Throws Error(internal) for other types or a range
/// outside.
void copy_as_float(const TensorView& view, std::int64_t begin, std::int64_t count, float* out);
/// The same, rounded to bfloat16 as bfloat16_from_float does; exact from BF16.
void copy_as_bfloat16(const TensorView& view, std::int64_t begin, std::int64_t count, std::uint16_t* out);
/// The first of the elements [begin, end) of a float weight that is infinite or NaN, or `as_bfloat16` is one that
/// copy_as_bfloat16 makes infinite; or nothing. `begin` stands at the start of a block.
std::optional<std::int64_t> first_not_finite(const TensorView& view, std::int64_t begin, std::int64_t end,
                                             bool as_bfloat16 = false);

}  // namespace faultline::tensor
