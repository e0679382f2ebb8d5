// gemm_int8 for AVX512-VNNI: gemm_offset_quads.inl over vec_avx512.h and quads_avx512vnni.h.
#if defined(__x86_64__)
#define FAULTLINE_VEC avx512vnni
#include "native/ops/cpu/vec_avx512.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/quads_avx512vnni.h"
// And the quads before what uses them.
#include "native/ops/cpu/gemm_offset_quads.inl"
#endif
