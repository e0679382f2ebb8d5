// Builds the minimal root on a tmpfs over /tmp (in a private mount namespace, so that nobody else sees it), moves into
// it with pivot_root and lets go of the old one.
#include "native/launcher/root_filesystem.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <cstdint>
#include <string>
#include <vector>

#include "native/launcher/fail.h"
#include "native/launcher/shown_files.h"

namespace faultline::launcher {
namespace {

// Where the new root is assembled. Any folder would do that every system has; its old content is hidden only from us.
constexpr const char* kStaging = "/tmp";

// linux/mount.h clashes with sys/mount.h in some C libraries, so the little that is needed stands here.
// The number is the same on every architecture.
constexpr long kSysMountSetattr = 442;
constexpr unsigned kAtRecursive = 0x8000;
constexpr uint64_t kAttrReadOnly = 0x1, kAttrNoSuid = 0x2, kAttrNoDev = 0x4, kAttrNoExec = 0x8;
struct MountAttributes {
  uint64_t set, clear, propagation, user_namespace_fd;
};

// Adds attributes to a mount and all mounts below it. Attributes are only ever added: in a user namespace those of the
// original mount are locked, and a remount that forgets one of them is refused.
bool restrict_mount(const char* target, uint64_t attributes) {
  MountAttributes change = {attributes, 0, 0, 0};
  return syscall(kSysMountSetattr, AT_FDCWD, target, kAtRecursive, &change, sizeof change) == 0;
}

// The same for kernels before 5.12, for one mount without others below it.
bool restrict_single_mount(const char* target, uint64_t attributes) {
  struct statvfs now;
  if (statvfs(target, &now) != 0) return false;
  unsigned long flags = MS_REMOUNT | MS_BIND;
  if ((attributes & kAttrReadOnly) != 0 || (now.f_flag & ST_RDONLY) != 0) flags |= MS_RDONLY;
  if ((attributes & kAttrNoSuid) != 0 || (now.f_flag & ST_NOSUID) != 0) flags |= MS_NOSUID;
  if ((attributes & kAttrNoDev) != 0 || (now.f_flag & ST_NODEV) != 0) flags |= MS_NODEV;
  if ((attributes & kAttrNoExec) != 0 || (now.f_flag & ST_NOEXEC) != 0) flags |= MS_NOEXEC;
  if ((now.f_flag & ST_NOATIME) != 0) flags |= MS_NOATIME;
  if ((now.f_flag & ST_NODIRATIME) != 0) flags |= MS_NODIRATIME;
  if ((now.f_flag & ST_RELATIME) != 0) flags |= MS_RELATIME;
  return mount(nullptr, target, nullptr, flags, nullptr) == 0;
}

void make_folders(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    std::string parent = path.substr(0, slash);
    if (mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST) fail("create the folder", parent.c_str());
  }
}

// One path of the old root, held open because the staging tmpfs may cover it.
struct Source {
  std::string path;
  int fd;
  bool folder;
  std::string link;  // not empty: a symbolic link, shown as one
};

void add_source(std::vector<Source>& sources, const std::string& path, bool optional) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) {
    if (optional && errno == ENOENT) return;
    fail("find", path.c_str());
  }
  if (S_ISLNK(info.st_mode)) {
    char target[4096];
    ssize_t length = readlink(path.c_str(), target, sizeof target);
    if (length <= 0) fail("read the link", path.c_str());
    sources.push_back({path, -1, false, std::string(target, static_cast<size_t>(length))});
    return;
  }
  int fd = must(open(path.c_str(), O_PATH | O_CLOEXEC), "open", path.c_str());
  sources.push_back({path, fd, S_ISDIR(info.st_mode), ""});
}

// Shows `source` below the staging folder. Bound through /proc/self/fd, as its own path may already be covered.
void show(const Source& source, uint64_t attributes) {
  std::string target = std::string(kStaging) + source.path;
  make_folders(target);
  if (!source.link.empty()) {
    if (symlink(source.link.c_str(), target.c_str()) != 0 && errno != EEXIST) fail("create the link", target.c_str());
    return;
  }
  if (source.folder) {
    if (mkdir(target.c_str(), 0755) != 0 && errno != EEXIST) fail("create the folder", target.c_str());
  } else {
    close(must(open(target.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0444), "create the file", target.c_str()));
  }
  std::string from = "/proc/self/fd/" + std::to_string(source.fd);
  must(mount(from.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr), "bind", source.path.c_str());
  if (restrict_mount(target.c_str(), attributes)) return;
  if (errno != ENOSYS) fail("make read-only", source.path.c_str());
  // Without mount_setattr a whole tree cannot be restricted at once: show the top mount alone (refused by the kernel
  // where that would uncover something).
  must(umount2(target.c_str(), MNT_DETACH), "detach", source.path.c_str());
  must(mount(from.c_str(), target.c_str(), nullptr, MS_BIND, nullptr), "bind", source.path.c_str());
  if (!restrict_single_mount(target.c_str(), attributes)) fail("make read-only", source.path.c_str());
}

// True where `path` is `folder` or lies below it.
bool within(const std::string& path, const std::string& folder) {
  return path == folder || path.compare(0, folder.size() + 1, folder + "/") == 0;
}

}  // namespace

void enter_minimal_root(const Options& options, uid_t owner, gid_t group) {
  umask(022);
  must(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make the mounts private");

  std::vector<Source> sources;
  std::vector<Source> devices;
  for (const char* path : kSystemPaths) add_source(sources, path, true);
  for (const std::string& path : options.read_only) {
    if (!within(path, "/usr")) add_source(sources, path, false);
  }
  for (const char* path : kDevices) add_source(devices, path, false);
  Scripts scripts = open_scripts(options);

  must(mount("tmpfs", kStaging, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,nr_inodes=4096,mode=0755"), "mount a tmpfs");
  for (const Source& source : sources) show(source, kAttrReadOnly | kAttrNoSuid | kAttrNoDev);
  for (const Source& device : devices) show(device, kAttrReadOnly | kAttrNoSuid | kAttrNoExec);
  // Copied instead of bound: they may lie below a home that the unprivileged user cannot enter.
  copy_scripts(scripts, std::string(kStaging) + "/faultline");
  for (const Source& source : sources) close(source.fd);
  for (const Source& device : devices) close(device.fd);

  // Where the C library keeps shared memory and named semaphores. Empty for good, as no limit of a process counts such
  // memory; but a program that asks for it shall hear that it may not, as in tier `landlock`, not that the folder is
  // missing, as on no system. Open to look into: the C library does before it creates a semaphore.
  must(mkdir((std::string(kStaging) + "/dev/shm").c_str(), 0555), "create the folder", "/dev/shm");

  std::string scratch = std::string(kStaging) + "/tmp";
  if (mkdir(scratch.c_str(), 0700) != 0 && errno != EEXIST) fail("create the folder", "/tmp");
  std::string scratch_options = "size=" + std::to_string(options.scratch_bytes) +
                                ",nr_inodes=1024,mode=0700,uid=" + std::to_string(owner) +
                                ",gid=" + std::to_string(group);
  // noexec also refuses to map libraries from there.
  must(mount("tmpfs", scratch.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, scratch_options.c_str()),
       "mount the scratch folder");

  must(chdir(kStaging), "enter the new root");
  // pivot_root(".", ".") stacks the old root over the new one, from where it is detached: no folder for it is needed.
  must(static_cast<int>(syscall(SYS_pivot_root, ".", ".")), "pivot into the new root");
  must(umount2(".", MNT_DETACH), "let go of the old root");
  must(chdir("/"), "enter the new root");
  must(mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr),
       "make the new root read-only");
  must(chdir("/tmp"), "enter the scratch folder");
}

}  // namespace faultline::launcher
