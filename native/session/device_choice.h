// Where a model runs: what was asked for, and what can be. The one place with that rule, for loading and for plans.
#pragma once

#include <string>

#include "native/base/error.h"
#include "native/ops/device.h"
#include "native/session/session.h"

namespace faultline::session {

/// Calls `on_device` or `on_cpu`, returns what that returns, and says in `reason` why it was that one, a sentence
/// without a full stop. DeviceChoice::automatic takes the CPU where `on_device` throws Error(environment). Throws
/// Error(usage) for int8 on CUDA, and what the functions throw.
template <class OnDevice, class OnCpu>
auto on_chosen_device(DeviceChoice choice, ops::WeightType weights, std::string& reason, OnDevice&& on_device,
                      OnCpu&& on_cpu) {
  using base::Error;
  using base::ErrorCode;
  if (choice == DeviceChoice::cpu) {
    reason = "the CPU was asked for";
    return on_cpu();
  }
  if (weights == ops::WeightType::int8) {
    if (choice == DeviceChoice::cuda)
      throw Error(ErrorCode::usage, "CUDA has no int8 kernels",
                  "Use --dtype float32 or bfloat16 on CUDA, or --device cpu for int8.");
    reason = "int8 is computed on the CPU alone";
    return on_cpu();
  }
  if (choice == DeviceChoice::cuda) {
    reason = "CUDA was asked for";
    return on_device();
  }
  const ops::DeviceReport report = ops::device_report();
  if (!report.usable) {
    reason = "CUDA cannot be used: " + report.refused;
    return on_cpu();
  }
  try {
    reason = "CUDA can be used";
    return on_device();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::environment) throw;
    reason = std::string("CUDA cannot be used for this model: ") + error.what();
    return on_cpu();
  }
}

}  // namespace faultline::session
