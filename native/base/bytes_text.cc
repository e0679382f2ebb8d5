#include "native/base/bytes_text.h"

#include <cstdio>

namespace faultline::base {

std::string bytes_text(std::uint64_t bytes) {
  constexpr double kKibi = 1024;
  const auto size = static_cast<double>(bytes);
  char text[32];
  if (size < kKibi * kKibi) {
    std::snprintf(text, sizeof text, "%.1f KiB", size / kKibi);
  } else if (size < kKibi * kKibi * kKibi) {
    std::snprintf(text, sizeof text, "%.1f MiB", size / (kKibi * kKibi));
  } else {
    std::snprintf(text, sizeof text, "%.2f GiB", size / (kKibi * kKibi * kKibi));
  }
  return text;
}

}  // namespace faultline::base
