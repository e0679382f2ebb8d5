// One sample's rules, given tokens by hand: no model.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "native/session/sample.h"
#include "tests/native/check.h"

namespace faultline::session {
namespace {

/// Feeds `tokens` until the sample ends and returns "reason cut".
std::string ending(const constraint::Vocabulary& vocabulary, const std::vector<std::string>& stops,
                   const std::vector<std::int32_t>& tokens) {
  GroupRequest request;
  request.max_new_tokens = 100;
  request.stop_policy = StopPolicy::function;
  constraint::StopStrings::Strings strings;
  for (const std::string& stop : stops) strings.emplace_back(stop.begin(), stop.end());
  SampleRules rules;
  rules.request = &request;
  rules.context = 100;
  rules.vocabulary = &vocabulary;
  rules.function_end = constraint::FunctionEnd::after_prompt(constraint::bytes_of("def f():\n"));
  rules.stop_strings.emplace(std::make_shared<const constraint::StopStrings::Strings>(strings));
  Sample sample(rules, 0, 0);
  for (const std::int32_t token : tokens) {
    if (!sample.accept({token, 0, 0})) continue;
    const SampleResult result = sample.take();
    return std::string(finish_reason_name(result.finish)) + " " + std::to_string(result.cut);
  }
  return "none";
}

TEST(session_sample_ends_at_the_same_byte_however_the_text_is_tokenized) {
  const std::string bytes = "    a\nbc    a\nbc";
  const std::vector<std::uint32_t> offsets = {0, 8, 13, 15, 16, 16};
  const constraint::Vocabulary vocabulary(constraint::bytes_of(bytes), offsets, 4);
  const std::vector<std::vector<std::int32_t>> divisions = {{0}, {1, 2, 3}};
  for (const std::vector<std::int32_t>& tokens : divisions) {
    // The line in column 0 has begun, and with it the function has ended, before the stop string is complete.
    EXPECT_EQ(ending(vocabulary, {"a\nbc"}, tokens), std::string("function 6"));
    // Both at one byte: the one that cuts more off, and at the same place the caller's own.
    EXPECT_EQ(ending(vocabulary, {"a\nb"}, tokens), std::string("stop 4"));
    EXPECT_EQ(ending(vocabulary, {"b"}, tokens), std::string("stop 6"));
    EXPECT_EQ(ending(vocabulary, {"a\nbc", "a"}, tokens), std::string("stop 4"));
  }
}

}  // namespace
}  // namespace faultline::session
