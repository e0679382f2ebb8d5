// What the tests of sessions share: a tiny model with a vocabulary, requests of all kinds, and the comparison of
// samples to the bit.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "native/base/promised_memory.h"
#include "native/session/model_plan.h"
#include "native/session/session.h"
#include "tests/native/check.h"
#include "tests/native/tiny_model.h"

namespace faultline::session {

using Key = std::pair<std::int32_t, std::uint32_t>;  // group, sample index
using Results = std::map<Key, SampleResult>;

inline const std::string& tiny_folder() {
  static const std::string folder = check::write_tiny_model("batch", {.context = 96});
  return folder;
}

/// Tokens 0 to 21 spell letters and line ends, 22 is end of text.
inline VocabularyBytes tiny_vocabulary() {
  VocabularyBytes vocabulary{.bytes = {}, .offsets = {0}, .eos_token = 22};
  for (const std::string spelling : {"a", "b", "c", "ab",     "bc", "abc",  "\n", "    ", "\n    ", "return", "x",
                                     "(", ")", "'", "\"\"\"", "#",  "def ", "=",  "1",    ",",      " ",      "\\"}) {
    vocabulary.bytes.insert(vocabulary.bytes.end(), spelling.begin(), spelling.end());
    vocabulary.offsets.push_back(static_cast<std::uint32_t>(vocabulary.bytes.size()));
  }
  vocabulary.offsets.push_back(vocabulary.offsets.back());
  return vocabulary;
}

inline SessionOptions options(int threads, std::uint64_t memory_bytes = 1 << 26) {
  return {.folder = tiny_folder(),
          .weights = ops::WeightType::f32,
          .threads = threads,
          .memory_bytes = memory_bytes,
          .vocabulary = tiny_vocabulary()};
}

/// The host as a machine with so much memory free, as long as it lives. One at a time.
class FakeMachine {
 public:
  explicit FakeMachine(std::uint64_t free_bytes) {
    free() = free_bytes;
    source_ = base::host_memory_source().exchange([] { return free().load(); });
  }
  ~FakeMachine() { base::host_memory_source() = source_; }
  FakeMachine(const FakeMachine&) = delete;
  FakeMachine& operator=(const FakeMachine&) = delete;

 private:
  static std::atomic<std::uint64_t>& free() {
    static std::atomic<std::uint64_t> bytes;
    return bytes;
  }
  std::uint64_t (*source_)();
};

inline std::vector<std::uint8_t> bytes(const std::string& text) { return {text.begin(), text.end()}; }

/// Groups of all kinds: sampling parameters, policies, healing, prompts of one token and longer than a prefill pass
/// allows no special case to hide.
inline std::vector<GroupRequest> mixed_requests(std::uint32_t samples) {
  std::vector<GroupRequest> requests;
  for (std::uint32_t g = 0; g < 7; ++g) {
    GroupRequest request;
    const std::uint32_t length = g == 3 ? 1 : 2 + 11 * g;
    for (std::uint32_t i = 0; i < length; ++i) request.prompt.push_back(static_cast<std::int32_t>((i * 7 + g) % 22));
    request.prompt_bytes = bytes("def f(x):\n");
    for (std::uint32_t i = 0; i < samples; ++i) request.sample_indices.push_back(i);
    request.key = 1000 + g;
    request.sampling = {.temperature = 0.5F + 0.25F * static_cast<float>(g),
                        .top_k = g % 2 == 0 ? 0 : 9,
                        .top_p = g % 3 == 0 ? 1 : 0.9F};
    if (g == 4) request.sampling.min_p = 0.1F;
    if (g == 5) request.sampling.typical = 0.8F;
    if (g == 6) request.sampling.eta = 0.05F;
    request.max_new_tokens = 5 + static_cast<std::int32_t>(g * 9);
    request.stop_policy = g % 3 == 0 ? StopPolicy::function : g % 3 == 1 ? StopPolicy::eos : StopPolicy::none;
    if (g == 1) request.heal = bytes("abc");
    if (g == 2) request.stop_strings = {bytes("ca"), bytes("return")};
    requests.push_back(request);
  }
  return requests;
}

inline Results run(Session& session, const std::vector<GroupRequest>& requests, std::int32_t batch) {
  Results results;
  const std::atomic<bool> cancelled{false};
  EXPECT(session.generate(
      requests, batch,
      [&](SampleResult&& result) {
        const Key key{result.group, result.sample_index};
        EXPECT(!results.contains(key));
        results[key] = std::move(result);
      },
      cancelled));
  return results;
}

/// The largest number of samples that a plan names is drawn by a session with its budget, and one more is refused.
inline void expect_most_slots(Session& session, const ModelPlanOptions& asked, std::int32_t most_slots) {
  GroupRequest request;
  for (std::int32_t i = 0; i < asked.prompt_tokens; ++i) request.prompt.push_back(i % 22);
  request.max_new_tokens = asked.new_tokens;
  for (std::int32_t i = 0; i <= most_slots; ++i) request.sample_indices.push_back(static_cast<std::uint32_t>(i));
  EXPECT_EQ(run(session, {request}, most_slots).size(), request.sample_indices.size());
  EXPECT_THROWS(environment, "which holds " + std::to_string(most_slots), run(session, {request}, most_slots + 1));
}

inline void expect_same(const std::string& what, const SampleResult& got, const SampleResult& want) {
  EXPECT(got.tokens == want.tokens);
  EXPECT(got.bytes == want.bytes);
  EXPECT_EQ(got.cut, want.cut);
  EXPECT_EQ(finish_reason_name(got.finish), std::string(finish_reason_name(want.finish)));
  if (got.tokens.size() != want.tokens.size()) return;
  const auto n = static_cast<std::int64_t>(want.tokens.size());
  EXPECT_SAME_BITS(what + " log-probabilities", got.logprobs.data(), want.logprobs.data(), n);
  EXPECT_SAME_BITS(what + " entropies", got.entropies.data(), want.entropies.data(), n);
  EXPECT_SAME_BITS(what + " end of text", &got.eos_logprob, &want.eos_logprob, 1);
}

inline void expect_same(const std::string& what, const Results& got, const Results& want) {
  EXPECT_EQ(got.size(), want.size());
  for (const auto& [key, result] : got) expect_same(what, result, want.at(key));
}

}  // namespace faultline::session
