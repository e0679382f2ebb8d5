// How many tokens a second the whole engine draws, prefill included, and a hash of what it drew.
// Prints one JSON object. The hash is over tokens and log-probability bits in the order of groups and samples, so that
// it is the same whatever the batch. --memory is in MiB, 0 for the default. peak_bytes: device memory of the model and
// its runs, at its largest. cancel_milliseconds, with --cancel 1: how long runs went on after they were cancelled, at
// most.
#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "benchmarks/gpu/open_session.h"
#include "benchmarks/lib/arguments.h"
#include "native/base/philox.h"
#include "native/format/json.h"

namespace faultline {
namespace {

constexpr const char* kUsage =
    R"(faultline_device_bench FOLDER [--device cuda] [--dtype bfloat16] [--groups 16] [--samples 100] [--prompt 150] [--new 256]
                       [--batch 0] [--memory 0] [--temperature 0.8] [--top-p 0.95] [--repeat 3] [--cancel 0]

Tokens a second of the whole engine, prefill included, and a hash of what it drew. --device: cuda or cpu. --dtype: bfloat16
or float32. --batch 0, --memory 0 (MiB): the defaults. --cancel 1: also how long runs go on once cancelled. Prints one JSON object.
)";

constexpr std::uint64_t kSeed = 20240607;

std::vector<session::GroupRequest> requests(const bench::Arguments& arguments, std::int32_t vocabulary) {
  std::vector<session::GroupRequest> groups;
  for (int g = 0; g < arguments.integer("groups", 16); ++g) {
    session::GroupRequest group;
    for (int i = 0; i < arguments.integer("prompt", 150); ++i)
      group.prompt.push_back(static_cast<std::int32_t>(
          base::philox4x32_10({static_cast<std::uint32_t>(g), static_cast<std::uint32_t>(i), 0, 0}, kSeed)[0] %
          static_cast<std::uint32_t>(vocabulary)));
    for (int i = 0; i < arguments.integer("samples", 100); ++i)
      group.sample_indices.push_back(static_cast<std::uint32_t>(i));
    group.key = kSeed + static_cast<std::uint64_t>(g);
    group.sampling.temperature = static_cast<float>(arguments.number("temperature", 0.8));
    group.sampling.top_p = static_cast<float>(arguments.number("top-p", 0.95));
    group.max_new_tokens = arguments.integer("new", 256);
    group.stop_policy = session::StopPolicy::none;
    groups.push_back(std::move(group));
  }
  return groups;
}

/// FNV-1a over 32-bit words.
class Hash {
 public:
  void add(std::uint32_t word) {
    for (int i = 0; i < 4; ++i) state_ = (state_ ^ (word >> (8 * i) & 0xFFu)) * 1099511628211u;
  }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 14695981039346656037u;
};

/// How long a run goes on after it was cancelled, at its longest of a few moments spread over a run of `length`
/// seconds.
double cancel_seconds(session::Session& session, const std::vector<session::GroupRequest>& groups, std::int32_t batch,
                      double length) {
  using Clock = std::chrono::steady_clock;
  double longest = 0;
  for (const double share : {0.005, 0.1, 0.3, 0.6}) {
    std::atomic<bool> cancelled{false};
    Clock::time_point asked;
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::duration<double>(share * length));
      asked = Clock::now();
      cancelled = true;
    });
    const bool finished = session.generate(
        groups, batch, [](session::SampleResult&&) {}, cancelled);
    const Clock::time_point returned = Clock::now();
    other.join();
    if (!finished) longest = std::max(longest, std::chrono::duration<double>(returned - asked).count());
  }
  return longest;
}

void run(const bench::Arguments& arguments) {
  const session::SessionOptions options = gpu::session_options(arguments);
  const auto load_begin = std::chrono::steady_clock::now();
  session::Session session(options);
  const double load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - load_begin).count();
  const std::vector<session::GroupRequest> groups = requests(arguments, session.config().vocabulary);
  const std::atomic<bool> cancelled{false};

  std::vector<double> seconds;
  std::uint64_t hash = 0;
  std::size_t tokens = 0;
  for (int repeat = 0; repeat < arguments.integer("repeat", 3); ++repeat) {
    std::map<std::pair<std::int32_t, std::uint32_t>, session::SampleResult> results;
    const auto begin = std::chrono::steady_clock::now();
    session.generate(
        groups, arguments.integer("batch", 0),
        [&](session::SampleResult&& result) {
          results[{result.group, result.sample_index}] = std::move(result);
        },
        cancelled);
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    Hash all;
    tokens = 0;
    for (const auto& [key, result] : results) {
      if (!result.error.empty()) throw base::Error(base::ErrorCode::internal, result.error);
      tokens += result.tokens.size();
      for (std::size_t i = 0; i < result.tokens.size(); ++i) {
        all.add(static_cast<std::uint32_t>(result.tokens[i]));
        all.add(std::bit_cast<std::uint32_t>(result.logprobs[i]));
      }
    }
    if (repeat > 0 && all.value() != hash)
      throw base::Error(base::ErrorCode::internal, "two runs of the same samples differ");
    hash = all.value();
  }

  const double cancelled_after = arguments.integer("cancel", 0) == 0
                                     ? 0
                                     : cancel_seconds(session, groups, arguments.integer("batch", 0), seconds.back());
  const session::BackendDescription device = session.device();
  std::string times;
  for (const double time : seconds) times.append(times.empty() ? "" : ", ").append(std::to_string(time));
  const double best = *std::min_element(seconds.begin(), seconds.end());
  std::printf(
      "{\"device\": %s, \"isa\": \"%s\", \"dtype\": \"%s\", \"tokens\": %zu, \"seconds\": [%s], \"tokens_per_second\": "
      "%.1f, "
      "\"peak_bytes\": %llu, \"cancel_milliseconds\": %.1f, \"load_seconds\": %.2f, \"hash\": \"%016llx\"}\n",
      format::json_quote(device.name).c_str(), device.isa.c_str(), arguments.text("dtype", "bfloat16").c_str(), tokens,
      times.c_str(), static_cast<double>(tokens) / best, static_cast<unsigned long long>(session.peak_memory()),
      cancelled_after * 1e3, load_seconds, static_cast<unsigned long long>(hash));
}

}  // namespace
}  // namespace faultline

int main(int argc, char** argv) { return faultline::bench::run_program(argc, argv, faultline::kUsage, faultline::run); }
