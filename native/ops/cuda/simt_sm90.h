// simt.h's part for the warpgroup products and bulk copies of compute capability 9.0, under nvcc. Included by simt.h
// alone. The instructions exist in code for sm_90a only, so kernels use them inside of `if (kWarpgroups)`.
#pragma once

namespace faultline::ops::cuda::simt {

/// On the device: whether this code may use the rest of this file. On the host: whether the library has such code,
/// which the build says.
#if defined(__CUDA_ARCH_FEAT_SM90_ALL) || (!defined(__CUDA_ARCH__) && defined(FAULTLINE_CUDA_SM90A))
inline constexpr bool kWarpgroups = true;
#else
inline constexpr bool kWarpgroups = false;
#endif

SIMT_DEVICE std::uint32_t shared_address(const void* shared) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
}

/// A value that all threads of a warp have in common, in a way that the compiler knows of: what follows from it is
/// computed once for the warp, and branches on it are none to the warp.
SIMT_DEVICE std::int32_t uniform(std::int32_t value) { return __shfl_sync(0xFFFFFFFFu, value, 0); }
/// True in one thread of the warp, always the same. All call it; the compiler knows that what follows runs once.
SIMT_DEVICE bool elect() {
  std::uint32_t elected;
  asm volatile("{\n\t.reg .pred p;\n\telect.sync _|p, 0xFFFFFFFF;\n\tselp.u32 %0, 1, 0, p;\n\t}" : "=r"(elected));
  return elected != 0;
}

/// A barrier in shared memory that threads need not wait at (mbarrier). A phase ends when all arrivals have come and
/// all bytes that they expect have landed; then the next one begins.
using Barrier = std::uint64_t;
SIMT_DEVICE void barrier_init(Barrier* barrier, std::int32_t arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(arrivals) : "memory");
}
/// After the initialisations, by their thread: shows them to bulk copies. The block's other threads see them after
/// sync_block.
SIMT_DEVICE void barrier_init_done() {
  asm volatile("fence.mbarrier_init.release.cluster;\n\tfence.proxy.async.shared::cta;" ::: "memory");
}
SIMT_DEVICE void barrier_arrive(Barrier* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier)) : "memory");
}
SIMT_DEVICE void barrier_arrive_expect(Barrier* barrier, std::int32_t bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes)
               : "memory");
}
/// Returns when a phase of that parity has ended: the first has parity 0. Waiting for parity 1 at first returns at
/// once.
SIMT_DEVICE void barrier_wait(Barrier* barrier, std::uint32_t parity) {
  const std::uint32_t at = shared_address(barrier);
  std::uint32_t done = 0;
  do {
    asm volatile(
        "{\n\t.reg .pred p;\n\tmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n\tselp.u32 %0, 1, 0, p;\n\t}"
        : "=r"(done)
        : "r"(at), "r"(parity)
        : "memory");
  } while (done == 0);
}

/// A matrix of 16-bit elements in global memory that is copied in tiles of box_rows x kTileColumns.
struct TileMap {
  CUtensorMap map;
};
/// How a kernel declares a parameter of type TileMap.
#define SIMT_PARAMETER const __grid_constant__
inline constexpr std::int32_t kTileColumns = 64;
/// `data` is 16-byte aligned, `stride` (elements between rows) a multiple of 8 and box_rows at most 256.
inline LaunchStatus describe_tiles(TileMap& tiles, const void* data, std::int64_t rows, std::int64_t columns,
                                   std::int64_t stride, std::int32_t box_rows) {
  using Encode = decltype(&cuTensorMapEncodeTiled);
  // Asked of the driver, so that the library loads where there is none.
  static const Encode encode = [] {
    void* found = nullptr;
    cudaDriverEntryPointQueryResult result{};
#if CUDART_VERSION >= 12050
    const cudaError_t error =
        cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, 12000, cudaEnableDefault, &result);
#else
    const cudaError_t error = cudaGetDriverEntryPoint("cuTensorMapEncodeTiled", &found, cudaEnableDefault, &result);
#endif
    return error == cudaSuccess && result == cudaDriverEntryPointSuccess ? reinterpret_cast<Encode>(found) : nullptr;
  }();
  if (encode == nullptr) return cudaErrorInsufficientDriver;
  const cuuint64_t sizes[] = {static_cast<cuuint64_t>(columns), static_cast<cuuint64_t>(rows)};
  const cuuint64_t strides[] = {static_cast<cuuint64_t>(2 * stride)};
  const cuuint32_t box[] = {kTileColumns, static_cast<cuuint32_t>(box_rows)};
  const cuuint32_t steps[] = {1, 1};
  const CUresult result = encode(&tiles.map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, const_cast<void*>(data), sizes,
                                 strides, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                                 CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return result == CUDA_SUCCESS ? kLaunched : cudaErrorInvalidValue;
}
/// Starts the copy of the box at (row, column), by one thread, to shared memory that is 1024-byte aligned, and counts
/// its bytes at `landed`: a row takes 128 bytes, its 16-byte piece p lies at piece p ^ (row % 8). What is outside of
/// the matrix is zeros.
SIMT_DEVICE void copy_tile(void* shared, const TileMap& tiles, std::int32_t row, std::int32_t column, Barrier* landed) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" ::
          "r"(shared_address(shared)),
      "l"(&tiles), "r"(shared_address(landed)), "r"(column), "r"(row)
      : "memory");
}

/// Moves registers between a block's warpgroups: every thread of one calls it, in a kernel of one block to a
/// multiprocessor; kMore says whether kCount, a multiple of 8, is more than the thread has.
template <int kCount, bool kMore>
SIMT_DEVICE void set_registers() {
  if constexpr (kMore) {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kCount));
  } else {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kCount));
  }
}

// Products of a warpgroup: the 128 threads of four warps, the first of which is a multiple of four.
/// Before the first product, and before one whose d other instructions have written.
SIMT_DEVICE void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
/// Products started before form a group.
SIMT_DEVICE void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
/// Returns when all but the last kGroups groups are done: their operands are read, and their d may be, unless a later
/// group adds to it.
template <int kGroups, int kCount>
SIMT_DEVICE void wgmma_wait(float (&d)[kCount]) {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kGroups) : "memory");
  if constexpr (kGroups == 0) {
    // No read of d moves up across the wait.
#pragma unroll
    for (int i = 0; i < kCount; ++i) asm volatile("" : "+f"(d[i])::"memory");
  }
}

/// An operand of a product in shared memory, as copy_tile leaves it: 16 of k of so many rows.
struct Operand {
  std::uint32_t descriptor;  // the low half; PTX ISA, "Matrix descriptor format": the address in units of 16 bytes
};
/// `at` is k = 0 of row 0: a multiple of 8 rows after a 1024-byte boundary.
SIMT_DEVICE Operand operand(const void* at) { return {shared_address(at) >> 4 | 1u << 16}; }
/// The operand `bytes`, a multiple of 16, further on: other rows, or 32 bytes for every 16 of k.
SIMT_DEVICE Operand further(Operand from, std::int32_t bytes) {
  return {from.descriptor + static_cast<std::uint32_t>(bytes / 16)};
}

/// d = a b^T, or where `add` is set d += a b^T: a is 64 x 16, b is 2 kCount x 16. d[4 j + 2 h + e] is row
/// 16 (warp % 4) + 8 h + lane / 4, column 8 j + 2 (lane % 4) + e. Neither operand is written, nor d touched, before
/// wgmma_wait.
template <int kCount>
SIMT_DEVICE void wgmma(float (&d)[kCount], Operand a, Operand b, bool add);

// The descriptors' other half: 1024 bytes from eight rows to the next, 128-byte swizzle.
#define SIMT_WGMMA(n, registers, at_a, at_b, at_add, ...)                                          \
  template <>                                                                                      \
  __device__ __forceinline__ void wgmma<n / 2>(float(&d)[n / 2], Operand a, Operand b, bool add) { \
    asm volatile("{\n\t.reg .pred p;\n\t.reg .b64 da, db;\n\tsetp.ne.b32 p, %" #at_add             \
                 ", 0;\n\t"                                                                        \
                 "mov.b64 da, {%" #at_a ", 0x40000040};\n\tmov.b64 db, {%" #at_b                   \
                 ", 0x40000040};\n\t"                                                              \
                 "wgmma.mma_async.sync.aligned.m64n" #n "k16.f32.bf16.bf16 {" registers            \
                 "}, da, db, p, 1, 1, 0, 0;\n\t}"                                                  \
                 : __VA_ARGS__                                                                     \
                 : "r"(a.descriptor), "r"(b.descriptor), "r"(static_cast<std::int32_t>(add))       \
                 : "memory");                                                                      \
  }
#define SIMT_R8(a, b, c, d, e, f, g, h) "%" #a ",%" #b ",%" #c ",%" #d ",%" #e ",%" #f ",%" #g ",%" #h
#define SIMT_R16 SIMT_R8(0, 1, 2, 3, 4, 5, 6, 7)
#define SIMT_R32 SIMT_R16 "," SIMT_R8(8, 9, 10, 11, 12, 13, 14, 15)
#define SIMT_R64 SIMT_R32 "," SIMT_R8(16, 17, 18, 19, 20, 21, 22, 23) "," SIMT_R8(24, 25, 26, 27, 28, 29, 30, 31)
#define SIMT_R96 SIMT_R64 "," SIMT_R8(32, 33, 34, 35, 36, 37, 38, 39) "," SIMT_R8(40, 41, 42, 43, 44, 45, 46, 47)
#define SIMT_R128 SIMT_R96 "," SIMT_R8(48, 49, 50, 51, 52, 53, 54, 55) "," SIMT_R8(56, 57, 58, 59, 60, 61, 62, 63)
#define SIMT_R160 SIMT_R128 "," SIMT_R8(64, 65, 66, 67, 68, 69, 70, 71) "," SIMT_R8(72, 73, 74, 75, 76, 77, 78, 79)
#define SIMT_R192 SIMT_R160 "," SIMT_R8(80, 81, 82, 83, 84, 85, 86, 87) "," SIMT_R8(88, 89, 90, 91, 92, 93, 94, 95)
#define SIMT_R224 \
  SIMT_R192 "," SIMT_R8(96, 97, 98, 99, 100, 101, 102, 103) "," SIMT_R8(104, 105, 106, 107, 108, 109, 110, 111)
#define SIMT_R256 \
  SIMT_R224 "," SIMT_R8(112, 113, 114, 115, 116, 117, 118, 119) "," SIMT_R8(120, 121, 122, 123, 124, 125, 126, 127)
#define SIMT_D8(i)                                                                                            \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), \
      "+f"(d[i + 7])
#define SIMT_D32(i) SIMT_D8(i), SIMT_D8(i + 8), SIMT_D8(i + 16), SIMT_D8(i + 24)
SIMT_WGMMA(16, SIMT_R16, 8, 9, 10, SIMT_D8(0))
SIMT_WGMMA(32, SIMT_R32, 16, 17, 18, SIMT_D8(0), SIMT_D8(8))
SIMT_WGMMA(64, SIMT_R64, 32, 33, 34, SIMT_D32(0))
SIMT_WGMMA(96, SIMT_R96, 48, 49, 50, SIMT_D32(0), SIMT_D8(32), SIMT_D8(40))
SIMT_WGMMA(128, SIMT_R128, 64, 65, 66, SIMT_D32(0), SIMT_D32(32))
SIMT_WGMMA(160, SIMT_R160, 80, 81, 82, SIMT_D32(0), SIMT_D32(32), SIMT_D8(64), SIMT_D8(72))
SIMT_WGMMA(192, SIMT_R192, 96, 97, 98, SIMT_D32(0), SIMT_D32(32), SIMT_D32(64))
SIMT_WGMMA(224, SIMT_R224, 112, 113, 114, SIMT_D32(0), SIMT_D32(32), SIMT_D32(64), SIMT_D8(96), SIMT_D8(104))
SIMT_WGMMA(256, SIMT_R256, 128, 129, 130, SIMT_D32(0), SIMT_D32(32), SIMT_D32(64), SIMT_D32(96))
#undef SIMT_D32
#undef SIMT_D8
#undef SIMT_R256
#undef SIMT_R224
#undef SIMT_R192
#undef SIMT_R160
#undef SIMT_R128
#undef SIMT_R96
#undef SIMT_R64
#undef SIMT_R32
#undef SIMT_R16
#undef SIMT_R8
#undef SIMT_WGMMA

}  // namespace faultline::ops::cuda::simt
