// gemm with bfloat16 operands for compute capability 9.0, see device_api.h: warpgroup products (wgmma) with float
// accumulation. An output is one chain of m64nNk16 along k, ascending, whatever the tiling, so a row's bits do not
// depend on how many rows there are. Products that gemm_bf16_hopper.h gives to gemm_bf16.cu have the same bits, because
// on this capability mma.m16n8k16 rounds as wgmma does. Not exact to ops.h's chain of fma.
//
// A block walks over tiles of rows x columns (gemm_bf16_hopper.h). Its last warp has one thread copy both operands into
// a ring of stages, by the bulk copy engine; the other warpgroups multiply what has landed, 64 rows each. A stage has
// two barriers: `landed` ends a phase with the bytes of both operands, `free` with the last warp that has read them.
// Copies run ahead across the end of a tile, so that the next tile's operands arrive while this one's outputs are
// stored. For small tiles the time goes into what one stage costs besides its products, on both sides: everything there
// is the same for the whole warp, and said to be (simt::uniform, simt::elect), so that it stays off the vector units.
//
// Shared memory: a stage is the tile's rows of A, then its columns of W, as simt::copy_tile leaves them, one box of 64
// of k after the other; then the barriers.
#include <utility>

#include "native/ops/cuda/gemm_bf16_epilogue.h"
#include "native/ops/cuda/gemm_bf16_hopper.h"
#include "native/ops/cuda/queue.h"

namespace faultline::ops::cuda {
namespace {

constexpr std::int32_t kRowBytes = 2 * kGemmHopperBox;
static_assert(simt::kTileColumns == kGemmHopperBox && kDevicePad % kGemmHopperBox == 0);

template <int kIndex>
struct Tiling {
  static constexpr GemmHopperVariant kV = kGemmHopperVariants[kIndex];
  static constexpr std::int32_t kRows = kV.rows(), kColumns = kV.columns, kStages = kV.stages;
  static constexpr std::int32_t kThreads = kV.threads(), kResident = kV.resident;
  static constexpr std::int32_t kBoxes = kV.depth / kGemmHopperBox;
  static constexpr std::int32_t kInputBox = kRows * kRowBytes, kWeightBox = kColumns * kRowBytes;
  static constexpr std::int32_t kWeights = kBoxes * kInputBox;  // byte offset in a stage
  static constexpr std::int32_t kStageBytes = kV.stage_bytes(), kSharedBytes = kV.shared_bytes();
  /// Accumulators of one thread.
  static constexpr std::int32_t kSums = kColumns / 2;
  /// Groups of addends held while products run: what the accumulators and about 70 other values leave of the registers.
  static constexpr std::int32_t kLeft = (kV.registers() - kSums - 72) / 8 * 2;
  static constexpr std::int32_t kBatch = kLeft < 2 ? 2 : kLeft < kSums / 4 ? kLeft : kSums / 4;

  static_assert(kColumns % 16 == 0 && kColumns <= 256 && kStages >= 2);
  static_assert(kWeightBox % 1024 == 0, "a box starts where the swizzle does");
};

/// What the tiles of a product are.
struct Tiles {
  std::int32_t down;
  std::int32_t count;
  std::int32_t stages;  // of one tile
};

/// A place in the ring of stages, and the parity of the phase that fills it.
struct Slot {
  std::int32_t index;
  std::uint32_t parity;
};

template <int kIndex>
SIMT_DEVICE void advance(Slot& slot) {
  if (++slot.index < Tiling<kIndex>::kStages) return;
  slot.index = 0;
  slot.parity ^= 1;
}

/// One of the stages that a block goes through, tile by tile.
struct Place {
  std::int32_t tile, row, column;
  std::int32_t stage;
};

/// Tiles are numbered down the rows first: neighbouring blocks share their columns of W, which are so read from memory
/// once, while A, the smaller operand, stays in the second-level cache.
template <int kIndex>
SIMT_DEVICE Place tile_place(const Tiles& tiles, std::int32_t tile) {
  const std::int32_t across = tile / tiles.down;
  return {tile, (tile - across * tiles.down) * Tiling<kIndex>::kRows, across * Tiling<kIndex>::kColumns, 0};
}

template <int kIndex>
SIMT_DEVICE void advance(const Tiles& tiles, Place& place) {
  if (++place.stage == tiles.stages) place = tile_place<kIndex>(tiles, place.tile + simt::grid_x());
}

/// Past k_stride, where a stage is deeper than what is left, both operands are zeros, which change no sum.
template <int kIndex>
SIMT_DEVICE void copy_inputs(const simt::TileMap& a, const Place& place, std::int32_t slot, simt::Barrier* landed) {
  using T = Tiling<kIndex>;
#pragma unroll
  for (std::int32_t box = 0; box < T::kBoxes; ++box) {
    simt::copy_tile(simt::shared_memory() + slot * T::kStageBytes + box * T::kInputBox, a, place.row,
                    place.stage * T::kV.depth + box * kGemmHopperBox, landed + slot);
  }
}

template <int kIndex>
SIMT_DEVICE void copy_weights(const simt::TileMap& w, const Place& place, std::int32_t slot, simt::Barrier* landed) {
  using T = Tiling<kIndex>;
#pragma unroll
  for (std::int32_t box = 0; box < T::kBoxes; ++box) {
    simt::copy_tile(simt::shared_memory() + slot * T::kStageBytes + T::kWeights + box * T::kWeightBox, w, place.column,
                    place.stage * T::kV.depth + box * kGemmHopperBox, landed + slot);
  }
}

/// The first part of the life of the thread that copies. Weights are there already, so their first stages travel while
/// the kernel before this one ends.
template <int kIndex>
SIMT_DEVICE void start_weights(const simt::TileMap& w, const Tiles& tiles, simt::Barrier* landed, simt::Barrier* free) {
  using T = Tiling<kIndex>;
  for (std::int32_t slot = 0; slot < T::kStages; ++slot) {
    simt::barrier_init(landed + slot, 1);
    simt::barrier_init(free + slot, 4 * T::kV.groups);
  }
  simt::barrier_init_done();
  Place place = tile_place<kIndex>(tiles, simt::block_x());
#pragma unroll 1
  for (std::int32_t slot = 0; slot < T::kStages && place.tile < tiles.count; ++slot) {
    simt::barrier_arrive_expect(landed + slot, T::kStageBytes);
    copy_weights<kIndex>(w, place, slot, landed);
    advance<kIndex>(tiles, place);
  }
}

/// The rest of it.
template <int kIndex>
SIMT_DEVICE void copy_rest(const simt::TileMap& a, const simt::TileMap& w, const Tiles& tiles, simt::Barrier* landed,
                           simt::Barrier* free) {
  using T = Tiling<kIndex>;
  Place place = tile_place<kIndex>(tiles, simt::block_x());
#pragma unroll 1
  for (std::int32_t slot = 0; slot < T::kStages && place.tile < tiles.count; ++slot) {
    copy_inputs<kIndex>(a, place, slot, landed);
    advance<kIndex>(tiles, place);
  }
  Slot slot{0, 0};
#pragma unroll 1
  while (place.tile < tiles.count) {
    simt::barrier_wait(free + slot.index, slot.parity);
    simt::barrier_arrive_expect(landed + slot.index, T::kStageBytes);
    copy_weights<kIndex>(w, place, slot.index, landed);
    copy_inputs<kIndex>(a, place, slot.index, landed);
    advance<kIndex>(slot);
    advance<kIndex>(tiles, place);
  }
}

/// Waits for the stage and starts its products. `first_row`: of the warpgroup, in the tile.
template <int kIndex>
SIMT_DEVICE void multiply(const Slot& slot, std::int32_t first_row, simt::Barrier* landed, bool add,
                          float (&sums)[Tiling<kIndex>::kSums]) {
  using T = Tiling<kIndex>;
  constexpr std::int32_t kStepBytes = 32;  // 16 of k
  const simt::Operand stage = simt::further(simt::operand(simt::shared_memory()), slot.index * T::kStageBytes);
  const simt::Operand rows = simt::further(stage, first_row * kRowBytes);
  simt::barrier_wait(landed + slot.index, slot.parity);
  simt::wgmma_fence();
#pragma unroll
  for (std::int32_t step = 0; step < T::kV.depth / 16; ++step) {
    const std::int32_t box = step * 16 / kGemmHopperBox, within = step % (kGemmHopperBox / 16) * kStepBytes;
    simt::wgmma(sums, simt::further(rows, box * T::kInputBox + within),
                simt::further(stage, T::kWeights + box * T::kWeightBox + within), add || step > 0);
  }
  simt::wgmma_commit();
}

template <int kIndex>
SIMT_DEVICE void multiply_tiles(const DeviceGemmArgs& args, const Tiles& tiles, std::int32_t warp,
                                simt::Barrier* landed, simt::Barrier* free) {
  using T = Tiling<kIndex>;
  const std::int32_t first_row = warp / 4 * 64;
  // This warp has read a stage.
  const auto release = [&](std::int32_t slot) {
    if (simt::lane() == 0) simt::barrier_arrive(free + slot);
  };
  Slot slot{0, 0};
#pragma unroll 1
  for (std::int32_t tile = simt::block_x(); tile < tiles.count; tile += simt::grid_x()) {
    const Place place = tile_place<kIndex>(tiles, tile);
    const std::int32_t row = place.row + warp * 16;
    const auto addends = read_addends<1, T::kColumns / 8, T::kBatch>(args, row, place.column, 0);
    float sums[T::kSums];
    multiply<kIndex>(slot, first_row, landed, false, sums);
    std::int32_t before = slot.index;
    advance<kIndex>(slot);
#pragma unroll 1
    for (std::int32_t stage = 1; stage < tiles.stages; ++stage) {
      multiply<kIndex>(slot, first_row, landed, true, sums);
      simt::wgmma_wait<1>(sums);
      release(before);
      before = slot.index;
      advance<kIndex>(slot);
    }
    simt::wgmma_wait<0>(sums);
    release(before);
    finish_outputs<1, T::kColumns / 8, T::kBatch>(
        args, row, place.column, addends,
        [&](std::int32_t, std::int32_t j, std::int32_t e) { return sums[4 * j + e]; });
  }
}

template <int kIndex>
SIMT_KERNEL(Tiling<kIndex>::kThreads, Tiling<kIndex>::kResident)
gemm_tiles(SIMT_PARAMETER simt::TileMap a, SIMT_PARAMETER simt::TileMap w, DeviceGemmArgs args, Tiles tiles) {
  if (simt::kWarpgroups) {
    using T = Tiling<kIndex>;
    constexpr std::int32_t kCopyWarp = 4 * T::kV.groups;
    simt::Barrier* const landed = reinterpret_cast<simt::Barrier*>(simt::shared_memory() + T::kStages * T::kStageBytes);
    simt::Barrier* const free = landed + T::kStages;
    const std::int32_t warp = simt::uniform(simt::warp());
    if (warp == kCopyWarp && simt::elect()) start_weights<kIndex>(w, tiles, landed, free);
    simt::sync_block();
    simt::inputs_ready();
    if (warp < kCopyWarp) {
      if constexpr (T::kV.moves_registers()) simt::set_registers<T::kV.registers(), true>();
      multiply_tiles<kIndex>(args, tiles, warp, landed, free);
    } else {
      if constexpr (T::kV.moves_registers()) simt::set_registers<kGemmHopperCopyRegisters, false>();
      if (warp == kCopyWarp && simt::elect()) copy_rest<kIndex>(a, w, tiles, landed, free);
    }
  }
}

template <int kIndex>
simt::LaunchStatus queue_tiles(const Queue& queue, const DeviceGemmArgs& args, std::int32_t columns) {
  using T = Tiling<kIndex>;
  Tiles tiles;
  tiles.down = (args.m + T::kRows - 1) / T::kRows;
  tiles.count = tiles.down * ((columns + T::kColumns - 1) / T::kColumns);
  tiles.stages = (args.w.k_stride + T::kV.depth - 1) / T::kV.depth;
  const std::int32_t resident = queue.multiprocessors * T::kResident;
  simt::TileMap a, w;
  if (const simt::LaunchStatus status = simt::describe_tiles(a, args.a, args.m, args.w.k_stride, args.lda, T::kRows);
      status != simt::kLaunched) {
    return status;
  }
  if (const simt::LaunchStatus status =
          simt::describe_tiles(w, args.w.data, args.w.n_stride, args.w.k_stride, args.w.k_stride, T::kColumns);
      status != simt::kLaunched) {
    return status;
  }
  return simt::launch(gemm_tiles<kIndex>, simt::Grid{tiles.count < resident ? tiles.count : resident}, T::kThreads,
                      T::kSharedBytes, queue.stream, a, w, args, tiles);
}

}  // namespace

simt::LaunchStatus gemm_bf16_hopper(const Queue& queue, const DeviceGemmArgs& args) {
  const auto pick = [&](std::int32_t columns) {
    return gemm_hopper_pick(queue.multiprocessors, args.m, columns, args.w.k_stride);
  };
  return gemm_bf16_queue<kGemmHopperVariantCount>(
      args, pick, [&]<int kIndex>(std::integral_constant<int, kIndex>, std::int32_t columns) {
        return queue_tiles<kIndex>(queue, args, columns);
      });
}

}  // namespace faultline::ops::cuda
