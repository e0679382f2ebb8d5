// attend and attention_end, see ops.h: online softmax, key chunks outside, rows inside, so that a chunk of keys and
// values (2 x 16 KiB at dim 64) is read from memory once for all rows.
#include "native/ops/cpu/math.inl"
#include "native/ops/ops.h"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

constexpr int kChunkBlocks = kKeyChunk / kLanes;

/// Scores of one query against kBlocks blocks of 16 keys, all chains side by side.
template <int kBlocks>
inline void scores(const float* q, const float* k, int64_t dim, F16* out) {
  F16 chain[kBlocks];
  for (int b = 0; b < kBlocks; ++b) chain[b] = set1(0.0f);
  for (int64_t c = 0; c < dim; ++c) {
    const F16 x = set1(q[c]);
    for (int b = 0; b < kBlocks; ++b) chain[b] = fma(x, load(k + (b * dim + c) * kLanes), chain[b]);
  }
  for (int b = 0; b < kBlocks; ++b) out[b] = chain[b];
}

/// acc[c] = chain_j fma(weight[j], v[j, c], acc[c] * alpha) for kVectors * 16 columns, of which the last vector has
/// `last` columns.
template <int kVectors>
inline void accumulate(const float* weight, int keys, const float* v, int64_t v_stride, float alpha, float* acc,
                       int last) {
  constexpr int kFull = kVectors - 1;
  F16 chain[kVectors];
  for (int i = 0; i < kFull; ++i) chain[i] = mul(load(acc + 16 * i), set1(alpha));
  if (last == 16) {
    chain[kFull] = mul(load(acc + 16 * kFull), set1(alpha));
    for (int j = 0; j < keys; ++j) {
      const F16 w = set1(weight[j]);
      for (int i = 0; i < kVectors; ++i) chain[i] = fma(w, load(v + j * v_stride + 16 * i), chain[i]);
    }
    for (int i = 0; i < kVectors; ++i) store(acc + 16 * i, chain[i]);
  } else {
    chain[kFull] = mul(load_first(acc + 16 * kFull, last, 0.0f), set1(alpha));
    for (int j = 0; j < keys; ++j) {
      const F16 w = set1(weight[j]);
      for (int i = 0; i < kFull; ++i) chain[i] = fma(w, load(v + j * v_stride + 16 * i), chain[i]);
      chain[kFull] = fma(w, load_first(v + j * v_stride + 16 * kFull, last, 0.0f), chain[kFull]);
    }
    for (int i = 0; i < kFull; ++i) store(acc + 16 * i, chain[i]);
    store_first(acc + 16 * kFull, chain[kFull], last);
  }
}

/// One query against one chunk; `keys` of it are visible, 1 to 64.
inline void fold_chunk(const AttentionArgs& args, int64_t row, int64_t chunk, int keys) {
  const int64_t dim = args.dim;
  const float* q = args.q + row * args.q_stride;
  const float* k = args.k + chunk * dim;
  const float* v = args.v + chunk * args.v_stride;
  float* acc = args.acc + row * args.acc_stride;

  F16 score[kChunkBlocks];
  const int blocks = (keys + kLanes - 1) / kLanes;
  switch (blocks) {
    case 1:
      scores<1>(q, k, dim, score);
      break;
    case 2:
      scores<2>(q, k, dim, score);
      break;
    case 3:
      scores<3>(q, k, dim, score);
      break;
    default:
      scores<kChunkBlocks>(q, k, dim, score);
  }
  F16 largest = set1(kMinusInfinity);
  for (int b = 0; b < blocks; ++b) {
    const int seen = keys - b * kLanes;
    score[b] = mul(score[b], set1(args.scale));
    if (seen < kLanes) score[b] = select(mask_from((1u << seen) - 1u), score[b], set1(kMinusInfinity));
    largest = max(score[b], largest);
  }
  const float old_max = args.m[row], chunk_max = max_lanes(largest);
  const float new_max = chunk_max > old_max ? chunk_max : old_max;
  const float alpha = lane(exp16(set1(old_max - new_max)), 0);

  alignas(64) float weight[kKeyChunk];
  F16 sum = set1(0.0f);
  for (int b = 0; b < blocks; ++b) {
    const F16 w = exp16(sub(score[b], set1(new_max)));
    store(weight + b * kLanes, w);
    sum = add(sum, w);
  }
  args.m[row] = new_max;
  args.l[row] = fma1(args.l[row], alpha, sum_lanes(sum));

  for (int64_t c = 0; c < dim; c += 64) {
    const int64_t left = dim - c;
    const int last = left >= 64 || left % 16 == 0 ? 16 : (int)(left % 16);
    const float* vc = v + c;
    switch (left >= 64 ? 4 : (left + 15) / 16) {
      case 1:
        accumulate<1>(weight, keys, vc, args.v_stride, alpha, acc + c, last);
        break;
      case 2:
        accumulate<2>(weight, keys, vc, args.v_stride, alpha, acc + c, last);
        break;
      case 3:
        accumulate<3>(weight, keys, vc, args.v_stride, alpha, acc + c, last);
        break;
      default:
        accumulate<4>(weight, keys, vc, args.v_stride, alpha, acc + c, last);
    }
  }
}

}  // namespace

void attend(const AttentionArgs& args) {
  int32_t most = 0;
  for (int32_t row = 0; row < args.rows; ++row) most = args.visible[row] > most ? args.visible[row] : most;
  for (int32_t chunk = 0; chunk < most; chunk += kKeyChunk) {
    for (int32_t row = 0; row < args.rows; ++row) {
      const int32_t left = args.visible[row] - chunk;
      if (left > 0) fold_chunk(args, row, chunk, left < kKeyChunk ? left : kKeyChunk);
    }
  }
}

void attention_end(float* acc, int64_t acc_stride, const float* l, int32_t rows, int32_t dim) {
  for (int64_t row = 0; row < rows; ++row) {
    float* a = acc + row * acc_stride;
    const F16 sum = set1(l[row]);
    for (int64_t c = 0; c < dim; c += 16) {
      const F16 mean = l[row] == 0.0f ? set1(0.0f) : div(load_tail(a, c, dim, 0.0f), sum);
      store_tail(a, c, dim, mean);
    }
  }
}

}  // namespace faultline::ops::FAULTLINE_VEC
