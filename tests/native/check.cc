#include "tests/native/check.h"

#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace faultline::check {
namespace {

struct Test {
  const char* file;
  const char* name;
  TestFunction function;
};

std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

int failures_of_this_test = 0;

// Past this many a reader learns nothing more from one test.
constexpr int kMostPrinted = 10;

std::string short_place(const char* file, int line) {
  std::string_view place(file);
  const auto inside = place.rfind("tests/native/");
  if (inside != std::string_view::npos) place.remove_prefix(inside);
  return std::string(place) + ":" + std::to_string(line);
}

struct TemporaryFolder {
  std::string path;
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "faultline-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      std::perror("cannot make a temporary folder");
      std::exit(2);
    }
    path = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;  // a folder left behind must not fail a run that passed
    std::filesystem::remove_all(path, ignored);
  }
};

}  // namespace

bool register_test(const char* file, const char* name, TestFunction function) {
  tests().push_back({file, name, function});
  return true;
}

void fail(const char* file, int line, const std::string& message) {
  if (++failures_of_this_test <= kMostPrinted)
    std::printf("  %s: %s\n", short_place(file, line).c_str(), message.c_str());
}

void note(const std::string& message) { std::printf("  note: %s\n", message.c_str()); }

void expect_same_bits(const char* file, int line, const std::string& what, const float* got, const float* want,
                      std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (std::bit_cast<std::uint32_t>(got[i]) == std::bit_cast<std::uint32_t>(want[i])) continue;
    fail(file, line,
         what + ": element " + std::to_string(i) + " of " + std::to_string(count) + " is " + show(got[i]) +
             ", expected exactly " + show(want[i]));
    return;
  }
}

void expect_close(const char* file, int line, const std::string& what, const float* got, const double* want,
                  const double* tolerance, std::int64_t tolerance_stride, std::int64_t count,
                  const std::string& origin) {
  std::int64_t worst = -1;
  double worst_ratio = 1;
  for (std::int64_t i = 0; i < count; ++i) {
    const double allowed = tolerance[i * tolerance_stride];
    const double error = std::fabs(got[i] - want[i]);
    const double ratio = error == 0 ? 0 : error / allowed;
    if (ratio <= worst_ratio) continue;  // false for NaN, which therefore always counts
    worst = i;
    if (std::isnan(ratio)) break;
    worst_ratio = ratio;
  }
  if (worst < 0) return;
  fail(file, line,
       what + ": element " + std::to_string(worst) + " of " + std::to_string(count) + " is " + show(got[worst]) +
           ", expected " + show(want[worst]) + " within " + show(tolerance[worst * tolerance_stride]) + " (" + origin +
           ")");
}

const std::string& temporary_folder() {
  static const TemporaryFolder folder;
  return folder.path;
}

namespace {

bool run(const Test& test) {
  failures_of_this_test = 0;
  try {
    test.function();
  } catch (const std::exception& error) {
    fail(test.file, 0, std::string("threw ") + error.what());
  }
  if (failures_of_this_test > kMostPrinted) std::printf("  and %d more\n", failures_of_this_test - kMostPrinted);
  std::printf("%s %s\n", failures_of_this_test == 0 ? "pass" : "FAIL", test.name);
  std::fflush(stdout);
  return failures_of_this_test == 0;
}

/// Whether a test's name or its file's holds one of the filters, or there are none but those that begin with a minus,
/// and neither holds one of those.
bool wanted(const Test& test, std::span<char* const> filters) {
  const std::string name = short_place(test.file, 0) + ' ' + test.name;
  bool any = false, chosen = false;
  for (const std::string_view filter : filters) {
    const bool out = filter.starts_with('-');
    const bool held = name.find(filter.substr(out ? 1 : 0)) != std::string::npos;
    if (out && held) return false;
    any |= !out;
    chosen |= !out && held;
  }
  return chosen || !any;
}

int run_all(int count, char** names) {
  int passed = 0, failed = 0;
  for (const Test& test : tests()) {
    if (wanted(test, {names, static_cast<std::size_t>(count)})) ++(run(test) ? passed : failed);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  // A filter that matches nothing is a mistake, not a success.
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace faultline::check

int main(int argc, char** argv) { return faultline::check::run_all(argc - 1, argv + 1); }
