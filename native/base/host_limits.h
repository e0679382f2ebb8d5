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

/// What both functions above read, with the system's root replaced, so that tests can show them any machine.
struct CgroupLimits {
  std::optional<double> cpus;
  std::optional<std::uint64_t> memory_left;
};
/// `root` is "" for the real system. Missing or unreadable files mean no limit.
CgroupLimits cgroup_limits(const std::string& root);

}  // namespace faultline::base
