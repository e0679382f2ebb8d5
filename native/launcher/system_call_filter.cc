// Classic BPF written out by hand: a linear list of comparisons, so that no library is needed and a reviewer sees
// every call by name.
#include "native/launcher/system_call_filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>

namespace faultline::launcher {
namespace {

#if defined(__x86_64__)
constexpr unsigned kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr unsigned kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "faultline-launcher knows the system calls of x86-64 and AArch64 only"
#endif

// Numbers that older C libraries do not name. From 424 on they are the same on every architecture.
constexpr unsigned kOpenTree = 428, kMoveMount = 429, kFsOpen = 430, kFsConfig = 431, kFsMount = 432, kFsPick = 433;
constexpr unsigned kIoUringSetup = 425, kIoUringEnter = 426, kIoUringRegister = 427;
constexpr unsigned kClone3 = 435, kPidfdGetfd = 438, kProcessMadvise = 440, kMountSetattr = 442, kQuotactlFd = 443;
constexpr unsigned kMemfdSecret = 447;
// The newest call known when this list was read through (Linux 6.14); later ones are unknown, hence refused.
constexpr unsigned kNewestKnown = 466;

constexpr unsigned kNamespaceFlags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                     CLONE_NEWPID | CLONE_NEWNET | 0x00000080 /* CLONE_NEWTIME */;

// Never needed by a program that computes: an attempt is an attack, and ends the process.
constexpr unsigned kKilled[] = {
    // other processes' memory and descriptors
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    kPidfdGetfd,
    kProcessMadvise,
    SYS_kcmp,
    // mounts and roots
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    kOpenTree,
    kMoveMount,
    kFsOpen,
    kFsConfig,
    kFsMount,
    kFsPick,
    kMountSetattr,
    SYS_name_to_handle_at,
    SYS_open_by_handle_at,
    SYS_swapon,
    SYS_swapoff,
    SYS_quotactl,
    kQuotactlFd,
    // namespaces (clone's flags are looked at below)
    SYS_unshare,
    SYS_setns,
    // kernel keys, programs, rings, faults, counters, modules
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_bpf,
    kIoUringSetup,
    kIoUringEnter,
    kIoUringRegister,
    SYS_userfaultfd,
    SYS_perf_event_open,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_fanotify_init,
    // the machine's clock and life
    SYS_clock_settime,
    SYS_settimeofday,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_reboot,
    SYS_kexec_load,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
    SYS_acct,
    SYS_syslog,
    SYS_vhangup,
#if defined(__x86_64__)
    SYS_iopl,
    SYS_ioperm,
    SYS_modify_ldt,
#endif
};

// What honest code may try without harm, or what could reach the zygote (its limits and its scheduling).
constexpr unsigned kRefused[] = {
    SYS_socket,
    SYS_shmget,
    SYS_semget,
    SYS_msgget,
    SYS_mq_open,
    SYS_personality,
    SYS_setpriority,
    SYS_ioprio_set,
    SYS_sched_setaffinity,
    SYS_sched_setscheduler,
    SYS_sched_setparam,
    SYS_sched_setattr,
    SYS_migrate_pages,
    SYS_move_pages,
    // memory that no limit of the process counts
    SYS_memfd_create,
    kMemfdSecret,
};

sock_filter statement(unsigned code, unsigned value) { return {static_cast<unsigned short>(code), 0, 0, value}; }
sock_filter jump(unsigned code, unsigned value, unsigned char yes, unsigned char no) {
  return {static_cast<unsigned short>(code), yes, no, value};
}

constexpr unsigned kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr unsigned kEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr unsigned kAtLeast = BPF_JMP | BPF_JGE | BPF_K;
constexpr unsigned kAnyBit = BPF_JMP | BPF_JSET | BPF_K;
constexpr unsigned kReturn = BPF_RET | BPF_K;
constexpr unsigned kNumber = offsetof(seccomp_data, nr);
// The low half of an argument; both architectures are little-endian.
constexpr unsigned argument(unsigned index) { return offsetof(seccomp_data, args) + 8 * index; }
constexpr unsigned refuse(int error) { return SECCOMP_RET_ERRNO | static_cast<unsigned>(error); }

void check_architecture(std::vector<sock_filter>& filter) {
  filter.push_back(statement(kLoad, offsetof(seccomp_data, arch)));
  filter.push_back(jump(kEqual, kArchitecture, 1, 0));
  filter.push_back(statement(kReturn, SECCOMP_RET_KILL_PROCESS));
  filter.push_back(statement(kLoad, kNumber));
}

void on_number(std::vector<sock_filter>& filter, unsigned number, unsigned action) {
  filter.push_back(jump(kEqual, number, 0, 1));
  filter.push_back(statement(kReturn, action));
}

}  // namespace

std::vector<sock_filter> compartment_filter() {
  std::vector<sock_filter> filter;
  check_architecture(filter);
#if defined(__x86_64__)
  // x32: the same calls under other numbers.
  filter.push_back(jump(kAtLeast, 0x40000000, 0, 1));
  filter.push_back(statement(kReturn, SECCOMP_RET_KILL_PROCESS));
#endif
  for (unsigned number : kKilled) on_number(filter, number, SECCOMP_RET_KILL_PROCESS);
  for (unsigned number : kRefused) on_number(filter, number, refuse(EPERM));
  // Its arguments lie in memory that a filter cannot read. ENOSYS makes the C library use clone instead.
  on_number(filter, kClone3, refuse(ENOSYS));
  // clone: namespace flags kill.
  filter.push_back(jump(kEqual, SYS_clone, 0, 4));
  filter.push_back(statement(kLoad, argument(0)));
  filter.push_back(jump(kAnyBit, kNamespaceFlags, 0, 1));
  filter.push_back(statement(kReturn, SECCOMP_RET_KILL_PROCESS));
  filter.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
  // prlimit64: one's own limits only, as the zygote runs under the same user.
  filter.push_back(jump(kEqual, SYS_prlimit64, 0, 4));
  filter.push_back(statement(kLoad, argument(0)));
  filter.push_back(jump(kEqual, 0, 1, 0));
  filter.push_back(statement(kReturn, refuse(EPERM)));
  filter.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
  filter.push_back(jump(kAtLeast, kNewestKnown + 1, 0, 1));
  filter.push_back(statement(kReturn, refuse(ENOSYS)));
  filter.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
  return filter;
}

std::string candidate_filter_hex() {
  std::vector<sock_filter> filter;
  check_architecture(filter);
#if defined(__x86_64__)
  on_number(filter, SYS_fork, refuse(EAGAIN));
  on_number(filter, SYS_vfork, refuse(EAGAIN));
#endif
  on_number(filter, SYS_execve, refuse(EPERM));
  on_number(filter, SYS_execveat, refuse(EPERM));
  filter.push_back(jump(kEqual, SYS_clone, 0, 4));
  filter.push_back(statement(kLoad, argument(0)));
  filter.push_back(jump(kAnyBit, CLONE_THREAD, 1, 0));
  filter.push_back(statement(kReturn, refuse(EAGAIN)));
  filter.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
  filter.push_back(statement(kReturn, SECCOMP_RET_ALLOW));

  std::string hex;
  const auto* bytes = reinterpret_cast<const unsigned char*>(filter.data());
  for (size_t i = 0; i < filter.size() * sizeof(sock_filter); i++) {
    hex += "0123456789abcdef"[bytes[i] >> 4];
    hex += "0123456789abcdef"[bytes[i] & 15];
  }
  return hex;
}

int install_filter(std::vector<sock_filter>& filter) {
  sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

}  // namespace faultline::launcher
