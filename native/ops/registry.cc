#include "native/ops/registry.h"

#include <cstdlib>
#include <type_traits>

#include "native/base/check.h"
#include "native/base/error.h"
#include "native/ops/self_test.h"

// The kernels' declarations: each has its op's signature.
#define FAULTLINE_KERNEL(op, isa, function)              \
  namespace faultline::ops::isa {                        \
  std::remove_pointer_t<decltype(OpTable::op)> function; \
  }
#define FAULTLINE_PORTABLE(op, isa, function) FAULTLINE_KERNEL(op, scalar, function)
#include "native/ops/kernels.def"
#undef FAULTLINE_PORTABLE
#undef FAULTLINE_KERNEL

namespace faultline::ops {
namespace {

using base::Error;
using base::ErrorCode;
using cpu::CpuFeatures;
using cpu::Family;
using cpu::Isa;

/// A row with what only this file needs: how to put the function into a table.
struct Kernel {
  KernelRow row;
  void (*install)(OpTable&);
};

constexpr Kernel kKernels[] = {
#define FAULTLINE_KERNEL(op, isa, function) \
  {{#op, Isa::isa, #isa "::" #function}, [](OpTable& table) { table.op = isa::function; }},
#define FAULTLINE_PORTABLE(op, isa, function)
#include "native/ops/kernels.def"
#undef FAULTLINE_PORTABLE
#undef FAULTLINE_KERNEL
};

/// The portable forms, each under the set whose kernel it is the source of.
constexpr Kernel kPortable[] = {
#define FAULTLINE_KERNEL(op, isa, function)
#define FAULTLINE_PORTABLE(op, isa, function) \
  {{#op, Isa::isa, "scalar::" #function}, [](OpTable& table) { table.op = scalar::function; }},
#include "native/ops/kernels.def"
#undef FAULTLINE_PORTABLE
#undef FAULTLINE_KERNEL
};

/// The ops in the order of OpTable: those of the scalar rows, which exist for every op.
std::vector<const char*> op_names() {
  std::vector<const char*> names;
  for (const Kernel& kernel : kKernels) {
    if (kernel.row.isa == Isa::scalar) names.push_back(kernel.row.op);
  }
  return names;
}

bool has_kernels(Isa isa) {
  for (const Kernel& kernel : kKernels) {
    if (kernel.row.isa == isa) return true;
  }
  return false;
}

/// Why this machine cannot run the set, or empty.
std::string refusal(Isa isa, const CpuFeatures& cpu) {
  struct Row {
    bool available;
    const char* why;
  };
  const Row rows[] = {
#define FAULTLINE_ISA(name, family, needs, why) {needs, why},
#include "native/ops/cpu/isas.def"
#undef FAULTLINE_ISA
  };
  const Row& row = rows[static_cast<std::size_t>(isa)];
  if (!row.available) return row.why;
  if (!has_kernels(isa)) return "no kernels yet";
  return {};
}

std::string valid_names() {
  std::string text;
  for (int i = 0; i < cpu::kIsaCount; ++i)
    text += (i == 0 ? "" : ", ") + std::string(cpu::isa_name(static_cast<Isa>(i)));
  return text;
}

/// The best row for each op among those the machine runs, not above `best`.
void fill(Selection& selection, Isa best, const CpuFeatures& machine) {
  for (const char* op : op_names()) {
    const Kernel* chosen = nullptr;
    for (const Kernel& kernel : kKernels) {
      const bool runs =
          std::string_view(kernel.row.op) == op && kernel.row.isa <= best && refusal(kernel.row.isa, machine).empty();
      if (runs && (chosen == nullptr || kernel.row.isa > chosen->row.isa)) chosen = &kernel;
    }
    chosen->install(selection.ops);  // a scalar row exists for every op, and scalar is never refused
    selection.kernels.push_back(chosen->row);
  }
  selection.family = cpu::isa_family(selection.kernel("gemm_bf16").isa);
  selection.bf16_weights = bf16_weights(selection.family);
}

}  // namespace

const KernelRow& Selection::kernel(std::string_view op) const {
  for (const KernelRow& row : kernels) {
    if (row.op == op) return row;
  }
  FAULTLINE_CHECK(false, std::string(op));
  return kernels.front();
}

WeightType bf16_weights(Family family) { return family == Family::fma ? WeightType::bf16 : WeightType::bf16_pairs; }

Selection select(const char* forced, const CpuFeatures& machine, SelfTest self_test) {
  Selection selection;
  selection.cpu_brand = machine.brand;
  std::optional<Isa> only;
  if (forced != nullptr && *forced != '\0') {
    only = cpu::isa_from_name(forced);
    if (!only) {
      throw Error(ErrorCode::usage,
                  "FAULTLINE_FORCE_ISA=" + std::string(forced) + " is no instruction set; valid are " + valid_names(),
                  "Set FAULTLINE_FORCE_ISA to one of them, or unset it.");
    }
    std::string reason = refusal(*only, machine);
    if (reason.empty() && self_test != nullptr) reason = self_test(*only);
    if (!reason.empty()) {
      throw Error(ErrorCode::environment,
                  "FAULTLINE_FORCE_ISA=" + std::string(forced) + " cannot be used here: " + reason,
                  "Unset FAULTLINE_FORCE_ISA to use the best instruction set this machine has.");
    }
  }
  bool picked = false;
  for (int i = cpu::kIsaCount - 1; i >= 0; --i) {
    const Isa isa = static_cast<Isa>(i);
    std::string reason = refusal(isa, machine);
    if (reason.empty() && only && isa != *only) reason = "FAULTLINE_FORCE_ISA asks for " + std::string(forced);
    if (reason.empty() && picked) reason = std::string(cpu::isa_name(selection.isa)) + " is better";
    // The forced set has passed above.
    if (reason.empty() && !only && self_test != nullptr) reason = self_test(isa);
    if (reason.empty()) {
      picked = true;
      selection.isa = isa;
    }
    selection.candidates.push_back({isa, reason.empty(), reason});
  }
  fill(selection, selection.isa, machine);
  return selection;
}

const Selection& selection() {
  static const Selection chosen = select(std::getenv("FAULTLINE_FORCE_ISA"), cpu::this_cpu(), set_fault);
  return chosen;
}

const OpTable& ops() { return selection().ops; }

decltype(OpTable::gemm) product_of(const OpTable& ops, WeightType weights) {
  switch (weights) {
    case WeightType::f32:
      return ops.gemm;
    case WeightType::bf16:
    case WeightType::bf16_pairs:
      return ops.gemm_bf16;
    case WeightType::int8:
      return ops.gemm_int8;
  }
  throw Error(ErrorCode::internal, "a weight type that no product takes");
}

WeightType packing_of(WeightType dtype) { return dtype == WeightType::bf16 ? selection().bf16_weights : dtype; }

const std::vector<KernelRow>& kernel_rows() {
  static const std::vector<KernelRow> rows = [] {
    std::vector<KernelRow> all;
    for (const Kernel& kernel : kKernels) all.push_back(kernel.row);
    return all;
  }();
  return rows;
}

std::optional<OpTable> portable_ops(Isa isa) {
  std::optional<OpTable> table;
  for (const Kernel& kernel : kPortable) {
    if (kernel.row.isa != isa) continue;
    if (!table) table = select(cpu::isa_name(Isa::scalar), {}).ops;
    kernel.install(*table);
  }
  return table;
}

}  // namespace faultline::ops
