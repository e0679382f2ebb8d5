#include "native/launcher/shown_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "native/launcher/fail.h"

namespace faultline::launcher {

namespace {

int open_to_read(int folder, const char* name) {
  return must(openat(folder, name, O_RDONLY | O_CLOEXEC), "read the file", name);
}

// Copies what is open as `in` to the new file `target`, and closes it.
void copy(int in, const std::string& target) {
  int out = must(open(target.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444), "copy the file", target.c_str());
  char buffer[16384];
  for (;;) {
    ssize_t count = read(in, buffer, sizeof buffer);
    if (count < 0) fail("read the file", target.c_str());
    if (count == 0) break;
    if (write(out, buffer, static_cast<size_t>(count)) != count) fail("copy the file", target.c_str());
  }
  close(in);
  close(out);
  must(chmod(target.c_str(), 0444), "copy the file", target.c_str());
}

}  // namespace

Scripts open_scripts(const Options& options) {
  DIR* folder = opendir(options.scripts.c_str());
  if (folder == nullptr) fail("open the folder", options.scripts.c_str());
  return {folder, options.forks.empty() ? -1 : open_to_read(AT_FDCWD, options.forks.c_str())};
}

void copy_scripts(const Scripts& scripts, const std::string& to) {
  must(mkdir(to.c_str(), 0755), "create the folder", to.c_str());
  // The modes given here are cut by the umask, and the reader is another user.
  must(chmod(to.c_str(), 0755), "create the folder", to.c_str());
  while (const dirent* entry = readdir(scripts.folder)) {
    std::string name = entry->d_name;
    if (name.size() < 4 || name.compare(name.size() - 3, 3, ".py") != 0) continue;
    copy(open_to_read(dirfd(scripts.folder), name.c_str()), to + "/" + name);
  }
  if (scripts.forks >= 0) copy(scripts.forks, to + "/" + kForksCopy);
  closedir(scripts.folder);
}

}  // namespace faultline::launcher
