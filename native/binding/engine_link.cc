#include "native/binding/engine_link.h"

#include <algorithm>
#include <new>
#include <utility>

#include "native/ops/cpu/isa.h"

namespace faultline::binding {

EngineLink::EngineLink(Napi::Env env, session::SessionOptions options, Napi::Function on_events)
    : env_(env),
      mailbox_(std::make_shared<Mailbox>()),
      deliver_(Napi::ThreadSafeFunction::New(env, on_events, "faultline", 0, 1)) {
  mailbox_->reader = this;
  // After the thread-safe function, so that it runs before that one's own hook: hooks run last in, first out.
  napi_add_env_cleanup_hook(env_, environment_ends, this);
  waits_ = 1;  // loading
  session::Listener& listener = *this;
  try {
    engine_ = std::make_unique<session::Engine>(std::move(options), listener);
  } catch (...) {
    // No destructor runs for an object whose constructor throws.
    napi_remove_env_cleanup_hook(env_, environment_ends, this);
    deliver_.Release();
    throw;
  }
}

EngineLink::~EngineLink() {
  shut_down();
  if (environment_ended_) return;
  napi_remove_env_cleanup_hook(env_, environment_ends, this);
  deliver_.Release();
}

void EngineLink::forget(std::unique_ptr<EngineLink> link) {
  if (!link->engine_) return;  // its thread has ended before: freed here
  {
    const std::lock_guard lock(link->mailbox_->mutex);
    link->mailbox_->forgotten = true;
  }
  link->engine_->stop();
  link->forgotten_ = true;
  (void)link.release();  // deliver() or environment_ends() deletes it
}

void EngineLink::environment_ends(void* self) {
  auto* const link = static_cast<EngineLink*>(self);
  link->environment_ended_ = true;
  link->shut_down();
  if (link->forgotten_) delete link;
}

/// Joins the engine's thread. What it still has to tell is dropped.
void EngineLink::shut_down() {
  {
    const std::lock_guard lock(mailbox_->mutex);
    mailbox_->closed = true;
    mailbox_->reader = nullptr;
    mailbox_->events.clear();
  }
  engine_.reset();
}

void EngineLink::begin_wait() {
  if (waits_++ == 0) deliver_.Ref(env_);
}

void EngineLink::cancel(session::JobId job) {
  if (engine_) engine_->cancel(job);
}

void EngineLink::stop() {
  // `stopped` comes once: a second wait for it would keep Node alive for ever.
  if (stopping_ || !engine_) return;
  stopping_ = true;
  engine_->stop();
  begin_wait();
}

/// Whether anybody hears of anything but the end: asked before an event is made of what has to be copied, as there may
/// be no room for that, and a join waits for nothing then.
bool EngineLink::listens() const {
  const std::lock_guard lock(mailbox_->mutex);
  return !mailbox_->closed && !mailbox_->forgotten;
}

void EngineLink::loaded(const session::Session& session) {
  if (!listens()) return;
  push(Loaded{.config = session.config(),
              .eos_token = session.eos_token().value_or(-1),
              .threads = session.threads(),
              .device = session.device(),
              .device_reason = session.device_reason(),
              // Not the registry's: on another device nobody asks which instruction set the CPU would use.
              .cpu = ops::cpu::this_cpu().brand});
}
void EngineLink::load_failed(const base::Error& error) {
  if (listens()) push(LoadFailed{error});
}
void EngineLink::sample(session::JobId job, session::SampleResult&& result) {
  push(SampleEnded{job, std::move(result)});
}
void EngineLink::done(session::JobId job) { push(Done{job}); }
void EngineLink::planned(session::JobId job, const session::RunPlan& plan) { push(Planned{job, plan}); }
void EngineLink::activations(session::JobId job, std::vector<model::Activation>&& result) {
  push(ActivationsReady{job, std::move(result)});
}
void EngineLink::cancelled(session::JobId job) { push(Cancelled{job}); }
void EngineLink::failed(session::JobId job, const base::Error& error) {
  if (listens()) push(Failed{job, error});
}
void EngineLink::stopped() { push(Stopped{}); }

/// Queues an event and makes sure that one call, and only one, is on its way to fetch it: a step that ends fifty
/// samples costs the event loop one turn. Where there is no memory for that, nothing is queued.
void EngineLink::push(Event&& event) {
  const std::lock_guard lock(mailbox_->mutex);
  if (mailbox_->closed || (mailbox_->forgotten && !std::holds_alternative<Stopped>(event))) return;
  mailbox_->events.push_back(std::move(event));
  if (mailbox_->scheduled) return;
  try {
    // Under the lock: shut_down() takes it before the function may be released.
    mailbox_->scheduled = deliver_.NonBlockingCall([mailbox = mailbox_](Napi::Env env, Napi::Function on_events) {
      EngineLink* reader = nullptr;
      {
        const std::lock_guard lock(mailbox->mutex);
        reader = mailbox->reader;
      }
      if (reader != nullptr) reader->deliver(env, on_events);
    }) == napi_ok;
  } catch (const std::bad_alloc&) {
    mailbox_->events.pop_back();
    throw;
  }
}

void EngineLink::deliver(Napi::Env env, Napi::Function on_events) {
  std::vector<Event> events;
  {
    const std::lock_guard lock(mailbox_->mutex);
    events.swap(mailbox_->events);
    mailbox_->scheduled = false;
  }
  const bool has_stopped =
      std::ranges::any_of(events, [](const Event& event) { return std::holds_alternative<Stopped>(event); });
  if (forgotten_) {
    if (has_stopped) delete this;
    return;
  }
  const Napi::HandleScope scope(env);
  Napi::Array array = Napi::Array::New(env, events.size());
  int ended = 0;
  for (std::uint32_t i = 0; i < events.size(); ++i) {
    ended += ends_wait(events[i]) ? 1 : 0;
    array.Set(i, to_js(env, std::move(events[i])));
  }
  waits_ -= ended;
  if (ended > 0 && waits_ == 0) deliver_.Unref(env);
  if (has_stopped) engine_.reset();  // its thread has ended: nothing to wait for
  on_events.Call({array});
}

}  // namespace faultline::binding
