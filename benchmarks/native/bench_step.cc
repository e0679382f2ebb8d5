// What one step of generation costs beside its matrix products alone, and what a run costs in memory and in loading.
// So many samples of each of so many prompts, all of them in every step.
// The chain: every product of a step with the same number of rows, weights and threads, in the same order, one after
// the other, and nothing else; whatever attention, sampling, norms, rounding or quantising of activations and hand-over
// take is missing from it. Chain and step alternate, best of several. The share is chain / step. Memory is what is
// anonymous (the checkpoint's pages are not), at its largest, beside weights, prefixes and all suffixes. One JSON
// object on stdout.
// With --ragged: what samples that end at different lengths cost a run whose slots are fewer: so many slots for all
// samples, whose lengths, by group, are spread from 1 to --new, and beside it the same number of tokens in equally long
// samples, in turns, best of several. lanes_in_use is the share of the slots that had a sample, over all steps; what
// lacks to 1 is a run's end, when no sample waits any more. Prompts are in the time.
#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "benchmarks/native/cpu_model.h"
#include "native/base/fp_env.h"
#include "native/base/host_limits.h"
#include "native/model/gpt2_forward.h"
#include "native/ops/pack.h"
#include "native/ops/registry.h"
#include "native/session/cpu_backend.h"
#include "native/session/session.h"
#include "tests/native/watched_backend.h"

namespace faultline {
namespace {

constexpr const char* kUsage =
    R"(faultline_bench_step FOLDER [--dtype bfloat16] [--samples 100] [--groups 1] [--prompt 150] [--new 64] [--threads 0]
                     [--repeat 5] [--ragged 0]

What a step of generation of the model in FOLDER costs beside its matrix products alone, and what loading and memory do:
--samples of each of --groups prompts, best of --repeat. --ragged SLOTS: what samples of 1 to --new tokens cost in so many
slots, beside as many tokens in equally long samples. --dtype: bfloat16, float32 or int8. --threads 0: what the machine
allows. Prints one JSON object.
)";

using bench::Clock;
using bench::since;

/// Bytes of this process that no file backs.
std::uint64_t anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("RssAnon:", 0) == 0) return std::stoull(line.substr(8)) << 10;
  }
  throw base::Error(base::ErrorCode::environment, "/proc/self/status has no RssAnon: Linux 4.5 or newer is needed");
}

/// The largest value of anonymous_bytes() while it lives, looked at every millisecond.
class MemoryWatch {
 public:
  MemoryWatch()
      : thread_([this] {
          while (!ended_) {
            peak_ = std::max(peak_.load(), anonymous_bytes());
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
          }
        }) {}
  ~MemoryWatch() {
    ended_ = true;
    thread_.join();
  }
  std::uint64_t peak() const { return peak_; }

 private:
  std::atomic<bool> ended_{false};
  std::atomic<std::uint64_t> peak_{0};
  std::thread thread_;
};

/// The products of one step over `rows` rows.
class Chain {
 public:
  Chain(const model::Gpt2& model, base::ThreadPool& pool, std::int32_t rows)
      : model_(model),
        pool_(pool),
        rows_(rows),
        in_(floats(std::max(model.config.inner, model.config.width))),
        out_(floats(std::max({3 * model.config.width, model.config.inner, model.config.vocabulary}))),
        narrow_(
            static_cast<std::size_t>(std::max(ops::bf16_size(rows, std::max(model.config.inner, model.config.width)) *
                                                  std::int64_t{sizeof(std::uint16_t)},
                                              ops::int8_size(rows, std::max(model.config.inner, model.config.width))))),
        quantised_(static_cast<std::size_t>(rows), sizeof(ops::QuantisedRow)) {}

  void run() {
    for (const model::Gpt2Layer& layer : model_.weights.layers) {
      product(layer.attn_qkv.weight.matrix());
      product(layer.attn_proj.weight.matrix());
      product(layer.mlp_fc.weight.matrix());
      product(layer.mlp_proj.weight.matrix());
    }
    product(model_.weights.unembedding());
  }

 private:
  base::AlignedBuffer floats(std::int32_t width) const {
    return base::AlignedBuffer::floats(static_cast<std::size_t>(rows_) * static_cast<std::size_t>(width));
  }

  void product(const ops::PackedMatrix& w) {
    ops::GemmArgs args{.a = in_.as<float>(),
                       .lda = w.k,
                       .m = rows_,
                       .w = w,
                       .bias = nullptr,
                       .epilogue = ops::Epilogue::none,
                       .residual = nullptr,
                       .ldr = 0,
                       .out = out_.as<float>(),
                       .ldo = w.n,
                       .panel_begin = 0,
                       .panel_end = ops::panel_count(w.n)};
    args.a_bf16 = narrow_.as<std::uint16_t>();
    args.a_int8 = narrow_.as<std::int8_t>();
    args.a_rows = quantised_.as<ops::QuantisedRow>();
    const auto function = ops::product_of(model_.ops, w.type);
    pool_.parallel_for(args.panel_end, [&](std::int64_t begin, std::int64_t end) {
      ops::GemmArgs part = args;
      part.panel_begin = static_cast<std::int32_t>(begin);
      part.panel_end = static_cast<std::int32_t>(end);
      function(part);
    });
  }

  const model::Gpt2& model_;
  base::ThreadPool& pool_;
  std::int32_t rows_;
  base::AlignedBuffer in_;
  base::AlignedBuffer out_;
  base::AlignedBuffer narrow_;     // bfloat16 or int8 activations, zero: no product's time depends on its numbers
  base::AlignedBuffer quantised_;  // ops::QuantisedRow, the same
};

/// So many samples of each of so many prompts.
std::vector<session::GroupRequest> requests(const bench::Arguments& arguments, std::int32_t vocabulary,
                                            std::int32_t new_tokens) {
  session::GroupRequest group;
  for (int i = 0; i < arguments.integer("samples", 100); ++i)
    group.sample_indices.push_back(static_cast<std::uint32_t>(i));
  group.sampling.temperature = 0.8f;
  group.sampling.top_p = 0.95f;
  group.max_new_tokens = new_tokens;
  group.stop_policy = session::StopPolicy::none;
  std::vector<session::GroupRequest> groups;
  for (int g = 0; g < arguments.integer("groups", 1); ++g) {
    groups.push_back(group);
    for (int i = 0; i < arguments.integer("prompt", 150); ++i)
      groups.back().prompt.push_back(static_cast<std::int32_t>((std::int64_t{i} * 7919 + g * 101 + 13) % vocabulary));
  }
  return groups;
}

/// Seconds of one whole call.
double generate(session::Session& session, const std::vector<session::GroupRequest>& groups, std::int32_t rows) {
  const std::atomic<bool> cancelled{false};
  std::size_t tokens = 0;
  const Clock::time_point start = Clock::now();
  session.generate(
      groups, rows, [&](session::SampleResult&& sample) { tokens += sample.tokens.size(); }, cancelled);
  const double seconds = since(start);
  if (tokens != static_cast<std::size_t>(rows) * static_cast<std::size_t>(groups[0].max_new_tokens))
    throw base::Error(base::ErrorCode::internal, "a sample ended early");
  return seconds;
}

/// What a run made of its slots.
struct SlotUse {
  double seconds = 0;
  std::size_t tokens = 0;
  std::size_t steps = 0;
  std::size_t lanes = 0;  // of all steps
};

SlotUse use_slots(session::Backend& cpu, const std::vector<session::GroupRequest>& groups, std::int32_t slots) {
  SlotUse use;
  session::WatchedBackend backend(cpu, [&](session::WatchedBackend::Call call, std::size_t lanes) {
    if (call != session::WatchedBackend::Call::next) return;
    ++use.steps;
    use.lanes += lanes;
  });
  const std::atomic<bool> cancelled{false};
  const Clock::time_point start = Clock::now();
  session::BatchRun run({backend, nullptr, std::nullopt, backend.default_memory()}, groups, slots);
  run.run([&](session::SampleResult&& sample) { use.tokens += sample.tokens.size(); }, cancelled);
  use.seconds = since(start);
  std::size_t wanted = 0;
  for (const session::GroupRequest& group : groups)
    wanted += group.sample_indices.size() * static_cast<std::size_t>(group.max_new_tokens);
  if (use.tokens != wanted) throw base::Error(base::ErrorCode::internal, "a sample ended early");
  return use;
}

void print_use(const char* name, const SlotUse& use, std::int32_t slots) {
  std::printf("\"%s\": {\"tokens\": %zu, \"steps\": %zu, \"lanes_in_use\": %.4f, \"tokens_per_second\": %.1f}, ", name,
              use.tokens, use.steps, static_cast<double>(use.lanes) / (static_cast<double>(use.steps) * slots),
              static_cast<double>(use.tokens) / use.seconds);
}

/// --ragged: the same tokens in samples of different lengths and in equally long ones.
void run_ragged(const bench::Arguments& arguments) {
  const std::int32_t slots = arguments.integer("ragged", 0);
  const int threads = arguments.integer("threads", 0), longest = arguments.integer("new", 64);
  base::ThreadPool pool(threads == 0 ? base::default_threads() : threads);
  const base::FpEnv mode;
  session::CpuBackend backend(arguments.positional(), bench::weight_type(arguments), pool);
  std::vector<session::GroupRequest> ragged = requests(arguments, backend.config().vocabulary, 1), equal = ragged;
  // Eight lengths, neighbours far apart.
  for (std::size_t g = 0; g < ragged.size(); ++g)
    ragged[g].max_new_tokens = 1 + static_cast<std::int32_t>(g * 5 % 8) * (longest - 1) / 7;
  std::int64_t sum = 0;
  for (const session::GroupRequest& group : ragged) sum += group.max_new_tokens;
  const auto count = static_cast<std::int64_t>(ragged.size());
  for (session::GroupRequest& group : equal)
    group.max_new_tokens = static_cast<std::int32_t>((sum + count / 2) / count);

  const auto faster = [](const SlotUse& a, const SlotUse& b) { return a.seconds < b.seconds; };
  SlotUse best_ragged{.seconds = 1e9}, best_equal{.seconds = 1e9};
  for (int i = 0; i < arguments.integer("repeat", 5); ++i) {
    best_ragged = std::min(best_ragged, use_slots(backend, ragged, slots), faster);
    best_equal = std::min(best_equal, use_slots(backend, equal, slots), faster);
  }
  std::printf(
      "{\"cpu\": \"%s\", \"family\": \"%s\", \"dtype\": \"%s\", \"threads\": %d, \"slots\": %d, \"groups\": %zu, "
      "\"samples\": %zu, \"prompt\": %zu, \"longest\": %d, ",
      ops::selection().cpu_brand.c_str(), backend.description().kernel_family.c_str(), bench::dtype(arguments).c_str(),
      pool.threads(), slots, ragged.size(), ragged.size() * ragged[0].sample_indices.size(), ragged[0].prompt.size(),
      longest);
  print_use("ragged", best_ragged, slots);
  print_use("equal", best_equal, slots);
  std::printf("\"ratio\": %.4f}\n", (static_cast<double>(best_ragged.tokens) / best_ragged.seconds) /
                                        (static_cast<double>(best_equal.tokens) / best_equal.seconds));
}

void run(const bench::Arguments& arguments) {
  if (arguments.integer("ragged", 0) > 0) return run_ragged(arguments);
  session::SessionOptions options;
  options.folder = arguments.positional();
  options.weights = bench::weight_type(arguments);
  options.threads = arguments.integer("threads", 0);
  const int groups = arguments.integer("groups", 1), length = arguments.integer("new", 64);
  const int samples = groups * arguments.integer("samples", 100);  // all of which are in each step

  const std::uint64_t before = anonymous_bytes();
  const Clock::time_point opened = Clock::now();
  session::Session session(options);
  const double load_seconds = since(opened);
  const std::uint64_t weight_bytes = anonymous_bytes() - before;
  const model::ModelConfig& config = session.config();
  const std::vector<session::GroupRequest> first = requests(arguments, config.vocabulary, 1);
  const std::vector<session::GroupRequest> whole = requests(arguments, config.vocabulary, length);
  const std::size_t prompt_tokens = whole[0].prompt.size();
  std::uint64_t peak_bytes = 0;
  {
    const MemoryWatch watch;
    generate(session, whole, samples);
    peak_bytes = watch.peak() - before;
  }
  const std::uint64_t kv_bytes =
      std::uint64_t{2} * kv::element_size(model::kv_shape(config, options.weights).type) *
      static_cast<std::uint64_t>(config.layers) * static_cast<std::uint64_t>(config.width) *
      (static_cast<std::uint64_t>(groups) * prompt_tokens + static_cast<std::uint64_t>(samples) * length);

  base::ThreadPool pool(session.threads());
  const model::Gpt2 model = model::load_gpt2(options.folder, options.weights, &pool);
  const base::FpEnv mode;
  Chain chain(model, pool, samples);
  double chain_seconds = 1e9, step_seconds = 1e9, first_seconds = 1e9, whole_seconds = 1e9;
  for (int i = 0; i < arguments.integer("repeat", 5); ++i) {
    for (int step = 0; step < 8; ++step) {
      const Clock::time_point start = Clock::now();
      chain.run();
      chain_seconds = std::min(chain_seconds, since(start));
    }
    first_seconds = std::min(first_seconds, generate(session, first, samples));
    whole_seconds = std::min(whole_seconds, generate(session, whole, samples));
    step_seconds = (whole_seconds - first_seconds) / (length - 1);
  }
  const ops::Selection& kernels = ops::selection();
  std::printf(
      "{\"cpu\": \"%s\", \"isa\": \"%s\", \"family\": \"%s\", \"dtype\": \"%s\", \"threads\": %d, \"samples\": %d, "
      "\"groups\": %d, "
      "\"prompt\": %zu, "
      "\"new\": %d, \"chain_ms\": %.3f, \"step_ms\": %.3f, \"share\": %.3f, \"tokens_per_second\": %.1f, "
      "\"first_tokens_ms\": %.1f, \"load_seconds\": %.3f, \"weight_mib\": %.1f, \"kv_mib\": %.1f, \"peak_mib\": %.1f, "
      "\"beyond_sum_mib\": %.1f}\n",
      kernels.cpu_brand.c_str(), ops::cpu::isa_name(kernels.isa), session.device().kernel_family.c_str(),
      bench::dtype(arguments).c_str(), session.threads(), samples, groups, prompt_tokens, length, 1e3 * chain_seconds,
      1e3 * step_seconds, chain_seconds / step_seconds, samples * length / whole_seconds, 1e3 * first_seconds,
      load_seconds, weight_bytes * 0x1p-20, kv_bytes * 0x1p-20, peak_bytes * 0x1p-20,
      (static_cast<double>(peak_bytes) - static_cast<double>(weight_bytes) - static_cast<double>(kv_bytes)) * 0x1p-20);
}

}  // namespace
}  // namespace faultline

int main(int count, char** words) {
  return faultline::bench::run_program(count, words, faultline::kUsage,
                                       [](const auto& arguments) { return faultline::run(arguments); });
}
