// The one exception type of the native half. Every failure that a caller can see is an Error; nothing aborts or
// exits, because the host process belongs to somebody else. Knows nothing of Node: the binding translates.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace faultline::base {

enum class ErrorCode : std::uint8_t {
#define FAULTLINE_ERROR(name) name,
#include "native/base/error_codes.def"
#undef FAULTLINE_ERROR
};

/// The row's name in error_codes.def, which is also the `kind` of the TypeScript error.
const char* error_code_name(ErrorCode code);

/// An error with a complete one-line message (place and reason) and, where there is one, the next step as a sentence.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, std::string hint = {});

  ErrorCode code() const { return code_; }
  /// Empty when there is no next step to name.
  const std::string& hint() const { return hint_; }

 private:
  ErrorCode code_;
  std::string hint_;
};

/// The current errno as text, e.g. "No such file or directory".
std::string system_reason(int error_number);

}  // namespace faultline::base
