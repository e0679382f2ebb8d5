// The addon's exports, mirrored by src/engine/addon-types.ts. No state of its own: everything lives in objects of one
// environment, so that any number of workers can load it.
#include <napi.h>

#include "native/base/error.h"
#include "native/binding/events.h"
#include "native/binding/from_js.h"
#include "native/binding/native_model.h"
#include "native/model/hooks.h"
#include "native/ops/device.h"
#include "native/ops/registry.h"
#include "native/ops/self_test.h"
#include "native/session/cpu_backend.h"
#include "native/session/model_plan.h"

namespace faultline::binding {
namespace {

/// engineReport(): which instruction set was picked, and why no better one. Where FAULTLINE_FORCE_ISA cannot be met,
/// what would be picked without it, beside what is wrong: that is when people need to see what there is.
Napi::Value engine_report(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ops::Selection* selection = nullptr;
  ops::Selection unforced;
  Napi::Object report = Napi::Object::New(env);
  report.Set("fault", env.Null());
  try {
    selection = &ops::selection();
  } catch (const base::Error& error) {
    report.Set("fault", error_to_js(env, error));
    unforced = ops::select(nullptr, ops::cpu::this_cpu(), ops::set_fault);
    selection = &unforced;
  }
  report.Set("cpu", selection->cpu_brand);
  report.Set("isa", ops::cpu::isa_name(selection->isa));
  report.Set("kernelFamily", session::cpu_kernel_family(ops::WeightType::bf16, *selection));
  Napi::Array candidates = Napi::Array::New(env);
  for (const ops::Candidate& candidate : selection->candidates) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("isa", ops::cpu::isa_name(candidate.isa));
    row.Set("picked", candidate.picked);
    row.Set("refused", candidate.picked ? env.Null() : Napi::String::New(env, candidate.refused).As<Napi::Value>());
    candidates.Set(candidates.Length(), row);
  }
  report.Set("candidates", candidates);
  Napi::Array kernels = Napi::Array::New(env);
  for (const ops::KernelRow& kernel : selection->kernels) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("op", kernel.op);
    row.Set("isa", ops::cpu::isa_name(kernel.isa));
    row.Set("function", kernel.function);
    kernels.Set(kernels.Length(), row);
  }
  report.Set("kernels", kernels);
  return report;
}

/// deviceReport(): the CUDA backend's library and devices, or why there are none to use.
Napi::Value device_report(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ops::DeviceReport found = ops::device_report();
  const auto text_or_null = [env](const std::string& text) {
    return text.empty() ? env.Null() : Napi::String::New(env, text).As<Napi::Value>();
  };
  Napi::Object report = Napi::Object::New(env);
  report.Set("usable", found.usable);
  report.Set("library", found.library);
  report.Set("backend", text_or_null(found.backend));
  report.Set("refused", found.usable ? env.Null() : Napi::String::New(env, found.refused).As<Napi::Value>());
  report.Set("hint", text_or_null(found.hint));
  Napi::Array devices = Napi::Array::New(env);
  for (const ops::DeviceInfo& device : found.devices) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("name", device.name);
    row.Set("major", device.major);
    row.Set("minor", device.minor);
    row.Set("multiprocessors", device.multiprocessors);
    row.Set("memoryBytes", static_cast<double>(device.total_bytes));
    row.Set("driver", device.driver);
    row.Set("runtime", device.runtime);
    devices.Set(devices.Length(), row);
  }
  report.Set("devices", devices);
  Napi::Array kernels = Napi::Array::New(env);
  for (const ops::DeviceKernelRow& kernel : found.kernels) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("op", kernel.op);
    row.Set("type", kernel.type);
    row.Set("function", kernel.function);
    kernels.Set(kernels.Length(), row);
  }
  report.Set("kernels", kernels);
  return report;
}

/// hookPoints(layers): every hook point of a model with so many layers.
Napi::Value hook_points(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsNumber()) throw Napi::TypeError::New(env, "hookPoints takes a number of layers");
  Napi::Array points = Napi::Array::New(env);
  for (const model::HookPoint& point : model::all_hook_points(info[0].As<Napi::Number>().Int32Value())) {
    Napi::Array dimensions = Napi::Array::New(env);
    for (const model::HookDimension dimension : model::hook_rows()[static_cast<std::size_t>(point.kind)].dimensions)
      dimensions.Set(dimensions.Length(), model::hook_dimension_name(dimension));
    Napi::Object row = Napi::Object::New(env);
    row.Set("name", model::hook_name(point));
    row.Set("dimensions", dimensions);
    points.Set(points.Length(), row);
  }
  return points;
}

/// memoryPlan(options): what a run would take (NativePlan). Reads the model's config, and asks the device how much is
/// free.
Napi::Value memory_plan(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsObject()) throw Napi::TypeError::New(env, "memoryPlan takes options");
  session::ModelPlan plan;
  try {
    plan = session::plan_model(plan_options(info[0].As<Napi::Object>()));
  } catch (const base::Error& error) {
    throw to_throw(env, error);
  }
  const auto number = [env](std::uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); };
  Napi::Object result = Napi::Object::New(env);
  result.Set("device", plan.device);
  result.Set("deviceName", plan.device_name);
  result.Set("deviceReason", plan.device_reason);
  result.Set("weightBytes", number(plan.weight_bytes));
  result.Set("budgetBytes", number(plan.budget_bytes));
  result.Set("reserveBytes", number(plan.reserve_bytes));
  result.Set("newTokens", plan.new_tokens);
  result.Set("activationBytes", number(plan.memory.activation_bytes));
  result.Set("prefixBytes", number(plan.memory.group_bytes));
  result.Set("suffixBytes", number(plan.memory.slot_bytes));
  result.Set("plannedBytes", number(plan.memory.total_bytes));
  result.Set("slots", plan.memory.slots);
  result.Set("defaultBatch", plan.default_batch);
  result.Set("mostSlots", plan.most_slots);
  return result;
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  exports.Set("NativeModel", NativeModel::define(env));
  exports.Set("engineReport", Napi::Function::New(env, engine_report, "engineReport"));
  exports.Set("deviceReport", Napi::Function::New(env, device_report, "deviceReport"));
  exports.Set("memoryPlan", Napi::Function::New(env, memory_plan, "memoryPlan"));
  exports.Set("hookPoints", Napi::Function::New(env, hook_points, "hookPoints"));
  return exports;
}

}  // namespace

NODE_API_MODULE(faultline, initialise)

}  // namespace faultline::binding
