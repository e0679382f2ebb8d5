#include "native/binding/native_model.h"

#include <utility>

#include "native/binding/from_js.h"
#include "native/ops/cpu/isa.h"

namespace faultline::binding {

Napi::Function NativeModel::define(Napi::Env env) {
  return DefineClass(
      env, "NativeModel",
      {InstanceMethod<&NativeModel::generate>("generate"), InstanceMethod<&NativeModel::check>("check"),
       InstanceMethod<static_cast<Napi::Value (NativeModel::*)(const Napi::CallbackInfo&)>(&NativeModel::activations)>(
           "activations"),
       InstanceMethod<&NativeModel::cancel>("cancel"), InstanceMethod<&NativeModel::stop>("stop")});
}

NativeModel::NativeModel(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<NativeModel>(info), env_(info.Env()), mailbox_(std::make_shared<Mailbox>()) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsObject() || !info[1].IsFunction())
    throw Napi::TypeError::New(env, "NativeModel takes options and a function");
  session::SessionOptions options = session_options(info[0].As<Napi::Object>());
  mailbox_->reader = this;
  deliver_ = Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "faultline", 0, 1);
  // After the thread-safe function, so that it runs before that one's own hook: hooks run last in, first out.
  napi_add_env_cleanup_hook(env_, environment_ends, this);
  waits_ = 1;  // loading
  session::Listener& listener = *this;
  try {
    engine_ = std::make_unique<session::Engine>(std::move(options), listener);
  } catch (const base::Error& error) {
    // No destructor runs for an object whose constructor throws.
    napi_remove_env_cleanup_hook(env_, environment_ends, this);
    deliver_.Release();
    throw to_throw(env, error);
  }
}

NativeModel::~NativeModel() {
  if (!mailbox_->reader) return;  // the environment has ended before, or construction failed early
  napi_remove_env_cleanup_hook(env_, environment_ends, this);
  shut_down();
  deliver_.Release();
}

void NativeModel::environment_ends(void* self) { static_cast<NativeModel*>(self)->shut_down(); }

/// Joins the engine's thread. What it still has to tell is dropped.
void NativeModel::shut_down() {
  {
    const std::lock_guard lock(mailbox_->mutex);
    mailbox_->closed = true;
    mailbox_->reader = nullptr;
    mailbox_->events.clear();
  }
  engine_.reset();
}

void NativeModel::begin_wait(Napi::Env env) {
  if (waits_++ == 0) deliver_.Ref(env);
}

Napi::Value NativeModel::generate(const Napi::CallbackInfo& info) { return start(info, &session::Engine::generate); }

Napi::Value NativeModel::check(const Napi::CallbackInfo& info) { return start(info, &session::Engine::check); }

/// A job that `push(engine)` begins, awaited from here on; its number.
template <class Push>
Napi::Value NativeModel::push_job(Napi::Env env, Push&& push) {
  try {
    if (!engine_) session::Engine::refuse_stopped();
    const session::JobId job = push(*engine_);
    begin_wait(env);
    return Napi::Number::New(env, job);
  } catch (const base::Error& error) {
    throw to_throw(env, error);
  }
}

/// A job over groups and a batch size.
Napi::Value NativeModel::start(const Napi::CallbackInfo& info, EngineCall call) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsArray() || !info[1].IsNumber())
    throw Napi::TypeError::New(env, "expected an array of groups and a batch size");
  std::vector<session::GroupRequest> requests = group_requests(info[0].As<Napi::Array>());
  const std::int32_t batch = info[1].As<Napi::Number>().Int32Value();
  return push_job(env, [&](session::Engine& engine) { return (engine.*call)(std::move(requests), batch); });
}

Napi::Value NativeModel::activations(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2) throw Napi::TypeError::New(env, "activations takes tokens and hook points");
  std::vector<std::int32_t> tokens = int32_array(info[0], "tokens");
  std::vector<std::string> hooks = strings(info[1], "hooks");
  return push_job(env,
                  [&](session::Engine& engine) { return engine.activations(std::move(tokens), std::move(hooks)); });
}

void NativeModel::cancel(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsNumber()) throw Napi::TypeError::New(info.Env(), "cancel takes a job");
  if (engine_) engine_->cancel(info[0].As<Napi::Number>().Uint32Value());
}

void NativeModel::stop(const Napi::CallbackInfo& info) {
  // `stopped` comes once: a second wait for it would keep Node alive for ever.
  if (stopping_ || !engine_) return;
  stopping_ = true;
  engine_->stop();
  begin_wait(info.Env());
}

void NativeModel::loaded(const session::Session& session) {
  push(Loaded{.config = session.config(),
              .eos_token = session.eos_token().value_or(-1),
              .threads = session.threads(),
              .device = session.device(),
              .device_reason = session.device_reason(),
              // Not the registry's: on another device nobody asks which instruction set the CPU would use.
              .cpu = ops::cpu::this_cpu().brand});
}
void NativeModel::load_failed(const base::Error& error) { push(LoadFailed{error}); }
void NativeModel::sample(session::JobId job, session::SampleResult&& result) {
  push(SampleEnded{job, std::move(result)});
}
void NativeModel::done(session::JobId job) { push(Done{job}); }
void NativeModel::planned(session::JobId job, const session::RunPlan& plan) { push(Planned{job, plan}); }
void NativeModel::activations(session::JobId job, std::vector<model::Activation>&& result) {
  push(ActivationsReady{job, std::move(result)});
}
void NativeModel::cancelled(session::JobId job) { push(Cancelled{job}); }
void NativeModel::failed(session::JobId job, const base::Error& error) { push(Failed{job, error}); }
void NativeModel::stopped() { push(Stopped{}); }

/// Queues an event and makes sure that one call, and only one, is on its way to fetch it: a step that ends fifty
/// samples costs the event loop one turn.
void NativeModel::push(Event&& event) {
  const std::lock_guard lock(mailbox_->mutex);
  if (mailbox_->closed) return;
  mailbox_->events.push_back(std::move(event));
  if (mailbox_->scheduled) return;
  // Under the lock: shut_down() takes it before the function may be released.
  mailbox_->scheduled = deliver_.NonBlockingCall([mailbox = mailbox_](Napi::Env env, Napi::Function on_events) {
    NativeModel* reader = nullptr;
    {
      const std::lock_guard lock(mailbox->mutex);
      reader = mailbox->reader;
    }
    if (reader != nullptr) reader->deliver(env, on_events);
  }) == napi_ok;
}

void NativeModel::deliver(Napi::Env env, Napi::Function on_events) {
  std::vector<Event> events;
  {
    const std::lock_guard lock(mailbox_->mutex);
    events.swap(mailbox_->events);
    mailbox_->scheduled = false;
  }
  const Napi::HandleScope scope(env);
  Napi::Array array = Napi::Array::New(env, events.size());
  int ended = 0;
  bool has_stopped = false;
  for (std::uint32_t i = 0; i < events.size(); ++i) {
    ended += ends_wait(events[i]) ? 1 : 0;
    has_stopped |= std::holds_alternative<Stopped>(events[i]);
    array.Set(i, to_js(env, std::move(events[i])));
  }
  waits_ -= ended;
  if (ended > 0 && waits_ == 0) deliver_.Unref(env);
  if (has_stopped) engine_.reset();  // its thread has ended: nothing to wait for
  on_events.Call({array});
}

}  // namespace faultline::binding
