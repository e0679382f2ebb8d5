// The same bits on every processor: digests of a tiny model's logits, and of the tokens, log-probabilities and
// entropies drawn from it, that were written down once. Every kernel set that the machine has must come to them, and so
// must the portable form of those it lacks, and AMX emulated; `npm run test:arm64` runs this for ARM64. Between ARM64
// and x86 one thing may differ by ops.h: a result within 2^-151 below 2^-126, which is 2^-126 on x86 and 0 on ARM64.
// None arises here; if a change of the model or of the requests below brings one about, ARM64 alone would fail.
//
// When a digest changes, samples of earlier versions cannot be reproduced: the number in the kernel family's name
// (cpu_kernel_family) must go up with it, and for float32, which has none, it must not happen.
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "native/base/fp_env.h"
#include "native/session/batch_run.h"
#include "native/session/cpu_backend.h"
#include "tests/native/ops_fixture.h"
#include "tests/native/session_fixture.h"

namespace faultline::session {
namespace {

/// FNV-1a, 64 bits, over 32-bit words: two runs that differ anywhere do not agree by chance.
/// http://www.isthe.com/chongo/tech/comp/fnv/
class Digest {
 public:
  void add(std::uint32_t word) {
    for (int byte = 0; byte < 4; ++byte) state_ = (state_ ^ (word >> (8 * byte) & 0xff)) * 0x100000001B3u;
  }
  void add(float value) { add(std::bit_cast<std::uint32_t>(value)); }
  std::string text() const {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(state_));
    return digits;
  }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325u;
};

/// Widths with tails in every kernel, and prompts on both sides of a chunk of keys.
const std::string& golden_folder() {
  static const std::string folder = check::write_tiny_model(
      "golden", {.heads = 2, .width = 72, .vocabulary = 203, .context = 128, .embedding_scale = 0.4F});
  return folder;
}

std::vector<GroupRequest> golden_requests() {
  std::vector<GroupRequest> requests(4);
  requests[0].sampling = {.temperature = 0.8F, .top_p = 0.95F};
  requests[1].sampling = {.temperature = 1.2F, .top_k = 20, .min_p = 0.02F};
  requests[2].sampling = {.typical = 0.9F, .eta = 0.01F};
  requests[3].sampling = {.temperature = 0};
  for (std::uint32_t g = 0; g < 4; ++g) {
    for (std::uint32_t i = 0; i < 5 + 25 * g; ++i)
      requests[g].prompt.push_back(static_cast<std::int32_t>((i * 31 + g) % 202));
    for (std::uint32_t i = 0; i < 4; ++i) requests[g].sample_indices.push_back(i);
    requests[g].key = 77 + g;
    requests[g].max_new_tokens = 20;
    requests[g].stop_policy = StopPolicy::none;
  }
  return requests;
}

struct Digests {
  std::string logits;
  std::string samples;
};

Digests digests_of(const check::NamedTable& table, ops::WeightType packing) {
  const base::FpEnv mode;
  base::ThreadPool pool(1);
  const model::ModelFiles files = model::open_model(golden_folder());
  CpuBackend backend({files.config, model::load_gpt2_weights(files, packing, &pool), table.ops}, packing, pool);
  const std::vector<GroupRequest> requests = golden_requests();
  const std::atomic<bool> cancelled{false};

  Digest of_logits;
  const model::HookPoint logits{model::HookKind::logits, 0};
  const auto seen = backend.activations(requests[3].prompt, std::span(&logits, 1), 1 << 26, cancelled);
  const auto count = static_cast<std::int64_t>(requests[3].prompt.size()) * backend.config().vocabulary;
  for (std::int64_t i = 0; i < count; ++i) of_logits.add(seen->at(0).data.as<float>()[i]);

  Results results;
  BatchRun({backend, nullptr, std::nullopt, 1 << 26}, requests, 6)
      .run(
          [&](SampleResult&& result) {
            results[{result.group, result.sample_index}] = std::move(result);
          },
          cancelled);
  EXPECT_EQ(results.size(), std::size_t{16});
  Digest of_samples;
  for (const auto& [key, result] : results) {
    EXPECT_EQ(result.tokens.size(), std::size_t{20});
    for (const std::int32_t token : result.tokens) of_samples.add(static_cast<std::uint32_t>(token));
    for (const float value : result.logprobs) of_samples.add(value);
    for (const float value : result.entropies) of_samples.add(value);
  }
  check::expect_emulated_well(table);
  return {of_logits.text(), of_samples.text()};
}

void expect_golden(const std::string& what, const Digests& got, const Digests& golden) {
  EXPECT_EQ(what + " logits " + got.logits, what + " logits " + golden.logits);
  EXPECT_EQ(what + " samples " + got.samples, what + " samples " + golden.samples);
}

TEST(session_golden_float32_is_the_same_everywhere) {
  const Digests golden{"666ad343dfcd1fbb", "b5a6c2191c2ff14d"};
  for (const check::NamedTable& table : check::product_tables()) {
    if (table.emulated) continue;  // no instruction of its own takes part
    expect_golden(table.isa, digests_of(table, ops::WeightType::f32), golden);
  }
}

TEST(session_golden_int8_is_the_same_everywhere) {
  const Digests golden{"b46c7d0d3e606751", "a90d7a390ee995fc"};
  for (const check::NamedTable& table : check::product_tables()) {
    if (check::traps_often(table)) continue;
    expect_golden(table.isa, digests_of(table, ops::WeightType::int8), golden);
  }
}

TEST(session_golden_bfloat16_is_the_same_within_a_family) {
  const std::map<std::string, Digests> golden = {
      {"fma", {"bc6f9dacd4f52d37", "73a26e87c52eba93"}},
      {"dpbf16", {"7dfa436df3b0ab84", "fd649f536f2cdd69"}},
      {"amx", {"d6b1422f547bf6be", "7f5af5b3cc06e69e"}},  // as its portable form came to them
  };
  for (const check::NamedTable& table : check::product_tables()) {
    if (check::traps_often(table)) continue;
    const std::string family = ops::cpu::family_name(table.family);
    expect_golden(table.isa + ", family " + family, digests_of(table, ops::bf16_weights(table.family)),
                  golden.at(family));
  }
}

}  // namespace
}  // namespace faultline::session
