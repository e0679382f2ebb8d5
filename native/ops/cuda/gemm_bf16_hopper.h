// The tilings of the bfloat16 matrix product for compute capability 9.0 (gemm_bf16_hopper.cu), and which one a shape
// gets. Every output is the same chain of warpgroup products in every tiling, so the choice is about time alone and
// never about bits. Host side, plain C++; the tests read it to know that they reach every row. No kernel here.
#pragma once

#include <cstdint>

namespace faultline::ops::cuda {

/// The only compute capability, 10 * major + minor, whose code has warpgroup products of this kind.
inline constexpr std::int32_t kGemmHopperCapability = 90;

/// Whether a product of m rows is for warpgroup products. They compute 64 rows at least; for half as many, which is
/// decoding a few sequences, the time is the latency of one chain, of which mma.m16n8k16 (gemm_bf16.cu) has less: on an
/// H200 it was as fast or faster at 1 and 16 rows in all shapes of the 124M and 355M models, and slower at 64 in all.
/// So a row may be multiplied by either instruction, depending on how many rows there are. Its bits are the same all
/// the same, because both round alike on this capability, of which NVIDIA promises nothing: it was found on the devices
/// at hand, and device_gemm_bf16_rows_do_not_depend_on_the_instruction finds it, or not, on any other.
constexpr bool gemm_hopper_suits(std::int32_t capability, std::int32_t m) {
  constexpr std::int32_t kFewRows = 32;
  return capability == kGemmHopperCapability && m > kFewRows;
}

/// A row of an operand in shared memory is the 128 bytes of the swizzle; a stage has one or two of them along k.
inline constexpr std::int32_t kGemmHopperBox = 64;

/// Registers of the threads that copy, where they give the others theirs.
inline constexpr std::int32_t kGemmHopperCopyRegisters = 32;

/// A block computes 64 `groups` x columns outputs, a warpgroup 64 rows of them, with `stages` of both operands in
/// shared memory, `depth` of k each. `resident`: blocks that one multiprocessor takes.
struct GemmHopperVariant {
  std::int32_t groups, columns, depth, stages, resident;

  constexpr std::int32_t rows() const { return 64 * groups; }
  /// Large blocks have a whole warpgroup for the thread that copies, because registers move between warpgroups.
  constexpr bool moves_registers() const { return groups > 1 && resident == 1; }
  constexpr std::int32_t threads() const { return 128 * groups + (moves_registers() ? 128 : 32); }
  /// Of a thread, as blocks start. The register file is four parts of 512 registers for each lane.
  constexpr std::int32_t even_registers() const {
    const std::int32_t even = 512 / ((threads() / 32 * resident + 3) / 4) / 8 * 8;
    return even > 255 ? 255 : even;
  }
  /// Of a thread that multiplies: together no more than the block started with.
  constexpr std::int32_t registers() const {
    return moves_registers() ? (even_registers() * (groups + 1) - kGemmHopperCopyRegisters) / groups / 8 * 8
                             : even_registers();
  }
  constexpr std::int32_t stage_bytes() const { return (rows() + columns) * depth * 2; }
  constexpr std::int32_t shared_bytes() const { return stages * (stage_bytes() + 16); }
};

inline constexpr GemmHopperVariant kGemmHopperVariants[] = {
    // Decoding: the latency of a chain, so two k boxes for every wait, and as many of them under way as fit.
    {1, 16, 128, 5, 2},
    {1, 32, 128, 4, 2},
    {1, 64, 64, 6, 2},
    {1, 96, 64, 5, 2},
    // Prefill and large batches: the more outputs in a tile the less is read for each, but 132 multiprocessors want
    // nearly a multiple of 132 tiles. 1600 x 768 outputs are 104 tiles of 128 x 96, 1600 x 3072 are 260 of 128 x 160.
    {2, 96, 64, 7, 1},
    {2, 128, 64, 6, 1},
    {2, 160, 64, 6, 1},
    {3, 128, 64, 5, 1},
};
inline constexpr std::int32_t kGemmHopperVariantCount = sizeof(kGemmHopperVariants) / sizeof(kGemmHopperVariants[0]);

/// Estimated cycles for m x n outputs of depth k, but for what is the same in every tiling: waves of resident blocks
/// times the time of a wave, as gemm_bf16_cost has it, and for each wave the start of its products and the end of its
/// stores. The constants are round numbers near a fit to times on an H200 (seven shapes of the 124M and 355M models, 1
/// to 1600 rows), where the pick took at most 5.2% longer than the best of the tilings; they are not to be read as
/// limits of the hardware.
constexpr double gemm_hopper_cost(const GemmHopperVariant& v, std::int32_t multiprocessors, std::int32_t m,
                                  std::int32_t n, std::int32_t k) {
  constexpr double kProducts = 2048;    // multiply-adds per cycle
  constexpr double kCopied = 59;        // bytes per cycle from the second-level cache
  constexpr double kShared = 128;       // bytes per cycle
  constexpr double kLink = 67;          // latency of a product of 16 of k with its share of a stage's barriers
  constexpr double kLinkColumn = 0.95;  // more for each column
  constexpr double kStored = 18;        // bytes per cycle, outputs of four bytes, of one block alone
  constexpr double kStoredNext = 0.5;   // of that time for every other block, because their stores overlap
  constexpr double kWave = 700;         // what a wave takes besides
  constexpr double kExposed = 0.35;     // of what should overlap with the slowest, and does not
  const std::int64_t down = (m + v.rows() - 1) / v.rows();
  const std::int64_t tiles = down * ((n + v.columns - 1) / v.columns);
  const std::int64_t each = (tiles + multiprocessors - 1) / multiprocessors;

  const double products = 16.0 * v.rows() * v.columns / kProducts;
  const double copies = 32.0 * (v.rows() + v.columns) / kCopied;
  const double fragments = 32.0 * v.groups * (64 + v.columns) / kShared;
  const double slowest =
      products > copies ? (products > fragments ? products : fragments) : (copies > fragments ? copies : fragments);
  const double work = slowest + kExposed * (products + copies + fragments - slowest);
  const double link = kLink + kLinkColumn * v.columns;
  const double store = 4.0 * v.rows() * v.columns / kStored;
  const auto wave = [&](std::int64_t blocks) {
    if (blocks == 0) return 0.0;
    const double step = static_cast<double>(blocks) * work;
    return k / 16.0 * (step > link ? step : link) + store * (1 + kStoredNext * static_cast<double>(blocks - 1)) + kWave;
  };
  return static_cast<double>(each / v.resident) * wave(v.resident) + wave(each % v.resident);
}

/// Index into kGemmHopperVariants: the cheapest; of equals the first.
constexpr std::int32_t gemm_hopper_pick(std::int32_t multiprocessors, std::int32_t m, std::int32_t n, std::int32_t k) {
  std::int32_t best = 0;
  double least = 0;
  for (std::int32_t i = 0; i < kGemmHopperVariantCount; ++i) {
    const double cost = gemm_hopper_cost(kGemmHopperVariants[i], multiprocessors, m, n, k);
    if (i == 0 || cost < least) {
      best = i;
      least = cost;
    }
  }
  return best;
}

}  // namespace faultline::ops::cuda
