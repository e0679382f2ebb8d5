// gemm and gemm_bf16 (family fma) for AVX-512: gemm.inl over vec_avx512.h.
#if defined(__x86_64__)
#include "native/ops/cpu/vec_avx512.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/gemm.inl"
#endif
