#include <algorithm>
#include <cmath>
#include <limits>

#include "native/base/philox.h"
#include "native/ops/ref/ref.h"

namespace faultline::ops::ref {

double gumbel(const DrawArgs& args, std::int32_t token) {
  const auto block = static_cast<std::uint32_t>(token / 4);
  const base::PhiloxBlock words =
      base::philox4x32_10({args.sample, args.position, args.attempt << 16 | block, args.stream}, args.key);
  const double u = (words[static_cast<std::size_t>(token % 4)] + 0.5) * 0x1p-32;
  // u is a float by definition, clamped to the largest one below 1.
  const double rounded = std::min(static_cast<double>(static_cast<float>(u)), 1 - 0x1p-24);
  return -std::log(-std::log1p(-rounded));
}

Drawn draw(const DrawArgs& args) {
  constexpr double kNothing = -std::numeric_limits<double>::infinity();
  Drawn best{-1, kNothing, kNothing};
  for (std::int32_t token = 0; token < args.n; ++token) {
    const bool allowed = args.mask == nullptr || (args.mask[token / 64] >> (token % 64) & 1) != 0;
    if (!allowed || !(args.logits[token] >= args.kept.least && args.logits[token] <= args.kept.most)) continue;
    // The product is rounded to float by definition.
    const float scaled = args.logits[token] * args.inv_temperature;
    const double score = scaled + (args.greedy ? 0 : gumbel(args, token));
    if (score > best.score) {
      best.second = best.score;
      best.score = score;
      best.token = token;
    } else if (score > best.second) {
      best.second = score;
    }
  }
  return best;
}

}  // namespace faultline::ops::ref
