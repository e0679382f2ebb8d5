// FAULTLINE_CHECK: states what must hold inside faultline. A failed check is a fault of ours, thrown as an internal
// Error with file and line; checks of a user's input throw an input or usage Error with a real message instead.
#pragma once

#include <string>

namespace faultline::base {

/// Throws Error(internal, "native/x/y.cc:12: check failed: <condition>: <message>").
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& message = {});

}  // namespace faultline::base

/// FAULTLINE_CHECK(condition) or FAULTLINE_CHECK(condition, message); the message is only built on failure.
#define FAULTLINE_CHECK(condition, ...) \
  ((condition) ? void(0) : ::faultline::base::check_failed(__FILE__, __LINE__, #condition __VA_OPT__(, ) __VA_ARGS__))
