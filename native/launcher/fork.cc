// The zygote's fork, as a library that Python calls (src/sandbox/python/forks.py). Not a part of faultline-launcher,
// which only shows it to the zygote; linked to nothing but the C library and to the interpreter that loads it.
//
// A page that the zygote writes to while a candidate shares it has to be copied, and a large page falls into small ones
// for good. An interpreter cannot wait without writing, as it counts references wherever it looks. This does: between
// the fork and the candidate's end, for as long as it waits, nothing that the candidate shares is written here but the
// stack.
//
// Called with the interpreter's lock, by its one thread. No call blocks for longer than twice the time that was agreed
// on.
#include <link.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>

#define FAULTLINE_EXPORT extern "C" __attribute__((visibility("default")))

// What os.fork() does around fork(2), by the same functions (Python's C API, "Operating System Utilities").
extern "C" {
void PyOS_BeforeFork();
void PyOS_AfterFork_Parent();
void PyOS_AfterFork_Child();
}

namespace {

// How a candidate ended. Its form is read by forks.py.
struct End {
  int64_t ended;  // 1, or 0 where it had not by then
  int64_t wait_status;
  int64_t peak_kibibytes;
  double cpu_seconds;
};

// How often the sleep begins again after a signal that did not tell of the candidate's end: one may wait from an
// earlier candidate. No oftener, as a candidate can send as many as it likes, or stop and go on: its limits are looked
// at then.
constexpr int kSleeps = 2;

End* end_of_candidate;
timespec patience;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

void wait_for_end(pid_t pid) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  for (int i = 0; i < kSleeps; i++) {
    if (sigtimedwait(&child, nullptr, &patience) < 0) return;
    int status;
    rusage usage;
    if (wait4(pid, &status, WNOHANG, &usage) != pid) continue;
    *end_of_candidate = {1, status, usage.ru_maxrss, seconds(usage.ru_utime) + seconds(usage.ru_stime)};
    return;
  }
}

// Makes neighbours of one file alike, so that the kernel keeps them as one piece: a fork copies every piece, and its
// end gives each back. Constants can be executed then, and addresses of functions written to, which is no more than a
// candidate can do with any memory of its own.
int make_alike(dl_phdr_info* object, size_t, void*) {
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    uintptr_t start = object->dlpi_addr + part.p_vaddr;
    uintptr_t end = start + part.p_memsz;
    start -= start % page;
    int access;
    if (part.p_type == PT_LOAD && (part.p_flags & PF_W) == 0) {
      access = PROT_READ | PROT_EXEC;
      end += (page - end % page) % page;
    } else if (part.p_type == PT_GNU_RELRO) {
      access = PROT_READ | PROT_WRITE;
      end -= end % page;  // as the loader does that took the right to write away
    } else {
      continue;
    }
    // Refused where files are not to be executed, for one: then they stay apart.
    if (end > start) mprotect(reinterpret_cast<void*>(start), end - start, access);
  }
  return 0;
}

}  // namespace

// Once, before the first fork: how a candidate ended is written to `end`, which the zygote owns, and is waited for that
// long. SIGCHLD must be blocked.
FAULTLINE_EXPORT void faultline_agree(End* end, long nanoseconds) {
  end_of_candidate = end;
  patience = {0, nanoseconds};
}

// Forks, and in the zygote waits for the candidate's end for as long as was agreed on. Returns 0 in the candidate, its
// process id in the zygote, or an error number, negated.
FAULTLINE_EXPORT long faultline_fork() {
  PyOS_BeforeFork();
  end_of_candidate->ended = 0;
  pid_t pid = fork();
  int error = errno;
  if (pid == 0) {
    PyOS_AfterFork_Child();
    return 0;
  }
  if (pid > 0) wait_for_end(pid);
  PyOS_AfterFork_Parent();
  return pid > 0 ? pid : -static_cast<long>(error);
}

// Once, when everything is loaded: has the files that are in memory lie there in as few pieces as can be.
FAULTLINE_EXPORT void faultline_join_files() { dl_iterate_phdr(make_alike, nullptr); }
