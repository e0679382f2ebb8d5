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

  struct Match {
    std::int64_t end;
    std::int64_t begin;
  };
  std::optional<Match> first;
  for (const std::vector<std::uint8_t>& stop : *strings_) {
    // Only matches that end in the new bytes are new: earlier ones would have ended the search.
    const std::size_t from = old >= stop.size() - 1 ? old - (stop.size() - 1) : 0;
    const auto found =
        std::search(tail_.begin() + static_cast<std::ptrdiff_t>(from), tail_.end(), stop.begin(), stop.end());
    if (found == tail_.end()) continue;
    // By its end, not by its begin: a match that is complete ends the search even while a longer one is under way, and
    // only so it does not matter in which pieces the bytes arrive.
    const std::int64_t begin = start + (found - tail_.begin());
    const Match match{begin + static_cast<std::int64_t>(stop.size()), begin};
    if (!first || match.end < first->end || (match.end == first->end && match.begin < first->begin)) first = match;
  }
  if (tail_.size() > longest_ - 1) tail_.erase(tail_.begin(), tail_.end() - static_cast<std::ptrdiff_t>(longest_ - 1));
  return first ? std::optional(first->begin) : std::nullopt;
}

}  // namespace faultline::constraint
