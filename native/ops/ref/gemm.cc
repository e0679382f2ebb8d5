#include <cmath>

#include "native/ops/pack.h"
#include "native/ops/ref/ref.h"

namespace faultline::ops::ref {

void gemm(const GemmArgs& args, std::vector<double>& out, std::vector<double>& magnitude) {
  const std::int64_t n = args.w.n;
  out.assign(static_cast<std::size_t>(args.m * n), 0);
  magnitude.assign(out.size(), 0);
  for (std::int32_t i = 0; i < args.m; ++i) {
    for (std::int32_t j = 0; j < args.w.n; ++j) {
      double sum = args.bias == nullptr ? 0 : args.bias[j];
      double size = std::fabs(sum);
      for (std::int32_t c = 0; c < args.w.k; ++c) {
        const double term = double{args.a[i * args.lda + c]} * packed_element(args.w, c, j);
        sum += term;
        size += std::fabs(term);
      }
      if (args.epilogue == Epilogue::gelu) sum = gelu(sum);
      if (args.epilogue == Epilogue::residual) {
        sum += args.residual[i * args.ldr + j];
        size += std::fabs(args.residual[i * args.ldr + j]);
      }
      out[static_cast<std::size_t>(i * n + j)] = sum;
      magnitude[static_cast<std::size_t>(i * n + j)] = size;
    }
  }
}

}  // namespace faultline::ops::ref
