// The matrix products of ops.h in orders of summation that an engine without batch invariance could choose for each
// product and each number of rows. For bench_invariance.cc; the product never runs them.
#pragma once

#include "native/ops/ops.h"

namespace faultline::bench {

/// One product whose outputs are sums of `chains` interleaved chains along k, folded at the end: shorter waits for the
/// multipliers, other bits. With one chain they are the product's bits in tiles of another shape, which an invariant
/// kernel may choose too.
struct FreeOrder {
  int rows, panels;  // of the register tile
  int chains;
  void (*gemm)(const ops::GemmArgs&);
};

/// Ends with a row whose gemm is null. k must be a multiple of 16.
namespace avx2 {
extern const FreeOrder kGemm[], kGemmBf16[];
}
namespace avx512 {
extern const FreeOrder kGemm[], kGemmBf16[];
}
namespace avx512bf16 {
extern const FreeOrder kGemmBf16[];
}

}  // namespace faultline::bench
