// The polynomials: largest error of exp, log, gelu and the Gumbel numbers over dense sweeps, in units in the last place
// of the true value, against long double. They are reached through the ops that expose them, so that what is measured
// is what runs.
#include <algorithm>
#include <iterator>

#include "native/ops/ref/ref.h"
#include "tests/native/ops_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;

double ulps(float got, long double want) {
  const int exponent = std::max(std::ilogb(want), -126);
  return static_cast<double>(std::fabs(got - want) / std::ldexp(1.0L, exponent - 23));
}

/// tail of one token is exp(logit - 0).
float exp_of(const OpTable& ops, float x) { return ops.tail({&x, 1, 1, 0, {}, nullptr}).mass; }

TEST(exp_within_1_5_ulp) {
  const base::FpEnv mode;
  for (const NamedTable& table : runnable_tables()) {
    double worst = 0;
    float at = 0;
    // -87.33 to 88 in steps that hit every binade and no pattern of the reduction.
    for (std::int64_t i = 0; i < 700'000; ++i) {
      const float x = static_cast<float>(-87.33 + 175.33 * static_cast<double>(i) / 700'000.0);
      const double error = ulps(exp_of(table.ops, x), std::exp(static_cast<long double>(x)));
      if (error > worst) worst = error, at = x;
    }
    note("exp " + table.isa + ": " + show(worst) + " ulp at " + show(at));
    EXPECT(worst < 1.5);
    EXPECT_EQ(exp_of(table.ops, 0), 1.0f);
    EXPECT_EQ(exp_of(table.ops, -87.34f), 0.0f);
    EXPECT_EQ(exp_of(table.ops, -std::numeric_limits<float>::infinity()), 0.0f);
    EXPECT_EQ(exp_of(table.ops, -1e30f), 0.0f);
    EXPECT_EQ(exp_of(table.ops, 1e30f), exp_of(table.ops, 88));
  }
}

TEST(log_within_1_5_ulp) {
  const base::FpEnv mode;
  for (const NamedTable& table : runnable_tables()) {
    double worst = 0;
    float at = 0;
    // Bit patterns of all positive normal floats in steps of a prime, and densely around 1, where the result is small.
    const auto measure = [&](float x) {
      if (x == 1) return;
      const double error = ulps(table.ops.log_sum(x), std::log(static_cast<long double>(x)));
      if (error > worst) worst = error, at = x;
    };
    for (std::uint32_t bits = 0x00800000; bits < 0x7F800000; bits += 3'989) measure(std::bit_cast<float>(bits));
    for (std::uint32_t bits = 0x3F700000; bits < 0x3F900000; bits += 17) measure(std::bit_cast<float>(bits));
    note("log " + table.isa + ": " + show(worst) + " ulp at " + show(at));
    EXPECT(worst < 1.5);
    EXPECT_EQ(table.ops.log_sum(1), 0.0f);
    EXPECT_EQ(table.ops.log_sum(0), -std::numeric_limits<float>::infinity());
  }
}

TEST(gelu_within_its_bound) {
  const base::FpEnv mode;
  for (const NamedTable& table : runnable_tables()) {
    std::vector<float> x, out;
    for (double v = -12; v <= 30; v += 0.0000917) x.push_back(static_cast<float>(v));
    for (std::uint32_t bits = 0x00900000; bits < 0x40000000; bits += 9'973) {
      x.push_back(std::bit_cast<float>(bits));
      x.push_back(-std::bit_cast<float>(bits));
    }
    out.resize(x.size());
    table.ops.gelu(x.data(), out.data(), static_cast<std::int64_t>(x.size()));
    double worst = 0, worst_tail = 0;
    float at = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const long double v = x[i];
      // x / (1 + exp(-2 y)) is the same number, and does not cancel in long double either.
      const long double want =
          v / (1 + std::exp(-2 * std::sqrt(2 / 3.14159265358979323846L) * (v + 0.044715L * v * v * v)));
      if (x[i] < -9) {
        worst_tail = std::max(worst_tail, static_cast<double>(std::fabs(out[i] - want)));
      } else if (std::fabs(want) >= 0x1p-126L) {
        const double error = static_cast<double>(std::fabs(out[i] / want - 1)) / gelu_bound(x[i]);
        if (error > worst) worst = error, at = x[i];
      }
    }
    note("gelu " + table.isa + ": " + show(worst) + " of the bound at " + show(at) + "; below -9: " + show(worst_tail) +
         " absolute");
    EXPECT(worst < 1);
    EXPECT(worst_tail < 2e-28);

    // Far below, where exp16 no longer grows: e^88, within its 1.5 ulp and the two roundings after it.
    const float far[] = {-1e6F, -1.6e14F, -1.7e14F, -1e20F, std::numeric_limits<float>::lowest()};
    float there[std::size(far)];
    table.ops.gelu(far, there, std::ssize(far));
    for (std::size_t i = 0; i < std::size(far); ++i)
      EXPECT(std::fabs(there[i] / (far[i] * std::exp(-88.0L)) - 1) < 0x1p-22L);
    EXPECT(there[1] > -1e-24F && there[2] < -1e-24F);
  }
}

TEST(gumbel_numbers_within_their_bound) {
  const base::FpEnv mode;
  for (const NamedTable& table : runnable_tables()) {
    double worst = 0, largest = -100, smallest = 100;
    const float zero = 0;
    DrawArgs args{&zero, 1, 1, {}, nullptr, false, 77, 0, 0, 0, 0};
    for (std::uint32_t sample = 0; sample < 400'000; ++sample) {
      args.sample = sample;
      const Draw got = table.ops.draw(args);
      const double want = ref::gumbel(args, 0);
      // Two nested logarithms: 3 ulp of the exponential is a relative error that the outer logarithm turns into an
      // absolute one.
      const double tolerance = 2 * kUnit * std::fabs(want) + 6 * kUnit;
      worst = std::max(worst, std::fabs(got.score - want) / tolerance);
      largest = std::max(largest, want);
      smallest = std::min(smallest, want);
    }
    note("gumbel " + table.isa + ": " + show(worst) + " of the bound, from " + show(smallest) + " to " + show(largest));
    EXPECT(worst < 1);
    EXPECT(largest > 10 && smallest < -2);
  }
}

}  // namespace
}  // namespace faultline::check
