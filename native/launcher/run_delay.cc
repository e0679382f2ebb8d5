// Everything is read from /proc at the moment of the question, by ids that the kernel lists.
#include "native/launcher/run_delay.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace faultline::launcher {
namespace {

// Reads a small file of /proc whole. False, with errno, where it cannot.
bool read_small(const std::string& path, std::string& text) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char buffer[4096];
  ssize_t length = read(fd, buffer, sizeof buffer);
  int error = errno;
  close(fd);
  errno = error;
  if (length < 0) return false;
  text.assign(buffer, static_cast<size_t>(length));
  return true;
}

std::string tasks_of(pid_t process) { return "/proc/" + std::to_string(process) + "/task/"; }

// Appends a line for every task of `process`; one that ends meanwhile is left out.
void append_tasks(pid_t process, std::string& answer) {
  std::string folder = tasks_of(process);
  DIR* tasks = opendir(folder.c_str());
  if (tasks == nullptr) return;
  while (const dirent* entry = readdir(tasks)) {
    std::string line;
    if (entry->d_name[0] == '.' || !read_small(folder + entry->d_name + "/schedstat", line)) continue;
    answer += std::string(entry->d_name) + " " + line;
    if (answer.size() > RunDelay::kAnswerMost) break;
  }
  closedir(tasks);
}

bool children_of(pid_t process, std::string& children) {
  return read_small(tasks_of(process) + std::to_string(process) + "/children", children);
}

}  // namespace

std::string why_no_run_delay() {
  std::string text;
  if (!children_of(getpid(), text)) return std::string("no list of children: ") + std::strerror(errno);
  if (!read_small("/proc/self/schedstat", text)) return std::string("no schedstat: ") + std::strerror(errno);
  // A kernel that is told not to count shows zeros. Whoever reads this has been on a core.
  unsigned long long on_core, waited, turns = 0;
  if (std::sscanf(text.c_str(), "%llu %llu %llu", &on_core, &waited, &turns) != 3 || turns == 0) {
    return "the kernel does not count it (schedstat is zero)";
  }
  return "";
}

void RunDelay::answer() {
  char question[16];
  ssize_t length = recv(socket_, question, sizeof question, MSG_DONTWAIT);
  if (length < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) return;
  if (length <= 0) {
    close(socket_);
    socket_ = -1;
    return;
  }
  std::string children, text;
  if (children_of(zygote_, children)) {
    const char* next = children.c_str();
    for (char* end; text.size() <= kAnswerMost; next = end) {
      long child = std::strtol(next, &end, 10);
      if (end == next) break;
      append_tasks(static_cast<pid_t>(child), text);
    }
  }
  bool told = !text.empty() && text.size() <= kAnswerMost;
  std::string_view reply = told ? std::string_view(text) : "-";
  (void)!send(socket_, reply.data(), reply.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace faultline::launcher
