#include "native/base/check.h"

#include <string_view>

#include "native/base/error.h"

namespace faultline::base {

void check_failed(const char* file, int line, const char* condition, const std::string& message) {
  // __FILE__ holds the path of the machine that compiled; only the part inside the project means anything to a reader.
  std::string_view place(file);
  const auto inside = place.rfind("native/");
  if (inside != std::string_view::npos) place.remove_prefix(inside);
  std::string text = std::string(place) + ":" + std::to_string(line) + ": check failed: " + condition;
  if (!message.empty()) text += ": " + message;
  throw Error(ErrorCode::internal, text, "This is a fault of faultline; please report it with this line.");
}

}  // namespace faultline::base
