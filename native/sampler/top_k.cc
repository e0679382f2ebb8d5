// The k likeliest tokens (Fan, Lewis and Dauphin 2018, "Hierarchical Neural Story Generation"), and those that tie with
// the last of them.
#include "native/sampler/threshold_search.h"
#include "native/sampler/truncation.h"

namespace faultline::sampler {
namespace {

ops::Band keep(const TruncatedRow& row, const SamplingParameters& parameters) {
  if (parameters.top_k >= row.args.n) return row.args.kept;
  return find_likeliest(row, {.count = parameters.top_k});
}

}  // namespace

constinit const Truncation top_k{
    .name = "top-k",
    .range = "0 (off) or more",
    .value = [](const SamplingParameters& parameters) { return static_cast<float>(parameters.top_k); },
    .in_range = [](float value) { return value >= 0; },
    .on = [](float value) { return value > 0; },
    .keep = keep};

}  // namespace faultline::sampler
