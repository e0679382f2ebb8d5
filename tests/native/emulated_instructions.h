// The instructions of AMX and AVX-VNNI on an x86-64 CPU that lacks them: there each is an illegal instruction, and the
// handler of that signal carries it out by Intel's manual (Software Developer's Manual, volume 2), on tiles of its own
// or on the vector registers of the thread that met it. So the tests run the object code that a CPU with them would
// run. For correctness only, and of the manual alone: what a CPU makes of its manual is seen on that CPU.
//
// What it does so that mistakes show:
//   * where the manual has the CPU raise an exception, the instruction has no effect, and take_fault() says why;
//   * so has a configuration of tiles that are in use: the kernel before did not release them;
//   * tiles are loaded and stored by code of the tests: past the end of a buffer AddressSanitizer sees it;
//   * any other illegal instruction, and all that the kernels do not contain, ends the process as it always does.
#pragma once

#include <cstdint>
#include <string>

namespace faultline::check::instructions {

#if defined(__x86_64__) && defined(__linux__)
#define FAULTLINE_EMULATED_INSTRUCTIONS

/// Handles SIGILL from now on, on all threads. Callable more than once, from one thread. AVX must be saved by the
/// system, and for AMX the CPU must have FMA.
void install();

/// Instructions carried out so far, on all threads.
std::uint64_t executed();

/// The first fault since the last call, of any thread: "TILEZERO: no tiles are configured"; empty where there was none.
std::string take_fault();

/// Whether the calling thread has tiles configured.
bool tiles_in_use();

#else  // nothing is emulated
inline void install() {}
inline std::uint64_t executed() { return 0; }
inline std::string take_fault() { return {}; }
inline bool tiles_in_use() { return false; }
#endif

}  // namespace faultline::check::instructions
