#include <cmath>
#include <numbers>

#include "native/ops/ref/ref.h"

namespace faultline::ops::ref {

double gelu(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

}  // namespace faultline::ops::ref
