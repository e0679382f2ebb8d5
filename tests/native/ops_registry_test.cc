// The choice of kernels, on this machine and on machines described as data.
#include <set>

#include "native/ops/cpu/arm_brand.h"
#include "native/ops/registry.h"
#include "tests/native/check.h"

namespace faultline::check {
namespace {

using namespace ops;
using cpu::CpuFeatures;
using cpu::Isa;

CpuFeatures server() {
  CpuFeatures machine;
  machine.brand = "test";
  machine.x86 = machine.avx2 = machine.avxvnni = true;
  machine.avx512 = machine.avx512vnni = machine.avx512bf16 = machine.amx_bf16 = true;
  machine.os_avx = machine.os_avx512 = machine.os_amx = machine.amx_permitted = true;
  return machine;
}

[[maybe_unused]] std::string reason(const Selection& selection, Isa isa) {
  for (const Candidate& candidate : selection.candidates) {
    if (candidate.isa == isa) return candidate.refused;
  }
  return "missing";
}

TEST(registry_has_a_scalar_kernel_for_every_op) {
  std::set<std::string> with_scalar, all;
  for (const KernelRow& row : kernel_rows()) {
    all.insert(row.op);
    if (row.isa == Isa::scalar) with_scalar.insert(row.op);
  }
  EXPECT(all == with_scalar);
  EXPECT_EQ(all.size(), sizeof(OpTable) / sizeof(void*));
}

TEST(registry_fills_every_op_and_explains_every_set) {
  const Selection chosen = select(nullptr, cpu::detect_cpu());
  EXPECT_EQ(chosen.kernels.size(), sizeof(OpTable) / sizeof(void*));
  EXPECT_EQ(static_cast<int>(chosen.candidates.size()), cpu::kIsaCount);
  int picked = 0;
  for (const Candidate& candidate : chosen.candidates) {
    picked += candidate.picked;
    EXPECT(candidate.picked == candidate.refused.empty());
  }
  EXPECT_EQ(picked, 1);
  EXPECT(!chosen.cpu_brand.empty());
  note("this machine: " + chosen.cpu_brand + ", " + cpu::isa_name(chosen.isa) + ", bfloat16 by " +
       cpu::family_name(chosen.family));
}

#if defined(__x86_64__)
TEST(registry_takes_the_best_the_machine_runs) {
  EXPECT(select(nullptr, server()).isa == Isa::amx);
  EXPECT_EQ(reason(select(nullptr, server()), Isa::avx2), "amx is better");
  CpuFeatures machine = server();
  machine.amx_bf16 = false;
  EXPECT(select(nullptr, machine).isa == Isa::avx512bf16);
  EXPECT_EQ(reason(select(nullptr, machine), Isa::amx), "this CPU has no AMX-BF16");
  machine.avx512bf16 = false;
  EXPECT(select(nullptr, machine).isa == Isa::avx512vnni);
  EXPECT_EQ(reason(select(nullptr, machine), Isa::avx512bf16), "this CPU has no AVX512-BF16");
  machine.avx512vnni = false;
  EXPECT(select(nullptr, machine).isa == Isa::avx512);
  EXPECT_EQ(reason(select(nullptr, machine), Isa::avx512vnni), "this CPU has no AVX512-VNNI");
  EXPECT_EQ(reason(select(nullptr, machine), Isa::avxvnni), "avx512 is better");
  machine.avx512 = false;
  EXPECT(select(nullptr, machine).isa == Isa::avxvnni);
  machine.avxvnni = false;
  EXPECT(select(nullptr, machine).isa == Isa::avx2);
  EXPECT_EQ(reason(select(nullptr, machine), Isa::avxvnni), "this CPU has no AVX-VNNI");
  EXPECT(select("", machine).isa == Isa::avx2);
}

/// A set brings its own bfloat16 product and takes everything else from the sets below it.
TEST(registry_families) {
  const auto family = [](const char* forced) { return select(forced, server()).family; };
  using cpu::Family;
  EXPECT(family(nullptr) == Family::amx);
  EXPECT(family("avx512bf16") == Family::dpbf16);
  for (const char* lower : {"avx512vnni", "avx512", "avxvnni", "avx2", "scalar"}) EXPECT(family(lower) == Family::fma);
  for (const KernelRow& row : select("amx", server()).kernels) {
    EXPECT(row.isa == (std::string_view(row.op).starts_with("gemm_") ? Isa::amx : Isa::avx512));
  }
  EXPECT(select("avx512", server()).bf16_weights == WeightType::bf16);
  EXPECT(select("avx512bf16", server()).bf16_weights == WeightType::bf16_pairs);
  EXPECT(select("amx", server()).bf16_weights == WeightType::bf16_pairs);
  EXPECT_EQ(std::string(cpu::family_name(Family::dpbf16)), "dpbf16");
}

/// The sets of VPDPBUSD bring the product with int8 weights and nothing else, and those above without one take it.
TEST(registry_int8_product_of_each_set) {
  const auto others = [](const char* forced) {
    std::set<std::string> found;
    for (const KernelRow& row : select(forced, server()).kernels) {
      if (std::string_view(row.op) != "gemm_int8") found.insert(cpu::isa_name(row.isa));
    }
    return found;
  };
  const auto int8 = [](const char* forced) { return select(forced, server()).kernel("gemm_int8").isa; };
  EXPECT(int8("avx512bf16") == Isa::avx512vnni);
  EXPECT(int8("avx512vnni") == Isa::avx512vnni);
  EXPECT(others("avx512vnni") == std::set<std::string>{"avx512"});
  EXPECT(int8("avx512") == Isa::avx512);
  EXPECT(int8("avxvnni") == Isa::avxvnni);
  EXPECT(others("avxvnni") == std::set<std::string>{"avx2"});
  EXPECT(int8("avx2") == Isa::avx2);
  CpuFeatures machine = server();
  machine.avx512vnni = false;
  EXPECT(select("avx512bf16", machine).kernel("gemm_int8").isa == Isa::avx512);
}

TEST(registry_believes_the_system_over_the_cpu) {
  CpuFeatures machine = server();
  machine.amx_permitted = false;
  EXPECT(select(nullptr, machine).isa == Isa::avx512bf16);
  EXPECT(reason(select(nullptr, machine), Isa::amx).find("ARCH_REQ_XCOMP_PERM") != std::string::npos);
  machine.os_amx = false;
  EXPECT(reason(select(nullptr, machine), Isa::amx).find("does not save AMX tiles") != std::string::npos);
  machine.os_avx512 = false;
  EXPECT(reason(select(nullptr, machine), Isa::amx).find("AVX-512 cannot be used") != std::string::npos);
  EXPECT_EQ(reason(select(nullptr, machine), Isa::avx512vnni), "the system does not save the registers of AVX-512");
  EXPECT(select(nullptr, machine).isa == Isa::avxvnni);
  machine.os_avx = false;
  EXPECT(select(nullptr, machine).isa == Isa::scalar);
  EXPECT(reason(select(nullptr, machine), Isa::avx2).find("system") != std::string::npos);
  EXPECT_EQ(reason(select(nullptr, machine), Isa::avxvnni), "the system does not save the registers of AVX");
}

/// Only the set that would be picked is put to the test, and the next one where it fails.
TEST(registry_takes_no_set_that_fails_its_self_test) {
  const SelfTest amx_fails = [](Isa isa) { return std::string(isa == Isa::amx ? "its gemm_bf16 is wrong" : ""); };
  const Selection chosen = select(nullptr, server(), amx_fails);
  EXPECT(chosen.isa == Isa::avx512bf16);
  EXPECT_EQ(reason(chosen, Isa::amx), "its gemm_bf16 is wrong");
  EXPECT(chosen.kernel("gemm_bf16").isa == Isa::avx512bf16);
  EXPECT(chosen.kernel("gemm_int8").isa == Isa::avx512vnni);
  EXPECT_THROWS(environment, "FAULTLINE_FORCE_ISA=amx cannot be used here: its gemm_bf16 is wrong",
                select("amx", server(), amx_fails));
  EXPECT(select("avx2", server(), amx_fails).isa == Isa::avx2);
  EXPECT_EQ(reason(select("avx2", server(), amx_fails), Isa::amx), "FAULTLINE_FORCE_ISA asks for avx2");
  const Selection best = select(nullptr, server(), [](Isa isa) { return std::string(isa == Isa::amx ? "" : "wrong"); });
  EXPECT(best.isa == Isa::amx);
  EXPECT_EQ(reason(best, Isa::avx2), "amx is better");
}

TEST(registry_force_refuses_what_cannot_run) {
  EXPECT_THROWS(environment, "not an ARM64", select("neon", server()));
  CpuFeatures machine = server();
  machine.amx_bf16 = machine.avx512bf16 = machine.avx512vnni = machine.avxvnni = false;
  EXPECT_THROWS(environment, "FAULTLINE_FORCE_ISA=amx cannot be used here: this CPU has no AMX-BF16",
                select("amx", machine));
  EXPECT_THROWS(environment, "no AVX512-BF16", select("avx512bf16", machine));
  EXPECT_THROWS(environment, "no AVX512-VNNI", select("avx512vnni", machine));
  EXPECT_THROWS(environment, "no AVX-VNNI", select("avxvnni", machine));
  machine.avx512 = false;
  EXPECT_THROWS(environment, "FAULTLINE_FORCE_ISA=avx512", select("avx512", machine));
}
#endif

TEST(registry_force) {
  const Selection scalar = select("scalar", server());
  EXPECT(scalar.isa == Isa::scalar);
  for (const KernelRow& row : scalar.kernels) EXPECT(row.isa == Isa::scalar);
  EXPECT_THROWS(usage, "scalar, neon, avx2, avxvnni, avx512, avx512vnni, avx512bf16, amx", select("sse9", server()));
}

/// What Linux prints: one block of each core, and what else stands there is not looked at.
TEST(registry_names_arm_cpus) {
  const auto core = [](const std::string& implementer, const std::string& part) {
    return "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd evtstrm aes\nCPU implementer\t: " + implementer +
           "\nCPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: " + part + "\nCPU revision\t: 1\n\n";
  };
  EXPECT_EQ(cpu::arm_brand(core("0x41", "0xd0c") + core("0x41", "0xd0c")), "Arm Neoverse-N1");
  EXPECT_EQ(cpu::arm_brand(core("0x41", "0xd05") + core("0x41", "0xd0b") + core("0x41", "0xd05")),
            "Arm Cortex-A55 + Arm Cortex-A76");
  EXPECT_EQ(cpu::arm_brand(core("0x46", "0x001")), "Fujitsu A64FX");
  // The same part of another maker is another core.
  EXPECT_EQ(cpu::arm_brand(core("0x61", "0xd0c")), "Apple part 0xd0c");
  EXPECT_EQ(cpu::arm_brand(core("0x41", "0xfff")), "Arm part 0xfff");
  EXPECT_EQ(cpu::arm_brand(core("0x99", "0x001")), "ARM64 implementer 0x99 part 0x001");
  EXPECT_EQ(cpu::arm_brand("CPU implementer : 0x41\nCPU part : 0xd4f"), "Arm Neoverse-V2");
  EXPECT_EQ(cpu::arm_brand("vendor_id : GenuineIntel\nmodel name : Xeon\n\n"), "ARM64");
  EXPECT_EQ(cpu::arm_brand(""), "ARM64");
}

}  // namespace
}  // namespace faultline::check
