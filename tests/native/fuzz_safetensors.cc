// Fuzz target: the safetensors reader. What it accepts must be readable to the last byte (the sanitizers look).
#include <cstring>

#include "native/base/error.h"
#include "native/format/safetensors.h"
#include "tests/native/fuzz.h"

namespace faultline::check {
namespace {

std::string file_of(const std::string& header, const std::string& data) {
  const std::uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + data;
}

}  // namespace

std::vector<std::string> fuzz_seeds() {
  return {
      file_of("{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
              "\"b\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[8,14]},"
              "\"c\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[14,15]}}",
              "0123456789abcde"),
      file_of("{\"\\u00e9\\ud83d\\ude00\\n\":{\"data_offsets\":[0,2],\"dtype\":\"F16\",\"shape\":[1,1,1,1,1,1,1,1]},"
              "\"z\":{\"dtype\":\"I64\",\"shape\":[0,9],\"data_offsets\":[2,2]}}    ",
              "ab"),
      file_of("{}", ""),
  };
}

std::vector<std::string> fuzz_words() {
  return {"0",
          "9",
          "-",
          "[",
          "]",
          "{",
          "}",
          ",",
          ":",
          "\"",
          "\\",
          "\\u",
          "\\ud800",
          "e9",
          ".5",
          "null",
          "true",
          "[[[[[[[[",
          "1,1,1,1,1,1,1,1",
          "\"F32\"",
          "\"Q8_0\"",
          "\"dtype\":",
          "\"shape\":",
          "\"data_offsets\":",
          "\"a\":",
          "4611686018427387904",
          "9223372036854775807",
          "18446744073709551616"};
}

}  // namespace faultline::check

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace faultline;
  try {
    const auto file = format::parse_safetensors(std::as_bytes(std::span(data, size)), "fuzz.safetensors");
    unsigned sum = 0;
    for (const std::string& name : file->names()) {
      for (const std::byte byte : file->get(name).bytes()) sum += std::to_integer<unsigned>(byte);
    }
    [[maybe_unused]] const volatile unsigned kept = sum;
    return 0;
  } catch (const base::Error& error) {
    if (error.code() != base::ErrorCode::input) throw;
    return -1;
  }
}
