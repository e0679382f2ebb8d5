// What this process may use of the machine: CPUs by affinity and cgroup quota, memory by cgroup limit. Read once per
// call from the system; knows no policy beyond taking the smallest number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faultline::base {

/// Threads that can run at the same time: CPUs in the affinity mask, cut to the whole CPUs of the tightest cgroup
/// quota (v1 or v2) on the path to the root; at least 1. A fractional CPU is not counted: a team of threads that
/// wait for each other is throttled as one when it exceeds the quota.
int default_threads();

/// Bytes this process may still be given: the smaller of the machine's available memory and the tightest cgroup
/// limit minus that group's present use, in which files that the kernel can drop do not count. Throws
/// Error(environment) when the system does not say.
std::uint64_t available_memory();

/// Of so many free bytes, what no plan may use, because it is used beside all plans: a tenth, and at least 512 MiB.
/// The least is for one process on a small machine: Node with a heap that holds samples until they are stored and a
/// report until it is written (300 MiB for 32,800 samples, measured), what the engine takes beside its plan (32 MiB,
/// measured), and judge and zygote of two sandbox workers. The tenth is for larger machines, which have more cores and
/// so more workers, and for what other programs there take after the plan was made. Candidates are not counted: they
/// have limits of their own, and the kernel is told to end them first (native/launcher/compartment.cc).
constexpr std::uint64_t memory_reserve(std::uint64_t free_bytes) {
  constexpr std::uint64_t kLeast = std::uint64_t{512} << 20;
  return free_bytes / 10 > kLeast ? free_bytes / 10 : kLeast;
}

/// What both functions above read, with the system's root replaced, so that tests can show them any machine.
struct CgroupLimits {
  std::optional<double> cpus;
  std::optional<std::uint64_t> memory_left;
};
/// `root` is "" for the real system. Missing or unreadable files mean no limit.
CgroupLimits cgroup_limits(const std::string& root);

}  // namespace faultline::base
