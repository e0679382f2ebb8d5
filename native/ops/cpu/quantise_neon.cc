// quantise for NEON: quantise.inl over vec_neon.h.
#if defined(__aarch64__)
#include "native/ops/cpu/vec_neon.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/quantise.inl"
#endif
