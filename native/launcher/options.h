// What the launcher is told on its command line. Data only.
#pragma once

#include <string>
#include <vector>

namespace faultline::launcher {

// How programs are isolated, best first.
enum class Tier {
  kNamespaces,  // a system of its own: users, mounts, processes, network
  kLandlock,    // the host's own system under Landlock's rules, where namespaces are refused
  kNone,        // --unsafe-no-sandbox: nothing but rlimits
};

struct Options {
  Tier tier = Tier::kNamespaces;
  // The interpreter's real path, the same inside and outside.
  std::string python;
  // Folder with judge.py, zygote.py and what they import. Tier `namespaces` shows a copy as /faultline, tier `landlock`
  // reads a copy in the private folder.
  std::string scripts;
  // The library for the zygote's forks, which lies beside this program; empty where it does not. Shown like the
  // scripts.
  std::string forks;
  // Further files and folders that the interpreter needs, shown read-only under the same paths.
  std::vector<std::string> read_only;
  // Size of the writable /tmp inside, in bytes. Tier `landlock` has no such folder: RLIMIT_FSIZE and the zygote see to
  // it.
  long scratch_bytes = 16L << 20;
  // Tier `landlock`: where the private folder is created.
  std::string scratch_parent = "/tmp";
  // Tier `landlock`: no newer Landlock version than this is used, so that tests meet what older kernels offer.
  int landlock_most = 7;
  // Of the interpreter that runs the candidates. The judge's is always 0: a test shall not change with it.
  unsigned hash_seed = 0;
  // The one core that everything runs on, by its place among those that this program may use, counted round; -1: all of
  // them. Judge, zygote and candidate take turns: on one core the next is woken without a message to another.
  int core = -1;

  const char* tier_name() const {
    return tier == Tier::kNamespaces ? "namespaces" : tier == Tier::kLandlock ? "landlock" : "none";
  }
};

}  // namespace faultline::launcher
