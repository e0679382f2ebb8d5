// The floating-point mode that every result in faultline is defined under: round to nearest even, denormal inputs and
// results are zero. Threads that call ops hold an FpEnv; Node's own threads never keep one beyond a call.
#pragma once

#include <cstdint>

namespace faultline::base {

/// Sets the calling thread's mode (MXCSR on x86, FPCR on ARM) and restores the former one on destruction. Must be
/// destroyed on the thread that made it.
class FpEnv {
 public:
  FpEnv();
  ~FpEnv();
  FpEnv(const FpEnv&) = delete;
  FpEnv& operator=(const FpEnv&) = delete;

 private:
  std::uint64_t saved_;
};

}  // namespace faultline::base
