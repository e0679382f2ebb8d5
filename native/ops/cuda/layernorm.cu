// layernorm, see device_api.h, in two forms that share no code: to float32 with ops.h's 16-lane sums, exact to the bit,
// half a warp for each row; to bfloat16 a faster one, a warp for each row, which holds it in registers between the
// passes. In both a row's result depends on that row alone.
#include "native/ops/cuda/math.h"
#include "native/ops/cuda/queue.h"
#include "native/ops/ops.h"

namespace faultline::ops::cuda {
namespace {

using simt::Word2;
using simt::Word4;

// ---- float32, exact

constexpr std::int32_t kExactThreads = 128;
constexpr std::int32_t kExactRows = kExactThreads / kLanes;  // of one block

SIMT_KERNEL(kExactThreads, 8)
layernorm_exact(DeviceLayerNormArgs args) {
  simt::inputs_ready();
  const std::int32_t lane = simt::thread() % kLanes;
  const std::int32_t wanted = simt::block_x() * kExactRows + simt::thread() / kLanes;
  // Half warps past the end repeat the last row, because a warp shuffles together; they write nothing.
  const bool inside = wanted < args.rows;
  const std::int32_t row = inside ? wanted : args.rows - 1;
  const std::int32_t width = args.width, round = device_round_up(width, kLanes);
  const float* const x = args.x + row * args.x_stride;
  const float divisor = simt::from_int(width);

  float sum = 0.0f;
  for (std::int32_t i = lane; i < round; i += kLanes) sum = simt::add(sum, i < width ? x[i] : 0.0f);
  const float mean = simt::div(fold16(sum), divisor);

  // Lanes past the end hold the mean, as on the CPU: they add nothing unless the mean is infinite.
  float squares = 0.0f;
  for (std::int32_t i = lane; i < round; i += kLanes) {
    const float centred = simt::sub(i < width ? x[i] : mean, mean);
    squares = simt::fma(centred, centred, squares);
  }
  const float scale = simt::sqrt(simt::add(simt::div(fold16(squares), divisor), args.eps));
  if (!inside) return;

  if (args.scale != nullptr && lane == 0) args.scale[row] = scale;
  float* const out = static_cast<float*>(args.out) + row * args.out_stride;
  for (std::int32_t i = lane; i < width; i += kLanes)
    out[i] = simt::fma(simt::div(simt::sub(x[i], mean), scale), args.gamma[i], args.beta[i]);
  for (std::int64_t i = width + lane; i < args.out_stride; i += kLanes) out[i] = 0.0f;
}

// ---- bfloat16

constexpr std::int32_t kFastThreads = 128;
constexpr std::int32_t kFastRows = kFastThreads / 32;  // of one block
constexpr std::int32_t kStep = 128;                    // elements that a warp reads at once: four a lane
constexpr std::int32_t kWidest = kDeviceWidthMost;

/// Elements [i, i + 4) of a row of `width`, zero past its end.
template <bool kVector>
SIMT_DEVICE void read4(const float* p, std::int32_t i, std::int32_t width, float (&out)[4]) {
  if constexpr (kVector) {
    const Word4 word = i < width ? simt::load4(p + i) : Word4{0, 0, 0, 0};
    out[0] = simt::as_float(word.x);
    out[1] = simt::as_float(word.y);
    out[2] = simt::as_float(word.z);
    out[3] = simt::as_float(word.w);
  } else {
    for (std::int32_t e = 0; e < 4; ++e) out[e] = i + e < width ? p[i + e] : 0.0f;
  }
}

SIMT_DEVICE float warp_sum(float sum) {
  for (std::int32_t mask = 16; mask > 0; mask /= 2) sum = simt::add(sum, simt::shuffle_xor(sum, mask));
  return sum;
}

/// A lane holds elements [4 lane, 4 lane + 4) of each step; kSteps * kStep is at least the width. kVector: width and
/// pointers allow 16-byte loads; the sums run in the same order either way.
template <std::int32_t kSteps, bool kVector>
SIMT_KERNEL(kFastThreads, 2)
layernorm_bf16(DeviceLayerNormArgs args) {
  simt::inputs_ready();
  const std::int32_t row = simt::block_x() * kFastRows + simt::warp();
  if (row >= args.rows) return;  // whole warps only
  const std::int32_t width = args.width, first = 4 * simt::lane();
  const float* const from = args.x + row * args.x_stride;
  const float inverse_width = simt::div(1.0f, simt::from_int(width));

  float x[kSteps][4];
  float sum = 0.0f;
#pragma unroll
  for (std::int32_t s = 0; s < kSteps; ++s) read4<kVector>(from, s * kStep + first, width, x[s]);
#pragma unroll
  for (std::int32_t s = 0; s < kSteps; ++s)
    sum = simt::add(sum, simt::add(simt::add(x[s][0], x[s][1]), simt::add(x[s][2], x[s][3])));
  const float mean = simt::mul(warp_sum(sum), inverse_width);

  float squares = 0.0f;
#pragma unroll
  for (std::int32_t s = 0; s < kSteps; ++s) {
    for (std::int32_t e = 0; e < 4; ++e) {
      x[s][e] = simt::sub(x[s][e], mean);
      if (s * kStep + first + e < width) squares = simt::fma(x[s][e], x[s][e], squares);
    }
  }
  const float scale = simt::sqrt(simt::fma(warp_sum(squares), inverse_width, args.eps));
  if (args.scale != nullptr && first == 0) args.scale[row] = scale;
  const float inverse_scale = simt::div(1.0f, scale);

  std::uint16_t* const out = static_cast<std::uint16_t*>(args.out) + row * args.out_stride;
#pragma unroll
  for (std::int32_t s = 0; s < kSteps; ++s) {
    const std::int32_t i = s * kStep + first;
    if (i >= args.out_stride) continue;
    // Past the width gamma and beta read as zero, and so is what is written.
    float gamma[4], beta[4], y[4];
    read4<kVector>(args.gamma, i, width, gamma);
    read4<kVector>(args.beta, i, width, beta);
    for (std::int32_t e = 0; e < 4; ++e) y[e] = simt::fma(simt::mul(x[s][e], inverse_scale), gamma[e], beta[e]);
    *reinterpret_cast<Word2*>(out + i) = {simt::to_bf16_pair(y[0], y[1]), simt::to_bf16_pair(y[2], y[3])};
  }
  for (std::int64_t i = kSteps * kStep + first; i < args.out_stride; i += kStep)
    *reinterpret_cast<Word2*>(out + i) = {0, 0};
}

template <std::int32_t kSteps>
simt::LaunchStatus queue_bf16(const Queue& queue, const DeviceLayerNormArgs& args) {
  const bool vector = args.width % 4 == 0 && args.x_stride % 4 == 0 && is_aligned16(args.x) &&
                      is_aligned16(args.gamma) && is_aligned16(args.beta);
  return simt::launch(vector ? layernorm_bf16<kSteps, true> : layernorm_bf16<kSteps, false>,
                      {(args.rows + kFastRows - 1) / kFastRows}, kFastThreads, 0, queue.stream, args);
}

}  // namespace

simt::LaunchStatus layernorm(const Queue& queue, const DeviceLayerNormArgs& args) {
  if (args.rows == 0) return simt::kLaunched;
  if (args.out_type == DeviceType::f32)
    return simt::launch(layernorm_exact, {(args.rows + kExactRows - 1) / kExactRows}, kExactThreads, 0, queue.stream,
                        args);
  // The registers of a variant hold its widest row: GPT-2's 768 and 1024, 1280 and 1600, and what may come.
  if (args.width <= 8 * kStep) return queue_bf16<8>(queue, args);
  if (args.width <= 16 * kStep) return queue_bf16<16>(queue, args);
  if (args.width <= kWidest) return queue_bf16<kWidest / kStep>(queue, args);
  return simt::kNoVariant;
}

}  // namespace faultline::ops::cuda
