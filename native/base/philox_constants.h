// The numbers that define Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011). Constants only, no functions: files that
// are compiled for one instruction set, and CUDA, include this header and write the rounds themselves.
#pragma once

#include <cstdint>

namespace faultline::base {

inline constexpr std::uint32_t kPhiloxMultiplier0 = 0xD2511F53u;
inline constexpr std::uint32_t kPhiloxMultiplier1 = 0xCD9E8D57u;
inline constexpr std::uint32_t kPhiloxWeyl0 = 0x9E3779B9u;  // golden ratio
inline constexpr std::uint32_t kPhiloxWeyl1 = 0xBB67AE85u;  // sqrt(3) - 1
inline constexpr int kPhiloxRounds = 10;

}  // namespace faultline::base
