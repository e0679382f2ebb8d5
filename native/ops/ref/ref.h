// The oracle: every op of ops.h again, in double, from the formula alone. No vectors, no blocking, no tricks, and
// nothing shared with the kernels, so that a mistake there is not repeated here. For tests; nothing in the product
// calls it.
//
// Where a result's error depends on cancelled terms, the oracle also returns the sum of magnitudes that error bounds
// are made of.
#pragma once

#include <cstdint>
#include <vector>

#include "native/ops/ops.h"

namespace faultline::ops::ref {

/// out and magnitude [m, n] row-major over all panels; magnitude = sum_k |a w| + |bias| + |residual| (before a gelu).
void gemm(const GemmArgs& args, std::vector<double>& out, std::vector<double>& magnitude);

/// out [rows, width], scale [rows].
void layernorm(const LayerNormArgs& args, std::vector<double>& out, std::vector<double>& scale);

double gelu(double x);

/// Softmax attention over one or more segments at once: the mathematical result, not the online recurrence. out [rows,
/// dim]; magnitude is sum_j weight |v|. Rows that see no key are zero. Uses q, k, v, kv_type, visible, scale and the
/// strides; not m, l, acc. All segments share q, rows, dim.
void attention(const std::vector<AttentionArgs>& segments, std::vector<double>& out, std::vector<double>& magnitude);

struct Stats {
  double max;
  double sum;
  double weighted;
};
Stats softmax_stats(const SoftmaxStatsArgs& args);

struct TailMass {
  std::int32_t count;
  double mass;
};
TailMass tail(const TailArgs& args);
/// The same to the bit: nothing is computed.
std::int32_t gather(const GatherArgs& args);

/// The Gumbel number of one token under the arguments' counters, and the argmax with its two best scores (so that a
/// test can tell a wrong winner from a near tie).
double gumbel(const DrawArgs& args, std::int32_t token);
struct Drawn {
  std::int32_t token;
  double score;
  double second;
};
Drawn draw(const DrawArgs& args);

}  // namespace faultline::ops::ref
