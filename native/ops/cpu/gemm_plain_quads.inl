// gemm_int8 by products of signed numbers, see ops.h and quads_<isa>.h.
#include "native/ops/cpu/gemm_quads.inl"

namespace faultline::ops::FAULTLINE_VEC {

void gemm_plain_quads(const GemmArgs& args) { run<Quads<PlainDot>>(args); }

}  // namespace faultline::ops::FAULTLINE_VEC
