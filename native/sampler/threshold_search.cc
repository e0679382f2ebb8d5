#include "native/sampler/threshold_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "native/base/check.h"
#include "native/sampler/float_line.h"

namespace faultline::sampler {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// So many undecided tokens are collected and decided one by one. More would make the collection cost as much as the
/// pass over the row that halves them.
constexpr std::int32_t kCollect = 64;

/// Tokens that are looked at together when those are collected.
constexpr std::int32_t kBlock = 64;

/// Blocks of 16 tokens, at most, that the search goes on with alone once they hold all that it can still ask for: few
/// enough to stay near the core.
constexpr std::int32_t kGatherBlocks = 1024;

/// How far down they are looked for, in widths of the hint; a power of two, so that descend() comes by there.
constexpr float kGatherWidths = 4;

/// Straight lines need about ten; after so many the row is no ordinary one.
constexpr int kQuickGuesses = 24;

bool reaches(const ops::Tail& tail, const KeepTarget& target) {
  return tail.count >= target.count && tail.mass >= target.mass;
}

bool allowed(ops::Mask mask, std::int32_t token) {
  return mask == nullptr || (mask[token / 64] >> (token % 64) & 1) != 0;
}

bool holds(const ops::Band& band, float logit) {
  return (static_cast<int>(logit >= band.least) & static_cast<int>(logit <= band.most)) != 0;
}

class LikeliestFirst final : public KeepOrder {
 public:
  float key(float logit) const override { return logit; }
  ops::Band band(float key) const override { return {.least = key}; }
};

/// A key with the tokens of at least that key.
struct Point {
  float key;
  ops::Band band;
  ops::Tail tail;
};

/// A token that the search has not decided yet.
struct Undecided {
  float key;
  float logit;
};

class Search {
 public:
  Search(const TruncatedRow& row, const KeepOrder& order, const KeepTarget& target)
      : ops_(row.ops), args_(row.args), within_(row.args.kept), order_(order), target_(target) {}

  ops::Band run(const KeepHint& hint) {
    gather(hint.first_key - kGatherWidths * hint.width);
    high_ = at(hint.first_key);
    if (reaches(high_.tail, target_)) return high_.band;
    if (!descend(hint)) return within_;
    low_residual_ = residual(low_);
    high_residual_ = residual(high_);
    while (low_.tail.count - high_.tail.count > kCollect) {
      if (args_.logits != gathered_.data() && low_.tail.count <= kGatherBlocks) gather(low_.key);
      const float guess = next_guess();
      if (ordered(guess) == ordered(low_.key))
        return low_.band;  // neighbouring floats: more than kCollect tokens tie here
      move_end(at(guess));
    }
    return decide_one_by_one();
  }

 private:
  Point at(float key) {
    args_.kept = intersection(within_, order_.band(key));
    return {key, args_.kept, ops_.tail(args_)};
  }

  /// Leaves the row for its tokens down to `key`, if they reach the target and are not too many: the passes from here
  /// on ask for no other.
  void gather(float key) {
    ops::TailArgs part = args_;
    part.kept = intersection(within_, order_.band(key));
    part.n = ops_.gather({.logits = args_.logits,
                          .n = args_.n,
                          .kept = part.kept,
                          .mask = args_.mask,
                          .out = gathered_.data(),
                          .room = static_cast<std::int32_t>(gathered_.size())});
    part.logits = gathered_.data();
    part.mask = nullptr;
    if (part.n >= 0 && reaches(ops_.tail(part), target_)) args_ = part;
  }

  /// Goes down until the tail reaches the target. The first width holds most of the mass of the distributions that
  /// language models have; the last one, 2^6 times as wide, holds everything that float can tell from nothing.
  bool descend(const KeepHint& hint) {
    float width = hint.width;
    for (int i = 0; i < 7; ++i, width *= 2.0F) {
      low_ = at(hint.first_key - width);
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
    const float low = low_.key;
    const float high = high_.key;
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

  /// The undecided tokens are those in low_'s band and not in high_'s: collected, sorted, and the boundary among them
  /// found.
  ops::Band decide_one_by_one() {
    std::array<Undecided, kCollect> tokens{};
    std::int32_t count = 0;
    const ops::Band low = low_.band;
    const ops::Band high = high_.band;
    const auto undecided = [&](float logit) {
      return static_cast<int>(holds(low, logit)) & ~static_cast<int>(holds(high, logit));
    };
    // Hardly any block has one, and a block without a branch is compared many logits at a time.
    for (std::int32_t first = 0; first < args_.n; first += kBlock) {
      const float* const block = args_.logits + first;
      const std::int32_t size = std::min(kBlock, args_.n - first);
      int any = 0;
      for (std::int32_t i = 0; i < size; ++i) any |= undecided(block[i]);
      if (any == 0) continue;
      for (std::int32_t i = 0; i < size; ++i) {
        if (undecided(block[i]) == 0 || !allowed(args_.mask, first + i)) continue;
        FAULTLINE_CHECK(count < kCollect);
        tokens[static_cast<std::size_t>(count++)] = {order_.key(block[i]), block[i]};
      }
    }
    std::sort(tokens.begin(), tokens.begin() + count,
              [](const Undecided& a, const Undecided& b) { return a.key > b.key; });
    const auto token = [&](std::int32_t i) -> const Undecided& { return tokens[static_cast<std::size_t>(i)]; };
    const auto band_down_to = [&](std::int32_t i) { return intersection(within_, order_.band(token(i).key)); };

    if (target_.mass <= 0) return band_down_to(target_.count - high_.tail.count - 1);

    // Approximate masses say where the boundary should be; exact tails then confirm or correct it. Before `first` every
    // token fails, and the last one, whose tail is low_'s, reaches the target.
    std::int32_t first = 0;
    std::int32_t last = count - 1;
    std::int32_t probe = 0;
    for (double mass = high_.tail.mass; probe < last; ++probe) {
      mass += std::exp(double{token(probe).logit} * args_.inv_temperature - args_.max);
      if (mass >= target_.mass) break;
    }
    while (first < last) {
      probe = std::clamp(probe, first, last - 1);
      if (reaches(at(token(probe).key).tail, target_)) {
        last = probe;
        --probe;
      } else {
        first = probe + 1;
        ++probe;
      }
    }
    return band_down_to(last);
  }

  const ops::OpTable& ops_;
  ops::TailArgs args_;
  const ops::Band within_;
  const KeepOrder& order_;
  const KeepTarget target_;
  Point low_{};   // reaches the target
  Point high_{};  // does not
  double low_residual_ = 0;
  double high_residual_ = 0;
  bool moved_low_ = false;
  int guesses_ = 0;
  std::array<float, std::size_t{kGatherBlocks} * ops::kLanes> gathered_;  // what args_ stands for after gather()
};

}  // namespace

ops::Band find_band(const TruncatedRow& row, const KeepOrder& order, const KeepHint& hint, const KeepTarget& target) {
  return Search(row, order, target).run(hint);
}

ops::Band find_likeliest(const TruncatedRow& row, const KeepTarget& target) {
  const KeepHint hint{.first_key = row.largest_logit, .width = 2.0F / row.args.inv_temperature};
  return find_band(row, LikeliestFirst(), hint, target);
}

}  // namespace faultline::sampler
