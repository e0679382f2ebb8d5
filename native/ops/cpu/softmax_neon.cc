// softmax_stats, tail and log_sum for ARM64: softmax.inl over vec_neon.h.
#if defined(__aarch64__)
#include "native/ops/cpu/vec_neon.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/softmax.inl"
#endif
