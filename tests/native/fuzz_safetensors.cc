// Fuzz target: the safetensors reader, and the weights' way to packed matrices. What is accepted must be readable to
// the last byte (the sanitizers look).
#include <cstring>
#include <utility>

#include "native/base/error.h"
#include "native/format/safetensors.h"
#include "native/model/gpt2_weights.h"
#include "tests/native/fuzz.h"
#include "tests/native/fuzz_shared.h"

namespace faultline::check {
namespace {

/// What config.json would say: one layer, width 8, 5 tokens.
constexpr model::ModelConfig kConfig = {.layers = 1,
                                        .heads = 2,
                                        .width = 8,
                                        .inner = 8,
                                        .vocabulary = 5,
                                        .context = 3,
                                        .epsilon = 1e-5F,
                                        .tied = true,
                                        .scale_attention = true,
                                        .eos_token = 4};

std::string file_of(const std::string& header, const std::string& data) {
  const std::uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + data;
}

/// A whole model of that config, with names that begin with `prefix`.
std::string model_file(const std::string& prefix, const std::string& dtype, std::size_t element_bytes) {
  std::string header = "{", data;
  const auto add = [&](const std::string& name, const std::vector<std::int32_t>& dims) {
    std::size_t bytes = element_bytes;
    std::string shape;
    for (const std::int32_t dim : dims) {
      bytes *= static_cast<std::size_t>(dim);
      shape += (shape.empty() ? "" : ",") + std::to_string(dim);
    }
    header += (header.size() == 1 ? "\"" : ",\"") + prefix + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" +
              shape + "],\"data_offsets\":[" + std::to_string(data.size()) + "," + std::to_string(data.size() + bytes) +
              "]}";
    for (std::size_t i = 0; i < bytes; ++i) data += static_cast<char>(i % 0x35);  // no exponent of all ones
  };
  const std::int32_t width = kConfig.width, inner = kConfig.inner;
  add("wte.weight", {kConfig.vocabulary, width});
  add("wpe.weight", {kConfig.context, width});
  for (const char* const norm : {"h.0.ln_1", "h.0.ln_2", "ln_f"}) {
    add(std::string(norm) + ".weight", {width});
    add(std::string(norm) + ".bias", {width});
  }
  const std::tuple<const char*, std::int32_t, std::int32_t> linears[] = {{"h.0.attn.c_attn", width, 3 * width},
                                                                         {"h.0.attn.c_proj", width, width},
                                                                         {"h.0.mlp.c_fc", width, inner},
                                                                         {"h.0.mlp.c_proj", inner, width}};
  for (const auto& [name, in, out] : linears) {
    add(std::string(name) + ".weight", {in, out});
    add(std::string(name) + ".bias", {out});
  }
  return file_of(header + "}", data);
}

}  // namespace

std::vector<std::string> fuzz_seeds() {
  return {
      file_of("{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
              "\"b\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[8,14]},"
              "\"c\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[14,15]}}",
              "0123456789abcde"),
      file_of("{\"\\u00e9\\ud83d\\ude00\\n\":{\"data_offsets\":[0,2],\"dtype\":\"F16\",\"shape\":[1,1,1,1,1,1,1,1]},"
              "\"z\":{\"dtype\":\"I64\",\"shape\":[0,9],\"data_offsets\":[2,2]}}    ",
              "ab"),
      file_of("{}", ""),
      model_file("transformer.", "F32", 4),
      model_file("", "BF16", 2),
  };
}

std::vector<std::string> fuzz_words() {
  return json_words({"\\u", "1,1,1,1,1,1,1,1", "\"F32\"", "\"Q8_0\"", "\"dtype\":", "\"shape\":", "\"data_offsets\":",
                     "\"a\":", "4611686018427387904", "9223372036854775807", "18446744073709551616"});
}

}  // namespace faultline::check

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace faultline;
  try {
    std::unique_ptr<format::TensorFile> file =
        format::parse_safetensors(std::as_bytes(std::span(data, size)), "fuzz.safetensors");
    check::read_all(*file);
    // Only what holds a model: other files are accepted by the reader, and that is what counts here.
    if (file->find("wte.weight") || file->find("transformer.wte.weight")) {
      const model::ModelFiles files{check::kConfig, std::move(file), false};
      for (const ops::WeightType type : {ops::WeightType::f32, ops::WeightType::bf16_pairs, ops::WeightType::int8})
        (void)model::load_gpt2_weights(files, type, nullptr);
    }
    return 0;
  } catch (const base::Error& error) {
    if (error.code() != base::ErrorCode::input) throw;
    return -1;
  }
}
