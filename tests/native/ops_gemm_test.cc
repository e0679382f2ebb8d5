// gemm and gemm_bf16: against the definition to the bit, against the oracle within a derived bound, and all instruction
// sets and portable forms of a kernel family against each other.
#include <algorithm>
#include <map>

#include "native/ops/ref/ref.h"
#include "native/tensor/convert.h"
#include "tests/native/ops_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;
using cpu::Family;

struct Case {
  std::int32_t m, k, n;
  WeightType type;  // f32 or bf16; bf16 is packed as each table wants it
  Epilogue epilogue;
  bool bias;
  bool in_place = false;  // residual aliases out
};

/// What ops.h says an element is before bias and epilogue, under an FpEnv. `a` is the element's row.
float definition(Family family, const float* a, const PackedMatrix& w, std::int32_t j) {
  const auto weight = [&](std::int32_t i) { return i < w.k ? packed_element(w, i, j) : 0.0f; };
  const auto rounded = [&](std::int32_t i) {
    return i < w.k ? tensor::float_from_bfloat16(tensor::bfloat16_from_float(a[i])) : 0.0f;
  };
  float acc = 0;
  switch (family) {
    case Family::fma:
      for (std::int32_t i = 0; i < w.k; ++i) acc = std::fma(a[i], weight(i), acc);
      break;
    case Family::dpbf16:
      for (std::int32_t i = 0; i < w.k; i += 2) {
        acc = std::fma(rounded(i + 1), weight(i + 1), acc);
        acc = std::fma(rounded(i), weight(i), acc);
      }
      break;
    case Family::amx:
      for (std::int32_t step = 0; step < w.k; step += 32) {
        float even = 0, odd = 0;
        for (std::int32_t i = step; i < step + 32; i += 2) {
          even = std::fma(rounded(i), weight(i), even);
          odd = std::fma(rounded(i + 1), weight(i + 1), odd);
        }
        acc += even + odd;
      }
      break;
  }
  return acc;
}

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

  std::map<Family, std::vector<float>> first;
  for (const NamedTable& table : product_tables()) {
    const Family family = c.type == WeightType::f32 ? Family::fma : table.family;
    const PackedWeights packed =
        pack_floats(w, c.k, c.n, c.type == WeightType::f32 ? c.type : bf16_weights(table.family));
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
    multiply_in_two_ranges(table, args);

    const std::string what = label(table.isa, c);
    EXPECT_UNTOUCHED_AROUND(out, what);
    const std::vector<float> got = out.values();
    // Each of the roundings of a sum, at most k + 2 and two more for each of amx's steps, is at most u relative to a
    // partial sum, and no partial sum exceeds the sum of magnitudes; gelu has slope at most 1.13 and 4 ulp (8 u) of its
    // own. A family that rounds activations to bfloat16 errs by up to 2^-8 of each term before that.
    const double terms = c.k + 2 + 2 * ((c.k + 31) / 32);
    const double rounding = family == Family::fma ? 0 : 0x1p-8;
    std::vector<double> tolerance;
    for (std::size_t i = 0; i < want.size(); ++i) {
      tolerance.push_back(1.13 * (rounding + terms * kUnit * (1 + rounding)) * magnitude[i] +
                          8 * kUnit * std::fabs(want[i]) + kSmallestNormal);
    }
    EXPECT_CLOSE(what, got.data(), want.data(), tolerance.data(), static_cast<std::int64_t>(got.size()),
                 "1.13 (rounding of a + roundings of the sum) sum|a w| + 4 ulp");
    const auto [same, is_first] = first.try_emplace(family, got);
    if (!is_first) {
      EXPECT_SAME_BITS(what + " against its family", got.data(), same->second.data(),
                       static_cast<std::int64_t>(got.size()));
    }
    if (c.epilogue == Epilogue::none && !c.bias) {
      std::vector<float> chain;
      for (std::int32_t i = 0; i < c.m; ++i) {
        for (std::int32_t j = 0; j < c.n; ++j) chain.push_back(definition(family, a.data() + i * lda, args.w, j));
      }
      EXPECT_SAME_BITS(what + " against the definition", got.data(), chain.data(),
                       static_cast<std::int64_t>(got.size()));
    }
  }
}

constexpr WeightType kTypes[] = {WeightType::f32, WeightType::bf16};

TEST(gemm_every_row_remainder) {
  for (const WeightType type : kTypes) {
    for (std::int32_t m = 1; m <= 67; ++m) check({m, 19, 37, type, Epilogue::none, false});
  }
}

TEST(gemm_every_column_remainder) {
  for (const WeightType type : kTypes) {
    for (std::int32_t n = 1; n <= 35; ++n) check({7, 11, n, type, Epilogue::none, true});
  }
}

TEST(gemm_odd_depths) {
  for (const WeightType type : kTypes) {
    for (const std::int32_t k : {1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 96, 257})
      check({5, k, 33, type, Epilogue::none, false});
  }
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

TEST(gemm_long_depth_and_many_rows) {
  for (const WeightType type : kTypes) check({130, 1030, 48, type, Epilogue::residual, true, true});
}

/// What samples rest on: a row's bits are its own, whatever else is in the batch and whichever panels a thread has.
TEST(gemm_rows_do_not_depend_on_the_batch) {
  const base::FpEnv mode;
  constexpr std::int32_t kRows = 70, kDepth = 77, kColumns = 115;
  Random random(4);
  const std::vector<float> a = random.reals(kRows * kDepth), w = random.reals(kDepth * kColumns);
  for (const WeightType type : kTypes) {
    for (const NamedTable& table : product_tables()) {
      const PackedWeights packed =
          pack_floats(w, kDepth, kColumns, type == WeightType::f32 ? type : bf16_weights(table.family));
      const auto rows = [&](std::int32_t first, std::int32_t count, std::int32_t panels_at_once) {
        std::vector<float> out(static_cast<std::size_t>(count) * kColumns);
        for (std::int32_t panel = 0; panel < panel_count(kColumns); panel += panels_at_once) {
          multiply(table, {a.data() + first * kDepth, kDepth, count, packed.matrix(), nullptr, Epilogue::none, nullptr,
                           0, out.data(), kColumns, panel, std::min(panel + panels_at_once, panel_count(kColumns))});
        }
        return out;
      };
      const std::vector<float> together = rows(0, kRows, 100);
      for (const std::int32_t count : {1, 2, 15, 16, 31, 33}) {
        for (std::int32_t first = 0; first + count <= kRows; first += count) {
          EXPECT_SAME_BITS(table.isa + " rows " + std::to_string(first) + " + " + std::to_string(count),
                           rows(first, count, 1 + first % 3).data(), together.data() + first * kColumns,
                           count * kColumns);
        }
      }
    }
  }
}

TEST(gemm_passes_nan_through) {
  const base::FpEnv mode;
  const std::vector<float> a(20, std::numeric_limits<float>::quiet_NaN()), w(20 * 17, 0.5f);
  for (const NamedTable& table : product_tables()) {
    for (const WeightType type : {WeightType::f32, bf16_weights(table.family)}) {
      const PackedWeights packed = pack_floats(w, 20, 17, type);
      for (const Epilogue epilogue : {Epilogue::none, Epilogue::gelu}) {
        std::vector<float> out(17, 0);
        multiply(table, {a.data(), 20, 1, packed.matrix(), nullptr, epilogue, nullptr, 0, out.data(), 17, 0, 2});
        for (const float value : out) EXPECT(std::isnan(value));
      }
    }
  }
}

}  // namespace
}  // namespace faultline::check
