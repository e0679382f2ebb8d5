// What several fuzz targets share.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "native/format/tensor_file.h"

namespace faultline::check {

/// JSON's own words, and `more` behind them: what mutations insert.
inline std::vector<std::string> json_words(const std::vector<std::string>& more) {
  std::vector<std::string> words = {"0",  "9",  "-",       "[",  "]",  "{",    "}",    ",",       ":",
                                    "\"", "\\", "\\ud800", "e9", ".5", "null", "true", "[[[[[[[["};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// Reads every tensor to its last byte, where a sanitizer looks.
inline void read_all(const format::TensorFile& file) {
  unsigned sum = 0;
  for (const std::string& name : file.names()) {
    for (const std::byte byte : file.get(name).bytes()) sum += std::to_integer<unsigned>(byte);
  }
  [[maybe_unused]] const volatile unsigned kept = sum;
}

}  // namespace faultline::check
