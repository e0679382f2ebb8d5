// faultline-launcher: builds the isolation that untrusted programs run in, starts Python inside, and sees to it that
// everything dies together. It parses no program, no protocol and no result. What it started can ask it one thing, how
// long the kernel let a candidate wait for a core (run_delay.h), and it listens to nothing of the question.
//
//   faultline-launcher --tier namespaces|landlock|none --python PATH --scripts DIR [--read-only PATH]...
//                      [--scratch-bytes N] [--scratch-parent DIR] [--landlock-most VERSION]
//                      [--hash-seed N] [--core N]
//   faultline-launcher --kernel       says what the kernel offers: lines `seccomp 0|1` and `landlock VERSION`
//
// Descriptors it is given: 0 jobs (handed to the judge), 1 results (the judge's), 2 diagnostics, 3 the lifeline: when
// its other end is closed, as it is when the owner dies in whatever way, all processes are killed and the program ends.
//
// Two compartments: the judge (trusted tests; its own user, no network, the same small file system) and the zygote,
// which forks one candidate after the other and, in tier `namespaces`, is the first process of its own process
// namespace. A socket joins the two; another joins the zygote and this program.
#include <dirent.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "native/launcher/compartment.h"
#include "native/launcher/fail.h"
#include "native/launcher/landlock.h"
#include "native/launcher/options.h"
#include "native/launcher/private_folder.h"
#include "native/launcher/run_delay.h"

namespace {

using faultline::launcher::Compartment;
using faultline::launcher::fail;
using faultline::launcher::must;
using faultline::launcher::note;
using faultline::launcher::Options;
using faultline::launcher::PrivateFolder;
using faultline::launcher::RunDelay;
using faultline::launcher::Tier;

constexpr int kLifeline = 3;
// How long the end of one compartment may take to bring about the other's. Met by a fault alone.
constexpr int kConsequenceMilliseconds = 5000;

[[noreturn]] void usage(const char* reason) {
  std::fprintf(stderr,
               "faultline-launcher: %s\nusage: faultline-launcher --tier namespaces|landlock|none --python PATH "
               "--scripts DIR [--read-only PATH]... [--scratch-bytes N] [--scratch-parent DIR] [--landlock-most N] "
               "[--hash-seed N] [--core N]\n",
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
      bool known = false;
      for (Tier tier : {Tier::kNamespaces, Tier::kLandlock, Tier::kNone}) {
        options.tier = tier;
        known = std::string_view(value) == options.tier_name();
        if (known) break;
      }
      if (!known) usage("unknown tier");
    } else if (name == "--python") {
      options.python = value;
    } else if (name == "--scripts") {
      options.scripts = value;
    } else if (name == "--read-only") {
      options.read_only.emplace_back(value);
    } else if (name == "--scratch-bytes") {
      options.scratch_bytes = std::strtol(value, nullptr, 10);
      if (options.scratch_bytes < 4096) usage("--scratch-bytes must be at least 4096");
    } else if (name == "--scratch-parent") {
      options.scratch_parent = value;
    } else if (name == "--landlock-most") {
      options.landlock_most = std::atoi(value);
      if (options.landlock_most < 1) usage("--landlock-most must be at least 1");
    } else if (name == "--hash-seed") {
      char* end;
      errno = 0;
      unsigned long seed = std::strtoul(value, &end, 10);
      if (*value < '0' || *value > '9' || *end != '\0' || errno != 0 || seed > 4294967295ul) {
        usage("--hash-seed must be a whole number from 0 to 4294967295");
      }
      options.hash_seed = static_cast<unsigned>(seed);
    } else if (name == "--core") {
      options.core = std::atoi(value);
      if (*value < '0' || *value > '9') usage("--core must be a whole number of at least 0");
    } else {
      usage("unknown argument");
    }
  }
  if (options.scratch_parent.empty() || options.scratch_parent[0] != '/') {
    usage("--scratch-parent needs an absolute path");
  }
  if (options.python.empty() || options.python[0] != '/') usage("--python needs an absolute path");
  if (options.scripts.empty() || options.scripts[0] != '/') usage("--scripts needs an absolute path");
  for (const std::string& path : options.read_only) {
    if (path.empty() || path[0] != '/') usage("--read-only needs an absolute path");
  }
  return options;
}

// The library for the zygote's forks. A matter of speed: where it is missing, Python forks by itself, which is said.
std::string find_forks() {
  std::string file = "/proc/self/exe";
  char own[4096];
  ssize_t length = readlink(file.c_str(), own, sizeof own);
  if (length >= 0) {
    file = std::string(own, static_cast<size_t>(length)) + "-forks.so";
    if (access(file.c_str(), R_OK) == 0) return file;
  }
  note("forks take longer", (file + ": " + std::strerror(errno)).c_str());
  return "";
}

// Keeps this process and all that it starts on one core. A matter of speed: where the system will not have it, all
// stays as it is.
void stay_on(int core) {
  cpu_set_t allowed, one;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  int place = core % CPU_COUNT(&allowed);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &allowed) || place-- > 0) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

// One compartment's process.
struct Running {
  const char* name;
  pid_t pid;
  bool ended = false;
  int status = 0;
};

// Takes note of every child that has ended. Children of children that were left over come to this process, too.
void note_ends(Running& one, Running& other) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    for (Running* running : {&one, &other}) {
      if (running->pid == pid) {
        running->ended = true;
        running->status = status;
      }
    }
  }
}

// Kills every process whose parent is this one.
void kill_children() {
  DIR* processes = opendir("/proc");
  if (processes == nullptr) fail("read", "/proc");
  while (const dirent* entry = readdir(processes)) {
    std::string path = std::string("/proc/") + entry->d_name + "/stat";
    FILE* file = entry->d_name[0] >= '0' && entry->d_name[0] <= '9' ? fopen(path.c_str(), "re") : nullptr;
    if (file == nullptr) continue;
    char line[512] = "";
    (void)!fread(line, 1, sizeof line - 1, file);
    fclose(file);
    // The name stands in parentheses, and may contain any.
    const char* behind = std::strrchr(line, ')');
    char state;
    int parent;
    if (behind != nullptr && std::sscanf(behind + 1, " %c %d", &state, &parent) == 2 && parent == getpid()) {
      kill(std::atoi(entry->d_name), SIGKILL);
    }
  }
  closedir(processes);
}

// Ends both compartments and whatever they have left; returns when there is no child any more.
void kill_all(const Running& one, const Running& other) {
  for (const Running* running : {&one, &other}) {
    if (running->pid <= 0 || running->ended) continue;
    kill(running->pid, SIGKILL);
    while (waitpid(running->pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  for (;;) {
    pid_t pid = waitpid(-1, nullptr, WNOHANG);
    if (pid > 0) continue;
    if (pid < 0 && errno == ECHILD) return;
    kill_children();
    waitpid(-1, nullptr, 0);
  }
}

// Says how a compartment ended. Its form is read by src/sandbox/launcher.ts.
void report_end(const Running& running) {
  bool signalled = WIFSIGNALED(running.status);
  std::fprintf(stderr, "faultline-launcher: %s ended: %s %d\n", running.name, signalled ? "signal" : "exit",
               signalled ? WTERMSIG(running.status) : WEXITSTATUS(running.status));
}

int say_what_the_kernel_offers() {
  // A missing program is the second thing that the kernel complains about.
  bool filters = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr) != 0 && errno == EFAULT;
  std::printf("seccomp %d\nlandlock %d\n", filters ? 1 : 0, faultline::launcher::landlock_version());
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 2 && std::string_view(arguments[1]) == "--kernel") return say_what_the_kernel_offers();
  Options options = parse(count, arguments);
  options.forks = find_forks();
  if (fcntl(kLifeline, F_SETFD, FD_CLOEXEC) != 0) usage("descriptor 3, the lifeline, is missing");
  // A terminal's Ctrl-C reaches the whole process group; the owner decides, and tells by the lifeline.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  if (options.core >= 0) stay_on(options.core);

  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  must(sigprocmask(SIG_BLOCK, &child, nullptr), "block a signal");
  int children = must(signalfd(-1, &child, SFD_CLOEXEC), "watch the children");

  int control[2];
  must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control), "create a socket pair");
  int asking[2];
  must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, asking), "create a socket pair");
  std::string no_delays = faultline::launcher::why_no_run_delay();
  if (!no_delays.empty()) {
    note("who waits for a core is told from who sleeps by a rule of thumb", no_delays.c_str());
  }
  // A page of memory in which the judge notes whose turn it is; the zygote does not hold a wait for the judge against a
  // candidate.
  int turn = must(memfd_create("faultline-turn", MFD_CLOEXEC), "create a shared page");
  must(ftruncate(turn, 4096), "create a shared page");
  must(prctl(PR_SET_CHILD_SUBREAPER, 1), "become the parent of what is left over");
  std::optional<PrivateFolder> folder;
  if (options.tier == Tier::kLandlock) folder.emplace(options);
  auto start = [&](const Compartment& compartment) {
    return faultline::launcher::start_compartment(options, compartment, folder ? &*folder : nullptr);
  };
  auto finish = [&](int code) {
    if (folder) folder->remove();
    return code;
  };

  Running zygote = {.name = "zygote",
                    .pid = start({.name = "zygote",
                                  .input = -1,
                                  .output = -1,
                                  .control = control[0],
                                  .turn = turn,
                                  .delays = asking[0],
                                  .own_processes = true,
                                  .first_to_go = true,
                                  .hash_seed = options.hash_seed,
                                  .user_offset = 0})};
  if (zygote.pid < 0) return finish(faultline::launcher::kExitSetup);
  Running judge = {.name = "judge",
                   .pid = start({.name = "judge",
                                 .input = STDIN_FILENO,
                                 .output = STDOUT_FILENO,
                                 .control = control[1],
                                 .turn = turn,
                                 .delays = -1,
                                 .own_processes = false,
                                 .first_to_go = false,
                                 .hash_seed = 0,
                                 .user_offset = 1})};
  if (judge.pid < 0) {
    kill_all(judge, zygote);
    return finish(faultline::launcher::kExitSetup);
  }
  close(control[0]);
  close(control[1]);
  close(turn);
  close(asking[0]);
  // Where there is nothing to tell, the zygote finds nobody at the other end.
  if (!no_delays.empty()) close(asking[1]);
  RunDelay delays(no_delays.empty() ? asking[1] : -1, zygote.pid);
  // The owner sees the end of the results when the judge is gone, not when this program is.
  close(STDIN_FILENO);
  close(STDOUT_FILENO);

  for (;;) {
    // A process that exits as a rule answers to the other's end, which is the one to tell about then: that may still be
    // on its way.
    bool signalled = (judge.ended && WIFSIGNALED(judge.status)) || (zygote.ended && WIFSIGNALED(zygote.status));
    if ((judge.ended && zygote.ended) || signalled) break;
    // A descriptor of -1 is passed over.
    pollfd watched[3] = {{kLifeline, 0, 0}, {children, POLLIN, 0}, {delays.descriptor(), POLLIN, 0}};
    int ready = poll(watched, 3, judge.ended || zygote.ended ? kConsequenceMilliseconds : -1);
    if (ready < 0) {
      if (errno == EINTR) continue;
      fail("wait");
    }
    if (ready == 0) break;
    if ((watched[0].revents & (POLLHUP | POLLERR)) != 0) {
      kill_all(judge, zygote);
      return finish(faultline::launcher::kExitClosed);
    }
    if (watched[2].revents != 0) delays.answer();
    if ((watched[1].revents & POLLIN) == 0) continue;
    signalfd_siginfo ignored;
    (void)!read(children, &ignored, sizeof ignored);
    note_ends(judge, zygote);
  }
  // A zygote leaves with 0 when its judge is gone.
  bool by_zygote = zygote.ended && (WIFSIGNALED(zygote.status) || WEXITSTATUS(zygote.status) != 0);
  bool by_judge = judge.ended && (WIFSIGNALED(judge.status) || !by_zygote);
  report_end(by_judge ? judge : zygote);
  kill_all(judge, zygote);
  return finish(faultline::launcher::kExitEnded);
}
