#include "native/tensor/shape.h"

#include "native/base/error.h"

namespace faultline::tensor {
namespace {

constexpr std::int64_t kMostElements = std::int64_t{1} << 62;

std::string join(std::span<const std::int64_t> dims) {
  std::string text = "[";
  for (std::size_t i = 0; i < dims.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
  return text + "]";
}

[[noreturn]] void refuse(std::span<const std::int64_t> dims, const char* reason) {
  throw base::Error(base::ErrorCode::input, "shape " + join(dims) + " " + reason);
}

}  // namespace

Shape::Shape(std::span<const std::int64_t> dims) {
  if (dims.size() > kMaxRank) refuse(dims, "has more than 8 dimensions");
  bool empty = false;
  for (const std::int64_t dim : dims) {
    if (dim < 0) refuse(dims, "has a negative dimension");
    empty |= dim == 0;
  }
  for (const std::int64_t dim : dims) {
    // A zero anywhere makes the product zero, but the others must not overflow on the way to it.
    if (!empty && elements_ > kMostElements / dim) refuse(dims, "has more elements than memory can address");
    if (!empty) elements_ *= dim;
    dims_[rank_++] = dim;
  }
  if (empty) elements_ = 0;
}

std::string Shape::to_string() const { return join(dims()); }

}  // namespace faultline::tensor
