// Free orders of gemm and of gemm_bf16's family fma for AVX2: tiles that leave a few of the 16 registers, each sum two.
#if defined(__x86_64__)
// A name of its own: the kernels in use must stay the library's.
#define FAULTLINE_VEC avx2_free
#include "native/ops/cpu/vec_avx2.h"
// The vector must come first: the code below is written over it.
#include "native/ops/cpu/gemm.inl"
// And the products before what splits them.
#include "benchmarks/native/free_order.inl"

namespace faultline::bench::avx2 {
using namespace ops::avx2_free;

#define FAULTLINE_TILES(T)                                                                                          \
  {                                                                                                                 \
    free_order<Widened<T>, 6, 1, 1>(), free_order<Widened<T>, 3, 2, 1>(), free_order<Widened<T>, 2, 3, 1>(),        \
        free_order<Widened<T>, 3, 1, 2>(), free_order<Widened<T>, 1, 2, 2>(), free_order<Widened<T>, 1, 1, 4>(), {} \
  }
extern const FreeOrder kGemm[] = FAULTLINE_TILES(float);
extern const FreeOrder kGemmBf16[] = FAULTLINE_TILES(uint16_t);

}  // namespace faultline::bench::avx2
#endif
