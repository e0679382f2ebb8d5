// Fuzz target: the GGUF reader, the config that the model takes from it, and the weights' way to float. What is
// accepted must be readable to the last byte (the sanitizers look).
#include "native/base/error.h"
#include "native/format/gguf.h"
#include "native/model/gpt2_weights.h"
#include "tests/native/fuzz.h"
#include "tests/native/fuzz_shared.h"
#include "tests/native/gguf_writer.h"

namespace faultline::check {
namespace {

using format::GgufType;

/// A whole GPT-2 of one layer, width 32 and 5 tokens, whose matrices have one of the types that are read.
std::string model_file(std::uint32_t type, std::size_t block, std::size_t block_bytes) {
  std::vector<std::string> tensors;
  std::string data;
  const auto add = [&](const std::string& name, const std::vector<std::uint64_t>& dims) {
    const bool matrix = dims.size() == 2;
    tensors.push_back(gguf_tensor(name, dims, matrix ? type : kGgmlF32, data.size()));
    std::size_t elements = 1;
    for (const std::uint64_t dim : dims) elements *= static_cast<std::size_t>(dim);
    const std::size_t bytes = matrix ? elements / block * block_bytes : 4 * elements;
    for (std::size_t i = 0; i < bytes; ++i) data += static_cast<char>(i % 0x35);  // no exponent of all ones
    data = gguf_padded(std::move(data));
  };
  const std::uint64_t width = 32;
  add("token_embd.weight", {width, 5});
  add("position_embd.weight", {width, 3});
  add("output_norm.weight", {width});
  add("output_norm.bias", {width});
  const std::string blk = "blk.0.";
  for (const char* const norm : {"attn_norm", "ffn_norm"}) {
    add(blk + norm + ".weight", {width});
    add(blk + norm + ".bias", {width});
  }
  const std::tuple<const char*, std::uint64_t, std::uint64_t> linears[] = {
      {"attn_qkv", width, 3 * width}, {"attn_output", width, width}, {"ffn_up", width, 32}, {"ffn_down", 32, width}};
  for (const auto& [name, in, out] : linears) {
    add(blk + name + ".weight", {in, out});
    add(blk + name + ".bias", {out});
  }
  return gguf_file({gguf_entry("general.architecture", "gpt2"), gguf_entry("general.alignment", 32U),
                    gguf_entry("gpt2.block_count", 1U), gguf_entry("gpt2.attention.head_count", 2U),
                    gguf_entry("gpt2.embedding_length", 32U), gguf_entry("gpt2.context_length", 3U),
                    gguf_entry("gpt2.feed_forward_length", 32U), gguf_entry("gpt2.attention.layer_norm_epsilon", 1e-5F),
                    gguf_entry("tokenizer.ggml.eos_token_id", 4U),
                    gguf_entry("tokenizer.ggml.tokens", GgufType::array,
                               gguf_array(GgufType::string, 2, gguf_text("a") + gguf_text("\xC4\xA0")))},
                   tensors, data);
}

/// All types of values and small tensors, so that most of the bytes are structure.
std::string small_file() {
  std::string nested = gguf_array(GgufType::u16, 1, "ab");
  for (int i = 0; i < 3; ++i) nested = gguf_array(GgufType::array, 1, nested);
  const std::string eight(8, '\1');
  std::vector<std::string> entries;
  entries.push_back(gguf_entry("u8", GgufType::u8, eight.substr(0, 1)));
  entries.push_back(gguf_entry("i8", GgufType::i8, eight.substr(0, 1)));
  entries.push_back(gguf_entry("boolean", GgufType::boolean, eight.substr(0, 1)));
  entries.push_back(gguf_entry("u64", GgufType::u64, eight));
  entries.push_back(gguf_entry("i64", GgufType::i64, eight));
  entries.push_back(gguf_entry("f64", GgufType::f64, eight));
  entries.push_back(gguf_entry("nested", GgufType::array, nested));
  entries.push_back(gguf_entry("flags", GgufType::array, gguf_array(GgufType::boolean, 3, std::string("\1\0\1", 3))));
  entries.push_back(gguf_entry("general.alignment", 8U));
  return gguf_file(entries, {gguf_tensor("a", {1, 2}, kGgmlF16, 0), gguf_tensor("z", {0}, kGgmlF32, 8)},
                   std::string("\0\x3C\0\x3C\0\0\0\0", 8), 8);
}

}  // namespace

std::vector<std::string> fuzz_seeds() {
  // The small ones more often: a model is mostly weights.
  return {small_file(),
          small_file(),
          gguf_file({}, {}, ""),
          gguf_file({gguf_entry("general.architecture", "llama")}, {gguf_tensor("q", {32}, kGgmlQ8, 0)},
                    std::string(34, '\1')),
          model_file(kGgmlF32, 1, 4),
          model_file(kGgmlQ8, 32, 34)};
}

std::vector<std::string> fuzz_words() {
  std::vector<std::string> words = {
      "GGUF",        gguf_text("general.alignment"),      gguf_text("general.architecture"), gguf_text("a"),
      gguf_text(""), gguf_entry("general.alignment", 0U), gguf_entry("split.count", 2U),     "\xC0\x80",
      "\xED\xA0\x80"};
  for (std::uint32_t number = 0; number < 14; ++number) words.push_back(gguf_number(number));
  for (const std::uint64_t number : {0ULL, 1ULL, 32ULL, 1ULL << 32, 1ULL << 62, ~0ULL})
    words.push_back(gguf_number(number));
  return words;
}

}  // namespace faultline::check

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace faultline;
  try {
    std::unique_ptr<format::GgufFile> file = format::parse_gguf(std::as_bytes(std::span(data, size)), "fuzz.gguf");
    check::read_all(*file);
    unsigned sum = 0;
    for (const char* const key :
         {"general.architecture", "general.alignment", "nested", "flags", "u8", "i8", "boolean", "u64", "i64", "f64"}) {
      const auto value = file->value(key);
      if (!value) continue;
      sum += static_cast<unsigned>(value->as_number().has_value() + value->as_integer().has_value() +
                                   value->as_bool().has_value() + value->array_size().value_or(0));
      for (const char letter : value->as_string().value_or("")) sum += static_cast<unsigned char>(letter);
    }
    [[maybe_unused]] const volatile unsigned kept = sum;
    // Only what says that it is a GPT-2: other files are accepted by the reader, and that is what counts here.
    if (file->value("general.architecture") && file->value("general.architecture")->as_string() == "gpt2") {
      const model::ModelConfig config = model::parse_gguf_config(*file);
      const model::ModelFiles files{config, std::move(file), true};
      for (const ops::WeightType type : {ops::WeightType::f32, ops::WeightType::bf16_pairs, ops::WeightType::int8})
        (void)model::load_gpt2_weights(files, type, nullptr);
    }
    return 0;
  } catch (const base::Error& error) {
    if (error.code() != base::ErrorCode::input) throw;
    return -1;
  }
}
