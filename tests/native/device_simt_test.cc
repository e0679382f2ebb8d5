// The SIMT emulator itself (tests/native/simt): that it does what native/ops/cuda/simt.h says, and that the mistakes it
// is there to show do show. Not the backend's kernels; those are tested through the DeviceApi.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "native/ops/cuda/runtime.h"
#include "native/ops/cuda/simt.h"
#include "tests/native/check.h"

namespace {

namespace ops = faultline::ops;
namespace runtime = faultline::ops::cuda::runtime;
namespace simt = faultline::ops::cuda::simt;
using simt::LaunchStatus;
using simt::Order;

constexpr std::int32_t kWarp = 32;

struct Schedule {
  Order order;
  std::uint64_t seed;
};
constexpr Schedule kSchedules[] = {
    {Order::ascending, 0}, {Order::descending, 0}, {Order::random, 1}, {Order::random, 2}};

/// Runs `body` under every schedule, then goes back to that of the environment.
template <class Body>
void under_every_schedule(Body body) {
  for (const Schedule& schedule : kSchedules) {
    simt::set_schedule(schedule.order, schedule.seed);
    body();
  }
  simt::reset_schedule();
}

void expect_launched(const char* file, int line, LaunchStatus status) {
  if (status != simt::kLaunched) faultline::check::fail(file, line, "launch failed: " + simt::last_fault());
}
#define EXPECT_LAUNCHED(status) expect_launched(__FILE__, __LINE__, status)

void expect_fault(const char* file, int line, LaunchStatus status, std::string_view part) {
  if (status != LaunchStatus::faulted)
    faultline::check::fail(file, line, "the launch did not fault, expected \"" + std::string(part) + "\"");
  else if (simt::last_fault().find(part) == std::string::npos)
    faultline::check::fail(file, line,
                           "fault is \"" + simt::last_fault() + "\", expected \"" + std::string(part) + "\"");
}
#define EXPECT_FAULT(status, part) expect_fault(__FILE__, __LINE__, status, part)

/// A variable of the environment for one scope.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Environment() { ::unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

// Where a thread stands.

SIMT_KERNEL(64, 1) stand_kernel(std::int32_t* out, std::int32_t grid_y) {
  const std::int32_t block = (simt::block_z() * grid_y + simt::block_y()) * simt::grid_x() + simt::block_x();
  std::int32_t* const mine = out + 4 * (block * simt::threads() + simt::thread());
  mine[0] = simt::thread();
  mine[1] = simt::warp();
  mine[2] = simt::lane();
  mine[3] = block;
}

TEST(simt_every_thread_of_every_block_runs_once) {
  under_every_schedule([] {
    std::vector<std::int32_t> out(4 * 64 * 2 * 3 * 4, -1);
    EXPECT_LAUNCHED(simt::launch(stand_kernel, {2, 3, 4}, 64, 0, nullptr, out.data(), 3));
    for (std::int32_t i = 0; i < 64 * 24; ++i) {
      const auto at = static_cast<std::size_t>(4 * i);
      EXPECT_EQ(out[at], i % 64);
      EXPECT_EQ(out[at + 1], i % 64 / kWarp);
      EXPECT_EQ(out[at + 2], i % kWarp);
      EXPECT_EQ(out[at + 3], i / 64);
    }
  });
}

// Exchange in a warp and a block.

struct Exchanged {
  float shuffled;
  std::int32_t crossed;
  std::uint32_t votes;
  std::int32_t any;
  std::int32_t none;
  std::int32_t count;
};

SIMT_KERNEL(96, 1) exchange_kernel(Exchanged* out) {
  Exchanged& mine = out[simt::thread()];
  mine.shuffled = simt::shuffle(static_cast<float>(simt::thread()) + 0.5f, (simt::lane() + 3) % 32);
  mine.crossed = simt::shuffle_xor(simt::thread(), 5);
  mine.votes = simt::ballot(simt::lane() % 3 == 0);
  mine.any = simt::any_in_block(simt::thread() == 70) ? 1 : 0;
  mine.none = simt::any_in_block(false) ? 1 : 0;
  mine.count = simt::count_in_block(simt::thread() < 41);
}

TEST(simt_warp_and_block_exchange) {
  under_every_schedule([] {
    std::vector<Exchanged> out(96);
    EXPECT_LAUNCHED(simt::launch(exchange_kernel, {}, 96, 0, nullptr, out.data()));
    std::uint32_t votes = 0;
    for (int lane = 0; lane < kWarp; lane += 3) votes |= 1u << lane;
    for (std::int32_t i = 0; i < 96; ++i) {
      const Exchanged& got = out[static_cast<std::size_t>(i)];
      EXPECT_EQ(got.shuffled, static_cast<float>(i / 32 * 32 + (i % 32 + 3) % 32) + 0.5f);
      EXPECT_EQ(got.crossed, i ^ 5);
      EXPECT_EQ(got.votes, votes);
      EXPECT_EQ(got.any, 1);
      EXPECT_EQ(got.none, 0);
      EXPECT_EQ(got.count, 41);
    }
  });
}

// Barriers: a tree reduction is right with them under every schedule, and wrong without them under one. ThreadSanitizer
// reports the one without, which would fail its run of these tests.
#if defined(__SANITIZE_THREAD__)
constexpr bool kMayRace = false;
#else
constexpr bool kMayRace = true;
#endif

template <bool kBarriers>
SIMT_KERNEL(128, 1)
reduce_kernel(std::int32_t* out) {
  auto* const sums = reinterpret_cast<std::int32_t*>(simt::shared_memory());
  const std::int32_t i = simt::thread();
  sums[i] = i + 1;
  for (std::int32_t width = simt::threads() / 2; width > 0; width /= 2) {
    if constexpr (kBarriers) simt::sync_block();
    if (i < width) sums[i] += sums[i + width];
  }
  if (i == 0) out[simt::block_x()] = sums[0];
}

TEST(simt_barriers_order_shared_memory) {
  constexpr std::int32_t kSum = 128 * 129 / 2;
  constexpr std::size_t kBytes = 128 * sizeof(std::int32_t);
  std::int32_t wrong = 0;
  under_every_schedule([&] {
    std::vector<std::int32_t> with(3), without(3);
    EXPECT_LAUNCHED(simt::launch(reduce_kernel<true>, {3}, 128, kBytes, nullptr, with.data()));
    for (const std::int32_t sum : with) EXPECT_EQ(sum, kSum);
    if (!kMayRace) return;
    EXPECT_LAUNCHED(simt::launch(reduce_kernel<false>, {3}, 128, kBytes, nullptr, without.data()));
    for (const std::int32_t sum : without) wrong += sum != kSum;
  });
  EXPECT(wrong > 0 || !kMayRace);
}

SIMT_KERNEL(32, 1) neighbour_kernel(std::int32_t* out) {
  auto* const values = reinterpret_cast<std::int32_t*>(simt::shared_memory());
  values[simt::lane()] = simt::lane();
  simt::sync_warp();
  out[simt::lane()] = values[(simt::lane() + 1) % 32];
}

TEST(simt_sync_warp_orders_shared_memory) {
  under_every_schedule([] {
    std::vector<std::int32_t> out(32);
    EXPECT_LAUNCHED(simt::launch(neighbour_kernel, {}, 32, 32 * sizeof(std::int32_t), nullptr, out.data()));
    for (std::int32_t i = 0; i < 32; ++i) EXPECT_EQ(out[static_cast<std::size_t>(i)], (i + 1) % 32);
  });
}

SIMT_KERNEL(128, 1) leave_early_kernel(std::int32_t active, std::int32_t* out) {
  if (simt::thread() >= active) return;
  simt::atomic_add(out, simt::thread());
  simt::sync_block();
  out[1 + simt::thread()] = out[0];
  simt::atomic_max(out + 129, simt::count_in_block(true));
}

TEST(simt_a_barrier_does_not_wait_for_threads_that_returned) {
  under_every_schedule([] {
    // 40: also part of a warp.
    for (const std::int32_t active : {1, 32, 40, 128}) {
      std::vector<std::int32_t> out(130, 0);
      EXPECT_LAUNCHED(simt::launch(leave_early_kernel, {}, 128, 0, nullptr, active, out.data()));
      for (std::int32_t i = 0; i < active; ++i)
        EXPECT_EQ(out[static_cast<std::size_t>(1 + i)], active * (active - 1) / 2);
      EXPECT_EQ(out[129], active);
    }
  });
}

SIMT_KERNEL(32, 1) block_order_kernel(std::int32_t* next, std::int32_t* order) {
  if (simt::thread() == 0) order[simt::atomic_add(next, 1)] = simt::block_x();
}

TEST(simt_schedules_order_the_blocks_too) {
  const auto order_of = [](Order order, std::uint64_t seed) {
    simt::set_schedule(order, seed);
    std::int32_t next = 0;
    std::vector<std::int32_t> blocks(20, -1);
    EXPECT_LAUNCHED(simt::launch(block_order_kernel, {20}, 32, 0, nullptr, &next, blocks.data()));
    simt::reset_schedule();
    return blocks;
  };
  const std::vector<std::int32_t> ascending = order_of(Order::ascending, 0);
  EXPECT(std::is_sorted(ascending.begin(), ascending.end()));
  const std::vector<std::int32_t> descending = order_of(Order::descending, 0);
  EXPECT(std::is_sorted(descending.rbegin(), descending.rend()));
  std::vector<std::int32_t> random = order_of(Order::random, 7);
  EXPECT(random == order_of(Order::random, 7));
  EXPECT(random != order_of(Order::random, 8));
  EXPECT(random != ascending);
  std::sort(random.begin(), random.end());
  EXPECT(random == ascending);
}

/// first[0] becomes the thread that ran first, first[1] counts.
SIMT_KERNEL(64, 1) first_thread_kernel(std::int32_t* first) {
  if (simt::atomic_add(first + 1, 1) == 0) first[0] = simt::thread();
}

TEST(simt_the_environment_sets_the_schedule) {
  const auto first = [] {
    std::int32_t found[2] = {-1, 0};
    EXPECT_LAUNCHED(simt::launch(first_thread_kernel, {}, 64, 0, nullptr, &found[0]));
    return found[0];
  };
  const char* const before = std::getenv("FAULTLINE_SIMT_SCHEDULE");
  const std::string restored = before == nullptr ? "" : before;
  ::setenv("FAULTLINE_SIMT_SCHEDULE", "descending", 1);
  EXPECT_EQ(first(), 63);
  ::setenv("FAULTLINE_SIMT_SCHEDULE", "ascending", 1);
  EXPECT_EQ(first(), 0);
  simt::set_schedule(Order::descending);
  EXPECT_EQ(first(), 63);
  simt::reset_schedule();
  ::setenv("FAULTLINE_SIMT_SCHEDULE", "12345", 1);
  EXPECT_EQ(first(), first());
  if (before == nullptr)
    ::unsetenv("FAULTLINE_SIMT_SCHEDULE");
  else
    ::setenv("FAULTLINE_SIMT_SCHEDULE", restored.c_str(), 1);
}

// Shared memory and asynchronous copies.

SIMT_KERNEL(32, 1) stale_kernel(std::uint32_t* out) {
  auto* const words = reinterpret_cast<std::uint32_t*>(simt::shared_memory());
  out[simt::block_x() * 32 + simt::lane()] = words[simt::lane()];
  words[simt::lane()] = 0;
}

TEST(simt_shared_memory_starts_as_nan_in_every_block) {
  std::vector<std::uint32_t> out(96, 0);
  EXPECT_LAUNCHED(simt::launch(stale_kernel, {3}, 32, 128, nullptr, out.data()));
  for (const std::uint32_t word : out) EXPECT_EQ(word, 0xFFFFFFFFu);
}

/// Copies `from` in two groups, the second zeros, and reads each before and after it may have landed.
struct CopyTrace {
  std::uint32_t issued;        // first group, before any wait
  std::uint32_t first;         // first group, after a wait that leaves one group
  std::uint32_t second_early;  // second group, at the same point
  std::uint32_t second;        // second group, after a wait that leaves none
};

SIMT_KERNEL(32, 1) copy_kernel(const std::uint32_t* from, CopyTrace* out) {
  auto* const words = reinterpret_cast<std::uint32_t*>(simt::shared_memory());
  std::uint32_t* const first = words + 4 * simt::lane();
  std::uint32_t* const second = words + 4 * (32 + simt::lane());
  CopyTrace& trace = out[simt::lane()];
  first[0] = 7;  // a copy in flight hides what was there: whoever still reads it has a race
  simt::copy_async16(first, from + 4 * simt::lane());
  simt::copy_commit();
  simt::copy_async16(second, from, false);
  simt::copy_commit();
  trace.issued = first[0];
  simt::copy_wait<1>();
  trace.first = first[3];
  trace.second_early = second[3];
  simt::copy_wait<0>();
  trace.second = second[3];
}

TEST(simt_a_copy_lands_at_the_wait_that_covers_it) {
  std::vector<std::uint32_t> buffer(4 * 32 + 4);
  // A vector's own alignment may be less than a copy's.
  std::uint32_t* from = buffer.data();
  while (reinterpret_cast<std::uintptr_t>(from) % 16 != 0) ++from;
  for (std::uint32_t i = 0; i < 4 * 32; ++i) from[i] = 1000 + i;
  under_every_schedule([&] {
    std::vector<CopyTrace> out(32);
    EXPECT_LAUNCHED(
        simt::launch(copy_kernel, {}, 32, 1024, nullptr, static_cast<const std::uint32_t*>(from), out.data()));
    for (std::uint32_t i = 0; i < 32; ++i) {
      EXPECT_EQ(out[i].issued, 0xFFFFFFFFu);
      EXPECT_EQ(out[i].first, 1000 + 4 * i + 3);
      EXPECT_EQ(out[i].second_early, 0xFFFFFFFFu);
      EXPECT_EQ(out[i].second, 0u);
    }
  });
}

// Tensor cores.

/// Row-major fragments by PTX's rule, written down a second time: element i of A in lane's registers is
/// row = group + 8 for i in {2, 3, 6, 7}, column = 2 (lane % 4) + i % 2 + 8 for i >= 4.
SIMT_KERNEL(32, 1) mma_kernel(const std::uint16_t* a, const std::uint16_t* b, float* d) {
  const std::int32_t group = simt::lane() >> 2;
  const std::int32_t in_group = simt::lane() & 3;
  std::uint32_t a_fragment[4] = {};
  for (std::int32_t i = 0; i < 8; ++i) {
    const std::int32_t row = i < 2 || (i >= 4 && i < 6) ? group : group + 8;
    const std::int32_t column = in_group * 2 + (i & 1) + (i < 4 ? 0 : 8);
    a_fragment[i / 2] |= static_cast<std::uint32_t>(a[16 * row + column]) << (16 * (i & 1));
  }
  std::uint32_t b_fragment[2] = {};
  for (std::int32_t i = 0; i < 4; ++i) {
    const std::int32_t row = in_group * 2 + (i & 1) + (i < 2 ? 0 : 8);
    b_fragment[i / 2] |= static_cast<std::uint32_t>(b[8 * row + group]) << (16 * (i & 1));
  }
  float fragment[4];
  for (std::int32_t i = 0; i < 4; ++i) fragment[i] = d[8 * (i < 2 ? group : group + 8) + in_group * 2 + (i & 1)];
  simt::mma(fragment, a_fragment, b_fragment);
  for (std::int32_t i = 0; i < 4; ++i) d[8 * (i < 2 ? group : group + 8) + in_group * 2 + (i & 1)] = fragment[i];
}

TEST(simt_mma_is_the_triple_loop) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  under_every_schedule([&] {
    std::vector<std::uint16_t> a(16 * 16), b(16 * 8);
    std::vector<float> d(16 * 8), want(16 * 8);
    for (auto& value : a) value = simt::to_bf16(normal(random));
    for (auto& value : b) value = simt::to_bf16(normal(random));
    for (auto& value : d) value = normal(random);
    for (std::size_t row = 0; row < 16; ++row) {
      for (std::size_t column = 0; column < 8; ++column) {
        double sum = static_cast<double>(d[8 * row + column]);
        for (std::size_t k = 0; k < 16; ++k)
          sum += static_cast<double>(simt::from_bf16(a[16 * row + k])) *
                 static_cast<double>(simt::from_bf16(b[8 * k + column]));
        want[8 * row + column] = static_cast<float>(sum);
      }
    }
    EXPECT_LAUNCHED(simt::launch(mma_kernel, {}, 32, 0, nullptr, static_cast<const std::uint16_t*>(a.data()),
                                 static_cast<const std::uint16_t*>(b.data()), d.data()));
    EXPECT_SAME_BITS("mma", d.data(), want.data(), 16 * 8);
  });
}

/// a is [16, 16], b is [16, 8] (and [8, 16] transposed, `b_rows`): the usual way to load both for one product.
SIMT_KERNEL(32, 1)
load_mma_kernel(const std::uint16_t* a, const std::uint16_t* b, const std::uint16_t* b_rows, float* d) {
  auto* const a_shared = reinterpret_cast<std::uint16_t*>(simt::shared_memory());
  std::uint16_t* const b_shared = a_shared + 16 * 16;
  std::uint16_t* const b_rows_shared = b_shared + 16 * 8;
  const std::int32_t lane = simt::lane();
  for (std::int32_t i = lane; i < 16 * 16; i += 32) a_shared[i] = a[i];
  for (std::int32_t i = lane; i < 16 * 8; i += 32) b_shared[i] = b[i];
  for (std::int32_t i = lane; i < 16 * 8; i += 32) b_rows_shared[i] = b_rows[i];
  simt::sync_warp();
  std::uint32_t a_fragment[4];
  simt::load_matrix4(a_fragment, a_shared + 16 * (lane % 16) + 8 * (lane / 16));
  std::uint32_t twice[4];
  // Row k of b is column k of a fragment; matrices 2 and 3 repeat 0 and 1.
  simt::load_matrix4_transposed(twice, b_shared + 8 * (lane % 16));
  std::uint32_t from_rows[4];
  simt::load_matrix4(from_rows, b_rows_shared + 16 * (lane % 8) + 8 * (lane / 8 % 2));
  const std::uint32_t b_fragment[2] = {twice[0], twice[1]};
  const std::uint32_t b_rows_fragment[2] = {from_rows[0], from_rows[1]};
  float sums[4] = {};
  float rows_sums[4] = {};
  simt::mma(sums, a_fragment, b_fragment);
  simt::mma(rows_sums, a_fragment, b_rows_fragment);
  for (std::int32_t i = 0; i < 4; ++i) {
    const std::int32_t at = 8 * (lane / 4 + (i < 2 ? 0 : 8)) + 2 * (lane % 4) + i % 2;
    d[at] = sums[i];
    d[16 * 8 + at] = rows_sums[i];
  }
}

TEST(simt_load_matrix_gives_the_fragments_of_mma) {
  std::mt19937 random(6);
  // Small whole numbers: every sum is exact, so that a wrong element always shows.
  std::uniform_int_distribution<int> whole(-100, 100);
  std::vector<std::uint16_t> a(16 * 16), b(16 * 8), b_rows(8 * 16);
  for (auto& value : a) value = simt::to_bf16(static_cast<float>(whole(random)));
  for (std::size_t k = 0; k < 16; ++k)
    for (std::size_t n = 0; n < 8; ++n)
      b_rows[16 * n + k] = b[8 * k + n] = simt::to_bf16(static_cast<float>(whole(random)));
  std::vector<float> want(2 * 16 * 8);
  for (std::size_t row = 0; row < 16; ++row) {
    for (std::size_t n = 0; n < 8; ++n) {
      float sum = 0;
      for (std::size_t k = 0; k < 16; ++k) sum += simt::from_bf16(a[16 * row + k]) * simt::from_bf16(b[8 * k + n]);
      want[8 * row + n] = want[16 * 8 + 8 * row + n] = sum;
    }
  }
  under_every_schedule([&] {
    std::vector<float> d(2 * 16 * 8);
    EXPECT_LAUNCHED(simt::launch(
        load_mma_kernel, {}, 32, 2 * (16 * 16 + 2 * 16 * 8), nullptr, static_cast<const std::uint16_t*>(a.data()),
        static_cast<const std::uint16_t*>(b.data()), static_cast<const std::uint16_t*>(b_rows.data()), d.data()));
    EXPECT_SAME_BITS("load_matrix", d.data(), want.data(), 2 * 16 * 8);
  });
}

TEST(simt_mma_keeps_subnormal_bf16) {
  // 2^-133, the smallest bfloat16, times 2^127: a subnormal that was flushed would give 0.
  std::vector<std::uint16_t> a(16 * 16, 0), b(16 * 8, 0);
  std::vector<float> d(16 * 8, 0.0f);
  a[0] = 0x8001;
  b[0] = 0x7F00;
  EXPECT_LAUNCHED(simt::launch(mma_kernel, {}, 32, 0, nullptr, static_cast<const std::uint16_t*>(a.data()),
                               static_cast<const std::uint16_t*>(b.data()), d.data()));
  EXPECT_EQ(d[0], -0x1p-6f);
}

// Mistakes.

SIMT_KERNEL(64, 1) deadlock_kernel() {
  if (simt::thread() < 40) simt::sync_block();
  // Lanes 8-31 of the second warp wait for lanes that are at the barrier.
  if (simt::thread() >= 40) simt::sync_warp();
}

TEST(simt_a_deadlock_is_reported) {
  under_every_schedule([] {
    const LaunchStatus status = simt::launch(deadlock_kernel, {2}, 64, 0, nullptr);
    EXPECT_FAULT(status, "deadlock: threads 0-39 at sync_block, threads 40-63 at sync_warp");
    EXPECT_FAULT(status, "device_simt_test.cc:");
  });
}

SIMT_KERNEL(64, 1) missing_lane_kernel() {
  if (simt::thread() == 33) return;
  simt::ballot(true);
}

TEST(simt_a_warp_function_without_all_lanes_is_reported) {
  under_every_schedule([] {
    EXPECT_FAULT(simt::launch(missing_lane_kernel, {}, 64, 0, nullptr),
                 "deadlock: threads 0-31 returned, thread 32 at ballot, thread 33 returned, threads 34-63 at ballot");
  });
}

SIMT_KERNEL(32, 1) diverged_kernel(std::int32_t* out) {
  out[simt::lane()] = simt::lane() < 8 ? simt::shuffle(1, 0) : simt::shuffle_xor(1, 1);
}

TEST(simt_a_diverged_warp_is_reported) {
  std::vector<std::int32_t> out(32);
  simt::set_schedule(Order::ascending);
  EXPECT_FAULT(
      simt::launch(diverged_kernel, {}, 32, 0, nullptr, out.data()),
      "thread 8 (warp 0, lane 8): the warp diverged: this thread came to shuffle_xor while others wait at shuffle "
      "(threads 0-7 at shuffle, threads 8-31 running)");
  simt::reset_schedule();
}

SIMT_KERNEL(64, 1) mixed_barriers_kernel() {
  if (simt::warp() == 0)
    simt::sync_block();
  else
    simt::any_in_block(true);
}

TEST(simt_different_barriers_of_one_block_are_reported) {
  under_every_schedule(
      [] { EXPECT_FAULT(simt::launch(mixed_barriers_kernel, {}, 64, 0, nullptr), "the block diverged"); });
}

enum class Mistake { none, load, copy_from, copy_to, copy_past, copy_within, matrix, matrix_global, load_shared };

SIMT_KERNEL(32, 1) mistaken_kernel(Mistake mistake, char* global) {
  char* const shared = simt::shared_memory();
  std::uint32_t r[4];
  if (simt::lane() == 3) {
    if (mistake == Mistake::load) simt::load4(global + 8);
    if (mistake == Mistake::load_shared) simt::load4(shared);
    if (mistake == Mistake::copy_from) simt::copy_async16(shared, global + 4);
    if (mistake == Mistake::copy_to) simt::copy_async16(shared + 2, global);
    if (mistake == Mistake::copy_past) simt::copy_async16(shared + 512, global);
    if (mistake == Mistake::copy_within) simt::copy_async16(shared, shared + 16);
  }
  if (mistake == Mistake::matrix) simt::load_matrix4(r, shared + 16 * (simt::lane() % 8) + (simt::lane() == 3 ? 2 : 0));
  if (mistake == Mistake::matrix_global) simt::load_matrix4_transposed(r, global);
}

TEST(simt_bad_addresses_are_reported) {
  alignas(16) char global[64] = {};
  const auto run = [&](Mistake mistake) {
    return simt::launch(mistaken_kernel, {}, 32, 512, nullptr, mistake, &global[0]);
  };
  under_every_schedule([&] {
    EXPECT_LAUNCHED(run(Mistake::none));
    EXPECT_FAULT(run(Mistake::load), "thread 3 (warp 0, lane 3): load4: address 0x");
    EXPECT_FAULT(run(Mistake::load), "is not 16-byte aligned");
    EXPECT_FAULT(run(Mistake::load_shared), "is shared memory, not global");
    EXPECT_FAULT(run(Mistake::copy_from), "copy_async16 from: address 0x");
    EXPECT_FAULT(run(Mistake::copy_to), "copy_async16 to: address 0x");
    EXPECT_FAULT(run(Mistake::copy_past), "is not in the block's shared memory");
    EXPECT_FAULT(run(Mistake::copy_within), "is shared memory, not global");
    EXPECT_FAULT(run(Mistake::matrix), "load_matrix4: address 0x");
    EXPECT_FAULT(run(Mistake::matrix_global), "is not in the block's shared memory");
    EXPECT_LAUNCHED(run(Mistake::none));
  });
}

#if !defined(__SANITIZE_ADDRESS__)  // which ends the program at the write itself
SIMT_KERNEL(32, 1) overrun_kernel(std::int32_t bytes) {
  if (simt::lane() == 0) simt::shared_memory()[bytes + 2] = 0;
}

TEST(simt_a_write_past_shared_memory_is_reported) {
  EXPECT_FAULT(simt::launch(overrun_kernel, {}, 32, 100, nullptr, 100),
               "wrote 2 bytes past the end of its 100 bytes of shared memory");
}
#endif

TEST(simt_launches_that_no_device_takes_are_refused) {
  std::int32_t first[2] = {-1, 0};
  EXPECT(simt::launch(first_thread_kernel, {}, 33, 0, nullptr, &first[0]) == LaunchStatus::bad_launch);
  EXPECT(simt::launch(first_thread_kernel, {}, 1056, 0, nullptr, &first[0]) == LaunchStatus::bad_launch);
  EXPECT(simt::launch(first_thread_kernel, {0}, 32, 0, nullptr, &first[0]) == LaunchStatus::bad_launch);
  EXPECT(simt::launch(first_thread_kernel, {1, 65536}, 32, 0, nullptr, &first[0]) == LaunchStatus::bad_launch);
  EXPECT(simt::launch(first_thread_kernel, {}, 32, 227 * 1024 + 1, nullptr, &first[0]) == LaunchStatus::bad_launch);
  EXPECT(simt::last_fault().find("232449 bytes of shared memory") != std::string::npos);
  EXPECT_EQ(first[1], 0);
  EXPECT_LAUNCHED(simt::launch(first_thread_kernel, {}, 1024, 227 * 1024, nullptr, &first[0]));
  EXPECT_EQ(first[1], 1024);
}

// Numbers.

struct Arithmetic {
  float fused;
  float separate;
  float flushed_input;
  float flushed_result;
  float root;
  float quotient;
  float power;
  float tiny_power;
  float reciprocal;
  float big;
};

SIMT_KERNEL(32, 1) arithmetic_kernel(const float* in, Arithmetic* out) {
  if (simt::lane() != 0) return;
  out->fused = simt::fma(in[0], in[0], -1.0f);
  out->separate = simt::sub(simt::mul(in[0], in[0]), 1.0f);
  out->flushed_input = simt::mul(in[1], 0x1p100f);
  out->flushed_result = simt::mul(in[2], in[2]);
  out->root = simt::sqrt(in[3]);
  out->quotient = simt::div(in[3], 3.0f);
  out->power = simt::fast_exp2(in[3]);
  out->reciprocal = simt::fast_reciprocal(in[4]);
  out->tiny_power = simt::fast_exp2(-140.0f);
  out->big = simt::from_unsigned(0xFFFFFFFFu);
}

TEST(simt_arithmetic_rounds_once_and_flushes_subnormals) {
  const float in[] = {1.0f + 0x1p-12f, 0x1p-130f, 0x1p-70f, 2.0f, 0x1p127f};
  Arithmetic got;
  EXPECT_LAUNCHED(simt::launch(arithmetic_kernel, {}, 32, 0, nullptr, static_cast<const float*>(in), &got));
  EXPECT_EQ(got.fused, 0x1p-11f + 0x1p-24f);
  EXPECT_EQ(got.separate, 0x1p-11f);
  EXPECT_EQ(got.flushed_input, 0.0f);
  EXPECT_EQ(got.flushed_result, 0.0f);
  EXPECT_EQ(got.root, std::sqrt(2.0f));
  EXPECT_EQ(got.quotient, 2.0f / 3.0f);
  EXPECT_EQ(got.power, 4.0f);
  EXPECT_EQ(got.tiny_power, 0.0f);
  EXPECT_EQ(got.reciprocal, 0.0f);  // 2^-127 is subnormal
  EXPECT_EQ(got.big, 0x1p32f);
}

TEST(simt_bf16_rounds_to_nearest_even) {
  const auto from_bits = [](std::uint32_t bits) { return simt::to_bf16(std::bit_cast<float>(bits)); };
  EXPECT_EQ(from_bits(0x3F808000u), 0x3F80);  // a tie, down to even
  EXPECT_EQ(from_bits(0x3F818000u), 0x3F82);  // a tie, up to even
  EXPECT_EQ(from_bits(0x3F808001u), 0x3F81);
  EXPECT_EQ(from_bits(0x3F817FFFu), 0x3F81);
  EXPECT_EQ(from_bits(0xBF818000u), 0xBF82);
  EXPECT_EQ(from_bits(0x7F7FFFFFu), 0x7F80);  // past the largest: infinity
  EXPECT_EQ(from_bits(0x7F800000u), 0x7F80);
  EXPECT_EQ(from_bits(0xFF800000u), 0xFF80);
  EXPECT_EQ(from_bits(0x7F800001u), 0x7FFF);  // rounding alone would make it infinity
  EXPECT_EQ(from_bits(0xFFFFFFFFu), 0x7FFF);  // rounding alone would make it 0
  EXPECT_EQ(from_bits(0x00010000u), 0x0001);  // subnormals stay
  EXPECT_EQ(from_bits(0x00008000u), 0x0000);
  EXPECT_EQ(from_bits(0x80018000u), 0x8002);
  EXPECT_EQ(simt::to_bf16_pair(1.0f, -2.0f), 0xC0003F80u);
  for (std::uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const float value = simt::from_bf16(static_cast<std::uint16_t>(bits));
    if (!std::isnan(value)) EXPECT_EQ(simt::to_bf16(value), bits);
  }
}

TEST(simt_bit_functions) {
  EXPECT_EQ(simt::multiply_high(0xFFFFFFFFu, 0xFFFFFFFFu), 0xFFFFFFFEu);
  EXPECT_EQ(simt::count_bits(0xF0F00001u), 9);
  EXPECT_EQ(simt::lowest_bit(0), -1);
  EXPECT_EQ(simt::lowest_bit(0x80000000u), 31);
}

// The emulated device.

/// Opens the device for one scope.
class Opened {
 public:
  Opened() { EXPECT(runtime::open(0, &device_) == ops::DeviceStatus::ok); }
  ~Opened() { runtime::close(device_); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  operator ops::Device*() const { return device_; }

 private:
  ops::Device* device_ = nullptr;
};

bool last_error_has(std::string_view part) {
  return std::string_view(runtime::last_error()).find(part) != std::string_view::npos;
}

SIMT_KERNEL(32, 1) increment_kernel(std::int32_t* value, std::int32_t by) {
  if (simt::lane() == 0) *value += by;
}

TEST(simt_device_waits_for_marks) {
  const Opened device;
  EXPECT(runtime::wait(device, 1) == ops::DeviceStatus::failed);
  EXPECT(last_error_has("was not marked"));
  EXPECT(runtime::mark(device, ops::kDeviceMarks) == ops::DeviceStatus::unsupported);
  EXPECT(runtime::mark(device, 1) == ops::DeviceStatus::ok);
  EXPECT(runtime::wait(device, 1) == ops::DeviceStatus::ok);
  EXPECT(runtime::wait(device, 0) == ops::DeviceStatus::failed);
  EXPECT(runtime::begin_capture(device) == ops::DeviceStatus::ok);
  EXPECT(runtime::mark(device, 0) == ops::DeviceStatus::failed);
  ops::DeviceGraph* graph = nullptr;
  EXPECT(runtime::end_capture(device, &graph) == ops::DeviceStatus::ok);
  runtime::destroy_graph(device, graph);
}

TEST(simt_device_replays_what_it_recorded) {
  const Opened device;
  void* memory = nullptr;
  EXPECT(runtime::allocate(device, 256, &memory) == ops::DeviceStatus::ok);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 256, 0u);
  auto* const value = static_cast<std::int32_t*>(memory);
  EXPECT_EQ(*value, -1);  // contents are undefined, and look it
  std::int32_t start = 5;
  EXPECT(runtime::upload(device, value, &start, sizeof start) == ops::DeviceStatus::ok);
  EXPECT(runtime::begin_capture(device) == ops::DeviceStatus::ok);
  EXPECT(runtime::begin_capture(device) == ops::DeviceStatus::failed);
  {
    std::int32_t by = 3;  // arguments are copied
    EXPECT_LAUNCHED(simt::launch(increment_kernel, {}, 32, 0, runtime::queue(device).stream, value, by));
    by = 100;
    EXPECT_LAUNCHED(simt::launch(increment_kernel, {}, 32, 0, runtime::queue(device).stream, value, 1));
  }
  EXPECT(runtime::synchronize(device) == ops::DeviceStatus::failed);
  ops::DeviceGraph* graph = nullptr;
  EXPECT(runtime::end_capture(device, &graph) == ops::DeviceStatus::ok);
  ops::DeviceGraph* none = nullptr;
  EXPECT(runtime::end_capture(device, &none) == ops::DeviceStatus::failed);
  EXPECT_EQ(*value, 5);
  for (int replay = 0; replay < 3; ++replay) EXPECT(runtime::launch(device, graph) == ops::DeviceStatus::ok);
  std::int32_t got = 0;
  EXPECT(runtime::download(device, &got, value, sizeof got) == ops::DeviceStatus::ok);
  EXPECT_EQ(got, 5 + 3 * 4);
  EXPECT(runtime::clear(device, value, sizeof got) == ops::DeviceStatus::ok);
  EXPECT(runtime::synchronize(device) == ops::DeviceStatus::ok);
  EXPECT_EQ(*value, 0);
  runtime::destroy_graph(device, graph);
  runtime::release(device, memory);
}

TEST(simt_device_memory_is_limited) {
  const Environment limit("FAULTLINE_SIMT_MEMORY", "10000");
  const Opened device;
  void* first = nullptr;
  void* second = nullptr;
  EXPECT(runtime::allocate(device, 6000, &first) == ops::DeviceStatus::ok);
  EXPECT(runtime::allocate(device, 6000, &second) == ops::DeviceStatus::out_of_memory);
  EXPECT(second == nullptr);
  EXPECT(last_error_has("6000 bytes wanted, 4000 of 10000 are free"));
  std::uint64_t free_bytes = 0;
  std::uint64_t peak_bytes = 0;
  EXPECT(runtime::memory(device, &free_bytes, &peak_bytes) == ops::DeviceStatus::ok);
  EXPECT_EQ(free_bytes, 4000u);
  EXPECT_EQ(peak_bytes, 6000u);
  runtime::release(device, first);
  EXPECT(runtime::allocate(device, 5000, &second) == ops::DeviceStatus::ok);
  runtime::release(device, second);
  EXPECT(runtime::memory(device, &free_bytes, &peak_bytes) == ops::DeviceStatus::ok);
  EXPECT_EQ(free_bytes, 10000u);
  EXPECT_EQ(peak_bytes, 6000u);
}

TEST(simt_device_fails_where_it_is_told_to) {
  std::int32_t count = -1;
  ops::Device* none = nullptr;
  {
    const Environment fail("FAULTLINE_SIMT_FAIL", "no_driver");
    EXPECT(runtime::device_count(&count) == ops::DeviceStatus::no_driver);
    EXPECT_EQ(count, 0);
    EXPECT(runtime::open(0, &none) == ops::DeviceStatus::no_driver);
  }
  {
    const Environment fail("FAULTLINE_SIMT_FAIL", "no_device");
    EXPECT(runtime::device_count(&count) == ops::DeviceStatus::no_device);
  }
  EXPECT(runtime::device_count(&count) == ops::DeviceStatus::ok);
  EXPECT_EQ(count, 1);
  EXPECT(runtime::open(1, &none) == ops::DeviceStatus::no_device);
  const Environment fail("FAULTLINE_SIMT_FAIL", "lost:3");
  const Opened device;
  std::int32_t value = 0;
  const simt::Stream stream = runtime::queue(device).stream;
  EXPECT_LAUNCHED(simt::launch(increment_kernel, {}, 32, 0, stream, &value, 1));
  EXPECT(runtime::synchronize(device) == ops::DeviceStatus::ok);
  EXPECT(runtime::status_of(simt::launch(increment_kernel, {}, 32, 0, stream, &value, 1), "increment") ==
         ops::DeviceStatus::lost);
  EXPECT(last_error_has("increment: the device is lost"));
  EXPECT(runtime::synchronize(device) == ops::DeviceStatus::lost);
  EXPECT_EQ(value, 1);
}

TEST(simt_a_fault_loses_the_device) {
  const Opened device;
  const simt::Stream stream = runtime::queue(device).stream;
  EXPECT(runtime::status_of(simt::launch(missing_lane_kernel, {}, 64, 0, stream), "ballot") == ops::DeviceStatus::lost);
  EXPECT(last_error_has("ballot: the kernel launched at device_simt_test.cc:"));
  EXPECT(runtime::synchronize(device) == ops::DeviceStatus::lost);
  void* memory = nullptr;
  EXPECT(runtime::allocate(device, 16, &memory) == ops::DeviceStatus::lost);
  EXPECT(runtime::status_of(simt::kNoVariant, "gemm") == ops::DeviceStatus::unsupported);
}

}  // namespace
