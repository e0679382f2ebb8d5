// gelu, add and round_bf16 for AVX2 with FMA: elementwise.inl over vec_avx2.h.
#if defined(__x86_64__)
#include "native/ops/cpu/vec_avx2.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/elementwise.inl"
#endif
