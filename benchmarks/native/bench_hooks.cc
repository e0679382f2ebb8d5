// What read hooks cost: passes of one prompt through the model with hooks detached and attached.
// Each contestant runs beside a detached pass, in turns before and after it, and is told as two ratios to that: of the
// best passes, and the median over all pairs, in which what slowed both of a pair down cancels, with an interval that
// holds it in at least 95 % of runs, as far as pairs are independent. The first contestants are those that a bar is
// about: they run in --repeat pairs, since half a percent takes hundreds, and the rest in --others. "detached again" is
// the detached pass once more: how far its ratios are from 1 is what this run cannot tell apart. "asked, wanting
// nothing" is a capture without points. A pass without any hook code does not exist; a detached one compares a pointer
// with null where this one also calls and looks a table up, so that its ratios bound the cost of detached hooks from
// above. Nor is a pass after hooks another than one before: a capture is an argument of one pass, and nothing of it
// stays. Attached passes include allocating and zeroing what is captured. A capture holds every position and cannot be
// told to hold some (hooks.h): who wants one residual stream at the last token pays for "one point". One JSON object on
// stdout. Passes with several samples have no hooks (gpt2_forward.h) and are not here.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/native/cpu_model.h"
#include "native/base/error.h"
#include "native/base/fp_env.h"
#include "native/base/host_limits.h"
#include "native/model/gpt2_forward.h"
#include "native/ops/registry.h"

namespace faultline {
namespace {

constexpr const char* kUsage =
    R"(faultline_bench_hooks FOLDER [--dtype bfloat16] [--prompt 128] [--threads 0] [--repeat 10] [--others 10]

What read hooks cost, detached and attached, in a model that is in FOLDER: passes of a prompt of so many tokens. --repeat:
pairs of passes for each row that a bar is about; --others: for each other row, --repeat where it is not given.
--dtype: bfloat16, float32 or int8. --threads 0: what the machine allows. Prints one JSON object.
)";

using model::HookKind;

/// One way to run the pass.
struct Contestant {
  const char* name;
  bool attached;
  std::function<bool(const model::HookPoint&)> wants;
};

bool nothing(const model::HookPoint&) { return false; }

/// What every contestant is compared with.
const Contestant kDetached = {"detached", false, nothing};

/// So many at the beginning of contestants() are what a bar is about.
constexpr std::size_t kWithBar = 3;

std::vector<Contestant> contestants(std::int32_t last_layer) {
  return {
      {"detached again", false, nothing},
      {"asked, wanting nothing", true, nothing},
      {"one point: the last layer's resid_post", true,
       [last_layer](const model::HookPoint& p) { return p.kind == HookKind::resid_post && p.layer == last_layer; }},
      {"resid_post of all layers", true, [](const model::HookPoint& p) { return p.kind == HookKind::resid_post; }},
      {"all points but pattern and logits", true,
       [](const model::HookPoint& p) { return p.kind != HookKind::pattern && p.kind != HookKind::logits; }},
      {"pattern of all layers", true, [](const model::HookPoint& p) { return p.kind == HookKind::pattern; }},
      {"logits of all positions", true, [](const model::HookPoint& p) { return p.kind == HookKind::logits; }},
  };
}

class Passes {
 public:
  Passes(const model::Gpt2& model, base::ThreadPool& pool, std::int32_t tokens)
      : model_(model),
        pool_(pool),
        activations_(model.config, tokens, std::min(tokens, 64)),
        prefix_(model.kv_shape(), tokens) {
    for (std::int32_t i = 0; i < tokens; ++i) {
      rows_.push_back({.token = static_cast<std::int32_t>((std::int64_t{i} * 7919 + 13) % model.config.vocabulary),
                       .position = i,
                       .write_to = &prefix_,
                       .write_at = i,
                       .prefix = &prefix_,
                       .prefix_visible = i + 1,
                       .suffix = nullptr,
                       .suffix_visible = 0});
    }
  }

  std::vector<model::HookPoint> points(const Contestant& contestant) const {
    std::vector<model::HookPoint> wanted = model::all_hook_points(model_.config.layers);
    std::erase_if(wanted, [&](const model::HookPoint& point) { return !contestant.wants(point); });
    return wanted;
  }

  std::size_t captured_bytes(const Contestant& contestant) const {
    return model::Capture::bytes(model_.config, points(contestant), tokens());
  }

  double seconds(const Contestant& contestant) {
    const std::vector<model::HookPoint> wanted = points(contestant);
    const bool logits = std::ranges::any_of(wanted, [](const auto& point) { return point.kind == HookKind::logits; });
    const model::LogitRows which = logits ? model::LogitRows::all : model::LogitRows::none;
    const bench::Clock::time_point start = bench::Clock::now();
    if (contestant.attached) {
      model::Capture capture(model_.config, wanted, tokens());
      model::forward(model_, pool_, activations_, rows_, which, &capture);
    } else {
      model::forward(model_, pool_, activations_, rows_, which);
    }
    return bench::since(start);
  }

 private:
  std::int32_t tokens() const { return static_cast<std::int32_t>(rows_.size()); }

  const model::Gpt2& model_;
  base::ThreadPool& pool_;
  model::Activations activations_;
  kv::KvSegment prefix_;
  std::vector<model::Row> rows_;
};

struct Median {
  double value;
  double low, high;  // ends of its interval: two of the values
};

/// The interval is between order statistics, which asks nothing of the distribution: how many of n values lie below the
/// true median is binomial, n / 2 with a standard deviation of sqrt(n) / 2. Below six values none reaches 95 %.
Median median(std::vector<double> values) {
  const std::size_t count = values.size(), half = count / 2;
  std::ranges::sort(values);
  const double middle = count % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  const double n = static_cast<double>(count);
  const auto cut = static_cast<std::size_t>(std::max(1.0, std::floor(n / 2 - 0.98 * std::sqrt(n))));
  return {middle, values[cut - 1], values[count - cut]};
}

void run(const bench::Arguments& arguments) {
  const int asked = arguments.integer("threads", 0);
  base::ThreadPool pool(asked == 0 ? base::default_threads() : asked);
  const model::Gpt2 model = model::load_gpt2(arguments.positional(), bench::weight_type(arguments), &pool);
  const base::FpEnv mode;
  const int repeat = arguments.integer("repeat", 10);
  const int others = arguments.integer("others", repeat);
  if (repeat < 1 || others < 1) throw base::Error(base::ErrorCode::usage, "--repeat and --others are at least 1");
  const std::int32_t prompt = arguments.integer("prompt", 128);
  if (prompt < 1 || prompt > model.config.context)
    throw base::Error(base::ErrorCode::usage,
                      "--prompt is from 1 to the context of " + std::to_string(model.config.context));
  std::printf("{\"cpu\": \"%s\", \"dtype\": \"%s\", \"threads\": %d, \"rows\": [", ops::selection().cpu_brand.c_str(),
              bench::dtype(arguments).c_str(), pool.threads());
  bool first = true;
  for (const std::int32_t tokens : {1, prompt}) {
    Passes passes(model, pool, tokens);
    const std::vector<Contestant> all = contestants(model.config.layers - 1);
    // The best of each and of the passes beside it alone: more passes to take the best of would be an advantage.
    std::vector<double> best(all.size(), 1e9), detached(all.size(), 1e9);
    std::vector<std::vector<double>> ratios(all.size());
    // A pass of one token is short, and many of them cost nothing.
    const int more = tokens == 1 ? 5 : 1;
    for (int i = 0; i < more * std::max(repeat, others); ++i) {
      for (std::size_t c = 0; c < all.size(); ++c) {
        if (i >= more * (c < kWithBar ? repeat : others)) continue;
        double beside = 0, own = 0;
        if (i % 2 == 0) beside = passes.seconds(kDetached);
        own = passes.seconds(all[c]);
        if (i % 2 != 0) beside = passes.seconds(kDetached);
        ratios[c].push_back(own / beside);
        best[c] = std::min(best[c], own);
        detached[c] = std::min(detached[c], beside);
      }
    }
    for (std::size_t c = 0; c < all.size(); ++c) {
      const Median paired = median(ratios[c]);
      std::printf(
          "%s\n{\"hooks\": \"%s\", \"tokens\": %d, \"ms\": %.4f, \"detached_ms\": %.4f, \"ratio\": %.4f, "
          "\"paired_median\": %.4f, \"paired_low\": %.4f, \"paired_high\": %.4f, \"pairs\": %zu, "
          "\"captured_mib\": %.2f}",
          first ? "" : ",", all[c].name, tokens, 1e3 * best[c], 1e3 * detached[c], best[c] / detached[c], paired.value,
          paired.low, paired.high, ratios[c].size(), static_cast<double>(passes.captured_bytes(all[c])) * 0x1p-20);
      first = false;
    }
  }
  std::printf("]}\n");
}

}  // namespace
}  // namespace faultline

int main(int count, char** words) {
  return faultline::bench::run_program(count, words, faultline::kUsage,
                                       [](const auto& arguments) { return faultline::run(arguments); });
}
