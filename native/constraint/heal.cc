#include "native/constraint/heal.h"

#include <string>

#include "native/base/error.h"

namespace faultline::constraint {

Heal::Heal(const TokenTrie& trie, Bytes owed) : masks_(owed.size(), TokenMask(trie.vocabulary().size())) {
  // From the last byte backwards, so that a token which covers a part is allowed only where the rest can be spelled.
  std::vector<bool> reachable(owed.size() + 1, false);
  reachable[owed.size()] = true;
  for (std::size_t covered = owed.size(); covered-- > 0;) {
    const Bytes rest = owed.subspan(covered);
    TokenMask& mask = masks_[covered];
    for (const std::int32_t token : trie.starting_with(rest)) {
      mask.add(token);
      reachable[covered] = true;
    }
    for (std::size_t length = 1; length < rest.size(); ++length) {
      if (!reachable[covered + length]) continue;
      for (const std::int32_t token : trie.exactly(rest.first(length))) {
        mask.add(token);
        reachable[covered] = true;
      }
    }
  }
  if (!owed.empty() && !reachable[0])
    throw base::Error(base::ErrorCode::input,
                      "no sequence of tokens spells the " + std::to_string(owed.size()) + " bytes at the prompt's end",
                      "Use --prompt-boundary none for this vocabulary.");
}

}  // namespace faultline::constraint
