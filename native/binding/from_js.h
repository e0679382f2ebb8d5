// JavaScript values to the session's requests. TypeScript has checked what a user can get wrong (src/engine); what is
// checked again here is what would otherwise read outside an array, and it throws a Napi::TypeError.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "native/session/model_plan.h"
#include "native/session/request.h"
#include "native/session/session.h"

namespace faultline::binding {

/// The `options` of NativeModel's constructor (NativeModelOptions in addon-types.ts). Copies all bytes.
session::SessionOptions session_options(const Napi::Object& options);

/// The `options` of memoryPlan (NativePlanOptions).
session::ModelPlanOptions plan_options(const Napi::Object& options);

/// NativeGroup[] of NativeModel.generate. Copies all arrays: the engine's thread reads them later.
std::vector<session::GroupRequest> group_requests(const Napi::Array& groups);

/// An Int32Array, copied.
std::vector<std::int32_t> int32_array(const Napi::Value& value, const char* name);

/// A string[].
std::vector<std::string> strings(const Napi::Value& value, const char* name);

}  // namespace faultline::binding
