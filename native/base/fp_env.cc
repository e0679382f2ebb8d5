#include "native/base/fp_env.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace faultline::base {

#if defined(__x86_64__) || defined(_M_X64)

namespace {
// MXCSR: all exceptions masked (0x1F80), round to nearest even (bits 13-14 zero), FTZ (bit 15), DAZ (bit 6).
constexpr unsigned kMode = 0x1F80u | 0x8000u | 0x0040u;
}  // namespace

FpEnv::FpEnv() : saved_(_mm_getcsr()) { _mm_setcsr(kMode); }
FpEnv::~FpEnv() { _mm_setcsr(static_cast<unsigned>(saved_)); }

#elif defined(__aarch64__)

namespace {
// FPCR: round to nearest even (bits 22-23 zero), FZ (bit 24: inputs and results), no traps, no default NaN.
constexpr std::uint64_t kMode = std::uint64_t{1} << 24;

std::uint64_t read_fpcr() {
  std::uint64_t value;
  __asm__ volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
void write_fpcr(std::uint64_t value) { __asm__ volatile("msr fpcr, %0" : : "r"(value)); }
}  // namespace

FpEnv::FpEnv() : saved_(read_fpcr()) { write_fpcr(kMode); }
FpEnv::~FpEnv() { write_fpcr(saved_); }

#else
#error "faultline needs a floating-point mode for this architecture: add it here"
#endif

}  // namespace faultline::base
