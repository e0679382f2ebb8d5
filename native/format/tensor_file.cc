#include "native/format/tensor_file.h"

#include "native/base/error.h"

namespace faultline::format {

tensor::TensorView TensorFile::get(std::string_view name) const {
  if (const auto view = find(name)) return *view;
  throw base::Error(base::ErrorCode::input, path() + ": has no tensor \"" + std::string(name) + "\"");
}

}  // namespace faultline::format
