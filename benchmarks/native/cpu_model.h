// What the benchmarks of whole models on the CPU have in common: `--dtype float32|bfloat16|int8`, and the wall clock.
#pragma once

#include <chrono>
#include <string>

#include "benchmarks/lib/arguments.h"
#include "native/base/error.h"
#include "native/ops/ops.h"

namespace faultline::bench {

using Clock = std::chrono::steady_clock;

/// Seconds.
inline double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

inline std::string dtype(const Arguments& arguments) { return arguments.text("dtype", "bfloat16"); }

/// Throws Error(usage) for a dtype that there is none of.
inline ops::WeightType weight_type(const Arguments& arguments) {
  const std::string name = dtype(arguments);
  if (name == "float32") return ops::WeightType::f32;
  if (name == "bfloat16") return ops::WeightType::bf16;
  if (name == "int8") return ops::WeightType::int8;
  throw base::Error(base::ErrorCode::usage, "--dtype is " + name + ", but must be float32, bfloat16 or int8");
}

}  // namespace faultline::bench
