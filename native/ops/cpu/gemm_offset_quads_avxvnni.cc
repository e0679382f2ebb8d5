// gemm_int8 for AVX-VNNI: gemm_offset_quads.inl over vec_avx2.h and quads_avxvnni.h.
#if defined(__x86_64__)
#define FAULTLINE_VEC avxvnni
#include "native/ops/cpu/vec_avx2.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/quads_avxvnni.h"
// And the quads before what uses them.
#include "native/ops/cpu/gemm_offset_quads.inl"
#endif
