// gemm with float32 weights, see device_api.h, exact to the bit as ops.h defines it: an output is one chain of fma
// along k, so the size of the tiles cannot change a bit and is chosen for speed alone. Not for speed records: tensor
// cores would round differently.
//
// A block computes a tile of rows x columns. Both operands lie with k contiguous (a's rows, the weights' rows), so they
// are copied to shared memory as they are, kStages - 1 tiles of depth ahead, and a thread reads four steps of k of its
// rows and columns at a time.
#include "native/ops/cuda/math.h"
#include "native/ops/cuda/queue.h"
#include "native/ops/ops.h"

namespace faultline::ops::cuda {
namespace {

using simt::Word4;

constexpr std::int32_t kStages = 3;

/// kThreadRows x kThreadColumns threads, each with kRows x kColumns outputs that lie kThreadRows and kThreadColumns
/// apart: neighbours in a warp then read neighbouring rows of shared memory.
template <std::int32_t kThreadRowsOf, std::int32_t kThreadColumnsOf, std::int32_t kRowsOf, std::int32_t kColumnsOf,
          std::int32_t kDepthOf>
struct Tile {
  static constexpr std::int32_t kThreadRows = kThreadRowsOf, kThreadColumns = kThreadColumnsOf;
  static constexpr std::int32_t kRows = kRowsOf, kColumns = kColumnsOf, kDepth = kDepthOf;
  static constexpr std::int32_t kThreads = kThreadRows * kThreadColumns;
  static constexpr std::int32_t kHeight = kThreadRows * kRows, kWidth = kThreadColumns * kColumns;
  static_assert(kDevicePadOut % kWidth == 0 && kDevicePad % kDepth == 0,
                "the padding of the weights fills whole tiles");
  // A row of shared memory. Four floats more than the depth, so that 16-byte reads of eight neighbouring rows fall into
  // all 32 banks (for a depth of 16: starts 0, 20, 8, 28, 16, 4, 24, 12).
  static constexpr std::int32_t kStride = kDepth + 4;
  static constexpr std::int32_t kStageFloats = (kHeight + kWidth) * kStride;
  static constexpr std::size_t kSharedBytes = sizeof(float) * kStages * kStageFloats;
};
using LargeTile = Tile<16, 16, 4, 4, 16>;
// Few rows: time goes into reading the weights, so tiles are narrow (more blocks) and deep (more bytes in flight).
using SmallTile = Tile<8, 16, 2, 2, 32>;

/// Starts the copies of one stage: kDepth of k from `depth` of the tile's rows and columns. Rows past m are zero.
template <class T>
SIMT_DEVICE void copy_stage(const DeviceGemmArgs& args, std::int32_t row, std::int32_t column, std::int32_t depth,
                            float* stage) {
  constexpr std::int32_t kPieces = T::kDepth / 4;  // of 16 bytes in a row
  const float* const a = static_cast<const float*>(args.a);
  const float* const w = static_cast<const float*>(args.w.data);
  for (std::int32_t i = simt::thread(); i < (T::kHeight + T::kWidth) * kPieces; i += T::kThreads) {
    const std::int32_t line = i / kPieces, piece = 4 * (i % kPieces);
    float* const to = stage + line * T::kStride + piece;
    if (line < T::kHeight) {
      const bool inside = row + line < args.m;
      const std::int64_t source = inside ? (row + line) * args.lda + depth + piece : 0;
      simt::copy_async16(to, a + source, inside);
    } else {
      simt::copy_async16(to, w + std::int64_t{column + line - T::kHeight} * args.w.k_stride + depth + piece);
    }
  }
}

SIMT_DEVICE void read4(const float* shared, float (&out)[4]) {
  const Word4 word = *reinterpret_cast<const Word4*>(shared);
  out[0] = simt::as_float(word.x);
  out[1] = simt::as_float(word.y);
  out[2] = simt::as_float(word.z);
  out[3] = simt::as_float(word.w);
}

/// The chains' next steps of k, ascending: four at a time, then what is left. The padding past k is never multiplied:
/// it is zero, but fma(0, 0, -0) is +0.
template <class T>
SIMT_DEVICE void multiply_stage(const float* a, const float* w, std::int32_t steps,
                                float (&acc)[T::kRows][T::kColumns]) {
  const auto step4 = [&](std::int32_t i, std::int32_t count) {
    float x[T::kRows][4], y[T::kColumns][4];
    for (std::int32_t r = 0; r < T::kRows; ++r) read4(a + r * T::kThreadRows * T::kStride + i, x[r]);
    for (std::int32_t c = 0; c < T::kColumns; ++c) read4(w + c * T::kThreadColumns * T::kStride + i, y[c]);
    for (std::int32_t s = 0; s < 4; ++s) {
      if (s >= count) break;
      for (std::int32_t r = 0; r < T::kRows; ++r) {
        for (std::int32_t c = 0; c < T::kColumns; ++c) acc[r][c] = simt::fma(x[r][s], y[c][s], acc[r][c]);
      }
    }
  };
  if (steps >= T::kDepth) {
    for (std::int32_t i = 0; i < T::kDepth; i += 4) step4(i, 4);
  } else {
    for (std::int32_t i = 0; i < steps; i += 4) step4(i, steps - i);
  }
}

template <class T>
SIMT_KERNEL(T::kThreads, 2)
gemm_tile(DeviceGemmArgs args) {
  simt::inputs_ready();
  float* const shared = reinterpret_cast<float*>(simt::shared_memory());
  const std::int32_t row = simt::block_x() * T::kHeight, column = simt::block_y() * T::kWidth;
  const std::int32_t thread_row = simt::thread() / T::kThreadColumns,
                     thread_column = simt::thread() % T::kThreadColumns;
  const std::int32_t stages = (args.w.k + T::kDepth - 1) / T::kDepth;

  float acc[T::kRows][T::kColumns] = {};
  for (std::int32_t s = 0; s < kStages - 1; ++s) {
    if (s < stages) copy_stage<T>(args, row, column, s * T::kDepth, shared + s * T::kStageFloats);
    simt::copy_commit();
  }
  for (std::int32_t s = 0; s < stages; ++s) {
    simt::copy_wait<kStages - 2>();
    simt::sync_block();  // stage s has landed for all, and all are done with the stage that is filled next
    const std::int32_t next = s + kStages - 1;
    if (next < stages) copy_stage<T>(args, row, column, next * T::kDepth, shared + next % kStages * T::kStageFloats);
    simt::copy_commit();
    const float* const stage = shared + s % kStages * T::kStageFloats;
    multiply_stage<T>(stage + thread_row * T::kStride, stage + (T::kHeight + thread_column) * T::kStride,
                      args.w.k - s * T::kDepth, acc);
  }

  // Tiles end with n_stride at the latest, being fractions of kDevicePadOut; ldo may end before.
  for (std::int32_t r = 0; r < T::kRows; ++r) {
    const std::int32_t i = row + thread_row + r * T::kThreadRows;
    for (std::int32_t c = 0; c < T::kColumns; ++c) {
      const std::int32_t j = column + thread_column + c * T::kThreadColumns;
      if (i >= args.m || j >= args.ldo) continue;
      const std::int64_t at = i * args.ldo + j;
      float value = 0.0f;
      if (j < args.w.n) {
        value = acc[r][c];
        if (args.bias != nullptr) value = simt::add(value, args.bias[j]);
        if (args.epilogue == static_cast<std::int32_t>(Epilogue::gelu)) value = gelu(value);
        if (args.epilogue == static_cast<std::int32_t>(Epilogue::residual)) value = simt::add(value, args.residual[at]);
      }
      static_cast<float*>(args.out)[at] = value;
    }
  }
}

template <class T>
simt::LaunchStatus queue_tiles(const Queue& queue, const DeviceGemmArgs& args) {
  const std::int64_t columns = args.ldo < args.w.n_stride ? args.ldo : args.w.n_stride;
  const simt::Grid grid{(args.m + T::kHeight - 1) / T::kHeight,
                        static_cast<std::int32_t>((columns + T::kWidth - 1) / T::kWidth)};
  return simt::launch(gemm_tile<T>, grid, T::kThreads, T::kSharedBytes, queue.stream, args);
}

}  // namespace

simt::LaunchStatus gemm_f32(const Queue& queue, const DeviceGemmArgs& args) {
  if (args.out_type != DeviceType::f32) return simt::kNoVariant;
  if (args.m == 0) return simt::kLaunched;
  return args.m <= SmallTile::kHeight ? queue_tiles<SmallTile>(queue, args) : queue_tiles<LargeTile>(queue, args);
}

}  // namespace faultline::ops::cuda
