// layernorm, gelu and add against the oracle, and all instruction sets against each other.
#include <algorithm>

#include "native/ops/ref/ref.h"
#include "tests/native/ops_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;

void check_layernorm(std::int32_t rows, std::int32_t width, float size, float offset, bool in_place) {
  const base::FpEnv mode;
  Random random(static_cast<std::uint64_t>(width));
  std::vector<float> values = random.reals(std::int64_t{rows} * width, size);
  for (float& value : values) value += offset;
  const Misaligned x(values), gamma(random.reals(width)), beta(random.reals(width));
  std::vector<float> first;
  for (const NamedTable& table : runnable_tables()) {
    const std::string what = "layernorm " + table.isa + " rows=" + std::to_string(rows) +
                             " width=" + std::to_string(width) + (in_place ? " in place" : "");
    Guarded out(rows, width, width), scale(rows, 1, 1);
    if (in_place) std::copy_n(x.data(), values.size(), out.data());
    LayerNormArgs args{
        in_place ? out.data() : x.data(), rows, width, gamma.data(), beta.data(), 1e-5f, out.data(), scale.data()};
    std::vector<double> want, want_scale;
    ref::layernorm(args, want, want_scale);
    table.ops.layernorm(args);
    EXPECT_UNTOUCHED_AROUND(out, what);
    EXPECT_UNTOUCHED_AROUND(scale, what + " scale");
    // The mean is off by at most (width / 16 + 6) u max|x| (16 lanes, then a tree), which moves every normalised
    // element by that over scale; the variance is off by twice the relative amount, and 6 more roundings follow.
    std::vector<double> tolerance, scale_tolerance;
    for (std::int32_t row = 0; row < rows; ++row) {
      double largest = 0;
      for (std::int32_t i = 0; i < width; ++i)
        largest = std::max(largest, std::fabs(double{x.data()[std::int64_t{row} * width + i]}));
      const double sum_error = (width / 16 + 6) * kUnit;
      const double shift = sum_error * largest / want_scale[static_cast<std::size_t>(row)];
      // A shifted mean adds its square to the variance; to first order only the variance's own sum matters for the
      // scale.
      scale_tolerance.push_back(want_scale[static_cast<std::size_t>(row)] * (sum_error + 4 * kUnit + shift * shift));
      for (std::int32_t i = 0; i < width; ++i) {
        const double normal = (want[static_cast<std::size_t>(std::int64_t{row} * width + i)] - beta.data()[i]) /
                              (gamma.data()[i] == 0 ? 1 : gamma.data()[i]);
        tolerance.push_back(
            std::fabs(gamma.data()[i]) * (shift + std::fabs(normal) * (sum_error + shift * shift + 6 * kUnit)) +
            2 * kUnit * (std::fabs(normal * gamma.data()[i]) + std::fabs(beta.data()[i])) + kSmallestNormal);
      }
    }
    const std::vector<float> got = out.values(), got_scale = scale.values();
    EXPECT_CLOSE(what, got.data(), want.data(), tolerance.data(), static_cast<std::int64_t>(got.size()),
                 "(width / 16 + 6) u from each sum");
    EXPECT_CLOSE(what + " scale", got_scale.data(), want_scale.data(), scale_tolerance.data(), rows,
                 "(width / 16 + 6) u from each sum");
    std::vector<float> both = got;
    both.insert(both.end(), got_scale.begin(), got_scale.end());
    if (first.empty()) first = both;
    EXPECT_SAME_BITS(what + " against scalar", both.data(), first.data(), static_cast<std::int64_t>(both.size()));
    args.scale = nullptr;
    if (!in_place) {
      table.ops.layernorm(args);
      const std::vector<float> again = out.values();
      EXPECT_SAME_BITS(what + " without scale", again.data(), got.data(), static_cast<std::int64_t>(got.size()));
    }
  }
}

TEST(layernorm_every_tail) {
  for (std::int32_t width = 1; width <= 50; ++width) check_layernorm(3, width, 2, 0.25f, false);
}
TEST(layernorm_model_widths) {
  for (const std::int32_t width : {48, 256, 768, 1024}) {
    check_layernorm(5, width, 1, 0, false);
    check_layernorm(2, width, 0.5f, 30, true);
  }
}

/// The definition's tree and lanes, written out: guards against all instruction sets sharing one mistake.
TEST(layernorm_sums_over_16_lanes_and_the_fixed_tree) {
  const base::FpEnv mode;
  const std::int32_t width = 83;
  Random random(5);
  const std::vector<float> x = random.reals(width, 1000), ones(width, 1), zeros(width, 0);
  const auto lane_sum = [&](auto&& element, bool squares) {
    float lanes[16] = {};
    for (std::int32_t i = 0; i < width; ++i)
      lanes[i % 16] = squares ? std::fma(element(i), element(i), lanes[i % 16]) : lanes[i % 16] + element(i);
    for (int half = 8; half > 0; half /= 2) {
      for (int j = 0; j < half; ++j) lanes[j] += lanes[j + half];
    }
    return lanes[0];
  };
  const float mean = lane_sum([&](std::int32_t i) { return x[static_cast<std::size_t>(i)]; }, false) / width;
  const float scale =
      std::sqrt(lane_sum([&](std::int32_t i) { return x[static_cast<std::size_t>(i)] - mean; }, true) / width + 1e-5f);
  for (const NamedTable& table : runnable_tables()) {
    std::vector<float> out(width);
    float got = 0;
    table.ops.layernorm({x.data(), 1, width, ones.data(), zeros.data(), 1e-5f, out.data(), &got});
    EXPECT_SAME_BITS("layernorm scale " + table.isa, &got, &scale, 1);
    const float last = (x[82] - mean) / scale;
    EXPECT_SAME_BITS("layernorm element " + table.isa, &out[82], &last, 1);
  }
}

TEST(gelu_every_tail_and_in_place) {
  const base::FpEnv mode;
  for (std::int64_t n = 0; n <= 40; ++n) {
    Random random(static_cast<std::uint64_t>(n));
    const Misaligned x(random.reals(n, 6));
    std::vector<float> first;
    for (const NamedTable& table : runnable_tables()) {
      const std::string what = "gelu " + table.isa + " n=" + std::to_string(n);
      Guarded out(1, n, n + 1), same(1, n, n + 1);
      table.ops.gelu(x.data(), out.data(), n);
      EXPECT_UNTOUCHED_AROUND(out, what);
      std::vector<double> want, tolerance;
      for (std::int64_t i = 0; i < n; ++i) {
        want.push_back(ref::gelu(x.data()[i]));
        tolerance.push_back(gelu_bound(x.data()[i]) * std::fabs(want.back()) + kSmallestNormal);
      }
      const std::vector<float> got = out.values();
      EXPECT_CLOSE(what, got.data(), want.data(), tolerance.data(), n,
                   "(6 + 3 |2 y|) u, measured by ops_math_test over a dense sweep");
      if (first.empty()) first = got;
      EXPECT_SAME_BITS(what + " against scalar", got.data(), first.data(), n);
      std::copy_n(x.data(), n, same.data());
      table.ops.gelu(same.data(), same.data(), n);
      const std::vector<float> again = same.values();
      EXPECT_SAME_BITS(what + " in place", again.data(), got.data(), n);
    }
  }
}

TEST(add_every_tail_and_in_place) {
  const base::FpEnv mode;
  for (std::int64_t n = 0; n <= 40; ++n) {
    Random random(static_cast<std::uint64_t>(n) + 100);
    const Misaligned a(random.reals(n)), b(random.reals(n));
    std::vector<float> want;
    for (std::int64_t i = 0; i < n; ++i) want.push_back(a.data()[i] + b.data()[i]);
    for (const NamedTable& table : runnable_tables()) {
      const std::string what = "add " + table.isa + " n=" + std::to_string(n);
      Guarded out(1, n, n + 1);
      table.ops.add(a.data(), b.data(), out.data(), n);
      EXPECT_UNTOUCHED_AROUND(out, what);
      EXPECT_SAME_BITS(what, out.values().data(), want.data(), n);
      std::copy_n(b.data(), n, out.data());
      table.ops.add(a.data(), out.data(), out.data(), n);
      EXPECT_SAME_BITS(what + " in place", out.values().data(), want.data(), n);
    }
  }
}

}  // namespace
}  // namespace faultline::check
