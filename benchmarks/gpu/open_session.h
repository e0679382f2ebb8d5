// The session that the programs in this folder run: `--device cpu|cuda`, `--dtype float32|bfloat16`, `--memory MiB`.
#pragma once

#include <string>

#include "benchmarks/lib/arguments.h"
#include "native/session/session.h"

namespace faultline::gpu {

inline session::SessionOptions session_options(const bench::Arguments& arguments) {
  const std::string device = arguments.one_of("device", {"cuda", "cpu"});
  const std::string dtype = arguments.one_of("dtype", {"bfloat16", "float32"});
  session::SessionOptions options;
  options.folder = arguments.positional();
  options.weights = dtype == "float32" ? ops::WeightType::f32 : ops::WeightType::bf16;
  options.device = device == "cpu" ? session::DeviceChoice::cpu : session::DeviceChoice::cuda;
  options.memory_bytes = static_cast<std::uint64_t>(arguments.integer("memory", 0)) << 20;
  return options;
}

}  // namespace faultline::gpu
