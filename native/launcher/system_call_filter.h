// The system calls that are refused inside. Tables only: no namespaces, no processes.
#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

#include "native/launcher/options.h"

namespace faultline::launcher {

// The filter of a whole compartment. Ways out of the isolation and into the kernel's rarely used corners kill the
// process with SIGSYS; what an honest program may try (a socket, shared memory) returns an error number; calls newer
// than this file return ENOSYS, as they do on an older kernel. Tier `landlock` also refuses what Landlock of the given
// version does not govern and namespaces would make harmless: modes, owners, times and attributes of files that can be
// seen, signals by descriptor, watches on files.
std::vector<sock_filter> compartment_filter(Tier tier, int landlock);

// The filter that a candidate adds for itself after its fork: no new processes (EAGAIN, as at a process limit; threads
// stay possible) and no other programs (EPERM). In tier `landlock` also no signal to anybody but itself (EPERM), as
// nothing else keeps it from its zygote, and no way to outlive that. Encoded in hexadecimal, as the zygote reads it
// from its environment; where the filter compares with the candidate's process id it holds kOwnProcess, which the
// zygote replaces.
std::string candidate_filter_hex(Tier tier);

// Above any process id; python/supervisor.py knows it by the same name.
inline constexpr unsigned kOwnProcess = 0x7FFFFFF1;

// Applies `filter` to this process and all it starts, for good. Needs no_new_privs. Returns 0, or -1 with errno.
int install_filter(std::vector<sock_filter>& filter);

}  // namespace faultline::launcher
