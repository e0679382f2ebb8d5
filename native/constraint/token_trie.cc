#include "native/constraint/token_trie.h"

#include <algorithm>
#include <compare>
#include <string>
#include <utility>

#include "native/base/error.h"

namespace faultline::constraint {

Vocabulary::Vocabulary(Bytes bytes, std::span<const std::uint32_t> offsets, std::int32_t eos_token)
    : bytes_(bytes.begin(), bytes.end()), offsets_(offsets.begin(), offsets.end()), eos_token_(eos_token) {
  if (offsets_.empty())
    throw base::Error(base::ErrorCode::input, "vocabulary: offsets are empty", "Pass vocabulary size + 1 offsets.");
  for (std::size_t i = 0; i < offsets_.size(); ++i) {
    if (offsets_[i] > bytes_.size() || (i > 0 && offsets_[i] < offsets_[i - 1]))
      throw base::Error(base::ErrorCode::input,
                        "vocabulary: offset " + std::to_string(i) + " is " + std::to_string(offsets_[i]) +
                            ", which decreases or lies past the " + std::to_string(bytes_.size()) + " bytes",
                        "Offsets must ascend from 0 to the number of bytes.");
    if (i > 0) longest_ = std::max<std::size_t>(longest_, offsets_[i] - offsets_[i - 1]);
  }
  if (eos_token_ < 0 || eos_token_ >= size())
    throw base::Error(base::ErrorCode::input,
                      "vocabulary: end-of-text token " + std::to_string(eos_token_) + " is outside the vocabulary of " +
                          std::to_string(size()),
                      "Check the tokenizer's special tokens.");
}

TokenTrie::TokenTrie(std::shared_ptr<const Vocabulary> vocabulary) : vocabulary_(std::move(vocabulary)) {
  for (std::int32_t token = 0; token < vocabulary_->size(); ++token)
    if (!vocabulary_->bytes_of(token).empty()) sorted_.push_back(token);
  std::ranges::sort(sorted_, [this](std::int32_t a, std::int32_t b) {
    const Bytes x = vocabulary_->bytes_of(a);
    const Bytes y = vocabulary_->bytes_of(b);
    const std::strong_ordering order = std::lexicographical_compare_three_way(x.begin(), x.end(), y.begin(), y.end());
    return order != 0 ? order < 0 : a < b;
  });
}

namespace {

/// Three-way order of `token`'s first `length` bytes against `bytes`, as bytes.
std::strong_ordering compare_head(Bytes token, Bytes bytes) {
  const Bytes head = token.first(std::min(token.size(), bytes.size()));
  return std::lexicographical_compare_three_way(head.begin(), head.end(), bytes.begin(), bytes.end());
}

}  // namespace

TokenTrie::Range TokenTrie::starting_with(Bytes prefix) const {
  const auto begin = std::ranges::partition_point(
      sorted_, [&](std::int32_t token) { return compare_head(vocabulary_->bytes_of(token), prefix) < 0; });
  const auto end = std::partition_point(begin, sorted_.end(), [&](std::int32_t token) {
    return compare_head(vocabulary_->bytes_of(token), prefix) == 0;
  });
  return {begin, end};
}

TokenTrie::Range TokenTrie::exactly(Bytes bytes) const {
  // Within the subtree the tokens that spell exactly `bytes` are the shortest and stand first.
  const Range subtree = starting_with(bytes);
  const auto end = std::ranges::partition_point(
      subtree, [&](std::int32_t token) { return vocabulary_->bytes_of(token).size() == bytes.size(); });
  return {subtree.begin(), end};
}

}  // namespace faultline::constraint
