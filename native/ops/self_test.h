// Whether this CPU computes a set's own products as they are defined: a small product by the instructions and by their
// portable form, compared bit by bit. registry.cc asks it once, before it takes a set whose instructions may be on no
// machine that the tests have run on. No replacement for those tests: it looks at a few thousand sums.
#pragma once

#include <string>

#include "native/ops/cpu/isa.h"
#include "native/ops/ops.h"

namespace faultline::ops {

/// Where the product with weights of a type differs between `ops` and `right`: "its gemm_bf16 ...", to be read after
/// the set's name; empty where all bits are the same. Takes `right`'s activations for both. Well below a millisecond
/// for each type. Callable from any thread, in any floating-point mode; restores it.
std::string product_fault(const OpTable& ops, const OpTable& right, WeightType type);

/// The first product_fault of the set's kernels, bfloat16's before int8's, against portable_ops (registry.h). Empty for
/// a set that has no portable form. This CPU must have the set's instructions.
std::string set_fault(cpu::Isa isa);

}  // namespace faultline::ops
