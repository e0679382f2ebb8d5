// Builds GGUF files for tests to read, field by field, so that each field can lie. The engine only reads them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "native/format/gguf.h"

namespace faultline::check {

/// The bytes of a number, little-endian as the machine is.
template <class T>
std::string gguf_number(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

inline std::string gguf_text(std::string_view text) {
  return gguf_number<std::uint64_t>(text.size()) + std::string(text);
}

/// Key, type and value; `payload` is the value's bytes.
inline std::string gguf_entry(std::string_view key, format::GgufType type, const std::string& payload) {
  return gguf_text(key) + gguf_number(static_cast<std::uint32_t>(type)) + payload;
}
inline std::string gguf_entry(std::string_view key, std::uint32_t value) {
  return gguf_entry(key, format::GgufType::u32, gguf_number(value));
}
inline std::string gguf_entry(std::string_view key, float value) {
  return gguf_entry(key, format::GgufType::f32, gguf_number(value));
}
inline std::string gguf_entry(std::string_view key, std::string_view value) {
  return gguf_entry(key, format::GgufType::string, gguf_text(value));
}
/// An array; `payload` is its elements' bytes.
inline std::string gguf_array(format::GgufType element, std::uint64_t count, const std::string& payload) {
  return gguf_number(static_cast<std::uint32_t>(element)) + gguf_number(count) + payload;
}

/// ggml's numbers of the tensor types that are read.
inline constexpr std::uint32_t kGgmlF32 = 0, kGgmlF16 = 1, kGgmlQ8 = 8, kGgmlBf16 = 30;

/// One tensor's description; `dims` as in the file, fastest first.
inline std::string gguf_tensor(std::string_view name, const std::vector<std::uint64_t>& dims, std::uint32_t type,
                               std::uint64_t offset) {
  std::string bytes = gguf_text(name) + gguf_number(static_cast<std::uint32_t>(dims.size()));
  for (const std::uint64_t dim : dims) bytes += gguf_number(dim);
  return bytes + gguf_number(type) + gguf_number(offset);
}

inline std::string gguf_padded(std::string bytes, std::size_t alignment = 32) {
  bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0');
  return bytes;
}

/// A whole file of version 3.
inline std::string gguf_file(const std::vector<std::string>& entries, const std::vector<std::string>& tensors,
                             const std::string& data, std::size_t alignment = 32) {
  std::string bytes = "GGUF" + gguf_number(std::uint32_t{3}) + gguf_number<std::uint64_t>(tensors.size()) +
                      gguf_number<std::uint64_t>(entries.size());
  for (const std::string& entry : entries) bytes += entry;
  for (const std::string& tensor : tensors) bytes += tensor;
  return gguf_padded(std::move(bytes), alignment) + data;
}

}  // namespace faultline::check
