// Which tokens can come next when given bytes must be spelled. The trie over the vocabulary is kept implicitly, as the
// tokens sorted by their bytes: the subtree below a byte string is a contiguous range, found by binary search. Knows
// nothing of why bytes must be spelled.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "native/constraint/vocabulary.h"

namespace faultline::constraint {

/// Immutable after construction, so that any thread may read it. O(size log size) to build, 4 bytes a token.
class TokenTrie {
 public:
  explicit TokenTrie(std::shared_ptr<const Vocabulary> vocabulary);

  const Vocabulary& vocabulary() const { return *vocabulary_; }

  /// Tokens in the order of their bytes. Tokens that spell nothing are not in it.
  using Range = std::span<const std::int32_t>;

  /// Tokens whose bytes begin with `prefix`, `prefix` itself among them. Valid as long as this object.
  Range starting_with(Bytes prefix) const;

  /// Tokens that spell exactly `bytes` (a vocabulary may hold several). Valid as long as this object.
  Range exactly(Bytes bytes) const;

 private:
  std::shared_ptr<const Vocabulary> vocabulary_;
  std::vector<std::int32_t> sorted_;
};

}  // namespace faultline::constraint
