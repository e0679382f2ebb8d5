// gemm_int8 by an instruction that multiplies unsigned by signed bytes, see ops.h and quads_<isa>.h: the weights are
// offset by 128 on their way into a register, and sums begin at -128 times the sum of the row's activations, which is
// what the offsets will add. Whatever wraps around on the way is exact again at the end (2^32 divides the difference).
#include "native/ops/cpu/gemm_quads.inl"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

/// A Dot, see gemm_quads.inl. The weights are the unsigned ones: they are offset once for all rows of a tile. A row
/// less than floats have, which leaves a register for the offset.
struct OffsetDot {
  static constexpr int kRows = kTileRows - 1, kPanels = kTilePanels;
  using Weights = B64;
  static B64 weights(const int8_t* p) { return offset_bytes(load_quads(p)); }
  static B64 broadcast(const int8_t* p) { return repeat_quad(p); }
  static Sums start(int32_t sum) { return start_sums(0u - 128u * (uint32_t)sum); }
  static Sums step(const B64& x, const B64& w, Sums acc) { return dot_unsigned(w, x, acc); }
  static I16 total(Sums acc) { return total_of(acc); }
};

}  // namespace

void gemm_offset_quads(const GemmArgs& args) { run<Quads<OffsetDot>>(args); }

}  // namespace faultline::ops::FAULTLINE_VEC
