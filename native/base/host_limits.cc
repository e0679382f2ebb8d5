#include "native/base/host_limits.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "native/base/error.h"

namespace faultline::base {
namespace {

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The first number in `text`; nothing for "max", "-1" and anything else.
std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> number_in(const std::string& path) {
  const auto text = read_text(path);
  return text ? leading_number(*text) : std::nullopt;
}

template <class T>
void keep_smaller(std::optional<T>& kept, T value) {
  if (!kept || value < *kept) kept = value;
}

// The folder of a group and of all its parents: a quota anywhere on the path binds.
std::vector<std::string> with_parents(const std::string& mount, std::string group) {
  std::vector<std::string> folders;
  while (!group.empty() && group != "/") {
    folders.push_back(mount + group);
    group.resize(group.rfind('/'));
  }
  folders.push_back(mount);
  return folders;
}

// A row of a folder's memory.stat, such as "inactive_file 4096"; 0 where it is not there.
std::uint64_t memory_row(const std::string& folder, std::string_view name) {
  std::ifstream file(folder + "/memory.stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ' ')
      return leading_number(std::string_view(line).substr(name.size() + 1)).value_or(0);
  }
  return 0;
}

// What a group may still be given. Files that were read and not looked at since (the checkpoint that was just packed or
// hashed is one) count as used, but the kernel gives their pages away before it kills.
void read_memory_left(const std::string& folder, std::uint64_t limit, const char* used_file, const char* files_row,
                      CgroupLimits& limits) {
  const std::uint64_t used = number_in(folder + used_file).value_or(0);
  const std::uint64_t needed = used - std::min(used, memory_row(folder, files_row));
  keep_smaller(limits.memory_left, limit - std::min(limit, needed));
}

void read_version2(const std::string& folder, CgroupLimits& limits) {
  if (const auto text = read_text(folder + "/cpu.max")) {
    // "200000 100000" or "max 100000": microseconds of CPU per period.
    const auto space = text->find(' ');
    const auto quota = leading_number(*text);
    const auto period =
        space == std::string::npos ? std::nullopt : leading_number(std::string_view(*text).substr(space + 1));
    if (quota && period && *period > 0)
      keep_smaller(limits.cpus, static_cast<double>(*quota) / static_cast<double>(*period));
  }
  const auto limit = number_in(folder + "/memory.max");
  if (limit) read_memory_left(folder, *limit, "/memory.current", "inactive_file", limits);
}

void read_version1_cpu(const std::string& folder, CgroupLimits& limits) {
  const auto quota = number_in(folder + "/cpu.cfs_quota_us");  // "-1" is no limit, and no number to leading_number
  const auto period = number_in(folder + "/cpu.cfs_period_us");
  if (quota && period && *period > 0)
    keep_smaller(limits.cpus, static_cast<double>(*quota) / static_cast<double>(*period));
}

void read_version1_memory(const std::string& folder, CgroupLimits& limits) {
  const auto limit = number_in(folder + "/memory.limit_in_bytes");
  // "No limit" is written as the largest multiple of a page below 2^63. The plain rows leave the groups below out,
  // whose use is in the usage.
  if (limit && *limit < std::uint64_t{1} << 62)
    read_memory_left(folder, *limit, "/memory.usage_in_bytes", "total_inactive_file", limits);
}

bool lists(std::string_view controllers, std::string_view name) {
  while (!controllers.empty()) {
    const auto comma = controllers.find(',');
    if (controllers.substr(0, comma) == name) return true;
    if (comma == std::string_view::npos) return false;
    controllers.remove_prefix(comma + 1);
  }
  return false;
}

int affinity_count() {
#ifdef __linux__
  // A fixed cpu_set_t holds 1024 CPUs; the call fails with EINVAL on machines with more, so grow until it fits.
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(cpus));
    if (set == nullptr) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpus));
    const bool known = sched_getaffinity(0, bytes, set) == 0;
    const int count = known ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (known && count > 0) return count;
  }
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

CgroupLimits cgroup_limits(const std::string& root) {
  CgroupLimits limits;
  const auto membership = read_text(root + "/proc/self/cgroup");
  if (!membership) return limits;
  std::istringstream lines(*membership);
  // "0::/user.slice" (version 2) or "4:cpu,cpuacct:/docker/ab12" (version 1).
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string group = line.substr(second + 1);
    // A group outside our namespace is shown as "/../..": its files are not reachable, our root's are.
    if (group.find("..") != std::string::npos) group = "/";
    const std::string mount = root + "/sys/fs/cgroup";
    if (controllers.empty()) {
      for (const auto& folder : with_parents(mount, group)) read_version2(folder, limits);
      continue;
    }
    if (lists(controllers, "cpu")) {
      for (const auto& folder : with_parents(mount + "/cpu", group)) read_version1_cpu(folder, limits);
    }
    if (lists(controllers, "memory")) {
      for (const auto& folder : with_parents(mount + "/memory", group)) read_version1_memory(folder, limits);
    }
  }
  return limits;
}

int default_threads() {
  const int cpus = affinity_count();
  const auto quota = cgroup_limits("").cpus;
  return quota ? std::clamp(static_cast<int>(*quota), 1, cpus) : cpus;
}

std::uint64_t available_memory() {
  std::optional<std::uint64_t> available = cgroup_limits("").memory_left;
  if (const auto text = read_text("/proc/meminfo")) {
    const auto at = text->find("MemAvailable:");
    const auto digit = at == std::string::npos ? at : text->find_first_of("0123456789", at);
    const auto kibibytes =
        digit == std::string::npos ? std::nullopt : leading_number(std::string_view(*text).substr(digit));
    if (kibibytes) keep_smaller(available, *kibibytes * 1024);
  } else {
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0)
      keep_smaller(available, static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page));
  }
  if (!available) {
    throw Error(ErrorCode::environment, "this system does not say how much memory is available",
                "Pass --memory, e.g. --memory 4GiB.");
  }
  return *available;
}

}  // namespace faultline::base
