#include "native/binding/from_js.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace faultline::binding {
namespace {

[[noreturn]] void refuse(Napi::Env env, const char* name, const char* wanted) {
  throw Napi::TypeError::New(env, std::string(name) + " must be " + wanted);
}

/// A typed array of exactly this element type, copied.
template <class T>
std::vector<T> typed_array(const Napi::Value& value, napi_typedarray_type type, const char* name, const char* wanted) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) refuse(value.Env(), name, wanted);
  const auto array = value.As<Napi::TypedArrayOf<T>>();
  std::vector<T> copy(array.ElementLength());
  if (!copy.empty()) std::memcpy(copy.data(), array.Data(), copy.size() * sizeof(T));
  return copy;
}

std::vector<std::uint8_t> bytes(const Napi::Value& value, const char* name) {
  return typed_array<std::uint8_t>(value, napi_uint8_array, name, "a Uint8Array");
}

double number(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) refuse(value.Env(), name, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

/// An integer in [least, most].
double integer(const Napi::Value& value, const char* name, double least, double most) {
  const double given = number(value, name);
  if (!(given >= least && given <= most) || given != std::floor(given))
    refuse(value.Env(), name, "an integer in range");
  return given;
}

std::int32_t int32(const Napi::Value& value, const char* name) {
  constexpr double kMost = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(integer(value, name, -kMost, kMost));
}

std::string text(const Napi::Value& value, const char* name) {
  if (!value.IsString()) refuse(value.Env(), name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

Napi::Object object(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) refuse(value.Env(), name, "an object");
  return value.As<Napi::Object>();
}

session::StopPolicy stop_policy(const Napi::Value& value) {
  const std::string policy = text(value, "stopPolicy");
  if (policy == "function") return session::StopPolicy::function;
  if (policy == "eos") return session::StopPolicy::eos;
  if (policy == "none") return session::StopPolicy::none;
  refuse(value.Env(), "stopPolicy", "function, eos or none");
}

session::DeviceChoice device_choice(const Napi::Value& value) {
  const std::string device = text(value, "device");
  if (device == "cpu") return session::DeviceChoice::cpu;
  if (device == "cuda") return session::DeviceChoice::cuda;
  if (device == "auto") return session::DeviceChoice::automatic;
  refuse(value.Env(), "device", "cpu, cuda or auto");
}

ops::WeightType weight_type(const Napi::Value& value) {
  const std::string dtype = text(value, "dtype");
  if (dtype == "float32") return ops::WeightType::f32;
  if (dtype == "bfloat16") return ops::WeightType::bf16;
  if (dtype == "int8") return ops::WeightType::int8;
  refuse(value.Env(), "dtype", "float32, bfloat16 or int8");
}

std::uint64_t memory_bytes(const Napi::Value& value) {
  constexpr double kSafeInteger = 9007199254740991.0;
  return static_cast<std::uint64_t>(integer(value, "memoryBytes", 0, kSafeInteger));
}

session::GroupRequest group_request(const Napi::Object& group) {
  const Napi::Object sampling = object(group.Get("sampling"), "sampling");
  session::GroupRequest request;
  request.prompt = int32_array(group.Get("prompt"), "prompt");
  request.prompt_bytes = bytes(group.Get("promptBytes"), "promptBytes");
  request.heal = bytes(group.Get("heal"), "heal");
  request.sample_indices =
      typed_array<std::uint32_t>(group.Get("sampleIndices"), napi_uint32_array, "sampleIndices", "a Uint32Array");
  if (!group.Get("key").IsBigInt()) refuse(group.Env(), "key", "a bigint");
  bool lossless = false;
  request.key = group.Get("key").As<Napi::BigInt>().Uint64Value(&lossless);
  if (!lossless) refuse(group.Env(), "key", "an unsigned 64-bit bigint");
  request.sampling = {.temperature = static_cast<float>(number(sampling.Get("temperature"), "temperature")),
                      .top_k = int32(sampling.Get("topK"), "topK"),
                      .top_p = static_cast<float>(number(sampling.Get("topP"), "topP")),
                      .min_p = static_cast<float>(number(sampling.Get("minP"), "minP")),
                      .typical = static_cast<float>(number(sampling.Get("typical"), "typical")),
                      .eta = static_cast<float>(number(sampling.Get("eta"), "eta"))};
  request.max_new_tokens = int32(group.Get("maxNewTokens"), "maxNewTokens");
  request.stop_policy = stop_policy(group.Get("stopPolicy"));
  if (!group.Get("stopStrings").IsArray()) refuse(group.Env(), "stopStrings", "an array");
  const auto stops = group.Get("stopStrings").As<Napi::Array>();
  for (std::uint32_t i = 0; i < stops.Length(); ++i) request.stop_strings.push_back(bytes(stops.Get(i), "stopStrings"));
  return request;
}

}  // namespace

std::vector<std::int32_t> int32_array(const Napi::Value& value, const char* name) {
  return typed_array<std::int32_t>(value, napi_int32_array, name, "an Int32Array");
}

std::vector<std::string> strings(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) refuse(value.Env(), name, "an array of strings");
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> copy;
  for (std::uint32_t i = 0; i < array.Length(); ++i) copy.push_back(text(array.Get(i), name));
  return copy;
}

session::SessionOptions session_options(const Napi::Object& options) {
  session::SessionOptions result;
  result.folder = text(options.Get("folder"), "folder");
  result.weights = weight_type(options.Get("dtype"));
  result.device = device_choice(options.Get("device"));
  result.threads = int32(options.Get("threads"), "threads");
  result.memory_bytes = memory_bytes(options.Get("memoryBytes"));
  const Napi::Value vocabulary = options.Get("vocabulary");
  if (!vocabulary.IsNull()) {
    const Napi::Object given = object(vocabulary, "vocabulary");
    result.vocabulary =
        session::VocabularyBytes{.bytes = bytes(given.Get("bytes"), "vocabulary.bytes"),
                                 .offsets = typed_array<std::uint32_t>(given.Get("offsets"), napi_uint32_array,
                                                                       "vocabulary.offsets", "a Uint32Array"),
                                 .eos_token = int32(given.Get("eosToken"), "vocabulary.eosToken")};
  }
  return result;
}

session::ModelPlanOptions plan_options(const Napi::Object& options) {
  return {.folder = text(options.Get("folder"), "folder"),
          .weights = weight_type(options.Get("dtype")),
          .device = device_choice(options.Get("device")),
          .memory_bytes = memory_bytes(options.Get("memoryBytes")),
          .samples = int32(options.Get("samples"), "samples"),
          .prompt_tokens = int32(options.Get("promptTokens"), "promptTokens"),
          .new_tokens = int32(options.Get("newTokens"), "newTokens")};
}

std::vector<session::GroupRequest> group_requests(const Napi::Array& groups) {
  std::vector<session::GroupRequest> requests;
  requests.reserve(groups.Length());
  for (std::uint32_t i = 0; i < groups.Length(); ++i) requests.push_back(group_request(object(groups.Get(i), "group")));
  return requests;
}

}  // namespace faultline::binding
