// KvSegment: where things stand, rollback, and copies.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "native/kv/kv_segment.h"
#include "tests/native/check.h"

namespace faultline::kv {
namespace {

constexpr KvShape kShape{.layers = 2, .heads = 3, .dim = 5};

/// A value that says where it belongs.
float mark(int layer, int position, int head, int c, bool value) {
  return static_cast<float>((((layer * 100 + position) * 10 + head) * 10 + c) * 2 + (value ? 1 : 0));
}

void fill(KvSegment& segment, int positions) {
  for (int layer = 0; layer < kShape.layers; ++layer) {
    for (int position = segment.length(); position < positions; ++position) {
      std::vector<float> key, value;
      for (int head = 0; head < kShape.heads; ++head) {
        for (int c = 0; c < kShape.dim; ++c) {
          key.push_back(mark(layer, position, head, c, false));
          value.push_back(mark(layer, position, head, c, true));
        }
      }
      segment.write(layer, position, key.data(), value.data());
    }
  }
  segment.set_length(positions);
}

void expect_filled(const KvSegment& segment, int positions) {
  for (int layer = 0; layer < kShape.layers; ++layer)
    for (int head = 0; head < kShape.heads; ++head)
      for (int j = 0; j < positions; ++j)
        for (int c = 0; c < kShape.dim; ++c) {
          EXPECT_EQ(segment.keys(layer, head)[(j / 16) * 16 * kShape.dim + c * 16 + j % 16],
                    mark(layer, j, head, c, false));
          EXPECT_EQ(segment.values(layer, head)[j * kShape.dim + c], mark(layer, j, head, c, true));
        }
}

TEST(kv_writes_stand_where_attention_reads) {
  KvSegment segment(kShape, 37);
  EXPECT_EQ(segment.capacity(), 48);
  fill(segment, 37);
  EXPECT_EQ(segment.length(), 37);
  expect_filled(segment, 37);
  // Slots of the last block past the end are finite: zero.
  EXPECT_EQ(segment.keys(1, 2)[2 * 16 * kShape.dim + 15], 0.0F);
  EXPECT_EQ(KvSegment::bytes(kShape, 37), std::size_t{2 * 48 * 5 * 2 * 3 * 4});
}

TEST(kv_rollback_and_copies) {
  KvSegment segment(kShape, 40);
  fill(segment, 40);
  segment.set_length(20);
  const KvSegment copy = segment.copy_of_first(18, 64);
  EXPECT_EQ(copy.length(), 18);
  EXPECT_EQ(copy.capacity(), 64);
  expect_filled(copy, 18);
  fill(segment, 33);
  expect_filled(segment, 33);
  expect_filled(copy, 18);
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
  void* const start = const_cast<float*>(segment.keys(0, 0));
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
  EXPECT_THROWS(internal, "check failed", segment.set_length(17));
  EXPECT_THROWS(internal, "check failed", (void)segment.copy_of_first(1, 16));
}

}  // namespace
}  // namespace faultline::kv
