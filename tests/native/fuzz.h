// What a fuzz target is: one file fuzz_<reader>.cc with the three functions below. fuzz_driver.cc feeds it mutations of
// its seeds with any compiler; libFuzzer can take the driver's place (clang++ -fsanitize=fuzzer,address,undefined).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// Reads one input of any bytes. Returns 0 when it was accepted, -1 when it was refused with an Error(input); every
/// other way out is a finding. libFuzzer's name and signature.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace faultline::check {

/// Inputs that are accepted, from which mutations start.
std::vector<std::string> fuzz_seeds();
/// What mutations insert: words of the format.
std::vector<std::string> fuzz_words();

}  // namespace faultline::check
