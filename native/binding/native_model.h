// The NativeModel class that JavaScript sees: checks and turns arguments, and passes them on to its engine. What comes
// back goes through engine_link.h.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "native/binding/engine_link.h"
#include "native/session/engine.h"

namespace faultline::binding {

/// Constructed as `new NativeModel(options, onEvents)`: loading begins at once, and `onEvents` gets arrays of events in
/// the order in which they happened. While something is awaited (loading, jobs, stopping) Node is kept alive; an idle
/// model does not keep it.
///
/// The engine ends with stop() and its `stopped` event, when the object is collected (EngineLink::forget, which waits
/// for nothing), or when its environment ends, whichever is first.
class NativeModel : public Napi::ObjectWrap<NativeModel> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit NativeModel(const Napi::CallbackInfo& info);
  ~NativeModel() override;

 private:
  // Methods that JavaScript calls; addon-types.ts documents them.
  Napi::Value generate(const Napi::CallbackInfo& info);
  Napi::Value check(const Napi::CallbackInfo& info);
  using EngineCall = session::JobId (session::Engine::*)(std::vector<session::GroupRequest>, std::int32_t);
  Napi::Value start(const Napi::CallbackInfo& info, EngineCall call);
  template <class Push>
  Napi::Value push_job(Napi::Env env, Push&& push);
  Napi::Value activations(const Napi::CallbackInfo& info);
  void cancel(const Napi::CallbackInfo& info);
  void stop(const Napi::CallbackInfo& info);

  std::unique_ptr<EngineLink> link_;
};

}  // namespace faultline::binding
