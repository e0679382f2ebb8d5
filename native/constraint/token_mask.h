// A set of tokens as bits: bit i % 64 of word i / 64 stands for token i. The layout is that of ops::Mask, which this
// rung may not include; constraints hand out words, the session passes them on.
#pragma once

#include <cstdint>
#include <vector>

namespace faultline::constraint {

class TokenMask {
 public:
  /// The empty set over `size` tokens.
  explicit TokenMask(std::int32_t size) : words_(bytes(size) / sizeof(std::uint64_t), 0) {}

  /// Memory that a set over `size` tokens takes.
  static std::size_t bytes(std::int32_t size) {
    return (static_cast<std::size_t>(size) + 63) / 64 * sizeof(std::uint64_t);
  }

  void add(std::int32_t token) {
    words_[static_cast<std::size_t>(token) / 64] |= std::uint64_t{1} << (static_cast<unsigned>(token) % 64);
  }
  bool contains(std::int32_t token) const {
    return (words_[static_cast<std::size_t>(token) / 64] >> (static_cast<unsigned>(token) % 64) & 1) != 0;
  }
  /// ceil(size / 64) words, valid as long as this object.
  const std::uint64_t* words() const { return words_.data(); }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace faultline::constraint
