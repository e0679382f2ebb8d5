// The whole test harness: TEST registers a function, EXPECT_* record failures and go on, the main in check.cc runs
// everything (or the tests whose names contain an argument) and ends with "N passed, N failed". No mocks, no fixtures,
// no death tests.
#pragma once

#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>

#include "native/base/error.h"

namespace faultline::check {

using TestFunction = void (*)();
/// Registers a test; the result only exists so that TEST can be a static initialiser.
bool register_test(const char* file, const char* name, TestFunction function);
/// Records a failure of the running test and prints it with its place.
void fail(const char* file, int line, const std::string& message);
/// Prints a line that a reader should see although nothing failed, e.g. why a test was skipped on this machine.
void note(const std::string& message);

template <class T>
std::string show(const T& value) {
  if constexpr (requires(std::ostringstream & out) { out << value; }) {
    std::ostringstream out;
    out.precision(9);
    out << value;
    return out.str();
  } else {
    return "<value>";
  }
}

/// A function, not a macro's block: temporaries in the arguments live until it returns.
template <class Got, class Want>
void expect_equal(const char* file, int line, const char* what, const Got& got, const Want& want) {
  if (!(got == want)) fail(file, line, std::string(what) + " is " + show(got) + ", expected " + show(want));
}

/// Compares two float arrays bit by bit; prints what, shape-like label, first differing index and both values.
void expect_same_bits(const char* file, int line, const std::string& what, const float* got, const float* want,
                      std::int64_t count);

/// |got[i] - want[i]| <= tolerance(i) for all i; NaN never passes. Prints the worst index by error over tolerance, and
/// `origin`, which says where the tolerance comes from. `tolerance` is an array, or one value with tolerance_stride 0.
void expect_close(const char* file, int line, const std::string& what, const float* got, const double* want,
                  const double* tolerance, std::int64_t tolerance_stride, std::int64_t count,
                  const std::string& origin);

/// A folder of this test run alone, deleted at exit.
const std::string& temporary_folder();

}  // namespace faultline::check

#define TEST(name)                                                               \
  static void faultline_test_##name();                                           \
  [[maybe_unused]] static const bool faultline_registered_##name =               \
      ::faultline::check::register_test(__FILE__, #name, faultline_test_##name); \
  static void faultline_test_##name()

#define EXPECT(condition) ((condition) ? void(0) : ::faultline::check::fail(__FILE__, __LINE__, "expected " #condition))

#define EXPECT_EQ(got, want) ::faultline::check::expect_equal(__FILE__, __LINE__, #got, got, want)

/// The expression throws a base::Error of this code (a name such as `input`) whose message contains `part`.
#define EXPECT_THROWS(code_name, part, ...)                                                                          \
  do {                                                                                                               \
    try {                                                                                                            \
      __VA_ARGS__;                                                                                                   \
      ::faultline::check::fail(__FILE__, __LINE__, "nothing was thrown by " #__VA_ARGS__);                           \
    } catch (const ::faultline::base::Error& error_) {                                                               \
      if (error_.code() != ::faultline::base::ErrorCode::code_name ||                                                \
          std::string_view(error_.what()).find(part) == std::string_view::npos)                                      \
        ::faultline::check::fail(__FILE__, __LINE__,                                                                 \
                                 std::string("expected Error(" #code_name ") with \"") + (part) + "\", got Error(" + \
                                     ::faultline::base::error_code_name(error_.code()) + "): " + error_.what());     \
    }                                                                                                                \
  } while (false)

#define EXPECT_SAME_BITS(what, got, want, count) \
  ::faultline::check::expect_same_bits(__FILE__, __LINE__, what, got, want, count)
#define EXPECT_CLOSE(what, got, want, tolerance, count, origin) \
  ::faultline::check::expect_close(__FILE__, __LINE__, what, got, want, tolerance, 1, count, origin)
