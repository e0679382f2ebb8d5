// quantise for AVX2: quantise.inl over vec_avx2.h.
#if defined(__x86_64__)
#include "native/ops/cpu/vec_avx2.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/quantise.inl"
#endif
