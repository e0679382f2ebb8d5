// Picks the implementation of every op, once per process: the best instruction set that this CPU runs and kernels.def
// has rows for. Remembers why the others were refused, for `faultline doctor`. FAULTLINE_FORCE_ISA overrides the
// choice. A set whose kernels are more than the vector's is taken only after its self-test (self_test.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "native/ops/cpu/isa.h"
#include "native/ops/ops.h"

namespace faultline::ops {

/// One row of kernels.def.
struct KernelRow {
  const char* op;  // "gemm"
  cpu::Isa isa;
  const char* function;  // "avx2::gemm"
};

/// An instruction set that was considered, best first.
struct Candidate {
  cpu::Isa isa;
  bool picked;
  std::string refused;  // the reason, empty when picked
};

struct Selection {
  cpu::Isa isa = cpu::Isa::scalar;
  std::string cpu_brand;
  /// How gemm_bf16 computes; part of every output's provenance where weights are bfloat16.
  cpu::Family family = cpu::Family::fma;
  /// The packing that gemm_bf16 reads, and so what bfloat16 weights are packed to.
  WeightType bf16_weights = WeightType::bf16;
  OpTable ops{};
  std::vector<Candidate> candidates;
  std::vector<KernelRow> kernels;  // the row in use for each op, in ops.h's order

  /// The row in use for one op. Throws Error(internal) for a name that is none.
  const KernelRow& kernel(std::string_view op) const;
};

/// The process's choice, made at the first call from FAULTLINE_FORCE_ISA and the machine. Thread-safe. Throws
/// Error(usage) for an unknown name (listing the valid ones), Error(environment) when the forced set cannot run here;
/// then every call throws.
const Selection& selection();

/// selection().ops.
const OpTable& ops();

/// Why a set that the machine has must not be used all the same, or empty: set_fault of self_test.h, but for tests.
using SelfTest = std::string (*)(cpu::Isa);

/// The function behind selection(): `forced` is null or a name. `self_test` is asked about the set that would be picked
/// alone; null believes the machine, so that tests may describe one that is not there.
Selection select(const char* forced, const cpu::CpuFeatures& machine, SelfTest self_test = nullptr);

/// The product that takes weights of a type, in any packing: gemm, gemm_bf16 or gemm_int8.
decltype(OpTable::gemm) product_of(const OpTable& ops, WeightType weights);

/// What the process's kernels want weights of a dtype packed to; bf16 stands for bfloat16 in any packing.
WeightType packing_of(WeightType dtype);

/// All rows of kernels.def that this build contains.
const std::vector<KernelRow>& kernel_rows();

/// The packing that a family's gemm_bf16 reads.
WeightType bf16_weights(cpu::Family family);

/// The scalar table with the portable form of the set's kernels in it, which any CPU runs and which computes the same
/// bits as the set itself; nothing for a set whose kernels are all written over the vector, which scalar is a form of.
/// For tests and the self-test.
std::optional<OpTable> portable_ops(cpu::Isa isa);

}  // namespace faultline::ops
