// `--name value` arguments of the benchmarks written in C++, and how those end. No abbreviations.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <limits>
#include <map>
#include <string>
#include <string_view>

#include "native/base/error.h"

namespace faultline::bench {

class Arguments {
 public:
  /// `usage` names every flag as `--name `, and FOLDER where there must be one: the first argument, which does not
  /// begin with "--". Throws Error(usage) for a flag that is not in it or has no value, and for a folder that is
  /// missing.
  Arguments(int count, char** words, std::string_view usage) {
    const bool wants_folder = usage.find(" FOLDER") != std::string_view::npos;
    int i = 1;
    if (wants_folder && i < count && std::string(words[i]).rfind("--", 0) != 0) positional_ = words[i++];
    for (; i < count; i += 2) {
      const std::string name = words[i];
      if (name.rfind("--", 0) != 0) throw base::Error(base::ErrorCode::usage, "expected --name value, got " + name);
      if (usage.find(name + " ") == std::string_view::npos)
        throw base::Error(base::ErrorCode::usage, "there is no flag " + name);
      if (i + 1 == count) throw base::Error(base::ErrorCode::usage, name + ": a value is missing");
      values_[name.substr(2)] = words[i + 1];
    }
    if (positional_.empty() && wants_folder)
      throw base::Error(base::ErrorCode::usage, "the model's FOLDER is missing");
  }

  const std::string& positional() const { return positional_; }

  std::string text(const std::string& name, const std::string& otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
  }

  /// One of `words`, the first where it is not given. Throws Error(usage) for another.
  std::string one_of(const std::string& name, std::initializer_list<const char*> words) const {
    const std::string given = text(name, *words.begin());
    std::string allowed;
    for (const std::string word : words) {
      if (given == word) return given;
      allowed += (allowed.empty() ? "one of " : ", ") + word;
    }
    refuse(name, allowed, given);
  }

  /// Throws Error(usage) for what is no whole number, and for one below 1, or below 0 where `otherwise` is 0.
  int integer(const std::string& name, int otherwise) const {
    const std::string given = text(name, std::to_string(otherwise));
    const int least = otherwise == 0 ? 0 : 1;
    int value = 0;
    const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
    if (error != std::errc() || end != given.data() + given.size() || value < least)
      refuse(name, "a whole number of at least " + std::to_string(least), given);
    return value;
  }

  /// Throws Error(usage) for what is no number of at least 0.
  double number(const std::string& name, double otherwise) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return otherwise;
    const std::string& given = found->second;
    double value = 0;
    const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
    if (error != std::errc() || end != given.data() + given.size() || !(value >= 0) || std::isinf(value))
      refuse(name, "a number of at least 0", given);
    return value;
  }

 private:
  [[noreturn]] static void refuse(const std::string& name, const std::string& allowed, const std::string& given) {
    throw base::Error(base::ErrorCode::usage, "--" + name + ": expected " + allowed + ", got \"" + given + "\"");
  }

  std::string positional_;
  std::map<std::string, std::string> values_;
};

/// What main() does: `run`, which takes no arguments. An Error is one line on stderr, and exit code 2 where it is about
/// the arguments, else 1.
template <class Run>
int run_program(const Run& run) {
  try {
    run();
  } catch (const base::Error& error) {
    std::fprintf(stderr, "%s%s%s\n", error.what(), error.hint().empty() ? "" : " ", error.hint().c_str());
    return error.code() == base::ErrorCode::usage ? 2 : 1;
  }
  return 0;
}

/// Whether --help is among the words: `usage` is printed then.
inline bool helped(int count, char** words, const char* usage) {
  for (int i = 1; i < count; ++i) {
    if (std::string_view(words[i]) != "--help" && std::string_view(words[i]) != "-h") continue;
    std::fputs(usage, stdout);
    return true;
  }
  return false;
}

/// The same of a `run` that takes Arguments; `usage` is what they say of it, and what --help prints.
template <class Run>
int run_program(int count, char** words, const char* usage, const Run& run) {
  if (helped(count, words, usage)) return 0;
  return run_program([&] { run(Arguments(count, words, usage)); });
}

}  // namespace faultline::bench
