// layernorm for ARM64: layernorm.inl over vec_neon.h.
#if defined(__aarch64__)
#include "native/ops/cpu/vec_neon.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/layernorm.inl"
#endif
