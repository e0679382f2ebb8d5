// What the kernel counts against what the plan says: loading takes the weights, and a run no more than `doctor --plan`
// prints, but for a slack that is stated here. A model of some tens of megabytes, so that the slack is small beside it.
// That the plan refuses what does not fit is session_batch_test.cc's.
#if defined(__linux__)
#include <malloc.h>
#endif

#include <cstdint>
#include <fstream>
#include <string>

#include "native/session/model_plan.h"
#include "native/session/session.h"
#include "tests/native/check.h"
#include "tests/native/session_fixture.h"

namespace faultline::session {
namespace {

/// For what no plan counts: stacks and caches of threads, the heap's rounding, the samples' own tokens (some KiB each),
/// and the kernel's counters, which lag behind by up to 64 pages for each thread.
constexpr std::uint64_t kSlack = std::uint64_t{4} << 20;

/// A line of /proc/self/status in bytes.
std::uint64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stoull(line.substr(field.size() + 1)) << 10;
  }
  throw base::Error(base::ErrorCode::environment, "/proc/self/status has no " + field);
}

/// Lowers the kernel's VmHWM to what is resident now. False where it cannot be done.
bool reset_peak() {
  std::ofstream refs("/proc/self/clear_refs");
  refs << "5" << std::flush;
  return refs.good();
}

/// Gives back what earlier tests have freed: reused, it would not be counted.
void forget_freed_memory() {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

/// Why nothing can be measured here, or empty.
std::string not_measurable() {
#if !defined(__GLIBC__)
  return "this C library cannot be told to give back freed memory; glibc can";
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return "a sanitizer's shadow memory is counted too; the release preset runs this";
#else
  std::string large_pages;
  std::getline(std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled"), large_pages);
  if (large_pages.find("[always]") != std::string::npos)
    return "this system rounds any memory up to large pages (transparent_hugepage is always)";
  return reset_peak() ? ""
                      : "this kernel has no peak that can be reset (/proc/self/clear_refs); Linux 4.0 or newer has";
#endif
}

TEST(session_takes_the_memory_that_was_planned) {
  if (const std::string reason = not_measurable(); !reason.empty()) {
    check::note("skipped: " + reason);
    return;
  }
  const std::string folder = check::write_tiny_model(
      "tens_of_megabytes", {.layers = 4, .heads = 8, .width = 512, .vocabulary = 4096, .context = 128});
  for (const ops::WeightType weights : {ops::WeightType::f32, ops::WeightType::bf16, ops::WeightType::int8}) {
    constexpr std::int32_t kSamples = 96, kPrompt = 64, kNew = 24;
    const ModelPlan plan = plan_model({.folder = folder,
                                       .weights = weights,
                                       .memory_bytes = std::uint64_t{1} << 30,
                                       .samples = kSamples,
                                       .prompt_tokens = kPrompt,
                                       .new_tokens = kNew});
    forget_freed_memory();
    const std::uint64_t before = status_bytes("RssAnon");
    Session session({.folder = folder, .weights = weights, .threads = 2, .memory_bytes = std::uint64_t{1} << 30});
    const std::uint64_t loaded = status_bytes("RssAnon") - before;
    EXPECT(loaded > plan.weight_bytes / 10 * 9);
    EXPECT(loaded < plan.weight_bytes + kSlack);

    GroupRequest request;
    request.max_new_tokens = kNew;
    request.stop_policy = StopPolicy::none;
    for (std::int32_t i = 0; i < kPrompt; ++i) request.prompt.push_back(i * 61 % 4096);
    request.sample_indices = {0};
    run(session, {request}, 1);  // the program's own pages are there from now on
    for (std::uint32_t i = 1; i < kSamples; ++i) request.sample_indices.push_back(i);

    forget_freed_memory();
    EXPECT(reset_peak());
    const std::uint64_t start = status_bytes("VmRSS");
    const Results results = run(session, {request}, kSamples);
    const std::uint64_t grown = status_bytes("VmHWM") - start;
    for (const auto& [key, result] : results) EXPECT_EQ(result.tokens.size(), std::size_t{kNew});
    check::note("weights planned " + std::to_string(plan.weight_bytes >> 10) + " KiB, taken " +
                std::to_string(loaded >> 10) + "; a run planned " + std::to_string(plan.memory.total_bytes >> 10) +
                " KiB, taken " + std::to_string(grown >> 10));
    const std::uint64_t keys_and_values = plan.memory.group_bytes + kSamples * std::uint64_t{plan.memory.slot_bytes};
    EXPECT(grown > keys_and_values / 10 * 9);  // so the peak was seen
    EXPECT(grown < plan.memory.total_bytes + kSlack);
  }
}

}  // namespace
}  // namespace faultline::session
