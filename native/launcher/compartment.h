// One isolated process: the judge's or the zygote's. Knows namespaces, users and limits; not what the process is for.
#pragma once

#include <sys/types.h>

#include <string>

#include "native/launcher/options.h"
#include "native/launcher/private_folder.h"

namespace faultline::launcher {

struct Compartment {
  // What it is called in messages and folders; `<name>.py` runs inside.
  const char* name;
  // Descriptors that become 0, 1, 3 and 4 of the process; 2 stays this program's. -1: /dev/null.
  int input, output, control, turn;
  // Becomes 5, over which this program is asked for run delays (run_delay.h); -1: there is none.
  int delays;
  // Whether the process is the first of a process namespace of its own, where there are namespaces: nothing inside can
  // signal it, and all that it started dies with it.
  bool own_processes;
  // Whether the kernel shall end this process and what it starts before any other when memory runs out.
  bool first_to_go;
  // PYTHONHASHSEED: decides the order in which sets of strings are walked.
  unsigned hash_seed;
  // Added to the unprivileged user id chosen for this launcher, so that the per-user process count is its own.
  unsigned user_offset;
};

// Starts the compartment. `folder` is there in tier `landlock` alone. Returns the process id (in this namespace) of a
// child that runs Python, or is about to: its failure to get there is a line on standard error and an end with
// kExitSetup. Returns -1 where isolation failed earlier.
pid_t start_compartment(const Options& options, const Compartment& compartment, const PrivateFolder* folder);

}  // namespace faultline::launcher
