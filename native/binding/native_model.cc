#include "native/binding/native_model.h"

#include <utility>

#include "native/binding/from_js.h"

namespace faultline::binding {

Napi::Function NativeModel::define(Napi::Env env) {
  return DefineClass(env, "NativeModel",
                     {InstanceMethod<&NativeModel::generate>("generate"), InstanceMethod<&NativeModel::check>("check"),
                      InstanceMethod<&NativeModel::activations>("activations"),
                      InstanceMethod<&NativeModel::cancel>("cancel"), InstanceMethod<&NativeModel::stop>("stop")});
}

NativeModel::NativeModel(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeModel>(info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsObject() || !info[1].IsFunction())
    throw Napi::TypeError::New(env, "NativeModel takes options and a function");
  session::SessionOptions options = session_options(info[0].As<Napi::Object>());
  try {
    link_ = std::make_unique<EngineLink>(env, std::move(options), info[1].As<Napi::Function>());
  } catch (const base::Error& error) {
    throw to_throw(env, error);
  }
}

NativeModel::~NativeModel() {
  if (link_) EngineLink::forget(std::move(link_));
}

Napi::Value NativeModel::generate(const Napi::CallbackInfo& info) { return start(info, &session::Engine::generate); }

Napi::Value NativeModel::check(const Napi::CallbackInfo& info) { return start(info, &session::Engine::check); }

/// A job that `push(engine)` begins; its number.
template <class Push>
Napi::Value NativeModel::push_job(Napi::Env env, Push&& push) {
  try {
    return Napi::Number::New(env, link_->begin(push));
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
  link_->cancel(info[0].As<Napi::Number>().Uint32Value());
}

void NativeModel::stop(const Napi::CallbackInfo&) { link_->stop(); }

}  // namespace faultline::binding
