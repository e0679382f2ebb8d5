// What the engine's thread has to tell JavaScript: plain data, queued there and turned into objects on Node's thread
// (NativeEvent in addon-types.ts).
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "native/base/error.h"
#include "native/model/hooks.h"
#include "native/session/backend.h"
#include "native/session/engine.h"
#include "native/session/request.h"

namespace faultline::binding {

/// What a loaded model is, copied so that it outlives the session.
struct Loaded {
  model::ModelConfig config;
  std::int32_t eos_token;  // -1: none
  int threads;
  session::BackendDescription device;
  std::string device_reason;
  std::string cpu;  // also where another device computes
};
struct LoadFailed {
  base::Error error;
};
struct SampleEnded {
  session::JobId job;
  session::SampleResult result;
};
struct Done {
  session::JobId job;
};
struct Planned {
  session::JobId job;
  session::RunPlan plan;
};
struct ActivationsReady {
  session::JobId job;
  std::vector<model::Activation> activations;
};
struct Cancelled {
  session::JobId job;
};
struct Failed {
  session::JobId job;
  base::Error error;
};
struct Stopped {};

using Event =
    std::variant<Loaded, LoadFailed, SampleEnded, Done, Planned, ActivationsReady, Cancelled, Failed, Stopped>;

/// Whether something that JavaScript waits for has ended with this event: loading, a job, or stopping.
bool ends_wait(const Event& event);

/// One event as an object with a `type`. Gives the event's arrays away.
Napi::Object to_js(Napi::Env env, Event&& event);

/// { kind, message, hint }.
Napi::Object error_to_js(Napi::Env env, const base::Error& error);

/// The same as JavaScript throws it: an Error with the message, and the whole as `fault`.
Napi::Error to_throw(Napi::Env env, const base::Error& error);

}  // namespace faultline::binding
