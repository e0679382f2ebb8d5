#include "native/sampler/threshold_search.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "native/base/check.h"

namespace faultline::sampler {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// So many undecided tokens are collected and decided one by one. More would make the collection cost as much as the
/// pass over the row that halves them.
constexpr std::int32_t kCollect = 64;

/// Straight lines need about ten; after so many the row is no ordinary one.
constexpr int kQuickGuesses = 24;

/// Floats in ascending order as integers in ascending order, so that the middle of two floats halves what lies between.
std::int32_t ordered(float value) {
  const std::int32_t bits = std::bit_cast<std::int32_t>(value);
  return bits >= 0 ? bits : std::numeric_limits<std::int32_t>::min() - bits;
}
float unordered(std::int32_t order) {
  return std::bit_cast<float>(order >= 0 ? order : std::numeric_limits<std::int32_t>::min() - order);
}
float middle(float low, float high) {
  return unordered(static_cast<std::int32_t>((std::int64_t{ordered(low)} + ordered(high)) >> 1));
}

bool reaches(const ops::Tail& tail, const TailTarget& target) {
  return tail.count >= target.count && tail.mass >= target.mass;
}

bool allowed(ops::Mask mask, std::int32_t token) {
  return mask == nullptr || (mask[token / 64] >> (token % 64) & 1) != 0;
}

/// A threshold with its tail.
struct Point {
  float threshold;
  ops::Tail tail;
};

class Search {
 public:
  Search(const ops::OpTable& ops, const ops::TailArgs& args, const TailTarget& target)
      : ops_(ops), args_(args), target_(target) {}

  float run(float max_logit) {
    high_ = at(max_logit);
    if (reaches(high_.tail, target_)) return max_logit;
    if (!descend(max_logit)) return -kInfinity;
    low_residual_ = residual(low_);
    high_residual_ = residual(high_);
    while (low_.tail.count - high_.tail.count > kCollect) {
      const float guess = next_guess();
      if (guess == low_.threshold) return guess;  // neighbouring floats: more than kCollect tokens tie here
      move_end(at(guess));
    }
    return decide_one_by_one();
  }

 private:
  Point at(float threshold) {
    args_.threshold = threshold;
    return {threshold, ops_.tail(args_)};
  }

  /// Widens the tail until it reaches the target. The first width holds most of the mass of the distributions that
  /// language models have; the last one, 2^6 times as wide, holds everything that float can tell from nothing.
  bool descend(float max_logit) {
    float width = 2.0F / args_.inv_temperature;
    for (int i = 0; i < 7; ++i, width *= 2.0F) {
      low_ = at(max_logit - width);
      if (reaches(low_.tail, target_)) return true;
      high_ = low_;
    }
    low_ = at(-kInfinity);
    return reaches(low_.tail, target_);
  }

  /// How much the tail has beyond the target: not negative for low_, negative for high_. Half a token keeps counts from
  /// meeting the target exactly, where the line would stop moving.
  double residual(const Point& point) const {
    return target_.count > 0 ? point.tail.count + 0.5 - target_.count : double{point.tail.mass} - target_.mass;
  }

  /// Between the ends: where a straight line through their residuals meets zero. Should that take long (many tokens
  /// that tie, or nearly), halving the floats in between is sure to end.
  float next_guess() {
    const float low = low_.threshold;
    const float high = high_.threshold;
    if (++guesses_ <= kQuickGuesses && std::isfinite(low)) {
      const double share = high_residual_ / (high_residual_ - low_residual_);
      const auto guess = static_cast<float>(high - share * (double{high} - low));
      if (guess > low && guess < high) return guess;
    }
    return middle(low, high);
  }

  /// The Illinois rule: an end that stays twice in a row counts half, or the line would creep towards it.
  void move_end(const Point& point) {
    const bool moves_low = reaches(point.tail, target_);
    (moves_low ? low_ : high_) = point;
    (moves_low ? low_residual_ : high_residual_) = residual(point);
    if (guesses_ > 1 && moves_low == moved_low_) (moves_low ? high_residual_ : low_residual_) /= 2;
    moved_low_ = moves_low;
  }

  /// The undecided tokens are those with low <= logit < high: collected, sorted, and the boundary among them found.
  float decide_one_by_one() {
    std::array<float, kCollect> values{};
    std::int32_t count = 0;
    for (std::int32_t i = 0; i < args_.n; ++i) {
      const float logit = args_.logits[i];
      if (logit >= low_.threshold && logit < high_.threshold && allowed(args_.mask, i)) {
        FAULTLINE_CHECK(count < kCollect);
        values[static_cast<std::size_t>(count++)] = logit;
      }
    }
    const auto end = values.begin() + count;
    std::sort(values.begin(), end, std::greater<>());

    if (target_.mass <= 0) return values[static_cast<std::size_t>(target_.count - high_.tail.count - 1)];

    // Approximate masses say where the boundary should be; exact tails then confirm or correct it. `known` values of
    // the sorted list fail from the front, and the last one, whose tail is low_'s, reaches the target.
    std::int32_t first = 0;
    std::int32_t last = count - 1;
    std::int32_t probe = 0;
    for (double mass = high_.tail.mass; probe < last; ++probe) {
      mass += std::exp(double{values[static_cast<std::size_t>(probe)]} * args_.inv_temperature - args_.max);
      if (mass >= target_.mass) break;
    }
    while (first < last) {
      probe = std::clamp(probe, first, last - 1);
      if (reaches(at(values[static_cast<std::size_t>(probe)]).tail, target_)) {
        last = probe;
        --probe;
      } else {
        first = probe + 1;
        ++probe;
      }
    }
    return values[static_cast<std::size_t>(last)];
  }

  const ops::OpTable& ops_;
  ops::TailArgs args_;
  TailTarget target_;
  Point low_{};   // reaches the target
  Point high_{};  // does not
  double low_residual_ = 0;
  double high_residual_ = 0;
  bool moved_low_ = false;
  int guesses_ = 0;
};

}  // namespace

float find_threshold(const ops::OpTable& ops, ops::TailArgs args, float max_logit, const TailTarget& target) {
  return Search(ops, args, target).run(max_logit);
}

}  // namespace faultline::sampler
