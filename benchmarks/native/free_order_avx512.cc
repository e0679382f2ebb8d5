// Free orders of gemm and of gemm_bf16's family fma for AVX-512.
#if defined(__x86_64__)
// A name of its own: the kernels in use must stay the library's.
#define FAULTLINE_VEC avx512_free
#include "native/ops/cpu/vec_avx512.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/gemm.inl"
// And the products before what splits them.
#include "benchmarks/native/free_order.inl"
#include "benchmarks/native/free_order_tiles_avx512.h"

namespace faultline::bench::avx512 {
using namespace ops::avx512_free;

extern const FreeOrder kGemm[] = FAULTLINE_TILES(Widened<float>);
extern const FreeOrder kGemmBf16[] = FAULTLINE_TILES(Widened<uint16_t>);

}  // namespace faultline::bench::avx512
#endif
