// Greedy generation against PyTorch's, for the golden prompts of both models.
#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "native/session/session.h"
#include "tests/native/check.h"
#include "tests/native/tiny_model.h"

namespace faultline::session {
namespace {

void expect_greedy(const std::string& folder, const std::string& golden) {
  const auto prompts = check::read_token_lists(golden + "/prompts.json");
  const auto expected = check::read_token_lists(golden + "/expected.greedy.json");
  Session session({.folder = folder, .threads = 2, .memory_bytes = 1 << 28});
  std::vector<GroupRequest> requests;
  std::vector<std::string> names;
  for (const auto& [name, want] : expected) {
    GroupRequest request;
    request.prompt = prompts.at(name);
    request.sample_indices = {0};
    request.sampling.temperature = 0;
    request.max_new_tokens = 48;
    request.stop_policy = StopPolicy::none;
    requests.push_back(request);
    names.push_back(name);
  }
  std::map<std::string, SampleResult> got;
  const std::atomic<bool> cancelled{false};
  EXPECT(session.generate(
      requests, 0,
      [&](SampleResult&& result) { got[names[static_cast<std::size_t>(result.group)]] = std::move(result); },
      cancelled));
  for (const auto& [name, want] : expected) {
    EXPECT_EQ(got.at(name).tokens.size() >= want.size(), true);
    EXPECT(std::equal(want.begin(), want.end(), got.at(name).tokens.begin()));
    if (got.at(name).tokens.size() < 48) EXPECT_EQ(finish_reason_name(got.at(name).finish), std::string("context"));
  }
}

TEST(session_greedy_tiny) {
  expect_greedy(check::source_path("tests/golden/tiny-gpt2"), check::source_path("tests/golden/tiny-gpt2"));
}

TEST(session_greedy_bundled) {
  expect_greedy(check::source_path("data/models/pico-gpt2-py"), check::source_path("tests/golden/pico"));
}

}  // namespace
}  // namespace faultline::session
