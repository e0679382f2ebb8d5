#include "native/format/json.h"

#include <charconv>
#include <unordered_set>

#include "native/base/error.h"
#include "native/base/mapped_file.h"

namespace faultline::format {
namespace {

constexpr int kMostDepth = 64;
constexpr std::size_t kMostFileBytes = std::size_t{256} << 20;

// Appends a code point that is known to be valid.
void append_utf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | point >> 6);
    out += static_cast<char>(0x80 | (point & 63));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | point >> 12);
    out += static_cast<char>(0x80 | (point >> 6 & 63));
    out += static_cast<char>(0x80 | (point & 63));
  } else {
    out += static_cast<char>(0xF0 | point >> 18);
    out += static_cast<char>(0x80 | (point >> 12 & 63));
    out += static_cast<char>(0x80 | (point >> 6 & 63));
    out += static_cast<char>(0x80 | (point & 63));
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

/// Recursive descent over the grammar of RFC 8259; every member function consumes exactly its production.
class JsonParser {
 public:
  JsonParser(std::string_view text, const std::string& where, std::size_t base)
      : text_(text), where_(where), base_(base) {}

  Json document() {
    if (const auto bad = invalid_utf8(text_)) refuse(*bad, "is not valid UTF-8");
    Json value = parse_value(0);
    skip_space();
    if (at_ != text_.size()) refuse(at_, "holds something after the JSON value");
    return value;
  }

 private:
  [[noreturn]] void refuse(std::size_t at, const std::string& reason) const {
    throw base::Error(base::ErrorCode::input, where_ + ": byte " + std::to_string(base_ + at) + " " + reason);
  }
  bool more() const { return at_ < text_.size(); }
  char peek() const { return more() ? text_[at_] : '\0'; }

  void skip_space() {
    while (more() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }
  void expect(char c) {
    skip_space();
    if (!more()) refuse(at_, std::string("ends where '") + c + "' is expected");
    if (text_[at_] != c) refuse(at_, std::string("is not the expected '") + c + "'");
    ++at_;
  }
  /// Whether `c` comes next; consumes it if so.
  bool accept(char c) {
    skip_space();
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  Json parse_value(int depth) {
    skip_space();
    if (!more()) refuse(at_, "ends where a value is expected");
    if (depth > kMostDepth) refuse(at_, "nests deeper than " + std::to_string(kMostDepth) + " levels");
    if (++values_ > kMostJsonValues)
      refuse(at_, "is one value more than the " + std::to_string(kMostJsonValues) + " that are read");
    Json value;
    value.offset_ = base_ + at_;
    switch (text_[at_]) {
      case '{':
        parse_object(value, depth);
        break;
      case '[':
        parse_array(value, depth);
        break;
      case '"':
        value.kind_ = Json::Kind::string;
        value.text_ = parse_string();
        break;
      case 't':
        parse_word("true");
        value.kind_ = Json::Kind::boolean;
        value.boolean_ = true;
        break;
      case 'f':
        parse_word("false");
        value.kind_ = Json::Kind::boolean;
        break;
      case 'n':
        parse_word("null");
        break;
      default:
        parse_number(value);
    }
    return value;
  }

  void parse_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) refuse(at_, "is no JSON value");
    at_ += word.size();
  }

  void parse_object(Json& value, int depth) {
    value.kind_ = Json::Kind::object;
    ++at_;
    if (accept('}')) return;
    std::unordered_set<std::string> seen;
    do {
      skip_space();
      const std::size_t name_at = at_;
      if (peek() != '"') refuse(at_, "is not the expected name in quotes");
      std::string name = parse_string();
      if (!seen.insert(name).second) refuse(name_at, "repeats the name " + json_quote(name));
      expect(':');
      Json member = parse_value(depth + 1);
      value.members_.emplace_back(std::move(name), std::move(member));
    } while (accept(','));
    expect('}');
  }

  void parse_array(Json& value, int depth) {
    value.kind_ = Json::Kind::array;
    ++at_;
    if (accept(']')) return;
    do {
      value.items_.push_back(parse_value(depth + 1));
    } while (accept(','));
    expect(']');
  }

  std::uint32_t parse_hex4() {
    std::uint32_t unit = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      const int digit = is_digit(c)            ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) refuse(at_, "is no hexadecimal digit");
      unit = unit << 4 | static_cast<std::uint32_t>(digit);
    }
    return unit;
  }

  void parse_escape(std::string& out) {
    const std::size_t escape_at = at_ - 1;
    if (!more()) refuse(at_, "ends inside a string");
    const char c = text_[at_++];
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out += c;
        return;
      case 'b':
        out += '\b';
        return;
      case 'f':
        out += '\f';
        return;
      case 'n':
        out += '\n';
        return;
      case 'r':
        out += '\r';
        return;
      case 't':
        out += '\t';
        return;
      case 'u':
        break;
      default:
        refuse(escape_at, "begins no known escape");
    }
    std::uint32_t point = parse_hex4();
    if (point >= 0xDC00 && point <= 0xDFFF) refuse(escape_at, "is half a surrogate pair");
    if (point >= 0xD800 && point <= 0xDBFF) {
      if (text_.substr(at_, 2) != "\\u") refuse(escape_at, "is half a surrogate pair");
      at_ += 2;
      const std::uint32_t low = parse_hex4();
      if (low < 0xDC00 || low > 0xDFFF) refuse(escape_at, "is half a surrogate pair");
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, point);
  }

  std::string parse_string() {
    std::string out;
    ++at_;
    for (;;) {
      if (!more()) refuse(at_, "ends inside a string");
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) refuse(at_, "is a raw control character inside a string");
      ++at_;
      if (c == '"') return out;
      if (c == '\\') {
        parse_escape(out);
      } else {
        out += c;
      }
    }
  }

  void skip_digits() {
    if (!is_digit(peek())) refuse(at_, "is not the expected digit");
    while (is_digit(peek())) ++at_;
  }

  void parse_number(Json& value) {
    const std::size_t begin = at_;
    if (peek() == '-') ++at_;
    if (at_ == begin && !is_digit(peek())) refuse(at_, "is no JSON value");
    const bool leading_zero = peek() == '0';
    skip_digits();
    const std::size_t first_digit = begin + (text_[begin] == '-' ? 1 : 0);
    if (leading_zero && at_ - first_digit > 1) refuse(begin, "is a number with a leading zero");
    bool integral = true;
    if (peek() == '.') {
      integral = false;
      ++at_;
      skip_digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      integral = false;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      skip_digits();
    }
    value.kind_ = Json::Kind::number;
    const char* first = text_.data() + begin;
    const char* last = text_.data() + at_;
    const auto real = std::from_chars(first, last, value.number_);
    if (real.ec != std::errc() || real.ptr != last) refuse(begin, "is a number outside the range of a double");
    if (integral) {
      const auto whole = std::from_chars(first, last, value.integer_);
      value.integral_ = whole.ec == std::errc() && whole.ptr == last;
    }
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t base_;
  std::size_t at_ = 0;
  std::size_t values_ = 0;
};

const char* Json::kind_name() const {
  constexpr const char* kNames[] = {"null", "a boolean", "a number", "a string", "an array", "an object"};
  return kNames[static_cast<std::size_t>(kind_)];
}

std::optional<bool> Json::as_bool() const { return kind_ == Kind::boolean ? std::optional(boolean_) : std::nullopt; }
std::optional<double> Json::as_number() const { return kind_ == Kind::number ? std::optional(number_) : std::nullopt; }
std::optional<std::int64_t> Json::as_integer() const { return integral_ ? std::optional(integer_) : std::nullopt; }

const Json* Json::find(std::string_view name) const {
  for (const Member& member : members_) {
    if (member.first == name) return &member.second;
  }
  return nullptr;
}

Json parse_json(std::string_view text, const std::string& where, std::size_t base_offset) {
  return JsonParser(text, where, base_offset).document();
}

Json parse_json_file(const std::string& path) {
  const base::MappedFile file(path);
  const auto bytes = file.bytes();
  if (bytes.size() > kMostFileBytes)
    throw base::Error(base::ErrorCode::input, path + ": is larger than any JSON file faultline reads (256 MiB)");
  return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

std::string json_quote(std::string_view text) {
  if (const auto bad = invalid_utf8(text)) {
    throw base::Error(base::ErrorCode::usage, "byte " + std::to_string(*bad) + " of a name is not valid UTF-8");
  }
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::optional<std::size_t> invalid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                               : lead >= 0xE0 && lead <= 0xEF ? 3
                               : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                              : 0;
    if (length == 0 || text.size() - i < length) return i;
    for (std::size_t j = 1; j < length; ++j) {
      if ((static_cast<unsigned char>(text[i + j]) & 0xC0) != 0x80) return i;
    }
    const auto second = static_cast<unsigned char>(text[i + 1]);
    // Overlong three- and four-byte forms, surrogates, and points above U+10FFFF show in the second byte.
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second >= 0xA0) || (lead == 0xF0 && second < 0x90) ||
        (lead == 0xF4 && second >= 0x90)) {
      return i;
    }
    i += length;
  }
  return std::nullopt;
}

}  // namespace faultline::format
