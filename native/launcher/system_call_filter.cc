// Classic BPF written out by hand: a linear list of comparisons, so that no library is needed and a reviewer sees
// every call by name.
#include "native/launcher/system_call_filter.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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
constexpr unsigned kPidfdSendSignal = 424, kOpenat2 = 437, kMemfdSecret = 447, kProcessMrelease = 448;
constexpr unsigned kFchmodat2 = 452, kSetxattrat = 463, kRemovexattrat = 466;
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
    kProcessMrelease,
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
    // A pair of connected sockets, which asyncio needs, can be had (see below), and led nowhere else.
    SYS_socket,
    SYS_bind,
    SYS_connect,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    // Not the lookup alone: what another program of the same user has made has a number that can be guessed.
    SYS_shmget,
    SYS_shmat,
    SYS_shmctl,
    SYS_semget,
    SYS_semop,
    SYS_semtimedop,
    SYS_semctl,
    SYS_msgget,
    SYS_msgsnd,
    SYS_msgrcv,
    SYS_msgctl,
    SYS_mq_open,
    SYS_mq_unlink,
    SYS_personality,
    SYS_setpriority,
    SYS_ioprio_set,
    SYS_sched_setaffinity,
    SYS_sched_setscheduler,
    SYS_sched_setparam,
    SYS_sched_setattr,
    SYS_migrate_pages,
    SYS_move_pages,
    SYS_get_robust_list,
    // the host's disks: nobody can be killed while they are being written to
    SYS_sync,
    SYS_syncfs,
    // memory that no limit of the process counts
    SYS_memfd_create,
    kMemfdSecret,
};

// In tier `landlock` alone: what a file system of its own and a process namespace make harmless elsewhere.
constexpr unsigned kRefusedOnTheHost[] = {
// modes, owners, times and attributes, by path or by a descriptor that may be one for reading
#if defined(__x86_64__)
    SYS_chmod,
    SYS_chown,
    SYS_lchown,
    SYS_utime,
    SYS_utimes,
    SYS_futimesat,
#endif
    SYS_fchmod,
    SYS_fchmodat,
    kFchmodat2,
    SYS_fchown,
    SYS_fchownat,
    SYS_utimensat,
    SYS_setxattr,
    SYS_lsetxattr,
    SYS_fsetxattr,
    kSetxattrat,
    SYS_removexattr,
    SYS_lremovexattr,
    SYS_fremovexattr,
    kRemovexattrat,
// watches on files that cannot be read
#if defined(__x86_64__)
    SYS_inotify_init,
#endif
    SYS_inotify_init1,
    SYS_inotify_add_watch,
    // signals to a process by its descriptor; those by its number are the candidate's filter's matter
    kPidfdSendSignal,
};

// Settings of a descriptor, as terminals and standard streams are asked for them. Other ioctls change files.
constexpr unsigned kHarmlessControls[] = {TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX};

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

// Appends what decides about one call by its arguments: `decide` begins with the call's number loaded, may load
// others, and returns on every path. Other calls skip it.
template <typename Decide>
void on_call(std::vector<sock_filter>& filter, unsigned number, Decide decide) {
  size_t place = filter.size();
  filter.push_back(jump(kEqual, number, 0, 0));
  decide();
  filter[place].jf = static_cast<unsigned char>(filter.size() - place - 1);
}

void only_on_the_host(std::vector<sock_filter>& filter, int landlock) {
  for (unsigned number : kRefusedOnTheHost) on_number(filter, number, refuse(EPERM));
  on_call(filter, SYS_ioctl, [&] {
    filter.push_back(statement(kLoad, argument(1)));
    for (unsigned control : kHarmlessControls) on_number(filter, control, SECCOMP_RET_ALLOW);
    filter.push_back(statement(kReturn, refuse(ENOTTY)));
  });
  // A descriptor can be told to signal a process of one's choice, with any signal.
  on_call(filter, SYS_fcntl, [&] {
    filter.push_back(statement(kLoad, argument(1)));
    for (unsigned command : {F_SETOWN, 15 /* F_SETOWN_EX */, 10 /* F_SETSIG */}) {
      on_number(filter, command, refuse(EPERM));
    }
    filter.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
  });
  // Before its third version Landlock knows nothing of cutting files short.
  if (landlock >= 3) return;
  on_number(filter, SYS_truncate, refuse(EPERM));
  on_number(filter, kOpenat2, refuse(ENOSYS));
  auto refuse_cutting = [&](unsigned number, unsigned flags) {
    on_call(filter, number, [&] {
      filter.push_back(statement(kLoad, argument(flags)));
      filter.push_back(statement(BPF_ALU | BPF_AND | BPF_K, O_TRUNC | O_ACCMODE));
      // What is opened for writing is governed as such.
      on_number(filter, O_TRUNC | O_RDONLY, refuse(EPERM));
      filter.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
    });
  };
#if defined(__x86_64__)
  refuse_cutting(SYS_open, 1);
#endif
  refuse_cutting(SYS_openat, 2);
}

}  // namespace

std::vector<sock_filter> compartment_filter(Tier tier, int landlock) {
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
  on_call(filter, SYS_clone, [&] {
    filter.push_back(statement(kLoad, argument(0)));
    filter.push_back(jump(kAnyBit, kNamespaceFlags, 0, 1));
    filter.push_back(statement(kReturn, SECCOMP_RET_KILL_PROCESS));
    filter.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
  });
  // prlimit64: one's own limits only, as the zygote runs under the same user.
  on_call(filter, SYS_prlimit64, [&] {
    filter.push_back(statement(kLoad, argument(0)));
    on_number(filter, 0, SECCOMP_RET_ALLOW);
    filter.push_back(statement(kReturn, refuse(EPERM)));
  });
  // Of one family alone: for any other the kernel may load a module. And no datagrams, which find their way without a
  // connection.
  on_call(filter, SYS_socketpair, [&] {
    filter.push_back(statement(kLoad, argument(0)));
    filter.push_back(jump(kEqual, AF_UNIX, 1, 0));
    filter.push_back(statement(kReturn, refuse(EPERM)));
    filter.push_back(statement(kLoad, argument(1)));
    filter.push_back(statement(BPF_ALU | BPF_AND | BPF_K, 15));
    on_number(filter, SOCK_STREAM, SECCOMP_RET_ALLOW);
    filter.push_back(statement(kReturn, refuse(EPERM)));
  });
  if (tier == Tier::kLandlock) only_on_the_host(filter, landlock);
  filter.push_back(jump(kAtLeast, kNewestKnown + 1, 0, 1));
  filter.push_back(statement(kReturn, refuse(ENOSYS)));
  filter.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
  return filter;
}

std::string candidate_filter_hex(Tier tier) {
  std::vector<sock_filter> filter;
  check_architecture(filter);
#if defined(__x86_64__)
  on_number(filter, SYS_fork, refuse(EAGAIN));
  on_number(filter, SYS_vfork, refuse(EAGAIN));
#endif
  on_number(filter, SYS_execve, refuse(EPERM));
  on_number(filter, SYS_execveat, refuse(EPERM));
  // What a message holds counts for no process, and the kernel collects what nobody receives in its own time. Judge and
  // zygote use these calls themselves, hence here.
  on_number(filter, SYS_sendmsg, refuse(EPERM));
  on_number(filter, SYS_sendmmsg, refuse(EPERM));
  on_call(filter, SYS_clone, [&] {
    filter.push_back(statement(kLoad, argument(0)));
    filter.push_back(jump(kAnyBit, CLONE_THREAD, 1, 0));
    filter.push_back(statement(kReturn, refuse(EAGAIN)));
    filter.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
  });
  if (tier == Tier::kLandlock) {
    for (unsigned number : {SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo}) {
      on_call(filter, number, [&] {
        filter.push_back(statement(kLoad, argument(0)));
        on_number(filter, kOwnProcess, SECCOMP_RET_ALLOW);
        filter.push_back(statement(kReturn, refuse(EPERM)));
      });
    }
    // The signal that comes with the zygote's end cannot be called off.
    on_call(filter, SYS_prctl, [&] {
      filter.push_back(statement(kLoad, argument(0)));
      on_number(filter, PR_SET_PDEATHSIG, refuse(EPERM));
      filter.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
    });
  }
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
