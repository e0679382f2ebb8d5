#include "native/sampler/truncation.h"

#include <algorithm>

namespace faultline::sampler {

bool TruncatedRow::untouched() const {
  const ops::Band all;
  return args.kept.least == all.least && args.kept.most == all.most;
}

float TruncatedRow::kept_mass() const { return untouched() ? whole.sum : ops.tail(args).mass; }

ops::SoftmaxStats TruncatedRow::kept_stats() const {
  if (untouched()) return whole;
  return ops.softmax_stats({.logits = args.logits,
                            .n = args.n,
                            .inv_temperature = args.inv_temperature,
                            .mask = args.mask,
                            .kept = args.kept});
}

float TruncatedRow::kept_max() const {
  return args.kept.most >= largest_logit ? whole.max : kept_stats().max;  // most truncations cut from below alone
}

std::span<const Truncation* const> truncations() {
  static constexpr const Truncation* kRows[] = {
#define FAULTLINE_TRUNCATION(name) &name,
#include "native/sampler/truncations.def"
#undef FAULTLINE_TRUNCATION
  };
  return kRows;
}

ops::Band intersection(const ops::Band& a, const ops::Band& b) {
  return {std::max(a.least, b.least), std::min(a.most, b.most)};
}

}  // namespace faultline::sampler
