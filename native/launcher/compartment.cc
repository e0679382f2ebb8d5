// Order matters here, and every step says why it stands where it stands.
#include "native/launcher/compartment.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "native/launcher/fail.h"
#include "native/launcher/landlock.h"
#include "native/launcher/root_filesystem.h"
#include "native/launcher/shown_files.h"
#include "native/launcher/system_call_filter.h"

namespace faultline::launcher {
namespace {

// Who a candidate is inside. Any number but 0 will do: capabilities are lost on exec by everyone but 0.
constexpr unsigned kInsideUser = 1000;

// What user ids there are for a root to step down to.
enum class UserIds {
  kAll,   // the system's own root
  kMany,  // a container's root, with the usual 65,536 ids
  kOne,   // somebody who is root only by name, in a user namespace of one id: an ordinary user outside
};

UserIds available_user_ids() {
  constexpr unsigned kContainerIds = 60000;
  unsigned inside = 0, outside = 0, count = 0;
  UserIds ids = UserIds::kOne;
  FILE* map = fopen("/proc/self/uid_map", "re");
  if (map == nullptr) fail("read", "/proc/self/uid_map");
  while (fscanf(map, "%u %u %u", &inside, &outside, &count) == 3) {
    if (inside == 0 && count == ~0u) {
      ids = UserIds::kAll;
    } else if (inside == 0 && count >= kContainerIds) {
      ids = UserIds::kMany;
    } else if (inside == 0 && outside == 0) {
      errno = 0;
      fail("switch to an unprivileged user",
           "as this user namespace maps root to the system's root and has no other id");
    }
  }
  fclose(map);
  return ids;
}

// A user id that nobody has, chosen by process id so that launchers that run at the same time do not share one: the
// kernel counts processes per user. On a whole system it lies above what distributions and containers hand out.
uid_t unprivileged_user(UserIds ids, unsigned offset) {
  // Two compartments a launcher; process ids are below 2^22.
  unsigned number = 2 * static_cast<unsigned>(getppid()) + offset;
  return ids == UserIds::kAll ? 0x70000000 + number : 30000 + number % 30000;
}

void become(uid_t user) {
  must(setgroups(0, nullptr), "drop the groups");
  must(setresgid(user, user, user), "switch to an unprivileged group");
  must(setresuid(user, user, user), "switch to an unprivileged user");
  // A change of user makes /proc/self root's, and the user mapping is written there next.
  must(prctl(PR_SET_DUMPABLE, 1), "stay in charge of the own process");
}

void write_file(int proc, const char* name, const std::string& text) {
  int fd = must(openat(proc, name, O_WRONLY | O_CLOEXEC), "open", name);
  if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) fail("write", name);
  close(fd);
}

// Enters new namespaces, the user namespace first, as the others need its capabilities. `proc` is /proc, held open.
void enter_namespaces(int proc, int flags, uid_t user, gid_t group) {
  must(unshare(CLONE_NEWUSER | flags), "create namespaces (user, pid, net, ipc, uts)");
  write_file(proc, "self/setgroups", "deny");
  std::string inside = std::to_string(kInsideUser);
  write_file(proc, "self/uid_map", inside + " " + std::to_string(user) + " 1");
  write_file(proc, "self/gid_map", inside + " " + std::to_string(group) + " 1");
  must(sethostname("faultline", 9), "set the host name");
}

void drop_capabilities() {
  for (int capability = 0; capability <= 63; capability++) {
    if (prctl(PR_CAPBSET_READ, capability) != 1 || prctl(PR_CAPBSET_DROP, capability) == 0) continue;
    // Only who has a capability may give up the bound. An ordinary user has nothing to gain from it: no_new_privs.
    if (errno != EPERM || geteuid() == 0) fail("drop capabilities");
  }
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  must(static_cast<int>(syscall(SYS_capset, &header, none)), "drop capabilities");
}

void limit(int resource, rlim_t value, const char* what) {
  rlimit wanted = {value, value};
  rlimit now;
  // An ordinary user may start out below the wanted limit; that one then stands.
  if (getrlimit(static_cast<__rlimit_resource>(resource), &now) == 0 && now.rlim_max < value) {
    wanted = {now.rlim_max, now.rlim_max};
  }
  must(setrlimit(static_cast<__rlimit_resource>(resource), &wanted), "limit", what);
}

// Moves the descriptors to their places and closes all others.
void arrange_descriptors(const Compartment& compartment) {
  int nothing = must(open("/dev/null", O_RDWR | O_CLOEXEC), "open", "/dev/null");
  // First out of the way of the targets: above any descriptor in use so far.
  int input =
      must(fcntl(compartment.input < 0 ? nothing : compartment.input, F_DUPFD_CLOEXEC, 64), "copy a descriptor");
  int output =
      must(fcntl(compartment.output < 0 ? nothing : compartment.output, F_DUPFD_CLOEXEC, 64), "copy a descriptor");
  int control = must(fcntl(compartment.control, F_DUPFD_CLOEXEC, 64), "copy a descriptor");
  must(dup2(input, 0), "place a descriptor");
  must(dup2(output, 1), "place a descriptor");
  int turn = must(fcntl(compartment.turn, F_DUPFD_CLOEXEC, 64), "copy a descriptor");
  int delays = compartment.delays < 0 ? -1 : must(fcntl(compartment.delays, F_DUPFD_CLOEXEC, 64), "copy a descriptor");
  must(dup2(control, 3), "place a descriptor");
  must(dup2(turn, 4), "place a descriptor");
  unsigned others = 5;
  if (delays >= 0) must(dup2(delays, static_cast<int>(others++)), "place a descriptor");
  if (syscall(SYS_close_range, others, ~0u, 0u) != 0) {
    // Before Linux 5.9. The limit was read by the caller's caller and is at most a few thousand in practice.
    long most = sysconf(_SC_OPEN_MAX);
    for (int fd = static_cast<int>(others); fd < (most < 0 ? 65536 : most); fd++) close(fd);
  }
}

// What a tier decides about the process that becomes Python.
struct Place {
  std::string scripts;
  // The folder that can be written to: HOME, and where temporary files go.
  std::string scratch;
  // Whether the kernel's count of the user's processes is of this compartment's alone.
  bool own_user;
  // Tier `landlock`: the version of the rules.
  int landlock = 0;
};

[[noreturn]] void run_python(const Options& options, const Compartment& compartment, const Place& place) {
  bool isolated = options.tier != Tier::kNone;
  std::string script = place.scripts + "/" + compartment.name + ".py";
  // -s -S -B and a clean environment are what -I would give, except that -I also ignores PYTHONHASHSEED.
  std::vector<std::string> arguments = {options.python, "-s", "-S", "-B", script};
  std::vector<std::string> environment = {
      "PATH=/usr/bin:/bin",
      "HOME=" + place.scratch,
      "TZ=UTC",
      // What is looked up at the first call would be looked up by every candidate anew.
      "LD_BIND_NOW=1",
      "LC_ALL=C.UTF-8",
      "PYTHONHASHSEED=" + std::to_string(compartment.hash_seed),
      "PYTHONWARNINGS=ignore",
      std::string("FAULTLINE_TIER=") + options.tier_name(),
  };
  if (place.own_user) environment.push_back("FAULTLINE_OWN_USER=1");
  if (compartment.own_processes && !options.forks.empty()) {
    environment.push_back("FAULTLINE_FORKS=" + (isolated ? place.scripts + "/" + kForksCopy : options.forks));
  }
  if (isolated) environment.push_back("FAULTLINE_CANDIDATE_FILTER=" + candidate_filter_hex(options.tier));
  // Elsewhere it is what everybody takes for it: /tmp.
  if (options.tier == Tier::kLandlock) environment.push_back("TMPDIR=" + place.scratch);
  std::vector<char*> argv, envp;
  for (std::string& text : arguments) argv.push_back(text.data());
  for (std::string& text : environment) envp.push_back(text.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);

  limit(RLIMIT_CORE, 0, "core dumps");
  limit(RLIMIT_NOFILE, 64, "open files");
  limit(RLIMIT_STACK, 8 << 20, "the stack");
  // Addresses decide the order of sets of objects and appear in messages; both shall repeat.
  if (personality(ADDR_NO_RANDOMIZE) < 0) {
    // The usual filter of containers refuses it. That costs no isolation, so it is said and not refused.
    note("addresses stay randomised", std::strerror(errno));
  }
  if (isolated) {
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "forbid new privileges");
    if (options.tier == Tier::kLandlock) confine(options, place.landlock, place.scripts, place.scratch);
    std::vector<sock_filter> filter = compartment_filter(options.tier, place.landlock);
    must(install_filter(filter), "install the system-call filter");
  }
  execve(options.python.c_str(), argv.data(), envp.data());
  fail("execute", options.python.c_str());
}

// The last steps, in the process that becomes Python. `parent_alive` is a pipe whose other end the launcher holds.
[[noreturn]] void finish(const Options& options, const Compartment& compartment, const Place& place, int parent_alive) {
  if (options.tier != Tier::kNone) drop_capabilities();
  // After all changes of credentials, which clear it. Should the launcher have died before, the pipe tells.
  must(prctl(PR_SET_PDEATHSIG, SIGKILL), "bind the life to the launcher's");
  char end;
  int flags = fcntl(parent_alive, F_GETFL);
  fcntl(parent_alive, F_SETFL, flags | O_NONBLOCK);
  if (read(parent_alive, &end, 1) == 0) _exit(kExitSetup);
  setsid();  // fails only for a group leader, which a forked child is not
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  arrange_descriptors(compartment);
  run_python(options, compartment, place);
}

// The user's processes and threads, as far as they can be seen.
rlim_t tasks_of_user() {
  rlim_t count = 0;
  DIR* processes = opendir("/proc");
  if (processes == nullptr) fail("read", "/proc");
  while (const dirent* entry = readdir(processes)) {
    struct stat info;
    std::string tasks = std::string(entry->d_name) + "/task";
    // A folder has two links of its own and one for each folder in it.
    if (fstatat(dirfd(processes), tasks.c_str(), &info, 0) == 0 && info.st_uid == geteuid()) count += info.st_nlink - 2;
  }
  closedir(processes);
  return count;
}

// Whether the kernel counts processes by user namespace, as Linux does from 5.14 on. Before, RLIMIT_NPROC is about all
// that the user runs on the system. Told by the version: the limit is looked at when a process starts, and the first in
// a process namespace, which cannot be started twice, would be the one to try it with.
bool counts_by_user_namespace() {
  utsname system;
  unsigned major = 0, minor = 0;
  must(uname(&system), "ask for the kernel's version");
  std::sscanf(system.release, "%u.%u", &major, &minor);
  return major > 5 || (major == 5 && minor >= 14);
}

// Where the kernel counts what an ordinary user runs already.
void share_count(Place& place) {
  // Threads that may be started beside that.
  constexpr rlim_t kThreads = 512;
  place.own_user = false;
  limit(RLIMIT_NPROC, tasks_of_user() + kThreads, "processes");
}

// Tier `landlock`, in the process that becomes Python.
[[noreturn]] void build_landlock(const Options& options, const Compartment& compartment, const PrivateFolder& folder,
                                 int parent_alive) {
  Place place = {folder.scripts(), "", true, usable_landlock(options)};
  uid_t user = geteuid();
  gid_t group = getegid();
  UserIds ids = user == 0 ? available_user_ids() : UserIds::kOne;
  if (ids == UserIds::kOne) {
    share_count(place);
  } else {
    user = group = unprivileged_user(ids, compartment.user_offset);
  }
  place.scratch = folder.scratch(compartment.name, user, group);
  if (ids != UserIds::kOne) become(user);
  must(chdir(place.scratch.c_str()), "enter the scratch folder", place.scratch.c_str());
  finish(options, compartment, place, parent_alive);
}

// In the first child: builds everything, then becomes Python or leaves behind a sibling that does.
[[noreturn]] void build(const Options& options, const Compartment& compartment, const PrivateFolder* folder,
                        int parent_alive, int report) {
  auto announce = [&](pid_t pid) {
    if (write(report, &pid, sizeof pid) != sizeof pid) fail("report the process id");
  };
  Place place = {options.scripts, "/tmp", false};
  if (options.tier == Tier::kLandlock) {
    if (compartment.first_to_go) {
      int proc = must(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "/proc");
      write_file(proc, "self/oom_score_adj", "900");
      close(proc);
    }
    announce(getpid());
    build_landlock(options, compartment, *folder, parent_alive);
  }
  if (options.tier == Tier::kNamespaces) {
    place = {"/faultline", "/tmp", true};
    int proc = must(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "open", "/proc");
    if (compartment.first_to_go) write_file(proc, "self/oom_score_adj", "900");
    int others = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | (compartment.own_processes ? CLONE_NEWPID : 0);
    uid_t user = geteuid();
    gid_t group = getegid();
    UserIds ids = user == 0 ? available_user_ids() : UserIds::kOne;
    if (ids != UserIds::kOne) {
      user = group = unprivileged_user(ids, compartment.user_offset);
      // Root builds the file system before it steps down: the interpreter may lie below a home that nobody else can
      // enter. In a user namespace of root's own RLIMIT_NPROC would bind nothing, hence the step down itself.
      if (unshare(CLONE_NEWNS) == 0) {
        enter_minimal_root(options, user, group);
        become(user);
        enter_namespaces(proc, others, user, group);
      } else {
        // A container's root without CAP_SYS_ADMIN has only what every user has.
        become(user);
        enter_namespaces(proc, others | CLONE_NEWNS, user, group);
        enter_minimal_root(options, kInsideUser, kInsideUser);
      }
    } else {
      if (!counts_by_user_namespace()) share_count(place);
      enter_namespaces(proc, others | CLONE_NEWNS, user, group);
      enter_minimal_root(options, kInsideUser, kInsideUser);
    }
    close(proc);
    if (compartment.own_processes) {
      // A new process namespace begins with the next child. CLONE_PARENT makes it the launcher's own child, so that no
      // process has to wait in between.
      long inner = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
      if (inner < 0) fail("start the first process");
      if (inner == 0) finish(options, compartment, place, parent_alive);
      announce(static_cast<pid_t>(inner));
      _exit(0);
    }
  }
  announce(getpid());
  finish(options, compartment, place, parent_alive);
}

}  // namespace

pid_t start_compartment(const Options& options, const Compartment& compartment, const PrivateFolder* folder) {
  int alive[2], report[2];
  must(pipe2(alive, O_CLOEXEC), "create a pipe");
  must(pipe2(report, O_CLOEXEC), "create a pipe");
  pid_t builder = must(fork(), "start a process");
  if (builder == 0) {
    close(alive[1]);
    close(report[0]);
    build(options, compartment, folder, alive[0], report[1]);
  }
  close(alive[0]);
  close(report[1]);
  // alive[1] stays open for as long as this program lives.
  pid_t pid = -1;
  if (read(report[0], &pid, sizeof pid) != sizeof pid) pid = -1;
  close(report[0]);
  if (pid != builder) {
    int status;
    waitpid(builder, &status, 0);
  }
  return pid;
}

}  // namespace faultline::launcher
