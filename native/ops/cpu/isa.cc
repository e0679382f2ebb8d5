#include "native/ops/cpu/isa.h"

#include <array>
#include <cstring>

#if defined(__aarch64__)
#include <fstream>
#include <iterator>

#include "native/ops/cpu/arm_brand.h"
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace faultline::ops::cpu {
namespace {

constexpr const char* kNames[] = {
#define FAULTLINE_ISA(name, family, needs, why) #name,
#include "native/ops/cpu/isas.def"
#undef FAULTLINE_ISA
};

constexpr Family kFamilies[] = {
#define FAULTLINE_ISA(name, family, needs, why) Family::family,
#include "native/ops/cpu/isas.def"
#undef FAULTLINE_ISA
};

#if defined(__x86_64__)

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

/// CPUID leaf and subleaf; zeros where the CPU does not have the leaf.
Registers cpuid(unsigned leaf, unsigned subleaf = 0) {
  Registers r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

bool bit(unsigned word, int index) { return (word >> index & 1u) != 0; }

/// Which register files the operating system saves on a context switch. Without this a CPU flag means nothing: the
/// upper halves of our registers would be lost when another process runs.
std::uint64_t xcr0() {
  if (!bit(cpuid(1).ecx, 27)) return 0;  // OSXSAVE
  unsigned low, high;
  // The instruction itself, because the intrinsic needs -mxsave.
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

/// Whether this process may use the tiles' data from now on. Linux hands out that much state only to processes that ask
/// (Documentation/arch/x86/xstate.rst); without the permission the first tile instruction would be a SIGILL.
bool ask_for_tiles() {
#if defined(__linux__)
  constexpr long kAskPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;           // XFEATURE_XTILEDATA
  return ::syscall(SYS_arch_prctl, kAskPermission, kTileData) == 0;
#else
  return false;
#endif
}

std::string brand() {
  if (cpuid(0x80000000u).eax < 0x80000004u) return "x86-64";
  std::array<char, 49> text{};
  for (unsigned i = 0; i < 3; ++i) {
    const Registers r = cpuid(0x80000002u + i);
    std::memcpy(text.data() + 16 * i, &r, sizeof r);
  }
  std::string name(text.data());
  const auto first = name.find_first_not_of(' ');
  if (first == std::string::npos) return "x86-64";
  return name.substr(first, name.find_last_not_of(' ') - first + 1);
}

#endif

}  // namespace

const char* isa_name(Isa isa) { return kNames[static_cast<std::size_t>(isa)]; }

const char* family_name(Family family) {
  switch (family) {
    case Family::fma:
      return "fma";
    case Family::dpbf16:
      return "dpbf16";
    case Family::amx:
      return "amx";
  }
  return "";
}

Family isa_family(Isa isa) { return kFamilies[static_cast<std::size_t>(isa)]; }

std::optional<Isa> isa_from_name(std::string_view name) {
  for (int i = 0; i < kIsaCount; ++i) {
    if (name == kNames[i]) return static_cast<Isa>(i);
  }
  return std::nullopt;
}

CpuFeatures detect_cpu() {
  CpuFeatures cpu;
#if defined(__x86_64__)
  cpu.x86 = true;
  cpu.brand = brand();
  const Registers one = cpuid(1), seven = cpuid(7), seven_one = cpuid(7, 1);
  cpu.avx2 = bit(seven.ebx, 5) && bit(one.ecx, 12) && bit(one.ecx, 29);  // AVX2, FMA, F16C
  cpu.avx512 = cpu.avx2 && bit(seven.ebx, 16) && bit(seven.ebx, 17) && bit(seven.ebx, 30) &&
               bit(seven.ebx, 31);                                                // F, DQ, BW, VL
  cpu.avxvnni = cpu.avx2 && bit(seven_one.eax, 4);                                // AVX-VNNI
  cpu.avx512vnni = cpu.avx512 && bit(seven.ecx, 11);                              // AVX512-VNNI
  cpu.avx512bf16 = cpu.avx512 && bit(seven_one.eax, 5);                           // AVX512-BF16
  cpu.amx_bf16 = bit(seven.edx, 22) && bit(seven.edx, 24) && bit(seven.edx, 25);  // AMX-BF16, AMX-TILE, AMX-INT8
  const std::uint64_t saved = xcr0();
  const auto saves = [&](std::uint64_t mask) { return (saved & mask) == mask; };
  cpu.os_avx = saves(0x6);      // xmm, ymm
  cpu.os_avx512 = saves(0xE6);  // and opmask, zmm
  cpu.os_amx = saves(0x60000);  // tile configuration, tile data
  cpu.amx_permitted = cpu.amx_bf16 && cpu.os_amx && ask_for_tiles();
#elif defined(__aarch64__)
  cpu.arm64 = true;
  std::ifstream cpuinfo("/proc/cpuinfo");
  cpu.brand = arm_brand(std::string{std::istreambuf_iterator<char>(cpuinfo), {}});
#endif
  return cpu;
}

const CpuFeatures& this_cpu() {
  static const CpuFeatures cpu = detect_cpu();
  return cpu;
}

}  // namespace faultline::ops::cpu
