// gemm_int8 for NEON: gemm_plain_quads.inl over vec_neon.h and quads_neon.h.
#if defined(__aarch64__)
#include "native/ops/cpu/vec_neon.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/quads_neon.h"
// And the quads before what uses them.
#include "native/ops/cpu/gemm_plain_quads.inl"
#endif
