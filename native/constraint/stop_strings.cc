#include "native/constraint/stop_strings.h"

#include <algorithm>
#include <utility>

#include "native/base/error.h"

namespace faultline::constraint {

StopStrings::StopStrings(std::shared_ptr<const Strings> strings) : strings_(std::move(strings)) {
  for (const std::vector<std::uint8_t>& stop : *strings_) {
    if (stop.empty())
      throw base::Error(base::ErrorCode::usage, "a stop string is empty", "Give at least one byte, or leave it out.");
    longest_ = std::max(longest_, stop.size());
  }
}

std::optional<std::int64_t> StopStrings::feed(Bytes bytes) {
  if (longest_ == 0 || bytes.empty()) return std::nullopt;
  const std::int64_t start = fed_ - static_cast<std::int64_t>(tail_.size());
  const std::size_t old = tail_.size();
  tail_.insert(tail_.end(), bytes.begin(), bytes.end());
  fed_ += static_cast<std::int64_t>(bytes.size());

  std::optional<std::int64_t> first;
  for (const std::vector<std::uint8_t>& stop : *strings_) {
    // Only matches that end in the new bytes are new: earlier ones would have ended the search.
    const std::size_t from = old >= stop.size() - 1 ? old - (stop.size() - 1) : 0;
    const auto found =
        std::search(tail_.begin() + static_cast<std::ptrdiff_t>(from), tail_.end(), stop.begin(), stop.end());
    if (found == tail_.end()) continue;
    const std::int64_t at = start + (found - tail_.begin());
    if (!first || at < *first) first = at;
  }
  if (tail_.size() > longest_ - 1) tail_.erase(tail_.begin(), tail_.end() - static_cast<std::ptrdiff_t>(longest_ - 1));
  return first;
}

}  // namespace faultline::constraint
