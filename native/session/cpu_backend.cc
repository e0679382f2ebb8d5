#include "native/session/cpu_backend.h"

#include <algorithm>
#include <utility>

#include "native/base/error.h"
#include "native/base/promised_memory.h"
#include "native/constraint/heal.h"
#include "native/kv/kv_segment.h"

namespace faultline::session {
namespace {

/// Rows of one prefill pass: enough that weights are read once for many tokens, few enough that activations stay small.
constexpr std::int32_t kPrefillRows = 128;

struct CpuPrompt final : Prompt {
  kv::KvSegment prefix;
  std::vector<float> first_logits;  // of the last token: every sample's first token is drawn from them
};

/// Runs `tokens` through the model, kPrefillRows at a time; their keys and values end up in `prefix`. False when
/// cancelled in between.
bool run_prompt(const model::Gpt2& model, base::ThreadPool& pool, model::Activations& activations,
                std::span<const std::int32_t> tokens, kv::KvSegment& prefix, model::LogitRows each,
                model::LogitRows last_pass, model::Capture* capture, const std::atomic<bool>& cancelled) {
  const auto length = static_cast<std::int32_t>(tokens.size());
  std::vector<model::Row> rows;
  for (std::int32_t begin = 0; begin < length; begin += kPrefillRows) {
    if (cancelled.load(std::memory_order_relaxed)) return false;
    const std::int32_t end = std::min(length, begin + kPrefillRows);
    rows.clear();
    for (std::int32_t i = begin; i < end; ++i)
      rows.push_back({.token = tokens[static_cast<std::size_t>(i)],
                      .position = i,
                      .write_to = &prefix,
                      .write_at = i,
                      .prefix = &prefix,
                      .prefix_visible = i + 1,
                      .suffix = nullptr,
                      .suffix_visible = 0});
    model::forward(model, pool, activations, rows, end == length ? last_pass : each, capture);
  }
  return true;
}

class CpuStepper final : public Stepper {
 public:
  CpuStepper(const model::Gpt2& model, base::ThreadPool& pool, const MemoryPlan& plan, std::int32_t longest_suffix)
      : model_(model),
        pool_(pool),
        activations_(model.config, plan.rows, std::min(plan.slots, head_rows(model.weights.embedding.matrix().type))),
        longest_(static_cast<std::size_t>(plan.slots)) {
    for (std::int32_t i = 0; i < plan.slots; ++i) suffixes_.emplace_back(model.kv_shape(), longest_suffix);
  }

  std::vector<std::unique_ptr<Prompt>> prefill(std::span<const std::span<const std::int32_t>> prompts,
                                               const std::atomic<bool>& cancelled) override {
    std::vector<std::unique_ptr<Prompt>> done;
    for (const std::span<const std::int32_t> tokens : prompts) {
      auto prompt = std::make_unique<CpuPrompt>();
      prompt->prefix = kv::KvSegment(model_.kv_shape(), static_cast<std::int32_t>(tokens.size()));
      if (!run_prompt(model_, pool_, activations_, tokens, prompt->prefix, model::LogitRows::none,
                      model::LogitRows::last, nullptr, cancelled))
        return {};
      const float* const logits = activations_.logits.as<float>();
      prompt->first_logits.assign(logits, logits + model_.config.vocabulary);
      done.push_back(std::move(prompt));
    }
    return done;
  }

  void first(std::span<Lane* const> lanes) override {
    for (Lane* const lane : lanes) suffix(*lane).set_length(0);
    draw(lanes, [&](std::size_t i) { return prompt(*lanes[i]).first_logits.data(); });
  }

  /// One token each: forward pass, with a draw from each row of logits as they come.
  void next(std::span<Lane* const> lanes, bool /*nothing_waits*/) override {
    std::vector<model::Row> rows;
    rows.reserve(lanes.size());
    for (Lane* const lane : lanes) {
      const std::int32_t drawn = lane->sample->drawn();
      rows.push_back({.token = lane->sample->last_token(),
                      .position = lane->sample->position() - 1,
                      .write_to = &suffix(*lane),
                      .write_at = drawn - 1,
                      .prefix = &prompt(*lane).prefix,
                      .prefix_visible = prompt(*lane).prefix.length(),
                      .suffix = &suffix(*lane),
                      .suffix_visible = drawn});
    }
    const float* const logits = activations_.logits.as<float>();
    const std::int64_t stride = model::Activations::logits_stride(model_.config);
    const auto draw_block = [&](std::int32_t first, std::int32_t count) {
      draw(lanes.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
           [&](std::size_t i) { return logits + static_cast<std::int64_t>(i) * stride; });
    };
    model::forward(model_, pool_, activations_, rows, model::LogitRows::all, nullptr, draw_block);
    for (Lane* const lane : lanes) {
      std::int32_t& longest = longest_[static_cast<std::size_t>(lane->slot)];
      const std::int32_t length = lane->sample->drawn();
      if (length <= longest) continue;
      touched_tokens_ += length - longest;
      longest = length;
    }
  }

  /// Keys and values that were written. Activations count as untouched, some megabytes at most.
  std::size_t touched_bytes() const override {
    return static_cast<std::size_t>(touched_tokens_) * kv::token_bytes(model_.kv_shape());
  }

 private:
  static const CpuPrompt& prompt(const Lane& lane) { return static_cast<const CpuPrompt&>(*lane.prompt); }
  kv::KvSegment& suffix(const Lane& lane) { return suffixes_[static_cast<std::size_t>(lane.slot)]; }

  template <class LogitsOf>
  void draw(std::span<Lane* const> lanes, LogitsOf&& logits) {
    pool_.parallel_for(static_cast<std::int64_t>(lanes.size()), [&](std::int64_t i) {
      const auto row = static_cast<std::size_t>(i);
      Lane& lane = *lanes[row];
      lane.draws.clear();
      try {
        lane.draws.push_back(sampler::draw_token(model_.ops, logits(row), model_.config.vocabulary,
                                                 lane.request->sampling, {.condition = lane.sample->condition()},
                                                 lane.sample->draw_key()));
      } catch (const base::Error& error) {
        lane.error = error.what();  // logits that are not finite: this sample's failure, not the run's
      }
    });
  }

  const model::Gpt2& model_;
  base::ThreadPool& pool_;
  model::Activations activations_;
  std::vector<kv::KvSegment> suffixes_;  // by slot
  std::vector<std::int32_t> longest_;    // tokens that each has held
  std::int64_t touched_tokens_ = 0;      // their sum
};

}  // namespace

std::size_t CpuFootprint::activation_bytes(std::int32_t rows, std::int32_t logit_rows) const {
  return model::Activations::bytes(config_, rows, std::min(logit_rows, head_rows(weights_)));
}

std::size_t CpuFootprint::segment_bytes(std::int32_t tokens) const {
  return kv::KvSegment::bytes(model::kv_shape(config_, weights_), tokens);
}

std::size_t CpuFootprint::prompt_bytes(std::int32_t tokens, std::size_t heal_bytes) const {
  return segment_bytes(tokens) + sizeof(float) * static_cast<std::size_t>(model::Activations::logits_stride(config_)) +
         constraint::Heal::bytes(heal_bytes, config_.vocabulary);
}

std::int32_t CpuFootprint::prefill_rows() const { return kPrefillRows; }

CpuBackend::CpuBackend(const std::string& folder, ops::WeightType type, base::ThreadPool& pool)
    : CpuBackend(model::load_gpt2(folder, type, &pool), type, pool) {}

CpuBackend::CpuBackend(model::Gpt2 model, ops::WeightType type, base::ThreadPool& pool)
    : pool_(pool), type_(type), model_(std::move(model)), footprint_(model_.config, type) {}

std::string cpu_kernel_family(ops::WeightType weights) { return cpu_kernel_family(weights, ops::selection()); }

std::string cpu_kernel_family(ops::WeightType weights, const ops::Selection& selection) {
  switch (weights) {
    case ops::WeightType::f32:
      return "fma";
    case ops::WeightType::int8:
      return "int8-2";
    default:
      return std::string(ops::cpu::family_name(selection.family)) + "-2";
  }
}

BackendDescription CpuBackend::description() const {
  const ops::Selection& selection = ops::selection();
  // What matrix products are computed by: float32 and int8 may be computed by a lower set than the best.
  const char* const product = type_ == ops::WeightType::f32    ? "gemm"
                              : type_ == ops::WeightType::int8 ? "gemm_int8"
                                                               : "gemm_bf16";
  return {.device = "cpu",
          .name = selection.cpu_brand,
          .isa = ops::cpu::isa_name(selection.kernel(product).isa),
          .kernel_family = cpu_kernel_family(type_),
          .default_batch = default_batch()};
}

std::uint64_t CpuBackend::default_memory() const { return default_share(free_memory()); }

std::uint64_t CpuBackend::weight_bytes() const {
  return model::gpt2_weight_bytes(model_.config, ops::packing_of(type_));
}

std::uint64_t CpuBackend::free_memory() const { return base::unpromised_memory(); }

base::PromisedMemory& CpuBackend::promises() { return base::host_promises(); }

std::int32_t CpuBackend::default_batch() const { return kDefaultBatch; }

std::unique_ptr<Stepper> CpuBackend::stepper(const MemoryPlan& plan, std::int32_t longest_suffix) {
  return std::make_unique<CpuStepper>(model_, pool_, plan, longest_suffix);
}

std::optional<std::vector<model::Activation>> CpuBackend::activations(std::span<const std::int32_t> tokens,
                                                                      std::span<const model::HookPoint> points,
                                                                      std::uint64_t memory_bytes,
                                                                      const std::atomic<bool>& cancelled) {
  const auto length = static_cast<std::int32_t>(tokens.size());
  const std::int32_t chunk = std::min(kPrefillRows, length);
  const bool logits =
      std::ranges::any_of(points, [](const auto& point) { return point.kind == model::HookKind::logits; });
  const std::int32_t logit_rows = logits ? chunk : 0;
  const std::uint64_t needed = footprint_.segment_bytes(length) + footprint_.activation_bytes(chunk, logit_rows) +
                               model::Capture::bytes(model_.config, points, length);
  const base::PromisedMemory::Share promise = promise_activations(*this, needed, memory_bytes);

  model::Capture capture(model_.config, points, length);
  model::Activations buffers(model_.config, chunk, std::min(logit_rows, head_rows(type_)));
  kv::KvSegment prefix(model_.kv_shape(), length);
  const model::LogitRows which = logits ? model::LogitRows::all : model::LogitRows::none;
  if (!run_prompt(model_, pool_, buffers, tokens, prefix, which, which, &capture, cancelled)) return std::nullopt;
  return capture.take();
}

}  // namespace faultline::session
