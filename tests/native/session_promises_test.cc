// Several models in one process: what one run has planned with and not touched yet is nobody else's, although the
// system calls it free. That a single run takes no more than its plan is session_memory_test.cc's.
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "native/base/promised_memory.h"
#include "native/model/checkpoint.h"
#include "native/model/gpt2_weights.h"
#include "native/session/session.h"
#include "tests/native/check.h"
#include "tests/native/session_fixture.h"

namespace faultline::session {
namespace {

using base::host_promises;

/// One group whose samples are all as long as they may be.
GroupRequest long_samples(std::uint32_t samples) {
  GroupRequest request;
  request.prompt = {1, 2, 3};
  for (std::uint32_t i = 0; i < samples; ++i) request.sample_indices.push_back(i);
  request.max_new_tokens = 64;
  request.stop_policy = StopPolicy::none;
  return request;
}

TEST(session_a_run_is_promised_what_it_has_not_touched) {
  Session session(options(1));
  const std::vector<GroupRequest> requests{long_samples(24)};
  const RunPlan plan = session.check(requests, 8);
  EXPECT_EQ(plan.memory.slots, 8);
  EXPECT_EQ(host_promises().bytes(), std::uint64_t{0});  // asking takes nothing
  const std::atomic<bool> cancelled{false};
  std::uint64_t least = plan.memory.total_bytes;
  EXPECT(session.generate(
      requests, 8,
      [&](SampleResult&&) {
        const std::uint64_t promised = host_promises().bytes();
        // The prompt and some of every sample's tokens are there when the first samples end.
        EXPECT(promised < plan.memory.total_bytes - plan.memory.group_bytes);
        least = std::min(least, promised);
      },
      cancelled));
  // After the first eight, all slots have been filled to their ends but for the token that is drawn last and not run.
  EXPECT(least < plan.memory.activation_bytes + 8 * plan.memory.slot_bytes / 10);
  EXPECT_EQ(host_promises().bytes(), std::uint64_t{0});
}

TEST(session_a_cancelled_or_refused_run_gives_its_promise_back) {
  Session session(options(1));
  std::atomic<bool> cancelled{false};
  EXPECT(!session.generate(
      std::vector{long_samples(64)}, 4, [&](SampleResult&&) { cancelled = true; }, cancelled));
  EXPECT_EQ(host_promises().bytes(), std::uint64_t{0});
  Session small(options(1, 10'000));
  EXPECT_THROWS(environment, "budget is 9.8 KiB", run(small, {long_samples(1)}, 0));
  EXPECT_EQ(host_promises().bytes(), std::uint64_t{0});
}

TEST(session_what_is_promised_to_one_run_is_refused_to_another) {
  Session session(options(1));
  const std::vector<std::int32_t> tokens{1, 2};
  const std::vector<model::HookPoint> hooks{*model::find_hook_point("logits", session.config().layers)};
  const std::atomic<bool> cancelled{false};
  {
    // As though another run had planned with more than any machine has.
    const auto others = host_promises().promise([] { return std::uint64_t{1} << 60; });
    EXPECT_THROWS(environment, "other runs of this process are promised 1073741824.00 GiB",
                  session.check(std::vector{long_samples(1)}, 0));
    EXPECT_THROWS(environment, "other runs", run(session, {long_samples(1)}, 0));
    EXPECT_THROWS(environment, "the memory budget is 0.0 KiB", session.activations(tokens, hooks, cancelled));
    EXPECT_THROWS(environment, "0.0 KiB free", Session(options(1)));
  }
  EXPECT_EQ(run(session, {long_samples(1)}, 0).size(), std::size_t{1});
  EXPECT(session.activations(tokens, hooks, cancelled).has_value());
}

TEST(session_weights_are_promised_until_they_are_there) {
  const model::ModelFiles files = model::open_model(tiny_folder());
  const std::uint64_t bytes = model::gpt2_weight_bytes(files.config, ops::WeightType::f32);
  auto promise = host_promises().promise([&] { return bytes; });
  const model::Gpt2Weights weights = model::load_gpt2_weights(files, ops::WeightType::f32, nullptr, &promise);
  std::uint64_t packed = weights.embedding.size_bytes() + weights.separate_unembedding.size_bytes();
  for (const model::Gpt2Layer& layer : weights.layers)
    for (const model::LinearWeights* linear : {&layer.attn_qkv, &layer.attn_proj, &layer.mlp_fc, &layer.mlp_proj})
      packed += linear->weight.size_bytes();
  EXPECT(packed < bytes);
  EXPECT_EQ(promise.bytes(), bytes - packed);
}

/// Nobody else counts on the memory of a model that is being loaded.
TEST(session_a_load_is_promised_its_weights) {
  std::atomic<bool> seen{false}, ended{false};
  std::thread loads([&] {
    for (int times = 0; times < 10'000 && !seen; ++times) Session session(options(1));
    ended = true;
  });
  const std::uint64_t whole = model::gpt2_weight_bytes(model::open_config(tiny_folder()), ops::WeightType::f32);
  while (!ended) {
    const std::uint64_t promised = host_promises().bytes();
    EXPECT(promised <= whole);
    if (promised > 0) seen = true;
  }
  loads.join();
  EXPECT(seen);
  EXPECT_EQ(host_promises().bytes(), std::uint64_t{0});
}

/// Under ThreadSanitizer also the proof that the count is shared in order.
TEST(session_runs_side_by_side_give_all_promises_back) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([] {
      Session session(options(1));
      for (int times = 0; times < 5; ++times) run(session, mixed_requests(4), 8);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(host_promises().bytes(), std::uint64_t{0});
}

}  // namespace
}  // namespace faultline::session
