// softmax_stats, tail and gather against the oracle, with masks, tails, extreme logits and NaN.
#include "native/ops/ref/ref.h"
#include "tests/native/ops_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;

std::vector<std::uint64_t> random_mask(Random& random, std::int32_t n, int keep_out_of_8) {
  std::vector<std::uint64_t> mask(static_cast<std::size_t>((n + 63) / 64), 0);
  for (std::int32_t i = 0; i < n; ++i) {
    if (random.below(8) < keep_out_of_8) mask[static_cast<std::size_t>(i / 64)] |= std::uint64_t{1} << (i % 64);
  }
  // Bits past n are set: they must not be believed.
  if (n % 64 != 0) mask.back() |= ~std::uint64_t{0} << (n % 64);
  return mask;
}

/// gather against the oracle to the bit, in room that is just enough and too little; and in narrower bands tail of what
/// was gathered against tail of the row.
void check_gather(const NamedTable& table, const std::string& what, const TailArgs& row, Random& random) {
  const auto room = static_cast<std::int32_t>((row.n + kLanes - 1) / kLanes * kLanes);
  std::vector<float> want(static_cast<std::size_t>(room), -1.0f), got = want;
  const auto args = [&](float* out, std::int32_t floats) {
    return GatherArgs{row.logits, row.n, row.kept, row.mask, out, floats};
  };
  const std::int32_t count = ref::gather(args(want.data(), room));
  EXPECT_EQ(table.ops.gather(args(got.data(), count)), count);
  for (std::int32_t i = 0; i < room; ++i) {
    const float a = got[static_cast<std::size_t>(i)], b = want[static_cast<std::size_t>(i)];
    if (std::isnan(a) ? !std::isnan(b) : a != b)
      return fail(__FILE__, __LINE__, "gather " + what + " differs from the oracle");
  }
  if (count > 0) EXPECT_EQ(table.ops.gather(args(got.data(), count - kLanes)), -1);
  if (count == 0) return;
  EXPECT_EQ(table.ops.gather(args(got.data(), count)), count);
  for (int i = 0; i < 4; ++i) {
    TailArgs part = row;
    const float edge = row.logits[random.below(static_cast<std::uint32_t>(row.n))];
    part.kept = i % 2 == 0 ? Band{std::fmax(edge, row.kept.least), row.kept.most}
                           : Band{row.kept.least, std::fmin(edge, row.kept.most)};
    const Tail whole = table.ops.tail(part);
    part.logits = got.data(), part.n = count, part.mask = nullptr;
    const Tail gathered = table.ops.tail(part);
    EXPECT_EQ(gathered.count, whole.count);
    EXPECT_SAME_BITS("tail of what was gathered, " + what, &gathered.mass, &whole.mass, 1);
  }
}

void check(std::int32_t n, float size, float inv_temperature, int keep_out_of_8) {
  const base::FpEnv mode;
  Random random(static_cast<std::uint64_t>(n * 10 + keep_out_of_8));
  const Misaligned logits(random.reals(n, size));
  const std::vector<std::uint64_t> mask = random_mask(random, n, keep_out_of_8);
  const Mask mask_or_null = keep_out_of_8 == 8 ? nullptr : mask.data();
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<Band> bands = {
      {},          {.least = -size / 2},  {.least = 0},  {.least = size * 0.9f},  {.least = size * 2},
      {.most = 0}, {-size / 2, size / 4}, {size, -size}, {-infinity, size * 0.9f}};
  // max carries one rounding (the scaling) and shifts all distances by it; distances carry two roundings of up to 2
  // size / T; exp makes them relative.
  const double shift = 4 * kUnit * size * inv_temperature;
  const double relative = shift + (n / 16 + 8) * kUnit;
  const char* const from = "4 u size / T + (n / 16 + 8) u";
  std::vector<float> first;
  for (const NamedTable& table : runnable_tables()) {
    const std::string what = table.isa + " n=" + std::to_string(n) + " keep=" + std::to_string(keep_out_of_8);
    std::vector<float> all;
    for (const Band& band : bands) {
      const SoftmaxStatsArgs args{logits.data(), n, inv_temperature, mask_or_null, band};
      const ref::Stats want = ref::softmax_stats(args);
      const SoftmaxStats got = table.ops.softmax_stats(args);
      const float parts[3] = {got.max, got.sum, got.weighted};
      if (want.sum == 0) {
        EXPECT(got.max == -infinity && got.sum == 0 && got.weighted == 0);
      } else {
        const double expected[3] = {want.max, want.sum, want.weighted};
        const double tolerance[3] = {kUnit * std::fabs(want.max), relative * want.sum,
                                     relative * std::fabs(want.weighted) + shift * want.sum};
        EXPECT_CLOSE("softmax_stats " + what, parts, expected, tolerance, 3, from);
      }
      all.insert(all.end(), parts, parts + 3);

      const ref::Stats whole = ref::softmax_stats({logits.data(), n, inv_temperature, mask_or_null});
      const TailArgs tail_args{logits.data(), n, inv_temperature, static_cast<float>(whole.max), band, mask_or_null};
      const Tail tail = table.ops.tail(tail_args);
      const ref::TailMass want_tail = ref::tail(tail_args);
      EXPECT_EQ(tail.count, want_tail.count);
      // A band far below the likeliest token holds weights that exp takes for 0.
      const double tail_tolerance = relative * want_tail.mass + n * 0x1p-126;
      EXPECT_CLOSE("tail " + what, &tail.mass, &want_tail.mass, &tail_tolerance, 1,
                   "4 u size / T + (n / 16 + 8) u, and n 2^-126");
      all.push_back(tail.mass);

      // A caller who knows the largest logit changes no bit.
      SoftmaxStatsArgs told = args;
      for (std::int32_t i = 0; i < n; ++i) {
        if ((mask_or_null == nullptr || (mask[static_cast<std::size_t>(i / 64)] >> (i % 64) & 1) != 0) &&
            logits.data()[i] >= band.least && logits.data()[i] <= band.most)
          told.largest = std::fmax(told.largest, logits.data()[i]);
      }
      const SoftmaxStats same = table.ops.softmax_stats(told);
      const float same_parts[3] = {same.max, same.sum, same.weighted};
      EXPECT_SAME_BITS("softmax_stats, the largest told, " + what, same_parts, parts, 3);
      check_gather(table, what, tail_args, random);
    }
    if (first.empty()) first = all;
    EXPECT_SAME_BITS("softmax_stats and tail " + what + " against scalar", all.data(), first.data(),
                     static_cast<std::int64_t>(all.size()));
  }
}

TEST(softmax_every_tail) {
  for (std::int32_t n = 1; n <= 40; ++n) check(n, 5, 1, 8);
}
TEST(softmax_masks_and_temperatures) {
  for (const int keep : {0, 1, 4, 8}) {
    for (const float inv_temperature : {0.2f, 1.0f, 1.25f, 10.0f}) check(1003, 8, inv_temperature, keep);
  }
}
TEST(softmax_vocabulary_of_gpt2) { check(50257, 12, 1.25f, 8); }

TEST(softmax_minus_infinity_weighs_nothing) {
  const base::FpEnv mode;
  std::vector<float> logits = {1, -std::numeric_limits<float>::infinity(), 3, 2};
  for (const NamedTable& table : runnable_tables()) {
    const SoftmaxStats with = table.ops.softmax_stats({logits.data(), 4, 1, nullptr});
    const std::uint64_t mask = 0b1101;
    const SoftmaxStats without = table.ops.softmax_stats({logits.data(), 4, 1, &mask});
    EXPECT_EQ(with.sum, without.sum);
    EXPECT_EQ(with.weighted, without.weighted);
    EXPECT(std::isfinite(with.weighted));
  }
}

/// By ops.h: among the tokens that count a NaN makes both sums NaN, wherever it stands, and leaves the largest logit
/// alone; masks and bands keep it out of stats, and out of tail it is whatever the band.
TEST(softmax_nan) {
  const base::FpEnv mode;
  const float infinity = std::numeric_limits<float>::infinity();
  constexpr std::int32_t kCount = 75;  // blocks, and a tail of 11
  const std::vector<float> finite = Random(3).reals(kCount, 5);
  const auto same = [](const SoftmaxStats& a, const SoftmaxStats& b) {
    return a.max == b.max && a.sum == b.sum && a.weighted == b.weighted;
  };
  for (const NamedTable& table : runnable_tables()) {
    for (const std::uint32_t bits : {0x7FC00000u, 0xFFC00001u, 0x7FFFFFFFu}) {
      for (std::int32_t at = 0; at < kCount; ++at) {
        const std::string what = table.isa + " NaN at " + std::to_string(at);
        std::vector<float> logits = finite;
        std::vector<std::uint64_t> others(2, ~std::uint64_t{0});
        others[static_cast<std::size_t>(at / 64)] &= ~(std::uint64_t{1} << (at % 64));
        const SoftmaxStats without = table.ops.softmax_stats({logits.data(), kCount, 1.25f, others.data()});
        EXPECT(std::isfinite(without.sum) && std::isfinite(without.weighted));
        const Tail tail_without = table.ops.tail({logits.data(), kCount, 1.25f, without.max, {}, others.data()});
        EXPECT_EQ(tail_without.count, kCount - 1);

        logits[static_cast<std::size_t>(at)] = std::bit_cast<float>(bits);
        const SoftmaxStats with = table.ops.softmax_stats({logits.data(), kCount, 1.25f, nullptr});
        if (!(std::isnan(with.sum) && std::isnan(with.weighted) && with.max == without.max))
          fail(__FILE__, __LINE__, what + " does not make the sums NaN, or changes the largest logit");
        if (!same(table.ops.softmax_stats({logits.data(), kCount, 1.25f, others.data()}), without))
          fail(__FILE__, __LINE__, what + " counts although it is masked");
        for (const Band& band : {Band{.least = -5}, Band{.most = 5}, Band{-5, 5}}) {
          if (!same(table.ops.softmax_stats({logits.data(), kCount, 1.25f, nullptr, band}), without))
            fail(__FILE__, __LINE__, what + " counts although it is outside the band");
        }
        for (const Band& band : {Band{}, Band{.least = -5}, Band{.most = 5}}) {
          const Tail tail = table.ops.tail({logits.data(), kCount, 1.25f, without.max, band, nullptr});
          EXPECT_EQ(tail.count, kCount - 1);
          EXPECT_EQ(tail.mass, tail_without.mass);
        }
      }
    }
    // Nothing else is allowed.
    const std::vector<float> alone = {std::numeric_limits<float>::quiet_NaN(), -infinity,
                                      std::numeric_limits<float>::quiet_NaN()};
    EXPECT(same(table.ops.softmax_stats({alone.data(), 3, 1, nullptr}), {-infinity, 0, 0}));
    EXPECT_EQ(table.ops.tail({alone.data(), 3, 1, 0, {}, nullptr}).count, 1);
  }
}

TEST(softmax_entropy_of_a_uniform_distribution) {
  const base::FpEnv mode;
  const std::vector<float> logits(1024, 3.5f);
  for (const NamedTable& table : runnable_tables()) {
    const SoftmaxStats stats = table.ops.softmax_stats({logits.data(), 1024, 1, nullptr});
    EXPECT_EQ(stats.sum, 1024.0f);
    EXPECT_EQ(stats.weighted, 0.0f);
    const float entropy = table.ops.log_sum(stats.sum);
    const double want = std::log(1024.0), tolerance = 2 * kUnit * want;
    EXPECT_CLOSE("log_sum(1024)", &entropy, &want, &tolerance, 1, "1 ulp");
  }
}

}  // namespace
}  // namespace faultline::check
