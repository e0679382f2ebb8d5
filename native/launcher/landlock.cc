// The kernel's own header is newer than many systems', so the little that is needed of it stands here.
#include "native/launcher/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstdint>

#include "native/launcher/fail.h"
#include "native/launcher/shown_files.h"

namespace faultline::launcher {
namespace {

// The same numbers on every architecture.
constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;
constexpr unsigned kAskVersion = 1;
constexpr int kPathBeneath = 1;

constexpr uint64_t kExecute = 1 << 0, kWriteFile = 1 << 1, kReadFile = 1 << 2, kReadFolder = 1 << 3;
constexpr uint64_t kRemoveFolder = 1 << 4, kRemoveFile = 1 << 5, kMakeFolder = 1 << 7, kMakeRegular = 1 << 8;
constexpr uint64_t kMakeLink = 1 << 12, kMoveBetweenFolders = 1 << 13, kTruncate = 1 << 14;

// All rights that a version governs: what is governed and not allowed below is refused.
constexpr uint64_t governed_files(int version) {
  constexpr uint64_t kFirst = (1 << 13) - 1, kDeviceControl = 1 << 15;
  return kFirst | (version >= 2 ? kMoveBetweenFolders : 0) | (version >= 3 ? kTruncate : 0) |
         (version >= 5 ? kDeviceControl : 0);
}

struct Ruleset {
  uint64_t files, ports, scopes;
};

struct __attribute__((packed)) PathRule {
  uint64_t allowed;
  int32_t parent;
};

// Allows `rights`, as far as they are governed, on `path` and all below it. Links are followed: a rule holds for what
// they lead to.
void allow(int ruleset, const std::string& path, uint64_t rights, uint64_t governed, bool optional) {
  int fd = open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) {
    if (optional && errno == ENOENT) return;
    fail("show", path.c_str());
  }
  struct stat info;
  must(fstat(fd, &info), "show", path.c_str());
  // Rights about entries make no sense for a file, and the kernel says so.
  constexpr uint64_t kOfFiles = kExecute | kWriteFile | kReadFile | kTruncate;
  PathRule rule = {rights & governed & (S_ISDIR(info.st_mode) ? ~uint64_t{0} : kOfFiles), fd};
  must(static_cast<int>(syscall(kAddRule, ruleset, kPathBeneath, &rule, 0)), "show", path.c_str());
  close(fd);
}

}  // namespace

int landlock_version() {
  long version = syscall(kCreateRuleset, nullptr, 0, kAskVersion);
  return version > 0 ? static_cast<int>(version) : 0;
}

int usable_landlock(const Options& options) {
  int version = landlock_version();
  if (version == 0) fail("use Landlock");
  return version < options.landlock_most ? version : options.landlock_most;
}

void confine(const Options& options, int version, const std::string& scripts, const std::string& scratch) {
  uint64_t governed = governed_files(version);
  Ruleset wanted = {governed, version >= 4 ? uint64_t{3} : 0, version >= 6 ? uint64_t{3} : 0};
  int ruleset = must(static_cast<int>(syscall(kCreateRuleset, &wanted, sizeof wanted, 0)), "create Landlock's rules");
  constexpr uint64_t kRead = kReadFile | kReadFolder | kExecute;
  for (const char* path : kSystemPaths) allow(ruleset, path, kRead, governed, true);
  for (const std::string& path : options.read_only) allow(ruleset, path, kRead, governed, false);
  for (const char* path : kDevices) allow(ruleset, path, kReadFile | kWriteFile | kTruncate, governed, false);
  allow(ruleset, scripts, kReadFile | kReadFolder, governed, false);
  allow(ruleset, scratch,
        kReadFile | kReadFolder | kWriteFile | kTruncate | kRemoveFile | kRemoveFolder | kMakeRegular | kMakeFolder |
            kMakeLink | kMoveBetweenFolders,
        governed, false);
  must(static_cast<int>(syscall(kRestrictSelf, ruleset, 0)), "apply Landlock's rules");
  close(ruleset);
}

}  // namespace faultline::launcher
