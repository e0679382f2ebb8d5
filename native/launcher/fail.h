// How the launcher gives up: one line on standard error, then the end of this process. No exceptions, as half of the
// code here runs between fork and exec. Nothing else of the project is included, so that the program can be read alone.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <unistd.h>

namespace faultline::launcher {

// Exit codes of the program, read by src/sandbox/launcher.ts.
inline constexpr int kExitClosed = 0;      // the lifeline was closed: everything was killed as asked
inline constexpr int kExitSetup = 70;      // isolation could not be built; the reason is on standard error
inline constexpr int kExitEnded = 71;      // a compartment ended by itself; which one and how is on standard error
inline constexpr int kExitArguments = 72;  // wrong arguments

// Prints "faultline-launcher: cannot <what>: <errno's text>" and ends the process without running destructors.
[[noreturn]] inline void fail(const char* what, const char* detail = nullptr) {
  const char* reason = errno != 0 ? std::strerror(errno) : "refused";
  char line[512];
  int length = std::snprintf(line, sizeof line, "faultline-launcher: cannot %s%s%s: %s\n", what,
                             detail != nullptr ? " " : "", detail != nullptr ? detail : "", reason);
  if (length > static_cast<int>(sizeof line)) length = sizeof line;
  if (length > 0) (void)!write(STDERR_FILENO, line, static_cast<size_t>(length));
  _exit(kExitSetup);
}

// Prints "faultline-launcher: note: <what>: <reason>": what is worth knowing and stops nothing.
inline void note(const char* what, const char* reason) {
  std::fprintf(stderr, "faultline-launcher: note: %s: %s\n", what, reason);
}

// Fails unless a system call's result is at least zero; hands the result through.
inline int must(int result, const char* what, const char* detail = nullptr) {
  if (result < 0) fail(what, detail);
  return result;
}

}  // namespace faultline::launcher
