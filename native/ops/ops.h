// The catalogue of numeric operations: what each one computes, its shapes, aliasing and alignment.
// This header is the only place where that is stated. It declares no kernel: implementations are rows of
// kernels.def, chosen once per process by registry.h. It knows no model, no cache and no sampler.
//
// Exactness. Every operation below is defined down to the last bit, so that a result does not depend on
// the instruction set, the batch size or the number of threads:
//   * a matrix-product output is ONE chain along k: acc = 0; acc = fma(a[k], w[k], acc) for k ascending; with bfloat16
//     weights it is the chain of the kernel family, see gemm_bf16, and the only result that depends on the CPU;
//     with int8 weights it is a sum of integers, which is exact;
//   * every other sum runs over 16 virtual lanes (element i goes to lane i % 16, in ascending i) and is
//     then folded by the fixed tree lane[j] += lane[j + 8], + 4, + 2, + 1;
//   * exp and log are our own polynomials (ops/cpu/math.inl), built from fma, *, + and integer steps;
//   * no reciprocal or rsqrt approximation; division and sqrt are IEEE; -ffp-contract=off everywhere;
//   * a product followed by a sum is fused only where this header says fma;
//   * flush-to-zero and denormals-are-zero are ON: threads that call these ops hold a base::FpEnv. x86 flushes a result
//     that is below 2^-126 rounded as if exponents had no end (Intel, Software Developer's Manual, volume 1, 4.9.1.5
//     and 10.2.3.3), ARM64 one that is below it before rounding (FPCR.FZ; Arm, Architecture Reference Manual, FPRound),
//     so that what lies within 2^-151 below 2^-126 is 2^-126 on x86 and 0 on ARM64; nothing else differs.
// ops/ref/ holds the oracle of each op in double, written from the formula alone.
//
// Inputs are finite unless a line says otherwise. Pointers never alias unless a line says so. No alignment beyond that
// of the element type is required. Ops never allocate, never throw and never start threads: callers split work by the
// ranges in the arguments.
#pragma once

#include <cstdint>

namespace faultline::ops {

/// Columns of a packed panel, keys of a packed K block, and virtual lanes of every reduction.
inline constexpr int kLanes = 16;
/// Keys that share one step of the online softmax. Chunks are counted from the start of their segment.
inline constexpr int kKeyChunk = 64;

/// Depth of one step of AMX's tiles: what bfloat16 activations are zero-filled to a multiple of.
inline constexpr int kDepthStep = 32;
/// Rows of a tile: activations in bfloat16 are readable up to a multiple of this.
inline constexpr int kTileHeight = 16;
/// What int8 activations are zero-filled to a multiple of.
inline constexpr int kInt8DepthStep = 64;
/// The largest k of gemm_int8: k * 127 * 127 must fit 31 bits.
inline constexpr int kInt8DepthMost = 133144;
/// Rows and columns of which no element is larger are taken for zeros in int8. It keeps the product of two scales far
/// above 2^-126, where ARM64 flushes results otherwise than x86.
inline constexpr float kLeastQuantised = 0x1p-50f;

enum class WeightType : std::uint8_t { f32, bf16, bf16_pairs, int8 };

/// A weight matrix [k, n] repacked as ceil(n / 16) panels, each [k][16], zero-filled past n. Element (i, j) stands at
/// panel j / 16, row i, column j % 16. In bf16_pairs a panel is [ceil(k / 2)][16][2], zero-filled past k and n: what
/// VDPBF16PS and TDPBF16PS read, two consecutive values of k in one 32-bit word, the even one in the low half. Element
/// (i, j) stands at panel j / 16, row i / 2, column j % 16, half i % 2. In int8 a panel is [ceil(k / 4)][16][4] signed
/// bytes in -127 to 127, zero-filled past k and n, and then the 16 columns' scales as floats, 0 past n; element (i, j)
/// is the byte at panel j / 16, row i / 4, column j % 16, place i % 4, times its column's scale. A column is quantised
/// as a row of activations is (QuantiseArgs). Non-owning. 64-byte aligned start.
/// The layouts do not depend on the instruction set, so a packed model can be shared and tested anywhere.
struct PackedMatrix {
  const void* data;
  WeightType type;
  std::int32_t k;
  std::int32_t n;
};

/// Applied to acc + bias, in this order, elementwise.
enum class Epilogue : std::uint8_t {
  none,
  gelu,      // gelu_tanh(x) = 0.5 x (1 + tanh(y)), y = sqrt(2/pi) (x + 0.044715 x^3)   (GPT-2's gelu_new), computed by
             // the identity 0.5 (1 + tanh(y)) = 1 / (1 + exp(-2 y)), which needs no tanh and keeps the tails accurate
  residual,  // x + residual[m, n]
};

/// What a row of quantised activations needs beside its bytes.
struct QuantisedRow {
  float scale;
  std::int32_t sum;  // of its bytes
};

/// out[m, n] = epilogue(chain_k(a[m, k] * w[k, n]) + bias[n]) for rows [0, m) and panels [panel_begin, panel_end).
///
/// gemm takes weights of type f32. gemm_bf16 takes bfloat16 weights and has one result per kernel family, with fp32
/// sums, bias, epilogue and output in all of them:
///   fma     bf16 weights, widened to float exactly; activations stay float; the chain is gemm's.
///   dpbf16  bf16_pairs weights, activations rounded to bfloat16 (a_bf16). Pairs p = 0, 1, ... of k, one VDPBF16PS
///   each:
///           acc = fma(a[2p + 1], w[2p + 1], acc); acc = fma(a[2p], w[2p], acc). Past an odd k stands zero.
///   amx     bf16_pairs weights, a_bf16. Steps of kDepthStep values of k, zero-filled at the end, one TDPBF16PS each:
///           even = odd = 0; even = fma(a[2p], w[2p], even), odd = fma(a[2p + 1], w[2p + 1], odd) for the step's 16
///           pairs ascending; acc = acc + (even + odd). (Intel, Software Developer's Manual, TDPBF16PS.)
/// Both instructions take denormals for zero and flush them, whatever the thread's mode; so does every FpEnv.
/// In each family an element's bits depend on its row of a, its column of w and k alone.
///
/// gemm_int8 takes int8 weights and quantised activations (a_int8, a_rows) and has one result everywhere:
///   out[m, n] = epilogue(float(sum_k q[m, k] * q[k, n]) * (scale[m] * scale[n]) + bias[n])
/// The sum is of integers and exact, k at most kInt8DepthMost; its conversion to float, the product of the scales, the
/// product of both and what follows are rounded once each. A row or column with a NaN or an infinity gives NaN.
struct GemmArgs {
  const float* a;  // [m, k], row stride lda; not read where a_bf16 or a_int8 is
  std::int64_t lda;
  std::int32_t m;
  PackedMatrix w;
  const float* bias;  // [n] or null
  Epilogue epilogue;
  const float* residual;  // [m, n], row stride ldr; only for Epilogue::residual; may equal out
  std::int64_t ldr;
  float* out;  // [m, n], row stride ldo; columns past n are not written
  std::int64_t ldo;
  std::int32_t panel_begin;
  std::int32_t panel_end;  // in panels of 16 columns
  /// For bf16_pairs: what round_bf16 made of a, once for all calls that share a product. Whole blocks of kTileHeight
  /// rows must be readable; rows from m on may hold anything.
  const std::uint16_t* a_bf16 = nullptr;
  /// For int8: what quantise made of a, once for all calls that share a product. Whole blocks of kTileHeight rows of
  /// bytes must be readable; those from m on may hold anything.
  const std::int8_t* a_int8 = nullptr;
  const QuantisedRow* a_rows = nullptr;  // [m]
};

/// out[r, i] = a[r, i] as bfloat16: nearest, ties to even; too large becomes infinity, NaN a quiet NaN. Out's row
/// stride is k rounded up to kDepthStep; elements past k become zero.
struct RoundArgs {
  const float* a;  // [rows, k], row stride lda
  std::int64_t lda;
  std::int32_t rows;
  std::int32_t k;
  std::uint16_t* out;
};

/// Symmetric int8 by row: largest = max_i |a[r, i]|, scale = largest / 127, out[r, i] = a[r, i] / scale (both divisions
/// rounded to float), then to the nearest integer, ties to even, within -127 and 127. A row with largest below
/// kLeastQuantised has scale 0 and bytes 0; one with a NaN or an infinity has scale NaN and bytes 0. Out's row stride
/// is k rounded up to kInt8DepthStep; bytes past k become zero. k at most kInt8DepthMost.
struct QuantiseArgs {
  const float* a;  // [rows, k], row stride lda
  std::int64_t lda;
  std::int32_t rows;
  std::int32_t k;
  std::int8_t* out;
  QuantisedRow* out_rows;  // [rows]
};

/// out = fma((x - mean) / scale, gamma, beta) per row, with scale = sqrt(var + eps); mean and var are 16-lane sums
/// divided by width, var of the centred values (two passes, lanes accumulate by fma). TransformerLens calls scale
/// `hook_scale` and (x - mean) / scale `hook_normalized`, which is out for gamma 1 and beta 0.
struct LayerNormArgs {
  const float* x;  // [rows, width], contiguous
  std::int32_t rows;
  std::int32_t width;
  const float* gamma;  // [width]
  const float* beta;   // [width]
  float eps;
  float* out;    // [rows, width], contiguous; may equal x
  float* scale;  // [rows] or null
};

/// What keys and values are stored as. bf16 is widened to float where it is read, which is exact, so that what is
/// computed from it does not depend on the instruction set either.
enum class KvType : std::uint8_t { f32, bf16 };

/// One head's queries against one segment of keys and values (a shared prefix or one sample's suffix),
/// folded into a running softmax state. Keys are stored in blocks of 16: element (key j, dim c) at
/// k[(j / 16) * 16 * dim + c * 16 + j % 16]; slots past the end may hold anything, but whole blocks must be readable.
/// Values are rows of dim; rows that no query sees are not read. Queries, state and all arithmetic are float.
///   score[r, j] = chain_c(q[r, c] * k[j, c]) * scale          for j < visible[r]
///   per chunk of kKeyChunk keys, ascending: m' = max(m, max_j score); alpha = exp(m - m');
///   l = fma(l, alpha, lane_sum_j exp(score - m'));  acc[c] = chain_j fma(exp(score - m'), v[j, c], acc[c] * alpha)
/// A chunk of which a row sees nothing leaves that row's state as it is. The caller starts the state as m = -inf, l =
/// 0, acc = 0, may fold in any number of segments, and attention_end divides acc by l (rows with l = 0 saw no key; they
/// become 0).
struct AttentionArgs {
  const float* q;  // [rows, dim], row stride q_stride
  std::int64_t q_stride;
  std::int32_t rows;
  std::int32_t dim;
  float scale;
  const void* k;  // of kv_type, blocked by 16 keys, see above
  const void* v;  // of kv_type, [keys, dim], row stride v_stride in elements
  std::int64_t v_stride;
  const std::int32_t* visible;  // [rows]: keys that row r sees, 0 allowed; non-decreasing is not required
  float* m;                     // [rows]
  float* l;                     // [rows]
  float* acc;                   // [rows, dim], row stride acc_stride
  std::int64_t acc_stride;
  KvType kv_type = KvType::f32;
};

/// Statistics of one row of logits at temperature 1/inv_temperature over the tokens that `mask` allows and `kept`
/// holds. A scaled logit is logit * inv_temperature, rounded once. Logits of -inf are allowed and weigh nothing; exp
/// below 2^-126 is 0. max passes over NaN; the sums are NaN where one is allowed, unless nothing else is (but -inf:
/// then they are those of an empty mask), and only a band other than the default leaves it out. log-probability of
/// token t = (scaled[t] - max) - log_sum(sum); entropy = log_sum(sum) - weighted / sum.
struct SoftmaxStats {
  float max;       // largest scaled logit; -inf when the mask is empty
  float sum;       // lane_sum exp(x * inv_temperature - max)
  float weighted;  // lane_sum exp(x * inv_temperature - max) * (x * inv_temperature - max), for the entropy
};

/// A bit set over the vocabulary, bit i % 64 of word i / 64; null means every token is allowed.
using Mask = const std::uint64_t*;

/// The raw logits from `least` to `most`, both included; never NaN. The default holds all others.
struct Band {
  float least = -__builtin_inff();
  float most = __builtin_inff();
};

struct SoftmaxStatsArgs {
  const float* logits;  // [n]
  std::int32_t n;
  float inv_temperature;
  Mask mask;
  Band kept{};
  /// The largest logit of those that count, where the caller knows it: saves a pass and changes no bit. NaN: unknown.
  float largest = __builtin_nanf("");
};

/// Number and probability mass (relative to `max`) of the allowed tokens whose logit is in `kept`.
struct TailArgs {
  const float* logits;  // [n]
  std::int32_t n;
  float inv_temperature;
  float max;  // SoftmaxStats::max
  Band kept;
  Mask mask;
};
struct Tail {
  std::int32_t count;
  float mass;  // lane_sum exp(x * inv_temperature - max), lanes by token index
};

/// The blocks of 16 tokens, counted from the first, in which an allowed token has a logit in `kept`, one behind the
/// other: such logits stay in their lanes, all others are NaN. For any band within `kept`, tail() of what was gathered,
/// without a mask, has the bits of tail() of the row, since blocks that hold nothing add nothing.
struct GatherArgs {
  const float* logits;  // [n]
  std::int32_t n;
  Band kept;
  Mask mask;
  float* out;         // [room]
  std::int32_t room;  // a multiple of 16
};

/// argmax over allowed tokens with a logit in `kept` of logit * inv_temperature + gumbel(token) (both operations
/// rounded), ties to the lower token. gumbel = -log(-log1p(-u)), u = (x + 0.5) * 2^-32 rounded once to float and
/// clamped to the largest float below 1, where x is word token % 4 of Philox4x32-10 with counter (sample, position,
/// attempt << 16 | token / 4, stream) and key words (low, high half of key). With gumbel switched off (greedy) it is
/// the argmax of logit * inv_temperature. NaN never wins. token / 4 must fit 16 bits: n <= 262144.
struct DrawArgs {
  const float* logits;  // [n]
  std::int32_t n;
  float inv_temperature;
  Band kept;
  Mask mask;
  bool greedy;
  std::uint64_t key;  // experiment seed XOR hash of task_id
  std::uint32_t sample;
  std::uint32_t position;
  std::uint32_t attempt;  // < 65536
  std::uint32_t stream;
};
struct Draw {
  std::int32_t token;  // -1 when nothing is allowed
  float score;         // the perturbed logit that won
};

/// One instruction set's implementations. Thread-safe: all functions are pure but for their outputs.
struct OpTable {
  void (*gemm)(const GemmArgs&);
  void (*gemm_bf16)(const GemmArgs&);
  void (*round_bf16)(const RoundArgs&);
  void (*gemm_int8)(const GemmArgs&);
  void (*quantise)(const QuantiseArgs&);
  void (*layernorm)(const LayerNormArgs&);
  void (*gelu)(const float* x, float* out, std::int64_t n);                 // out may equal x
  void (*add)(const float* a, const float* b, float* out, std::int64_t n);  // out may equal a or b
  void (*attend)(const AttentionArgs&);
  void (*attention_end)(float* acc, std::int64_t acc_stride, const float* l, std::int32_t rows, std::int32_t dim);
  SoftmaxStats (*softmax_stats)(const SoftmaxStatsArgs&);
  Tail (*tail)(const TailArgs&);
  /// How many floats were gathered, a multiple of 16; -1 where they do not fit, and `out` holds anything.
  std::int32_t (*gather)(const GatherArgs&);
  Draw (*draw)(const DrawArgs&);
  float (*log_sum)(float sum);  // our log, for logsumexp = max + log(sum); log_sum(0) = -inf
};

}  // namespace faultline::ops
