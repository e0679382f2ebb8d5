// The NativeModel class that JavaScript sees: one engine, one thread-safe function back. Lives on Node's thread; the
// engine's thread reaches it through the queue of events alone.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <vector>

#include "native/binding/events.h"
#include "native/session/engine.h"

namespace faultline::binding {

/// Constructed as `new NativeModel(options, onEvents)`: loading begins at once, and `onEvents` gets arrays of events in
/// the order in which they happened. While something is awaited (loading, jobs, stopping) Node is kept alive; an idle
/// model does not keep it.
///
/// The engine ends with stop() and its `stopped` event, when the object is collected, or when its environment
/// (a worker, or the process) ends, whichever is first; the latter two wait for the forward pass that is running.
class NativeModel : public Napi::ObjectWrap<NativeModel>, private session::Listener {
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

  // Called on the engine's thread.
  void loaded(const session::Session& session) override;
  void load_failed(const base::Error& error) override;
  void sample(session::JobId job, session::SampleResult&& result) override;
  void done(session::JobId job) override;
  void planned(session::JobId job, const session::RunPlan& plan) override;
  void activations(session::JobId job, std::vector<model::Activation>&& result) override;
  void cancelled(session::JobId job) override;
  void failed(session::JobId job, const base::Error& error) override;
  void stopped() override;
  void push(Event&& event);

  // On Node's thread.
  void begin_wait(Napi::Env env);
  void deliver(Napi::Env env, Napi::Function on_events);
  void shut_down();
  static void environment_ends(void* self);

  /// What the queue's other end needs, shared so that a call already under way in the event loop finds it intact when
  /// the object is gone.
  struct Mailbox {
    std::mutex mutex;
    std::vector<Event> events;
    bool scheduled = false;  // a call is on its way to Node's thread, it will take all events
    bool closed = false;     // nobody will read any more
    NativeModel* reader = nullptr;
  };

  napi_env env_;
  std::shared_ptr<Mailbox> mailbox_;
  Napi::ThreadSafeFunction deliver_;
  int waits_ = 0;
  bool stopping_ = false;
  std::unique_ptr<session::Engine> engine_;  // last: its thread uses what stands above
};

}  // namespace faultline::binding
