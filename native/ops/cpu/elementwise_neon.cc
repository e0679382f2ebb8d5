// gelu and add for ARM64: elementwise.inl over vec_neon.h.
#if defined(__aarch64__)
#include "native/ops/cpu/vec_neon.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/elementwise.inl"
#endif
