// The file system that a compartment sees. Knows nothing of users, processes or Python.
#pragma once

#include <sys/types.h>

#include "native/launcher/options.h"

namespace faultline::launcher {

// Replaces this process's root by a read-only one with nothing but /usr, /lib*, /etc/ld.so.cache, the paths of
// `options.read_only`, copies of the scripts in /faultline, /dev/{null,zero,urandom}, an empty /dev/shm and an empty
// writable /tmp that belongs to `owner` (as seen from this user namespace). No /proc, /sys, /home, /root, /etc/passwd.
// Needs a private mount namespace and CAP_SYS_ADMIN over it; ends the process where it cannot be done.
// The working directory is /tmp afterwards.
void enter_minimal_root(const Options& options, uid_t owner, gid_t group);

}  // namespace faultline::launcher
