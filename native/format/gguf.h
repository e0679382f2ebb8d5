// GGUF versions 2 and 3, little-endian, read with full validation. Writes nothing and knows no model: what a key means
// is the caller's. A file that lies gives an Error with its name, the byte offset or tensor, and the reason; it never
// crashes, over-allocates or reads outside the map.
//
// Layout (github.com/ggml-org/ggml, docs/gguf.md): "GGUF", version, two counts; then the metadata (key, type, value)
// and the tensors' descriptions (name, dimensions fastest first, type, offset), packed without alignment; then, rounded
// up to `general.alignment`, the tensors' bytes, each at a multiple of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "native/format/tensor_file.h"

namespace faultline::format {

/// Types of metadata values, with the format's numbers.
enum class GgufType : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

/// One metadata value, in the file's memory. It has been validated: strings are UTF-8, booleans 0 or 1.
class GgufValue {
 public:
  GgufValue(GgufType type, const std::byte* data) : type_(type), data_(data) {}

  GgufType type() const { return type_; }
  /// "an integer", "a number", "a boolean", "a string", "an array": for messages.
  const char* kind_name() const;
  /// The value when it is of that kind, or nothing: any integer that fits int64, any integer or float, ...
  std::optional<std::int64_t> as_integer() const;
  std::optional<double> as_number() const;
  std::optional<bool> as_bool() const;
  std::optional<std::string_view> as_string() const;
  /// The number of an array's elements.
  std::optional<std::uint64_t> array_size() const;

 private:
  GgufType type_;
  const std::byte* data_;
};

/// Tensors have the shapes of other formats, slowest dimension first: the reverse of what stands in the file.
class GgufFile : public SingleTensorFile {
 public:
  /// The metadata value with this key, or nothing. Lives as long as the file.
  std::optional<GgufValue> value(std::string_view key) const;

 private:
  friend std::unique_ptr<GgufFile> open_gguf(const std::string&);
  friend std::unique_ptr<GgufFile> parse_gguf(std::span<const std::byte>, const std::string&);
  explicit GgufFile(base::MappedFile file) : SingleTensorFile(std::move(file)) { read(mapped()); }
  GgufFile(const std::string& label, std::span<const std::byte> bytes) : SingleTensorFile(label) { read(bytes); }
  void read(std::span<const std::byte> bytes);

  std::vector<std::pair<std::string_view, GgufValue>> metadata_;  // sorted by key
};

/// One file, mapped read-only for the life of the result. Tensors must be F32, F16, BF16 or Q8_0. Throws Error(input).
std::unique_ptr<GgufFile> open_gguf(const std::string& path);

/// The same validation over bytes in memory, which must outlive the result; `label` stands for the path in errors.
std::unique_ptr<GgufFile> parse_gguf(std::span<const std::byte> bytes, const std::string& label);

}  // namespace faultline::format
