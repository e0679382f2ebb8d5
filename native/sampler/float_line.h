// All floats from -infinity to infinity in one line, so that they can be halved like a list: where a predicate of a
// float flips is found to the bit in 32 steps, whatever its shape. Knows no logits.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace faultline::sampler {

/// Floats in ascending order as integers in ascending order, both zeros as 0. Not for NaN.
inline std::int32_t ordered(float value) {
  const std::int32_t bits = std::bit_cast<std::int32_t>(value);
  return bits >= 0 ? bits : std::numeric_limits<std::int32_t>::min() - bits;
}

/// The float at that place; 0 is +0.
inline float unordered(std::int32_t order) {
  return std::bit_cast<float>(order >= 0 ? order : std::numeric_limits<std::int32_t>::min() - order);
}

/// The float that halves what lies between the two; the lower one where they are neighbours.
inline float middle(float low, float high) {
  return unordered(static_cast<std::int32_t>((std::int64_t{ordered(low)} + ordered(high)) >> 1));
}

/// The largest float below `value`, which is not -infinity.
inline float before(float value) { return unordered(ordered(value) - 1); }

/// The least float for which `holds`, a predicate that is false up to some float and true from there on; infinity is
/// not asked and taken for true.
template <class Predicate>
float least_where(Predicate&& holds) {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  if (holds(low)) return low;
  // By place: denormals, which are different floats, are all equal to zero in the mode of base::FpEnv.
  for (float guess = middle(low, high); ordered(guess) != ordered(low); guess = middle(low, high))
    (holds(guess) ? high : low) = guess;
  return high;
}

}  // namespace faultline::sampler
