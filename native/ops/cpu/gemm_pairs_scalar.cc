// The portable form of gemm_pairs, for tests: gemm_pairs.inl over vec_scalar.h and pairs_scalar.h.
#include "native/ops/cpu/vec_scalar.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/pairs_scalar.h"
// And the pairs before what uses them.
#include "native/ops/cpu/gemm_pairs.inl"
