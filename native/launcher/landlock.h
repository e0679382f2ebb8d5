// Tier `landlock`'s rules about files, network and signals. Knows no users, no processes and no system-call filter.
#pragma once

#include <string>

#include "native/launcher/options.h"

namespace faultline::launcher {

// The kernel's Landlock version (1 and up), or 0 where it has none or it is switched off.
int landlock_version();

// The version that `options` lets a compartment use. Ends the process, with the kernel's reason, where there is none.
int usable_landlock(const Options& options);

// Confines this process and all it starts, for good: files can be read where the interpreter and `scripts` lie,
// written below `scratch` alone, created nowhere else; no port can be bound or connected to (version 4), no abstract
// socket outside reached and no process outside signalled (version 6). Needs no_new_privs.
// What Landlock does not govern, such as a file's mode and times, is left to the system-call filter.
void confine(const Options& options, int version, const std::string& scripts, const std::string& scratch);

}  // namespace faultline::launcher
