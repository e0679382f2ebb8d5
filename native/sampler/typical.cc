// The fewest tokens that together hold the share p of what was kept so far, taken in the order of how near their
// surprise, -log p(token), stands to the entropy H (locally typical sampling; Meister et al. 2022, "Locally Typical
// Sampling"), and those that tie with the last of them. It may cut off the likeliest token.
//
// With s = the scaled logit minus the largest one, Z = sum exp(s) and E the mean of s under the distribution,
// -log p = log Z - s and H = log Z - E, so that the distance |-log p - H| is |s - E|: no logarithm is taken. s never
// falls as the logit grows, hence the tokens within a distance D are those of a band of logits, from the least float
// whose s - E is at least -D to the largest one whose s - E is at most D. That band grows with D, and so do its sums in
// floating point; the least D that reaches p is found like any other threshold.
#include <cmath>

#include "native/sampler/float_line.h"
#include "native/sampler/threshold_search.h"
#include "native/sampler/truncation.h"

namespace faultline::sampler {
namespace {

/// Nearest to the mean first: the key is minus the distance.
class NearestFirst final : public KeepOrder {
 public:
  NearestFirst(const TruncatedRow& row, const ops::SoftmaxStats& stats)
      : row_(row), max_(stats.max), mean_(stats.weighted / stats.sum) {}

  float key(float logit) const override { return -std::fabs(above_mean(logit)); }

  ops::Band band(float key) const override {
    return {.least = least_where([&](float logit) { return above_mean(logit) >= key; }),
            .most = before(least_where([&](float logit) { return above_mean(logit) > -key; }))};
  }

 private:
  float above_mean(float logit) const { return row_.height(logit, max_) - mean_; }

  const TruncatedRow& row_;
  const float max_;
  const float mean_;
};

ops::Band keep(const TruncatedRow& row, const SamplingParameters& parameters) {
  const NearestFirst order(row, row.kept_stats());
  // Distances are in nats, and most mass stands within two of the entropy.
  return find_band(row, order, {.first_key = 0, .width = 2}, {.mass = parameters.typical * row.kept_mass()});
}

}  // namespace

constinit const Truncation typical{.name = "typical",
                                   .range = "from 1e-37 to 1 (off)",
                                   .value = [](const SamplingParameters& parameters) { return parameters.typical; },
                                   .in_range = [](float value) { return value >= kLeastProbability && value <= 1; },
                                   .on = [](float value) { return value < 1; },
                                   .keep = keep};

}  // namespace faultline::sampler
