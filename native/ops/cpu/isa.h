// What this CPU can run, as far as faultline has or plans kernels for it. Reads CPUID and XGETBV (an instruction set
// counts only when the operating system saves its registers); knows no kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faultline::ops::cpu {

/// One row per instruction set: isas.def, worst first.
enum class Isa : std::uint8_t {
#define FAULTLINE_ISA(name, family, needs, why) name,
#include "native/ops/cpu/isas.def"
#undef FAULTLINE_ISA
};
inline constexpr int kIsaCount = 0
#define FAULTLINE_ISA(name, family, needs, why) +1
#include "native/ops/cpu/isas.def"
#undef FAULTLINE_ISA
    ;

/// How a matrix product with bfloat16 weights is computed (GemmArgs in ops.h). Within a family results are the same to
/// the bit; between two they are not.
enum class Family : std::uint8_t { fma, dpbf16, amx };

/// "avx2"; the values of FAULTLINE_FORCE_ISA.
const char* isa_name(Isa isa);
/// "dpbf16"; part of the name that is recorded with every experiment (session/cpu_backend.h).
const char* family_name(Family family);
/// The family of the set's own bfloat16 product.
Family isa_family(Isa isa);
/// The instruction set with this name, or nothing.
std::optional<Isa> isa_from_name(std::string_view name);

/// What was detected. Plain data, so that tests can describe any machine.
struct CpuFeatures {
  std::string brand;  // "AMD EPYC ...", "Arm Neoverse-N1", or the architecture's name where the machine does not say
  bool x86 = false;
  bool arm64 = false;
  bool avx2 = false;        // with FMA and F16C: no CPU has AVX2 without them, but the check is free
  bool avxvnni = false;     // with AVX2: VPDPBUSD in the encoding that needs no AVX-512
  bool avx512 = false;      // F, BW, DQ and VL
  bool avx512vnni = false;  // with those four
  bool avx512bf16 = false;  // with those four
  bool amx_bf16 = false;    // tile registers, BF16 products and those of bytes, which no CPU lacks that has the others
  bool os_avx = false;      // XCR0: the system saves ymm
  bool os_avx512 = false;
  bool os_amx = false;
  bool amx_permitted = false;  // Linux gives a process the tiles' data only when asked
};

/// Reads the machine, and where it has AMX asks the system for this process's permission to use the tiles, which every
/// thread then has. Thread-safe, costs microseconds; on ARM64, where the name stands in a file, what reading that does.
CpuFeatures detect_cpu();

/// What detect_cpu() says, asked once per process.
const CpuFeatures& this_cpu();

}  // namespace faultline::ops::cpu
