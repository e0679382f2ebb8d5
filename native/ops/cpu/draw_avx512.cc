// draw for AVX-512: draw.inl over vec_avx512.h.
#if defined(__x86_64__)
#include "native/ops/cpu/vec_avx512.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/draw.inl"
#endif
