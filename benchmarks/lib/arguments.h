// `--name value` arguments of the benchmarks written in C++, and how those end. For scripts, not for people: no help,
// no abbreviations.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "native/base/error.h"

namespace faultline::bench {

class Arguments {
 public:
  /// The first argument is positional where it does not begin with "--". Throws Error(usage) for a flag without value.
  Arguments(int count, char** words) {
    int i = 1;
    if (i < count && std::string(words[i]).rfind("--", 0) != 0) positional_ = words[i++];
    for (; i < count; i += 2) {
      const std::string name = words[i];
      if (name.rfind("--", 0) != 0 || i + 1 == count)
        throw base::Error(base::ErrorCode::usage, "expected --name value, got " + name);
      values_[name.substr(2)] = words[i + 1];
    }
  }

  const std::string& positional() const { return positional_; }
  std::string text(const std::string& name, const std::string& otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
  }
  int integer(const std::string& name, int otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : std::atoi(found->second.c_str());
  }
  double number(const std::string& name, double otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : std::atof(found->second.c_str());
  }

 private:
  std::string positional_;
  std::map<std::string, std::string> values_;
};

/// What main() does: `run` with its arguments. An Error is one line on stderr and exit code 1.
template <class Run>
int run_program(int count, char** words, const Run& run) {
  try {
    run(Arguments(count, words));
  } catch (const base::Error& error) {
    std::fprintf(stderr, "%s %s\n", error.what(), error.hint().c_str());
    return 1;
  }
  return 0;
}

}  // namespace faultline::bench
