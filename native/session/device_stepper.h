// Draws tokens on a device: what device_backend.h hands to a run.
#pragma once

#include <chrono>
#include <compare>
#include <map>
#include <optional>
#include <vector>

#include "native/model/device_forward.h"
#include "native/model/device_gpt2.h"
#include "native/session/backend.h"

namespace faultline::session {

/// Rows of one prefill pass: a whole prompt of usual length at once, to fill the device, and no more, because a run is
/// cancelled between passes.
inline constexpr std::int32_t kDevicePrefillRows = 512;

/// Steps of one launch, at most. More would save little of the time between launches, and what a sample draws behind
/// its end is thrown away: half of this, on average.
inline constexpr std::int32_t kStepsPerLaunch = 8;

/// Rows that a graph is recorded for when `rows` are live: few sizes, so that few graphs are recorded while a batch
/// shrinks, and few rows are computed for nobody.
std::int32_t graph_rows(std::int32_t rows);

/// Bytes of what a stepper allocates beside the forward pass's buffers and the slots, for memory plans.
std::uint64_t device_step_bytes(std::int32_t rows, std::int32_t slots);

/// A prompt in device memory.
struct DevicePrompt final : Prompt {
  ops::DeviceBuffer segment;
  ops::DeviceBuffer logits;  // of its last token
  std::int32_t length = 0;
};

/// One prompt's way through the model.
struct PromptRun {
  std::span<const std::int32_t> tokens;
  const ops::DeviceBuffer* segment;  // gets the keys and values
  float* last_logits;                // gets the last token's logits; null: nobody wants them
};

/// Runs prompts through the model, kDevicePrefillRows at a time, prompts side by side. With `capture`, a single prompt
/// whose hook points are fetched, and all of whose logits are computed where the activations have rows for them. False
/// when cancelled in between.
bool run_prompts(const ops::DeviceContext& context, const model::DeviceGpt2& model,
                 const model::DeviceActivations& activations, std::span<const PromptRun> prompts,
                 model::Capture* capture, const std::atomic<bool>& cancelled);

class DeviceStepper final : public Stepper {
 public:
  /// `steps_per_launch`: see SessionOptions.
  DeviceStepper(const ops::DeviceContext& context, const model::DeviceGpt2& model, const MemoryPlan& plan,
                std::int32_t longest_suffix, std::int32_t steps_per_launch);

  std::vector<std::unique_ptr<Prompt>> prefill(std::span<const std::span<const std::int32_t>> prompts,
                                               const std::atomic<bool>& cancelled) override;
  void first(std::span<Lane* const> lanes) override;
  void next(std::span<Lane* const> lanes, bool nothing_waits) override;
  std::size_t touched_bytes() const override { return allocated_bytes_; }

 private:
  /// What the graph of a step is good for.
  struct StepGraph {
    std::int32_t rows;
    std::int32_t tiles;
    std::int32_t splits;
    std::int32_t index;  // in the launch: where its draws go
    auto operator<=>(const StepGraph&) const = default;
  };

  /// Steps on their way: what was queued, when, and which mark says that its draws are in the host's memory.
  struct Launch {
    std::int32_t rows;
    std::int32_t tiles;
    std::int32_t splits;
    std::int32_t steps;
    std::int32_t mark;
    bool masked;
    std::chrono::steady_clock::time_point begin;
  };

  ops::DeviceRow row_of(const Lane& lane) const;
  bool send_masks(std::span<Lane* const> lanes);
  std::int32_t send_rows(std::span<Lane* const> lanes, std::int32_t rows);
  std::int32_t steps_for(std::span<Lane* const> lanes, std::int32_t after, double seconds) const;
  Launch start(std::span<Lane* const> lanes, bool nothing_waits);
  void go_on(std::span<Lane* const> lanes, const Launch& now);
  double step_seconds(std::int32_t rows) const;
  void queue_launch(Launch& launch);
  const ops::RecordedGraph& graph(const StepGraph& step);
  void queue_step(const StepGraph& step) const;
  void queue_fetch(Launch& launch);
  void collect(std::span<Lane* const> lanes, const Launch& launch);

  const ops::DeviceContext& context_;
  const model::DeviceGpt2& model_;
  std::int32_t capacity_;  // of rows, a size that graph_rows() gives
  std::uint64_t slot_bytes_;
  std::int32_t slot_capacity_;  // tokens
  std::size_t mask_words_;
  std::size_t allocated_bytes_;  // of activations and slots: at once, on a device
  model::DeviceActivations activations_;
  ops::DeviceBuffer slots_;
  ops::DeviceBuffer rows_;
  ops::DeviceBuffer tiles_;
  ops::DeviceBuffer draws_;  // [kStepsPerLaunch][rows of the launch]
  ops::DeviceBuffer masks_;  // for the launch being prepared
  ops::HostBuffer host_rows_;
  ops::HostBuffer host_tiles_;
  ops::HostBuffer host_draws_[ops::kDeviceMarks];  // of two launches in turn
  std::vector<std::int32_t> row_of_slot_;          // where the rows that were sent last stand
  std::optional<Launch> ahead_;
  // What the rows on their way read: those of samples that the caller has ended go on until others are sent.
  std::vector<std::shared_ptr<const Prompt>> prompts_in_use_;
  std::map<const std::uint64_t*, std::size_t> mask_of_;  // a mask on the host to its place in masks_
  std::map<StepGraph, ops::RecordedGraph> graphs_;
  std::int32_t steps_per_launch_;
  // Of the last launch: when it ended, how long a step took, and for how many rows; 0: not known yet.
  std::chrono::steady_clock::time_point ended_;
  double step_seconds_ = 0;
  std::int32_t step_rows_ = 0;
};

}  // namespace faultline::session
