// The system calls that are refused inside. Tables only: no namespaces, no processes.
#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

namespace faultline::launcher {

// The filter of a whole compartment. Ways out of the isolation and into the kernel's rarely used corners kill the
// process with SIGSYS; what an honest program may try (a socket, shared memory) returns an error number; calls newer
// than this file return ENOSYS, as they do on an older kernel.
std::vector<sock_filter> compartment_filter();

// The filter that a candidate adds for itself after its fork: no new processes (EAGAIN, as at a process limit; threads
// stay possible) and no other programs (EPERM). Encoded in hexadecimal, as the zygote reads it from its environment.
std::string candidate_filter_hex();

// Applies `filter` to this process and all it starts, for good. Needs no_new_privs. Returns 0, or -1 with errno.
int install_filter(std::vector<sock_filter>& filter);

}  // namespace faultline::launcher
