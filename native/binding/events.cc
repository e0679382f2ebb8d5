#include "native/binding/events.h"

#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace faultline::binding {
namespace {

/// A typed array with a copy of `values`: results of a sample are a few hundred bytes, less than an external buffer's
/// own bookkeeping.
template <class T>
Napi::TypedArrayOf<T> copied(Napi::Env env, const std::vector<T>& values) {
  auto array = Napi::TypedArrayOf<T>::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof(T));
  return array;
}

/// A Float32Array over the buffer's own memory, freed with the array; a copy where the runtime forbids such memory (as
/// Electron does).
Napi::Float32Array given_away(Napi::Env env, base::AlignedBuffer&& buffer) {
  const std::size_t bytes = buffer.size();
  auto owner = std::make_unique<base::AlignedBuffer>(std::move(buffer));
  napi_value external = nullptr;
  const napi_status status = napi_create_external_arraybuffer(
      env, owner->data(), bytes,
      [](node_api_basic_env, void*, void* hint) { delete static_cast<base::AlignedBuffer*>(hint); }, owner.get(),
      &external);
  if (status == napi_ok) {
    owner.release();  // the array buffer's now
    return Napi::Float32Array::New(env, bytes / sizeof(float), Napi::ArrayBuffer(env, external), 0);
  }
  auto array = Napi::Float32Array::New(env, bytes / sizeof(float));
  if (bytes > 0) std::memcpy(array.Data(), owner->data(), bytes);
  return array;
}

Napi::Object typed(Napi::Env env, const char* type) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("type", type);
  return object;
}

Napi::Object for_job(Napi::Env env, const char* type, session::JobId job) {
  Napi::Object object = typed(env, type);
  object.Set("job", job);
  return object;
}

/// One overload per kind of event.
struct ToJs {
  Napi::Env env;

  Napi::Object operator()(Loaded&& event) const {
    Napi::Object object = typed(env, "loaded");
    object.Set("layers", event.config.layers);
    object.Set("heads", event.config.heads);
    object.Set("width", event.config.width);
    object.Set("vocabularySize", event.config.vocabulary);
    object.Set("context", event.config.context);
    object.Set("eosToken", event.eos_token < 0 ? env.Null() : Napi::Number::New(env, event.eos_token));
    object.Set("device", event.device.device);
    object.Set("deviceName", event.device.name);
    object.Set("deviceReason", event.device_reason);
    object.Set("isa", event.device.isa);
    object.Set("kernelFamily", event.device.kernel_family);
    object.Set("defaultBatch", event.device.default_batch);
    object.Set("cpu", event.cpu);
    object.Set("threads", event.threads);
    return object;
  }

  Napi::Object operator()(LoadFailed&& event) const {
    Napi::Object object = typed(env, "loadFailed");
    object.Set("error", error_to_js(env, event.error));
    return object;
  }

  Napi::Object operator()(SampleEnded&& event) const {
    const session::SampleResult& result = event.result;
    Napi::Object sample = Napi::Object::New(env);
    sample.Set("group", result.group);
    sample.Set("sampleIndex", result.sample_index);
    sample.Set("tokens", copied(env, result.tokens));
    sample.Set("logprobs", copied(env, result.logprobs));
    sample.Set("entropies", copied(env, result.entropies));
    sample.Set("eosLogprob", result.eos_logprob);
    sample.Set("finishReason", session::finish_reason_name(result.finish));
    sample.Set("bytes", copied(env, result.bytes));
    sample.Set("cut", static_cast<double>(result.cut));
    sample.Set("error", result.error.empty() ? env.Null() : Napi::String::New(env, result.error).As<Napi::Value>());
    Napi::Object object = for_job(env, "sample", event.job);
    object.Set("sample", sample);
    return object;
  }

  Napi::Object operator()(Done&& event) const { return for_job(env, "done", event.job); }

  Napi::Object operator()(Planned&& event) const {
    const session::RunPlan& plan = event.plan;
    const auto number = [this](std::uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); };
    Napi::Object object = for_job(env, "planned", event.job);
    object.Set("weightBytes", number(plan.weight_bytes));
    object.Set("budgetBytes", number(plan.budget_bytes));
    object.Set("plannedBytes", number(plan.memory.total_bytes));
    object.Set("slots", plan.memory.slots);
    return object;
  }

  Napi::Object operator()(ActivationsReady&& event) const {
    Napi::Array arrays = Napi::Array::New(env, event.activations.size());
    std::uint32_t index = 0;
    for (model::Activation& activation : event.activations) {
      Napi::Array shape = Napi::Array::New(env, activation.shape.size());
      for (std::uint32_t i = 0; i < activation.shape.size(); ++i)
        shape.Set(i, static_cast<double>(activation.shape[i]));
      Napi::Object array = Napi::Object::New(env);
      array.Set("name", model::hook_name(activation.point));
      array.Set("shape", shape);
      array.Set("data", given_away(env, std::move(activation.data)));
      arrays.Set(index++, array);
    }
    Napi::Object object = for_job(env, "activations", event.job);
    object.Set("activations", arrays);
    return object;
  }

  Napi::Object operator()(Cancelled&& event) const { return for_job(env, "cancelled", event.job); }

  Napi::Object operator()(Failed&& event) const {
    Napi::Object object = for_job(env, "failed", event.job);
    object.Set("error", error_to_js(env, event.error));
    return object;
  }

  Napi::Object operator()(Stopped&&) const { return typed(env, "stopped"); }
};

}  // namespace

bool ends_wait(const Event& event) { return !std::holds_alternative<SampleEnded>(event); }

Napi::Object to_js(Napi::Env env, Event&& event) { return std::visit(ToJs{env}, std::move(event)); }

Napi::Object error_to_js(Napi::Env env, const base::Error& error) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("kind", base::error_code_name(error.code()));
  object.Set("message", error.what());
  object.Set("hint", error.hint().empty() ? env.Null() : Napi::String::New(env, error.hint()).As<Napi::Value>());
  return object;
}

Napi::Error to_throw(Napi::Env env, const base::Error& error) {
  Napi::Error thrown = Napi::Error::New(env, error.what());
  thrown.Set("fault", error_to_js(env, error));
  return thrown;
}

}  // namespace faultline::binding
