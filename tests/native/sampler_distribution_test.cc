// Every sampler against the enumerated distribution of a small vocabulary (chi-square over counters, so the outcome is
// the same on every machine), and its threshold against a sort.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "native/base/fp_env.h"
#include "native/base/philox.h"
#include "native/ops/registry.h"
#include "native/sampler/sampler.h"
#include "native/sampler/threshold_search.h"
#include "tests/native/check.h"

namespace faultline::sampler {
namespace {

std::vector<float> random_logits(std::int32_t n, float spread, std::uint64_t seed) {
  std::vector<float> logits;
  for (std::int32_t i = 0; i < n; ++i) {
    // The sum of four uniform words: roughly normal, as logits are.
    const auto words = base::philox4x32_10({static_cast<std::uint32_t>(i), 0, 0, 9}, seed);
    double sum = 0;
    for (const std::uint32_t word : words) sum += word / 4294967296.0 - 0.5;
    logits.push_back(static_cast<float>(sum) * spread);
  }
  return logits;
}

std::vector<std::uint64_t> random_mask(std::int32_t n, std::uint64_t seed) {
  std::vector<std::uint64_t> words(static_cast<std::size_t>(n + 63) / 64, 0);
  for (std::int32_t i = 0; i < n; ++i)
    if ((base::philox4x32_10({static_cast<std::uint32_t>(i), 1, 0, 9}, seed)[0] & 1) != 0)
      words[static_cast<std::size_t>(i) / 64] |= std::uint64_t{1} << (i % 64);
  return words;
}

bool allowed(ops::Mask mask, std::int32_t token) {
  return mask == nullptr || (mask[token / 64] >> (token % 64) & 1) != 0;
}

/// The definition, in double and with a sort: condition, temperature, top-k, top-p, ties kept, renormalised.
std::vector<double> enumerate(const std::vector<float>& logits, const SamplingParameters& parameters,
                              ops::Mask condition) {
  std::vector<std::int32_t> order;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(logits.size()); ++i)
    if (allowed(condition, i)) order.push_back(i);
  const auto logit = [&](std::int32_t i) { return double{logits[static_cast<std::size_t>(i)]}; };
  std::ranges::stable_sort(order, std::ranges::greater(), logit);
  std::vector<double> probabilities(logits.size(), 0.0);
  if (order.empty()) return probabilities;
  if (parameters.temperature == 0) {
    probabilities[static_cast<std::size_t>(order[0])] = 1;
    return probabilities;
  }
  const auto weight = [&](std::int32_t i) { return std::exp((logit(i) - logit(order[0])) / parameters.temperature); };
  const auto keep_first = [&](std::size_t count) {
    while (count < order.size() && logit(order[count]) == logit(order[count - 1])) ++count;
    order.resize(count);
  };
  if (parameters.top_k > 0 && static_cast<std::size_t>(parameters.top_k) < order.size())
    keep_first(static_cast<std::size_t>(parameters.top_k));
  double kept = 0;
  for (const std::int32_t i : order) kept += weight(i);
  if (parameters.top_p < 1) {
    double mass = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      mass += weight(order[i]);
      if (mass >= parameters.top_p * kept) {
        keep_first(i + 1);
        break;
      }
    }
  }
  kept = 0;
  for (const std::int32_t i : order) kept += weight(i);
  for (const std::int32_t i : order) probabilities[static_cast<std::size_t>(i)] = weight(i) / kept;
  return probabilities;
}

/// Upper 0.01 % point of chi-square (Wilson and Hilferty).
double critical(double degrees) {
  const double a = 2 / (9 * degrees);
  return degrees * std::pow(1 - a + 3.719 * std::sqrt(a), 3);
}

void expect_distribution(const std::string& what, const std::vector<float>& logits,
                         const SamplingParameters& parameters, ops::Mask condition, int draws = 20000) {
  const base::FpEnv fp_env;
  const auto n = static_cast<std::int32_t>(logits.size());
  const std::vector<double> expected = enumerate(logits, parameters, condition);
  std::vector<int> observed(logits.size(), 0);
  for (int i = 0; i < draws; ++i) {
    // Samples, positions and attempts all take part: each must count as fresh random numbers.
    const DrawKey key{.key = 77,
                      .sample = static_cast<std::uint32_t>(i / 8),
                      .position = static_cast<std::uint32_t>(i % 4),
                      .attempt = static_cast<std::uint32_t>(i / 4 % 2)};
    const TokenDraw draw = draw_token(ops::ops(), logits.data(), n, parameters, condition, key);
    if (draw.token < 0) return check::fail(__FILE__, __LINE__, what + ": nothing was drawn");
    ++observed[static_cast<std::size_t>(draw.token)];
  }
  double statistic = 0;
  double rare_expected = 0;
  double rare_observed = 0;
  int cells = 0;
  const auto cell = [&](double got, double want) {
    statistic += (got - want) * (got - want) / want;
    ++cells;
  };
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double want = expected[i] * draws;
    if (expected[i] == 0 && observed[i] > 0)
      return check::fail(__FILE__, __LINE__, what + ": drew token " + std::to_string(i) + ", which is cut off");
    if (want >= 5) {
      cell(observed[i], want);
    } else {
      rare_expected += want;
      rare_observed += observed[i];
    }
  }
  if (rare_expected >= 5) cell(rare_observed, rare_expected);
  if (cells > 1 && statistic > critical(cells - 1))
    check::fail(__FILE__, __LINE__,
                what + ": chi-square " + std::to_string(statistic) + " with " + std::to_string(cells) + " cells");
  if (cells == 1) EXPECT_EQ(*std::ranges::max_element(observed), draws);
}

TEST(sampler_draws_from_the_enumerated_distribution) {
  for (const std::int32_t n : {23, 64, 300}) {
    const std::vector<float> logits = random_logits(n, 4, static_cast<std::uint64_t>(n));
    const std::vector<std::uint64_t> mask = random_mask(n, 3);
    for (const ops::Mask condition : {ops::Mask{nullptr}, mask.data()}) {
      const std::string where = std::to_string(n) + (condition != nullptr ? " masked" : "");
      expect_distribution(where + " greedy", logits, {.temperature = 0}, condition, 50);
      expect_distribution(where + " temperature 1", logits, {}, condition);
      expect_distribution(where + " temperature 0.6", logits, {.temperature = 0.6F}, condition);
      expect_distribution(where + " temperature 3", logits, {.temperature = 3}, condition);
      expect_distribution(where + " top-k 1", logits, {.top_k = 1}, condition, 50);
      expect_distribution(where + " top-k 5", logits, {.top_k = 5}, condition);
      expect_distribution(where + " top-k above the vocabulary", logits, {.top_k = 1000}, condition);
      expect_distribution(where + " top-p 0.9", logits, {.top_p = 0.9F}, condition);
      expect_distribution(where + " top-p 0.3", logits, {.top_p = 0.3F}, condition);
      expect_distribution(where + " top-p tiny", logits, {.top_p = 1e-6F}, condition, 50);
      expect_distribution(where + " all three", logits, {.temperature = 0.8F, .top_k = 9, .top_p = 0.7F}, condition);
    }
  }
}

TEST(sampler_keeps_ties) {
  const std::vector<float> logits = {1, 2, 2, 2, 0, 2, 1, -1};
  expect_distribution("top-k among ties", logits, {.top_k = 2}, nullptr);
  expect_distribution("top-p among ties", logits, {.top_p = 0.2F}, nullptr);
  const std::vector<float> flat(200, 0.5F);
  expect_distribution("all equal", flat, {.top_k = 7, .top_p = 0.5F}, nullptr);
}

/// The kept set against a sort in double, at sizes where the search has to narrow. Sets may differ by tokens whose
/// cumulative mass is the target itself within float's rounding of a sum of n terms.
TEST(sampler_threshold_is_the_smallest_set_that_reaches_the_target) {
  const base::FpEnv fp_env;
  const ops::OpTable& ops = ops::ops();
  for (const std::int32_t n : {65, 1000, 20000}) {
    for (const float spread : {0.01F, 1.0F, 12.0F, 60.0F}) {
      const std::vector<float> logits = random_logits(n, spread, static_cast<std::uint64_t>(n));
      const std::vector<std::uint64_t> mask = random_mask(n, 5);
      for (const ops::Mask condition : {ops::Mask{nullptr}, mask.data()}) {
        std::vector<float> sorted;
        for (std::int32_t i = 0; i < n; ++i)
          if (allowed(condition, i)) sorted.push_back(logits[static_cast<std::size_t>(i)]);
        std::ranges::sort(sorted, std::greater<>());
        const auto count_at = [&](float threshold) {
          return std::ranges::count_if(sorted, [&](float logit) { return logit >= threshold; });
        };
        for (const std::int32_t k : {1, 2, 40, n / 3, n - 1}) {
          const float threshold = keep_threshold(ops, logits.data(), n, {.top_k = k}, condition);
          const auto want = std::min<std::ptrdiff_t>(
              std::ssize(sorted),
              count_at(sorted[static_cast<std::size_t>(std::min<std::ptrdiff_t>(k, std::ssize(sorted)) - 1)]));
          EXPECT_EQ(count_at(threshold), want);
        }
        for (const float temperature : {0.5F, 1.0F, 2.0F}) {
          double total = 0;
          for (const float logit : sorted) total += std::exp((double{logit} - sorted[0]) / temperature);
          for (const float p : {0.05F, 0.5F, 0.9F, 0.95F, 0.999F}) {
            const float threshold =
                keep_threshold(ops, logits.data(), n, {.temperature = temperature, .top_p = p}, condition);
            const auto kept = static_cast<std::size_t>(count_at(threshold));
            double mass = 0;
            for (std::size_t i = 0; i < kept; ++i) mass += std::exp((double{sorted[i]} - sorted[0]) / temperature);
            const double last = std::exp((double{sorted[kept - 1]} - sorted[0]) / temperature);
            const double slack = 4e-6 * total;  // n/16 terms a lane, each rounded to 2^-24, plus exp's own error
            EXPECT(mass >= p * total - slack);
            EXPECT(kept == 1 || mass - last < p * total + slack);
          }
        }
      }
    }
  }
}

/// How many passes over the row a search takes; the search is the only thing that could make sampling slow.
int passes = 0;
TEST(sampler_threshold_takes_few_passes) {
  const base::FpEnv fp_env;
  ops::OpTable counting = ops::ops();
  counting.tail = [](const ops::TailArgs& args) {
    ++passes;
    return ops::ops().tail(args);
  };
  int worst = 0;
  for (const float spread : {0.5F, 2.0F, 8.0F, 30.0F}) {
    const std::vector<float> logits = random_logits(50257, spread, 11);
    for (const SamplingParameters& parameters : {SamplingParameters{.temperature = 0.8F, .top_p = 0.95F},
                                                 SamplingParameters{.top_p = 0.5F}, SamplingParameters{.top_k = 50}}) {
      passes = 0;
      keep_threshold(counting, logits.data(), 50257, parameters, nullptr);
      worst = std::max(worst, passes);
    }
  }
  check::note("at most " + std::to_string(worst) + " passes");
  EXPECT(worst <= 16);
}

TEST(sampler_reports_the_unmodified_distribution) {
  const base::FpEnv fp_env;
  const std::vector<float> logits = random_logits(300, 6, 2);
  const std::vector<std::uint64_t> mask = random_mask(300, 4);
  double max = -1e9, sum = 0, entropy = 0;
  for (const float logit : logits) max = std::max(max, double{logit});
  for (const float logit : logits) sum += std::exp(logit - max);
  for (const float logit : logits) entropy -= std::exp(logit - max) / sum * (logit - max - std::log(sum));
  for (std::uint32_t i = 0; i < 200; ++i) {
    const TokenDraw draw = draw_token(ops::ops(), logits.data(), 300, {.temperature = 2, .top_k = 30, .top_p = 0.8F},
                                      mask.data(), {5, i, 0, 0});
    const double want = logits[static_cast<std::size_t>(draw.token)] - max - std::log(sum);
    // A handful of float operations on values below 16: 2^-24 * 16 each.
    EXPECT(std::abs(draw.logprob - want) < 1e-5);
    EXPECT(std::abs(draw.entropy - entropy) < 1e-5);
  }
}

TEST(sampler_names_dead_ends_and_bad_logits) {
  const base::FpEnv fp_env;
  std::vector<float> logits = random_logits(64, 1, 1);
  const std::uint64_t nothing = 0;
  EXPECT_EQ(draw_token(ops::ops(), logits.data(), 64, {.top_k = 3, .top_p = 0.5F}, &nothing, {1, 2, 3, 0}).token, -1);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    logits[40] = bad;
    EXPECT_THROWS(input, "not finite", draw_token(ops::ops(), logits.data(), 64, {}, nullptr, {1, 2, 3, 0}));
  }
}

TEST(sampler_validates_parameters) {
  validate({.temperature = 0});
  validate({.temperature = 0.7F, .top_k = 40, .top_p = 0.95F});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROWS(usage, "temperature", validate({.temperature = -0.1F}));
  EXPECT_THROWS(usage, "temperature", validate({.temperature = nan}));
  EXPECT_THROWS(usage, "temperature", validate({.temperature = 1e-9F}));
  EXPECT_THROWS(usage, "top-k", validate({.top_k = -1}));
  EXPECT_THROWS(usage, "top-p", validate({.top_p = 0}));
  EXPECT_THROWS(usage, "top-p", validate({.top_p = 1.5F}));
  EXPECT_THROWS(usage, "top-p", validate({.top_p = nan}));
}

}  // namespace
}  // namespace faultline::sampler
