// The whole engine over a device: in float32 its samples and activations are the CPU's to the bit, in bfloat16 they do
// not depend on the batch; memory is planned; runs are cancelled; what a machine lacks is said.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "native/session/device_backend.h"
#include "native/session/device_stepper.h"
#include "native/session/model_plan.h"
#include "native/session/session.h"
#include "tests/native/check.h"
#include "tests/native/device_fixture.h"
#include "tests/native/session_fixture.h"

namespace faultline::session {
namespace {

using check::emulated;

SessionOptions on_device(ops::WeightType type = ops::WeightType::f32) {
  SessionOptions device = options(1);
  device.device = DeviceChoice::cuda;
  device.weights = type;
  return device;
}

/// Sets a variable of the emulator for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

/// Of all kinds that a device can do, but short: the emulator runs every thread of every kernel.
std::vector<GroupRequest> short_requests(std::uint32_t samples) {
  std::vector<GroupRequest> requests = mixed_requests(samples);
  for (GroupRequest& request : requests) {
    request.max_new_tokens = std::min(request.max_new_tokens, emulated() ? 11 : 59);
    const sampler::SamplingParameters& all = request.sampling;
    request.sampling = {.temperature = all.temperature, .top_k = all.top_k, .top_p = all.top_p};
  }
  return requests;
}

TEST(device_session_float_samples_are_the_cpus) {
  Session cpu(options(2));
  Session device(on_device());
  EXPECT_EQ(device.device().kernel_family, cpu.device().kernel_family);
  const std::vector<GroupRequest> requests = short_requests(emulated() ? 3 : 64);
  const Results want = run(cpu, requests, 64);
  expect_same("device", run(device, requests, 64), want);
  expect_same("device, few slots", run(device, requests, 5), want);
}

TEST(device_session_bfloat_samples_do_not_depend_on_batch_or_company) {
  Session device(on_device(ops::WeightType::bf16));
  EXPECT_EQ(device.device().kernel_family, std::string("mma2"));
  std::vector<GroupRequest> requests = short_requests(emulated() ? 3 : 64);
  const Results want = run(device, requests, 512);
  expect_same("7 slots", run(device, requests, 7), want);
  for (std::int32_t g : {1, 5}) {
    GroupRequest alone = requests[static_cast<std::size_t>(g)];
    alone.sample_indices = {2};
    expect_same("alone", run(device, {alone}, 1).begin()->second, want.at({g, 2}));
  }
  // Not float32 in disguise, and close to it: the model is the same.
  Session cpu(options(2));
  const Results exact = run(cpu, {requests[0]}, 64);
  EXPECT(exact.at({0, 0}).logprobs != want.at({0, 0}).logprobs);
  EXPECT(std::abs(exact.at({0, 0}).entropies[0] - want.at({0, 0}).entropies[0]) < 0.05);
}

/// Samples that end inside a launch by every reason, healed ones among them, whatever the launch's length.
TEST(device_session_steps_of_one_launch_are_steps) {
  std::vector<GroupRequest> requests = short_requests(6);
  for (GroupRequest& request : requests) request.max_new_tokens = 12;
  GroupRequest full = requests[6];  // a prompt that leaves the context little room
  while (full.prompt.size() < 91) full.prompt.push_back(static_cast<std::int32_t>(full.prompt.size() % 22));
  full.stop_policy = StopPolicy::none;
  requests.push_back(full);
  Session cpu(options(2));
  const Results want = run(cpu, requests, 64);
  std::set<std::string> reasons;
  for (const auto& [key, result] : want) reasons.insert(finish_reason_name(result.finish));
  EXPECT(reasons == (std::set<std::string>{"context", "eos", "function", "length", "stop"}));
  for (const std::int32_t steps : {1, 2, 4, 8}) {
    SessionOptions device_options = on_device();
    device_options.steps_per_launch = steps;
    Session device(device_options);
    expect_same(std::to_string(steps) + " steps", run(device, requests, 9), want);
  }
}

TEST(device_session_activations_are_the_cpus) {
  Session cpu(options(2));
  Session device(on_device());
  const std::vector<model::HookPoint> points = model::all_hook_points(cpu.config().layers);
  std::vector<std::int32_t> tokens;
  for (std::int32_t i = 0; i < 21; ++i) tokens.push_back(i * 5 % 22);
  const std::atomic<bool> cancelled{false};
  const auto want = cpu.activations(tokens, points, cancelled);
  const auto got = device.activations(tokens, points, cancelled);
  EXPECT_EQ(got->size(), want->size());
  for (std::size_t i = 0; i < want->size(); ++i) {
    EXPECT(got->at(i).shape == want->at(i).shape);
    EXPECT_SAME_BITS(model::hook_name(points[i]), got->at(i).data.as<float>(), want->at(i).data.as<float>(),
                     static_cast<std::int64_t>(want->at(i).data.size() / sizeof(float)));
  }
}

TEST(device_session_bfloat_activations_are_near_the_cpus) {
  Session cpu(options(2));
  Session device(on_device(ops::WeightType::bf16));
  const std::vector<model::HookPoint> points = model::all_hook_points(cpu.config().layers);
  const std::vector<std::int32_t> tokens = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2};
  const std::atomic<bool> cancelled{false};
  const auto want = cpu.activations(tokens, points, cancelled);
  const auto got = device.activations(tokens, points, cancelled);
  for (std::size_t i = 0; i < want->size(); ++i) {
    const float* const exact = want->at(i).data.as<float>();
    const float* const rounded = got->at(i).data.as<float>();
    const std::size_t count = want->at(i).data.size() / sizeof(float);
    double largest = 0, worst = 0;
    for (std::size_t j = 0; j < count; ++j) {
      largest = std::max(largest, std::abs(double{exact[j]}));
      worst = std::max(worst, std::abs(double{exact[j]} - rounded[j]));
      if (std::isnan(rounded[j])) worst = INFINITY;
    }
    // Two layers of operands with 8 bits each: some tens of roundings of 2^-9, of which most cancel.
    if (!(worst <= 0.06 * largest))
      check::fail(__FILE__, __LINE__,
                  model::hook_name(points[i]) + " is off by " + check::show(worst) + " of " + check::show(largest));
  }
}

TEST(device_session_long_prompts_run_in_pieces) {
  const std::string folder = check::write_tiny_model("device-long", {.layers = 1, .context = 640});
  SessionOptions cpu_options{.folder = folder, .threads = 2, .memory_bytes = 1 << 26};
  SessionOptions device_options = cpu_options;
  device_options.device = DeviceChoice::cuda;
  Session cpu(cpu_options);
  Session device(device_options);
  GroupRequest request;
  for (std::int32_t i = 0; i < kDevicePrefillRows + 30; ++i) request.prompt.push_back(i * 13 % 22);
  request.sample_indices = {0, 1};
  request.max_new_tokens = 3;
  request.stop_policy = StopPolicy::none;
  expect_same("long prompt", run(device, {request}, 2), run(cpu, {request}, 2));
}

TEST(device_session_memory_is_planned) {
  Session roomy(on_device());
  const std::vector<GroupRequest> requests = short_requests(2);
  const Results want = run(roomy, requests, 64);
  const DeviceFootprint footprint(roomy.config(), ops::DeviceType::f32);
  const Demand one{.batch = 1, .samples = 14, .longest_prompt = 68, .longest_suffix = 59, .longest_heal = 3};
  const MemoryPlan least = plan_memory(footprint, one, 1 << 26);
  SessionOptions tight = on_device();
  tight.memory_bytes = least.total_bytes + least.slot_bytes;
  Session poor(tight);
  expect_same("little memory", run(poor, requests, 0), want);
  EXPECT_THROWS(environment, "14 samples at a time need", run(poor, requests, 64));
  tight.memory_bytes = least.activation_bytes;
  Session none(tight);
  EXPECT_THROWS(environment, "memory budget", run(none, requests, 0));
}

/// What the plan says is what is allocated, beside the weights.
TEST(device_session_the_plan_is_exact) {
  for (const ops::WeightType type : {ops::WeightType::f32, ops::WeightType::bf16}) {
    Session session(on_device(type));
    const std::uint64_t weights = session.peak_memory();
    GroupRequest request = short_requests(7)[5];
    run(session, {request}, 64);
    const Demand demand{
        .batch = 64,
        .samples = 7,
        .longest_prompt = static_cast<std::int32_t>(request.prompt.size()),
        .longest_suffix = std::min(request.max_new_tokens,
                                   session.config().context - static_cast<std::int32_t>(request.prompt.size()))};
    const auto device_type = type == ops::WeightType::f32 ? ops::DeviceType::f32 : ops::DeviceType::bf16;
    const MemoryPlan plan = plan_memory(DeviceFootprint(session.config(), device_type), demand, 1 << 26);
    EXPECT_EQ(plan.slots, 7);
    const std::uint64_t allocated = session.peak_memory() - weights;
    // A real allocator rounds every one of two dozen allocations up.
    EXPECT(allocated <= plan.total_bytes + (emulated() ? 0 : 24 * 512));
    EXPECT(allocated > plan.total_bytes / 100 * 97);
  }
}

/// The plan that loads nothing names what a session with the same budget then does.
TEST(device_session_model_plan_is_the_sessions_own) {
  for (const ops::WeightType type : {ops::WeightType::f32, ops::WeightType::bf16}) {
    SessionOptions session_options = on_device(type);
    session_options.memory_bytes = 1 << 19;
    Session session(session_options);
    const std::uint64_t weights = session.peak_memory();
    const ModelPlanOptions asked{.folder = session_options.folder,
                                 .weights = type,
                                 .device = DeviceChoice::cuda,
                                 .memory_bytes = session_options.memory_bytes,
                                 .samples = 4,
                                 .prompt_tokens = 40,
                                 .new_tokens = 6};
    const ModelPlan plan = plan_model(asked);
    EXPECT_EQ(plan.device, session.device().device);
    EXPECT_EQ(plan.device_reason, "CUDA was asked for");
    EXPECT_EQ(plan.budget_bytes, asked.memory_bytes);
    EXPECT_EQ(plan.default_batch, session.device().default_batch);
    // A bias is counted for matrices that have none, and a real allocator rounds.
    EXPECT(plan.weight_bytes >= weights / 100 * 97 && plan.weight_bytes <= weights / 100 * 110 + 4096);

    expect_most_slots(session, asked, plan.most_slots);
    ModelPlanOptions automatic = asked;
    automatic.device = DeviceChoice::automatic;
    EXPECT_EQ(plan_model(automatic).device_reason, "CUDA can be used");
  }
}

TEST(device_session_a_budget_is_cut_to_what_there_is) {
  if (!emulated()) return check::note("only the emulator can be this small");
  SessionOptions greedy = on_device();
  greedy.memory_bytes = std::uint64_t{1} << 40;
  const std::vector<GroupRequest> requests = short_requests(2);
  Session roomy(greedy);
  const std::uint64_t weights = roomy.peak_memory();
  const Results want = run(roomy, requests, 64);
  const Demand one{.batch = 1, .samples = 14, .longest_prompt = 68, .longest_suffix = 11, .longest_heal = 3};
  const MemoryPlan least = plan_memory(DeviceFootprint(roomy.config(), ops::DeviceType::f32), one, 1 << 26);
  // What is open beside counts too.
  const std::uint64_t used = (std::uint64_t{2} << 30) - check::device_context().free_bytes();
  {
    const Variable small("FAULTLINE_SIMT_MEMORY",
                         std::to_string(used + weights + least.total_bytes + 2 * least.slot_bytes));
    Session poor(greedy);
    expect_same("little memory", run(poor, requests, 0), want);
  }
  const Variable smaller("FAULTLINE_SIMT_MEMORY", std::to_string(used + weights + least.activation_bytes));
  Session poorer(greedy);
  EXPECT_THROWS(environment, "but the memory budget is", run(poorer, requests, 0));
}

/// A device takes activations and slots at once, so that only prompts that are to come are promised.
TEST(device_session_a_run_is_promised_its_prompts) {
  Session session(on_device());
  const std::vector<GroupRequest> requests = short_requests(2);
  const MemoryPlan plan = session.check(requests, 4).memory;
  const std::uint64_t prompts = static_cast<std::uint64_t>(plan.groups) * plan.group_bytes;
  const std::atomic<bool> cancelled{false};
  EXPECT(session.generate(
      requests, 4, [&](SampleResult&&) { EXPECT(ops::DeviceContext::promises().bytes() < prompts); }, cancelled));
  EXPECT_EQ(ops::DeviceContext::promises().bytes(), std::uint64_t{0});
  EXPECT_EQ(base::host_promises().bytes(), std::uint64_t{0});
}

TEST(device_session_is_cancelled_between_launches) {
  Session device(on_device());
  std::vector<GroupRequest> requests = short_requests(8);
  std::atomic<bool> cancelled{false};
  std::size_t heard = 0;
  EXPECT(!device.generate(
      requests, 4,
      [&](SampleResult&&) {
        ++heard;
        cancelled = true;
      },
      cancelled));
  EXPECT(heard > 0 && heard < 7 * 8);
  // With a slot for every sample the device draws ahead; what it has in hand ends with the run.
  cancelled = false;
  heard = 0;
  const bool finished = device.generate(
      requests, 64,
      [&](SampleResult&&) {
        ++heard;
        cancelled = true;
      },
      cancelled);
  EXPECT(!finished);
  EXPECT(heard > 0 && heard < 7 * 8);
  // The next job starts afresh.
  requests = short_requests(1);
  Session cpu(options(1));
  expect_same("after a cancelled job", run(device, requests, 4), run(cpu, requests, 4));
}

TEST(device_session_refuses_samplers_that_only_the_cpu_has) {
  const std::vector<GroupRequest> requests = short_requests(1);
  Session device(on_device());
  const auto refused = [&](const sampler::SamplingParameters& sampling) {
    std::vector<GroupRequest> asked = requests;
    asked[1].sampling = sampling;
    const std::atomic<bool> cancelled{false};
    std::string says;
    int heard = 0;
    try {
      device.generate(
          asked, 4, [&](SampleResult&&) { ++heard; }, cancelled);
    } catch (const base::Error& error) {
      EXPECT(error.code() == base::ErrorCode::usage && error.hint().starts_with("Use --device cpu"));
      says = error.what();
    }
    EXPECT_EQ(heard, says.empty() ? 7 : 0);  // before anything starts, also where another group could be drawn
    return says;
  };
  const std::string device_name = "group 1: device " + device.device().device + " has no ";
  EXPECT_EQ(refused({.min_p = 0.1F}), device_name + "min-p sampling; cpu has it");
  EXPECT_EQ(refused({.top_p = 0.9F, .typical = 0.9F}), device_name + "typical sampling; cpu has it");
  EXPECT_EQ(refused({.eta = 0.01F}), device_name + "eta sampling; cpu has it");
  EXPECT_EQ(refused({.temperature = 0, .min_p = 0.1F}), std::string());  // greedy uses none of them
}

TEST(device_session_bad_prompts_fail_alone) {
  const std::string folder = check::write_tiny_model("device-short", {.layers = 1, .context = 24});
  SessionOptions device_options{.folder = folder, .threads = 1, .memory_bytes = 1 << 26};
  device_options.device = DeviceChoice::cuda;
  GroupRequest good;
  good.prompt = {1, 2, 3};
  good.sample_indices = {0, 1};
  good.max_new_tokens = 4;
  good.stop_policy = StopPolicy::none;
  GroupRequest bad = good;
  bad.prompt = {99};
  GroupRequest full = good;
  full.prompt.assign(24, 1);
  Session device(device_options);
  const Results results = run(device, {good, bad, full}, 8);
  EXPECT_EQ(finish_reason_name(results.at({0, 1}).finish), std::string("length"));
  EXPECT(results.at({1, 0}).error.find("outside the vocabulary") != std::string::npos);
  EXPECT(results.at({2, 0}).error.find("no room in the context") != std::string::npos);
}

TEST(device_session_graph_sizes_are_few_and_large_enough) {
  std::set<std::int32_t> sizes;
  for (std::int32_t rows = 1; rows <= 2048; ++rows) {
    const std::int32_t size = graph_rows(rows);
    EXPECT(size >= rows && graph_rows(size) == size);
    EXPECT(size < rows + std::max(64, rows));
    sizes.insert(size);
  }
  EXPECT(sizes.size() < 64);
}

TEST(device_session_says_what_the_machine_lacks) {
  if (!emulated()) return check::note("only the emulator can lack a device, memory or its health on demand");
  SessionOptions either = on_device();
  either.device = DeviceChoice::automatic;
  {
    Session session(either);
    EXPECT_EQ(session.device().device, std::string("emulated"));
    EXPECT_EQ(session.device_reason(), std::string("CUDA can be used"));
  }
  for (const char* const lack : {"no_driver", "no_device"}) {
    const Variable fail("FAULTLINE_SIMT_FAIL", lack);
    EXPECT_THROWS(environment, "CUDA cannot be used", Session session(on_device()));
    const ops::DeviceReport report = ops::device_report();
    EXPECT(!report.usable && !report.refused.empty() && report.hint.find("--device cpu") != std::string::npos);
    Session session(either);
    EXPECT_EQ(session.device().device, std::string("cpu"));
    EXPECT(session.device_reason().find(report.refused) != std::string::npos);
  }
  {
    const Variable old("FAULTLINE_SIMT_CAPABILITY", "75");
    EXPECT_THROWS(environment, "compute capability 7.5", Session session(on_device()));
  }
  {
    const Variable small("FAULTLINE_SIMT_MEMORY", "20000");
    EXPECT_THROWS(environment, "the weights need", Session session(on_device()));
    Session session(either);
    EXPECT_EQ(session.device().device, std::string("cpu"));
    EXPECT(session.device_reason().find("the weights need") != std::string::npos);
  }
}

TEST(device_session_a_lost_device_fails_the_job_and_nothing_else) {
  if (!emulated()) return check::note("only the emulator can lose a device on demand");
  const std::vector<GroupRequest> requests = short_requests(1);
  std::set<std::string> messages;
  for (int after = 1; after < 120; after += 13) {
    const Variable fail("FAULTLINE_SIMT_FAIL", "lost:" + std::to_string(after));
    try {
      Session session(on_device());
      run(session, requests, 8);
      messages.insert("finished");
    } catch (const base::Error& error) {
      EXPECT_EQ(base::error_code_name(error.code()), std::string("environment"));
      EXPECT(std::string(error.what()).find("the device was lost while") == 0);
      EXPECT(!error.hint().empty());
      messages.insert(error.what());
    }
  }
  EXPECT(messages.size() > 2 && !messages.contains("finished"));
  // A new session starts with a device that works.
  Session session(on_device());
  EXPECT_EQ(run(session, {requests[0]}, 1).size(), std::size_t{1});
}

TEST(device_session_refuses_what_the_kernels_have_no_room_for) {
  const std::string wide = check::write_tiny_model("device-wide", {.layers = 1, .heads = 65, .width = 4160});
  SessionOptions bf16{.folder = wide, .weights = ops::WeightType::bf16, .device = DeviceChoice::cuda, .threads = 1};
  EXPECT_THROWS(environment, "4160 wide", Session session(bf16));
  const std::string long_heads = check::write_tiny_model("device-heads", {.layers = 1, .heads = 1, .width = 144});
  SessionOptions f32{.folder = long_heads, .device = DeviceChoice::cuda, .threads = 1};
  EXPECT_THROWS(environment, "heads are 144 wide", Session session(f32));
  f32.device = DeviceChoice::automatic;
  Session session(f32);
  EXPECT(session.device_reason().find("heads are 144 wide") != std::string::npos);
}

TEST(device_sessions_side_by_side_do_not_disturb_each_other) {
  const std::vector<GroupRequest> requests = short_requests(2);
  Session one(on_device());
  Session two(on_device(ops::WeightType::bf16));
  const Results alone = run(one, requests, 8);
  const Results other_alone = run(two, requests, 8);
  Results together;
  Results other_together;
  std::thread first([&] {
    Session own(on_device());
    together = run(own, requests, 8);
  });
  std::thread second([&] {
    Session own(on_device(ops::WeightType::bf16));
    other_together = run(own, requests, 8);
  });
  first.join();
  second.join();
  expect_same("in a thread", together, alone);
  expect_same("in a thread, bfloat16", other_together, other_alone);
}

TEST(device_report_names_kernels_and_devices) {
  const ops::DeviceReport report = ops::device_report();
  EXPECT(report.usable && report.refused.empty());
  EXPECT(!report.devices.empty() && report.devices[0].major >= 8);
  EXPECT(report.kernels.size() >= 7);
}

}  // namespace
}  // namespace faultline::session
