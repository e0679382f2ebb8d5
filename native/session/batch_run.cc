#include "native/session/batch_run.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "native/base/bytes_text.h"
#include "native/base/check.h"
#include "native/base/error.h"
#include "native/constraint/function_end.h"

namespace faultline::session {
namespace {

using base::Error;
using base::ErrorCode;

/// `batch` as BatchRun takes it.
Demand demand_of(const RunContext& context, std::span<const GroupRequest> requests, std::int32_t batch) {
  const model::ModelConfig& config = context.backend.config();
  Demand demand{.batch = batch == 0 ? context.backend.default_batch() : batch,
                .samples = 0,
                .longest_prompt = 1,
                .longest_suffix = 1,
                .longest_heal = 0,
                .groups = 0,
                .all_slots = batch != 0};
  for (const GroupRequest& request : requests) {
    if (request.prompt.size() >= static_cast<std::size_t>(config.context)) continue;  // will fail on its own
    const auto prompt = static_cast<std::int32_t>(request.prompt.size());
    if (request.sample_indices.empty()) continue;
    ++demand.groups;
    demand.samples += static_cast<std::int64_t>(request.sample_indices.size());
    demand.longest_prompt = std::max(demand.longest_prompt, prompt);
    demand.longest_heal = std::max(demand.longest_heal, request.heal.size());
    demand.longest_suffix = std::max(demand.longest_suffix, std::min(request.max_new_tokens, config.context - prompt));
  }
  return demand;
}

/// plan_run() of a demand.
RunPlan plan_demand(const RunContext& context, const Demand& demand) {
  Backend& backend = context.backend;
  RunPlan plan{.weight_bytes = backend.weight_bytes(),
               .budget_bytes = std::min(context.memory_bytes, backend.free_memory()),
               .memory = {}};
  try {
    plan.memory = plan_memory(backend.footprint(), demand, plan.budget_bytes);
  } catch (const Error& error) {
    const std::uint64_t promised = backend.promises().bytes();
    // Where the caller's budget is whole, no other run is in the way, nor the machine.
    if (plan.budget_bytes == context.memory_bytes) throw;
    if (promised == 0)
      throw Error(error.code(), std::string(error.what()) + "; a budget is cut to what is free",
                  "Lower --batch, leave it out, or close other programs.");
    throw Error(error.code(),
                std::string(error.what()) + "; other runs of this process are promised " + base::bytes_text(promised),
                "Wait until one of them ends, or give each model its share with --memory.");
  }
  return plan;
}

/// Why this group cannot be drawn, although others can; empty when it can.
std::string reason_to_fail(const GroupRequest& request, const model::ModelConfig& config) {
  if (request.prompt.empty()) return "the prompt has no token; begin with the end-of-text token";
  for (const std::int32_t token : request.prompt)
    if (token < 0 || token >= config.vocabulary)
      return "token " + std::to_string(token) + " is outside the vocabulary of " + std::to_string(config.vocabulary);
  if (request.prompt.size() >= static_cast<std::size_t>(config.context))
    return "the prompt of " + std::to_string(request.prompt.size()) + " tokens leaves no room in the context of " +
           std::to_string(config.context);
  return {};
}

}  // namespace

struct BatchRun::Group {
  std::int32_t index;
  SampleRules rules;
  std::shared_ptr<const Prompt> prompt;
  std::size_t next_sample = 0;  // into request->sample_indices
  std::int32_t live = 0;
  std::size_t bytes = 0;  // committed for it

  bool has_pending() const { return next_sample < rules.request->sample_indices.size(); }
};

struct BatchRun::Slot {
  Lane lane;
  Group* group = nullptr;
  std::optional<Sample> sample;
  bool ended = false;
};

void check_requests(const RunContext& context, std::span<const GroupRequest> requests) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const GroupRequest& request = requests[i];
    const std::string where = "group " + std::to_string(i) + ": ";
    if (request.max_new_tokens < 1)
      throw Error(ErrorCode::usage,
                  where + "max-new-tokens is " + std::to_string(request.max_new_tokens) + ", but must be at least 1");
    try {
      sampler::validate(request.sampling);
    } catch (const Error& error) {
      throw Error(error.code(), where + error.what(), error.hint());
    }
    if (const std::string lacking = context.backend.lacks(request.sampling); !lacking.empty()) {
      const std::string device = context.backend.description().device;
      throw Error(ErrorCode::usage, where + "device " + device + " has no " + lacking + " sampling; cpu has it",
                  "Use --device cpu, or switch " + lacking + " off.");
    }
    const bool needs_bytes =
        request.stop_policy == StopPolicy::function || !request.heal.empty() || !request.stop_strings.empty();
    if (needs_bytes && context.trie == nullptr)
      throw Error(ErrorCode::usage,
                  where + "healing, stop strings and stop policy function need the vocabulary's bytes",
                  "Load the model with its vocabulary, or use stop policy eos or none.");
    // Healing gives back one token. More bytes could not be one's, and would cost a mask over the vocabulary each.
    if (!request.heal.empty() && request.heal.size() > context.trie->vocabulary().longest())
      throw Error(ErrorCode::usage,
                  where + "heal has " + std::to_string(request.heal.size()) +
                      " bytes, but the vocabulary's longest token only " +
                      std::to_string(context.trie->vocabulary().longest()),
                  "Give the bytes of the one token that was taken off the prompt's end.");
    for (const std::vector<std::uint8_t>& stop : request.stop_strings)
      if (stop.empty()) throw Error(ErrorCode::usage, where + "a stop string is empty", "Give at least one byte.");
  }
}

RunPlan plan_run(const RunContext& context, std::span<const GroupRequest> requests, std::int32_t batch) {
  return plan_demand(context, demand_of(context, requests, batch));
}

BatchRun::BatchRun(const RunContext& context, std::span<const GroupRequest> requests, std::int32_t batch)
    : context_(context), requests_(requests) {
  const Demand demand = demand_of(context, requests, batch);
  promise_ = context.backend.promises().promise([&] {
    const RunPlan plan = plan_demand(context, demand);
    memory_bytes_ = plan.budget_bytes;
    plan_ = plan.memory;
    return plan_.total_bytes;
  });
  committed_bytes_ = plan_.total_bytes - static_cast<std::size_t>(plan_.groups) * plan_.group_bytes;
  stepper_ = context.backend.stepper(plan_, demand.longest_suffix);
  say_what_is_untouched();
  for (std::int32_t i = 0; i < plan_.slots; ++i) {
    slots_.push_back(std::make_unique<Slot>());
    slots_.back()->lane.slot = i;
    free_.push_back(slots_.back().get());
  }
}

BatchRun::~BatchRun() = default;

bool BatchRun::run(const SampleSink& sink, const std::atomic<bool>& cancelled) {
  while (!cancelled.load(std::memory_order_relaxed)) {
    // New samples take their first token from their prompt's logits. Some may end with it, so fill again.
    for (std::vector<Slot*> started; !(started = fill_slots(sink, cancelled)).empty();) {
      stepper_->first(lanes_of(started));
      settle(started, sink);
      // Samples of one token each would fill and end here until none is left.
      if (cancelled.load(std::memory_order_relaxed)) return false;
    }
    if (cancelled.load(std::memory_order_relaxed)) return false;

    // Rows of one group are neighbours, so that they read its prompt together.
    std::vector<Slot*> live;
    for (const std::unique_ptr<Slot>& slot : slots_)
      if (slot->sample) live.push_back(slot.get());
    if (live.empty()) return true;
    std::ranges::stable_sort(live, {}, [](const Slot* slot) { return slot->group->index; });
    const bool nothing_waits = next_request_ == requests_.size() && (groups_.empty() || !groups_.back()->has_pending());
    stepper_->next(lanes_of(live), nothing_waits);
    settle(live, sink);
  }
  return false;
}

std::vector<Lane*> BatchRun::lanes_of(std::span<Slot* const> slots) {
  std::vector<Lane*> lanes;
  lanes.reserve(slots.size());
  for (Slot* const slot : slots) lanes.push_back(&slot->lane);
  return lanes;
}

/// Gives free slots to the samples that come next. None when cancelled.
std::vector<BatchRun::Slot*> BatchRun::fill_slots(const SampleSink& sink, const std::atomic<bool>& cancelled) {
  std::vector<Slot*> started;
  while (!free_.empty()) {
    if (groups_.empty() || !groups_.back()->has_pending()) {
      if (!open_next_group(sink)) break;
      continue;
    }
    Group& group = *groups_.back();
    Slot* const slot = free_.back();
    free_.pop_back();
    slot->group = &group;
    slot->sample.emplace(group.rules, group.index, group.rules.request->sample_indices[group.next_sample++]);
    slot->lane.request = group.rules.request;
    slot->lane.sample = &*slot->sample;
    ++group.live;
    started.push_back(slot);
  }
  if (!prefill_open_groups(cancelled)) return {};
  for (Slot* const slot : started) slot->lane.prompt = slot->group->prompt;
  return started;
}

/// Runs the prompts of the groups opened since the last time, all at once. False when cancelled, also meanwhile.
bool BatchRun::prefill_open_groups(const std::atomic<bool>& cancelled) {
  if (cancelled.load(std::memory_order_relaxed)) return false;
  std::vector<Group*> opened;
  std::vector<std::span<const std::int32_t>> prompts;
  for (const std::unique_ptr<Group>& group : groups_) {
    if (group->prompt != nullptr) continue;
    opened.push_back(group.get());
    prompts.emplace_back(group->rules.request->prompt);
  }
  if (opened.empty()) return true;
  std::vector<std::unique_ptr<Prompt>> done = stepper_->prefill(prompts, cancelled);
  if (done.empty()) return false;
  for (std::size_t i = 0; i < opened.size(); ++i) opened[i]->prompt = std::move(done[i]);
  say_what_is_untouched();
  return !cancelled.load(std::memory_order_relaxed);
}

/// False when there is none, or when its prompt must wait for memory.
bool BatchRun::open_next_group(const SampleSink& sink) {
  if (next_request_ == requests_.size()) return false;
  const auto index = static_cast<std::int32_t>(next_request_);
  const GroupRequest& request = requests_[next_request_];
  const model::ModelConfig& config = context_.backend.config();
  if (request.sample_indices.empty()) {
    ++next_request_;
    return true;
  }
  if (const std::string reason = reason_to_fail(request, config); !reason.empty()) {
    fail_group(index, reason, sink);
    return true;
  }
  const std::size_t bytes =
      context_.backend.footprint().prompt_bytes(static_cast<std::int32_t>(request.prompt.size()), request.heal.size());
  if (!groups_.empty() && !may_keep(bytes)) return false;

  auto group = std::make_unique<Group>();
  group->index = index;
  group->bytes = bytes;
  SampleRules& rules = group->rules;
  rules.request = &request;
  rules.context = config.context;
  rules.eos_token = context_.eos_token;
  if (context_.trie != nullptr) {
    rules.vocabulary = &context_.trie->vocabulary();
    try {
      if (!request.heal.empty()) rules.heal.emplace(*context_.trie, request.heal);
    } catch (const Error& error) {
      fail_group(index, error.what(), sink);
      return true;
    }
    if (request.stop_policy == StopPolicy::function)
      rules.function_end = constraint::FunctionEnd::after_prompt(request.prompt_bytes);
    if (!request.stop_strings.empty())
      rules.stop_strings.emplace(std::make_shared<const constraint::StopStrings::Strings>(request.stop_strings));
  }
  ++next_request_;
  committed_bytes_ += bytes;
  groups_.push_back(std::move(group));
  return true;
}

void BatchRun::fail_group(std::int32_t index, const std::string& reason, const SampleSink& sink) {
  SampleRules rules;
  rules.request = &requests_[static_cast<std::size_t>(index)];
  for (const std::uint32_t sample_index : rules.request->sample_indices) {
    Sample sample(rules, index, sample_index);
    sample.fail(reason);
    sink(sample.take());
  }
  ++next_request_;
}

/// Takes the drawn tokens, hands over the samples that ended, and frees their slots. Taking them is shared out: a step
/// of several tokens for a thousand samples is a lot of text to look at while the device waits.
void BatchRun::settle(std::span<Slot* const> slots, const SampleSink& sink) {
  context_.backend.pool().parallel_for(static_cast<std::int64_t>(slots.size()), [&](std::int64_t i) {
    Slot& slot = *slots[static_cast<std::size_t>(i)];
    slot.ended = std::ranges::any_of(slot.lane.draws, [&](const auto& draw) { return slot.sample->accept(draw); });
    if (!slot.ended && !slot.lane.error.empty()) {
      slot.sample->fail(slot.lane.error);
      slot.ended = true;
    }
    slot.lane.error.clear();
  });
  for (Slot* const slot : slots) {
    if (!slot->ended) continue;
    sink(slot->sample->take());
    slot->sample.reset();
    slot->lane.prompt.reset();
    --slot->group->live;
    slot->group = nullptr;
    free_.push_back(slot);
  }
  close_finished_groups();
}

void BatchRun::close_finished_groups() {
  std::list<std::unique_ptr<Group>> finished;  // freed when what they took is promised again
  for (auto group = groups_.begin(); group != groups_.end();) {
    const auto here = group++;
    if ((*here)->live > 0 || (*here)->has_pending()) continue;
    committed_bytes_ -= (*here)->bytes;
    finished.splice(finished.end(), groups_, here);
  }
  say_what_is_untouched();
}

/// Whether one more prompt of so many bytes may be kept. The plan has room for as many as fill the slots on average;
/// more are kept where the budget allows it and nobody else has taken the memory meanwhile.
bool BatchRun::may_keep(std::size_t bytes) {
  const std::size_t wanted = committed_bytes_ + bytes;
  if (wanted > memory_bytes_) return false;
  if (wanted <= covered_bytes()) return true;
  const std::size_t more = wanted - covered_bytes();
  bool fits = false;
  const base::PromisedMemory::Share taken = context_.backend.promises().promise([&] {
    fits = context_.backend.free_memory() >= more;
    return fits ? more : 0;
  });
  if (fits) promise_.set(promise_.bytes() + more);
  return fits;
}

/// What this run has been promised, touched or not.
std::size_t BatchRun::covered_bytes() const { return std::max(plan_.total_bytes, committed_bytes_); }

void BatchRun::say_what_is_untouched() {
  std::size_t touched = stepper_->touched_bytes();
  for (const std::unique_ptr<Group>& group : groups_)
    if (group->prompt != nullptr) touched += group->bytes;
  promise_.set(covered_bytes() - std::min(covered_bytes(), touched));
}

}  // namespace faultline::session
