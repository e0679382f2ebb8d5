// Token healing: the prompt's last token was taken away, and the first new tokens must spell its bytes again. Says
// which tokens may come next while bytes are still owed. The condition is on the prompt, not on the sampler: it applies
// before temperature, top-k and top-p, which then act on the renormalised conditional distribution.
//
// Each step conditions on the tokens that keep the owed bytes reachable (a token that covers a part of them, or all of
// them and more); the joint distribution of several healing tokens is the product of these conditionals.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "native/constraint/token_mask.h"
#include "native/constraint/token_trie.h"

namespace faultline::constraint {

/// The masks of one prompt. Immutable after construction, so that all samples of a group share one.
class Heal {
 public:
  /// `owed`: the bytes to be spelled. Throws an input Error when no sequence of tokens can spell them.
  Heal(const TokenTrie& trie, Bytes owed);

  /// Memory of the masks for `owed` bytes over a vocabulary of `vocabulary` tokens: one mask a byte.
  static std::size_t bytes(std::size_t owed, std::int32_t vocabulary) { return owed * TokenMask::bytes(vocabulary); }

  /// Number of bytes owed at the start.
  std::int32_t size() const { return static_cast<std::int32_t>(masks_.size()); }

  /// Tokens allowed when the first `covered` owed bytes stand; `covered` in [0, size()). No mask applies from size()
  /// on.
  const TokenMask& mask(std::int32_t covered) const { return masks_[static_cast<std::size_t>(covered)]; }

 private:
  std::vector<TokenMask> masks_;
};

}  // namespace faultline::constraint
