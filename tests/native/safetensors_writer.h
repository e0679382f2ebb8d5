// Writes safetensors for tests to read. The engine only reads them: what the program writes, it writes in TypeScript.
#pragma once

#include <cstdint>
#include <fstream>
#include <span>
#include <string>

#include "native/format/json.h"
#include "native/tensor/tensor_view.h"
#include "tests/native/check.h"

namespace faultline::check {

struct NamedTensor {
  std::string name;
  tensor::TensorView view;
};

/// Exactly these tensors in the given order, with __metadata__ and a padded header as PyTorch's writer makes them.
inline void write_safetensors(const std::string& path, std::span<const NamedTensor> tensors) {
  std::string header = "{\"__metadata__\":{\"format\":\"pt\"}";
  std::size_t at = 0;
  for (const auto& [name, view] : tensors) {
    header += ',';
    header += format::json_quote(name);
    header += ":{\"dtype\":\"";
    header += tensor::dtype_name(view.dtype);
    header += "\",\"shape\":[";
    for (std::size_t i = 0; i < view.shape.rank(); ++i) {
      if (i > 0) header += ',';
      header += std::to_string(view.shape[i]);
    }
    header += "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(at + view.size_bytes()) + "]}";
    at += view.size_bytes();
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::uint64_t size = header.size();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&size), sizeof size) << header;
  for (const NamedTensor& tensor : tensors)
    file.write(reinterpret_cast<const char*>(tensor.view.data), static_cast<std::streamsize>(tensor.view.size_bytes()));
  if (!file.flush()) fail(__FILE__, __LINE__, path + ": cannot be written");
}

}  // namespace faultline::check
