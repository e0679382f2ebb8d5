// gelu, add and round_bf16 for any CPU: elementwise.inl over vec_scalar.h.
#include "native/ops/cpu/vec_scalar.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/elementwise.inl"
