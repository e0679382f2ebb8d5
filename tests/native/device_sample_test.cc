// The device's draws are sampler::draw_token's with the scalar kernels, to the bit: token, log-probability and entropy.
// That they follow the softmax is therefore shown by sampler_distribution_test.cc alone. Then what the device adds to a
// draw: how rows move on and end, and candidates.
#include <algorithm>
#include <iterator>
#include <optional>

#include "native/sampler/sampler.h"
#include "tests/native/device_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;

const OpTable& cpu() { return runnable_tables().front().ops; }

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kJustBelowOne = 1 - 0x1p-24f;

std::size_t size(std::int64_t count) { return static_cast<std::size_t>(count); }

/// One row's draw. The key, the sample index and the position differ between the draws of a test.
struct Request {
  std::vector<float> logits;
  sampler::SamplingParameters parameters;
  std::vector<std::uint64_t> mask;  // empty: none
  std::string what;
};

sampler::DrawKey key_of(std::size_t index) {
  const auto number = static_cast<std::uint32_t>(index);
  return {0x0123456789ABCDEFu * (index + 1), number * 7, 100 + number, 0};
}

Mask mask_of(const Request& request) { return request.mask.empty() ? nullptr : request.mask.data(); }

/// nullopt: the logits are not finite.
std::optional<sampler::TokenDraw> draw_on_cpu(const Request& request, const sampler::DrawKey& key) {
  try {
    return sampler::draw_token(cpu(), request.logits.data(), static_cast<std::int32_t>(request.logits.size()),
                               request.parameters, {.condition = mask_of(request)}, key);
  } catch (const base::Error&) {
    return std::nullopt;
  }
}

/// The requests' logits and masks on the device, and rows that draw from them.
class Batch {
 public:
  /// Rows start `stride` floats apart; the gaps are NaN.
  Batch(const std::vector<Request>& requests, std::int64_t stride)
      : vocabulary_(static_cast<std::int32_t>(requests.front().logits.size())),
        stride_(stride),
        words_((vocabulary_ + 63) / 64),
        logits_(size(static_cast<std::int64_t>(requests.size()) * stride)),
        masks_(size(static_cast<std::int64_t>(requests.size()) * words_)),
        rows_(requests.size()),
        draws_(requests.size()),
        candidates_(requests.size() * kDeviceCandidates) {
    std::vector<float> all(logits_.size(), kNan);
    std::vector<std::uint64_t> masks(masks_.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const Request& request = requests[i];
      std::copy(request.logits.begin(), request.logits.end(), all.begin() + static_cast<std::int64_t>(i) * stride);
      std::copy(request.mask.begin(), request.mask.end(), masks.begin() + static_cast<std::int64_t>(i) * words_);
      const sampler::DrawKey key = key_of(i);
      rows.push_back({.live = 1,
                      .token = 1,
                      .position = static_cast<std::int32_t>(key.position) - 1,
                      .prefix_visible = 3,
                      .prefix = nullptr,
                      .write_to = nullptr,
                      .prefix_capacity = 16,
                      .write_capacity = 32,
                      .write_at = 4,
                      .suffix_visible = 5,
                      .first_logits = nullptr,
                      .mask = request.mask.empty() ? nullptr : masks_.data() + static_cast<std::int64_t>(i) * words_,
                      .key = key.key,
                      .sample = key.sample,
                      .temperature = request.parameters.temperature,
                      .top_k = request.parameters.top_k,
                      .top_p = request.parameters.top_p,
                      .stop_token = -1,
                      .remaining = 10});
    }
    logits_.set(all);
    masks_.set(masks);
  }

  /// Draws with `rows` as they are now and reads them back.
  void draw(bool with_candidates = false) {
    rows_.set(rows);
    DeviceSampleArgs args = arguments();
    if (with_candidates) args.candidates = candidates_.data();
    EXPECT_RUNS(device_api().sample(device(), &args));
    rows = rows_.values();
    draws = draws_.values();
    candidates = candidates_.values();
    EXPECT_GUARDS_INTACT(rows_, "rows");
    EXPECT_GUARDS_INTACT(draws_, "draws");
    EXPECT_GUARDS_INTACT(candidates_, "candidates");
  }
  /// The same with first_logits.
  void draw_first() {
    for (std::size_t i = 0; i < rows.size(); ++i)
      rows[i].first_logits = logits_.data() + static_cast<std::int64_t>(i) * stride_;
    rows_.set(rows);
    DeviceSampleArgs args = arguments();
    args.first = true;
    args.logits = nullptr;
    EXPECT_RUNS(device_api().sample(device(), &args));
    rows = rows_.values();
    draws = draws_.values();
  }

  std::vector<DeviceRow> rows;
  std::vector<DeviceDraw> draws;
  std::vector<std::int32_t> candidates;

 private:
  DeviceSampleArgs arguments() const {
    return {.rows = rows_.data(),
            .count = static_cast<std::int32_t>(rows.size()),
            .logits = logits_.data(),
            .stride = stride_,
            .vocabulary = vocabulary_,
            .first = false,
            .out = draws_.data(),
            .candidates = nullptr};
  }

  std::int32_t vocabulary_;
  std::int64_t stride_;
  std::int64_t words_;
  OnDevice<float> logits_;
  OnDevice<std::uint64_t> masks_;
  OnDevice<DeviceRow> rows_;
  OnDevice<DeviceDraw> draws_;
  OnDevice<std::int32_t> candidates_;
};

std::string describe(const Request& request) {
  return request.what + ", vocabulary " + show(request.logits.size()) + ", temperature " +
         show(request.parameters.temperature) + ", top-k " + show(request.parameters.top_k) + ", top-p " +
         show(request.parameters.top_p) + (request.mask.empty() ? "" : ", masked");
}

void expect_draw(const DeviceDraw& got, const Request& request, const sampler::DrawKey& key) {
  const std::optional<sampler::TokenDraw> drawn = draw_on_cpu(request, key);
  const DrawStatus status = !drawn             ? DrawStatus::not_finite
                            : drawn->token < 0 ? DrawStatus::nothing_allowed
                                               : DrawStatus::drawn;
  const sampler::TokenDraw want = drawn.value_or(sampler::TokenDraw{-1, 0, 0});
  if (got.status != status || got.token != want.token)
    fail(__FILE__, __LINE__,
         describe(request) + ": token " + show(got.token) + " with status " + show(static_cast<int>(got.status)) +
             ", expected " + show(want.token) + " with " + show(static_cast<int>(status)));
  EXPECT_SAME_BITS(describe(request) + ": log-probability", &got.logprob, &want.logprob, 1);
  EXPECT_SAME_BITS(describe(request) + ": entropy", &got.entropy, &want.entropy, 1);
}

/// All requests have one vocabulary.
void expect_draws(const std::vector<Request>& requests, std::int64_t stride) {
  Batch batch(requests, stride);
  batch.draw();
  for (std::size_t i = 0; i < requests.size(); ++i) expect_draw(batch.draws[i], requests[i], key_of(i));
}

/// About 1 in `sparse` tokens is allowed, and at least one; bits past the vocabulary are set and must not matter.
std::vector<std::uint64_t> random_mask(Random& random, std::int64_t n, std::int64_t sparse) {
  std::vector<std::uint64_t> mask(size((n + 63) / 64), 0);
  const auto allow = [&](std::int64_t token) { mask[size(token / 64)] |= std::uint64_t{1} << (token % 64); };
  for (std::int64_t token = 0; token < n; ++token) {
    if (random.below(sparse) == 0) allow(token);
  }
  allow(random.below(n));
  for (std::int64_t token = n; token < (n + 63) / 64 * 64; ++token) allow(token);
  return mask;
}

/// Rows of different character, by number.
constexpr int kCharacters = 8;
Request row_of(Random& random, std::int64_t n, int character) {
  Request request{random.reals(n, 3), {}, {}, ""};
  std::vector<float>& logits = request.logits;
  switch (character) {
    case 0:
      request.what = "plain";
      break;
    case 1:
      request.what = "peaked";
      for (float& logit : logits) logit *= 8;
      break;
    case 2:
      request.what = "flat";
      for (float& logit : logits) logit *= 0.001f;
      break;
    case 3:
      request.what = "all equal";
      std::fill(logits.begin(), logits.end(), random.real());
      break;
    case 4:
      request.what = "many ties";
      for (float& logit : logits) logit = std::floor(logit);
      break;
    case 5:
      request.what = "mostly minus infinity";
      for (float& logit : logits) logit = random.below(3) == 0 ? logit : -kInfinity;
      logits[size(random.below(n))] = 1;
      break;
    case 6:
      request.what = "zeros of both signs and subnormal";
      for (float& logit : logits) {
        const float small[] = {0.0f, -0.0f, 1e-39f, -1e-39f, 0x1p-126f, -0x1p-126f};
        logit = random.below(4) == 0 ? logit : small[random.below(6)];
      }
      break;
    default:
      request.what = "far from zero";
      for (float& logit : logits) logit = logit * 0.5f - 90;
      break;
  }
  return request;
}

TEST(device_sample_agrees_over_a_grid_of_parameters) {
  const base::FpEnv mode;
  Random random(31);
  for (const std::int32_t n : {2, 16, 17, 513}) {
    std::vector<Request> requests;
    int character = 0;
    for (const float temperature : {0.0f, 1e-6f, 0.25f, 1.0f, 1.7f, 100.0f}) {
      for (const std::int32_t top_k : {0, 1, 3, n - 1, n, n + 5}) {
        for (const float top_p : {1e-30f, 0.4f, 0.95f, kJustBelowOne, 1.0f}) {
          // Greedy ignores the other two.
          if (temperature == 0 && top_k > 1) continue;
          Request request = row_of(random, n, character++ % kCharacters);
          request.parameters = {temperature, top_k, top_p};
          requests.push_back(request);
        }
      }
    }
    // A stride that is no multiple of 4 leaves three rows of four unaligned.
    expect_draws(requests, n % 2 == 0 ? n + 1 : n);
  }
}

TEST(device_sample_agrees_for_random_parameters_and_masks) {
  const base::FpEnv mode;
  Random random(32);
  for (const std::int32_t n : {17, 2000}) {
    std::vector<Request> requests;
    for (int round = 0; round < 200; ++round) {
      Request request = row_of(random, n, round % kCharacters);
      request.parameters.temperature = std::exp(random.real(3));
      if (random.below(2) == 0) request.parameters.top_k = static_cast<std::int32_t>(1 + random.below(n + 2));
      if (random.below(3) != 0)
        request.parameters.top_p = 1 - std::exp2(-static_cast<float>(random.below(20)) / 2 - 0.1f);
      if (random.below(3) == 0) request.mask = random_mask(random, n, 1 + random.below(40));
      requests.push_back(request);
    }
    expect_draws(requests, device_round_up(n, kDevicePad));
  }
}

TEST(device_sample_agrees_when_one_or_no_token_is_allowed) {
  const base::FpEnv mode;
  Random random(33);
  for (const std::int32_t n : {2, 70}) {
    std::vector<Request> requests;
    for (std::int32_t only = -1; only < n; only += n == 2 ? 1 : 23) {
      for (const float temperature : {0.0f, 0.5f, 1.0f}) {
        for (const float top_p : {0.5f, 1.0f}) {
          Request request = row_of(random, n, 0);
          request.parameters = {temperature, only % 2 == 0 ? 1 : 0, top_p};
          request.mask.assign(size((n + 63) / 64), 0);
          if (only >= 0) request.mask[size(only / 64)] = std::uint64_t{1} << (only % 64);
          request.mask.back() |= ~std::uint64_t{0} << (n % 64);  // past the end
          requests.push_back(request);
          // The one token may be out of reach.
          if (only >= 0) request.logits[size(only)] = -kInfinity;
          requests.push_back(request);
        }
      }
    }
    expect_draws(requests, n);
  }
}

TEST(device_sample_agrees_on_logits_that_are_not_finite) {
  const base::FpEnv mode;
  Random random(34);
  const std::int32_t n = 100;
  std::vector<Request> requests;
  for (const float temperature : {0.0f, 0.7f}) {
    for (const float bad : {kNan, -kNan, kInfinity}) {
      for (const std::int32_t at : {0, 50, 99}) {
        Request request = row_of(random, n, 0);
        request.parameters = {temperature, 5, 0.9f};
        request.logits[size(at)] = bad;
        requests.push_back(request);
        request.mask = {1u << 3, 0};  // a mask does not hide what the weights did
        requests.push_back(request);
      }
    }
    for (const float everywhere : {kNan, -kInfinity, kInfinity}) {
      Request request{std::vector<float>(size(n), everywhere), {temperature, 5, 0.9f}, {}, "one value everywhere"};
      requests.push_back(request);
    }
    // Finite, but not once they are divided by the temperature.
    for (const float large : {3e38f, -3e38f}) {
      Request request{std::vector<float>(size(n), large), {temperature == 0 ? 0 : 1e-6f, 5, 0.9f}, {}, "huge"};
      requests.push_back(request);
      request.logits[20] = 1;
      requests.push_back(request);
    }
  }
  expect_draws(requests, n);
}

/// Rows for every way that the search for the threshold can go: lists that fit at once, after they were made wider or
/// narrower, for the second filter alone, and never.
TEST(device_sample_agrees_where_many_tokens_are_kept) {
  const base::FpEnv mode;
  Random random(35);
  const std::int32_t n = 20'001;
  std::vector<Request> requests;
  const auto add = [&](const char* what, sampler::SamplingParameters parameters, auto logit) {
    Request request{std::vector<float>(size(n)), parameters, {}, what};
    for (float& value : request.logits) value = logit();
    request.logits[777] = 8.5f;  // the largest
    requests.push_back(request);
  };
  const auto within = [&](float middle, float reach) {
    return [&random, middle, reach] { return middle + random.real(reach); };
  };
  add("more than the lists hold within the first width", {1, 0, 0.5f}, within(0, 8));
  add("too flat for any lists", {1, 0, 0.9f}, within(8, 0.3f));
  add("too flat for any lists, but one token is enough", {0.01f, 0, 0.3f}, within(8, 0.3f));
  add("the rest stands below the first width", {1, 0, 0.6f},
      [&] { return random.below(8) == 0 ? -1.0f + random.real() : -60; });
  add("the rest stands below the first width and is too much", {1, 0, 0.9f}, within(-1, 0.5f));
  add("few of a flat row by count, fewer by mass", {1, 500, 0.5f}, within(8, 0.3f));
  add("many of a flat row by count, fewer by mass", {1, 12'000, 0.5f}, within(8, 0.3f));
  add("ties of more tokens than the lists hold", {1, 2, 1}, [] { return 2.0f; });
  requests.back().mask = random_mask(random, n, 2);
  expect_draws(requests, n);
}

/// The mass that is asked for is, to the last bit or within one, that of the tokens above a great many that tie: a sum
/// in another order would often take the ties in or leave them out, and then most draws are others.
TEST(device_sample_sums_tails_in_the_cpus_order) {
  const base::FpEnv mode;
  Random random(39);
  for (const std::int32_t n : {900, 20'001}) {  // within the lists, and past them
    std::vector<Request> requests;
    for (int round = 0; round < (n == 900 ? 30 : 6); ++round) {
      Request request{std::vector<float>(size(n)), {round % 2 == 0 ? 1 : 0.7f, 0, 1}, {}, "at the edge of many ties"};
      for (float& logit : request.logits) logit = random.below(3) == 0 ? 8 + random.real(0.3f) : 7.5f;
      const float inv_temperature = 1 / request.parameters.temperature;
      const SoftmaxStats all = cpu().softmax_stats({request.logits.data(), n, inv_temperature, nullptr});
      const Tail above = cpu().tail({request.logits.data(), n, inv_temperature, all.max, {.least = 7.6f}, nullptr});
      float top_p = above.mass / all.sum;
      while (top_p * all.sum > above.mass) top_p = std::nextafter(top_p, 0.0f);
      while (std::nextafter(top_p, 1.0f) * all.sum <= above.mass) top_p = std::nextafter(top_p, 1.0f);
      request.parameters.top_p = top_p;
      requests.push_back(request);
      request.parameters.top_p = std::nextafter(top_p, 1.0f);
      requests.push_back(request);
    }
    // Two weights of exactly 1, of which one reaches one half.
    for (int round = 0; round < 10; ++round) {
      Request request{std::vector<float>(size(n), -kInfinity), {1, 0, 0.5f}, {}, "half of the mass"};
      request.logits[3] = 0;
      request.logits[5] = -1e-9f;
      if (n == 900) requests.push_back(request);
    }
    expect_draws(requests, n);
  }
}

/// Weights of a little more than a half of the sums' last place, which are always rounded up: the tail reaches its
/// target many tokens before sums in another order do, and before exact ones.
TEST(device_sample_agrees_where_roundings_add_up) {
  const base::FpEnv mode;
  Random random(40);
  struct Row {
    const char* what;
    int likely;    // tokens of weight 1 in each lane, first
    int unlikely;  // tokens after them in each lane
    float places;  // their weight, and what it is rounded to, in units of `last_place`
    float rounded;
    float last_place;
  };
  // The first row's tokens are all within reach of the lists, the second row's are not.
  for (const Row& row : {Row{"in lists", 140, 36, 8.55f, 9, 0x1p-16f}, Row{"in a row", 1, 1250, 0.55f, 1, 0x1p-23f}}) {
    const std::int64_t likely = 16 * row.likely, all = likely + 16 * row.unlikely;
    std::vector<Request> requests;
    for (int round = 0; round < 8; ++round) {
      Request request{std::vector<float>(size(all), 0.0f), {1, 0, 1}, {}, row.what};
      for (std::int64_t i = likely; i < all; ++i)
        request.logits[size(i)] = std::log((row.places + 0.2f * std::abs(random.real())) * row.last_place);
      const double unlikely_mass = 16.0 * row.unlikely * double(row.rounded) * double(row.last_place);
      const double left_out = unlikely_mass * (round + 1) / 10;
      request.parameters.top_p = static_cast<float>(1 - left_out / (double(likely) + unlikely_mass));
      requests.push_back(request);
    }
    expect_draws(requests, all);
  }
}

/// One logit so far below the others that its weight is 0, or just not, at one of the two temperatures; anywhere in
/// rows of about a whole number of the device's tiles.
TEST(device_sample_agrees_where_a_logit_is_far_below) {
  const base::FpEnv mode;
  Random random(41);
  for (const std::int32_t n : {895, 896, 897, 1792, 2687, 2688, 2689, 3584, 4500}) {
    std::vector<Request> requests;
    for (const float temperature : {0.5f, 1.0f, 2.0f}) {
      for (const float distance : {-43.6f, -43.7f, -87.33f, -87.3365f, -88.2f, -174.6f, -174.7f, -1e30f, -kInfinity}) {
        for (const std::int32_t at : {0, n / 2, n - 1}) {
          Request request{random.reals(n, 0.25f), {temperature, 0, 0.9f}, {}, "one logit far below"};
          request.logits[1] = 2;
          request.logits[size(at)] = 2 + distance;
          requests.push_back(request);
          request.mask = random_mask(random, n, 2);
          request.parameters.top_p = 0.5f;
          requests.push_back(request);
        }
      }
    }
    expect_draws(requests, n % 2 == 0 ? n : n + 1);
  }
}

TEST(device_sample_agrees_on_a_real_vocabulary) {
  const base::FpEnv mode;
  Random random(36);
  const std::int32_t n = 50'257;
  std::vector<Request> requests;
  Request request = row_of(random, n, 0);
  // As a trained model's: a few likely tokens over a broad floor.
  for (int i = 0; i < 40; ++i) request.logits[size(random.below(n))] = 12 + random.real(4);
  for (const sampler::SamplingParameters& parameters :
       {sampler::SamplingParameters{0.8f, 0, 0.95f}, {1, 0, 1}, {0, 0, 1}, {1.2f, 50, 1}}) {
    request.parameters = parameters;
    requests.push_back(request);
  }
  expect_draws(requests, device_round_up(n, kDevicePadOut));
}

TEST(device_sample_moves_rows_on_and_ends_them) {
  const base::FpEnv mode;
  const std::int32_t n = 40;
  Request plain{std::vector<float>(size(n), 0.0f), {0, 0, 1}, {}, "rows that end"};
  plain.logits[7] = 1;
  std::vector<Request> requests(9, plain);
  requests[5].mask = {~std::uint64_t{0} << 40};  // nothing
  requests[6].logits[3] = kNan;
  Batch batch(requests, n);
  batch.rows[1].stop_token = 7;
  batch.rows[2].remaining = 1;
  batch.rows[3].stop_token = 8;
  batch.rows[4].write_at = 17, batch.rows[4].suffix_visible = 0;  // the first token after a prompt
  batch.rows[7].live = 0;
  batch.rows[8].remaining = 0;

  std::vector<DeviceRow> want = batch.rows;
  for (std::size_t i = 0; i < 5; ++i) {
    want[i].token = 7;
    ++want[i].position;
    want[i].write_at = want[i].suffix_visible++;
    --want[i].remaining;
  }
  EXPECT_EQ(want[0].write_at, 5);
  EXPECT_EQ(want[4].write_at, 0);
  for (const std::size_t ended : {1u, 2u, 5u, 6u, 7u, 8u}) want[ended].live = 0;
  const DrawStatus statuses[] = {DrawStatus::drawn,      DrawStatus::drawn, DrawStatus::drawn,
                                 DrawStatus::drawn,      DrawStatus::drawn, DrawStatus::nothing_allowed,
                                 DrawStatus::not_finite, DrawStatus::dead,  DrawStatus::dead};
  batch.draw(true);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(static_cast<int>(batch.draws[i].status), static_cast<int>(statuses[i]));
    EXPECT_EQ(batch.draws[i].token, i < 5 ? 7 : -1);
    EXPECT_EQ(batch.candidates[i * kDeviceCandidates], i < 5 ? 7 : -1);
    if (i >= 5) EXPECT(batch.draws[i].logprob == 0 && batch.draws[i].entropy == 0);
    if (std::memcmp(&batch.rows[i], &want[i], sizeof(DeviceRow)) != 0)
      fail(__FILE__, __LINE__, "row " + show(i) + " is not what it should be after its draw");
  }
}

TEST(device_sample_draws_a_row_to_its_end) {
  const base::FpEnv mode;
  Random random(37);
  std::vector<Request> requests;
  for (int i = 0; i < 3; ++i) requests.push_back(row_of(random, 90, i));
  for (Request& request : requests) request.parameters = {0.9f, 0, 0.9f};
  Batch batch(requests, 90);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    batch.rows[i].suffix_visible = 0;
    batch.rows[i].remaining = static_cast<std::int32_t>(i) + 2;
  }
  for (std::uint32_t step = 0; step < 5; ++step) {
    if (step == 0) {
      batch.draw_first();
    } else {
      batch.draw();
    }
    for (std::size_t i = 0; i < requests.size(); ++i) {
      sampler::DrawKey key = key_of(i);
      key.position += step;
      if (step < i + 2) {
        expect_draw(batch.draws[i], requests[i], key);
        EXPECT_EQ(batch.rows[i].token, batch.draws[i].token);
        EXPECT_EQ(batch.rows[i].write_at, static_cast<std::int32_t>(step));
      } else {
        EXPECT_EQ(static_cast<int>(batch.draws[i].status), static_cast<int>(DrawStatus::dead));
      }
      EXPECT_EQ(batch.rows[i].live, step + 1 < i + 2 ? 1 : 0);
    }
  }
}

TEST(device_sample_candidates_are_the_best_in_order) {
  const base::FpEnv mode;
  Random random(38);
  for (const std::int32_t n : {5, 200}) {
    std::vector<Request> requests;
    for (int round = 0; round < 24; ++round) {
      Request request = row_of(random, n, round % kCharacters);
      const float temperatures[] = {0.8f, 0, 1, 2};
      request.parameters = {temperatures[round / 2 % 4], round % 3 == 0 ? 20 : 0, round % 2 == 0 ? 0.9f : 1.0f};
      if (round % 5 == 0) request.mask = random_mask(random, n, 8);
      requests.push_back(request);
    }
    Batch batch(requests, n);
    batch.draw(true);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const Request& request = requests[i];
      expect_draw(batch.draws[i], request, key_of(i));
      // Every kept token alone, so that the CPU's draw gives its perturbed logit.
      const bool greedy = request.parameters.temperature == 0;
      const Band kept =
          greedy ? Band{} : sampler::kept_band(cpu(), request.logits.data(), n, request.parameters, mask_of(request));
      std::vector<Draw> scores;
      for (std::int32_t token = 0; token < n; ++token) {
        if (!request.mask.empty() && (request.mask[size(token / 64)] >> (token % 64) & 1) == 0) continue;
        std::vector<std::uint64_t> only(size((n + 63) / 64), 0);
        only[size(token / 64)] = std::uint64_t{1} << (token % 64);
        const sampler::DrawKey key = key_of(i);
        const Draw one = cpu().draw({.logits = request.logits.data(),
                                     .n = n,
                                     .inv_temperature = greedy ? 1 : 1 / request.parameters.temperature,
                                     .kept = kept,
                                     .mask = only.data(),
                                     .greedy = greedy,
                                     .key = key.key,
                                     .sample = key.sample,
                                     .position = key.position,
                                     .attempt = 0,
                                     .stream = sampler::kTokenStream});
        if (one.token >= 0) scores.push_back(one);
      }
      std::stable_sort(scores.begin(), scores.end(), [](const Draw& a, const Draw& b) { return a.score > b.score; });
      for (std::size_t rank = 0; rank < kDeviceCandidates; ++rank) {
        const std::int32_t want = rank < scores.size() ? scores[rank].token : -1;
        const std::int32_t got = batch.candidates[i * kDeviceCandidates + rank];
        if (got != want)
          fail(__FILE__, __LINE__,
               describe(request) + ": candidate " + show(rank) + " is " + show(got) + ", expected " + show(want));
      }
    }
  }
}

}  // namespace
}  // namespace faultline::check
