// gemm with bfloat16 operands, see device_api.h: tensor-core products with float accumulation. An output is one chain
// of mma.m16n8k16 along k, ascending, whatever the tiling, so a row's bits do not depend on how many rows there are.
// Not exact to ops.h's chain of fma: a tensor core adds the 16 products of a step in its own way.
//
// A block walks over tiles of rows x columns (gemm_bf16_variants.h). Both operands lie with k contiguous and are copied
// asynchronously, kGemmBf16Depth of k and stages - 1 steps ahead, also across the end of a tile, so that the next
// tile's operands arrive while this one's outputs are stored. Fragments are read one step of k ahead of the products.
//
// Shared memory: a stage is the tile's rows of A, then its columns of W, 128 bytes each. The 16-byte piece p of row r
// lies at piece p ^ (r % 8): the eight rows that one ldmatrix phase reads at the same p then fall into different banks.
#include <utility>

#include "native/ops/cuda/gemm_bf16_epilogue.h"
#include "native/ops/cuda/gemm_bf16_variants.h"
#include "native/ops/cuda/queue.h"

namespace faultline::ops::cuda {
namespace {

constexpr std::int32_t kRowBytes = 2 * kGemmBf16Depth;
constexpr std::int32_t kPieces = kRowBytes / 16;

template <int kIndex>
struct Tiling {
  static constexpr GemmBf16Variant kV = kGemmBf16Variants[kIndex];
  static constexpr std::int32_t kRows = kV.rows, kColumns = kV.columns, kStages = kV.stages, kThreads = kV.threads();
  static constexpr std::int32_t kWarpsDown = kV.rows / kV.warp_rows;
  static constexpr std::int32_t kWarpRows = kV.warp_rows, kWarpColumns = kV.warp_columns;
  static constexpr std::int32_t kStageBytes = kV.stage_bytes(), kSharedBytes = kV.shared_bytes();
  /// Products of a warp: down x across of 16 x 8 outputs.
  static constexpr std::int32_t kDown = kWarpRows / 16, kAcross = kWarpColumns / 8;
  /// One ldmatrix brings W's fragments for 16 columns and 16 of k, or for a warp of 8 columns 32 of k.
  static constexpr std::int32_t kLinks = kAcross == 1 ? 2 : 1;  // of 16 of k, in one step
  static constexpr std::int32_t kSteps = kGemmBf16Depth / (16 * kLinks);
  /// Rows between the pieces that one thread copies.
  static constexpr std::int32_t kCopyStride = kThreads / kPieces;

  static_assert(kV.rows % kV.warp_rows == 0 && kV.columns % kV.warp_columns == 0);
  static_assert(kWarpRows % 16 == 0 && (kAcross == 1 || kAcross % 2 == 0));
  static_assert(kRows % kCopyStride == 0 && kColumns % kCopyStride == 0 && kCopyStride % 8 == 0);
  static_assert(kSteps % 2 == 0, "fragments alternate between two sets, across stages too");
  static_assert(kStages >= 3);
};

/// One operand's next stage, as far as this thread copies it: one piece of every kCopyStride-th row.
struct Source {
  const char* first;    // piece of the first row; that row exists
  std::int32_t stride;  // of rows, in bytes; 32 bits, so that an address is one multiply-add
  std::int32_t rows;    // that exist from the first on; the others are zeros. 0 or less: all zeros
  std::int32_t last;    // rows - 1 or 0: gives the others an address that exists, although nothing is read there
};

/// What this thread copies next. After the block's last tile that is zeros, to where nobody reads: fewer instructions
/// than a branch in the pipeline.
struct Feed {
  Source a, w;
  std::int32_t tile;
  std::int32_t left;  // stages of this tile
  std::int32_t slot;  // byte offset of the stage to fill
};

SIMT_DEVICE void start_rows(Source& source, const void* data, std::int32_t row, std::int32_t rows, bool any) {
  source.first = static_cast<const char*>(data) + std::int64_t{row < rows ? row : 0} * source.stride +
                 simt::thread() % kPieces * 16;
  source.rows = any ? rows - row : 0;
  source.last = source.rows > 1 ? source.rows - 1 : 0;
}

/// Tiles are numbered down the rows first: neighbouring blocks share their columns of W, which are so read from memory
/// once, while A, the smaller operand, stays in the second-level cache.
template <int kIndex>
SIMT_DEVICE void start_tile(const DeviceGemmArgs& args, std::int32_t tiles_down, std::int32_t tiles, Feed& feed) {
  using T = Tiling<kIndex>;
  const bool any = feed.tile < tiles;
  const std::int32_t tile = any ? feed.tile : 0, row = simt::thread() / kPieces;
  start_rows(feed.a, args.a, tile % tiles_down * T::kRows + row, args.m, any);
  start_rows(feed.w, args.w.data, tile / tiles_down * T::kColumns + row, args.w.n_stride, any);
  feed.left = args.w.k_stride / kGemmBf16Depth;
}

template <int kIndex>
SIMT_DEVICE Feed start_feed(const DeviceGemmArgs& args, std::int32_t tiles_down, std::int32_t tiles) {
  Feed feed;
  feed.a.stride = static_cast<std::int32_t>(2 * args.lda);
  feed.w.stride = 2 * args.w.k_stride;
  feed.tile = simt::block_x();
  feed.slot = 0;
  start_tile<kIndex>(args, tiles_down, tiles, feed);
  return feed;
}

/// Starts every kParts-th of the copies of kRows rows, from kPart on. kWhole: of the rows all or none exist.
template <std::int32_t kRows, std::int32_t kStride, int kPart, int kParts, bool kWhole>
SIMT_DEVICE void copy_rows(char* to, const Source& from) {
#pragma unroll
  for (std::int32_t i = kPart; i < kRows / kStride; i += kParts) {
    const std::int32_t r = i * kStride, row = kWhole || r < from.last ? r : from.last;
    simt::copy_async16(to + r * kRowBytes, from.first + std::int64_t{row} * from.stride, (kWhole ? 0 : r) < from.rows);
  }
}

/// Where this thread's first piece goes in the stage to fill.
SIMT_DEVICE char* copy_to(const Feed& feed) {
  const std::int32_t row = simt::thread() / kPieces;
  return simt::shared_memory() + feed.slot + row * kRowBytes + ((simt::thread() % kPieces) ^ (row % kPieces)) * 16;
}

template <int kIndex, int kPart, int kParts>
SIMT_DEVICE void copy_inputs(const Feed& feed) {
  using T = Tiling<kIndex>;
  copy_rows<T::kRows, T::kCopyStride, kPart, kParts, false>(copy_to(feed), feed.a);
}

template <int kIndex, int kPart, int kParts>
SIMT_DEVICE void copy_weights(const Feed& feed) {
  using T = Tiling<kIndex>;
  // W's rows are padded to kDevicePadOut, so only wider tiles reach past them.
  constexpr bool kWhole = T::kColumns <= kDevicePadOut;
  copy_rows<T::kColumns, T::kCopyStride, kPart, kParts, kWhole>(copy_to(feed) + T::kRows * kRowBytes, feed.w);
}

template <int kIndex>
SIMT_DEVICE void advance(const DeviceGemmArgs& args, std::int32_t tiles_down, std::int32_t tiles, Feed& feed) {
  using T = Tiling<kIndex>;
  feed.slot = feed.slot == T::kSharedBytes - T::kStageBytes ? 0 : feed.slot + T::kStageBytes;
  feed.a.first += kRowBytes;
  feed.w.first += kRowBytes;
  if (--feed.left == 0) {
    feed.tile += simt::grid_x();
    start_tile<kIndex>(args, tiles_down, tiles, feed);
  }
}

template <int kIndex>
struct Fragments {
  using T = Tiling<kIndex>;
  std::uint32_t a[T::kLinks][T::kDown][4];
  std::uint32_t b[T::kLinks][T::kAcross][2];
};

/// Where this lane reads: byte offsets in a stage of its row of A and of W, and of its piece at k = 0. Rows start at
/// multiples of 8, so the swizzle is the lane's alone, and the piece at another k is one exclusive or away.
struct LaneOffsets {
  std::int32_t a_row, a_piece, b_row, b_piece;
};

template <int kIndex>
SIMT_DEVICE LaneOffsets lane_offsets() {
  using T = Tiling<kIndex>;
  const std::int32_t lane = simt::lane(), warp = simt::warp();
  const std::int32_t row = warp % T::kWarpsDown * T::kWarpRows, column = warp / T::kWarpsDown * T::kWarpColumns;
  LaneOffsets at;
  // The four matrices of an A fragment: rows 0-7 and 8-15, then the same 8 of k further on.
  at.a_row = (row + lane % 16) * kRowBytes;
  at.a_piece = ((lane / 16) ^ (lane % 8)) * 16;
  if constexpr (T::kAcross == 1) {  // the four: 8 columns at four times 8 of k
    at.b_row = (T::kRows + column + lane % 8) * kRowBytes;
    at.b_piece = ((lane / 8) ^ (lane % 8)) * 16;
  } else {  // the four: 8 columns at twice 8 of k, then the next 8 columns
    at.b_row = (T::kRows + column + lane / 16 * 8 + lane % 8) * kRowBytes;
    at.b_piece = ((lane / 8 % 2) ^ (lane % 8)) * 16;
  }
  return at;
}

template <int kIndex>
SIMT_DEVICE void load_fragments(const char* stage, const LaneOffsets& at, std::int32_t step, Fragments<kIndex>& f) {
  using T = Tiling<kIndex>;
  constexpr std::int32_t kLinkBytes = 32;  // 16 of k
#pragma unroll
  for (std::int32_t link = 0; link < T::kLinks; ++link) {
    const char* const from = stage + at.a_row + (at.a_piece ^ ((step * T::kLinks + link) * kLinkBytes));
#pragma unroll
    for (std::int32_t i = 0; i < T::kDown; ++i) simt::load_matrix4(f.a[link][i], from + i * 16 * kRowBytes);
  }
  const char* const from = stage + at.b_row + (at.b_piece ^ (step * T::kLinks * kLinkBytes));
  std::uint32_t r[4];
  if constexpr (T::kAcross == 1) {
    simt::load_matrix4(r, from);
    f.b[0][0][0] = r[0];
    f.b[0][0][1] = r[1];
    f.b[1][0][0] = r[2];
    f.b[1][0][1] = r[3];
  } else {
#pragma unroll
    for (std::int32_t j = 0; j < T::kAcross; j += 2) {
      simt::load_matrix4(r, from + j * 8 * kRowBytes);
      f.b[0][j][0] = r[0];
      f.b[0][j][1] = r[1];
      f.b[0][j + 1][0] = r[2];
      f.b[0][j + 1][1] = r[3];
    }
  }
}

template <int kIndex>
SIMT_DEVICE void multiply(const Fragments<kIndex>& f, float (&acc)[Tiling<kIndex>::kDown][Tiling<kIndex>::kAcross][4]) {
  using T = Tiling<kIndex>;
#pragma unroll
  for (std::int32_t link = 0; link < T::kLinks; ++link) {
#pragma unroll
    for (std::int32_t i = 0; i < T::kDown; ++i) {
#pragma unroll
      for (std::int32_t j = 0; j < T::kAcross; ++j) simt::mma(acc[i][j], f.a[link][i], f.b[link][j]);
    }
  }
}

/// Bias, epilogue and stores of one tile.
template <int kIndex>
SIMT_DEVICE void finish_tile(const DeviceGemmArgs& args, std::int32_t tile_row, std::int32_t tile_column,
                             const float (&acc)[Tiling<kIndex>::kDown][Tiling<kIndex>::kAcross][4]) {
  using T = Tiling<kIndex>;
  // Residuals of all rows at once, unless the accumulators leave no registers for that.
  constexpr std::int32_t kBatch = T::kDown * T::kAcross > 20 ? 4 : 2 * T::kDown;
  const std::int32_t row = tile_row + simt::warp() % T::kWarpsDown * T::kWarpRows;
  const std::int32_t column = tile_column + simt::warp() / T::kWarpsDown * T::kWarpColumns;
  const auto addends = read_addends<T::kDown, T::kAcross, kBatch>(args, row, column, 0);
  finish_outputs<T::kDown, T::kAcross, kBatch>(
      args, row, column, addends, [&](std::int32_t i, std::int32_t j, std::int32_t e) { return acc[i][j][e]; });
}

template <int kIndex>
SIMT_KERNEL(Tiling<kIndex>::kThreads, Tiling<kIndex>::kV.resident)
gemm_tiles(DeviceGemmArgs args, std::int32_t tiles_down, std::int32_t tiles) {
  using T = Tiling<kIndex>;
  Feed feed = start_feed<kIndex>(args, tiles_down, tiles);
  // Weights are there already, so their first stages travel while the kernel before this one ends.
  Feed ahead = feed;
#pragma unroll
  for (std::int32_t stage = 0; stage < T::kStages - 1; ++stage) {
    copy_weights<kIndex, 0, 1>(ahead);
    advance<kIndex>(args, tiles_down, tiles, ahead);
  }
  simt::inputs_ready();
#pragma unroll
  for (std::int32_t stage = 0; stage < T::kStages - 1; ++stage) {
    copy_inputs<kIndex, 0, 1>(feed);
    simt::copy_commit();
    advance<kIndex>(args, tiles_down, tiles, feed);
  }

  const LaneOffsets at = lane_offsets<kIndex>();
  std::int32_t slot = 0;
  Fragments<kIndex> fragments[2];
  simt::copy_wait<T::kStages - 2>();
  simt::sync_block();

  const std::int32_t depths = args.w.k_stride / kGemmBf16Depth;
  for (std::int32_t tile = simt::block_x(); tile < tiles; tile += simt::grid_x()) {
    // For the second tile on these are already there, but holding them while outputs are stored costs registers.
    load_fragments<kIndex>(simt::shared_memory() + slot, at, 0, fragments[0]);
    float acc[T::kDown][T::kAcross][4] = {};
    for (std::int32_t depth = 0; depth < depths; ++depth) {
      const auto step = [&]<int kStep>(std::integral_constant<int, kStep>) {
        constexpr bool kLast = kStep == T::kSteps - 1;
        if constexpr (kLast) {
          // The copies of this round are complete: all warps are past the slot that they went to. The next stage has
          // landed for this thread; after the barrier for all, and all have read this stage to its end.
          simt::copy_commit();
          advance<kIndex>(args, tiles_down, tiles, feed);
          simt::copy_wait<T::kStages - 2>();
          simt::sync_block();
          slot = slot == T::kSharedBytes - T::kStageBytes ? 0 : slot + T::kStageBytes;
        }
        // After the last stage of all this reads what nobody multiplies.
        load_fragments<kIndex>(simt::shared_memory() + slot, at, (kStep + 1) % T::kSteps, fragments[(kStep + 1) % 2]);
        if constexpr (!kLast) {
          copy_inputs<kIndex, kStep, T::kSteps - 1>(feed);
          copy_weights<kIndex, kStep, T::kSteps - 1>(feed);
        }
        multiply<kIndex>(fragments[kStep % 2], acc);
      };
      [&]<int... kStep>(std::integer_sequence<int, kStep...>) { (step(std::integral_constant<int, kStep>{}), ...); }
      (std::make_integer_sequence<int, T::kSteps>{});
    }
    finish_tile<kIndex>(args, tile % tiles_down * T::kRows, tile / tiles_down * T::kColumns, acc);
  }
}

template <int kIndex>
simt::LaunchStatus queue_tiles(const Queue& queue, const DeviceGemmArgs& args, std::int32_t columns) {
  using T = Tiling<kIndex>;
  const std::int32_t tiles_down = (args.m + T::kRows - 1) / T::kRows;
  const std::int32_t tiles = tiles_down * ((columns + T::kColumns - 1) / T::kColumns);
  const std::int32_t resident = queue.multiprocessors * gemm_bf16_resident(T::kV, queue.capability);
  return simt::launch(gemm_tiles<kIndex>, simt::Grid{tiles < resident ? tiles : resident}, T::kThreads, T::kSharedBytes,
                      queue.stream, args, tiles_down, tiles);
}

}  // namespace

simt::LaunchStatus gemm_bf16(const Queue& queue, const DeviceGemmArgs& args) {
  const auto pick = [&](std::int32_t columns) {
    return gemm_bf16_pick(queue.capability, queue.multiprocessors, args.m, columns, args.w.k_stride);
  };
  return gemm_bf16_queue<kGemmBf16VariantCount>(
      args, pick, [&]<int kIndex>(std::integral_constant<int, kIndex>, std::int32_t columns) {
        return queue_tiles<kIndex>(queue, args, columns);
      });
}

}  // namespace faultline::ops::cuda
