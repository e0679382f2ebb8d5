// The fewest likeliest tokens that together hold the share p of what was kept so far (nucleus sampling; Holtzman et al.
// 2020, "The Curious Case of Neural Text Degeneration"), and those that tie with the last of them.
#include "native/sampler/threshold_search.h"
#include "native/sampler/truncation.h"

namespace faultline::sampler {
namespace {

ops::Band keep(const TruncatedRow& row, const SamplingParameters& parameters) {
  return find_likeliest(row, {.mass = parameters.top_p * row.kept_mass()});
}

}  // namespace

constinit const Truncation top_p{.name = "top-p",
                                 .range = "above 0 and at most 1 (off)",
                                 .value = [](const SamplingParameters& parameters) { return parameters.top_p; },
                                 .in_range = [](float value) { return value > 0 && value <= 1; },
                                 .on = [](float value) { return value < 1; },
                                 .keep = keep};

}  // namespace faultline::sampler
