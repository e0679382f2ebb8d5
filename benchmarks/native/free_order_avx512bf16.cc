// Free orders of gemm_bf16's family dpbf16.
#if defined(__x86_64__)
// A name of its own: the kernels in use must stay the library's.
#define FAULTLINE_VEC avx512bf16_free
#include "native/ops/cpu/vec_avx512.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/pairs_avx512bf16.h"
// And the pairs before what uses them.
#include "native/ops/cpu/gemm_pairs.inl"
// And the products before what splits them.
#include "benchmarks/native/free_order.inl"
#include "benchmarks/native/free_order_tiles_avx512.h"

namespace faultline::bench::avx512bf16 {
using namespace ops::avx512bf16_free;

extern const FreeOrder kGemmBf16[] = FAULTLINE_TILES(Pairs);

}  // namespace faultline::bench::avx512bf16
#endif
