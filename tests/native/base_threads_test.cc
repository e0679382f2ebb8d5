// The thread pool's promises, and what the machine's limits are read from.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "native/base/promised_memory.h"
#include "native/base/thread_pool.h"
#include "tests/native/check.h"

namespace faultline::check {
namespace {

using base::ThreadPool;

TEST(pool_runs_every_index_once) {
  for (const int threads : {1, 2, 3, 5}) {
    ThreadPool pool(threads);
    for (const std::int64_t count : {0, 1, 2, 3, 4, 5, 7, 64, 1000}) {
      std::vector<int> seen(static_cast<std::size_t>(count), 0);
      pool.parallel_for(count, [&](std::int64_t i) { ++seen[static_cast<std::size_t>(i)]; });
      for (const int times : seen) EXPECT_EQ(times, 1);
    }
  }
}

TEST(pool_partition_is_contiguous_even_and_fixed) {
  ThreadPool pool(3);
  std::vector<std::pair<std::int64_t, std::int64_t>> parts(3);
  pool.parallel_for(8, [&](std::int64_t begin, std::int64_t end) {
    parts[static_cast<std::size_t>(begin / 3)] = {begin, end};
  });
  EXPECT(parts[0] == (std::pair<std::int64_t, std::int64_t>{0, 3}));
  EXPECT(parts[1] == (std::pair<std::int64_t, std::int64_t>{3, 6}));
  EXPECT(parts[2] == (std::pair<std::int64_t, std::int64_t>{6, 8}));
}

TEST(pool_survives_many_short_loops) {
  ThreadPool pool(3);
  std::atomic<std::int64_t> total{0};
  for (int loop = 0; loop < 2000; ++loop) pool.parallel_for(3, [&](std::int64_t i) { total += i + 1; });
  EXPECT_EQ(total.load(), std::int64_t{12000});
}

TEST(pool_wakes_after_sleeping) {
  ThreadPool pool(2);
  int sum = 0;
  for (int loop = 0; loop < 3; ++loop) {
    // Long enough for workers to stop spinning and park; the result does not depend on whether they did.
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::vector<int> parts(2, 0);
    pool.parallel_for(2, [&](std::int64_t i) { parts[static_cast<std::size_t>(i)] = 1; });
    sum += parts[0] + parts[1];
  }
  EXPECT_EQ(sum, 6);
}

TEST(pool_nested_loops_run_inline) {
  ThreadPool pool(2);
  std::atomic<int> count{0};
  pool.parallel_for(4, [&](std::int64_t) {
    const auto outer = std::this_thread::get_id();
    pool.parallel_for(3, [&](std::int64_t) {
      ++count;
      if (std::this_thread::get_id() != outer) count += 1000;
    });
  });
  EXPECT_EQ(count.load(), 12);
}

TEST(pool_rethrows_the_lowest_parts_exception) {
  ThreadPool pool(3);
  for (int loop = 0; loop < 20; ++loop) {
    EXPECT_THROWS(usage, "part 1", pool.parallel_for(3, [](std::int64_t i) {
      if (i >= 1) throw base::Error(base::ErrorCode::usage, "part " + std::to_string(i));
    }));
  }
  std::atomic<int> after{0};
  pool.parallel_for(3, [&](std::int64_t) { ++after; });
  EXPECT_EQ(after.load(), 3);
}

TEST(pool_serves_callers_one_after_another) {
  ThreadPool pool(2);
  std::atomic<int> count{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      for (int loop = 0; loop < 100; ++loop) pool.parallel_for(2, [&](std::int64_t) { ++count; });
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(count.load(), 600);
}

float tiny_product() {
  volatile float x = 1e-30f, y = 1e-10f;
  volatile float product = x * y;
  return product;
}

TEST(pool_workers_flush_denormals) {
  ThreadPool pool(3);
  std::vector<float> products(3, 1);
  pool.parallel_for(3, [&](std::int64_t i) { products[static_cast<std::size_t>(i)] = tiny_product(); });
  EXPECT_EQ(products[1], 0.0f);
  EXPECT_EQ(products[2], 0.0f);
}

TEST(pool_refuses_no_threads) { EXPECT_THROWS(usage, "at least 1", ThreadPool(0)); }

/// A folder that looks like a system's root as far as cgroups go.
struct FakeRoot {
  std::string path;
  explicit FakeRoot(const std::string& name) : path(temporary_folder() + "/" + name) {}
  void put(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path + file).parent_path());
    std::ofstream(path + file) << text;
  }
};

TEST(limits_of_cgroup_version_2) {
  const FakeRoot root("v2");
  root.put("/proc/self/cgroup", "0::/user/job\n");
  root.put("/sys/fs/cgroup/cpu.max", "max 100000\n");
  root.put("/sys/fs/cgroup/user/cpu.max", "250000 100000\n");
  root.put("/sys/fs/cgroup/user/job/cpu.max", "400000 100000\n");
  root.put("/sys/fs/cgroup/user/memory.max", "1000000\n");
  root.put("/sys/fs/cgroup/user/memory.current", "400000\n");
  root.put("/sys/fs/cgroup/user/job/memory.max", "max\n");
  const base::CgroupLimits limits = base::cgroup_limits(root.path);
  EXPECT_EQ(limits.cpus.value_or(0), 2.5);  // the tightest on the path
  EXPECT_EQ(limits.memory_left.value_or(0), std::uint64_t{600000});
}

TEST(limits_of_cgroup_version_1) {
  const FakeRoot root("v1");
  root.put("/proc/self/cgroup", "5:memory:/box\n4:cpu,cpuacct:/box\n1:name=systemd:/box\n");
  root.put("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "150000\n");
  root.put("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  root.put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  root.put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  root.put("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "5000\n");
  root.put("/sys/fs/cgroup/memory/box/memory.usage_in_bytes", "6000\n");
  const base::CgroupLimits limits = base::cgroup_limits(root.path);
  EXPECT_EQ(limits.cpus.value_or(0), 1.5);
  EXPECT_EQ(limits.memory_left.value_or(1), std::uint64_t{0});
}

/// A checkpoint that was read through once stays in memory until something needs the room.
TEST(limits_do_not_count_files_that_can_be_dropped) {
  const FakeRoot two("v2-files");
  two.put("/proc/self/cgroup", "0::/job\n");
  two.put("/sys/fs/cgroup/job/memory.max", "1000000\n");
  two.put("/sys/fs/cgroup/job/memory.current", "900000\n");
  two.put("/sys/fs/cgroup/job/memory.stat", "anon 200000\nfile 700000\ninactive_file_x 7\ninactive_file 600000\n");
  EXPECT_EQ(base::cgroup_limits(two.path).memory_left.value_or(0), std::uint64_t{700000});
  // The two files are not read at one moment.
  two.put("/sys/fs/cgroup/job/memory.stat", "inactive_file 950000\n");
  EXPECT_EQ(base::cgroup_limits(two.path).memory_left.value_or(0), std::uint64_t{1000000});
  two.put("/sys/fs/cgroup/job/memory.stat", "inactive_file oops\n");
  EXPECT_EQ(base::cgroup_limits(two.path).memory_left.value_or(0), std::uint64_t{100000});

  const FakeRoot one("v1-files");
  one.put("/proc/self/cgroup", "5:memory:/box\n");
  one.put("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "5000\n");
  one.put("/sys/fs/cgroup/memory/box/memory.usage_in_bytes", "6000\n");
  one.put("/sys/fs/cgroup/memory/box/memory.stat", "inactive_file 100\ntotal_inactive_file 3000\n");
  EXPECT_EQ(base::cgroup_limits(one.path).memory_left.value_or(0), std::uint64_t{2000});
}

TEST(limits_without_cgroups_are_absent) {
  const base::CgroupLimits limits = base::cgroup_limits(temporary_folder() + "/nothing");
  EXPECT(!limits.cpus && !limits.memory_left);
  const FakeRoot root("garbage");
  root.put("/proc/self/cgroup", "nonsense\n0::/../..\n");
  root.put("/sys/fs/cgroup/cpu.max", "oops\n");
  EXPECT(!base::cgroup_limits(root.path).cpus);
}

/// What Node, waiting samples and the sandbox take is nobody's to plan with.
TEST(memory_is_planned_beside_a_reserve) {
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  EXPECT_EQ(base::memory_reserve(0), 512 * kMiB);
  EXPECT_EQ(base::memory_reserve(5120 * kMiB), 512 * kMiB);
  EXPECT_EQ(base::memory_reserve(64 * 1024 * kMiB), 64 * 1024 * kMiB / 10);
  EXPECT_EQ(base::plannable_memory(511 * kMiB), std::uint64_t{0});
  EXPECT_EQ(base::plannable_memory(513 * kMiB), kMiB);
  EXPECT_EQ(base::plannable_memory(10240 * kMiB), 9216 * kMiB);
  // Of what a cgroup leaves, the plan gets no more than that.
  FakeRoot root("reserve");
  root.put("/proc/self/cgroup", "0::/job\n");
  root.put("/sys/fs/cgroup/job/memory.max", std::to_string(2048 * kMiB) + "\n");
  root.put("/sys/fs/cgroup/job/memory.current", std::to_string(1024 * kMiB) + "\n");
  EXPECT_EQ(base::plannable_memory(base::cgroup_limits(root.path).memory_left.value_or(0)), 512 * kMiB);
}

TEST(limits_of_this_machine_are_sane) {
  const int threads = base::default_threads();
  EXPECT(threads >= 1 && threads <= static_cast<int>(std::thread::hardware_concurrency()));
  EXPECT(base::available_memory() > 0);
}

}  // namespace
}  // namespace faultline::check
