// The linker trap (native/ops/cpu/README.md): objects compiled for one instruction set must define no weak symbol, and
// no strong one outside their own namespace, or the linker may use them where that instruction set does not exist.
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "tests/native/check.h"

namespace faultline::check {
namespace {

std::string output_of(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string text;
  std::array<char, 4096> chunk;
  while (pipe != nullptr && std::fgets(chunk.data(), chunk.size(), pipe.get()) != nullptr) text += chunk.data();
  return text;
}

TEST(symbols_of_isa_objects_stay_in_their_namespace) {
  if (output_of("command -v " FAULTLINE_NM).empty()) {
    note("skipped: " FAULTLINE_NM " is not installed");
    return;
  }
  int objects = 0, kernels = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(FAULTLINE_BINARY_DIR "/native")) {
    const std::string path = entry.path().string();
    std::string isa;
    for (const char* name : {"avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16", "amx", "neon"}) {
      if (path.ends_with(std::string("_") + name + ".cc.o")) isa = name;
    }
    if (isa.empty()) continue;
    ++objects;
    std::istringstream lines(output_of(FAULTLINE_NM " -C --defined-only '" + path + "'"));
    for (std::string line; std::getline(lines, line);) {
      const auto kind_at = line.find(' ');
      if (kind_at == std::string::npos || kind_at + 3 >= line.size()) continue;
      const char kind = line[kind_at + 1];
      const std::string name = line.substr(kind_at + 3);
      // Upper case is visible to the linker; W, V and u are weak or unique and may replace others' copies.
      if (std::string_view("WVuwv").find(kind) != std::string_view::npos) {
        // Sanitizers put weak markers of their own into every object; they hold no code.
        if (name.find("asan") == std::string::npos && name.find("ubsan") == std::string::npos &&
            name != "DW.ref.__gxx_personality_v0") {
          fail(__FILE__, __LINE__, path + " defines the weak symbol " + name);
        }
      } else if (std::string_view("TDBR").find(kind) != std::string_view::npos) {
        ++kernels;
        if (name.find("faultline::ops::" + isa + "::") != 0) fail(__FILE__, __LINE__, path + " defines " + name);
      }
    }
  }
#if defined(__x86_64__)
  EXPECT_EQ(objects, 28);
  EXPECT(kernels >= 20);
#elif defined(__aarch64__)
  EXPECT_EQ(objects, 28);
  EXPECT(kernels >= 10);
#endif
}

}  // namespace
}  // namespace faultline::check
