// Tokens at least min_p times as likely as the likeliest (Nguyen et al. 2024, "Turning Up the Heat: Min-p Sampling for
// Creative and Coherent LLM Outputs"). The question is asked of logarithms: log p - log p_max >= log(min_p), each side
// rounded.
#include "native/sampler/float_line.h"
#include "native/sampler/truncation.h"

namespace faultline::sampler {
namespace {

ops::Band keep(const TruncatedRow& row, const SamplingParameters& parameters) {
  const float max = row.kept_max();
  const float cut = row.ops.log_sum(parameters.min_p);
  const float least = least_where([&](float logit) { return row.height(logit, max) >= cut; });
  return intersection(row.args.kept, {.least = least});
}

}  // namespace

constinit const Truncation min_p{
    .name = "min-p",
    .range = "0 (off) or from 1e-37 to 1",
    .value = [](const SamplingParameters& parameters) { return parameters.min_p; },
    .in_range = [](float value) { return value == 0 || (value >= kLeastProbability && value <= 1); },
    .on = [](float value) { return value > 0; },
    .keep = keep};

}  // namespace faultline::sampler
