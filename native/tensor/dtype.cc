#include "native/tensor/dtype.h"

namespace faultline::tensor {
namespace {

struct Row {
  DType dtype;
  const char* name;
  std::size_t elements;
  std::size_t bytes;
};
constexpr Row kRows[] = {
#define FAULTLINE_DTYPE(name, text, elements, bytes) {DType::name, text, elements, bytes},
#include "native/tensor/dtypes.def"
#undef FAULTLINE_DTYPE
};

}  // namespace

std::size_t dtype_block(DType dtype) { return kRows[static_cast<std::size_t>(dtype)].elements; }

std::size_t dtype_size(DType dtype) { return kRows[static_cast<std::size_t>(dtype)].bytes; }

const char* dtype_name(DType dtype) { return kRows[static_cast<std::size_t>(dtype)].name; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.elements == 1 && name == row.name) return row.dtype;
  }
  return std::nullopt;
}

}  // namespace faultline::tensor
