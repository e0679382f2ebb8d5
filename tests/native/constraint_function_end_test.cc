// FunctionEnd: cases from HumanEval-like text, and random text against a second, whole-text implementation.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "native/base/philox.h"
#include "native/constraint/function_end.h"
#include "tests/native/check.h"

namespace faultline::constraint {
namespace {

constexpr std::int64_t kNone = -1;

/// The cut, or kNone, with the completion fed `step` bytes at a time. Bytes after the end are not fed.
std::int64_t cut_of(std::string_view prompt, std::string_view completion, std::size_t step = 1) {
  FunctionEnd state = FunctionEnd::after_prompt(bytes_of(prompt));
  for (std::size_t at = 0; at < completion.size(); at += step)
    if (const auto cut = state.feed(bytes_of(completion.substr(at, step)))) return *cut;
  return kNone;
}

/// `completion` is written with a '|' where the cut should be, or without one where the function does not end.
void expect_cut(std::string_view prompt, const std::string& marked) {
  const std::size_t mark = marked.find('|');
  std::string completion = marked;
  if (mark != std::string::npos) completion.erase(mark, 1);
  const std::int64_t want = mark == std::string::npos ? kNone : static_cast<std::int64_t>(mark);
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}, completion.size() + 1}) {
    const std::int64_t got = cut_of(prompt, completion, step);
    if (got != want)
      check::fail(__FILE__, __LINE__,
                  "after \"" + std::string(prompt) + "\", for \"" + marked + "\": cut " + std::to_string(got) +
                      ", expected " + std::to_string(want));
  }
}

constexpr std::string_view kHumanEval =
    "from typing import List\n\n\ndef has_close_elements(numbers: List[float], threshold: float) -> bool:\n"
    "    \"\"\" Check if in given list of numbers, are any two numbers closer to each other than\n"
    "    given threshold.\n    >>> has_close_elements([1.0, 2.0, 3.0], 0.5)\n    False\n    \"\"\"\n";

TEST(function_end_at_the_next_statement_in_column_0) {
  expect_cut(kHumanEval, "    return any(numbers)\n|\n\ndef check(candidate):\n    pass\n");
  expect_cut(kHumanEval, "    return any(numbers)\n|print(1)");
  expect_cut(kHumanEval, "    return any(numbers)\n|\"\"\"notes\"\"\"");
  expect_cut(kHumanEval, "    return any(numbers)\n|@cache");
  expect_cut(kHumanEval, "    return any(numbers)\n|if __name__ == '__main__':");
  expect_cut(kHumanEval, "    return any(numbers)\n|)\n");
  expect_cut(kHumanEval, "|return 1\n");
  expect_cut(kHumanEval, "|\n\nx");
}

TEST(function_end_is_not_inside_the_body) {
  expect_cut(kHumanEval, "    for a in numbers:\n\n        if a:\n            return True\n\n    return False\n\n\n");
  expect_cut(kHumanEval, "    x = 1\n# a comment in column 0\n    return x\n|y");
  expect_cut(kHumanEval, "    x = [\n1,\n2,\n]\n    return x\n|y");
  expect_cut(kHumanEval, "    x = 1 + \\\n2\n    return x\n|y");
  expect_cut(kHumanEval, "    x = \"\"\"\ndef not_code():\n\"\"\"\n    return x\n|y");
  expect_cut(kHumanEval, "    x = '''it's \\''' '' ''' + ''\n    return x\n|y");
  expect_cut(kHumanEval, "    x = 'a\\\nb'\n    return x\n|y");
  expect_cut(kHumanEval, "    x = rb'\\'' + f\"{1}\" # it's (\n    return x\n|y");
  expect_cut(kHumanEval, "    x = '(' + \")\" + '#'\n    return x\n|y");
}

TEST(function_end_takes_blank_lines_and_comments_before_it) {
  expect_cut(kHumanEval, "    return 1\n|\n# test\n\n# more\nassert x");
  expect_cut(kHumanEval, "    return 1\n|   \n\t\nassert x");
  expect_cut(kHumanEval, "    return 1\n    # part of the body\n|\nassert x");
  // Comments alone end nothing: more of the body may follow.
  expect_cut(kHumanEval, "    return 1\n\n# test\n\n# more\n");
}

TEST(function_end_closes_brackets_and_strings_that_never_will) {
  expect_cut(kHumanEval, "    return [1, (2\n|def next_one():\n");
  expect_cut(kHumanEval, "    return [1, (2\n    3\n|\nimport os\n");
  expect_cut(kHumanEval, "    return [1,\ndefinitely,\nclassy\n]\n|y");
  expect_cut(kHumanEval, "    return 'unterminated\n|y");
  expect_cut(kHumanEval, "    return 'unterminated (\n|y");
}

TEST(function_end_after_prompts_that_end_elsewhere) {
  expect_cut("def f(x):\n    return ", "x + 1\n|y");
  expect_cut("def f(x):", "\n    return x\n|y");
  expect_cut("def f(", "\nx,\n):\n    return x\n|y");
  expect_cut("def f(x):\n    '''doc", "\nmore\n'''\n    return x\n|y");
  expect_cut("def f(x):\n    '''doc\\", "'''\n'''\n    return x\n|y");
  expect_cut("def f(x):\n    x = 1 + \\", "\n2\n    return x\n|y");
  expect_cut("def f(x):\n    ", "return x\n|y");
  expect_cut("class A:\n    def f(self):\n", "        return 1\n\n    def g(self):\n        return 2\n|\nA()");
  expect_cut("async def f(x):\n", "    return x\n|y");
  expect_cut("def f(x):\n    return x\r", "\n|y");
  expect_cut("def f(x):\r\n", "    return x\r\n|\r\ny");
}

TEST(function_end_where_the_completion_opens_the_function) {
  constexpr std::string_view kDocstring = "\"\"\"\nWrite a function to add.\nassert add(1, 2) == 3\n\"\"\"\n";
  expect_cut(kDocstring,
             "import math\n\nN = 1\n\ndef helper(a):\n    return a\n\n@cache\ndef add(a, b):\n    return a + "
             "b\n|\nassert add(1, 2) == 3\n");
  expect_cut(kDocstring, "def add(a, b):\n    return a + b\n\nclass B:\n    pass\n\nfrom os import path\n|print(1)");
  expect_cut("", "x = 1\ny = 2\n");
  expect_cut("import os\nde", "f add(a, b):\n    return a\n|y");
  expect_cut("@cache\n", "def add(a, b):\n    return a\n|y = 1");
}

// ------------------------------------------------------------------------------------------------------------------
// A second implementation, over the whole text, for prompts that open a block. '\r' is left out.

std::int64_t reference_cut(const std::string& text, std::size_t prompt) {
  const auto word_byte = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  std::size_t kept = 0;  // end of the last line that the cut must keep
  int depth = 0;
  bool continued = false;
  for (std::size_t line = 0; line < text.size();) {
    const std::size_t first = text.find_first_not_of(" \t\f", line);
    if (first == std::string::npos) return kNone;
    if (text[first] == '\n' || (first == line && text[first] == '#')) {
      const std::size_t end = text.find('\n', first);
      if (end == std::string::npos) return kNone;
      continued = false;
      line = end + 1;
      continue;
    }
    if (first == line) {
      std::size_t end = line;
      while (end < text.size() && word_byte(text[end])) ++end;
      const std::string word = text.substr(line, end - line);
      const bool ends_soft = end < text.size() && (word == "def" || word == "class" || word == "import");
      if ((depth == 0 && !continued) || ends_soft) {
        if (line >= prompt) return kept > prompt ? static_cast<std::int64_t>(kept - prompt) : 0;
        depth = 0;
      }
    }
    continued = false;
    std::size_t i = first;
    while (i < text.size() && text[i] != '\n') {
      const char c = text[i];
      if (c == '#') {
        i = text.find('\n', i);
        if (i == std::string::npos) return kNone;
      } else if (c == '"' || c == '\'') {
        const bool triple = text.compare(i, 3, std::string(3, c)) == 0;
        i += triple ? 3 : 1;
        while (i < text.size()) {
          if (text[i] == '\\') {
            i += 2;
          } else if (triple ? text.compare(i, 3, std::string(3, c)) == 0 : text[i] == c) {
            i += triple ? 3 : 1;
            break;
          } else if (!triple && text[i] == '\n') {
            break;
          } else {
            ++i;
          }
        }
      } else if (c == '\\') {
        ++i;
        if (i < text.size() && text[i] == '\n') continued = true;
      } else {
        depth += c == '(' || c == '[' || c == '{';
        depth -= (c == ')' || c == ']' || c == '}') && depth > 0;
        ++i;
      }
    }
    if (i >= text.size()) return kNone;
    line = kept = i + 1;
  }
  return kNone;
}

TEST(function_end_agrees_with_a_whole_text_scan_on_random_text) {
  constexpr std::array<std::string_view, 26> kPieces = {
      "a", " ",  "\n", "\n",        "\n",   "\"",      "'",        "\"\"\"", "'''",  "\\",     "(",
      ")", "[",  "]",  "# ",        "def ", "class x", "import y", "x = 1",  "    ", "\n    ", "\n    return x\n",
      "0", "\t", "{}", "definition"};
  constexpr std::array<std::string_view, 6> kPrompts = {"def f(x):\n",           kHumanEval,
                                                        "def f(x):\n    '''",    "def f(x):\n    return [",
                                                        "def f(x):\n    x = 'a", "def f(x):\n    "};
  int ended = 0;
  for (std::uint32_t round = 0; round < 20000; ++round) {
    const std::string prompt(kPrompts[round % kPrompts.size()]);
    std::string completion;
    const std::uint32_t pieces = base::philox4x32_10({round, 0, 0, 1}, 5)[0] % 24;
    for (std::uint32_t i = 0; i < pieces; ++i)
      completion += kPieces[base::philox4x32_10({round, i, 0, 0}, 5)[0] % kPieces.size()];
    const std::int64_t want = reference_cut(prompt + completion, prompt.size());
    for (const std::size_t step : {std::size_t{1}, std::size_t{5}, completion.size() + 1}) {
      const std::int64_t got = cut_of(prompt, completion, step);
      if (got == want) continue;
      check::fail(__FILE__, __LINE__,
                  "prompt \"" + prompt + "\" completion \"" + completion + "\": cut " + std::to_string(got) +
                      ", expected " + std::to_string(want));
      return;
    }
    ended += want != kNone;
  }
  EXPECT(ended > 4000);
}

TEST(function_end_survives_any_bytes) {
  for (std::uint32_t round = 0; round < 3000; ++round) {
    std::string text;
    for (std::uint32_t i = 0; i < 64; ++i)
      text += static_cast<char>(base::philox4x32_10({round, i, 0, 0}, 6)[0] & 0xFF);
    const std::size_t split = round % 64;
    const std::int64_t one = cut_of(text.substr(0, split), text.substr(split));
    EXPECT_EQ(one, cut_of(text.substr(0, split), text.substr(split), 64));
    EXPECT(one >= kNone && one <= static_cast<std::int64_t>(64 - split));
  }
}

}  // namespace
}  // namespace faultline::constraint
