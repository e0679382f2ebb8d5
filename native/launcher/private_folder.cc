#include "native/launcher/private_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cstdlib>
#include <vector>

#include "native/launcher/fail.h"
#include "native/launcher/shown_files.h"

namespace faultline::launcher {
namespace {

constexpr const char* kPrefix = "faultline-sandbox-";

bool is_own_name(const char* name) { return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0; }

std::vector<std::string> names_in(int folder) {
  std::vector<std::string> names;
  int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* listing = copy < 0 ? nullptr : fdopendir(copy);
  if (listing == nullptr) {
    if (copy >= 0) close(copy);
    return names;
  }
  while (const dirent* entry = readdir(listing)) {
    if (!is_own_name(entry->d_name)) names.emplace_back(entry->d_name);
  }
  closedir(listing);
  return names;
}

// Empties a folder of nobody's programs any more. A program may have nested folders deeper than any stack or any number
// of descriptors: the folders of a folder are moved to the top before it is removed, so that nothing here goes deep.
void empty(int top) {
  unsigned moved = 0;
  std::vector<std::string> waiting = names_in(top);
  while (!waiting.empty()) {
    std::string name = waiting.back();
    waiting.pop_back();
    if (unlinkat(top, name.c_str(), 0) == 0) continue;
    // A program may have locked its folder.
    fchmodat(top, name.c_str(), 0700, 0);
    int folder = openat(top, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) continue;
    for (const std::string& inner : names_in(folder)) {
      if (unlinkat(folder, inner.c_str(), 0) == 0) continue;
      fchmodat(folder, inner.c_str(), 0700, 0);
      std::string place;
      int result;
      do {
        place = ".moved-" + std::to_string(moved++);
        result = renameat(folder, inner.c_str(), top, place.c_str());
        // The program may have taken the name.
      } while (result != 0 && (errno == ENOTDIR || errno == ENOTEMPTY || errno == EEXIST));
      if (result == 0) waiting.push_back(place);
    }
    close(folder);
    unlinkat(top, name.c_str(), AT_REMOVEDIR);
  }
}

// Removes the folders of launchers that were killed: nobody holds their locks.
void sweep(const std::string& parent) {
  int folder = open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;  // creating one there will say why
  for (const std::string& name : names_in(folder)) {
    if (name.compare(0, std::strlen(kPrefix), kPrefix) != 0) continue;
    int old = openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (old < 0) continue;
    struct stat info;
    if (fstat(old, &info) == 0 && info.st_uid == geteuid() && flock(old, LOCK_EX | LOCK_NB) == 0) {
      empty(old);
      unlinkat(folder, name.c_str(), AT_REMOVEDIR);
    }
    close(old);
  }
  close(folder);
}

}  // namespace

PrivateFolder::PrivateFolder(const Options& options) {
  sweep(options.scratch_parent);
  struct statvfs room;
  must(statvfs(options.scratch_parent.c_str(), &room), "look at the folder", options.scratch_parent.c_str());
  if (room.f_bavail * room.f_frsize < static_cast<unsigned long>(options.scratch_bytes)) {
    // What programs do on a full disk would look like their own failure.
    errno = ENOSPC;
    fail("have programs write in the folder", options.scratch_parent.c_str());
  }
  Scripts opened = open_scripts(options);
  for (;;) {
    path_ = options.scratch_parent + "/" + kPrefix + "XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) fail("create a folder in", options.scratch_parent.c_str());
    fd_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat info;
    // Between its creation and the lock another launcher may have swept it away.
    if (fd_ >= 0 && flock(fd_, LOCK_EX | LOCK_NB) == 0 && fstat(fd_, &info) == 0 && info.st_nlink > 0) break;
    if (fd_ < 0 && errno != ENOENT) fail("open", path_.c_str());
    if (fd_ >= 0) close(fd_);
  }
  // The unprivileged users of a root pass through, and see no names.
  must(fchmod(fd_, geteuid() == 0 ? 0711 : 0700), "open up", path_.c_str());
  copy_scripts(opened, scripts());
}

std::string PrivateFolder::scratch(const std::string& name, uid_t user, gid_t group) const {
  std::string path = path_ + "/" + name;
  must(mkdir(path.c_str(), 0700), "create the folder", path.c_str());
  if (user != geteuid()) must(chown(path.c_str(), user, group), "hand over", path.c_str());
  return path;
}

void PrivateFolder::remove() {
  empty(fd_);
  rmdir(path_.c_str());
  close(fd_);
}

}  // namespace faultline::launcher
