// attend and attention_end for ARM64: attention.inl over vec_neon.h.
#if defined(__aarch64__)
#include "native/ops/cpu/vec_neon.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/attention.inl"
#endif
