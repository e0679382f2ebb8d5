// attend and attention_end, see ops.h: online softmax, key chunks outside, rows inside, so that a chunk of keys and
// values (2 x 16 KiB at dim 64 in float, half of it in bfloat16) is read from memory once for all rows, and into
// registers once for kQueryRows of them. How many are taken together changes no row's chains. Element is what keys and
// values are stored as: float, or uint16_t for bfloat16.
#include "native/ops/cpu/math.inl"
#include "native/ops/ops.h"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

constexpr int kChunkBlocks = kKeyChunk / kLanes;

/// 16 stored elements as floats.
inline F16 load_stored(const float* p) { return load(p); }
inline F16 load_stored(const uint16_t* p) { return load_bf16(p); }
/// The first n of them, and zeros; nothing past n is read.
inline F16 load_stored_first(const float* p, int n) { return load_first(p, n, 0.0f); }
inline F16 load_stored_first(const uint16_t* p, int n) {
  uint16_t lanes[kLanes];
  for (int i = 0; i < kLanes; ++i) lanes[i] = i < n ? p[i] : (uint16_t)0;
  return load_bf16(lanes);
}

/// Scores of kRows queries against kBlocks blocks of 16 keys, all chains side by side. Meanwhile the values at `v`, as
/// many, are fetched: a sample's own come from memory, and too little is computed for each to hide how long that takes.
template <int kRows, int kBlocks, class Element>
inline void scores(const float* q, int64_t q_stride, const Element* k, const Element* v, int64_t dim, F16* out) {
  F16 chain[kRows][kBlocks];
  for (int r = 0; r < kRows; ++r)
    for (int b = 0; b < kBlocks; ++b) chain[r][b] = set1(0.0f);
  for (int64_t c = 0; c < dim; ++c) {
    for (int64_t i = 0; i < kBlocks * kLanes; i += 64 / (int64_t)sizeof(Element))
      prefetch(v + c * kBlocks * kLanes + i);
    F16 key[kBlocks];
    for (int b = 0; b < kBlocks; ++b) key[b] = load_stored(k + (b * dim + c) * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const F16 x = set1(q[r * q_stride + c]);
      for (int b = 0; b < kBlocks; ++b) chain[r][b] = fma(x, key[b], chain[r][b]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int b = 0; b < kBlocks; ++b) out[r * kBlocks + b] = chain[r][b];
}

/// acc[c] = chain_j fma(weight[j], v[j, c], acc[c] * alpha) for kRows rows and kVectors * 16 columns, of which the last
/// vector has `last` columns.
template <int kRows, int kVectors, class Element>
inline void accumulate(const float* weight, int keys, const Element* v, int64_t v_stride, const float* alpha,
                       float* acc, int64_t acc_stride, int last) {
  constexpr int kLast = kVectors - 1;
  const bool whole = last == kLanes;
  F16 chain[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    const float* a = acc + r * acc_stride;
    for (int i = 0; i < kLast; ++i) chain[r][i] = mul(load(a + 16 * i), set1(alpha[r]));
    chain[r][kLast] = mul(whole ? load(a + 16 * kLast) : load_first(a + 16 * kLast, last, 0.0f), set1(alpha[r]));
  }
  const auto add = [&](int j, const F16(&value)[kVectors]) {
    for (int r = 0; r < kRows; ++r) {
      const F16 w = set1(weight[r * kKeyChunk + j]);
      for (int i = 0; i < kVectors; ++i) chain[r][i] = fma(w, value[i], chain[r][i]);
    }
  };
  F16 value[kVectors];
  if (whole) {
    for (int j = 0; j < keys; ++j) {
      for (int i = 0; i < kVectors; ++i) value[i] = load_stored(v + j * v_stride + 16 * i);
      add(j, value);
    }
  } else {
    for (int j = 0; j < keys; ++j) {
      for (int i = 0; i < kLast; ++i) value[i] = load_stored(v + j * v_stride + 16 * i);
      value[kLast] = load_stored_first(v + j * v_stride + 16 * kLast, last);
      add(j, value);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    float* a = acc + r * acc_stride;
    for (int i = 0; i < kLast; ++i) store(a + 16 * i, chain[r][i]);
    if (whole) {
      store(a + 16 * kLast, chain[r][kLast]);
    } else {
      store_first(a + 16 * kLast, chain[r][kLast], last);
    }
  }
}

/// kRows queries from `row` on against one chunk, of which each sees `keys`: 1 to 64, in kBlocks blocks.
template <class Element, int kRows, int kBlocks>
inline void fold_blocks(const AttentionArgs& args, int64_t row, int64_t chunk, int keys) {
  const int64_t dim = args.dim;
  F16 score[kRows * kBlocks];
  const Element* const v = (const Element*)args.v + chunk * args.v_stride;
  scores<kRows, kBlocks>(args.q + row * args.q_stride, args.q_stride, (const Element*)args.k + chunk * dim, v, dim,
                         score);
  alignas(64) float weight[kRows * kKeyChunk];
  float alpha[kRows];
  for (int r = 0; r < kRows; ++r) {
    F16* const of_row = score + r * kBlocks;
    F16 largest = set1(kMinusInfinity);
    for (int b = 0; b < kBlocks; ++b) {
      const int seen = keys - b * kLanes;
      of_row[b] = mul(of_row[b], set1(args.scale));
      if (seen < kLanes) of_row[b] = select(mask_from((1u << seen) - 1u), of_row[b], set1(kMinusInfinity));
      largest = max(of_row[b], largest);
    }
    const float old_max = args.m[row + r], chunk_max = max_lanes(largest);
    const float new_max = chunk_max > old_max ? chunk_max : old_max;
    alpha[r] = lane(exp16(set1(old_max - new_max)), 0);
    F16 sum = set1(0.0f);
    for (int b = 0; b < kBlocks; ++b) {
      const F16 w = exp16(sub(of_row[b], set1(new_max)));
      store(weight + r * kKeyChunk + b * kLanes, w);
      sum = add(sum, w);
    }
    args.m[row + r] = new_max;
    args.l[row + r] = fma1(args.l[row + r], alpha[r], sum_lanes(sum));
  }

  float* const acc = args.acc + row * args.acc_stride;
  for (int64_t c = 0; c < dim; c += 64) {
    const int64_t left = dim - c;
    const int last = left >= 64 || left % 16 == 0 ? 16 : (int)(left % 16);
    switch (left >= 64 ? 4 : (left + 15) / 16) {
      case 1:
        accumulate<kRows, 1>(weight, keys, v + c, args.v_stride, alpha, acc + c, args.acc_stride, last);
        break;
      case 2:
        accumulate<kRows, 2>(weight, keys, v + c, args.v_stride, alpha, acc + c, args.acc_stride, last);
        break;
      case 3:
        accumulate<kRows, 3>(weight, keys, v + c, args.v_stride, alpha, acc + c, args.acc_stride, last);
        break;
      default:
        accumulate<kRows, 4>(weight, keys, v + c, args.v_stride, alpha, acc + c, args.acc_stride, last);
    }
  }
}

template <class Element, int kRows>
inline void fold_chunk(const AttentionArgs& args, int64_t row, int64_t chunk, int keys) {
  switch ((keys + kLanes - 1) / kLanes) {
    case 1:
      fold_blocks<Element, kRows, 1>(args, row, chunk, keys);
      break;
    case 2:
      fold_blocks<Element, kRows, 2>(args, row, chunk, keys);
      break;
    case 3:
      fold_blocks<Element, kRows, 3>(args, row, chunk, keys);
      break;
    default:
      fold_blocks<Element, kRows, kChunkBlocks>(args, row, chunk, keys);
  }
}

template <class Element>
inline void attend_stored(const AttentionArgs& args) {
  int32_t most = 0;
  for (int32_t row = 0; row < args.rows; ++row) most = args.visible[row] > most ? args.visible[row] : most;
  for (int32_t chunk = 0; chunk < most; chunk += kKeyChunk) {
    const auto keys_of = [&](int32_t row) {
      const int32_t left = args.visible[row] - chunk;
      return left < kKeyChunk ? left : kKeyChunk;
    };
    for (int32_t row = 0; row < args.rows;) {
      const int32_t keys = keys_of(row);
      // Neighbours that see the same keys, as generated tokens do, read them once.
      int32_t alike = 1;
      while (alike < kQueryRows && row + alike < args.rows && keys_of(row + alike) == keys) ++alike;
      if (keys > 0 && alike == kQueryRows) {
        fold_chunk<Element, kQueryRows>(args, row, chunk, keys);
        row += kQueryRows;
      } else {
        if (keys > 0) fold_chunk<Element, 1>(args, row, chunk, keys);
        ++row;
      }
    }
  }
}

}  // namespace

void attend(const AttentionArgs& args) {
  switch (args.kv_type) {
    case KvType::f32:
      return attend_stored<float>(args);
    case KvType::bf16:
      return attend_stored<uint16_t>(args);
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
