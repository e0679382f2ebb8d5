#include "native/sampler/sampler.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "native/base/error.h"
#include "native/sampler/truncation.h"

namespace faultline::sampler {
namespace {

using base::Error;
using base::ErrorCode;

/// Below this, logits divided by the temperature leave float's range; the draw would be greedy in all but name.
constexpr float kTemperatureLeast = 1e-6F;

ops::SoftmaxStats unmodified_stats(const ops::OpTable& ops, const float* logits, std::int32_t n) {
  const ops::SoftmaxStats stats = ops.softmax_stats({.logits = logits, .n = n, .inv_temperature = 1, .mask = nullptr});
  if (!std::isfinite(stats.max) || !std::isfinite(stats.sum) || !std::isfinite(stats.weighted) || stats.sum <= 0)
    throw Error(ErrorCode::input, kNotFinite, "Check the weights for NaN and infinities.");
  return stats;
}

/// kept_band, given the statistics at temperature 1 without a mask.
ops::Band kept_of(const ops::OpTable& ops, const float* logits, std::int32_t n, const SamplingParameters& parameters,
                  ops::Mask condition, const ops::SoftmaxStats& unmodified) {
  if (std::ranges::none_of(truncations(), [&](const Truncation* row) { return row->on_for(parameters); })) return {};

  const float inv_temperature = 1 / parameters.temperature;
  const auto stats_at = [&](float scale) {
    if (condition == nullptr && scale == 1) return unmodified;
    ops::SoftmaxStatsArgs args{.logits = logits, .n = n, .inv_temperature = scale, .mask = condition};
    if (condition == nullptr) args.largest = unmodified.max;
    return ops.softmax_stats(args);
  };
  const ops::SoftmaxStats whole = stats_at(inv_temperature);
  if (!std::isfinite(whole.max)) return {};  // nothing is allowed, as the draw will say, or out of float's range
  TruncatedRow row{.ops = ops,
                   .args = {.logits = logits,
                            .n = n,
                            .inv_temperature = inv_temperature,
                            .max = whole.max,
                            .kept = {},
                            .mask = condition},
                   .largest_logit = condition == nullptr ? unmodified.max : stats_at(1).max,
                   .whole = whole};
  for (const Truncation* const truncation : truncations())
    if (truncation->on_for(parameters)) row.args.kept = truncation->keep(row, parameters);
  return row.args.kept;
}

/// The tokens that both masks allow; `words` keeps them where neither mask says it alone.
ops::Mask both(const Masks& masks, std::int32_t n, std::vector<std::uint64_t>& words) {
  if (masks.condition == nullptr) return masks.constraint;
  if (masks.constraint == nullptr) return masks.condition;
  words.resize(static_cast<std::size_t>(n + 63) / 64);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = masks.condition[i] & masks.constraint[i];
  return words.data();
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
  for (const Truncation* const truncation : truncations()) {
    const float value = truncation->value(parameters);
    if (!truncation->in_range(value)) refuse(truncation->name, value, truncation->range);
  }
}

ops::Band kept_band(const ops::OpTable& ops, const float* logits, std::int32_t n, const SamplingParameters& parameters,
                    ops::Mask condition) {
  return kept_of(ops, logits, n, parameters, condition, unmodified_stats(ops, logits, n));
}

TokenDraw draw_token(const ops::OpTable& ops, const float* logits, std::int32_t n, const SamplingParameters& parameters,
                     const Masks& masks, const DrawKey& key) {
  const ops::SoftmaxStats unmodified = unmodified_stats(ops, logits, n);
  const bool greedy = parameters.temperature == 0;
  std::vector<std::uint64_t> words;
  const ops::Draw draw =
      ops.draw({.logits = logits,
                .n = n,
                .inv_temperature = greedy ? 1 : 1 / parameters.temperature,
                .kept = greedy ? ops::Band{} : kept_of(ops, logits, n, parameters, masks.condition, unmodified),
                .mask = both(masks, n, words),
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
