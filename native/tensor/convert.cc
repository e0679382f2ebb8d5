#include "native/tensor/convert.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <iterator>
#include <limits>

#include "native/base/check.h"

namespace faultline::tensor {
namespace {

template <class T>
T read(const std::byte* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

/// The first block of [begin, end) whose first bytes, as a T without the sign bit, come to `limit` or more; `end` where
/// there is none. For IEEE numbers: whose size is `limit` at least, infinities and NaNs included.
/// The inner loop only collects, so that compilers vectorise it: this reads every weight of a model once.
template <class T>
std::int64_t first_as_large(const TensorView& view, std::int64_t begin, std::int64_t end, T limit) {
  constexpr std::int64_t kChunk = 1024;
  constexpr T kSize = std::numeric_limits<T>::max() >> 1;  // all bits but the sign's
  const auto size = static_cast<std::int64_t>(dtype_size(view.dtype));
  const auto is = [&](std::int64_t i) { return (read<T>(view.data + i * size) & kSize) >= limit; };
  for (std::int64_t at = begin; at < end; at += kChunk) {
    const std::int64_t last = std::min(end, at + kChunk);
    unsigned any = 0;
    if (size == sizeof(T)) {
      const std::byte* const p = view.data + at * static_cast<std::int64_t>(sizeof(T));
      for (std::int64_t i = 0; i < last - at; ++i)
        any |= (read<T>(p + i * static_cast<std::int64_t>(sizeof(T))) & kSize) >= limit;
    } else {
      for (std::int64_t i = at; i < last; ++i) any |= is(i);
    }
    for (std::int64_t i = at; any != 0 && i < last; ++i) {
      if (is(i)) return i;
    }
  }
  return end;
}

void check_range(const TensorView& view, std::int64_t begin, std::int64_t count) {
  FAULTLINE_CHECK(is_float_weight(view.dtype), dtype_name(view.dtype));
  FAULTLINE_CHECK(begin >= 0 && count >= 0 && count <= view.shape.elements() - begin);
}

/// Elements of 16 bits, each converted. `convert` is inlined: these loops read every weight of a model.
template <class Out, class Convert>
void copy_halves(const TensorView& view, std::int64_t begin, std::int64_t count, Out* out, Convert&& convert) {
  const std::byte* const from = view.data + begin * std::int64_t{sizeof(std::uint16_t)};
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = convert(read<std::uint16_t>(from + i * std::int64_t{sizeof(std::uint16_t)}));
}

}  // namespace

float float_from_half(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16;
  std::uint32_t exponent = bits >> 10 & 31u;
  std::uint32_t fraction = bits & 0x3FFu;
  if (exponent == 0 && fraction != 0) {
    // A denormal half is a normal float. Integer steps only: with denormals-are-zero a float step would lose it.
    const int shift = std::countl_zero(fraction) - 21;
    fraction = fraction << shift & 0x3FFu;
    exponent = static_cast<std::uint32_t>(113 - shift);
  } else if (exponent == 31) {
    exponent = 255;
  } else if (exponent != 0) {
    exponent += 112;
  }
  return std::bit_cast<float>(sign | exponent << 23 | fraction << 13);
}

float float_from_bfloat16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

bool is_float_weight(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16 || dtype == DType::q8_0;
}

float element_as_float(const TensorView& view, std::int64_t index) {
  const auto block = static_cast<std::int64_t>(dtype_block(view.dtype));
  const std::byte* p = view.data + static_cast<std::size_t>(index / block) * dtype_size(view.dtype);
  switch (view.dtype) {
    case DType::f32:
      return read<float>(p);
    case DType::f16:
      return float_from_half(read<std::uint16_t>(p));
    case DType::bf16:
      return float_from_bfloat16(read<std::uint16_t>(p));
    case DType::q8_0:
      return float_from_half(read<std::uint16_t>(p)) * read<std::int8_t>(p + sizeof(std::uint16_t) + index % block);
    default:
      FAULTLINE_CHECK(is_float_weight(view.dtype), dtype_name(view.dtype));
      return 0;
  }
}

void copy_as_float(const TensorView& view, std::int64_t begin, std::int64_t count, float* out) {
  check_range(view, begin, count);
  if (count == 0) return;
  switch (view.dtype) {
    case DType::f32:
      std::memcpy(out, view.data + begin * std::int64_t{sizeof(float)},
                  static_cast<std::size_t>(count) * sizeof(float));
      break;
    case DType::f16:
      copy_halves(view, begin, count, out, [](std::uint16_t bits) { return float_from_half(bits); });
      break;
    case DType::bf16:
      copy_halves(view, begin, count, out, [](std::uint16_t bits) { return float_from_bfloat16(bits); });
      break;
    default:  // Q8_0
      for (std::int64_t i = 0; i < count; ++i) out[i] = element_as_float(view, begin + i);
  }
}

void copy_as_bfloat16(const TensorView& view, std::int64_t begin, std::int64_t count, std::uint16_t* out) {
  check_range(view, begin, count);
  if (view.dtype == DType::bf16) {
    copy_halves(view, begin, count, out, [](std::uint16_t bits) { return bits; });
    return;
  }
  std::array<float, 256> floats;
  for (std::int64_t at = 0; at < count; at += std::ssize(floats)) {
    const std::int64_t here = std::min(count - at, std::ssize(floats));
    copy_as_float(view, begin + at, here, floats.data());
    for (std::int64_t i = 0; i < here; ++i) out[at + i] = bfloat16_from_float(floats[static_cast<std::size_t>(i)]);
  }
}

std::optional<std::int64_t> first_not_finite(const TensorView& view, std::int64_t begin, std::int64_t end,
                                             bool as_bfloat16) {
  FAULTLINE_CHECK(is_float_weight(view.dtype), dtype_name(view.dtype));
  const auto block = static_cast<std::int64_t>(dtype_block(view.dtype));
  FAULTLINE_CHECK(begin >= 0 && begin % block == 0 && end >= begin && end <= view.shape.elements());
  const std::int64_t blocks = (end + block - 1) / block;
  std::int64_t found = blocks;
  switch (view.dtype) {
    case DType::f32:
      // 0x7F7F8000 stands half way between the largest bfloat16 and infinity, and rounds to the latter, the even one.
      found = first_as_large<std::uint32_t>(view, begin, end, as_bfloat16 ? 0x7F7F8000u : 0x7F800000u);
      break;
    case DType::bf16:
      found = first_as_large<std::uint16_t>(view, begin, end, 0x7F80u);
      break;
    default:  // F16, and the F16 scale that a Q8_0 block begins with: whatever is finite there has room in a bfloat16
      found = first_as_large<std::uint16_t>(view, begin / block, blocks, 0x7C00u);
  }
  return found == blocks ? std::nullopt : std::optional(found * block);
}

}  // namespace faultline::tensor
