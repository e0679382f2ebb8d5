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

// The name of the library's copy, in the folder of the scripts' copies.
inline constexpr const char* kForksCopy = "forks.so";

// Open for reading. Of use once.
struct Scripts {
  DIR* folder;
  // The library for the zygote's forks; -1: none.
  int forks;
};

// Opens them; ends the process where it cannot.
Scripts open_scripts(const Options& options);

// Creates the folder `to` with a copy of every .py file and of the library, readable by everybody, and closes
// `scripts`.
void copy_scripts(const Scripts& scripts, const std::string& to);

}  // namespace faultline::launcher
