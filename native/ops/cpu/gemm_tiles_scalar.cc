// The portable form of gemm_tiles, for tests: gemm_tiles.inl over vec_scalar.h and tiles_scalar.h.
#include "native/ops/cpu/vec_scalar.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/tiles_scalar.h"
// And the tiles before what uses them.
#include "native/ops/cpu/gemm_tiles.inl"
