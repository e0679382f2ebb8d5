// gemm_bf16 for AVX512-BF16: gemm_pairs.inl over vec_avx512.h and pairs_avx512bf16.h.
#if defined(__x86_64__)
#define FAULTLINE_VEC avx512bf16
#include "native/ops/cpu/vec_avx512.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/pairs_avx512bf16.h"
// And the pairs before what uses them.
#include "native/ops/cpu/gemm_pairs.inl"
#endif
