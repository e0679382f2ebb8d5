// gemm_int8 for any CPU: gemm_plain_quads.inl over vec_scalar.h and quads_scalar.h.
#include "native/ops/cpu/vec_scalar.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/quads_scalar.h"
// And the quads before what uses them.
#include "native/ops/cpu/gemm_plain_quads.inl"
