// Continuous batching: a sample's tokens and log-probability bits do not depend on batch, threads, order or company;
// slots refill; memory is planned; jobs can be cancelled at any step.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <latch>
#include <map>
#include <mutex>
#include <new>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "native/base/fp_env.h"
#include "native/base/philox.h"
#include "native/ops/registry.h"
#include "native/session/cpu_backend.h"
#include "native/session/engine.h"
#include "native/session/model_plan.h"
#include "native/session/session.h"
#include "tests/native/check.h"
#include "tests/native/gguf_writer.h"
#include "tests/native/session_fixture.h"
#include "tests/native/watched_backend.h"

namespace faultline::session {
namespace {

TEST(session_samples_do_not_depend_on_batch_threads_or_company) {
  const std::vector<GroupRequest> requests = mixed_requests(64);
  Session one(options(1));
  Session two(options(2));
  const Results want = run(two, requests, 64);
  EXPECT_EQ(want.size(), std::size_t{7 * 64});

  std::set<std::string> reasons;
  std::set<std::vector<std::int32_t>> distinct;
  for (const auto& [key, result] : want) {
    reasons.insert(finish_reason_name(result.finish));
    distinct.insert(result.tokens);
  }
  EXPECT(reasons == (std::set<std::string>{"context", "eos", "function", "length", "stop"}));
  EXPECT(distinct.size() > 200);

  for (const std::int32_t batch : {1, 5, 512})
    expect_same("batch " + std::to_string(batch), run(two, requests, batch), want);
  expect_same("one thread", run(one, requests, 64), want);

  // Each alone: its group, its index, nothing else.
  for (std::int32_t g = 0; g < 7; ++g) {
    GroupRequest alone = requests[static_cast<std::size_t>(g)];
    alone.sample_indices = {static_cast<std::uint32_t>(9 * g)};
    expect_same("alone", run(one, {alone}, 1).begin()->second, want.at({g, static_cast<std::uint32_t>(9 * g)}));
  }
  // Groups in reverse, indices in reverse.
  std::vector<GroupRequest> reversed(requests.rbegin(), requests.rend());
  for (GroupRequest& request : reversed) std::ranges::reverse(request.sample_indices);
  for (const auto& [key, result] : run(two, reversed, 33))
    expect_same("reversed", result, want.at({6 - key.first, key.second}));
}

TEST(session_bfloat16_samples_do_not_depend_on_batch_or_threads) {
  SessionOptions half = options(2);
  half.weights = ops::WeightType::bf16;
  Session two(half);
  half.threads = 1;
  Session one(half);
  const std::vector<GroupRequest> requests = mixed_requests(12);
  const Results want = run(two, requests, 64);
  expect_same("bfloat16", run(one, requests, 3), want);
  Session full(options(1));
  EXPECT(run(full, requests, 64).at({5, 3}).logprobs != want.at({5, 3}).logprobs);
}

TEST(session_int8_samples_do_not_depend_on_batch_or_threads) {
  SessionOptions bytes = options(2);
  bytes.weights = ops::WeightType::int8;
  Session two(bytes);
  bytes.threads = 1;
  Session one(bytes);
  EXPECT_EQ(two.device().kernel_family, "int8-2");
  const std::vector<GroupRequest> requests = mixed_requests(12);
  const Results want = run(two, requests, 64);
  for (const std::int32_t batch : {1, 3, 512}) expect_same("int8", run(one, requests, batch), want);
  Session full(options(1));
  EXPECT(run(full, requests, 64).at({5, 3}).logprobs != want.at({5, 3}).logprobs);
}

/// Neither asked for nor by choice, and before anything is loaded: the folder is not there.
TEST(session_int8_is_never_on_a_device) {
  SessionOptions bytes = options(1);
  bytes.weights = ops::WeightType::int8;
  bytes.device = DeviceChoice::automatic;
  EXPECT_EQ(Session(bytes).device().device, "cpu");
  bytes.device = DeviceChoice::cuda;
  bytes.folder = "missing";
  EXPECT_THROWS(usage, "CUDA has no int8 kernels", Session{bytes});
}

TEST(session_a_larger_token_budget_only_adds) {
  Session session(options(1));
  std::vector<GroupRequest> requests = mixed_requests(8);
  const Results shorter = run(session, requests, 16);
  for (GroupRequest& request : requests) request.max_new_tokens += 13;
  for (const auto& [key, longer] : run(session, requests, 16)) {
    const SampleResult& before = shorter.at(key);
    EXPECT(std::equal(before.tokens.begin(), before.tokens.end(), longer.tokens.begin()));
    EXPECT(std::equal(before.logprobs.begin(), before.logprobs.end(), longer.logprobs.begin()));
    if (before.finish != FinishReason::length) EXPECT(before.tokens == longer.tokens);
  }
}

/// The log-probabilities against a run over the whole sequence at once: the split into prefix and suffix, and stepping,
/// change nothing but rounding.
TEST(session_logprobs_are_the_models) {
  Session session(options(2));
  const std::vector<GroupRequest> requests = mixed_requests(2);
  const std::atomic<bool> cancelled{false};
  const model::HookPoint logits{model::HookKind::logits, 0};
  for (const auto& [key, result] : run(session, requests, 8)) {
    std::vector<std::int32_t> tokens = requests[static_cast<std::size_t>(key.first)].prompt;
    const std::size_t prompt = tokens.size();
    tokens.insert(tokens.end(), result.tokens.begin(), result.tokens.end());
    const auto whole = session.activations(tokens, std::span(&logits, 1), cancelled);
    const float* const rows = whole->at(0).data.as<float>();
    const std::int64_t n = session.config().vocabulary;
    for (std::size_t i = 0; i < result.tokens.size(); ++i) {
      const float* const row = rows + static_cast<std::int64_t>(prompt + i - 1) * n;
      double sum = 0;
      for (std::int64_t j = 0; j < n; ++j) sum += std::exp(double{row[j]});
      EXPECT(std::abs(result.logprobs[i] - (row[result.tokens[i]] - std::log(sum))) < 2e-5);
    }
  }
}

TEST(session_memory_is_planned) {
  const std::vector<GroupRequest> requests = mixed_requests(20);
  Session roomy(options(1));
  const Results want = run(roomy, requests, 64);
  const CpuFootprint footprint(roomy.config(), ops::WeightType::f32);
  const Demand demand{.batch = 64, .samples = 140, .longest_prompt = 68, .longest_suffix = 59, .longest_heal = 3};
  const MemoryPlan full = plan_memory(footprint, demand, 1 << 26);
  EXPECT_EQ(full.slots, 64);
  // Beside narrower weights, keys and values take half.
  for (const ops::WeightType narrow : {ops::WeightType::bf16, ops::WeightType::bf16_pairs, ops::WeightType::int8})
    EXPECT_EQ(plan_memory(CpuFootprint(roomy.config(), narrow), demand, 1 << 26).slot_bytes, full.slot_bytes / 2);
  const MemoryPlan least = plan_memory(
      footprint, {.batch = 1, .samples = 140, .longest_prompt = 68, .longest_suffix = 59, .longest_heal = 3}, 1 << 26);
  EXPECT_EQ(plan_memory(footprint, demand, least.total_bytes).slots, 1);
  EXPECT_EQ(plan_memory(footprint, demand, full.total_bytes - 1).slots, 63);
  EXPECT_THROWS(environment, "memory budget", plan_memory(footprint, demand, least.total_bytes - 1));

  // Logits are there for a block of rows at a time, so more slots need no more of them; fewer need less.
  const auto of_logits = [&](std::int32_t rows) {
    return footprint.activation_bytes(600, rows) - model::Activations::bytes(roomy.config(), 600, 0);
  };
  const auto row_bytes = sizeof(float) * static_cast<std::size_t>(model::Activations::logits_stride(roomy.config()));
  EXPECT_EQ(of_logits(5), 5 * row_bytes);
  EXPECT_EQ(of_logits(600), head_rows(ops::WeightType::f32) * row_bytes);

  // Slots are of use only with prompts to fill them: 64 slots are 4 groups of 20, and one that begins while one ends.
  Demand of_groups = demand;
  of_groups.groups = 7;
  EXPECT_EQ(plan_memory(footprint, of_groups, 1 << 26).groups, 5);
  EXPECT_EQ(plan_memory(footprint, of_groups, 1 << 26).total_bytes, full.total_bytes + 4 * full.group_bytes);
  EXPECT_EQ(plan_memory(footprint, of_groups, least.total_bytes).groups, 1);

  // Each byte to heal is a mask over the vocabulary: 23 tokens are one word.
  Demand more_to_heal = demand;
  more_to_heal.longest_heal += 5;
  EXPECT_EQ(plan_memory(footprint, more_to_heal, 1 << 26).total_bytes, full.total_bytes + 5 * 8);

  // With room for one slot, or a few slots but one prompt at a time: slower, the same samples.
  for (const std::uint64_t budget :
       {std::uint64_t{least.total_bytes}, std::uint64_t{least.total_bytes + 5 * least.slot_bytes + 4096}}) {
    Session tight(options(1, budget));
    expect_same("tight", run(tight, requests, 0), want);
    EXPECT_THROWS(environment, "64 samples at a time need", run(tight, requests, 64));
    EXPECT_THROWS(environment, "64 samples at a time need", tight.check(requests, 64));
    const RunPlan own = tight.check(requests, 0);
    EXPECT(own.memory.slots >= 1 && own.memory.slots < 64);
    EXPECT_EQ(own.budget_bytes, budget);
    EXPECT(own.memory.total_bytes <= budget);
    EXPECT_EQ(own.weight_bytes, model::gpt2_weight_bytes(tight.config(), ops::WeightType::f32));
  }
  Session starved(options(1, 1000));
  EXPECT_THROWS(environment, "memory budget", run(starved, requests, 0));
}

TEST(session_plan_names_the_largest_batch_that_fits) {
  const model::ModelConfig config = Session(options(1)).config();
  const CpuFootprint footprint(config, ops::WeightType::f32);
  Demand demand{.batch = 64, .samples = 140, .longest_prompt = 68, .longest_suffix = 59};
  for (const std::int32_t fits : {1, 2, 17, 63}) {
    demand.all_slots = true;
    demand.batch = fits;
    const MemoryPlan exact = plan_memory(footprint, demand, 1 << 26);
    EXPECT_EQ(plan_memory(footprint, demand, exact.total_bytes).slots, fits);
    demand.batch = 64;
    EXPECT_THROWS(environment, "which holds " + std::to_string(fits),
                  plan_memory(footprint, demand, exact.total_bytes));
    demand.all_slots = false;
    EXPECT_EQ(plan_memory(footprint, demand, exact.total_bytes).slots, fits);
  }
  // More slots than samples are not asked for in earnest.
  demand.all_slots = true;
  demand.samples = 2;
  demand.batch = 2;
  const std::size_t two = plan_memory(footprint, demand, 1 << 26).total_bytes;
  demand.batch = 512;
  EXPECT_EQ(plan_memory(footprint, demand, two).slots, 2);
}

TEST(session_model_plan_is_the_sessions_own) {
  const ModelPlanOptions asked{
      .folder = tiny_folder(), .memory_bytes = 1 << 20, .samples = 9, .prompt_tokens = 40, .new_tokens = 50};
  const ModelPlan plan = plan_model(asked);
  EXPECT_EQ(plan.device, "cpu");
  EXPECT_EQ(plan.budget_bytes, std::uint64_t{1} << 20);
  EXPECT_EQ(plan.new_tokens, 50);
  EXPECT_EQ(plan.memory.slots, 9);

  Session session(options(1, 1 << 20));
  EXPECT_EQ(plan.default_batch, session.device().default_batch);
  expect_most_slots(session, asked, plan.most_slots);

  // Told no budget, it takes the backend's share of what the weights leave.
  ModelPlanOptions free = asked;
  free.memory_bytes = 0;
  EXPECT(plan_model(free).budget_bytes > std::uint64_t{1} << 20);

  ModelPlanOptions cut = asked;
  cut.prompt_tokens = 90;
  EXPECT_EQ(plan_model(cut).new_tokens, 6);
  cut.prompt_tokens = 96;
  EXPECT_THROWS(usage, "leaves no room in the context of 96", plan_model(cut));
  cut.prompt_tokens = 0;
  EXPECT_THROWS(usage, "at least 1", plan_model(cut));
  ModelPlanOptions starved = asked;
  starved.memory_bytes = 1000;
  EXPECT_THROWS(environment, "one sample needs", plan_model(starved));
  ModelPlanOptions narrow = asked;
  narrow.weights = ops::WeightType::int8;
  narrow.device = DeviceChoice::automatic;
  EXPECT_EQ(plan_model(narrow).device_reason, "int8 is computed on the CPU alone");
  narrow.device = DeviceChoice::cuda;
  EXPECT_THROWS(usage, "CUDA has no int8 kernels", plan_model(narrow));
  starved.folder = check::temporary_folder() + "/nowhere";
  EXPECT_THROWS(input, "config.json", plan_model(starved));
}

/// Refused before anything of the weights is read, and by a plan as by loading, each by the key that its file has.
TEST(session_plan_refuses_what_int8_cannot_load) {
  const std::string folder = check::temporary_folder() + "/deep", file = check::temporary_folder() + "/deep.gguf";
  std::filesystem::create_directories(folder);
  const auto write = [&](std::uint32_t width, const std::string& inner) {
    std::ofstream(folder + "/config.json") << R"({"model_type": "gpt2", "n_layer": 2, "n_head": 2, "vocab_size": 23, )"
                                           << R"("n_positions": 32, "n_embd": )" << width << inner << "}";
  };
  std::ofstream(file, std::ios::binary) << check::gguf_file(
      {check::gguf_entry("general.architecture", "gpt2"), check::gguf_entry("gpt2.block_count", 2U),
       check::gguf_entry("gpt2.attention.head_count", 2U), check::gguf_entry("gpt2.embedding_length", 16U),
       check::gguf_entry("gpt2.context_length", 32U), check::gguf_entry("gpt2.feed_forward_length", 133145U),
       check::gguf_entry("gpt2.attention.layer_norm_epsilon", 1e-5F)},
      {check::gguf_tensor("token_embd.weight", {16, 23}, check::kGgmlF32, 0)}, std::string(16 * 23 * 4, '\0'));
  const auto expect_refused = [](const std::string& path, const std::string& says) {
    EXPECT_THROWS(input, says, plan_model({.folder = path, .weights = ops::WeightType::int8}));
  };
  expect_refused(file, "deep.gguf: gpt2.feed_forward_length is 133145, and int8 sums go up to 133144 products");
  EXPECT_THROWS(input, "deep.gguf: gpt2.feed_forward_length is 133145, and int8",
                model::load_gpt2(file, ops::WeightType::int8, nullptr));
  write(16, R"(, "n_inner": 133145)");
  expect_refused(folder, "/config.json: n_inner is 133145, and int8");
  EXPECT_EQ(plan_model({.folder = folder, .weights = ops::WeightType::bf16}).memory.slots, 1);
  write(40000, "");
  expect_refused(folder, "/config.json: n_inner (4 * n_embd where it is not given) is 160000, and int8");
}

TEST(session_weight_bytes_are_what_is_loaded) {
  for (const bool tied : {true, false}) {
    const std::string folder = check::write_tiny_model(tied ? "tied" : "untied", {.tied = tied});
    for (const ops::WeightType type : {ops::WeightType::f32, ops::WeightType::bf16, ops::WeightType::int8}) {
      const model::Gpt2 loaded = model::load_gpt2(folder, type, nullptr);
      const model::Gpt2Weights& w = loaded.weights;
      std::uint64_t bytes = w.embedding.size_bytes() + w.positions.size() + w.ln_final.gamma.size() +
                            w.ln_final.beta.size() + w.separate_unembedding.size_bytes();
      for (const model::Gpt2Layer& layer : w.layers) {
        for (const model::LayerNormWeights* norm : {&layer.ln1, &layer.ln2})
          bytes += norm->gamma.size() + norm->beta.size();
        for (const model::LinearWeights* linear : {&layer.attn_qkv, &layer.attn_proj, &layer.mlp_fc, &layer.mlp_proj})
          bytes += linear->weight.size_bytes() + linear->bias.size();
      }
      EXPECT_EQ(model::gpt2_weight_bytes(loaded.config, ops::packing_of(type)), bytes);
    }
  }
}

TEST(session_refuses_more_bytes_to_heal_than_a_token_has) {
  Session session(options(1));
  std::vector<GroupRequest> requests = mixed_requests(1);
  requests[1].heal = bytes("return");  // as long as the longest token
  run(session, requests, 16);
  requests[1].heal = bytes("returnx");  // could be spelled, by two tokens
  EXPECT_THROWS(usage, "group 1: heal has 7 bytes, but the vocabulary's longest token only 6",
                run(session, requests, 16));
}

TEST(session_fails_what_cannot_be_drawn_alone) {
  Session session(options(1));
  std::vector<GroupRequest> requests = mixed_requests(2);
  requests[0].prompt.assign(96, 1);
  requests[1].heal = bytes("az");
  requests[2].prompt = {1, 23};
  requests[3].prompt = {};
  requests[4].sample_indices = {};
  const Results results = run(session, requests, 16);
  EXPECT_EQ(results.size(), std::size_t{12});
  for (const auto& [key, result] : results) EXPECT_EQ(result.finish == FinishReason::error, key.first < 4);
  EXPECT(results.at({0, 0}).error.find("leaves no room in the context of 96") != std::string::npos);
  EXPECT(results.at({2, 1}).error.find("token 23 is outside the vocabulary of 23") != std::string::npos);
}

TEST(session_stops_between_steps_when_cancelled) {
  Session session(options(1));
  const std::vector<GroupRequest> requests = mixed_requests(64);
  const Results want = run(session, requests, 16);
  for (const std::size_t after : {std::size_t{0}, std::size_t{1}, std::size_t{100}}) {
    std::atomic<bool> cancelled{after == 0};
    Results results;
    EXPECT(!session.generate(
        requests, 16,
        [&](SampleResult&& result) {
          results[{result.group, result.sample_index}] = std::move(result);
          if (results.size() >= after) cancelled = true;
        },
        cancelled));
    // A step may end as many samples as there are slots; the next one is not begun.
    EXPECT(results.size() >= after && results.size() < after + (after == 0 ? 1 : 16));
    for (const auto& [key, result] : results) expect_same("before cancelling", result, want.at(key));
  }
}

/// What a backend's calls are when a run is cancelled in the middle of one, as another thread would.
struct Cancelling {
  std::atomic<bool> cancelled{false};
  int cancel_in;  // calls down to the one in which it happens; 0: in none
  int calls = 0;
  int begun_too_late = 0;  // when it was cancelled already

  explicit Cancelling(int in) : cancel_in(in) {}
  void operator()() {
    ++calls;
    if (cancelled) ++begun_too_late;
    if (--cancel_in == 0) cancelled = true;
  }
};

TEST(session_begins_no_step_after_it_was_cancelled) {
  const base::FpEnv mode;
  base::ThreadPool pool(1);
  CpuBackend cpu(tiny_folder(), ops::WeightType::f32, pool);
  std::vector<GroupRequest> requests = mixed_requests(64);
  for (GroupRequest& request : requests) {  // no vocabulary
    request.stop_policy = StopPolicy::eos;
    request.heal.clear();
    request.stop_strings.clear();
  }
  // In the first prompt, in its samples' first draws, in each of the steps after them: slots refill in some, and groups
  // follow each other.
  for (int in = 1; in <= 100; ++in) {
    Cancelling at(in);
    WatchedBackend backend(cpu, [&](auto, auto) { at(); });
    BatchRun run({backend, nullptr, 22, 1 << 26}, requests, 16);
    EXPECT(!run.run([](SampleResult&&) {}, at.cancelled));
    EXPECT_EQ(at.calls, in);
    EXPECT_EQ(at.begun_too_late, 0);
  }
  // By whoever receives a sample, at once.
  Cancelling at(0);
  WatchedBackend backend(cpu, [&](auto, auto) { at(); });
  EXPECT(!BatchRun({backend, nullptr, 22, 1 << 26}, requests, 16)
              .run([&](SampleResult&&) { at.cancelled = true; }, at.cancelled));
  EXPECT(at.calls > 0);
  EXPECT_EQ(at.begun_too_late, 0);
}

/// Samples of known lengths, over groups: no step has a free slot while a sample waits, and there are no more steps
/// than that takes.
TEST(session_refills_each_slot_as_its_sample_ends) {
  const base::FpEnv mode;
  base::ThreadPool pool(1);
  CpuBackend cpu(tiny_folder(), ops::WeightType::f32, pool);
  std::vector<GroupRequest> requests;
  std::vector<std::size_t> lengths;  // of each sample, in the order in which they start
  for (const auto& [samples, length] : {std::pair{5U, 9}, {3U, 1}, {7U, 2}, {1U, 40}, {4U, 30}, {9U, 3}, {2U, 17}}) {
    GroupRequest& request = requests.emplace_back();
    request.prompt = {1, 2, static_cast<std::int32_t>(requests.size())};
    for (std::uint32_t i = 0; i < samples; ++i) request.sample_indices.push_back(i);
    request.max_new_tokens = length;
    request.stop_policy = StopPolicy::none;
    lengths.insert(lengths.end(), samples, static_cast<std::size_t>(length));
  }
  for (const std::size_t slots : {std::size_t{1}, std::size_t{4}, std::size_t{6}, std::size_t{40}}) {
    std::size_t started = 0;
    std::vector<std::size_t> lanes;  // of each step
    WatchedBackend backend(cpu, [&](WatchedBackend::Call call, std::size_t count) {
      if (call == WatchedBackend::Call::first) started += count;
      if (call != WatchedBackend::Call::next) return;
      if (started < lengths.size()) EXPECT_EQ(count, slots);
      lanes.push_back(count);
    });
    const std::atomic<bool> cancelled{false};
    EXPECT(BatchRun({backend, nullptr, 22, 1 << 26}, requests, static_cast<std::int32_t>(slots))
               .run([](SampleResult&&) {}, cancelled));

    // A sample's first token comes from its prompt, and takes no step. The next sample takes the slot that is free
    // first; refilled only when all are, the slots would wait for the longest sample of each turn.
    std::vector<std::size_t> ends(slots, 0);
    std::size_t in_turns = 0, tokens = 0;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      *std::ranges::min_element(ends) += lengths[i] - 1;
      tokens += lengths[i] - 1;
      if (i % slots == 0)
        in_turns +=
            *std::max_element(lengths.begin() + static_cast<std::ptrdiff_t>(i),
                              lengths.begin() + static_cast<std::ptrdiff_t>(std::min(i + slots, lengths.size()))) -
            1;
    }
    const std::size_t steps = *std::ranges::max_element(ends);
    EXPECT_EQ(lanes.size(), steps);
    EXPECT_EQ(std::accumulate(lanes.begin(), lanes.end(), std::size_t{0}), tokens);
    EXPECT_EQ(steps<in_turns, slots> 1 && slots < lengths.size());
  }
}

/// What attention reads in steps: of prompts, which no sample's own tokens are as long as, and of those.
struct AttentionReads {
  static constexpr std::int32_t kPrompt = 40;
  static inline void (*attend)(const ops::AttentionArgs&);
  static inline std::atomic<std::int64_t> prompts, prompt_rows;

  static void count(const ops::AttentionArgs& args) {
    // A prompt that is being run has rows that see less of it; their spans begin at rows 0 and 32.
    if (args.visible[0] >= kPrompt) {
      ++prompts;
      prompt_rows += args.rows;
    }
    attend(args);
  }
};

/// Rows that share a prompt share its reading, 32 at a time: one row at a time would give the same samples, later.
TEST(session_a_step_reads_a_prompt_once_for_32_samples) {
  const base::FpEnv mode;
  base::ThreadPool pool(2);
  model::Gpt2 model = model::load_gpt2(tiny_folder(), ops::WeightType::f32, nullptr);
  AttentionReads::attend = std::exchange(model.ops.attend, &AttentionReads::count);
  AttentionReads::prompts = AttentionReads::prompt_rows = 0;
  const std::int64_t each = std::int64_t{model.config.layers} * model.config.heads;
  CpuBackend cpu(std::move(model), ops::WeightType::f32, pool);
  std::vector<GroupRequest> requests;
  for (const std::uint32_t samples : {70U, 32U, 5U}) {
    GroupRequest& request = requests.emplace_back();
    for (std::int32_t i = 0; i < AttentionReads::kPrompt; ++i)
      request.prompt.push_back((i + static_cast<std::int32_t>(samples)) % 22);
    for (std::uint32_t i = 0; i < samples; ++i) request.sample_indices.push_back(i);
    request.max_new_tokens = 4;
    request.stop_policy = StopPolicy::none;
  }
  std::int64_t steps = 0;
  WatchedBackend backend(cpu,
                         [&](WatchedBackend::Call call, std::size_t) { steps += call == WatchedBackend::Call::next; });
  const std::atomic<bool> cancelled{false};
  EXPECT(BatchRun({backend, nullptr, 22, 1 << 26}, requests, 107).run([](SampleResult&&) {}, cancelled));
  EXPECT_EQ(steps, std::int64_t{3});
  EXPECT_EQ(AttentionReads::prompt_rows.load(), steps * each * 107);
  EXPECT_EQ(AttentionReads::prompts.load(), steps * each * (3 + 1 + 1));
}

TEST(session_stops_between_first_tokens_when_cancelled) {
  Session session(options(1));
  GroupRequest request = mixed_requests(1).front();
  request.sample_indices.clear();
  for (std::uint32_t i = 0; i < 1000; ++i) request.sample_indices.push_back(i);
  request.max_new_tokens = 1;
  std::atomic<bool> cancelled{false};
  std::size_t results = 0;
  EXPECT(!session.generate(
      std::vector{request}, 16,
      [&](SampleResult&&) {
        ++results;
        cancelled = true;
      },
      cancelled));
  // Those that took their first and last token together.
  EXPECT(results >= 1 && results <= 16);
}

TEST(session_broken_weights_fail_samples_not_the_run) {
  const std::string folder = check::write_tiny_model("infinite", {.embedding_scale = 3e38F});
  Session session({.folder = folder, .threads = 1, .memory_bytes = 1 << 24});
  GroupRequest request;
  request.prompt = {1, 2};
  request.sample_indices = {0, 1};
  const Results results = run(session, {request}, 2);
  EXPECT_EQ(results.size(), std::size_t{2});
  for (const auto& [key, result] : results) EXPECT(result.error.find("not finite") != std::string::npos);
}

// ------------------------------------------------------------------------------------------------------------------
// The engine's thread. Run under ThreadSanitizer, these are also the proof that nothing is shared without order.

/// Notes what happens; wait_for blocks until a predicate over the notes holds.
class Recorder : public Listener {
 public:
  void loaded(const Session&) override { note("loaded"); }
  void load_failed(const base::Error& error) override { note(std::string("load_failed ") + error.what()); }
  void sample(JobId job, SampleResult&& result) override {
    const std::lock_guard lock(mutex_);
    samples_[job][{result.group, result.sample_index}] = std::move(result);
    changed_.notify_all();
  }
  void done(JobId job) override { note("done " + std::to_string(job)); }
  void planned(JobId job, const RunPlan& plan) override {
    note("planned " + std::to_string(job) + " " + std::to_string(plan.memory.slots));
  }
  void activations(JobId job, std::vector<model::Activation>&& result) override {
    note("activations " + std::to_string(job) + " " + std::to_string(result.size()));
  }
  void cancelled(JobId job) override { note("cancelled " + std::to_string(job)); }
  void failed(JobId job, const base::Error& error) override {
    note("failed " + std::to_string(job) + " " + error.what());
  }
  void stopped() override { note("stopped"); }

  void wait_for_note(const std::string& wanted) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return std::ranges::find(notes_, wanted) != notes_.end(); });
  }
  void wait_for_samples(JobId job, std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return samples_[job].size() >= count; });
  }
  std::vector<std::string> notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }
  Results samples(JobId job) {
    const std::lock_guard lock(mutex_);
    return samples_[job];
  }

 private:
  void note(std::string text) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(std::move(text));
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> notes_;
  std::map<JobId, Results> samples_;
};

/// Memory that is promised and not there would be noticed by the kernel, which kills; so would be what Node and the
/// sandbox take beside a plan that leaves them nothing.
TEST(session_a_budget_is_cut_to_what_the_machine_has) {
  constexpr std::uint64_t kMoreThanAny = std::uint64_t{1} << 60, kFree = std::uint64_t{3} << 30;
  constexpr std::uint64_t kReserve = std::uint64_t{512} << 20;
  const std::vector<GroupRequest> requests = mixed_requests(20);
  Session generous(options(1, kMoreThanAny));
  const Results want = run(generous, requests, 64);
  const MemoryPlan seven = generous.check(requests, 7).memory;
  const ModelPlanOptions asked{
      .folder = tiny_folder(), .memory_bytes = kMoreThanAny, .samples = 9, .prompt_tokens = 40, .new_tokens = 50};
  const std::uint64_t weights = plan_model(asked).weight_bytes;
  {
    const FakeMachine machine(kFree);
    base::ThreadPool pool(1);
    const CpuBackend backend(tiny_folder(), ops::WeightType::f32, pool);
    EXPECT_EQ(backend.free_memory(), kFree - kReserve);
    EXPECT_EQ(backend.default_memory(), (kFree - kReserve) / 2);
    EXPECT_EQ(generous.check(requests, 7).budget_bytes, kFree - kReserve);
    const ModelPlan plan = plan_model(asked);
    EXPECT_EQ(plan.reserve_bytes, kReserve);
    EXPECT_EQ(plan.budget_bytes, kFree - weights - kReserve);
  }
  {
    const FakeMachine machine(kReserve + seven.total_bytes);
    EXPECT_EQ(generous.check(requests, 7).memory.slots, 7);
    EXPECT_THROWS(environment, "which holds 7; a budget is cut to what is free", generous.check(requests, 8));
    EXPECT_THROWS(environment, "which holds 7; a budget is cut to what is free", run(generous, requests, 8));
    expect_same("little memory", run(generous, requests, 0), want);
  }
  {
    const FakeMachine machine(kReserve + weights - 1);
    EXPECT_THROWS(environment, "beside a reserve of 512.0 MiB, has", Session(options(1)));
    EXPECT_THROWS(environment, "beside a reserve of 512.0 MiB, has", plan_model(asked));
  }
  {
    const FakeMachine machine(kReserve + weights + 1000);
    EXPECT_THROWS(environment, "one sample needs", plan_model(asked));
  }

  std::string says;
  try {
    model::check_weights_fit(std::uint64_t{3} << 30, "this machine", std::uint64_t{2} << 30);
  } catch (const base::Error& error) {
    says = error.what();
  }
  EXPECT_EQ(says, std::string("the weights need 3.00 GiB, but this machine has 2.00 GiB free"));
  model::check_weights_fit(std::uint64_t{2} << 30, "this machine", std::uint64_t{2} << 30);
}

TEST(session_engine_runs_jobs_in_order) {
  Recorder recorder;
  const std::vector<GroupRequest> requests = mixed_requests(6);
  {
    Engine engine(options(2), recorder);
    EXPECT_EQ(engine.generate(requests, 4), JobId{1});
    EXPECT_EQ(engine.activations({1, 2, 3}, {"logits", "blocks.1.attn.hook_pattern"}), JobId{2});
    EXPECT_EQ(engine.activations({1}, {"blocks.2.hook_resid_pre"}), JobId{3});
    EXPECT_EQ(engine.activations({1, 23}, {"logits"}), JobId{4});
    EXPECT_EQ(engine.check(requests, 4), JobId{5});
    std::vector<GroupRequest> empty = requests;
    empty[2].max_new_tokens = 0;
    EXPECT_EQ(engine.check(empty, 4), JobId{6});
    EXPECT_EQ(engine.generate(requests, 32), JobId{7});
    recorder.wait_for_note("done 7");
  }
  EXPECT(recorder.notes() ==
         (std::vector<std::string>{
             "loaded", "done 1", "activations 2 2", "failed 3 this model has no hook point blocks.2.hook_resid_pre",
             "failed 4 token 23 is outside the vocabulary of 23", "planned 5 4",
             "failed 6 group 2: max-new-tokens is 0, but must be at least 1", "done 7", "stopped"}));
  EXPECT(recorder.samples(5).empty());
  expect_same("engine", recorder.samples(1), recorder.samples(7));
  EXPECT_EQ(recorder.samples(1).size(), std::size_t{42});
}

TEST(session_engine_cancels_running_and_waiting_jobs) {
  Recorder recorder;
  std::vector<GroupRequest> many;
  for (int i = 0; i < 50; ++i)
    for (const GroupRequest& request : mixed_requests(64)) many.push_back(request);
  Engine engine(options(2), recorder);
  const JobId running = engine.generate(many, 8);
  const JobId waiting = engine.generate(many, 8);
  const JobId checking = engine.check(many, 8);
  const JobId last = engine.generate(mixed_requests(1), 8);
  recorder.wait_for_samples(running, 1);
  engine.cancel(checking);
  engine.cancel(waiting);
  engine.cancel(running);
  engine.cancel(9999);
  recorder.wait_for_note("done " + std::to_string(last));
  EXPECT(recorder.notes() ==
         (std::vector<std::string>{"loaded", "cancelled 1", "cancelled 2", "cancelled 3", "done 4"}));
  EXPECT(recorder.samples(running).size() < many.size() * 64);
  EXPECT(recorder.samples(waiting).empty());
}

TEST(session_engine_stops_at_any_moment) {
  for (int moment = 0; moment < 6; ++moment) {
    Recorder recorder;
    {
      Engine engine(options(2), recorder);
      const JobId job = engine.generate(mixed_requests(64), 16);
      engine.check(mixed_requests(64), 16);
      if (moment > 1) recorder.wait_for_note("loaded");
      if (moment > 2) recorder.wait_for_samples(job, static_cast<std::size_t>(moment) * 20);
      if (moment % 2 == 1) engine.stop();
      if (moment == 5) {
        // The thread may be at its end already, so that nobody would end the job.
        EXPECT_THROWS(usage, "disposed", engine.generate(mixed_requests(1), 1));
        recorder.wait_for_note("stopped");
        EXPECT_THROWS(usage, "disposed", engine.check(mixed_requests(1), 1));
        EXPECT_THROWS(usage, "disposed", engine.activations({1}, {"logits"}));
        engine.stop();
      }
    }
    const std::vector<std::string> notes = recorder.notes();
    EXPECT_EQ(notes.back(), "stopped");
    EXPECT_EQ(std::ranges::count(notes, "stopped"), std::ptrdiff_t{1});
    // However it did, each job has ended once.
    for (int job = 1; job <= 2; ++job) {
      const std::string id = std::to_string(job);
      EXPECT_EQ(std::ranges::count_if(notes,
                                      [&](const std::string& note) {
                                        return note == "cancelled " + id || note == "done " + id ||
                                               note.starts_with("planned " + id + " ");
                                      }),
                std::ptrdiff_t{1});
    }
  }
}

/// A listener that has no memory for the first two news of each kind, and takes no sample of `held` before `released`.
class Poor final : public Recorder {
 public:
  static constexpr JobId held = 6;
  std::latch released{1};

  void loaded(const Session& session) override { no_room("loaded"), Recorder::loaded(session); }
  void load_failed(const base::Error& error) override { no_room("load_failed"), Recorder::load_failed(error); }
  void sample(JobId job, SampleResult&& result) override {
    no_room("sample"), Recorder::sample(job, std::move(result));
    if (job == held) released.wait();
  }
  void done(JobId job) override { no_room("done"), Recorder::done(job); }
  void cancelled(JobId job) override { no_room("cancelled"), Recorder::cancelled(job); }
  void failed(JobId job, const base::Error& error) override { no_room("failed"), Recorder::failed(job, error); }
  void stopped() override { no_room("stopped"), Recorder::stopped(); }

 private:
  void no_room(const char* kind) {
    if (++heard_[kind] <= 2) throw std::bad_alloc();
  }
  std::map<std::string, int> heard_;  // by the engine's thread
};

/// Native code never ends its process: the job fails, and every job's end is heard of.
TEST(session_engine_outlives_a_listener_without_memory) {
  Poor listener;
  {
    Engine engine(options(1), listener);
    for (int job = 1; job <= 5; ++job) engine.generate(mixed_requests(1), 8);
    listener.wait_for_note("done 5");
    // The engine has to hear of both ends while it is at this one, however fast it is.
    const JobId running = engine.generate(mixed_requests(64), 8);
    EXPECT_EQ(running, Poor::held);
    const JobId waiting = engine.generate(mixed_requests(1), 8);
    listener.wait_for_samples(running, 1);
    engine.cancel(waiting);
    engine.cancel(running);
    listener.released.count_down();
  }
  EXPECT(listener.notes() == (std::vector<std::string>{"loaded", "failed 1 out of memory", "failed 2 out of memory",
                                                       "failed 3 out of memory", "failed 4 out of memory", "done 5",
                                                       "failed 6 out of memory", "cancelled 7", "stopped"}));
  Poor of_nothing;
  {
    SessionOptions nowhere = options(1);
    nowhere.folder = check::temporary_folder() + "/nowhere";
    const Engine engine(nowhere, of_nothing);
  }
  EXPECT(of_nothing.notes().at(0).starts_with("load_failed "));
}

TEST(session_engine_explains_what_cannot_be_loaded) {
  Recorder recorder;
  {
    SessionOptions nowhere = options(1);
    nowhere.folder = check::temporary_folder() + "/nowhere";
    Engine engine(nowhere, recorder);
    engine.generate(mixed_requests(1), 1);
    engine.stop();
  }
  EXPECT(recorder.notes().at(0).find("nowhere/config.json") != std::string::npos);
  EXPECT_EQ(recorder.notes().back(), "stopped");
}

}  // namespace
}  // namespace faultline::session
