// The draw of every row's next token, and the row's move to it. Results are sampler::draw_token's to the bit (sampler.h
// and ops.h define them; the searches there are the CPU's own way to the same sets). Not here: what the host does with
// a token, and constraints on the text.
//
// One block draws for one row. First come the largest logits, of all tokens and of those allowed. Then the sums, whose
// order is fixed: token i belongs to lane i % 16, ascending. Most warps compute the exponentials of one tile of the row
// while one warp adds up those of the tile before; that is where the time goes.
//
// With top-k or top-p, the threshold is next. The tokens near the largest logit are collected in lists, one for each of
// the 16 lanes, in ascending order, so that 16 threads get the sum of a tail to the bit from the lists alone; in rows
// that are too flat for the lists they get it from the row. Sums in any order tell where the threshold must be, up to a
// token or two: a histogram of the weights by distance from the largest logit, then the tokens of the one bin in which
// the target is reached. The sums that count are only taken at the tokens next to that place. Should they not agree
// that it is there, the floats in between are divided until it is found: such a sum only grows with the set of tokens,
// rounded or not.
//
// Last comes the largest perturbed logit, of the lists where they hold all kept tokens, of the row otherwise.
#include "native/ops/cuda/sample_contest.h"
#include "native/ops/cuda/sample_row.h"
#include "native/ops/cuda/sample_sums.h"
#include "native/ops/cuda/sample_threshold.h"

namespace faultline::ops::cuda {
namespace {

/// Moves a row to the token it drew, or ends it. One thread.
SIMT_DEVICE void advance(DeviceRow& row, const DeviceDraw& draw) {
  if (draw.status != DrawStatus::drawn) {
    row.live = 0;
    return;
  }
  row.token = draw.token;
  ++row.position;
  row.write_at = row.suffix_visible++;  // the first token drawn after a prompt starts the suffix
  --row.remaining;
  if (draw.token == row.stop_token || row.remaining <= 0) row.live = 0;
}

/// The logit from which on tokens are collected; not -infinity. How exact it is does not matter.
SIMT_DEVICE float collected_from(const Logits& logits, float largest) {
  constexpr float kLowest = -0x1.FFFFFEp+127f;
  return max_of(simt::sub(largest, simt::div(kWidth, logits.inv_temperature)), kLowest);
}

/// The first two passes: into shared.top, largest, sum and weighted, and for make_lists() where the filters are on.
SIMT_DEVICE bool find_sums(Shared& shared, const Logits& logits, bool greedy) {
  if (simt::thread() < kLaneCount) shared.lane_count[simt::thread()] = 0;
  const Extremes found = find_extremes(shared, logits);
  const float top = found.all, largest = found.some;
  if (simt::thread() == 0) {
    shared.top = top;
    shared.largest = largest;
  }
  const DeviceRow& row = shared.row;
  const float scaled_top = simt::mul(largest, logits.inv_temperature);
  // Where scaling leaves float's range, no tail reaches anything and everything is kept.
  const bool filtered =
      !greedy && ((row.top_k > 0 && row.top_k < logits.n) || row.top_p < 1.0f) && is_finite(scaled_top);
  // Rounding is monotonic, so that no other logit has a smaller distance.
  const auto is_near = [](float distance) { return bounded_exponent(distance) == distance; };
  const bool near =
      is_near(simt::sub(found.least, top)) && (!filtered || is_near(scaled_distance(logits, found.least, scaled_top)));
  const Collected collected = {scaled_top, filtered ? collected_from(logits, largest) : -kMinusInfinity, !near};
  if (!filtered || (logits.inv_temperature == 1.0f && logits.mask == nullptr)) {
    add_up<false, false>(shared, logits, collected, top);
  } else if (logits.mask == nullptr) {
    add_up<true, false>(shared, logits, collected, top);
  } else {
    add_up<true, true>(shared, logits, collected, top);
  }
  return filtered;
}

/// sampler::draw_token, and the candidates where they are not null. The whole block; every thread gets the draw.
SIMT_DEVICE DeviceDraw draw_token(Shared& shared, const float* values, std::int32_t vocabulary,
                                  std::int32_t* candidates) {
  const DeviceRow& row = shared.row;
  const bool greedy = row.temperature == 0.0f;
  const Logits logits = {values, row.mask, vocabulary, reinterpret_cast<std::uintptr_t>(values) % 16 == 0,
                         greedy ? 1.0f : simt::div(1.0f, row.temperature)};
  const bool filtered = find_sums(shared, logits, greedy);
  const float top = shared.top, sum = shared.sum, weighted = shared.weighted;
  if (!is_finite(top) || !is_finite(sum) || !is_finite(weighted) || sum <= 0.0f)
    return {-1, 0.0f, 0.0f, DrawStatus::not_finite};

  const float scaled_top = simt::mul(shared.largest, logits.inv_temperature);
  const float most = simt::from_int(vocabulary), mass = shared.filter_sum;
  Search search = {shared, logits, scaled_top, shared.largest, simt::div(kAllShares, mass <= most ? mass : most), {}};
  std::int32_t threshold = kLowestKey;
  bool listed = false;
  if (filtered) {
    search.lists = make_lists(shared, logits, scaled_top, collected_from(logits, shared.largest));
    // No sum of weights is larger, unless it has NaN in it: -infinity by an inverse temperature of 0.
    threshold = keep_threshold(search, row.top_k, row.top_p, mass <= most ? mass : kNotALogit);
    listed = search.lists.fit && search.lists.bound <= threshold;
  }

  const Randomness random = {row.key, row.sample, static_cast<std::uint32_t>(row.position) + 1, greedy};
  Best last = {-kMinusInfinity, -1}, first = {kMinusInfinity, -1};
  const std::int32_t ranks = candidates == nullptr ? 1 : kDeviceCandidates;
  for (std::int32_t rank = 0; rank < ranks; ++rank) {
    // The token with the largest logit competes too and gets no less than this.
    const float least = greedy ? scaled_top : simt::add(scaled_top, kSmallestGumbel);
    Contest contest = {last, rank == 0 ? least : kMinusInfinity, {kMinusInfinity, -1}};
    if (listed) {
      compete_in_lists(contest, shared, search.lists, logits, random, threshold);
    } else {
      compete_in_row(contest, shared, logits, random, value_of(threshold));
    }
    last = best_in_block(shared, contest.best);
    if (rank == 0) first = last;
    if (last.token < 0) break;
    if (candidates != nullptr && simt::thread() == 0) candidates[rank] = last.token;
  }
  if (first.token < 0) return {-1, 0.0f, 0.0f, DrawStatus::nothing_allowed};
  const float log_of_sum = log_sum(sum);
  return {first.token, simt::sub(simt::sub(values[first.token], top), log_of_sum),
          simt::sub(log_of_sum, simt::div(weighted, sum)), DrawStatus::drawn};
}

SIMT_KERNEL(kThreads, kBlocks) sample_rows(DeviceSampleArgs args) {
  simt::inputs_ready();
  Shared& shared = *reinterpret_cast<Shared*>(simt::shared_memory());
  const std::int32_t index = simt::block_x();
  // The row is read where it is needed, so it should not lie in global memory, nor in everybody's registers.
  constexpr std::int32_t kWords = sizeof(DeviceRow) / sizeof(std::uint32_t);
  static_assert(sizeof(DeviceRow) % sizeof(std::uint32_t) == 0 && kWords <= kThreads);
  if (simt::thread() < kWords) {
    const auto word_of = [](auto* row) {
      return reinterpret_cast<char*>(row) + simt::thread() * static_cast<std::int32_t>(sizeof(std::uint32_t));
    };
    __builtin_memcpy(__builtin_assume_aligned(word_of(&shared.row), sizeof(std::uint32_t)),
                     __builtin_assume_aligned(word_of(args.rows + index), sizeof(std::uint32_t)),
                     sizeof(std::uint32_t));
  }
  std::int32_t* const candidates =
      args.candidates == nullptr ? nullptr : args.candidates + std::int64_t{index} * kDeviceCandidates;
  // draw_token writes over these, behind a barrier.
  if (candidates != nullptr && simt::thread() < kDeviceCandidates) candidates[simt::thread()] = -1;
  simt::sync_block();
  DeviceDraw draw = {-1, 0.0f, 0.0f, DrawStatus::dead};
  if (shared.row.live != 0 && shared.row.remaining > 0) {
    const float* const values = args.first ? shared.row.first_logits : args.logits + index * args.stride;
    draw = draw_token(shared, values, args.vocabulary, candidates);
  }
  if (simt::thread() != 0) return;
  args.out[index] = draw;
  advance(args.rows[index], draw);
}

}  // namespace

simt::LaunchStatus sample(const Queue& queue, const DeviceSampleArgs& args) {
  if (args.count == 0) return simt::kLaunched;
  return simt::launch(sample_rows, {args.count, 1, 1}, kThreads, sizeof(Shared), queue.stream, args);
}

}  // namespace faultline::ops::cuda
