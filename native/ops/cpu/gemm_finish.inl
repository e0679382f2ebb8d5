// What every matrix product ends with: bias, activation or residual, and the store.
#include "native/ops/cpu/math.inl"
#include "native/ops/ops.h"

namespace faultline::ops::FAULTLINE_VEC {
namespace {

/// Sums of int8 products of one row and one panel as floats; `scales` are the panel's.
inline F16 scaled(I16 sums, float row_scale, const float* scales) {
  return mul(to_float(sums), mul(set1(row_scale), load(scales)));
}

/// Bias, activation or residual for one row of one panel, then the store.
inline void finish(const GemmArgs& args, int64_t row, int64_t column, F16 value) {
  const int64_t n = args.w.n;
  if (args.bias != nullptr) value = add(value, load_tail(args.bias, column, n, 0.0f));
  switch (args.epilogue) {
    case Epilogue::none:
      break;
    case Epilogue::gelu:
      value = gelu16(value);
      break;
    case Epilogue::residual:
      value = add(value, load_tail(args.residual + row * args.ldr, column, n, 0.0f));
      break;
  }
  store_tail(args.out + row * args.ldo, column, n, value);
}

}  // namespace
}  // namespace faultline::ops::FAULTLINE_VEC
