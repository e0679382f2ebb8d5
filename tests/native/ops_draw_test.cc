// draw: skipping must never change the result; winners agree with the oracle; counters are Philox's; instruction sets
// agree to the bit.
#include <bit>

#include "native/base/philox.h"
#include "native/ops/ref/ref.h"
#include "tests/native/ops_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;

constexpr float kNothing = -std::numeric_limits<float>::infinity();

DrawArgs arguments(const float* logits, std::int32_t n, std::uint32_t sample) {
  return {logits, n, 1, {}, nullptr, false, 0x0123456789ABCDEFu, sample, 17, 0, 3};
}

/// Every token's perturbed score, one call per token under a mask that allows it alone: with nothing to beat, nothing
/// is skipped.
Draw draw_without_skipping(const OpTable& ops, const DrawArgs& args) {
  Draw best{-1, kNothing};
  std::vector<std::uint64_t> only(static_cast<std::size_t>((args.n + 63) / 64), 0);
  for (std::int32_t token = 0; token < args.n; ++token) {
    if (args.mask != nullptr && (args.mask[token / 64] >> (token % 64) & 1) == 0) continue;
    auto& word = only[static_cast<std::size_t>(token / 64)];
    word = std::uint64_t{1} << (token % 64);
    DrawArgs alone = args;
    alone.mask = only.data();
    const Draw one = ops.draw(alone);
    word = 0;
    if (one.token == token && one.score > best.score) best = one;
  }
  return best;
}

TEST(draw_skipping_changes_nothing) {
  const base::FpEnv mode;
  Random random(21);
  for (const NamedTable& table : runnable_tables()) {
    for (const std::int32_t n : {1, 3, 16, 17, 63, 64, 65, 200, 777}) {
      // From flat (nothing can be skipped by the logits) to peaked (almost everything can).
      for (const float size : {0.0f, 0.01f, 3.0f, 40.0f}) {
        const Misaligned logits(random.reals(n, size));
        for (std::uint32_t sample = 0; sample < 3; ++sample) {
          DrawArgs args = arguments(logits.data(), n, sample);
          args.inv_temperature = sample == 2 ? 1.7f : 1;
          const Draw got = table.ops.draw(args), want = draw_without_skipping(table.ops, args);
          EXPECT_EQ(got.token, want.token);
          EXPECT_EQ(got.score, want.score);
        }
      }
    }
  }
}

TEST(draw_agrees_with_the_oracle_and_between_instruction_sets) {
  const base::FpEnv mode;
  Random random(22);
  const std::int32_t n = 5003;
  int compared = 0;
  for (std::uint32_t round = 0; round < 60; ++round) {
    const std::vector<float> logits = random.reals(n, 0.5f + static_cast<float>(round % 5) * 3);
    std::vector<std::uint64_t> mask(static_cast<std::size_t>((n + 63) / 64));
    for (auto& word : mask) word = random.bits() & random.bits();
    DrawArgs args = arguments(logits.data(), n, round);
    args.mask = round % 2 == 0 ? nullptr : mask.data();
    if (round % 3 == 0) args.kept.least = 0.25f;
    if (round % 3 == 1) args.kept = {-1.5f, 1.0f};
    args.inv_temperature = round % 4 == 0 ? 0.8f : 1.25f;
    args.attempt = round % 7;
    const ref::Drawn want = ref::draw(args);
    const Draw first = runnable_tables().front().ops.draw(args);
    for (const NamedTable& table : runnable_tables()) {
      const Draw got = table.ops.draw(args);
      EXPECT_EQ(got.token, first.token);
      EXPECT_SAME_BITS("draw score " + table.isa, &got.score, &first.score, 1);
      // A lead smaller than the rounding of a score of up to 60 cannot be judged by an oracle in double.
      if (want.score - want.second < 1e-4) continue;
      EXPECT_EQ(got.token, want.token);
      ++compared;
    }
  }
  EXPECT(compared > 50);
}

TEST(draw_greedy_is_the_first_argmax) {
  const base::FpEnv mode;
  Random random(23);
  for (const std::int32_t n : {1, 15, 16, 17, 64, 100, 1000}) {
    std::vector<float> logits = random.reals(n);
    const std::int32_t winner = static_cast<std::int32_t>(random.below(n));
    for (std::int32_t i = winner; i < n; i += 3) logits[static_cast<std::size_t>(i)] = 5;  // ties go to the lowest
    for (const NamedTable& table : runnable_tables()) {
      DrawArgs args = arguments(logits.data(), n, 0);
      args.greedy = true;
      const Draw got = table.ops.draw(args);
      EXPECT_EQ(got.token, winner);
      EXPECT_EQ(got.score, 5.0f);
    }
  }
}

TEST(draw_of_nothing_is_minus_one) {
  const base::FpEnv mode;
  const std::vector<float> logits(100, 1), hopeless(100, kNothing),
      broken(100, std::numeric_limits<float>::quiet_NaN());
  const std::vector<std::uint64_t> none = {0, ~std::uint64_t{0} << 36};  // only bits past n
  for (const NamedTable& table : runnable_tables()) {
    for (const bool greedy : {false, true}) {
      DrawArgs args = arguments(logits.data(), 100, 0);
      args.greedy = greedy;
      args.mask = none.data();
      EXPECT_EQ(table.ops.draw(args).token, -1);
      args.mask = nullptr;
      args.kept = {.least = 2};
      EXPECT_EQ(table.ops.draw(args).token, -1);
      args.kept = {.most = 0.5f};
      EXPECT_EQ(table.ops.draw(args).token, -1);
      for (const auto& row : {hopeless, broken}) {
        args = arguments(row.data(), 100, 0);
        args.greedy = greedy;
        EXPECT_EQ(table.ops.draw(args).token, -1);
      }
    }
  }
}

TEST(draw_nan_never_wins_and_never_hides_others) {
  const base::FpEnv mode;
  for (const NamedTable& table : runnable_tables()) {
    for (std::size_t nan_at = 0; nan_at < 70; ++nan_at) {
      std::vector<float> logits(70, 1);
      logits[nan_at] = std::numeric_limits<float>::quiet_NaN();
      for (const bool greedy : {false, true}) {
        DrawArgs args = arguments(logits.data(), 70, 4);
        args.greedy = greedy;
        const Draw got = table.ops.draw(args), want = draw_without_skipping(table.ops, args);
        EXPECT_EQ(got.token, want.token);
        EXPECT(got.token != static_cast<std::int32_t>(nan_at));
      }
    }
  }
}

/// Chi-square with 9 degrees of freedom against the softmax: the 99.9 % point is 27.88. The seed is fixed, so this
/// cannot flicker.
TEST(draw_follows_the_softmax) {
  const base::FpEnv mode;
  const std::vector<float> logits = {0, 1, -1, 2, 0.5f, -0.5f, 1.5f, 0.25f, -2, 1};
  const int draws = 20'000;
  std::vector<int> counts(10, 0);
  for (int i = 0; i < draws; ++i) {
    ++counts[static_cast<std::size_t>(
        selection().ops.draw(arguments(logits.data(), 10, static_cast<std::uint32_t>(i))).token)];
  }
  double total = 0, statistic = 0;
  for (const float logit : logits) total += std::exp(double{logit});
  for (std::size_t i = 0; i < 10; ++i) {
    const double expected = draws * std::exp(double{logits[i]}) / total;
    statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  EXPECT(statistic < 27.88);
}

}  // namespace
}  // namespace faultline::check
