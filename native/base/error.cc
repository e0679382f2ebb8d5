#include "native/base/error.h"

#include <system_error>
#include <utility>

namespace faultline::base {

const char* error_code_name(ErrorCode code) {
  switch (code) {
#define FAULTLINE_ERROR(name) \
  case ErrorCode::name:       \
    return #name;
#include "native/base/error_codes.def"
#undef FAULTLINE_ERROR
  }
  return "internal";
}

Error::Error(ErrorCode code, const std::string& message, std::string hint)
    : std::runtime_error(message), code_(code), hint_(std::move(hint)) {}

// std::strerror is not thread-safe; the category's message is.
std::string system_reason(int error_number) { return std::generic_category().message(error_number); }

}  // namespace faultline::base
