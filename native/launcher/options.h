// What the launcher is told on its command line. Data only.
#pragma once

#include <string>
#include <vector>

namespace faultline::launcher {

struct Options {
  // True for tier `namespaces`; false for tier `none` (--unsafe-no-sandbox), where nothing but rlimits is applied.
  bool isolate = true;
  // The interpreter's real path, the same inside and outside.
  std::string python;
  // Folder with judge.py, zygote.py and what they import. Inside it appears as /faultline.
  std::string scripts;
  // Further files and folders that the interpreter needs, shown read-only under the same paths.
  std::vector<std::string> read_only;
  // Size of the writable /tmp inside, in bytes.
  long scratch_bytes = 16L << 20;
  // Of the interpreter that runs the candidates. The judge's is always 0: a test shall not change with it.
  unsigned hash_seed = 0;
};

}  // namespace faultline::launcher
