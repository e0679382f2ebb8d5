#include "native/sampler/sampler.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

#include "native/base/error.h"
#include "native/sampler/threshold_search.h"

namespace faultline::sampler {
namespace {

using base::Error;
using base::ErrorCode;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Below this, logits divided by the temperature leave float's range; the draw would be greedy in all but name.
constexpr float kTemperatureLeast = 1e-6F;

ops::SoftmaxStats unmodified_stats(const ops::OpTable& ops, const float* logits, std::int32_t n) {
  const ops::SoftmaxStats stats = ops.softmax_stats({.logits = logits, .n = n, .inv_temperature = 1, .mask = nullptr});
  if (!std::isfinite(stats.max) || !std::isfinite(stats.sum) || !std::isfinite(stats.weighted) || stats.sum <= 0)
    throw Error(ErrorCode::input, kNotFinite, "Check the weights for NaN and infinities.");
  return stats;
}

/// The threshold, given the statistics at temperature 1 without a mask.
float threshold_of(const ops::OpTable& ops, const float* logits, std::int32_t n, const SamplingParameters& parameters,
                   ops::Mask condition, const ops::SoftmaxStats& unmodified) {
  const bool by_count = parameters.top_k > 0 && parameters.top_k < n;
  const bool by_mass = parameters.top_p < 1;
  if (!by_count && !by_mass) return -kInfinity;

  const float inv_temperature = 1 / parameters.temperature;
  const auto stats_at = [&](float scale) {
    if (condition == nullptr && scale == 1) return unmodified;
    return ops.softmax_stats({.logits = logits, .n = n, .inv_temperature = scale, .mask = condition});
  };
  const ops::SoftmaxStats scaled = stats_at(inv_temperature);
  const float max_logit = condition == nullptr ? unmodified.max : stats_at(1).max;
  if (max_logit == -kInfinity) return -kInfinity;  // nothing is allowed: the draw will say so
  ops::TailArgs args{.logits = logits,
                     .n = n,
                     .inv_temperature = inv_temperature,
                     .max = scaled.max,
                     .threshold = -kInfinity,
                     .mask = condition};

  float threshold = -kInfinity;
  float kept = scaled.sum;
  if (by_count) {
    threshold = find_threshold(ops, args, max_logit, {.count = parameters.top_k});
    if (by_mass) {
      args.threshold = threshold;
      kept = ops.tail(args).mass;
    }
  }
  if (by_mass) threshold = std::max(threshold, find_threshold(ops, args, max_logit, {.mass = parameters.top_p * kept}));
  return threshold;
}

}  // namespace

void validate(const SamplingParameters& parameters) {
  const auto refuse = [](const char* name, float value, const char* range) {
    char text[32];  // std::to_string would print 1e-7 as 0.000000, which is allowed
    std::snprintf(text, sizeof text, "%g", static_cast<double>(value));
    throw Error(ErrorCode::usage, std::string(name) + " is " + text + ", but must be " + range);
  };
  const float temperature = parameters.temperature;
  if (!std::isfinite(temperature) || temperature < 0 || (temperature > 0 && temperature < kTemperatureLeast))
    refuse("temperature", temperature, "0 (greedy) or at least 0.000001");
  if (parameters.top_k < 0) refuse("top-k", static_cast<float>(parameters.top_k), "0 (off) or more");
  if (!(parameters.top_p > 0 && parameters.top_p <= 1))
    refuse("top-p", parameters.top_p, "above 0 and at most 1 (off)");
}

float keep_threshold(const ops::OpTable& ops, const float* logits, std::int32_t n, const SamplingParameters& parameters,
                     ops::Mask condition) {
  return threshold_of(ops, logits, n, parameters, condition, unmodified_stats(ops, logits, n));
}

TokenDraw draw_token(const ops::OpTable& ops, const float* logits, std::int32_t n, const SamplingParameters& parameters,
                     ops::Mask condition, const DrawKey& key) {
  const ops::SoftmaxStats unmodified = unmodified_stats(ops, logits, n);
  const bool greedy = parameters.temperature == 0;
  const ops::Draw draw =
      ops.draw({.logits = logits,
                .n = n,
                .inv_temperature = greedy ? 1 : 1 / parameters.temperature,
                .threshold = greedy ? -kInfinity : threshold_of(ops, logits, n, parameters, condition, unmodified),
                .mask = condition,
                .greedy = greedy,
                .key = key.key,
                .sample = key.sample,
                .position = key.position,
                .attempt = key.attempt,
                .stream = kTokenStream});
  if (draw.token < 0) return {-1, 0, 0};
  const float log_sum = ops.log_sum(unmodified.sum);
  return {draw.token, logits[draw.token] - unmodified.max - log_sum, log_sum - unmodified.weighted / unmodified.sum};
}

}  // namespace faultline::sampler
