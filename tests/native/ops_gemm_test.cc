// gemm: against the definition to the bit, against the oracle within a derived bound, and all instruction sets against
// each other.
#include <algorithm>

#include "native/ops/ref/ref.h"
#include "tests/native/ops_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;

struct Case {
  std::int32_t m, k, n;
  WeightType type;
  Epilogue epilogue;
  bool bias;
  bool in_place = false;  // residual aliases out
};

std::string label(const std::string& isa, const Case& c) {
  return "gemm " + isa + " m=" + std::to_string(c.m) + " k=" + std::to_string(c.k) + " n=" + std::to_string(c.n) +
         (c.type == WeightType::bf16 ? " bf16" : " f32") + " epilogue=" + std::to_string(static_cast<int>(c.epilogue)) +
         (c.bias ? " bias" : "") + (c.in_place ? " in place" : "");
}

void check(const Case& c) {
  const base::FpEnv mode;
  Random random(static_cast<std::uint64_t>(c.m) * 1000003 + static_cast<std::uint64_t>(c.k) * 1009 +
                static_cast<std::uint64_t>(c.n));
  const std::int64_t lda = c.k + 3, ldo = c.n + 5, ldr = c.in_place ? ldo : c.n + 2;
  const Misaligned a(random.reals(c.m * lda));
  const std::vector<float> w = random.reals(std::int64_t{c.k} * c.n);
  const Misaligned bias(random.reals(c.n)), residual_input(random.reals(c.m * ldr));
  const PackedWeights packed = pack_floats(w, c.k, c.n, c.type);

  std::vector<float> first;
  for (const NamedTable& table : runnable_tables()) {
    Guarded out(c.m, c.n, ldo);
    GemmArgs args{};
    args.a = a.data();
    args.lda = lda;
    args.m = c.m;
    args.w = packed.matrix();
    args.bias = c.bias ? bias.data() : nullptr;
    args.epilogue = c.epilogue;
    args.residual = residual_input.data();
    args.ldr = ldr;
    args.out = out.data();
    args.ldo = ldo;
    // The oracle reads the residual before an in-place call overwrites it.
    std::vector<double> want, magnitude;
    ref::gemm(args, want, magnitude);
    if (c.in_place) {
      for (std::int32_t i = 0; i < c.m; ++i) std::copy_n(residual_input.data() + i * ldr, c.n, out.data() + i * ldo);
      args.residual = out.data();
    }
    // In two panel ranges, as threads would call it.
    const std::int32_t panels = panel_count(c.n), cut = panels / 3;
    args.panel_begin = 0;
    args.panel_end = cut;
    table.ops.gemm(args);
    args.panel_begin = cut;
    args.panel_end = panels;
    table.ops.gemm(args);

    const std::string what = label(table.isa, c);
    EXPECT_UNTOUCHED_AROUND(out, what);
    const std::vector<float> got = out.values();
    // Each of the k + 2 roundings is at most u relative to a partial sum, and no partial sum exceeds the sum of
    // magnitudes; gelu has slope at most 1.13 and 4 ulp (8 u) of its own.
    std::vector<double> tolerance;
    for (std::size_t i = 0; i < want.size(); ++i) {
      tolerance.push_back(1.13 * (c.k + 2) * kUnit * magnitude[i] + 8 * kUnit * std::fabs(want[i]) + kSmallestNormal);
    }
    EXPECT_CLOSE(what, got.data(), want.data(), tolerance.data(), static_cast<std::int64_t>(got.size()),
                 "1.13 (k + 2) u sum|a w| + 4 ulp");
    if (first.empty()) {
      first = got;
    } else {
      EXPECT_SAME_BITS(what + " against scalar", got.data(), first.data(), static_cast<std::int64_t>(got.size()));
    }
    if (c.epilogue == Epilogue::none && !c.bias) {
      std::vector<float> chain;
      for (std::int32_t i = 0; i < c.m; ++i) {
        for (std::int32_t j = 0; j < c.n; ++j) {
          float acc = 0;
          for (std::int32_t p = 0; p < c.k; ++p)
            acc = std::fma(a.data()[i * lda + p], packed_element(args.w, p, j), acc);
          chain.push_back(acc);
        }
      }
      EXPECT_SAME_BITS(what + " against the definition", got.data(), chain.data(),
                       static_cast<std::int64_t>(got.size()));
    }
  }
}

TEST(gemm_every_row_remainder) {
  for (std::int32_t m = 1; m <= 33; ++m) check({m, 19, 37, WeightType::f32, Epilogue::none, false});
}

TEST(gemm_every_column_remainder) {
  for (std::int32_t n = 1; n <= 35; ++n) check({7, 11, n, WeightType::f32, Epilogue::none, true});
}

TEST(gemm_odd_depths) {
  for (const std::int32_t k : {1, 2, 3, 15, 16, 17, 63, 65, 257})
    check({5, k, 33, WeightType::f32, Epilogue::none, false});
}

TEST(gemm_epilogues_and_bfloat16) {
  for (const WeightType type : {WeightType::f32, WeightType::bf16}) {
    for (const bool bias : {false, true}) {
      for (const Epilogue epilogue : {Epilogue::none, Epilogue::gelu, Epilogue::residual}) {
        check({13, 48, 50, type, epilogue, bias});
        check({3, 48, 100, type, epilogue, bias});
      }
    }
  }
}

TEST(gemm_residual_may_alias_the_output) {
  check({29, 40, 45, WeightType::f32, Epilogue::residual, true, true});
  check({2, 40, 45, WeightType::bf16, Epilogue::residual, true, true});
}

TEST(gemm_long_depth_and_many_rows) { check({130, 1030, 48, WeightType::f32, Epilogue::residual, true, true}); }

TEST(gemm_passes_nan_through) {
  const base::FpEnv mode;
  const std::vector<float> a(20, std::numeric_limits<float>::quiet_NaN()), w(20 * 17, 0.5f);
  const PackedWeights packed = pack_floats(w, 20, 17, WeightType::f32);
  for (const NamedTable& table : runnable_tables()) {
    for (const Epilogue epilogue : {Epilogue::none, Epilogue::gelu}) {
      std::vector<float> out(17, 0);
      table.ops.gemm({a.data(), 20, 1, packed.matrix(), nullptr, epilogue, nullptr, 0, out.data(), 17, 0, 2});
      for (const float value : out) EXPECT(std::isnan(value));
    }
  }
}

}  // namespace
}  // namespace faultline::check
