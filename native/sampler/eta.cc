// Tokens whose probability is at least min(epsilon, sqrt(epsilon) exp(-H)), where H is the entropy in nats of what was
// kept so far (eta sampling; Hewitt, Manning and Liang 2022, "Truncation Sampling as Language Model Desmoothing"). The
// parameter is epsilon. The question is asked of logarithms: with s, Z and E as in typical.cc,
// log p >= min(log epsilon, log(epsilon) / 2 - H) is s >= min(log epsilon + log Z, log(epsilon) / 2 + E).
#include <algorithm>

#include "native/sampler/float_line.h"
#include "native/sampler/truncation.h"

namespace faultline::sampler {
namespace {

ops::Band keep(const TruncatedRow& row, const SamplingParameters& parameters) {
  const ops::SoftmaxStats stats = row.kept_stats();
  const float log_epsilon = row.ops.log_sum(parameters.eta);
  const float cut = std::min(log_epsilon + row.ops.log_sum(stats.sum), 0.5F * log_epsilon + stats.weighted / stats.sum);
  // The likeliest token has s = 0. E is at most 0, so it stays whatever epsilon below 1 is; the bound says so where
  // rounding would not.
  const float bound = std::min(cut, 0.0F);
  const float least = least_where([&](float logit) { return row.height(logit, stats.max) >= bound; });
  return intersection(row.args.kept, {.least = least});
}

}  // namespace

constinit const Truncation eta{
    .name = "eta",
    .range = "0 (off) or from 1e-37 to below 1",
    .value = [](const SamplingParameters& parameters) { return parameters.eta; },
    .in_range = [](float value) { return value == 0 || (value >= kLeastProbability && value < 1); },
    .on = [](float value) { return value > 0; },
    .keep = keep};

}  // namespace faultline::sampler
