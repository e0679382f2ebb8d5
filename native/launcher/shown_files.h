// What a compartment is shown of the host's files, in whichever tier, and the copy of the scripts that it executes.
#pragma once

#include <dirent.h>

#include <string>

#include "native/launcher/options.h"

namespace faultline::launcher {

// Readable where they exist: what an interpreter and its libraries need.
inline constexpr const char* kSystemPaths[] = {"/usr", "/lib", "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache"};
// The only devices.
inline constexpr const char* kDevices[] = {"/dev/null", "/dev/zero", "/dev/urandom"};

// Opens the folder of the scripts; ends the process where it cannot.
DIR* open_scripts(const Options& options);

// Creates the folder `to` with a copy of every .py file of `folder`, readable by everybody, and closes `folder`.
void copy_scripts(DIR* folder, const std::string& to);

}  // namespace faultline::launcher
