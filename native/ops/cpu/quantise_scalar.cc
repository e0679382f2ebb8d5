// quantise for any CPU: quantise.inl over vec_scalar.h.
#include "native/ops/cpu/vec_scalar.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/quantise.inl"
