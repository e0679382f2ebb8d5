// faultline-launcher: builds the isolation that untrusted programs run in, starts Python inside, and sees to it that
// everything dies together. It parses no program, no protocol and no result; it never talks to what it started.
//
//   faultline-launcher --tier namespaces|none --python PATH --scripts DIR [--read-only PATH]... [--scratch-bytes N]
//                      [--hash-seed N]
//
// Descriptors it is given: 0 jobs (handed to the judge), 1 results (the judge's), 2 diagnostics, 3 the lifeline: when
// its other end is closed, as it is when the owner dies in whatever way, all processes are killed and the program ends.
//
// Two compartments: the judge (trusted tests; its own user, no network, the same small file system) and the zygote,
// which is the first process of its own process namespace and forks one candidate after the other. A socket joins the
// two.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string_view>

#include "native/launcher/compartment.h"
#include "native/launcher/fail.h"
#include "native/launcher/options.h"

namespace {

using faultline::launcher::Compartment;
using faultline::launcher::fail;
using faultline::launcher::must;
using faultline::launcher::Options;

constexpr int kLifeline = 3;

[[noreturn]] void usage(const char* reason) {
  std::fprintf(stderr,
               "faultline-launcher: %s\nusage: faultline-launcher --tier namespaces|none --python PATH --scripts DIR "
               "[--read-only PATH]... [--scratch-bytes N] [--hash-seed N]\n",
               reason);
  std::exit(faultline::launcher::kExitArguments);
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; i += 2) {
    std::string_view name = arguments[i];
    if (i + 1 == count) usage("the last argument lacks its value");
    const char* value = arguments[i + 1];
    if (name == "--tier") {
      if (std::string_view(value) != "namespaces" && std::string_view(value) != "none") usage("unknown tier");
      options.isolate = std::string_view(value) == "namespaces";
    } else if (name == "--python") {
      options.python = value;
    } else if (name == "--scripts") {
      options.scripts = value;
    } else if (name == "--read-only") {
      options.read_only.emplace_back(value);
    } else if (name == "--scratch-bytes") {
      options.scratch_bytes = std::strtol(value, nullptr, 10);
      if (options.scratch_bytes < 4096) usage("--scratch-bytes must be at least 4096");
    } else if (name == "--hash-seed") {
      char* end;
      errno = 0;
      unsigned long seed = std::strtoul(value, &end, 10);
      if (*value < '0' || *value > '9' || *end != '\0' || errno != 0 || seed > 4294967295ul) {
        usage("--hash-seed must be a whole number from 0 to 4294967295");
      }
      options.hash_seed = static_cast<unsigned>(seed);
    } else {
      usage("unknown argument");
    }
  }
  if (options.python.empty() || options.python[0] != '/') usage("--python needs an absolute path");
  if (options.scripts.empty() || options.scripts[0] != '/') usage("--scripts needs an absolute path");
  for (const std::string& path : options.read_only) {
    if (path.empty() || path[0] != '/') usage("--read-only needs an absolute path");
  }
  return options;
}

void kill_and_reap(pid_t pid) {
  if (pid <= 0) return;
  kill(pid, SIGKILL);
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// Says how a compartment ended. Its form is read by src/sandbox/launcher.ts.
void report_end(const char* name, int status) {
  if (WIFSIGNALED(status)) {
    std::fprintf(stderr, "faultline-launcher: %s ended: signal %d\n", name, WTERMSIG(status));
  } else {
    std::fprintf(stderr, "faultline-launcher: %s ended: exit %d\n", name, WEXITSTATUS(status));
  }
}

}  // namespace

int main(int count, char** arguments) {
  Options options = parse(count, arguments);
  if (fcntl(kLifeline, F_SETFD, FD_CLOEXEC) != 0) usage("descriptor 3, the lifeline, is missing");
  // A terminal's Ctrl-C reaches the whole process group; the owner decides, and tells by the lifeline.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);

  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  must(sigprocmask(SIG_BLOCK, &child, nullptr), "block a signal");
  int children = must(signalfd(-1, &child, SFD_CLOEXEC), "watch the children");

  int control[2];
  must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control), "create a socket pair");
  // A page of memory in which the judge notes whose turn it is; the zygote does not hold a wait for the judge against a
  // candidate.
  int turn = must(memfd_create("faultline-turn", MFD_CLOEXEC), "create a shared page");
  must(ftruncate(turn, 4096), "create a shared page");
  pid_t zygote = faultline::launcher::start_compartment(options, {.script = "zygote.py",
                                                                  .input = -1,
                                                                  .output = -1,
                                                                  .control = control[0],
                                                                  .turn = turn,
                                                                  .own_processes = true,
                                                                  .first_to_go = true,
                                                                  .hash_seed = options.hash_seed,
                                                                  .user_offset = 0});
  if (zygote < 0) return faultline::launcher::kExitSetup;
  pid_t judge = faultline::launcher::start_compartment(options, {.script = "judge.py",
                                                                 .input = STDIN_FILENO,
                                                                 .output = STDOUT_FILENO,
                                                                 .control = control[1],
                                                                 .turn = turn,
                                                                 .own_processes = false,
                                                                 .first_to_go = false,
                                                                 .hash_seed = 0,
                                                                 .user_offset = 1});
  if (judge < 0) {
    kill_and_reap(zygote);
    return faultline::launcher::kExitSetup;
  }
  close(control[0]);
  close(control[1]);
  close(turn);
  // The owner sees the end of the results when the judge is gone, not when this program is.
  close(STDIN_FILENO);
  close(STDOUT_FILENO);

  for (;;) {
    pollfd watched[2] = {{kLifeline, 0, 0}, {children, POLLIN, 0}};
    if (poll(watched, 2, -1) < 0) {
      if (errno == EINTR) continue;
      fail("wait");
    }
    if ((watched[0].revents & (POLLHUP | POLLERR)) != 0) break;
    if ((watched[1].revents & POLLIN) == 0) continue;
    signalfd_siginfo ignored;
    (void)!read(children, &ignored, sizeof ignored);
    int status;
    pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended == judge || ended == zygote) {
      report_end(ended == judge ? "judge" : "zygote", status);
      kill_and_reap(ended == judge ? zygote : judge);
      return faultline::launcher::kExitEnded;
    }
  }
  kill_and_reap(judge);
  kill_and_reap(zygote);
  return faultline::launcher::kExitClosed;
}
