// Types, shapes and conversions.
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "native/base/fp_env.h"
#include "native/tensor/convert.h"
#include "tests/native/check.h"

namespace faultline::check {
namespace {

using namespace tensor;

TEST(dtype_names_go_both_ways) {
#define FAULTLINE_DTYPE(name, text, elements, bytes)                              \
  EXPECT((dtype_from_name(text) == DType::name) == (std::size_t{elements} == 1)); \
  EXPECT_EQ(std::string(dtype_name(DType::name)), text);                          \
  EXPECT_EQ(dtype_block(DType::name), std::size_t{elements});                     \
  EXPECT_EQ(dtype_size(DType::name), std::size_t{bytes});
#include "native/tensor/dtypes.def"
#undef FAULTLINE_DTYPE
  EXPECT(!dtype_from_name("f32") && !dtype_from_name("") && !dtype_from_name("F4") && !dtype_from_name("Q8_0"));
}

TEST(shape_counts_and_refuses) {
  EXPECT_EQ(Shape{}.elements(), std::int64_t{1});
  EXPECT_EQ((Shape{2, 3, 4}).elements(), std::int64_t{24});
  EXPECT_EQ((Shape{2, 3}).to_string(), "[2, 3]");
  EXPECT_EQ((Shape{0, std::int64_t{1} << 40, std::int64_t{1} << 40}).elements(), std::int64_t{0});
  EXPECT((Shape{2, 3}) == (Shape{2, 3}) && !((Shape{2, 3}) == (Shape{3, 2})) && !(Shape{2} == Shape{2, 1}));
  EXPECT_THROWS(input, "negative", Shape{-1});
  EXPECT_THROWS(input, "more than 8", (Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}));
  EXPECT_THROWS(input, "memory can address", (Shape{std::int64_t{1} << 40, std::int64_t{1} << 40}));
}

/// Every half, from its definition: (-1)^s 2^(e-15) (1 + f/1024), or 2^-14 f/1024 when e is 0.
TEST(half_all_patterns) {
  const base::FpEnv mode;  // denormals must survive flush-to-zero
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float got = float_from_half(static_cast<std::uint16_t>(bits));
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    if (exponent == 31) {
      EXPECT(fraction == 0 ? std::isinf(got) : std::isnan(got));
      continue;
    }
    const double size = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    const float want = static_cast<float>(bits & 0x8000u ? -size : size);
    if (std::bit_cast<std::uint32_t>(got) != std::bit_cast<std::uint32_t>(want)) {
      fail(__FILE__, __LINE__, "half " + std::to_string(bits) + " is " + show(got) + ", expected " + show(want));
    }
  }
}

TEST(bfloat16_rounds_to_nearest_even) {
  const auto from_bits = [](std::uint32_t bits) { return bfloat16_from_float(std::bit_cast<float>(bits)); };
  EXPECT_EQ(from_bits(0x3F800000), 0x3F80);  // exact
  EXPECT_EQ(from_bits(0x3F807FFF), 0x3F80);  // below half
  EXPECT_EQ(from_bits(0x3F808000), 0x3F80);  // half, to even
  EXPECT_EQ(from_bits(0x3F818000), 0x3F82);  // half, to even
  EXPECT_EQ(from_bits(0x3F808001), 0x3F81);  // above half
  EXPECT_EQ(from_bits(0x7F7FFFFF), 0x7F80);  // too large: infinity
  EXPECT_EQ(from_bits(0xFF800000), 0xFF80);
  EXPECT(std::isnan(float_from_bfloat16(from_bits(0x7F800001))));  // not infinity
  EXPECT(std::isnan(float_from_bfloat16(from_bits(0xFFFFFFFF))));
  EXPECT_EQ(from_bits(0x00018000), 0x0002);  // denormals too
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = float_from_bfloat16(static_cast<std::uint16_t>(bits));
    if (!std::isnan(value)) EXPECT_EQ(bfloat16_from_float(value), bits);
  }
}

TEST(convert_misaligned_and_checked) {
  std::vector<std::byte> bytes(1 + 6);
  const std::uint16_t halves[3] = {0x3C00, 0xC000, 0x0001};
  std::memcpy(bytes.data() + 1, halves, 6);
  const TensorView view{DType::f16, Shape{3}, bytes.data() + 1};
  float out[3] = {};
  copy_as_float(view, 0, 3, out);
  EXPECT(out[0] == 1 && out[1] == -2 && out[2] == 0x1p-24f);
  copy_as_float(view, 1, 1, out);
  EXPECT_EQ(out[0], -2.0f);
  EXPECT_THROWS(internal, "check failed", copy_as_float(view, 1, 3, out));
  EXPECT_THROWS(internal, "I8", copy_as_float({DType::i8, Shape{3}, bytes.data()}, 0, 3, out));
  std::uint16_t rounded[3];
  EXPECT_THROWS(internal, "check failed", copy_as_bfloat16(view, -1, 2, rounded));
}

/// Runs of any length from anywhere are what their elements are one by one: every 16 bits there are, misaligned.
TEST(runs_are_their_elements) {
  constexpr std::int64_t kBytes = 0x20000;
  std::vector<std::byte> bytes(1 + kBytes);
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    std::memcpy(bytes.data() + 1 + 2 * bits, &half, sizeof half);
  }
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::q8_0}) {
    const std::int64_t count =
        kBytes / static_cast<std::int64_t>(dtype_size(dtype)) * static_cast<std::int64_t>(dtype_block(dtype));
    const TensorView view{dtype, Shape{count}, bytes.data() + 1};
    for (const auto& [begin, length] : {std::pair{std::int64_t{0}, count}, {1, 300}, {77, 512}, {count - 1, 1}}) {
      std::vector<float> floats(static_cast<std::size_t>(length));
      std::vector<std::uint16_t> rounded(floats.size());
      copy_as_float(view, begin, length, floats.data());
      copy_as_bfloat16(view, begin, length, rounded.data());
      for (std::int64_t i = 0; i < length; ++i) {
        const float want = element_as_float(view, begin + i);
        const auto at = static_cast<std::size_t>(i);
        // A NaN of BF16 keeps its bits, which are bfloat16 already.
        const bool same = std::isnan(want)
                              ? std::isnan(floats[at]) && std::isnan(float_from_bfloat16(rounded[at]))
                              : std::bit_cast<std::uint32_t>(floats[at]) == std::bit_cast<std::uint32_t>(want) &&
                                    rounded[at] == bfloat16_from_float(want);
        if (!same) fail(__FILE__, __LINE__, std::string(dtype_name(dtype)) + " element " + std::to_string(begin + i));
      }
    }
  }
}

/// Every scale that is finite with every byte: the product is exact, also with denormals flushed.
TEST(q8_0_all_products) {
  const base::FpEnv mode;
  std::vector<std::byte> block(34);
  for (std::uint32_t scale = 0; scale < 0x10000; scale += 7) {
    const auto bits = static_cast<std::uint16_t>(scale);
    if ((bits >> 10 & 31) == 31) continue;
    std::memcpy(block.data(), &bits, 2);
    for (int first = -128; first < 128; first += 32) {
      for (int i = 0; i < 32; ++i) block[static_cast<std::size_t>(2 + i)] = static_cast<std::byte>(first + i);
      const TensorView view{DType::q8_0, Shape{32}, block.data()};
      float out[32];
      copy_as_float(view, 0, 32, out);
      for (int i = 0; i < 32; ++i) {
        if (double{out[i]} != double{float_from_half(bits)} * (first + i))
          fail(__FILE__, __LINE__, "scale " + std::to_string(scale) + " times " + std::to_string(first + i));
      }
    }
  }
}

TEST(first_not_finite_finds_the_first) {
  const std::int64_t count = 5000;
  const struct {
    DType dtype;
    std::uint32_t bad[3];  // infinity and two NaNs, in the type's bits
    std::uint32_t largest;
  } types[] = {{DType::f32, {0x7F800000, 0xFF800001, 0x7FFFFFFF}, 0x7F7FFFFF},
               {DType::f16, {0x7C00, 0xFC01, 0x7FFF}, 0x7BFF},
               {DType::bf16, {0x7F80, 0xFF81, 0x7FFF}, 0x7F7F},
               {DType::q8_0, {0x7C00, 0xFC01, 0x7FFF}, 0x7BFF}};
  for (const auto& [dtype, bad, largest] : types) {
    const auto block = static_cast<std::int64_t>(dtype_block(dtype));
    const std::size_t width = dtype == DType::f32 ? 4 : 2;
    std::vector<std::byte> bytes(1 + static_cast<std::size_t>(count) * dtype_size(dtype));
    const TensorView view{dtype, Shape{count * block}, bytes.data() + 1};  // misaligned
    const auto put = [&](std::int64_t at, std::uint32_t bits) {
      std::memcpy(bytes.data() + 1 + static_cast<std::size_t>(at) * dtype_size(dtype), &bits, width);
    };
    for (std::int64_t i = 0; i < count; ++i) put(i, largest);
    EXPECT(!first_not_finite(view, 0, count * block));
    for (const std::int64_t at : {std::int64_t{0}, std::int64_t{1023}, std::int64_t{1024}, count - 1}) {
      for (const std::uint32_t bits : bad) {
        put(at, bits);
        put(count - 1, bits);
        EXPECT(first_not_finite(view, 0, count * block) == at * block);
        EXPECT(first_not_finite(view, at * block, count * block) == at * block);
        EXPECT(!first_not_finite(view, 0, at * block));
        put(at, largest);
        put(count - 1, largest);
      }
    }
    EXPECT_THROWS(internal, "check failed", first_not_finite(view, 0, count * block + 1));
  }
  EXPECT_THROWS(internal, "I8", first_not_finite({DType::i8, Shape{3}, nullptr}, 0, 3));
}

/// What has room in a bfloat16 and what has not is bfloat16_from_float's to say: all that is near the border, and the
/// other types' largest numbers.
TEST(first_not_finite_as_bfloat16_finds_what_rounds_to_infinity) {
  for (std::uint32_t bits = 0x7F7F0000; bits < 0x7F800000; bits += 0x40) {
    for (const std::uint32_t number : {bits - 1, bits, bits | 0x80000000u}) {
      const TensorView view{DType::f32, Shape{1}, reinterpret_cast<const std::byte*>(&number)};
      const float rounded = float_from_bfloat16(bfloat16_from_float(std::bit_cast<float>(number)));
      EXPECT_EQ(first_not_finite(view, 0, 1, true).has_value(), std::isinf(rounded));
      EXPECT(!first_not_finite(view, 0, 1));
    }
  }
  for (const auto& [dtype, largest] :
       {std::pair{DType::f16, std::uint16_t{0x7BFF}}, {DType::bf16, std::uint16_t{0x7F7F}}}) {
    const TensorView view{dtype, Shape{1}, reinterpret_cast<const std::byte*>(&largest)};
    std::uint16_t rounded = 0;
    copy_as_bfloat16(view, 0, 1, &rounded);
    EXPECT(std::isfinite(float_from_bfloat16(rounded)) && !first_not_finite(view, 0, 1, true));
  }
}

}  // namespace
}  // namespace faultline::check
