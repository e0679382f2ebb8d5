// The tilings of the bfloat16 matrix product (gemm_bf16.cu), and which one a shape gets. Every output is the same chain
// of tensor-core products in every tiling, so the choice is about time alone and never about bits. Host side, plain
// C++; the tests read it to know that they reach every row. No kernel here.
#pragma once

#include <cstdint>

namespace faultline::ops::cuda {

/// Depth of one stage of the copy pipeline: kDevicePad, so that a product has a whole number of stages, and 128 bytes,
/// so that a row of a stage covers all 32 banks of shared memory once.
inline constexpr std::int32_t kGemmBf16Depth = 64;

/// A block computes rows x columns outputs, each of its warps warp_rows x warp_columns of them, with `stages` depths of
/// both operands in shared memory. `resident`: blocks that the register file of one multiprocessor takes (the compiler
/// holds to it).
struct GemmBf16Variant {
  std::int32_t rows, columns, warp_rows, warp_columns, stages, resident;

  constexpr std::int32_t warps() const { return rows / warp_rows * (columns / warp_columns); }
  constexpr std::int32_t threads() const { return 32 * warps(); }
  constexpr std::int32_t stage_bytes() const { return (rows + columns) * kGemmBf16Depth * 2; }
  constexpr std::int32_t shared_bytes() const { return stages * stage_bytes(); }
};

inline constexpr GemmBf16Variant kGemmBf16Variants[] = {
    // Decoding: time goes into reading the weights once and into the latency of the chains, so many small blocks with
    // many stages in flight.
    {16, 16, 16, 8, 8, 8},
    {16, 64, 16, 16, 6, 4},
    {32, 32, 16, 16, 6, 4},
    {32, 64, 16, 32, 5, 4},
    // Prefill and large batches. For r x c products of a step a warp reads r + c fragments from shared memory: 64 x 64
    // has the best ratio that 255 registers allow. 80 rows, because 1600 x 768 outputs are 120 tiles of 80 x 128, one
    // for nearly each of 132 multiprocessors, where tiles of 64 or 128 rows leave a third of the machine idle.
    {64, 64, 32, 32, 4, 4},
    {64, 128, 32, 64, 3, 3},
    {80, 128, 80, 32, 3, 2},
    {128, 128, 64, 64, 3, 2},
    {160, 128, 80, 32, 3, 1},
    {128, 256, 64, 64, 3, 1},
};
inline constexpr std::int32_t kGemmBf16VariantCount = sizeof(kGemmBf16Variants) / sizeof(kGemmBf16Variants[0]);

/// What one multiprocessor does in a clock cycle, as far as tiles differ by it.
struct GemmBf16Machine {
  double products;            // multiply-adds that mma.m16n8k16 reaches with float accumulation
  double copied;              // bytes from the second-level cache when all multiprocessors read
  std::int32_t shared;        // bytes of shared memory, of which a block has kGemmBf16SharedReserved for the system
  std::int32_t shared_block;  // most bytes of one block
};
inline constexpr std::int32_t kGemmBf16SharedReserved = 1024;

/// `capability` is 10 * major + minor. Products: 62% of the peak of wgmma on 9.0, which mma.sync cannot exceed, 90% of
/// the peak elsewhere, and half rate for float accumulation on 8.6 and the other consumer parts.
constexpr GemmBf16Machine gemm_bf16_machine(std::int32_t capability) {
  constexpr std::int32_t kKiB = 1024;
  if (capability == 80 || capability == 87) return {920, 36, 164 * kKiB, 163 * kKiB};
  if (capability >= 90 && capability < 120) return {1270, 40, 228 * kKiB, 227 * kKiB};
  return {240, 30, 100 * kKiB, 99 * kKiB};
}

constexpr bool gemm_bf16_fits(const GemmBf16Variant& v, std::int32_t capability) {
  return v.shared_bytes() <= gemm_bf16_machine(capability).shared_block;
}

/// Blocks of one multiprocessor at a time; at least 1 for a variant that fits.
constexpr std::int32_t gemm_bf16_resident(const GemmBf16Variant& v, std::int32_t capability) {
  const std::int32_t by_shared = gemm_bf16_machine(capability).shared / (v.shared_bytes() + kGemmBf16SharedReserved);
  return by_shared < v.resident ? by_shared : v.resident;
}

/// Estimated cycles for m x n outputs of depth k: waves of resident blocks times the time of a wave, which for every 16
/// of k is that of the slowest of tensor cores, copies from the second-level cache and reads of shared memory (and a
/// part of the others), and at least one link of the chain. Memory bandwidth is left out: it is the same for every
/// tiling.
constexpr double gemm_bf16_cost(const GemmBf16Variant& v, std::int32_t capability, std::int32_t multiprocessors,
                                std::int32_t m, std::int32_t n, std::int32_t k) {
  constexpr double kLink = 36;      // latency of an mma with its fragments already loaded
  constexpr double kShared = 128;   // bytes per cycle
  constexpr double kFill = 1200;    // from the start of a block to its first product
  constexpr double kStored = 24;    // bytes per cycle, outputs of four bytes
  constexpr double kExposed = 0.2;  // of what should overlap with the slowest, and does not
  const GemmBf16Machine machine = gemm_bf16_machine(capability);
  const std::int64_t tiles = std::int64_t{(m + v.rows - 1) / v.rows} * ((n + v.columns - 1) / v.columns);
  const std::int64_t each = (tiles + multiprocessors - 1) / multiprocessors;
  const std::int32_t resident = gemm_bf16_resident(v, capability);

  const double products = 16.0 * v.rows * v.columns / machine.products;
  const double copies = 32.0 * (v.rows + v.columns) / machine.copied;
  const double fragments = 32.0 * (v.warps() * (v.warp_rows + v.warp_columns) + v.rows + v.columns) / kShared;
  const double slowest =
      products > copies ? (products > fragments ? products : fragments) : (copies > fragments ? copies : fragments);
  const double work = slowest + kExposed * (products + copies + fragments - slowest);
  const double store = 4.0 * v.rows * v.columns / kStored;
  const auto wave = [&](std::int64_t blocks) {
    const double step = static_cast<double>(blocks) * work;
    return blocks == 0 ? 0.0 : k / 16.0 * (step > kLink ? step : kLink) + static_cast<double>(blocks) * store;
  };
  return kFill + static_cast<double>(each / resident) * wave(resident) + wave(each % resident);
}

/// Index into kGemmBf16Variants: the cheapest that fits; of equals the first.
constexpr std::int32_t gemm_bf16_pick(std::int32_t capability, std::int32_t multiprocessors, std::int32_t m,
                                      std::int32_t n, std::int32_t k) {
  std::int32_t best = 0;
  double least = 0;
  for (std::int32_t i = 0; i < kGemmBf16VariantCount; ++i) {
    if (!gemm_bf16_fits(kGemmBf16Variants[i], capability)) continue;
    const double cost = gemm_bf16_cost(kGemmBf16Variants[i], capability, multiprocessors, m, n, k);
    if (i == 0 || cost < least) {
      best = i;
      least = cost;
    }
  }
  return best;
}

}  // namespace faultline::ops::cuda
