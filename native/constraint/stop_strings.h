// Finds the first of several stop strings in a stream of bytes, also where it spans tokens. Reads the completion alone:
// a stop string that begins in the prompt does not count.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "native/constraint/vocabulary.h"

namespace faultline::constraint {

/// One sample's search; copyable, so that a sample can be forked. The strings are shared.
class StopStrings {
 public:
  using Strings = std::vector<std::vector<std::uint8_t>>;

  /// Empty strings are an input Error: they would end every completion before it starts.
  explicit StopStrings(std::shared_ptr<const Strings> strings);

  /// Appends bytes. Once a stop string is complete, returns where it begins, counted from the first byte ever fed: of
  /// several, the one that is complete first, and of those that end together the longest. The answer does not depend on
  /// how the bytes are divided into calls. After a match the search is over: feed no more.
  std::optional<std::int64_t> feed(Bytes bytes);

 private:
  std::shared_ptr<const Strings> strings_;
  std::size_t longest_ = 0;
  /// The last longest_ - 1 bytes fed: what a stop string that is still incomplete may have begun in.
  std::vector<std::uint8_t> tail_;
  std::int64_t fed_ = 0;
};

}  // namespace faultline::constraint
