// What every weight file looks like to a model: tensors by name. Knows no model and no particular format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "native/tensor/tensor_view.h"

namespace faultline::format {

/// Views live as long as the file object. Const functions may be called from any thread.
class TensorFile {
 public:
  virtual ~TensorFile() = default;
  /// The path errors should name: the file, or the index of a sharded one.
  virtual const std::string& path() const = 0;
  /// Sorted by name.
  virtual const std::vector<std::string>& names() const = 0;
  /// The tensor, or nothing.
  virtual std::optional<tensor::TensorView> find(std::string_view name) const = 0;

  /// The tensor, or Error(input) that names the file and the tensor.
  tensor::TensorView get(std::string_view name) const;

 protected:
  TensorFile() = default;
  TensorFile(const TensorFile&) = delete;
  TensorFile& operator=(const TensorFile&) = delete;
};

}  // namespace faultline::format
