// gemm_bf16 of the family dpbf16, see ops.h: two values of k a step, by dot_pairs (pairs_<isa>.h).
#include "native/ops/cpu/gemm_blocks.inl"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

/// A Product (gemm_blocks.inl). A row of activations is zero-filled, so an odd k needs nothing of its own.
struct Pairs : FloatSums<2> {
  using A = uint16_t;
  using W = uint16_t;
  using Weights = I16;
  static const uint16_t* a(const GemmArgs& args) { return args.a_bf16; }
  static int64_t stride(const GemmArgs& args) { return (args.w.k + kDepthStep - 1) / kDepthStep * kDepthStep; }
  static I16 weights(const uint16_t* p) { return load_pairs(p); }
  static I16 broadcast(const uint16_t* p) {
    uint32_t pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return iset1(pair);
  }
  static F16 step(I16 x, I16 w, F16 acc) { return dot_pairs(x, w, acc); }
};

}  // namespace

void gemm_pairs(const GemmArgs& args) { run<Pairs>(args); }

}  // namespace faultline::ops::FAULTLINE_VEC
