// Sizes of memory as messages print them.
#pragma once

#include <cstdint>
#include <string>

namespace faultline::base {

/// "12.5 KiB", "3.1 MiB", "7.25 GiB".
std::string bytes_text(std::uint64_t bytes);

}  // namespace faultline::base
