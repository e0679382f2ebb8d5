// Finds where the function that the prompt opened ends, byte by byte, so that sampling can stop there. A lexer's
// fragment, not a parser: it knows strings, comments, brackets and lines of Python, and nothing of its grammar. It
// never fails: text that is not Python still ends at a line that starts in column 0.
//
// The rule. A line that begins in column 0, outside strings, brackets and continuations, with anything but white space
// or a comment, ends the function. So does a line that begins in column 0 with the word `def`, `class` or `import`
// inside an unclosed bracket: none of them can stand there, so the bracket will never be closed. The cut is the start
// of that line, or of the run of blank lines and column-0 comments directly before it.
//
// Where the prompt opened no block (its last line in column 0 is not the head of one, as with a module docstring), the
// completion itself has to write the function: then lines in column 0 are taken until the completion has opened a
// `def`, and after that as long as they begin with `def`, `async`, `class`, `@`, `import` or `from`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "native/constraint/vocabulary.h"

namespace faultline::constraint {

/// State after some text. Small and copyable, so that it can be primed once per prompt and forked per sample.
class FunctionEnd {
 public:
  /// Before the first byte of a module.
  FunctionEnd() = default;

  /// The state after `prompt`, from which completions are then fed; offsets count from the completion's first byte.
  static FunctionEnd after_prompt(Bytes prompt);

  /// Appends bytes of the completion. Returns the cut, in bytes from the completion's start, once the function has
  /// ended; feed no more then.
  std::optional<std::int64_t> feed(Bytes bytes);

 private:
  /// What the next byte belongs to.
  enum class Mode : std::uint8_t {
    line_start,     // column 0, nothing of the line seen
    first_word,     // a word that began in column 0 is still being read
    indent,         // only white space so far, column above 0
    code,           // anywhere else in a line
    comment,        // after '#', up to the line's end
    opening_quote,  // after one quote: what follows tells an empty string and a triple quote from others
    second_quote,   // after two quotes: an empty string, unless a third follows
    text,           // in a string of one quote
    triple_text,    // in a string of three quotes
  };

  // Each takes one byte and says whether the function has ended before the line that it belongs to.
  bool step(std::uint8_t byte);
  bool line_start_byte(std::uint8_t byte);
  bool statement_begins(std::string_view word);

  void code_byte(std::uint8_t byte);
  void text_byte(std::uint8_t byte);
  void triple_text_byte(std::uint8_t byte);
  void newline(bool continued);
  void newline_in_string();

  Mode mode_ = Mode::line_start;
  std::uint8_t quote_ = 0;           // which quote the string began with
  std::uint8_t closing_quotes_ = 0;  // quotes in a row inside triple_text
  std::int32_t depth_ = 0;           // open brackets
  bool escaped_ = false;             // the byte before was a backslash that counts
  bool carriage_return_ = false;     // the byte before was '\r': a '\n' now belongs to it
  bool soft_line_ = false;           // the line continues a statement: open bracket, or backslash before it
  bool content_ = false;             // the line carries something that the cut must keep
  std::array<char, 8> word_{};       // the first word, one byte longer than any that matters at most
  std::uint8_t word_length_ = 0;

  bool in_prompt_ = true;        // reading the prompt: nothing ends
  bool word_in_prompt_ = false;  // the word being read began in the prompt
  bool prompt_opened_ = false;   // the prompt's last column-0 line is the head of a block
  bool opened_ = false;          // the completion has opened a function or class of its own
  std::int64_t at_ = 0;          // bytes of the completion read before this one
  std::int64_t cut_ = 0;         // begin of the run of blank lines and column-0 comments that this line ends
};

}  // namespace faultline::constraint
