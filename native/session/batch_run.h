// Continuous batching: draws all samples of all groups with a fixed number of slots. A slot holds one sample and its
// private keys and values; when the sample ends, the next one takes its place. Every step runs the live slots of all
// open groups as one batch, on whichever backend the session has. Groups open in order, as slots and memory allow; a
// prompt is prefilled when its group opens and forgotten when its last sample has ended.
//
// A sample's tokens and log-probabilities are the same bits whatever else is in the batch: rows do not influence each
// other (gpt2_forward.h), and random numbers depend on the sample alone (sampler.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "native/constraint/token_trie.h"
#include "native/session/backend.h"
#include "native/session/plan.h"
#include "native/session/request.h"
#include "native/session/sample.h"

namespace faultline::session {

/// What a run works with; owned by the session.
struct RunContext {
  Backend& backend;
  const constraint::TokenTrie* trie;  // null: no vocabulary
  std::optional<std::int32_t> eos_token;
  std::uint64_t memory_bytes;
};

/// Receives each sample as it ends, on the thread that runs.
using SampleSink = std::function<void(SampleResult&&)>;

/// One call of generate. Used by one thread, under a base::FpEnv.
class BatchRun {
 public:
  /// Plans and allocates. `requests` must outlive the run and have passed check_requests(). `batch` 0 takes the
  /// backend's default, or fewer slots where the budget holds fewer; a number that was asked for and does not fit is
  /// plan_memory's error. What is planned and not touched yet is kept from other runs of this process until the end.
  BatchRun(const RunContext& context, std::span<const GroupRequest> requests, std::int32_t batch);
  ~BatchRun();

  /// Draws everything. Between two steps of the backend it looks at `cancelled` and returns false when that is set;
  /// what has reached the sink until then is complete.
  bool run(const SampleSink& sink, const std::atomic<bool>& cancelled);

 private:
  struct Group;
  struct Slot;

  bool open_next_group(const SampleSink& sink);
  bool prefill_open_groups(const std::atomic<bool>& cancelled);
  void fail_group(std::int32_t index, const std::string& reason, const SampleSink& sink);
  std::vector<Slot*> fill_slots(const SampleSink& sink, const std::atomic<bool>& cancelled);
  std::vector<Lane*> lanes_of(std::span<Slot* const> slots);
  void settle(std::span<Slot* const> slots, const SampleSink& sink);
  void close_finished_groups();
  bool may_keep(std::size_t bytes);
  std::size_t covered_bytes() const;
  void say_what_is_untouched();

  const RunContext context_;
  std::span<const GroupRequest> requests_;
  std::uint64_t memory_bytes_ = 0;  // the budget, cut to what there is
  MemoryPlan plan_;
  base::PromisedMemory::Share promise_;  // of the plan, what is not touched yet; given back after all below is freed
  std::unique_ptr<Stepper> stepper_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> free_;
  std::list<std::unique_ptr<Group>> groups_;  // open ones, in the order of the requests
  std::size_t next_request_ = 0;
  std::size_t committed_bytes_ = 0;
};

/// Refuses, before anything runs, what cannot be asked of this model: sampling parameters out of range, a truncation
/// that the backend lacks, bytes needed but no vocabulary, more bytes to heal than a token has. Throws Error(usage)
/// that names the group.
void check_requests(const RunContext& context, std::span<const GroupRequest> requests);

/// What a run takes of memory beside a model that is loaded.
struct RunPlan {
  std::uint64_t weight_bytes;  // of the model, beside the budget
  std::uint64_t budget_bytes;  // what is asked for, cut to what is free and promised to no other run
  MemoryPlan memory;
};

/// Plans as a BatchRun of these requests would, with its errors. Allocates nothing, and is promised nothing.
RunPlan plan_run(const RunContext& context, std::span<const GroupRequest> requests, std::int32_t batch);

}  // namespace faultline::session
