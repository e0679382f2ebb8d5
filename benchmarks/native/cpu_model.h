// What the benchmarks of whole models on the CPU have in common: `--dtype float32|bfloat16|int8`, and the wall clock.
#pragma once

#include <chrono>
#include <string>

#include "benchmarks/lib/arguments.h"
#include "native/ops/ops.h"

namespace faultline::bench {

using Clock = std::chrono::steady_clock;

/// Seconds.
inline double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Throws Error(usage) for a dtype that there is none of.
inline std::string dtype(const Arguments& arguments) {
  return arguments.one_of("dtype", {"bfloat16", "float32", "int8"});
}

inline ops::WeightType weight_type(const Arguments& arguments) {
  const std::string name = dtype(arguments);
  if (name == "float32") return ops::WeightType::f32;
  return name == "int8" ? ops::WeightType::int8 : ops::WeightType::bf16;
}

}  // namespace faultline::bench
