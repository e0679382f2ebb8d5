#include "native/session/device_stepper.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "native/base/check.h"
#include "native/base/error.h"
#include "native/constraint/token_mask.h"

namespace faultline::session {
namespace {

using model::DeviceActivations;
using ops::DeviceBuffer;
using ops::DeviceDraw;
using ops::DeviceRow;
using ops::DeviceTile;
using ops::DrawStatus;

/// Longest launch, or two where one is queued before the other has ended: a run is cancelled between launches.
constexpr double kLaunchSeconds = 0.040;

/// Runs of rows with one prefix each, cut into tiles of at most kDeviceTileRows.
std::int32_t write_tiles(std::span<const DeviceRow> rows, DeviceTile* tiles) {
  std::int32_t count = 0;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(rows.size()); ++i) {
    const bool joins = count > 0 &&
                       rows[static_cast<std::size_t>(i - 1)].prefix == rows[static_cast<std::size_t>(i)].prefix &&
                       tiles[count - 1].count < ops::kDeviceTileRows;
    if (joins) {
      ++tiles[count - 1].count;
    } else {
      tiles[count++] = {i, 1};
    }
  }
  return count;
}

/// A row that nothing is drawn for: token and position are in range, and it neither reads nor writes a segment.
constexpr DeviceRow dead_row() {
  DeviceRow row{};
  row.top_p = 1;
  row.stop_token = -1;
  return row;
}

}  // namespace

std::int32_t graph_rows(std::int32_t rows) {
  if (rows <= 16) {
    std::int32_t power = 1;
    while (power < rows) power *= 2;
    return power;
  }
  const std::int32_t step = rows <= 128 ? 16 : rows <= 512 ? 32 : 64;
  return ops::device_round_up(rows, step);
}

std::uint64_t device_step_bytes(std::int32_t rows, std::int32_t slots) {
  const auto of_steps = static_cast<std::uint64_t>(graph_rows(slots));
  const auto of_prompts = static_cast<std::uint64_t>(std::min(rows, kDevicePrefillRows));
  return of_steps * (sizeof(DeviceRow) + sizeof(DeviceTile) + kStepsPerLaunch * sizeof(DeviceDraw)) +
         of_prompts * (sizeof(DeviceRow) + sizeof(DeviceTile));
}

bool run_prompts(const ops::DeviceContext& context, const model::DeviceGpt2& model,
                 const DeviceActivations& activations, std::span<const PromptRun> prompts, model::Capture* capture,
                 const std::atomic<bool>& cancelled) {
  // Prompts one behind the other, cut into passes wherever the rows end.
  std::int64_t total = 0;
  for (const PromptRun& prompt : prompts) total += static_cast<std::int64_t>(prompt.tokens.size());
  const auto most = static_cast<std::int32_t>(std::min<std::int64_t>({total, activations.rows(), kDevicePrefillRows}));
  const DeviceBuffer rows(context, static_cast<std::uint64_t>(most) * sizeof(DeviceRow), "prompts' rows");
  const DeviceBuffer tiles(context, static_cast<std::uint64_t>(most) * sizeof(DeviceTile), "prompts' tiles");
  std::vector<DeviceRow> host_rows;
  std::vector<DeviceTile> host_tiles(static_cast<std::size_t>(most));
  std::vector<model::DeviceLogits> logits;
  std::size_t current = 0;    // prompt
  std::int32_t position = 0;  // in it
  while (current < prompts.size()) {
    if (cancelled.load(std::memory_order_relaxed)) return false;
    const std::int32_t first_position = position;
    host_rows.clear();
    logits.clear();
    std::int32_t longest = 0;
    while (current < prompts.size() && static_cast<std::int32_t>(host_rows.size()) < most) {
      const PromptRun& prompt = prompts[current];
      const auto length = static_cast<std::int32_t>(prompt.tokens.size());
      DeviceRow row = dead_row();
      row.live = 1;
      row.token = prompt.tokens[static_cast<std::size_t>(position)];
      row.position = row.write_at = position;
      row.prefix = row.write_to = prompt.segment->as<void>();
      row.prefix_capacity = row.write_capacity = model::device_segment_capacity(length);
      row.prefix_visible = ++position;
      longest = std::max(longest, position);
      host_rows.push_back(row);
      if (position < length) continue;
      if (prompt.last_logits != nullptr)
        logits.push_back({static_cast<std::int32_t>(host_rows.size()) - 1, 1, prompt.last_logits});
      ++current;
      position = 0;
    }
    const auto count = static_cast<std::int32_t>(host_rows.size());
    if (capture != nullptr && activations.logit_rows() > 0) logits = {{0, count, activations.logits.as<float>()}};
    const std::int32_t tile_count = write_tiles(host_rows, host_tiles.data());
    rows.upload(host_rows.data(), host_rows.size() * sizeof(DeviceRow));
    tiles.upload(host_tiles.data(), static_cast<std::uint64_t>(tile_count) * sizeof(DeviceTile));
    const model::DeviceBatch batch{.rows = rows.as<DeviceRow>(),
                                   .count = count,
                                   .tiles = tiles.as<DeviceTile>(),
                                   .tile_count = tile_count,
                                   .splits = DeviceActivations::splits(longest),
                                   .prompt = true};
    model::device_forward(context, model, activations, batch, logits, capture, first_position);
    // The next pass writes over the rows, and a cancellation must not wait for a queue of passes.
    context.synchronize();
  }
  return true;
}

DeviceStepper::DeviceStepper(const ops::DeviceContext& context, const model::DeviceGpt2& model, const MemoryPlan& plan,
                             std::int32_t longest_suffix, std::int32_t steps_per_launch)
    : context_(context),
      model_(model),
      capacity_(graph_rows(plan.slots)),
      slot_bytes_(model::device_segment_bytes(model.config, model.type, longest_suffix)),
      slot_capacity_(model::device_segment_capacity(longest_suffix)),
      mask_words_(constraint::TokenMask::bytes(model.config.vocabulary) / sizeof(std::uint64_t)),
      allocated_bytes_(
          model::DeviceActivations::bytes(model.config, model.type, std::max(plan.rows, capacity_), capacity_) +
          static_cast<std::size_t>(plan.slots) * slot_bytes_),
      activations_(context, model.config, model.type, std::max(plan.rows, capacity_), capacity_),
      slots_(context, slot_bytes_ * static_cast<std::uint64_t>(plan.slots), "keys and values of the samples"),
      rows_(context, sizeof(DeviceRow) * static_cast<std::uint64_t>(capacity_), "rows"),
      tiles_(context, sizeof(DeviceTile) * static_cast<std::uint64_t>(capacity_), "tiles"),
      draws_(context, sizeof(DeviceDraw) * kStepsPerLaunch * static_cast<std::uint64_t>(capacity_), "drawn tokens"),
      host_rows_(context, sizeof(DeviceRow) * static_cast<std::uint64_t>(capacity_)),
      host_tiles_(context, sizeof(DeviceTile) * static_cast<std::uint64_t>(capacity_)),
      row_of_slot_(static_cast<std::size_t>(plan.slots)),
      steps_per_launch_(steps_per_launch) {
  FAULTLINE_CHECK(steps_per_launch >= 0 && steps_per_launch <= kStepsPerLaunch);
  for (ops::HostBuffer& draws : host_draws_)
    draws = ops::HostBuffer(context, sizeof(DeviceDraw) * kStepsPerLaunch * static_cast<std::uint64_t>(capacity_));
}

std::vector<std::unique_ptr<Prompt>> DeviceStepper::prefill(std::span<const std::span<const std::int32_t>> prompts,
                                                            const std::atomic<bool>& cancelled) {
  std::vector<std::unique_ptr<Prompt>> done;
  std::vector<PromptRun> runs;
  for (const std::span<const std::int32_t> tokens : prompts) {
    auto prompt = std::make_unique<DevicePrompt>();
    prompt->length = static_cast<std::int32_t>(tokens.size());
    prompt->segment = DeviceBuffer(context_, model::device_segment_bytes(model_.config, model_.type, prompt->length),
                                   "a prompt's keys and values");
    prompt->logits = DeviceBuffer(
        context_, sizeof(float) * static_cast<std::uint64_t>(DeviceActivations::logits_stride(model_.config)),
        "a prompt's logits");
    runs.push_back({tokens, &prompt->segment, prompt->logits.as<float>()});
    done.push_back(std::move(prompt));
  }
  if (!run_prompts(context_, model_, activations_, runs, nullptr, cancelled)) return {};
  return done;
}

/// The row that draws the sample's next token.
DeviceRow DeviceStepper::row_of(const Lane& lane) const {
  const auto& prompt = static_cast<const DevicePrompt&>(*lane.prompt);
  const Sample& sample = *lane.sample;
  const GroupRequest& request = *lane.request;
  const std::int32_t drawn = sample.drawn();
  const std::uint64_t* const mask = sample.condition();
  const sampler::DrawKey key = sample.draw_key();
  return {.live = 1,
          .token = drawn > 0 ? sample.last_token() : 0,
          .position = sample.position() - 1,
          .prefix_visible = prompt.length,
          .prefix = prompt.segment.as<void>(),
          .write_to = slots_.as<char>() + slot_bytes_ * static_cast<std::uint64_t>(lane.slot),
          .prefix_capacity = model::device_segment_capacity(prompt.length),
          .write_capacity = slot_capacity_,
          .write_at = std::max(0, drawn - 1),
          .suffix_visible = drawn,
          .first_logits = prompt.logits.as<float>(),
          .mask = mask == nullptr ? nullptr : masks_.as<std::uint64_t>() + mask_of_.at(mask) * mask_words_,
          .key = key.key,
          .sample = key.sample,
          .temperature = request.sampling.temperature,
          .top_k = request.sampling.top_k,
          .top_p = request.sampling.top_p,
          .stop_token = sample.stop_token(),
          .remaining = sample.remaining()};
}

/// Sends the masks that the lanes' next draws need, each once. False when there are none.
bool DeviceStepper::send_masks(std::span<Lane* const> lanes) {
  mask_of_.clear();
  for (const Lane* const lane : lanes) {
    if (const std::uint64_t* const mask = lane->sample->condition()) mask_of_.emplace(mask, mask_of_.size());
  }
  const std::uint64_t bytes = mask_words_ * sizeof(std::uint64_t);
  if (masks_.size() != mask_of_.size() * bytes) {
    masks_ = {};  // the old ones first: both together are not planned for
    masks_ = DeviceBuffer(context_, mask_of_.size() * bytes, "healing masks");
  }
  for (const auto& [mask, place] : mask_of_) masks_.upload(mask, bytes, place * bytes);
  return !mask_of_.empty();
}

/// Sends the lanes' rows, followed by dead ones up to `rows`, and their tiles; returns how many tiles there are.
std::int32_t DeviceStepper::send_rows(std::span<Lane* const> lanes, std::int32_t rows) {
  auto* const host = host_rows_.as<DeviceRow>();
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    host[i] = row_of(*lanes[i]);
    row_of_slot_[static_cast<std::size_t>(lanes[i]->slot)] = static_cast<std::int32_t>(i);
  }
  std::fill(host + lanes.size(), host + rows, dead_row());
  auto* const tiles = host_tiles_.as<DeviceTile>();
  const std::int32_t count = write_tiles({host, static_cast<std::size_t>(rows)}, tiles);
  std::fill(tiles + count, tiles + rows, DeviceTile{0, 0});
  rows_.upload(host, static_cast<std::uint64_t>(rows) * sizeof(DeviceRow));
  tiles_.upload(tiles, static_cast<std::uint64_t>(rows) * sizeof(DeviceTile));
  return count;
}

void DeviceStepper::first(std::span<Lane* const> lanes) {
  FAULTLINE_CHECK(!ahead_, "no lane starts once nothing waits");
  send_masks(lanes);
  const auto count = static_cast<std::int32_t>(lanes.size());
  send_rows(lanes, count);
  const ops::DeviceSampleArgs args{.rows = rows_.as<DeviceRow>(),
                                   .count = count,
                                   .logits = nullptr,
                                   .stride = 0,
                                   .vocabulary = model_.config.vocabulary,
                                   .first = true,
                                   .out = draws_.as<DeviceDraw>(),
                                   .candidates = nullptr};
  context_.check(context_.api().sample(context_.raw(), &args), "drawing tokens");
  Launch launch{};
  launch.rows = count;
  launch.steps = 1;
  queue_fetch(launch);
  collect(lanes, launch);
}

void DeviceStepper::next(std::span<Lane* const> lanes, bool nothing_waits) {
  const Launch now = ahead_ ? *std::exchange(ahead_, std::nullopt) : start(lanes, nothing_waits);
  // The rows went on by themselves on the device, so the next steps need nothing from the host unless lanes start.
  // While they run, the host sees what these have drawn.
  if (nothing_waits) go_on(lanes, now);
  collect(lanes, now);
  if (!ahead_) prompts_in_use_.clear();
  const auto end = std::chrono::steady_clock::now();
  step_seconds_ = std::chrono::duration<double>(end - std::max(now.begin, ended_)).count() / now.steps;
  step_rows_ = now.rows;
  ended_ = end;
}

/// Sends the lanes and queues their next steps.
DeviceStepper::Launch DeviceStepper::start(std::span<Lane* const> lanes, bool nothing_waits) {
  Launch launch{};
  launch.masked = send_masks(lanes);
  launch.rows = graph_rows(static_cast<std::int32_t>(lanes.size()));
  launch.tiles = std::min(launch.rows, graph_rows(send_rows(lanes, launch.rows)));
  std::int32_t longest = 0;
  for (const Lane* const lane : lanes) {
    longest = std::max(longest, static_cast<const DevicePrompt&>(*lane->prompt).length);
    if (prompts_in_use_.empty() || prompts_in_use_.back() != lane->prompt) prompts_in_use_.push_back(lane->prompt);
  }
  launch.splits = DeviceActivations::splits(longest);
  // The next mask depends on the token drawn under this one.
  launch.steps = launch.masked ? 1 : steps_for(lanes, 0, nothing_waits ? kLaunchSeconds / 2 : kLaunchSeconds);
  queue_launch(launch);
  return launch;
}

/// Queues another launch with the same rows before the draws of `now` are seen, if it draws something, would not better
/// be one of fewer rows, and does not keep a cancelled run longer than one launch may.
void DeviceStepper::go_on(std::span<Lane* const> lanes, const Launch& now) {
  // Who cannot have ended by then, as far as the host knows.
  const auto left = static_cast<std::int32_t>(
      std::ranges::count_if(lanes, [&](const Lane* lane) { return lane->sample->remaining() > now.steps; }));
  const double seconds = kLaunchSeconds - now.steps * step_seconds(now.rows);
  if (now.masked || left == 0 || graph_rows(left) != now.rows || seconds < step_seconds(now.rows)) return;
  ahead_ = now;
  ahead_->steps = steps_for(lanes, now.steps, std::min(seconds, kLaunchSeconds / 2));
  ahead_->mark = 1 - now.mark;
  queue_launch(*ahead_);
}

/// What a step of so many rows takes, going by the launch before; 0 when there was none. More rows take longer, at most
/// in proportion. Fewer may take as long as before: their weights are read all the same.
double DeviceStepper::step_seconds(std::int32_t rows) const {
  return step_rows_ == 0 ? 0 : step_seconds_ * std::max(1.0, static_cast<double>(rows) / step_rows_);
}

/// A power of two: as many steps as fit `seconds`, but no more than the sample with most tokens left can use after
/// `after` others. One at first, and one where even that takes longer.
std::int32_t DeviceStepper::steps_for(std::span<Lane* const> lanes, std::int32_t after, double seconds) const {
  if (steps_per_launch_ != 0) return steps_per_launch_;
  if (step_rows_ == 0) return 1;
  const double step_seconds = this->step_seconds(graph_rows(static_cast<std::int32_t>(lanes.size())));
  std::int32_t useful = 1;
  for (const Lane* const lane : lanes) useful = std::max(useful, lane->sample->remaining() - after);
  std::int32_t steps = 1;
  while (steps < kStepsPerLaunch && steps < useful && 2 * steps * step_seconds <= seconds) steps *= 2;
  return steps;
}

/// Queues the launch's steps and the way of their draws to the host. A graph each: the device starts when the first is
/// there, while the host is still sending it the others, whose hundred operations take it as long as a short step. And
/// kernels read rows before they wait for those in front of them in their graph (simt.h, inputs_ready), which the draw
/// that ends a step has written.
void DeviceStepper::queue_launch(Launch& launch) {
  std::vector<const ops::RecordedGraph*> graphs;  // all recorded before the first runs
  for (std::int32_t step = 0; step < launch.steps; ++step)
    graphs.push_back(&graph({launch.rows, launch.tiles, launch.splits, step}));
  launch.begin = std::chrono::steady_clock::now();
  for (const ops::RecordedGraph* const recorded : graphs) recorded->launch();
  queue_fetch(launch);
}

const ops::RecordedGraph& DeviceStepper::graph(const StepGraph& step) {
  const auto found = graphs_.find(step);
  if (found != graphs_.end()) return found->second;
  return graphs_.emplace(step, ops::RecordedGraph(context_, [&] { queue_step(step); })).first->second;
}

/// Forward pass and draw.
void DeviceStepper::queue_step(const StepGraph& step) const {
  const model::DeviceBatch batch{.rows = rows_.as<DeviceRow>(),
                                 .count = step.rows,
                                 .tiles = tiles_.as<DeviceTile>(),
                                 .tile_count = step.tiles,
                                 .splits = step.splits,
                                 .prompt = false};
  const model::DeviceLogits all{0, step.rows, activations_.logits.as<float>()};
  model::device_forward(context_, model_, activations_, batch, {&all, 1});
  const ops::DeviceSampleArgs args{.rows = batch.rows,
                                   .count = step.rows,
                                   .logits = all.to,
                                   .stride = DeviceActivations::logits_stride(model_.config),
                                   .vocabulary = model_.config.vocabulary,
                                   .first = false,
                                   .out = draws_.as<DeviceDraw>() + step.index * step.rows,
                                   .candidates = nullptr};
  context_.check(context_.api().sample(context_.raw(), &args), "drawing tokens");
}

/// The next launch's draws take the same place on the device, but behind this in the stream.
void DeviceStepper::queue_fetch(Launch& launch) {
  draws_.download(
      host_draws_[launch.mark].as<DeviceDraw>(),
      sizeof(DeviceDraw) * static_cast<std::uint64_t>(launch.rows) * static_cast<std::uint64_t>(launch.steps));
  context_.mark(launch.mark);
}

/// Waits for the launch and hands what it drew to the lanes, which are among those that were sent.
void DeviceStepper::collect(std::span<Lane* const> lanes, const Launch& launch) {
  context_.wait(launch.mark);
  const auto* const host = host_draws_[launch.mark].as<DeviceDraw>();
  for (Lane* const each : lanes) {
    Lane& lane = *each;
    lane.draws.clear();
    const std::int32_t row = row_of_slot_[static_cast<std::size_t>(lane.slot)];
    for (std::int32_t step = 0; step < launch.steps; ++step) {
      const DeviceDraw& draw = host[step * launch.rows + row];
      if (draw.status == DrawStatus::dead) break;
      if (draw.status == DrawStatus::not_finite) {
        lane.error = sampler::kNotFinite;
        break;
      }
      lane.draws.push_back({draw.token, draw.logprob, draw.entropy});
    }
    FAULTLINE_CHECK(!lane.draws.empty() || !lane.error.empty(), "a live sample drew nothing");
  }
}

}  // namespace faultline::session
