// A small strict JSON reader (RFC 8259) for headers and config.json: UTF-8 checked, duplicate names refused, depth and
// size bounded. It reads whole documents; it writes only strings (for our own safetensors headers).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faultline::format {

/// One JSON value with the byte offset it began at. Immutable after parsing.
class Json {
 public:
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
  using Member = std::pair<std::string, Json>;

  Kind kind() const { return kind_; }
  /// "null", "a boolean", "a number", "a string", "an array", "an object": for messages.
  const char* kind_name() const;
  std::size_t offset() const { return offset_; }

  bool is_null() const { return kind_ == Kind::null; }
  /// The value when it is of that kind, or nothing.
  std::optional<bool> as_bool() const;
  std::optional<double> as_number() const;
  /// The value when it is written as an integer (no fraction, no exponent) that fits int64.
  std::optional<std::int64_t> as_integer() const;
  /// Null pointer when it is of another kind.
  const std::string* as_string() const { return kind_ == Kind::string ? &text_ : nullptr; }
  const std::vector<Json>* as_array() const { return kind_ == Kind::array ? &items_ : nullptr; }
  /// Members in the order of the document.
  const std::vector<Member>* as_object() const { return kind_ == Kind::object ? &members_ : nullptr; }
  /// The member of an object, or null when it is absent or this is no object.
  const Json* find(std::string_view name) const;

 private:
  friend class JsonParser;
  Kind kind_ = Kind::null;
  bool boolean_ = false;
  bool integral_ = false;
  std::int64_t integer_ = 0;
  double number_ = 0;
  std::size_t offset_ = 0;
  std::string text_;
  std::vector<Json> items_;
  std::vector<Member> members_;
};

/// Values in one document at most, arrays and objects among them: a value takes some fifty times the two bytes that a
/// hostile file spends on it. The largest published checkpoints have tens of thousands of tensors, eight values each.
inline constexpr std::size_t kMostJsonValues = std::size_t{1} << 20;

/// Parses a whole document. `where` is what errors begin with (a file name, or "model.safetensors: header");
/// `base_offset` is added to the byte offsets they name. Throws Error(input) "<where>: byte <n>: <reason>". Nesting
/// beyond 64 and more than kMostJsonValues values are refused.
Json parse_json(std::string_view text, const std::string& where, std::size_t base_offset = 0);

/// Reads and parses a file; errors name it. Files above 256 MiB are refused.
Json parse_json_file(const std::string& path);

/// `text` as a JSON string literal with its quotes. Throws Error(usage) when it is not valid UTF-8.
std::string json_quote(std::string_view text);

/// Offset of the first byte that is not valid UTF-8 (overlong forms and surrogates included), or nothing.
std::optional<std::size_t> invalid_utf8(std::string_view text);

}  // namespace faultline::format
