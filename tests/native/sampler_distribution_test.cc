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
#include "tests/native/ops_fixture.h"

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

/// The definition, in double and with a sort: condition, temperature, truncations in their order, each on what the one
/// before it left, ties kept, constraint, renormalised. What each keeps is written from its paper's formula. Zeros
/// everywhere for a dead end.
class Enumeration {
 public:
  Enumeration(const std::vector<float>& logits, const SamplingParameters& parameters, const Masks& masks)
      : logits_(logits), parameters_(parameters) {
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(logits.size()); ++i)
      if (allowed(masks.condition, i)) kept_.push_back(i);
    std::ranges::stable_sort(kept_, std::ranges::greater(), [&](std::int32_t i) { return logit(i); });
    if (kept_.empty()) return;
    if (parameters.temperature == 0) {
      std::erase_if(kept_, [&](std::int32_t i) { return !allowed(masks.constraint, i); });
      kept_.resize(std::min<std::size_t>(kept_.size(), 1));
      return;
    }
    top_ = logit(kept_[0]);
    if (parameters.top_k > 0) top_k();
    if (parameters.top_p < 1) reach(parameters.top_p, [&](std::int32_t i) { return -logit(i); });
    if (parameters.min_p > 0) min_p();
    if (parameters.typical < 1) typical();
    if (parameters.eta > 0) eta();
    std::erase_if(kept_, [&](std::int32_t i) { return !allowed(masks.constraint, i); });
  }

  std::vector<double> probabilities() const {
    std::vector<double> all(logits_.size(), 0.0);
    const double total = mass();
    for (const std::int32_t i : kept_) all[static_cast<std::size_t>(i)] = weight(i) / total;
    return all;
  }

 private:
  double logit(std::int32_t i) const { return double{logits_[static_cast<std::size_t>(i)]}; }
  double weight(std::int32_t i) const {
    return parameters_.temperature == 0 ? 1 : std::exp((logit(i) - top_) / parameters_.temperature);
  }
  double mass() const {
    double sum = 0;
    for (const std::int32_t i : kept_) sum += weight(i);
    return sum;
  }
  double probability(std::int32_t i) const { return weight(i) / mass(); }
  double entropy() const {
    double sum = 0;
    for (const std::int32_t i : kept_) sum -= probability(i) * std::log(probability(i));
    return sum;
  }

  /// The first tokens in ascending order of `rank` that hold the share p, and those of the last one's logit.
  template <class Rank>
  void reach(double p, Rank&& rank) {
    std::ranges::stable_sort(kept_, {}, rank);
    const double total = mass();
    double sum = 0;
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      sum += weight(kept_[i]);
      if (sum >= p * total) return keep_first(i + 1);
    }
  }
  void keep_first(std::size_t count) {
    while (count < kept_.size() && logit(kept_[count]) == logit(kept_[count - 1])) ++count;
    kept_.resize(count);
  }

  void top_k() { keep_first(std::min(kept_.size(), static_cast<std::size_t>(parameters_.top_k))); }
  void min_p() {
    const double most = probability(kept_[0]);
    std::erase_if(kept_, [&, total = mass()](std::int32_t i) { return weight(i) / total < parameters_.min_p * most; });
  }
  void typical() {
    const double usual = entropy(), total = mass();
    reach(parameters_.typical, [&](std::int32_t i) { return std::abs(-std::log(weight(i) / total) - usual); });
  }
  void eta() {
    const double epsilon = parameters_.eta, total = mass();
    const double least = std::min(epsilon, std::sqrt(epsilon) * std::exp(-entropy()));
    std::erase_if(kept_, [&](std::int32_t i) { return weight(i) / total < least; });
  }

  const std::vector<float>& logits_;
  const SamplingParameters parameters_;
  std::vector<std::int32_t> kept_;  // the likeliest first, but after typical
  double top_ = 0;
};

/// Upper 0.01 % point of chi-square (Wilson and Hilferty).
double critical(double degrees) {
  const double a = 2 / (9 * degrees);
  return degrees * std::pow(1 - a + 3.719 * std::sqrt(a), 3);
}

void expect_distribution(const std::string& what, const std::vector<float>& logits,
                         const SamplingParameters& parameters, const Masks& masks, int draws = 20000) {
  const base::FpEnv fp_env;
  const auto n = static_cast<std::int32_t>(logits.size());
  const std::vector<double> expected = Enumeration(logits, parameters, masks).probabilities();
  std::vector<int> observed(logits.size(), 0);
  for (int i = 0; i < draws; ++i) {
    // Samples, positions and attempts all take part: each must count as fresh random numbers.
    const DrawKey key{.key = 77,
                      .sample = static_cast<std::uint32_t>(i / 8),
                      .position = static_cast<std::uint32_t>(i % 4),
                      .attempt = static_cast<std::uint32_t>(i / 4 % 2)};
    const TokenDraw draw = draw_token(ops::ops(), logits.data(), n, parameters, masks, key);
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

/// Every truncation alone, and together with those before and after it.
const std::vector<std::pair<std::string, SamplingParameters>>& all_kinds() {
  static const std::vector<std::pair<std::string, SamplingParameters>> kinds = {
      {"temperature 1", {}},
      {"temperature 0.6", {.temperature = 0.6F}},
      {"temperature 3", {.temperature = 3}},
      {"top-k 5", {.top_k = 5}},
      {"top-k above the vocabulary", {.top_k = 1000}},
      {"top-p 0.9", {.top_p = 0.9F}},
      {"top-p 0.3", {.top_p = 0.3F}},
      {"top-k and top-p", {.temperature = 0.8F, .top_k = 9, .top_p = 0.7F}},
      {"min-p 0.1", {.min_p = 0.1F}},
      {"min-p 0.02 at temperature 2", {.temperature = 2, .min_p = 0.02F}},
      {"typical 0.95", {.typical = 0.95F}},
      {"typical 0.5", {.typical = 0.5F}},
      {"typical 0.2 at temperature 2", {.temperature = 2, .typical = 0.2F}},
      {"eta 0.02", {.eta = 0.02F}},
      {"eta 0.3", {.eta = 0.3F}},
      {"eta 0.05 at temperature 2", {.temperature = 2, .eta = 0.05F}},
      {"top-p and min-p", {.temperature = 1.5F, .top_p = 0.8F, .min_p = 0.1F}},
      {"top-k and typical", {.temperature = 2, .top_k = 12, .typical = 0.6F}},
      {"typical and eta", {.temperature = 2, .typical = 0.7F, .eta = 0.2F}},
      {"all of them", {.temperature = 2.5F, .top_k = 20, .top_p = 0.95F, .min_p = 0.03F, .typical = 0.9F, .eta = 0.1F}},
  };
  return kinds;
}

TEST(sampler_draws_from_the_enumerated_distribution) {
  for (const std::int32_t n : {23, 64, 300}) {
    const std::vector<float> logits = random_logits(n, 4, static_cast<std::uint64_t>(n));
    const std::vector<std::uint64_t> mask = random_mask(n, 3);
    for (const ops::Mask condition : {ops::Mask{nullptr}, mask.data()}) {
      const Masks masks{.condition = condition};
      const std::string where = std::to_string(n) + (condition != nullptr ? " conditioned " : " ");
      for (const auto& [what, parameters] : all_kinds()) expect_distribution(where + what, logits, parameters, masks);
      // What leaves one token, most of the time.
      expect_distribution(where + "greedy", logits, {.temperature = 0, .eta = 0.5F}, masks, 50);
      expect_distribution(where + "top-k 1", logits, {.top_k = 1}, masks, 50);
      expect_distribution(where + "top-p tiny", logits, {.top_p = 1e-6F}, masks, 50);
      expect_distribution(where + "min-p 1", logits, {.min_p = 1}, masks, 50);
      expect_distribution(where + "typical tiny", logits, {.typical = 1e-6F}, masks, 50);
      expect_distribution(where + "eta almost 1", logits, {.eta = 0.99F}, masks, 200);
    }
  }
}

/// A constraint takes tokens away after the truncations, which do not know of it: more is not let in to make up.
TEST(sampler_applies_constraints_after_truncation) {
  const std::int32_t n = 64;
  const std::vector<float> logits = random_logits(n, 3, 8);
  const std::vector<std::uint64_t> condition = random_mask(n, 3);
  std::vector<std::uint64_t> constraint = random_mask(n, 6);
  const std::int32_t likeliest = static_cast<std::int32_t>(std::ranges::max_element(logits) - logits.begin());
  constraint[0] &= ~(std::uint64_t{1} << likeliest);
  int dead_ends = 0;
  for (const ops::Mask known : {ops::Mask{nullptr}, condition.data()}) {
    const Masks masks{.condition = known, .constraint = constraint.data()};
    for (const auto& [what, parameters] : all_kinds()) {
      const std::vector<double> expected = Enumeration(logits, parameters, masks).probabilities();
      const bool dead_end = std::ranges::all_of(expected, [](double p) { return p == 0; });
      dead_ends += dead_end ? 1 : 0;
      if (!dead_end) {
        expect_distribution("constrained " + what, logits, parameters, masks);
        continue;
      }
      const base::FpEnv fp_env;
      EXPECT_EQ(draw_token(ops::ops(), logits.data(), n, parameters, masks, {1, 2, 3, 0}).token, -1);
    }
  }
  check::note(std::to_string(dead_ends) + " dead ends");
  // The likeliest token alone, which the constraint takes away: nothing takes its place.
  const base::FpEnv fp_env;
  for (const SamplingParameters& parameters :
       {SamplingParameters{.top_k = 1}, SamplingParameters{.top_p = 1e-6F}, SamplingParameters{.min_p = 1}})
    EXPECT_EQ(
        draw_token(ops::ops(), logits.data(), n, parameters, {.constraint = constraint.data()}, {1, 2, 3, 0}).token,
        -1);
  expect_distribution("constrained greedy", logits, {.temperature = 0}, {.constraint = constraint.data()}, 20);
}

TEST(sampler_keeps_ties) {
  const std::vector<float> logits = {1, 2, 2, 2, 0, 2, 1, -1};
  expect_distribution("top-k among ties", logits, {.top_k = 2}, {});
  expect_distribution("top-p among ties", logits, {.top_p = 0.2F}, {});
  expect_distribution("min-p among ties", logits, {.min_p = 1}, {});
  expect_distribution("typical among ties", logits, {.typical = 0.2F}, {});
  const std::vector<float> flat(200, 0.5F);
  expect_distribution("all equal", flat, {.top_k = 7, .top_p = 0.5F}, {});
  expect_distribution("all equal, typical", flat, {.typical = 0.1F}, {});
  // epsilon as near 1 as float comes: the threshold is the probability of every token but for rounding.
  expect_distribution("all equal, eta", flat, {.eta = 1 - 0x1p-24F}, {});
  // Two tokens at one distance from the entropy, on either side of it: mean of s is -ln 2 / 2, so s = 0 and -ln 2 tie
  // but for rounding, and one of them alone never has more than its half.
  std::vector<float> two = {0, 0};
  expect_distribution("two halves, typical", two, {.typical = 0.5F}, {});
}

/// The token that the model holds likeliest may be the least typical one.
TEST(sampler_typical_may_cut_off_the_likeliest_token) {
  std::vector<float> logits(101, 0);
  logits[0] = 2.5F;  // 11 % of the mass; 100 tokens share the rest, and the entropy is theirs
  const base::FpEnv fp_env;
  const ops::Band kept = kept_band(ops::ops(), logits.data(), 101, {.typical = 0.5F}, nullptr);
  EXPECT(kept.least <= 0 && kept.most >= 0 && kept.most < 2.5F);
  expect_distribution("all but the likeliest", logits, {.typical = 0.5F}, {});
  expect_distribution("all but the likeliest, then eta", logits, {.typical = 0.5F, .eta = 0.5F}, {});
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
          const float threshold = kept_band(ops, logits.data(), n, {.top_k = k}, condition).least;
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
                kept_band(ops, logits.data(), n, {.temperature = temperature, .top_p = p}, condition).least;
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

/// The same for typical: nothing that is cut off stands nearer the entropy than what is kept, the kept set reaches the
/// share, and it does not without its farthest logit.
TEST(sampler_typical_is_the_smallest_set_around_the_entropy) {
  const base::FpEnv fp_env;
  for (const std::int32_t n : {65, 1000, 20000}) {
    for (const float spread : {0.01F, 1.0F, 12.0F, 60.0F}) {
      const std::vector<float> logits = random_logits(n, spread, static_cast<std::uint64_t>(n));
      const std::vector<std::uint64_t> mask = random_mask(n, 5);
      for (const ops::Mask condition : {ops::Mask{nullptr}, mask.data()}) {
        for (const float temperature : {0.5F, 1.0F, 2.0F}) {
          std::vector<double> scaled;  // of the allowed tokens
          for (std::int32_t i = 0; i < n; ++i)
            if (allowed(condition, i)) scaled.push_back(double{logits[static_cast<std::size_t>(i)]} / temperature);
          const auto [least, most] = std::ranges::minmax(scaled);
          double total = 0, mean = 0;
          for (const double x : scaled) total += std::exp(x - most);
          for (const double x : scaled) mean += std::exp(x - most) / total * (x - most);
          // Rounding: of a scaled logit and of its distance, and of the mean, a sum of n/16 terms of one sign a lane.
          const double unit = 0x1p-24;
          const double near = 4 * unit * (most - least + std::abs(most)) + 2 * (n / 16.0 + 16) * unit * std::abs(mean);
          for (const float p : {0.05F, 0.5F, 0.9F, 0.999F}) {
            const ops::Band band =
                kept_band(ops::ops(), logits.data(), n, {.temperature = temperature, .typical = p}, condition);
            double mass = 0, farthest = 0, nearest_cut = 1e30;
            for (const double x : scaled) {
              const double distance = std::abs(x - most - mean);
              const double logit = x * temperature;
              const bool kept = logit >= double{band.least} && logit <= double{band.most};
              if (kept) mass += std::exp(x - most);
              if (kept) farthest = std::max(farthest, distance);
              if (!kept) nearest_cut = std::min(nearest_cut, distance);
            }
            EXPECT(nearest_cut >= farthest - near);
            const double slack = 4e-6 * total;  // as above
            EXPECT(mass >= p * total - slack);
            double edge = 0;  // what stands at the end of the band, but for rounding
            for (const double x : scaled)
              if (std::abs(std::abs(x - most - mean) - farthest) <= near) edge += std::exp(x - most);
            EXPECT(mass - edge < p * total + slack);
          }
        }
      }
    }
  }
}

/// What is kept and drawn is the same to the bit on every instruction set, at sizes where each kernel's blocks and the
/// search have something to do.
TEST(sampler_is_the_same_on_every_instruction_set) {
  const base::FpEnv fp_env;
  const std::vector<check::NamedTable>& tables = check::runnable_tables();
  for (const std::int32_t n : {300, 50257}) {
    for (const float spread : {0.3F, 5.0F, 40.0F}) {
      const std::vector<float> logits = random_logits(n, spread, 21);
      const std::vector<std::uint64_t> mask = random_mask(n, 22);
      for (const auto& [what, parameters] : all_kinds()) {
        for (const ops::Mask condition : {ops::Mask{nullptr}, mask.data()}) {
          const auto draw = [&](const ops::OpTable& ops) {
            return draw_token(ops, logits.data(), n, parameters, {.condition = condition}, {9, 8, 7, 0});
          };
          const ops::Band want = kept_band(tables.front().ops, logits.data(), n, parameters, condition);
          const TokenDraw first = draw(tables.front().ops);
          for (const check::NamedTable& table : tables) {
            const ops::Band got = kept_band(table.ops, logits.data(), n, parameters, condition);
            EXPECT_SAME_BITS(table.isa + " " + what, &got.least, &want.least, 1);
            EXPECT_SAME_BITS(table.isa + " " + what, &got.most, &want.most, 1);
            const TokenDraw drawn = draw(table.ops);
            EXPECT_EQ(drawn.token, first.token);
            EXPECT_SAME_BITS(table.isa + " " + what, &drawn.logprob, &first.logprob, 1);
            EXPECT_SAME_BITS(table.isa + " " + what, &drawn.entropy, &first.entropy, 1);
          }
        }
      }
    }
  }
}

/// How many passes over the row a search takes; the search is the only thing that could make sampling slow. What was
/// gathered from a row is no row.
int passes = 0;
TEST(sampler_threshold_takes_few_passes) {
  const base::FpEnv fp_env;
  ops::OpTable counting = ops::ops();
  counting.tail = [](const ops::TailArgs& args) {
    if (args.n == 50257) ++passes;
    return ops::ops().tail(args);
  };
  counting.gather = [](const ops::GatherArgs& args) {
    ++passes;
    return ops::ops().gather(args);
  };
  // For a nucleus of 400, 140 or 10 tokens one pass finds all that matters.
  for (const float spread : {9.0F, 12.0F, 30.0F}) {
    const std::vector<float> logits = random_logits(50257, spread, 12);
    passes = 0;
    kept_band(counting, logits.data(), 50257, {.temperature = 0.8F, .top_p = 0.95F}, nullptr);
    EXPECT_EQ(passes, 1);
  }
  int worst = 0;
  for (const float spread : {0.5F, 2.0F, 8.0F, 30.0F}) {
    const std::vector<float> logits = random_logits(50257, spread, 11);
    for (const SamplingParameters& parameters :
         {SamplingParameters{.temperature = 0.8F, .top_p = 0.95F}, SamplingParameters{.top_p = 0.5F},
          SamplingParameters{.top_k = 50}, SamplingParameters{.typical = 0.95F}, SamplingParameters{.typical = 0.2F},
          SamplingParameters{.min_p = 0.05F}, SamplingParameters{.eta = 1e-3F}}) {
      passes = 0;
      kept_band(counting, logits.data(), 50257, parameters, nullptr);
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
    const TokenDraw draw = draw_token(ops::ops(), logits.data(), 300, {.temperature = 2, .top_k = 30, .typical = 0.8F},
                                      {.condition = mask.data()}, {5, i, 0, 0});
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
  EXPECT_EQ(
      draw_token(ops::ops(), logits.data(), 64, {.top_k = 3, .top_p = 0.5F}, {.condition = &nothing}, {1, 2, 3, 0})
          .token,
      -1);
  for (const auto& [what, parameters] : all_kinds()) {
    EXPECT_EQ(draw_token(ops::ops(), logits.data(), 64, parameters, {.condition = &nothing}, {1, 2, 3, 0}).token, -1);
    EXPECT_EQ(draw_token(ops::ops(), logits.data(), 64, parameters, {.constraint = &nothing}, {1, 2, 3, 0}).token, -1);
  }
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    logits[40] = bad;
    EXPECT_THROWS(input, "not finite", draw_token(ops::ops(), logits.data(), 64, {}, {}, {1, 2, 3, 0}));
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
  validate({.min_p = 1, .typical = 1e-37F, .eta = 1e-37F});
  for (const float bad : {-0.1F, 1e-38F, 1.5F, nan}) {
    EXPECT_THROWS(usage, "min-p is ", validate({.min_p = bad}));
    EXPECT_THROWS(usage, "typical is ", validate({.typical = bad}));
    EXPECT_THROWS(usage, "eta is ", validate({.eta = bad}));
  }
  EXPECT_THROWS(usage, "typical is 0, but must be from 1e-37 to 1 (off)", validate({.typical = 0}));
  EXPECT_THROWS(usage, "eta is 1, but must be 0 (off) or from 1e-37 to below 1", validate({.eta = 1}));
}

}  // namespace
}  // namespace faultline::sampler
