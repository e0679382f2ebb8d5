// One engine and its way back to Node's thread: the queue of its events, and the thread-safe function that fetches
// them. Apart from the object that JavaScript sees, because it outlives that one: joining the engine's thread where an
// object is collected would hold the event loop for a whole forward pass.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <vector>

#include "native/binding/events.h"
#include "native/session/engine.h"

namespace faultline::binding {

/// Used on Node's thread; the engine's thread reaches it through the queue alone. Its thread is joined when its
/// `stopped` event has come, which is then a matter of microseconds, or when the environment (a worker, or the process)
/// ends, which waits for the forward pass that is running: no thread outlives the environment.
class EngineLink final : private session::Listener {
 public:
  /// Starts the engine, which begins to load. Throws what Engine's constructor does, and Napi::Error.
  EngineLink(Napi::Env env, session::SessionOptions options, Napi::Function on_events);
  ~EngineLink() override;
  EngineLink(const EngineLink&) = delete;
  EngineLink& operator=(const EngineLink&) = delete;

  /// For a finalizer: cancels everything and returns at once. The link frees itself when its thread has ended; nobody
  /// hears of any event.
  static void forget(std::unique_ptr<EngineLink> link);

  /// A job that `push(engine)` begins, awaited from here on; its number. Throws Error(usage) after stop().
  template <class Push>
  session::JobId begin(Push&& push) {
    if (!engine_) session::Engine::refuse_stopped();
    const session::JobId job = push(*engine_);
    begin_wait();
    return job;
  }
  void cancel(session::JobId job);
  void stop();

 private:
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
  bool listens() const;
  void push(Event&& event);

  // On Node's thread.
  void begin_wait();
  void deliver(Napi::Env env, Napi::Function on_events);
  void shut_down();
  static void environment_ends(void* self);

  /// What the queue's other end needs, shared so that a call already under way in the event loop finds it intact when
  /// the link is gone.
  struct Mailbox {
    std::mutex mutex;
    std::vector<Event> events;
    bool scheduled = false;  // a call is on its way to Node's thread, it will take all events
    bool forgotten = false;  // nobody listens but to the end
    bool closed = false;     // nobody will read any more
    EngineLink* reader = nullptr;
  };

  napi_env env_;
  std::shared_ptr<Mailbox> mailbox_;
  Napi::ThreadSafeFunction deliver_;
  int waits_ = 0;
  bool stopping_ = false;
  bool forgotten_ = false;                   // nobody owns it but itself
  bool environment_ended_ = false;           // which takes its hook and the thread-safe function along
  std::unique_ptr<session::Engine> engine_;  // last: its thread uses what stands above
};

}  // namespace faultline::binding
