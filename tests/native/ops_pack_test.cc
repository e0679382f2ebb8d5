// Packing: every element at its place, zeros past n, exact conversions.
#include "native/base/thread_pool.h"
#include "native/tensor/convert.h"
#include "tests/native/ops_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;
using tensor::DType;

/// `values` [rows, columns] as bytes of a type, one byte off any alignment. In Q8_0, columns are whole blocks.
struct Source {
  std::vector<std::byte> bytes;
  tensor::TensorView view;
  Source(const std::vector<float>& values, DType dtype, std::int64_t rows, std::int64_t columns)
      : bytes(values.size() * 4 + 1) {
    std::byte* at = bytes.data() + 1;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float value = values[i];
      if (dtype == DType::q8_0) {
        // A scale for each block, from 1 on in steps that F16 holds.
        const auto scale = static_cast<std::uint16_t>(0x3C00 + i / tensor::dtype_block(dtype) % 0x3FF);
        if (i % tensor::dtype_block(dtype) == 0) {
          std::memcpy(at, &scale, 2);
          at += 2;
        }
        *at++ = static_cast<std::byte>(static_cast<std::int8_t>(value * 127));
      } else if (dtype == DType::f32) {
        std::memcpy(at, &value, 4);
        at += 4;
      } else {
        // Random half patterns are as good as random values; infinities and NaN are left out.
        const std::uint16_t bits = dtype == DType::bf16
                                       ? tensor::bfloat16_from_float(value)
                                       : static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 8 & 0xBFFFu);
        std::memcpy(at, &bits, 2);
        at += 2;
      }
    }
    view = {dtype, tensor::Shape{rows, columns}, bytes.data() + 1};
  }
};

/// A column in int8 and back, written from the formula in ops.h.
std::vector<float> through_int8(const std::vector<float>& column) {
  float largest = 0;
  for (const float value : column) largest = std::max(largest, std::fabs(value));
  const float scale = largest < kLeastQuantised ? 0 : largest / 127;
  std::vector<float> back;
  for (const float value : column)
    back.push_back(scale > 0 ? static_cast<float>(std::lrint(value / scale)) * scale : 0.0F);
  return back;
}

TEST(pack_puts_every_element_in_its_panel) {
  Random random(1);
  int of_blocks = 0;
  for (const auto& [k, n] : {std::pair{1, 1}, std::pair{7, 16}, std::pair{5, 17}, std::pair{33, 47}, std::pair{300, 17},
                             std::pair{6, 64}, std::pair{96, 19}, std::pair{160, 32}}) {
    const std::vector<float> values = random.reals(std::int64_t{k} * n);
    for (const Orientation orientation : {Orientation::kn, Orientation::nk}) {
      for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::q8_0}) {
        const bool kn = orientation == Orientation::kn;
        if ((kn ? n : k) % static_cast<int>(tensor::dtype_block(dtype)) != 0) continue;
        of_blocks += dtype == DType::q8_0;
        const Source source(values, dtype, kn ? k : n, kn ? n : k);
        for (const WeightType type : {WeightType::f32, WeightType::bf16, WeightType::bf16_pairs, WeightType::int8}) {
          const PackedWeights packed = pack_weights(source.view, orientation, type);
          const PackedMatrix matrix = packed.matrix();
          EXPECT_EQ(packed.size_bytes(), packed_bytes(type, k, n));
          EXPECT_EQ(reinterpret_cast<std::uintptr_t>(matrix.data) % 64, std::uintptr_t{0});
          for (int j = 0; j < panel_count(n) * kLanes; ++j) {
            std::vector<float> column(static_cast<std::size_t>(k));
            for (int i = 0; i < k && j < n; ++i)
              column[static_cast<std::size_t>(i)] = tensor::element_as_float(source.view, kn ? i * n + j : j * k + i);
            if (type == WeightType::int8) column = through_int8(column);
            for (int i = 0; i < k; ++i) {
              float want = column[static_cast<std::size_t>(i)];
              if (weight_size(type) == 2)  // either packing of bfloat16
                want = tensor::float_from_bfloat16(tensor::bfloat16_from_float(want));
              EXPECT_EQ(packed_element(matrix, i, j), want);
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(of_blocks, 4);  // Q8_0 was there in both orders
}

/// The words that VDPBF16PS and TDPBF16PS read, spelled out: [ceil(k / 2)][16][2] a panel, zero past k and n.
TEST(pack_pairs_stand_as_the_instructions_read_them) {
  Random random(5);
  for (const auto& [k, n] : {std::pair{1, 1}, std::pair{8, 16}, std::pair{7, 35}}) {
    const std::vector<float> values = random.reals(std::int64_t{k} * n);
    const PackedWeights packed = pack_floats(values, k, n, WeightType::bf16_pairs);
    const auto* words = static_cast<const std::uint16_t*>(packed.matrix().data);
    std::size_t at = 0;
    for (int panel = 0; panel < panel_count(n); ++panel) {
      for (int pair = 0; pair < (k + 1) / 2; ++pair) {
        for (int column = 16 * panel; column < 16 * panel + 16; ++column) {
          for (const int i : {2 * pair, 2 * pair + 1}) {
            const bool inside = i < k && column < n;
            const float value = inside ? values[static_cast<std::size_t>(i * n + column)] : 0;
            EXPECT_EQ(words[at++], inside ? tensor::bfloat16_from_float(value) : 0);
          }
        }
      }
    }
    EXPECT_EQ(at * 2, packed.size_bytes());
  }
}

/// [ceil(k / 4)][16][4] bytes a panel, zero past k and n, then the columns' scales.
TEST(pack_int8_stands_as_the_instructions_read_it) {
  Random random(7);
  for (const auto& [k, n] : {std::pair{1, 1}, std::pair{8, 16}, std::pair{7, 35}}) {
    std::vector<float> values = random.reals(std::int64_t{k} * n, 3);
    if (n == 35) {
      for (int i = 0; i < k; ++i) values[static_cast<std::size_t>(i * n + 4)] = 0x1p-51f;  // nothing left
      values[5] = std::numeric_limits<float>::infinity();
      values[6] = std::numeric_limits<float>::quiet_NaN();
    }
    const PackedWeights packed = pack_floats(values, k, n, WeightType::int8);
    EXPECT_EQ(packed.size_bytes(), packed_bytes(WeightType::int8, k, n));
    EXPECT_EQ(packed.size_bytes(), static_cast<std::size_t>(panel_count(n) * ((k + 3) / 4 * 64 + 64)));
    const auto* at = static_cast<const std::int8_t*>(packed.matrix().data);
    for (int panel = 0; panel < panel_count(n); ++panel) {
      std::vector<float> scales(16, 0);
      for (int lane = 0; lane < 16; ++lane) {
        float largest = 0;
        for (int i = 0; i < k && 16 * panel + lane < n; ++i) {
          const float value = values[static_cast<std::size_t>(i * n + 16 * panel + lane)];
          largest = !std::isfinite(value) || std::isnan(largest) ? NAN : std::max(largest, std::fabs(value));
        }
        scales[static_cast<std::size_t>(lane)] = largest < 0x1p-50f ? 0 : largest / 127;
      }
      for (int quad = 0; quad < (k + 3) / 4; ++quad) {
        for (int lane = 0; lane < 16; ++lane) {
          for (int i = 4 * quad; i < 4 * quad + 4; ++i, ++at) {
            const float scale = scales[static_cast<std::size_t>(lane)];
            const bool inside = i < k && 16 * panel + lane < n && scale > 0;
            const float value = inside ? values[static_cast<std::size_t>(i * n + 16 * panel + lane)] / scale : 0;
            EXPECT_EQ(static_cast<int>(*at), static_cast<int>(std::lrint(value)));
          }
        }
      }
      for (const float scale : scales) {
        float got;
        std::memcpy(&got, at, sizeof got);
        EXPECT(got == scale || (std::isnan(got) && std::isnan(scale)));
        at += sizeof got;
      }
    }
  }
}

TEST(pack_int8_refuses_depths_whose_sums_would_not_fit) {
  const std::vector<float> values(static_cast<std::size_t>(kInt8DepthMost) + 1);
  EXPECT_THROWS(internal, "133145", pack_floats(values, kInt8DepthMost + 1, 1, WeightType::int8));
}

TEST(pack_column_reads_what_was_packed) {
  Random random(6);
  const std::vector<float> values = random.reals(9 * 35);
  for (const WeightType type : {WeightType::f32, WeightType::bf16, WeightType::bf16_pairs, WeightType::int8}) {
    const PackedWeights packed = pack_floats(values, 9, 35, type);
    for (int j = 0; j < 35; ++j) {
      Guarded column(1, 9, 9);
      packed_column(packed.matrix(), j, column.data());
      EXPECT_UNTOUCHED_AROUND(column, "packed_column");
      for (int i = 0; i < 9; ++i) EXPECT_EQ(column.at(0, i), packed_element(packed.matrix(), i, j));
    }
  }
}

TEST(pack_with_threads_gives_the_same_bytes) {
  Random random(2);
  const Source source(random.reals(100 * 333), DType::f32, 333, 100);
  base::ThreadPool pool(3);
  for (const WeightType type : {WeightType::bf16, WeightType::bf16_pairs, WeightType::int8}) {
    const PackedWeights alone = pack_weights(source.view, Orientation::nk, type);
    const PackedWeights shared = pack_weights(source.view, Orientation::nk, type, &pool);
    EXPECT(std::memcmp(alone.matrix().data, shared.matrix().data, alone.size_bytes()) == 0);
  }
}

TEST(pack_columns_takes_a_slice) {
  Random random(3);
  const std::vector<float> values = random.reals(9 * 60);
  const Source source(values, DType::f32, 9, 60);
  const PackedWeights slice = pack_columns(source.view, Orientation::kn, WeightType::f32, 20, 21);
  for (int i = 0; i < 9; ++i) {
    for (int j = 0; j < 21; ++j)
      EXPECT_EQ(packed_element(slice.matrix(), i, j), values[static_cast<std::size_t>(i * 60 + 20 + j)]);
  }
  EXPECT_THROWS(internal, "check failed", pack_columns(source.view, Orientation::kn, WeightType::f32, 50, 11));
}

TEST(pack_refuses_what_it_cannot_read) {
  const std::vector<float> values(6, 0);
  const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
  EXPECT_THROWS(internal, "[6]", pack_weights({DType::f32, tensor::Shape{6}, bytes}, Orientation::kn, WeightType::f32));
  EXPECT_THROWS(internal, "I32",
                pack_weights({DType::i32, tensor::Shape{2, 3}, bytes}, Orientation::kn, WeightType::f32));
}

}  // namespace
}  // namespace faultline::check
