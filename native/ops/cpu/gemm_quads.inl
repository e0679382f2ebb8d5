// gemm_int8, see ops.h: four values of k a step, by a Dot (quads_<isa>.h). The sums are exact, so how a Dot comes to
// them changes no bit.
#include "native/ops/cpu/gemm_blocks.inl"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

/// A Product (gemm_blocks.inl). Rows of activations and panels are zero-filled, so a k that is no multiple of four
/// needs nothing of its own. A Dot says, beside the register tile (kRows, kPanels):
///   weights(const int8_t*)     four values of each of 16 columns
///   broadcast(const int8_t*)   four values of a row
///   start(sum)                 what sums begin with in a row whose elements add up to `sum`: 16 integers, of a type
///                              that the compiler keeps in one register (I16 may take two: quads_avx512.h)
///   step(x, weights, acc)      acc with the four products of each column in it
///   total(acc)                 the sums as an I16
template <class Dot>
struct Quads : Dot {
  static constexpr int kDepth = 4;
  using A = int8_t;
  using W = int8_t;
  static const int8_t* a(const GemmArgs& args) { return args.a_int8; }
  static int64_t stride(const GemmArgs& args) {
    return (args.w.k + kInt8DepthStep - 1) / kInt8DepthStep * kInt8DepthStep;
  }
  static int64_t panel_size(int64_t k) { return ((k + 3) / 4 * 4 + (int64_t)sizeof(float)) * kLanes; }
  static auto start(const GemmArgs& args, int64_t row) { return Dot::start(args.a_rows[row].sum); }
  template <class Sums>
  static F16 result(const GemmArgs& args, int64_t row, int64_t panel, Sums acc) {
    const int8_t* panel_end = (const int8_t*)args.w.data + (panel + 1) * panel_size(args.w.k);
    return scaled(Dot::total(acc), args.a_rows[row].scale, (const float*)panel_end - kLanes);
  }
};

}  // namespace
}  // namespace faultline::ops::FAULTLINE_VEC
