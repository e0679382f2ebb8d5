// gemm_int8 and quantise: against the definition to the bit on all instruction sets and portable forms, against the
// product of the weights before they were quantised within a derived bound, and at the ends of the range.
#include <algorithm>

#include "native/ops/ref/ref.h"
#include "tests/native/ops_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;

struct Quantised {
  std::vector<int> q;
  float scale;
  int sum = 0;
};
/// What ops.h says of one row, with the library's own rounding.
Quantised quantised(const float* a, std::int32_t k) {
  Quantised row{std::vector<int>(static_cast<std::size_t>(k)), 0};
  float largest = 0;
  for (std::int32_t i = 0; i < k; ++i) {
    if (!std::isfinite(a[i])) {
      row.scale = std::numeric_limits<float>::quiet_NaN();
      return row;
    }
    largest = std::max(largest, std::fabs(a[i]));
  }
  if (largest < 0x1p-50f) return row;
  row.scale = largest / 127;
  for (std::int32_t i = 0; i < k; ++i) {
    row.q[static_cast<std::size_t>(i)] = std::clamp(static_cast<int>(std::lrint(a[i] / row.scale)), -127, 127);
    row.sum += row.q[static_cast<std::size_t>(i)];
  }
  return row;
}

struct Case {
  std::int32_t m, k, n;
  Epilogue epilogue = Epilogue::none;
  bool bias = false;
  bool in_place = false;  // residual aliases out
};

std::string label(const std::string& isa, const Case& c) {
  return "gemm_int8 " + isa + " m=" + std::to_string(c.m) + " k=" + std::to_string(c.k) + " n=" + std::to_string(c.n) +
         " epilogue=" + std::to_string(static_cast<int>(c.epilogue)) + (c.bias ? " bias" : "") +
         (c.in_place ? " in place" : "");
}

void check(const Case& c) {
  const base::FpEnv mode;
  Random random(static_cast<std::uint64_t>(c.m) * 1000003 + static_cast<std::uint64_t>(c.k) * 1009 +
                static_cast<std::uint64_t>(c.n));
  const std::int64_t lda = c.k + 3, ldo = c.n + 5, ldr = c.in_place ? ldo : c.n + 2;
  std::vector<float> rows = random.reals(c.m * lda, 5);
  // What stands between two rows is nobody's.
  for (std::int64_t i = 0; i < c.m * lda; ++i) {
    if (i % lda >= c.k) rows[static_cast<std::size_t>(i)] = std::numeric_limits<float>::quiet_NaN();
  }
  const Misaligned a(rows);
  const std::vector<float> w = random.reals(std::int64_t{c.k} * c.n);
  const Misaligned bias(random.reals(c.n)), residual_input(random.reals(c.m * ldr));
  const PackedWeights packed = pack_floats(w, c.k, c.n, WeightType::int8);
  const PackedWeights exact = pack_floats(w, c.k, c.n, WeightType::f32);
  GemmArgs args{};
  args.a = a.data();
  args.lda = lda;
  args.m = c.m;
  args.bias = c.bias ? bias.data() : nullptr;
  args.epilogue = c.epilogue;
  args.residual = residual_input.data();
  args.ldr = ldr;
  args.ldo = ldo;

  // The product before anything was quantised.
  std::vector<double> want, magnitude;
  args.w = exact.matrix();
  ref::gemm(args, want, magnitude);
  args.w = packed.matrix();

  // The definition, and how far quantising may take it from `want`: with a = sa (qa + ea), w = sw (qw + ew) and errors
  // of at most a half (and a rounding of 127 more), a term is off by |a| sw / 2 + |w| sa / 2 + sa sw / 4.
  std::vector<float> defined;
  std::vector<double> bound;
  std::vector<Quantised> columns;
  for (std::int32_t j = 0; j < c.n; ++j) {
    std::vector<float> column;
    for (std::int32_t i = 0; i < c.k; ++i) column.push_back(w[static_cast<std::size_t>(i * c.n + j)]);
    columns.push_back(quantised(column.data(), c.k));
  }
  for (std::int32_t r = 0; r < c.m; ++r) {
    const float* const row = a.data() + r * lda;
    const Quantised x = quantised(row, c.k);
    for (std::int32_t j = 0; j < c.n; ++j) {
      const Quantised& y = columns[static_cast<std::size_t>(j)];
      std::int64_t sum = 0;
      double error = 0;
      for (std::int32_t i = 0; i < c.k; ++i) {
        const auto at = static_cast<std::size_t>(i);
        sum += std::int64_t{x.q[at]} * y.q[at];
        const double size = std::fabs(double{row[i]}),
                     weight = std::fabs(double{w[static_cast<std::size_t>(i * c.n + j)]});
        error += (0.5 + 128 * kUnit) * (size * y.scale + weight * x.scale) + 0.26 * double{x.scale} * y.scale;
      }
      float value = static_cast<float>(sum) * (x.scale * y.scale);
      if (c.bias) value += bias.data()[j];
      if (c.epilogue == Epilogue::residual) value += residual_input.data()[r * ldr + j];
      defined.push_back(value);
      bound.push_back(error);
    }
  }

  std::vector<float> first;
  for (const NamedTable& table : product_tables()) {
    Guarded out(c.m, c.n, ldo);
    args.out = out.data();
    args.residual = residual_input.data();
    if (c.in_place) {
      for (std::int32_t i = 0; i < c.m; ++i) std::copy_n(residual_input.data() + i * ldr, c.n, out.data() + i * ldo);
      args.residual = out.data();
    }
    multiply_in_two_ranges(table, args);

    const std::string what = label(table.isa, c);
    EXPECT_UNTOUCHED_AROUND(out, what);
    const std::vector<float> got = out.values();
    const auto count = static_cast<std::int64_t>(got.size());
    if (c.epilogue != Epilogue::gelu)
      EXPECT_SAME_BITS(what + " against the definition", got.data(), defined.data(), count);
    if (first.empty()) first = got;
    EXPECT_SAME_BITS(what + " against scalar", got.data(), first.data(), count);
    // Beside quantising: five roundings of numbers no larger than the magnitude, gelu's slope of at most 1.13 and its
    // own 4 ulp.
    std::vector<double> tolerance;
    for (std::size_t i = 0; i < want.size(); ++i)
      tolerance.push_back(1.13 * (bound[i] + 5 * kUnit * (magnitude[i] + bound[i])) + 8 * kUnit * std::fabs(want[i]) +
                          kSmallestNormal);
    EXPECT_CLOSE(what, got.data(), want.data(), tolerance.data(), count, "half a step of each factor");
  }
}

TEST(int8_gemm_every_row_remainder) {
  for (std::int32_t m = 1; m <= 43; ++m) check({m, 19, 37});
}

TEST(int8_gemm_every_column_remainder) {
  for (std::int32_t n = 1; n <= 35; ++n) check({7, 11, n, Epilogue::none, true});
}

TEST(int8_gemm_odd_depths) {
  for (const std::int32_t k : {1, 2, 3, 4, 5, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 1030}) check({5, k, 33});
}

TEST(int8_gemm_epilogues) {
  for (const bool bias : {false, true}) {
    for (const Epilogue epilogue : {Epilogue::none, Epilogue::gelu, Epilogue::residual}) {
      check({15, 48, 50, epilogue, bias});
      check({3, 48, 100, epilogue, bias});
    }
  }
  check({29, 40, 45, Epilogue::residual, true, true});
}

/// +-127 everywhere at the largest depth: the sum is the largest there is, 4,071 below 2^31.
TEST(int8_gemm_holds_the_largest_sums) {
  const base::FpEnv mode;
  constexpr std::int32_t kColumns = 18;
  for (const float sign : {1.0f, -1.0f}) {
    // Both ends of the activations' range, and a pair that cancels, beside each sign of the weights.
    std::vector<float> a(static_cast<std::size_t>(3) * kInt8DepthMost, sign);
    for (std::size_t i = 1; i < kInt8DepthMost; i += 2) a[2 * std::size_t{kInt8DepthMost} + i] = -sign;
    std::vector<float> w(static_cast<std::size_t>(kInt8DepthMost) * kColumns);
    for (std::size_t i = 0; i < w.size(); ++i) w[i] = i % kColumns % 2 == 0 ? 1.0f : -1.0f;
    const PackedWeights packed = pack_floats(w, kInt8DepthMost, kColumns, WeightType::int8);
    const float unit = 1.0f / 127, scale = unit * unit;
    for (const NamedTable& table : product_tables()) {
      if (traps_often(table)) continue;
      std::vector<float> out(3 * kColumns);
      multiply(table, {a.data(), kInt8DepthMost, 3, packed.matrix(), nullptr, Epilogue::none, nullptr, 0, out.data(),
                       kColumns, 0, 2});
      for (std::size_t j = 0; j < kColumns; ++j) {
        const std::int64_t sum = std::int64_t{kInt8DepthMost} * 127 * 127;
        EXPECT(sum < INT32_MAX && sum + 127 * 127 > INT32_MAX);
        const float want = sign * static_cast<float>(j % 2 == 0 ? sum : -sum) * scale;
        EXPECT_EQ(out[j], want);
        EXPECT_EQ(out[kColumns + j], want);
        EXPECT_EQ(out[2 * kColumns + j], 0.0f);
      }
    }
  }
}

/// What samples rest on: a row's bits are its own, whatever else is in the batch and whichever panels a thread has.
TEST(int8_gemm_rows_do_not_depend_on_the_batch) {
  const base::FpEnv mode;
  constexpr std::int32_t kRows = 70, kDepth = 77, kColumns = 115;
  Random random(4);
  const std::vector<float> a = random.reals(kRows * kDepth), w = random.reals(kDepth * kColumns);
  const PackedWeights packed = pack_floats(w, kDepth, kColumns, WeightType::int8);
  for (const NamedTable& table : product_tables()) {
    const auto rows = [&](std::int32_t first, std::int32_t count, std::int32_t panels_at_once) {
      std::vector<float> out(static_cast<std::size_t>(count) * kColumns);
      for (std::int32_t panel = 0; panel < panel_count(kColumns); panel += panels_at_once) {
        multiply(table, {a.data() + first * kDepth, kDepth, count, packed.matrix(), nullptr, Epilogue::none, nullptr, 0,
                         out.data(), kColumns, panel, std::min(panel + panels_at_once, panel_count(kColumns))});
      }
      return out;
    };
    const std::vector<float> together = rows(0, kRows, 100);
    const std::vector<std::int32_t> counts{33, 13, 1, 2, 11, 12, 14, 15};
    for (const std::int32_t count : std::span(counts).first(traps_often(table) ? 2 : counts.size())) {
      for (std::int32_t first = 0; first + count <= kRows; first += count) {
        EXPECT_SAME_BITS(table.isa + " rows " + std::to_string(first) + " + " + std::to_string(count),
                         rows(first, count, 1 + first % 3).data(), together.data() + first * kColumns,
                         count * kColumns);
      }
    }
  }
}

/// In rows and in columns, and in no other row and column.
TEST(int8_gemm_shows_what_is_not_finite) {
  const base::FpEnv mode;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    std::vector<float> a(3 * 20, 0.25f), w(20 * 17, 0.5f);
    a[20 + 19] = bad;
    w[3 * 17 + 16] = bad;
    const PackedWeights packed = pack_floats(w, 20, 17, WeightType::int8);
    for (const NamedTable& table : product_tables()) {
      std::vector<float> out(3 * 17, 0);
      multiply(table, {a.data(), 20, 3, packed.matrix(), nullptr, Epilogue::none, nullptr, 0, out.data(), 17, 0, 2});
      for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(std::isnan(out[i]), i / 17 == 1 || i % 17 == 16);
    }
  }
}

TEST(int8_quantise_is_the_definition) {
  const base::FpEnv mode;
  Random random(9);
  for (const std::int32_t k : {1, 15, 16, 17, 63, 64, 65, 100, 200}) {
    constexpr std::int32_t kRows = 8;
    const std::int64_t lda = k + 5, stride = int8_stride(k);
    std::vector<float> values = random.reals(kRows * lda, 3);
    const auto row = [&](std::int64_t r) { return values.begin() + r * lda; };
    // Ties, both ends, nothing at all, next to nothing, the smallest that counts, what is not finite; and NaN in gaps.
    for (std::int32_t i = 0; i < k; ++i) row(1)[i] = static_cast<float>(random.below(254) - 127) + 0.5f;
    row(1)[0] = -127;
    for (std::int32_t i = 0; i < k; ++i) row(2)[i] = i % 2 == 0 ? 3e38f : -3e38f;
    std::fill_n(row(3), k, 0.0f);
    std::fill_n(row(4), k, -0x1.fffffep-51f);
    std::fill_n(row(5), k, -0x1p-50f);
    row(6)[k - 1] = -std::numeric_limits<float>::infinity();
    row(7)[k / 2] = std::numeric_limits<float>::quiet_NaN();
    for (std::int64_t r = 0; r < kRows; ++r) std::fill_n(row(r) + k, lda - k, std::numeric_limits<float>::quiet_NaN());
    const Misaligned a(values);
    for (const NamedTable& table : runnable_tables()) {
      std::vector<std::int8_t> out(static_cast<std::size_t>(kRows * stride) + 2, -128);
      std::vector<QuantisedRow> rows(kRows + 1, QuantisedRow{7, 7});
      table.ops.quantise({a.data(), lda, kRows, k, out.data() + 1, rows.data()});
      EXPECT_EQ(static_cast<int>(out.front()), -128);
      EXPECT_EQ(static_cast<int>(out.back()), -128);
      EXPECT_EQ(rows.back().sum, 7);
      for (std::int64_t r = 0; r < kRows; ++r) {
        const Quantised want = quantised(a.data() + r * lda, k);
        const QuantisedRow& got = rows[static_cast<std::size_t>(r)];
        EXPECT(got.scale == want.scale || (std::isnan(got.scale) && std::isnan(want.scale)));
        EXPECT_EQ(got.sum, want.sum);
        for (std::int64_t i = 0; i < stride; ++i) {
          EXPECT_EQ(static_cast<int>(out[static_cast<std::size_t>(1 + r * stride + i)]),
                    i < k ? want.q[static_cast<std::size_t>(i)] : 0);
        }
      }
      EXPECT_EQ(rows[4].scale, 0.0f);
      EXPECT(rows[5].scale > 0);
    }
  }
}

}  // namespace
}  // namespace faultline::check
