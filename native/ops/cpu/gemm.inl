// gemm, and gemm_bf16 of the family fma, see ops.h: one value of k a step, activations in float.
#include "native/ops/cpu/gemm_blocks.inl"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

inline F16 load_weights(const float* p) { return load(p); }
inline F16 load_weights(const uint16_t* p) { return load_bf16(p); }

/// A Product (gemm_blocks.inl) with weights of type T, widened to float.
template <class T>
struct Widened : FloatSums<1> {
  using A = float;
  using W = T;
  using Weights = F16;
  static const float* a(const GemmArgs& args) { return args.a; }
  static int64_t stride(const GemmArgs& args) { return args.lda; }
  static F16 weights(const T* p) { return load_weights(p); }
  static F16 broadcast(const float* p) { return set1(*p); }
  static F16 step(F16 x, F16 w, F16 acc) { return fma(x, w, acc); }
};

}  // namespace

void gemm(const GemmArgs& args) { run<Widened<float>>(args); }

void gemm_bf16(const GemmArgs& args) { run<Widened<uint16_t>>(args); }

}  // namespace faultline::ops::FAULTLINE_VEC
