#include <algorithm>
#include <cmath>
#include <limits>

#include "native/ops/ref/ref.h"

namespace faultline::ops::ref {
namespace {

bool allowed(Mask mask, std::int32_t token) { return mask == nullptr || (mask[token / 64] >> (token % 64) & 1) != 0; }

bool holds(const Band& band, float logit) { return logit >= band.least && logit <= band.most; }

}  // namespace

Stats softmax_stats(const SoftmaxStatsArgs& args) {
  Stats stats{-std::numeric_limits<double>::infinity(), 0, 0};
  for (std::int32_t i = 0; i < args.n; ++i) {
    if (allowed(args.mask, i) && holds(args.kept, args.logits[i]))
      stats.max = std::fmax(stats.max, double{args.logits[i]} * args.inv_temperature);
  }
  for (std::int32_t i = 0; i < args.n; ++i) {
    if (!allowed(args.mask, i) || !holds(args.kept, args.logits[i]) || std::isinf(args.logits[i])) continue;
    const double distance = double{args.logits[i]} * args.inv_temperature - stats.max;
    stats.sum += std::exp(distance);
    stats.weighted += std::exp(distance) * distance;
  }
  return stats;
}

TailMass tail(const TailArgs& args) {
  TailMass result{0, 0};
  for (std::int32_t i = 0; i < args.n; ++i) {
    if (!allowed(args.mask, i) || !holds(args.kept, args.logits[i])) continue;
    ++result.count;
    result.mass += std::exp(double{args.logits[i]} * args.inv_temperature - args.max);
  }
  return result;
}

std::int32_t gather(const GatherArgs& args) {
  std::int32_t filled = 0;
  for (std::int32_t first = 0; first < args.n; first += kLanes) {
    float block[kLanes];
    bool any = false;
    for (std::int32_t i = 0; i < kLanes; ++i) {
      const std::int32_t token = first + i;
      const bool kept = token < args.n && allowed(args.mask, token) && holds(args.kept, args.logits[token]);
      block[i] = kept ? args.logits[token] : std::numeric_limits<float>::quiet_NaN();
      any = any || kept;
    }
    if (!any) continue;
    if (filled == args.room) return -1;
    std::copy_n(block, kLanes, args.out + filled);
    filled += kLanes;
  }
  return filled;
}

}  // namespace faultline::ops::ref
