// TokenTrie, Heal and StopStrings against direct definitions over all tokens and all bytes.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "native/base/philox.h"
#include "native/constraint/heal.h"
#include "native/constraint/stop_strings.h"
#include "native/constraint/token_trie.h"
#include "tests/native/check.h"

namespace faultline::constraint {
namespace {

std::shared_ptr<const Vocabulary> vocabulary_of(const std::vector<std::string>& spellings) {
  std::string bytes;
  std::vector<std::uint32_t> offsets = {0};
  for (const std::string& spelling : spellings) {
    bytes += spelling;
    offsets.push_back(static_cast<std::uint32_t>(bytes.size()));
  }
  return std::make_shared<Vocabulary>(bytes_of(bytes), offsets, 0);
}

/// Random words over {a, b}; some tokens spell nothing, some the same.
std::vector<std::string> random_spellings(std::uint32_t seed, std::uint32_t count) {
  std::vector<std::string> spellings;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto words = base::philox4x32_10({i, 0, 0, 0}, seed);
    std::string spelling;
    for (std::uint32_t j = 0; j < words[0] % 5; ++j) spelling += (words[1] >> j & 1) != 0 ? 'a' : 'b';
    spellings.push_back(spelling);
  }
  return spellings;
}

bool spellable(const std::vector<std::string>& spellings, std::string_view rest) {
  if (rest.empty()) return true;
  return std::ranges::any_of(spellings, [&](const std::string& s) {
    if (s.empty()) return false;
    return s.starts_with(rest) || (rest.starts_with(s) && spellable(spellings, rest.substr(s.size())));
  });
}

TEST(constraint_trie_ranges_are_what_a_scan_finds) {
  const std::vector<std::string> spellings = random_spellings(1, 60);
  const TokenTrie trie(vocabulary_of(spellings));
  for (const std::string& prefix :
       {std::string("a"), std::string("ab"), std::string("bba"), std::string("abab"), std::string("ababa")}) {
    std::vector<std::int32_t> below, equal;
    for (std::int32_t i = 0; i < 60; ++i) {
      if (spellings[static_cast<std::size_t>(i)].starts_with(prefix)) below.push_back(i);
      if (spellings[static_cast<std::size_t>(i)] == prefix) equal.push_back(i);
    }
    const auto sorted = [](TokenTrie::Range range) {
      std::vector<std::int32_t> tokens(range.begin(), range.end());
      std::ranges::sort(tokens);
      return tokens;
    };
    EXPECT(sorted(trie.starting_with(bytes_of(prefix))) == below);
    EXPECT(sorted(trie.exactly(bytes_of(prefix))) == equal);
  }
}

TEST(constraint_heal_masks_are_the_tokens_that_keep_the_rest_spellable) {
  int refused = 0;
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    const std::vector<std::string> spellings = random_spellings(seed, 3 + seed % 9);
    const TokenTrie trie(vocabulary_of(spellings));
    std::string owed;
    for (std::uint32_t i = 0; i < 1 + seed % 6; ++i)
      owed += (base::philox4x32_10({i, 7, 0, 0}, seed)[0] & 1) != 0 ? 'a' : 'b';
    if (!spellable(spellings, owed)) {
      EXPECT_THROWS(input, "spells", Heal(trie, bytes_of(owed)));
      ++refused;
      continue;
    }
    const Heal heal(trie, bytes_of(owed));
    EXPECT_EQ(heal.size(), static_cast<std::int32_t>(owed.size()));
    for (std::int32_t covered = 0; covered < heal.size(); ++covered) {
      const std::string_view rest = std::string_view(owed).substr(static_cast<std::size_t>(covered));
      for (std::size_t token = 0; token < spellings.size(); ++token) {
        const std::string& s = spellings[token];
        const bool want =
            !s.empty() && (s.starts_with(rest) || (rest.starts_with(s) && spellable(spellings, rest.substr(s.size()))));
        EXPECT_EQ(heal.mask(covered).contains(static_cast<std::int32_t>(token)), want);
      }
    }
  }
  EXPECT(refused > 10 && refused < 190);
}

TEST(constraint_stop_strings_find_the_first_across_pieces) {
  using Strings = StopStrings::Strings;
  int found = 0;
  for (std::uint32_t round = 0; round < 4000; ++round) {
    const auto random = [&](std::uint32_t i, std::uint32_t stream) {
      return base::philox4x32_10({round, i, 0, stream}, 3)[0];
    };
    Strings stops;
    for (std::uint32_t i = 0; i < 1 + random(0, 1) % 3; ++i) {
      std::vector<std::uint8_t> stop;
      for (std::uint32_t j = 0; j < 1 + random(i, 2) % 4; ++j)
        stop.push_back(static_cast<std::uint8_t>('a' + random(16 * i + j, 3) % 2));
      stops.push_back(stop);
    }
    std::string text;
    for (std::uint32_t i = 0; i < 12; ++i) text += static_cast<char>('a' + random(i, 4) % 3);

    StopStrings search(std::make_shared<const Strings>(stops));
    std::optional<std::int64_t> got;
    std::size_t fed = 0;
    for (std::uint32_t piece = 0; fed < text.size() && !got; ++piece) {
      const std::size_t length = std::min<std::size_t>(text.size() - fed, random(piece, 5) % 4);
      got = search.feed(bytes_of(std::string_view(text).substr(fed, length)));
      fed += length;
    }
    // By definition: at the shortest beginning of the text that ends with one of the strings, the longest of those.
    std::optional<std::int64_t> want;
    for (std::size_t end = 1; end <= text.size() && !want; ++end) {
      for (const auto& stop : stops) {
        const std::string_view head = std::string_view(text).substr(0, end);
        if (!head.ends_with(std::string(stop.begin(), stop.end()))) continue;
        const auto at = static_cast<std::int64_t>(end - stop.size());
        if (!want || at < *want) want = at;
      }
    }
    EXPECT_EQ(got.value_or(-1), want.value_or(-1));
    found += got.has_value();
  }
  EXPECT(found > 1000 && found < 4000);
  EXPECT_THROWS(usage, "stop string", StopStrings(std::make_shared<const Strings>(Strings{{}})));
}

TEST(constraint_stop_strings_do_not_depend_on_the_pieces) {
  using Strings = StopStrings::Strings;
  const auto cut = [](const std::vector<std::string>& stops, const std::vector<std::string>& pieces) {
    Strings strings;
    for (const std::string& stop : stops) strings.emplace_back(stop.begin(), stop.end());
    StopStrings search(std::make_shared<const Strings>(strings));
    for (const std::string& piece : pieces)
      if (const std::optional<std::int64_t> at = search.feed(bytes_of(piece))) return *at;
    return std::int64_t{-1};
  };
  // "c" is complete while "abcd" is still under way.
  for (const std::vector<std::string>& pieces :
       {std::vector<std::string>{"xabcd"}, {"x", "a", "b", "c", "d"}, {"xab", "cd"}, {"xabc", "d"}}) {
    EXPECT_EQ(cut({"abcd", "c"}, pieces), std::int64_t{3});
    EXPECT_EQ(cut({"c", "abcd"}, pieces), std::int64_t{3});
    EXPECT_EQ(cut({"d", "bcd"}, pieces), std::int64_t{2});  // they end together
  }
}

TEST(constraint_vocabulary_refuses_offsets_that_lie) {
  const std::vector<std::uint32_t> good = {0, 1, 3}, falls = {0, 2, 1}, leaves = {0, 1, 4};
  EXPECT_EQ(Vocabulary(bytes_of("abc"), good, 1).size(), 2);
  EXPECT_EQ(Vocabulary(bytes_of("abc"), good, 1).longest(), std::size_t{2});
  EXPECT_THROWS(input, "offset 2", Vocabulary(bytes_of("abc"), falls, 1));
  EXPECT_THROWS(input, "offset 2", Vocabulary(bytes_of("abc"), leaves, 1));
  EXPECT_THROWS(input, "empty", Vocabulary(bytes_of("abc"), {}, 0));
  EXPECT_THROWS(input, "end-of-text token 2", Vocabulary(bytes_of("abc"), good, 2));
}

}  // namespace
}  // namespace faultline::constraint
