// The thin header that every kernel in this folder is written against: threads, barriers, warp exchange, shared memory,
// asynchronous copies, tensor-core products and float arithmetic that is rounded where it says. Under nvcc each
// function is one instruction or intrinsic. Compiled with FAULTLINE_SIMT_EMULATOR the same names come from the header
// which that macro names (the tests' emulator), where the threads of a block are fibers of one CPU thread: for
// correctness only, nothing about speed follows from it.
//
// Rules for kernels, so that both compile: blocks are one-dimensional; the only shared memory is simt::shared_memory()
// (dynamic); no atomics but those below; every thread of a warp calls a warp function (shuffle, vote, mma, load_matrix)
// together, every thread of a block a block barrier; no standard library on the device; templates, not virtual calls.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(FAULTLINE_SIMT_EMULATOR)
#include FAULTLINE_SIMT_EMULATOR
#else

#include <cuda.h>
#include <cuda_bf16.h>
#include <cuda_runtime.h>

/// A kernel of at most `threads` threads a block, at least `blocks` of which should fit one multiprocessor.
#define SIMT_KERNEL(threads, blocks) static __global__ void __launch_bounds__(threads, blocks)
#define SIMT_DEVICE static __device__ __forceinline__

namespace faultline::ops::cuda::simt {

struct Stream {
  cudaStream_t handle;
  /// Whether a kernel may be started while the one before it runs, see inputs_ready(): from compute capability 9.0 on.
  bool overlaps;
};

/// What queueing came to: kLaunched, or a reason that the runtime can put into words.
using LaunchStatus = cudaError_t;
inline constexpr LaunchStatus kLaunched = cudaSuccess;
/// For arguments that a kernel has no variant for; callers check what can be asked beforehand.
inline constexpr LaunchStatus kNoVariant = cudaErrorInvalidValue;

struct Grid {
  std::int32_t x = 1;
  std::int32_t y = 1;
  std::int32_t z = 1;
};

// Where this thread stands.
SIMT_DEVICE std::int32_t thread() { return static_cast<std::int32_t>(threadIdx.x); }
SIMT_DEVICE std::int32_t threads() { return static_cast<std::int32_t>(blockDim.x); }
SIMT_DEVICE std::int32_t lane() { return static_cast<std::int32_t>(threadIdx.x & 31u); }
SIMT_DEVICE std::int32_t warp() { return static_cast<std::int32_t>(threadIdx.x >> 5); }
SIMT_DEVICE std::int32_t block_x() { return static_cast<std::int32_t>(blockIdx.x); }
SIMT_DEVICE std::int32_t block_y() { return static_cast<std::int32_t>(blockIdx.y); }
SIMT_DEVICE std::int32_t block_z() { return static_cast<std::int32_t>(blockIdx.z); }
SIMT_DEVICE std::int32_t grid_x() { return static_cast<std::int32_t>(gridDim.x); }

/// The two halves of inputs_ready, for a kernel that does something in between.
SIMT_DEVICE void wait_for_inputs() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
SIMT_DEVICE void start_next() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
/// Returns when every kernel queued before this one has finished, and lets the next one start: it waits here in turn.
/// Every thread calls it once, on every path, before it touches memory that the kernel before this one writes, or that
/// anybody else may read. Up to there a kernel may already fetch what older kernels wrote, or nobody writes (weights),
/// so that its start is hidden behind the end of the one before (programmatic dependent launch).
SIMT_DEVICE void inputs_ready() {
  wait_for_inputs();
  start_next();
}

// Barriers.
SIMT_DEVICE void sync_block() { __syncthreads(); }
SIMT_DEVICE void sync_warp() { __syncwarp(); }

/// The block's dynamic shared memory, 1024-byte aligned.
SIMT_DEVICE char* shared_memory() {
  extern __shared__ __align__(1024) char memory[];
  return memory;
}

// Exchange within a warp; T is float, int32_t or uint32_t.
template <class T>
SIMT_DEVICE T shuffle(T value, std::int32_t from_lane) {
  return __shfl_sync(0xFFFFFFFFu, value, from_lane);
}
template <class T>
SIMT_DEVICE T shuffle_xor(T value, std::int32_t lane_mask) {
  return __shfl_xor_sync(0xFFFFFFFFu, value, lane_mask);
}
SIMT_DEVICE std::uint32_t ballot(bool vote) { return __ballot_sync(0xFFFFFFFFu, vote); }
SIMT_DEVICE bool any_in_block(bool vote) { return __syncthreads_or(vote) != 0; }
SIMT_DEVICE std::int32_t count_in_block(bool vote) { return __syncthreads_count(vote); }

// Atomics, on shared or global memory.
SIMT_DEVICE std::int32_t atomic_add(std::int32_t* to, std::int32_t value) { return atomicAdd(to, value); }
SIMT_DEVICE std::int32_t atomic_max(std::int32_t* to, std::int32_t value) { return atomicMax(to, value); }

// Bits.
SIMT_DEVICE std::uint32_t as_bits(float a) { return __float_as_uint(a); }
SIMT_DEVICE float as_float(std::uint32_t a) { return __uint_as_float(a); }
SIMT_DEVICE std::uint32_t multiply_high(std::uint32_t a, std::uint32_t b) { return __umulhi(a, b); }
SIMT_DEVICE std::int32_t count_bits(std::uint32_t a) { return __popc(a); }
SIMT_DEVICE std::int32_t lowest_bit(std::uint32_t a) { return __ffs(static_cast<int>(a)) - 1; }  // -1 for 0

// Float arithmetic, each rounded once to nearest, subnormals flushed in and out (the library is compiled with -ftz=true
// and -fmad=false): never contracted, never approximated.
SIMT_DEVICE float add(float a, float b) { return __fadd_rn(a, b); }
SIMT_DEVICE float sub(float a, float b) { return __fsub_rn(a, b); }
SIMT_DEVICE float mul(float a, float b) { return __fmul_rn(a, b); }
SIMT_DEVICE float fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
SIMT_DEVICE float div(float a, float b) { return __fdiv_rn(a, b); }
SIMT_DEVICE float sqrt(float a) { return __fsqrt_rn(a); }
/// The larger and the smaller, the number where one is NaN; of zeros +0 is the larger.
SIMT_DEVICE float largest(float a, float b) { return fmaxf(a, b); }
SIMT_DEVICE float smallest(float a, float b) { return fminf(a, b); }
SIMT_DEVICE std::int32_t smallest(std::int32_t a, std::int32_t b) { return min(a, b); }
SIMT_DEVICE float from_int(std::int32_t a) { return __int2float_rn(a); }
SIMT_DEVICE float from_unsigned(std::uint32_t a) { return __uint2float_rn(a); }
/// exp and log by the device's fast units, for bfloat16 kernels alone: 2^x, about 2 ulp. Not what float32 results use.
SIMT_DEVICE float fast_exp2(float a) {
  float r;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(a));
  return r;
}
/// 1 / a in the same way, about 1 ulp; 0 for a infinite or above 2^126.
SIMT_DEVICE float fast_reciprocal(float a) {
  float r;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(a));
  return r;
}

// bfloat16: rounded to nearest, ties to even. A pair has its first element in the low half.
SIMT_DEVICE std::uint16_t to_bf16(float a) { return __bfloat16_as_ushort(__float2bfloat16_rn(a)); }
SIMT_DEVICE float from_bf16(std::uint16_t a) { return __uint_as_float(static_cast<std::uint32_t>(a) << 16); }
SIMT_DEVICE std::uint32_t to_bf16_pair(float low, float high) {
  std::uint32_t r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
}

/// 16 bytes, 16-byte aligned: one load or store instruction.
struct alignas(16) Word4 {
  std::uint32_t x, y, z, w;
};
/// 8 bytes, in the same way.
struct alignas(8) Word2 {
  std::uint32_t x, y;
};
/// Loads of read-only global memory.
SIMT_DEVICE float load(const float* from) { return __ldg(from); }
/// What is not read again soon, and should not push out what is.
SIMT_DEVICE float load_last(const float* from) { return __ldcs(from); }
SIMT_DEVICE Word4 load4(const void* from) {
  const uint4 v = __ldg(static_cast<const uint4*>(from));
  return {v.x, v.y, v.z, v.w};
}

/// Loads of read-only global memory that nobody reads again soon: they leave the first-level cache alone. In program
/// order beside each other and mma.
SIMT_DEVICE Word4 stream4(const void* from) {
  Word4 v;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "l"(from));
  return v;
}
SIMT_DEVICE Word2 stream2(const void* from) {
  Word2 v;
  asm volatile("ld.global.nc.L1::no_allocate.v2.u32 {%0, %1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(from));
  return v;
}
SIMT_DEVICE std::uint32_t stream1(const void* from) {
  std::uint32_t v;
  asm volatile("ld.global.nc.L1::no_allocate.u32 %0, [%1];" : "=r"(v) : "l"(from));
  return v;
}
/// A load that looks past the first-level cache, which may be behind.
SIMT_DEVICE std::uint32_t load1_fresh(const void* from) {
  std::uint32_t v;
  asm volatile("ld.global.cg.u32 %0, [%1];" : "=r"(v) : "l"(from) : "memory");
  return v;
}

// Asynchronous copies from global to shared memory. Copies issued before a commit form a group; wait<N> returns when
// all but the last N groups of this thread have landed (a barrier then shows them to the block).
/// 16 bytes, both 16-byte aligned; where `valid` is false nothing is read and zeros are written.
SIMT_DEVICE void copy_async16(void* shared, const void* global, bool valid = true) {
  const std::uint32_t to = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(valid ? 16 : 0) : "memory");
}
SIMT_DEVICE void copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int kGroups>
SIMT_DEVICE void copy_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kGroups) : "memory");
}

// Tensor cores. Fragment layouts are PTX's (mma.m16n8k16, ldmatrix).
/// d += a b: a is 16 x 16 (row), b is 16 x 8 (column), bfloat16; d is float.
SIMT_DEVICE void mma(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
/// Four 8 x 8 matrices of 16-bit elements; lane i gives the address of row i % 8 of matrix i / 8.
SIMT_DEVICE void load_matrix4(std::uint32_t (&r)[4], const void* shared_row) {
  const std::uint32_t from = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared_row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(from)
               : "memory");
}
/// The same, each matrix transposed.
SIMT_DEVICE void load_matrix4_transposed(std::uint32_t (&r)[4], const void* shared_row) {
  const std::uint32_t from = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared_row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(from)
               : "memory");
}

/// Queues `kernel`. Raises the kernel's limit of dynamic shared memory where it needs more than 48 KiB.
template <class... Parameters, class... Arguments>
LaunchStatus launch(void (*kernel)(Parameters...), Grid grid, std::int32_t threads, std::size_t shared_bytes,
                    Stream stream, const Arguments&... arguments) {
  if (shared_bytes > 48u * 1024u) {
    const LaunchStatus raised =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
    if (raised != kLaunched) return raised;
  }
  cudaLaunchAttribute overlap{};
  overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  overlap.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y), static_cast<unsigned>(grid.z));
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream.handle;
  config.attrs = &overlap;
  config.numAttrs = stream.overlaps ? 1 : 0;
  return cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...);
}

}  // namespace faultline::ops::cuda::simt

#include "native/ops/cuda/simt_sm90.h"

#endif
