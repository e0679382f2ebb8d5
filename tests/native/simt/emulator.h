// A SIMT machine on the CPU: what native/ops/cuda/simt.h promises to kernels, under the same names, so that the sources
// of the CUDA backend run in tests on machines without a GPU. The threads of a block are fibers of one CPU thread and
// take turns at barriers and warp functions; blocks run one after another. For correctness only: nothing about speed,
// occupancy or memory traffic follows from it, and a tensor core's inner summation order is not modelled.
//
// What it does so that mistakes show:
//   * shared memory holds 0xFF bytes (NaN in every float type) when a block starts;
//   * the target of copy_async16 holds 0xFF bytes until this thread's copy_wait lets the data land: reading it too
//   early,
//     and overwriting what others still read, both give NaN;
//   * the order in which threads and blocks run can be set (set_schedule); a correct kernel's result does not depend on
//   it;
//   * deadlocks, warp functions of diverged lanes, misaligned accesses and copies outside of shared memory end the
//   launch
//     with LaunchStatus::faulted and a sentence in last_fault(); writes past the end of shared memory do at the end of
//     a block (with AddressSanitizer at once, because the block's memory is an allocation of its own).
// Compiled with ThreadSanitizer, it reports plain accesses of two threads to one address that no barrier or sync_warp
// orders, whatever the schedule made of them. Not noticed: kernels that wait in a loop for memory to change; they hang.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#define SIMT_KERNEL(threads, blocks) [[maybe_unused]] static void
#define SIMT_DEVICE [[maybe_unused]] static inline

namespace faultline::ops::cuda::simt {

enum class LaunchStatus : int {
  launched,
  no_variant,
  bad_launch,  // block, grid or shared memory that no device takes
  faulted,     // the kernel broke a rule; last_fault() says which
  lost,        // an earlier launch on this stream faulted, or a test asked for it
};
inline constexpr LaunchStatus kLaunched = LaunchStatus::launched;
inline constexpr LaunchStatus kNoVariant = LaunchStatus::no_variant;

/// Most dynamic shared memory of a block on compute capability 9.0.
inline constexpr std::size_t kSharedBytesMost = 227u * 1024u;

/// `where` is the place that made the grid, which is how error texts name a kernel.
struct Grid {
  std::int32_t x = 1;
  std::int32_t y = 1;
  std::int32_t z = 1;
  std::source_location where = std::source_location::current();
};

/// A stream runs what is queued at once, or records it while `capturing`. Not thread-safe.
struct StreamState {
  bool capturing = false;
  bool lost = false;
  /// Launches that still succeed before the stream is lost; negative: no such limit.
  std::int64_t until_lost = -1;
  std::vector<std::function<LaunchStatus()>> recorded;
};
/// Null is a stream that never captures and is never lost.
using Stream = StreamState*;

/// In which order the threads of a block run between two points where they wait, and the blocks of a grid.
enum class Order { ascending, descending, random };
/// For all launches that follow, in all threads; takes precedence over the environment variable FAULTLINE_SIMT_SCHEDULE
/// (ascending, descending, or a number that seeds random), which is read at every launch. `seed` is for random alone.
void set_schedule(Order order, std::uint64_t seed = 0);
/// Back to FAULTLINE_SIMT_SCHEDULE, or ascending where that is not set.
void reset_schedule();
/// What was wrong with this thread's last launch that was not kLaunched.
const std::string& last_fault();

namespace detail {

enum class Collective : std::uint8_t {
  none,
  sync_block,
  any_in_block,
  count_in_block,
  sync_warp,
  shuffle,
  shuffle_xor,
  ballot,
  mma,
  load_matrix4,
  load_matrix4_transposed,
  barrier_wait,
  wgmma,
  wgmma_wait,
};

struct Block {
  std::int32_t x, y, z, grid_x, threads;
  char* shared;
  std::size_t shared_bytes;
};

struct PendingCopy {
  void* to;
  const void* from;  // null: zeros
  std::int64_t group;
};

/// One thread of a block, with what it brings to the collective that it waits at. Pointers are into its own stack.
struct Thread {
  const Block* block;
  std::int32_t thread, lane, warp;
  std::int32_t source_lane;
  std::uint32_t value;
  std::uint32_t result;
  float* d;
  const std::uint32_t* a;
  const std::uint32_t* b;
  std::uint32_t* matrices;
  const void* row;
  const void* operands[2];  // of wgmma
  std::int32_t columns;
  bool add;
  std::vector<PendingCopy> copies;
  std::int64_t committed;  // groups
};

// Initial-exec, because a call for every use of thread() would take most of the time.
#if defined(__linux__)
#define FAULTLINE_SIMT_TLS __attribute__((tls_model("initial-exec")))
#else
#define FAULTLINE_SIMT_TLS
#endif
/// The thread that runs; null outside of a kernel.
extern constinit thread_local Thread* current FAULTLINE_SIMT_TLS;
#undef FAULTLINE_SIMT_TLS

/// Waits for the warp (or, for the three block collectives, the block); `current` then holds the result.
void meet(Collective what);
/// Ends the launch: `what` names the function, `problem` completes a sentence about the address.
[[noreturn]] void fault_address(const char* what, const void* address, const char* problem);
/// Of load_matrix4: 16 bytes of shared memory.
void check_row(const char* what, const void* row);
void check_global16(const char* what, const void* address);
void start_copy(void* shared, const void* global, bool valid);
void land_copies(int groups_left);

// mbarriers, by their place in shared memory.
void barrier_init(std::uint64_t* barrier, std::int32_t arrivals);
void barrier_arrive(std::uint64_t* barrier, std::int32_t expected_bytes);
void barrier_wait(std::uint64_t* barrier, std::uint32_t parity);
struct Tile {
  const char* data;
  std::int64_t rows, columns, stride, row, column;
  std::int32_t box_rows;
};
void start_tile(void* shared, const Tile& tile, std::uint64_t* landed);
void wgmma(float* d, std::int32_t columns, const void* a, const void* b, bool add);
void wgmma_commit();
void wgmma_wait(std::int32_t groups_left);

struct Launch {
  Grid grid;
  std::int32_t threads;
  std::size_t shared_bytes;
  std::function<void()> body;  // one thread
};
LaunchStatus queue(Stream stream, Launch launch);

}  // namespace detail

SIMT_DEVICE std::int32_t thread() { return detail::current->thread; }
SIMT_DEVICE std::int32_t threads() { return detail::current->block->threads; }
SIMT_DEVICE std::int32_t lane() { return detail::current->lane; }
SIMT_DEVICE std::int32_t warp() { return detail::current->warp; }
SIMT_DEVICE std::int32_t block_x() { return detail::current->block->x; }
SIMT_DEVICE std::int32_t block_y() { return detail::current->block->y; }
SIMT_DEVICE std::int32_t block_z() { return detail::current->block->z; }
SIMT_DEVICE std::int32_t grid_x() { return detail::current->block->grid_x; }

/// Kernels run one after another here.
SIMT_DEVICE void inputs_ready() {}
SIMT_DEVICE void wait_for_inputs() {}
SIMT_DEVICE void start_next() {}

SIMT_DEVICE void sync_block() { detail::meet(detail::Collective::sync_block); }
SIMT_DEVICE void sync_warp() { detail::meet(detail::Collective::sync_warp); }

SIMT_DEVICE char* shared_memory() { return detail::current->block->shared; }

template <class T>
SIMT_DEVICE T shuffle(T value, std::int32_t from_lane) {
  static_assert(sizeof(T) == 4);
  detail::Thread& self = *detail::current;
  self.value = std::bit_cast<std::uint32_t>(value);
  self.source_lane = from_lane & 31;
  detail::meet(detail::Collective::shuffle);
  return std::bit_cast<T>(self.result);
}
template <class T>
SIMT_DEVICE T shuffle_xor(T value, std::int32_t lane_mask) {
  static_assert(sizeof(T) == 4);
  detail::Thread& self = *detail::current;
  self.value = std::bit_cast<std::uint32_t>(value);
  self.source_lane = (self.lane ^ lane_mask) & 31;
  detail::meet(detail::Collective::shuffle_xor);
  return std::bit_cast<T>(self.result);
}
SIMT_DEVICE std::uint32_t ballot(bool vote) {
  detail::Thread& self = *detail::current;
  self.value = vote ? 1 : 0;
  detail::meet(detail::Collective::ballot);
  return self.result;
}
SIMT_DEVICE bool any_in_block(bool vote) {
  detail::Thread& self = *detail::current;
  self.value = vote ? 1 : 0;
  detail::meet(detail::Collective::any_in_block);
  return self.result != 0;
}
SIMT_DEVICE std::int32_t count_in_block(bool vote) {
  detail::Thread& self = *detail::current;
  self.value = vote ? 1 : 0;
  detail::meet(detail::Collective::count_in_block);
  return static_cast<std::int32_t>(self.result);
}

SIMT_DEVICE std::int32_t atomic_add(std::int32_t* to, std::int32_t value) {
  return std::atomic_ref(*to).fetch_add(value, std::memory_order_relaxed);
}
SIMT_DEVICE std::int32_t atomic_max(std::int32_t* to, std::int32_t value) {
  const std::atomic_ref shared(*to);
  std::int32_t before = shared.load(std::memory_order_relaxed);
  while (before < value && !shared.compare_exchange_weak(before, value, std::memory_order_relaxed)) {
  }
  return before;
}

SIMT_DEVICE std::uint32_t as_bits(float a) { return std::bit_cast<std::uint32_t>(a); }
SIMT_DEVICE float as_float(std::uint32_t a) { return std::bit_cast<float>(a); }
SIMT_DEVICE std::uint32_t multiply_high(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::uint32_t>((std::uint64_t{a} * b) >> 32);
}
SIMT_DEVICE std::int32_t count_bits(std::uint32_t a) { return std::popcount(a); }
SIMT_DEVICE std::int32_t lowest_bit(std::uint32_t a) { return a == 0 ? -1 : std::countr_zero(a); }

// Threads run under base::FpEnv, which flushes subnormals in and out; the sources are compiled with -ffp-contract=off.
SIMT_DEVICE float add(float a, float b) { return a + b; }
SIMT_DEVICE float sub(float a, float b) { return a - b; }
SIMT_DEVICE float mul(float a, float b) { return a * b; }
SIMT_DEVICE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
SIMT_DEVICE float div(float a, float b) { return a / b; }
SIMT_DEVICE float sqrt(float a) { return __builtin_sqrtf(a); }
SIMT_DEVICE float largest(float a, float b) { return a > b || b != b || (a == b && as_bits(b) >> 31 != 0) ? a : b; }
SIMT_DEVICE float smallest(float a, float b) { return a < b || b != b || (a == b && as_bits(a) >> 31 != 0) ? a : b; }
SIMT_DEVICE std::int32_t smallest(std::int32_t a, std::int32_t b) { return a < b ? a : b; }
SIMT_DEVICE float from_int(std::int32_t a) { return static_cast<float>(a); }
SIMT_DEVICE float from_unsigned(std::uint32_t a) { return static_cast<float>(a); }
SIMT_DEVICE float fast_exp2(float a) {
  const float r = __builtin_exp2f(a);
  return r < 0x1p-126f ? 0.0f : r;  // the C library's result does not pass the flushing arithmetic
}
SIMT_DEVICE float fast_reciprocal(float a) { return 1.0f / a; }

// A NaN becomes 0x7FFF, as cvt.rn.bf16 makes it; subnormals are kept.
SIMT_DEVICE std::uint16_t to_bf16(float a) {
  const std::uint32_t bits = as_bits(a);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return 0x7FFF;
  return static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}
SIMT_DEVICE float from_bf16(std::uint16_t a) { return as_float(static_cast<std::uint32_t>(a) << 16); }
SIMT_DEVICE std::uint32_t to_bf16_pair(float low, float high) {
  return static_cast<std::uint32_t>(to_bf16(high)) << 16 | to_bf16(low);
}

struct alignas(16) Word4 {
  std::uint32_t x, y, z, w;
};
struct alignas(8) Word2 {
  std::uint32_t x, y;
};
SIMT_DEVICE float load(const float* from) { return *from; }
SIMT_DEVICE float load_last(const float* from) { return *from; }
SIMT_DEVICE Word4 load4(const void* from) {
  detail::check_global16("load4", from);
  Word4 value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

SIMT_DEVICE Word4 stream4(const void* from) { return load4(from); }
SIMT_DEVICE Word2 stream2(const void* from) { return *static_cast<const Word2*>(from); }
SIMT_DEVICE std::uint32_t stream1(const void* from) { return *static_cast<const std::uint32_t*>(from); }
SIMT_DEVICE std::uint32_t load1_fresh(const void* from) { return *static_cast<const std::uint32_t*>(from); }
SIMT_DEVICE void copy_async16(void* shared, const void* global, bool valid = true) {
  detail::start_copy(shared, global, valid);
}
SIMT_DEVICE void copy_commit() { ++detail::current->committed; }
template <int kGroups>
SIMT_DEVICE void copy_wait() {
  static_assert(kGroups >= 0);
  detail::land_copies(kGroups);
}

/// The products are exact and are summed in double together with d, then rounded once to float.
SIMT_DEVICE void mma(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  detail::Thread& self = *detail::current;
  self.d = d;
  self.a = a;
  self.b = b;
  detail::meet(detail::Collective::mma);
}
SIMT_DEVICE void load_matrix4(std::uint32_t (&r)[4], const void* shared_row) {
  detail::check_row("load_matrix4", shared_row);
  detail::Thread& self = *detail::current;
  self.matrices = r;
  self.row = shared_row;
  detail::meet(detail::Collective::load_matrix4);
}
SIMT_DEVICE void load_matrix4_transposed(std::uint32_t (&r)[4], const void* shared_row) {
  detail::check_row("load_matrix4_transposed", shared_row);
  detail::Thread& self = *detail::current;
  self.matrices = r;
  self.row = shared_row;
  detail::meet(detail::Collective::load_matrix4_transposed);
}

// Compute capability 9.0.
inline constexpr bool kWarpgroups = true;
SIMT_DEVICE std::int32_t uniform(std::int32_t value) { return value; }
SIMT_DEVICE bool elect() { return lane() == 0; }

using Barrier = std::uint64_t;
SIMT_DEVICE void barrier_init(Barrier* barrier, std::int32_t arrivals) { detail::barrier_init(barrier, arrivals); }
SIMT_DEVICE void barrier_init_done() {}
SIMT_DEVICE void barrier_arrive(Barrier* barrier) { detail::barrier_arrive(barrier, 0); }
SIMT_DEVICE void barrier_arrive_expect(Barrier* barrier, std::int32_t bytes) { detail::barrier_arrive(barrier, bytes); }
SIMT_DEVICE void barrier_wait(Barrier* barrier, std::uint32_t parity) { detail::barrier_wait(barrier, parity); }

struct TileMap {
  const void* data;
  std::int64_t rows, columns, stride;
  std::int32_t box_rows;
};
#define SIMT_PARAMETER const
inline constexpr std::int32_t kTileColumns = 64;
inline LaunchStatus describe_tiles(TileMap& tiles, const void* data, std::int64_t rows, std::int64_t columns,
                                   std::int64_t stride, std::int32_t box_rows) {
  if (reinterpret_cast<std::uintptr_t>(data) % 16 != 0 || stride % 8 != 0 || box_rows < 1 || box_rows > 256)
    return kNoVariant;
  tiles = {data, rows, columns, stride, box_rows};
  return kLaunched;
}
/// The target holds 0xFF bytes until the phase of `landed` ends.
SIMT_DEVICE void copy_tile(void* shared, const TileMap& tiles, std::int32_t row, std::int32_t column, Barrier* landed) {
  detail::start_tile(
      shared,
      {static_cast<const char*>(tiles.data), tiles.rows, tiles.columns, tiles.stride, row, column, tiles.box_rows},
      landed);
}
template <int, bool>
SIMT_DEVICE void set_registers() {}

SIMT_DEVICE void wgmma_fence() {}
SIMT_DEVICE void wgmma_commit() { detail::wgmma_commit(); }
template <int kGroups, int kCount>
SIMT_DEVICE void wgmma_wait(float (&)[kCount]) {
  detail::wgmma_wait(kGroups);
}
struct Operand {
  const char* at;
};
SIMT_DEVICE Operand operand(const void* at) { return {static_cast<const char*>(at)}; }
SIMT_DEVICE Operand further(Operand from, std::int32_t bytes) { return {from.at + bytes}; }
/// Rounds as mma does, so that kernels of either have the same bits. Done as late as wgmma_wait allows, so that an
/// operand that is overwritten before, and a d that is read before, both show.
template <int kCount>
SIMT_DEVICE void wgmma(float (&d)[kCount], Operand a, Operand b, bool add) {
  detail::wgmma(d, 2 * kCount, a.at, b.at, add);
}

/// Runs `kernel` to its end, or records it with copies of its arguments where the stream captures.
template <class... Parameters, class... Arguments>
LaunchStatus launch(void (*kernel)(Parameters...), Grid grid, std::int32_t threads, std::size_t shared_bytes,
                    Stream stream, const Arguments&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments));
  static_assert((std::is_convertible_v<const Arguments&, Parameters> && ...), "an argument is not the kernel's");
  static_assert((std::is_trivially_copyable_v<Parameters> && ...), "kernel arguments are copied as bytes");
  static_assert((std::size_t{0} + ... + sizeof(Parameters)) <= 4096, "CUDA takes at most 4 KiB of kernel arguments");
  return detail::queue(stream, {grid, threads, shared_bytes,
                                [kernel, copies = std::tuple<std::remove_cv_t<Parameters>...>(arguments...)] {
                                  std::apply(kernel, copies);
                                }});
}

}  // namespace faultline::ops::cuda::simt
