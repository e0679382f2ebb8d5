// KvSegment: where things stand and what is stored, and rollback.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "native/base/fp_env.h"
#include "native/kv/kv_segment.h"
#include "native/tensor/convert.h"
#include "tests/native/check.h"

namespace faultline::kv {
namespace {

constexpr KvShape kShape{.layers = 2, .heads = 3, .dim = 5};
constexpr KvShape kHalves{.layers = 2, .heads = 3, .dim = 5, .type = ops::KvType::bf16};

/// A value that says where it belongs; up to 16 bits, so that bfloat16 has to round most of them.
float mark(int layer, int position, int head, int c, bool value) {
  return static_cast<float>((((layer * 100 + position) * 10 + head) * 10 + c) * 2 + (value ? 1 : 0));
}

/// Element `index` of stored keys or values.
float element(const void* data, ops::KvType type, int index) {
  return type == ops::KvType::f32 ? static_cast<const float*>(data)[index]
                                  : tensor::float_from_bfloat16(static_cast<const std::uint16_t*>(data)[index]);
}

/// Whole rows, or head by head, the last head first.
void fill(KvSegment& segment, int positions, bool by_head = false) {
  for (int layer = 0; layer < kShape.layers; ++layer) {
    for (int position = segment.length(); position < positions; ++position) {
      std::vector<float> key, value;
      for (int head = 0; head < kShape.heads; ++head) {
        for (int c = 0; c < kShape.dim; ++c) {
          key.push_back(mark(layer, position, head, c, false));
          value.push_back(mark(layer, position, head, c, true));
        }
      }
      if (!by_head) segment.write(layer, position, key.data(), value.data());
      for (int head = kShape.heads - 1; by_head && head >= 0; --head) {
        segment.prefetch_head(layer, head, position);
        const std::ptrdiff_t from = std::ptrdiff_t{head} * kShape.dim;
        segment.write_head(layer, head, position, key.data() + from, value.data() + from);
      }
    }
  }
  segment.set_length(positions);
}

void expect_filled(const KvSegment& segment, int positions) {
  const ops::KvType type = segment.shape().type;
  const auto stored = [&](float value) {
    return type == ops::KvType::f32 ? value : tensor::float_from_bfloat16(tensor::bfloat16_from_float(value));
  };
  for (int layer = 0; layer < kShape.layers; ++layer)
    for (int head = 0; head < kShape.heads; ++head)
      for (int j = 0; j < positions; ++j)
        for (int c = 0; c < kShape.dim; ++c) {
          EXPECT_EQ(element(segment.keys(layer, head), type, (j / 16) * 16 * kShape.dim + c * 16 + j % 16),
                    stored(mark(layer, j, head, c, false)));
          EXPECT_EQ(element(segment.values(layer, head), type, j * kShape.dim + c),
                    stored(mark(layer, j, head, c, true)));
        }
}

TEST(kv_writes_stand_where_attention_reads) {
  for (const KvShape& shape : {kShape, kHalves}) {
    for (const bool by_head : {false, true}) {
      KvSegment segment(shape, 37);
      EXPECT_EQ(segment.capacity(), 48);
      fill(segment, 37, by_head);
      EXPECT_EQ(segment.length(), 37);
      expect_filled(segment, 37);
      // Slots of the last block past the end are finite: zero.
      EXPECT_EQ(element(segment.keys(1, 2), shape.type, 2 * 16 * kShape.dim + 15), 0.0F);
    }
  }
  EXPECT_EQ(KvSegment::bytes(kShape, 37), std::size_t{2 * 48 * 5 * 2 * 3 * 4});
  EXPECT_EQ(KvSegment::bytes(kHalves, 37), std::size_t{2 * 48 * 5 * 2 * 3 * 2});
}

TEST(kv_rounds_to_the_nearest_even_bfloat16) {
  KvSegment segment({.layers = 1, .heads = 1, .dim = 6, .type = ops::KvType::bf16}, 16);
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  // Ties below and above an even neighbour, just past a tie, too large for bfloat16, and what is no number.
  const std::vector<float> row{0x1.01p0F, 0x1.03p0F, -0x1.010002p0F, 0x1.fffffep127F, -infinity, nan};
  const std::vector<float> want{1.0F, 0x1.04p0F, -0x1.02p0F, infinity, -infinity};
  segment.write(0, 3, row.data(), row.data());
  for (int c = 0; c < 5; ++c) {
    EXPECT_EQ(element(segment.keys(0, 0), ops::KvType::bf16, c * 16 + 3), want[static_cast<std::size_t>(c)]);
    EXPECT_EQ(element(segment.values(0, 0), ops::KvType::bf16, 3 * 6 + c), want[static_cast<std::size_t>(c)]);
  }
  EXPECT(std::isnan(element(segment.keys(0, 0), ops::KvType::bf16, 5 * 16 + 3)));
  EXPECT(std::isnan(element(segment.values(0, 0), ops::KvType::bf16, 3 * 6 + 5)));
}

/// Rows longer than what is rounded at a time, which cut heads in two, bits of any kind, and a row next to one that
/// stands already.
TEST(kv_rounds_rows_of_any_length_as_single_numbers) {
  for (const KvShape& shape : {KvShape{1, 3, 700, ops::KvType::bf16}, KvShape{1, 1, 2081, ops::KvType::bf16},
                               KvShape{1, 64, 16, ops::KvType::bf16}, KvShape{1, 1, 1, ops::KvType::bf16}}) {
    const base::FpEnv mode;  // denormals must survive flush-to-zero
    KvSegment segment(shape, 20);
    std::uint32_t state = 12345;
    std::vector<float> rows[4];
    for (std::vector<float>& row : rows) {
      for (int i = 0; i < shape.heads * shape.dim; ++i) {
        state = state * 1664525u + 1013904223u;
        // Every sixteenth has the exponent of denormals, or of infinities and NaN.
        const std::uint32_t exponent = state >> 4 & 1 ? 0x7F800000u : 0u;
        row.push_back(std::bit_cast<float>(i % 16 == 7 ? (state & 0x807FFFFFu) | exponent : state));
      }
    }
    // Later position first: what is written beside it must not touch it.
    segment.write(0, 17, rows[2].data(), rows[3].data());
    segment.write(0, 16, rows[0].data(), rows[1].data());
    for (int position : {16, 17}) {
      for (int i = 0; i < shape.heads * shape.dim; ++i) {
        const int head = i / shape.dim, c = i % shape.dim;
        const auto* keys = static_cast<const std::uint16_t*>(segment.keys(0, head));
        const auto* values = static_cast<const std::uint16_t*>(segment.values(0, head));
        const auto at = static_cast<std::size_t>(i), row = static_cast<std::size_t>(2 * (position - 16));
        EXPECT_EQ(keys[16 * shape.dim + c * 16 + position - 16], tensor::bfloat16_from_float(rows[row][at]));
        EXPECT_EQ(values[position * shape.dim + c], tensor::bfloat16_from_float(rows[row + 1][at]));
      }
    }
  }
}

TEST(kv_rollback) {
  for (const KvShape& shape : {kShape, kHalves}) {
    KvSegment segment(shape, 40);
    fill(segment, 40);
    segment.set_length(20);
    expect_filled(segment, 20);
    fill(segment, 33);
    expect_filled(segment, 33);
  }
}

// Slots are reserved for the longest completion there can be; most samples use little of it.
TEST(kv_costs_memory_only_where_tokens_stand) {
#ifdef __linux__
  constexpr KvShape kLarge{.layers = 4, .heads = 4, .dim = 64};
  KvSegment segment(kLarge, 1024);
  const std::vector<float> token(std::size_t{4 * 64}, 1.0F);
  for (std::int32_t layer = 0; layer < kLarge.layers; ++layer) segment.write(layer, 0, token.data(), token.data());
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> resident(KvSegment::bytes(kLarge, 1024) / page);
  // The first slab starts the segment's memory, which is large enough to begin on a page.
  void* const start = const_cast<void*>(segment.keys(0, 0));
  EXPECT_EQ(mincore(start, resident.size() * page, resident.data()), 0);
  // A page of keys and a page of values in each of the 16 slabs.
  EXPECT_EQ(std::ranges::count_if(resident, [](unsigned char flags) { return (flags & 1) != 0; }), 32);
#endif
}

TEST(kv_refuses_what_is_outside) {
  KvSegment segment(kShape, 16);
  const std::vector<float> row(15, 0.0F);
  EXPECT_THROWS(internal, "check failed", segment.write(0, 16, row.data(), row.data()));
  EXPECT_THROWS(internal, "check failed", segment.write(2, 0, row.data(), row.data()));
  EXPECT_THROWS(internal, "check failed", segment.write_head(0, 0, 16, row.data(), row.data()));
  EXPECT_THROWS(internal, "check failed", segment.write_head(0, kShape.heads, 0, row.data(), row.data()));
  EXPECT_THROWS(internal, "check failed", segment.set_length(17));
}

}  // namespace
}  // namespace faultline::kv
