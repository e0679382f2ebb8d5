#include "native/constraint/function_end.h"

#include <algorithm>
#include <initializer_list>

namespace faultline::constraint {
namespace {

bool is_newline(std::uint8_t byte) { return byte == '\n' || byte == '\r'; }

/// Bytes of names and keywords. Bytes above ASCII belong to letters that Python allows in names.
bool is_word_byte(std::uint8_t byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_' ||
         byte >= 0x80;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

FunctionEnd FunctionEnd::after_prompt(Bytes prompt) {
  FunctionEnd state;
  for (const std::uint8_t byte : prompt) state.step(byte);
  state.in_prompt_ = false;
  state.word_in_prompt_ = state.mode_ == Mode::first_word;
  state.at_ = 0;
  state.cut_ = 0;
  return state;
}

std::optional<std::int64_t> FunctionEnd::feed(Bytes bytes) {
  for (const std::uint8_t byte : bytes)
    if (step(byte)) return cut_;
  return std::nullopt;
}

bool FunctionEnd::step(std::uint8_t byte) {
  bool ended = false;
  if (carriage_return_ && byte == '\n') {
    carriage_return_ = false;
    if (cut_ == at_) ++cut_;
    ++at_;
    return false;
  }
  carriage_return_ = byte == '\r';
  switch (mode_) {
    case Mode::line_start:
      ended = line_start_byte(byte);
      break;
    case Mode::first_word:
      if (is_word_byte(byte)) {
        if (word_length_ < word_.size()) word_[word_length_++] = static_cast<char>(byte);
      } else {
        ended = statement_begins({word_.data(), word_length_});
        if (!ended) code_byte(byte);
      }
      break;
    case Mode::indent:
      if (byte == ' ' || byte == '\t' || byte == '\f') break;
      if (is_newline(byte)) {
        newline(false);
      } else {
        content_ = true;
        code_byte(byte);
      }
      break;
    case Mode::code:
      code_byte(byte);
      break;
    case Mode::comment:
      if (is_newline(byte)) newline(false);
      break;
    case Mode::opening_quote:
      if (byte == quote_) {
        mode_ = Mode::second_quote;
      } else {
        mode_ = Mode::text;
        text_byte(byte);
      }
      break;
    case Mode::second_quote:
      if (byte == quote_) {
        mode_ = Mode::triple_text;
        closing_quotes_ = 0;
      } else {
        code_byte(byte);
      }
      break;
    case Mode::text:
      text_byte(byte);
      break;
    case Mode::triple_text:
      triple_text_byte(byte);
      break;
  }
  ++at_;
  return ended;
}

bool FunctionEnd::line_start_byte(std::uint8_t byte) {
  if (is_newline(byte)) {
    newline(false);
  } else if (byte == ' ' || byte == '\t' || byte == '\f') {
    mode_ = Mode::indent;
  } else if (byte == '#') {
    mode_ = Mode::comment;
  } else if (is_word_byte(byte)) {
    // Where any statement ends the function, its first byte is enough: one token less is drawn in vain.
    if (prompt_opened_ && !in_prompt_ && !soft_line_) return true;
    mode_ = Mode::first_word;
    word_in_prompt_ = false;
    word_[0] = static_cast<char>(byte);
    word_length_ = 1;
  } else {
    if (statement_begins(byte == '@' ? "@" : "")) return true;
    code_byte(byte);
  }
  return false;
}

bool FunctionEnd::statement_begins(std::string_view word) {
  if (soft_line_ && is_one_of(word, {"def", "class", "import"})) {
    soft_line_ = false;
    depth_ = 0;
  }
  if (!soft_line_) {
    if (in_prompt_ || word_in_prompt_) {
      prompt_opened_ = is_one_of(
          word, {"def", "async", "class", "if", "elif", "else", "for", "while", "with", "try", "except", "finally"});
      word_in_prompt_ = false;
    } else if (prompt_opened_) {
      return true;
    } else {
      if (opened_ && !is_one_of(word, {"def", "async", "class", "@", "import", "from"})) return true;
      opened_ = opened_ || is_one_of(word, {"def", "async", "class"});
    }
  }
  content_ = true;
  return false;
}

void FunctionEnd::code_byte(std::uint8_t byte) {
  const bool continued = escaped_;
  escaped_ = false;
  mode_ = Mode::code;
  if (is_newline(byte)) {
    newline(continued);
  } else if (byte == '#') {
    mode_ = Mode::comment;
  } else if (byte == '"' || byte == '\'') {
    // Prefixes (r, b, f, u) need no care: in a raw string, too, a backslash keeps the quote after it from closing.
    quote_ = byte;
    mode_ = Mode::opening_quote;
  } else if (byte == '(' || byte == '[' || byte == '{') {
    ++depth_;
  } else if (byte == ')' || byte == ']' || byte == '}') {
    depth_ = std::max(0, depth_ - 1);
  } else if (byte == '\\') {
    escaped_ = true;
  }
}

void FunctionEnd::text_byte(std::uint8_t byte) {
  if (escaped_) {
    escaped_ = false;
    if (is_newline(byte)) newline_in_string();
  } else if (byte == '\\') {
    escaped_ = true;
  } else if (byte == quote_) {
    mode_ = Mode::code;
  } else if (is_newline(byte)) {
    newline(false);  // an error to Python, whose next line is code again
  }
}

void FunctionEnd::triple_text_byte(std::uint8_t byte) {
  const bool counts = !escaped_;
  escaped_ = counts && byte == '\\';
  closing_quotes_ = counts && byte == quote_ ? static_cast<std::uint8_t>(closing_quotes_ + 1) : 0;
  if (closing_quotes_ == 3) mode_ = Mode::code;
  if (is_newline(byte)) newline_in_string();
}

void FunctionEnd::newline(bool continued) {
  if (content_) cut_ = at_ + 1;
  content_ = false;
  soft_line_ = continued || depth_ > 0;
  mode_ = Mode::line_start;
}

void FunctionEnd::newline_in_string() {
  cut_ = at_ + 1;
  content_ = true;  // the rest of the string stands on the new line
}

}  // namespace faultline::constraint
