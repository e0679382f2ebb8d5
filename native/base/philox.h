// Philox4x32-10, the counter-based generator behind every random number in faultline: a pure function of (key,
// counter), so that a sample's numbers do not depend on what else is being drawn. This is the plain form;
// ops/cpu/draw.inl holds the vector form, and tests hold both to Random123's known answers.
#pragma once

#include <array>
#include <cstdint>

#include "native/base/philox_constants.h"

namespace faultline::base {

using PhiloxBlock = std::array<std::uint32_t, 4>;

/// Four random words. The 64-bit key's low half is Random123's key[0]. Counter words in faultline: (sample index,
/// position, attempt << 16 | block, stream).
constexpr PhiloxBlock philox4x32_10(PhiloxBlock counter, std::uint64_t key) {
  std::uint32_t key0 = static_cast<std::uint32_t>(key);
  std::uint32_t key1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const std::uint64_t product0 = std::uint64_t{kPhiloxMultiplier0} * counter[0];
    const std::uint64_t product1 = std::uint64_t{kPhiloxMultiplier1} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key0, static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key1, static_cast<std::uint32_t>(product0)};
    key0 += kPhiloxWeyl0;
    key1 += kPhiloxWeyl1;
  }
  return counter;
}

}  // namespace faultline::base
