// The vocabulary as bytes: what each token spells. Owns its copy of the bytes. Knows no text encoding, no merges and
// no tensors; special tokens (end of text among them) spell nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace faultline::constraint {

using Bytes = std::span<const std::uint8_t>;

/// The bytes of a text literal, for callers that hold a string.
inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Immutable after construction, so that any thread may read it.
class Vocabulary {
 public:
  /// `offsets` has one entry more than there are tokens: token i spells bytes[offsets[i], offsets[i + 1]).
  /// Throws an input Error when the offsets are empty, decrease or leave `bytes`, or when `eos_token` is outside.
  Vocabulary(Bytes bytes, std::span<const std::uint32_t> offsets, std::int32_t eos_token);

  std::int32_t size() const { return static_cast<std::int32_t>(offsets_.size()) - 1; }
  std::int32_t eos_token() const { return eos_token_; }

  /// Bytes of the token that spells most; 0 when none spells any.
  std::size_t longest() const { return longest_; }

  /// What `token` spells; empty for special tokens. `token` must lie in [0, size()). Valid as long as this object.
  Bytes bytes_of(std::int32_t token) const {
    const std::size_t begin = offsets_[static_cast<std::size_t>(token)];
    return Bytes(bytes_).subspan(begin, offsets_[static_cast<std::size_t>(token) + 1] - begin);
  }

 private:
  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint32_t> offsets_;
  std::int32_t eos_token_;
  std::size_t longest_ = 0;
};

}  // namespace faultline::constraint
