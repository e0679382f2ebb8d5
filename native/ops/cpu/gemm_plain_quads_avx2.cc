// gemm_int8 for AVX2: gemm_plain_quads.inl over vec_avx2.h and quads_avx2.h.
#if defined(__x86_64__)
#include "native/ops/cpu/vec_avx2.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/quads_avx2.h"
// And the quads before what uses them.
#include "native/ops/cpu/gemm_plain_quads.inl"
#endif
