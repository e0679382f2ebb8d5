// gemm_bf16 for AMX-BF16: gemm_tiles.inl over vec_avx512.h and tiles_amx.h.
#if defined(__x86_64__)
#define FAULTLINE_VEC amx
#include "native/ops/cpu/vec_avx512.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/tiles_amx.h"
// And the tiles before what uses them.
#include "native/ops/cpu/gemm_tiles.inl"
#endif
