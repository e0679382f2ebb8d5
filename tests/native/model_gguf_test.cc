// GGUF models: the same activations, to the bit, as safetensors with the same weights; every metadata key refused by
// its name; and weights that are not finite, in both formats.
#include <array>
#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "native/format/safetensors.h"
#include "native/tensor/convert.h"
#include "tests/native/check.h"
#include "tests/native/gguf_writer.h"
#include "tests/native/model_run.h"
#include "tests/native/tiny_model.h"

namespace faultline::model {
namespace {

using check::gguf_entry;
using format::GgufType;

/// A number as a half, to nearest even; for numbers that a half can hold.
std::uint16_t half_from_float(float value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const float size = std::abs(value);
  if (size == 0) return sign;
  const int exponent = std::max(std::ilogb(size), -14);
  // 1024 to 2048 for a normal half: the sum carries a round-up into the exponent.
  const auto steps = static_cast<int>(std::nearbyint(std::ldexp(size, 10 - exponent)));
  return static_cast<std::uint16_t>(sign + ((exponent + 14) << 10) + steps);
}

struct Encoded {
  std::string bytes;          // as they stand in the GGUF file
  std::vector<float> values;  // what they stand for, computed here and not by the code under test
};

/// `values` in a ggml type, and the numbers that are left of them. F16 and Q8_0 may be off by half a step of the format
/// and no more: for Q8_0 a step is the scale, which itself is a half.
Encoded encode(std::uint32_t type, const std::vector<float>& values) {
  Encoded out;
  double worst = 0;  // error over what is allowed
  const auto put = [&](float value, float kept, double allowed) {
    out.values.push_back(kept);
    const double error = std::abs(double{value} - double{kept});
    worst = std::max(worst, error == 0 ? 0 : error / allowed);
  };
  if (type == check::kGgmlF32) {
    for (const float value : values) {
      out.bytes += check::gguf_number(value);
      put(value, value, 0);
    }
  } else if (type == check::kGgmlBf16) {
    for (const float value : values) {
      const std::uint16_t bits = tensor::bfloat16_from_float(value);
      out.bytes += check::gguf_number(bits);
      put(value, std::bit_cast<float>(std::uint32_t{bits} << 16), std::abs(value) * 0x1p-8);
    }
  } else if (type == check::kGgmlF16) {
    for (const float value : values) {
      const std::uint16_t bits = half_from_float(value);
      const int exponent = bits >> 10 & 31;
      const double size =
          exponent == 0 ? std::ldexp(bits & 1023, -24) : std::ldexp(1024 + (bits & 1023), exponent - 25);
      out.bytes += check::gguf_number(bits);
      put(value, static_cast<float>((bits & 0x8000) != 0 ? -size : size), std::ldexp(0.5, std::max(exponent, 1) - 25));
    }
  } else {
    for (std::size_t begin = 0; begin < values.size(); begin += 32) {
      float top = 0;
      for (std::size_t i = begin; i < begin + 32; ++i) top = std::max(top, std::abs(values[i]));
      const std::uint16_t bits = half_from_float(top / 127);
      const Encoded scale = encode(check::kGgmlF16, {top / 127});
      out.bytes += check::gguf_number(bits);
      for (std::size_t i = begin; i < begin + 32; ++i) {
        const float step = scale.values[0];
        const double wanted = step == 0 ? 0 : std::nearbyint(double{values[i]} / step);
        const auto steps = static_cast<std::int8_t>(std::min(127.0, std::max(-127.0, wanted)));
        out.bytes += static_cast<char>(steps);
        // Half a step, and what the scale's own rounding takes from 127 steps (2^-11 of them, or half its smallest
        // unit).
        put(values[i], static_cast<float>(steps) * step, 0.5 * step + 127 * std::max(step * 0x1p-11, 0x1p-25));
      }
    }
  }
  if (!(worst <= 1)) check::fail(__FILE__, __LINE__, "type " + std::to_string(type) + " loses more than half a step");
  return out;
}

const std::pair<const char*, const char*> kNames[] = {{"attn.c_attn", "attn_qkv"}, {"attn.c_proj", "attn_output"},
                                                      {"mlp.c_fc", "ffn_up"},      {"mlp.c_proj", "ffn_down"},
                                                      {"ln_1", "attn_norm"},       {"ln_2", "ffn_norm"},
                                                      {"ln_f", "output_norm"},     {"wte", "token_embd"},
                                                      {"wpe", "position_embd"},    {"h.", "blk."}};

std::vector<float> transposed(const std::vector<float>& values, std::size_t rows, std::size_t columns) {
  std::vector<float> out(values.size());
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) out[j * rows + i] = values[i * columns + j];
  return out;
}

std::vector<std::string> metadata(const ModelConfig& config) {
  const auto number = [](std::int32_t value) { return static_cast<std::uint32_t>(value); };
  return {gguf_entry("general.architecture", "gpt2"),
          gguf_entry("gpt2.block_count", number(config.layers)),
          gguf_entry("gpt2.attention.head_count", number(config.heads)),
          gguf_entry("gpt2.embedding_length", number(config.width)),
          gguf_entry("gpt2.context_length", number(config.context)),
          gguf_entry("gpt2.feed_forward_length", number(config.inner)),
          gguf_entry("gpt2.attention.layer_norm_epsilon", config.epsilon),
          gguf_entry("tokenizer.ggml.eos_token_id", number(config.eos_token.value_or(0)))};
}

struct Pair {
  std::string gguf;    // a file
  std::string folder;  // Hugging Face's form of the same weights, in F32
};

/// The model of a folder with its matrices in a ggml type, in both forms; vectors stay F32, as converters leave them.
/// With a head of its own where `untied`: minus the embedding.
Pair convert(const std::string& source, const std::string& name, std::uint32_t type, bool untied = false) {
  const ModelConfig config = read_config(source);
  const auto file = format::open_safetensors_folder(source);
  const Pair pair{check::temporary_folder() + "/" + name + ".gguf", check::temporary_folder() + "/" + name};
  std::filesystem::create_directories(pair.folder);
  std::ifstream json(source + "/config.json");
  std::string text{std::istreambuf_iterator<char>(json), {}};
  if (untied) text.insert(text.find('{') + 1, "\"tie_word_embeddings\": false, \"unused\": {}, ");
  if (untied && text.find("\"tie_word_embeddings\": true") != std::string::npos)
    text.erase(text.find("\"tie_word_embeddings\": true"), std::string("\"tie_word_embeddings\": true,").size());
  std::ofstream(pair.folder + "/config.json") << text;

  std::vector<std::string> descriptions;
  std::string data;
  std::vector<std::pair<std::string, std::vector<float>>> kept;
  std::vector<tensor::Shape> shapes;
  const auto add = [&](std::string tensor_name, std::vector<float> values, const tensor::Shape& shape) {
    const std::string hugging_face = tensor_name;
    for (const auto& [from, to] : kNames) {
      if (const std::size_t at = tensor_name.find(from); at != std::string::npos)
        tensor_name.replace(at, std::string(from).size(), to);
    }
    if (tensor_name == "lm_head.weight") tensor_name = "output.weight";
    const bool matrix = shape.rank() == 2;
    const bool conv1d = matrix && tensor_name.starts_with("blk.");
    const auto rows = static_cast<std::size_t>(shape[0]);
    const auto columns = matrix ? static_cast<std::size_t>(shape[1]) : 1;
    if (conv1d) values = transposed(values, rows, columns);
    std::vector<std::uint64_t> dims;  // fastest first
    for (const std::int64_t dim : shape.dims()) dims.push_back(static_cast<std::uint64_t>(dim));
    if (matrix && !conv1d) std::swap(dims[0], dims[1]);
    const std::uint32_t as = matrix ? type : check::kGgmlF32;
    Encoded encoded = encode(as, values);
    descriptions.push_back(check::gguf_tensor(tensor_name, dims, as, data.size()));
    data = check::gguf_padded(data + encoded.bytes);
    kept.emplace_back(hugging_face, conv1d ? transposed(encoded.values, columns, rows) : std::move(encoded.values));
    shapes.push_back(shape);
  };
  for (const std::string& tensor_name : file->names()) {
    const tensor::TensorView view = file->get(tensor_name);
    std::vector<float> values(static_cast<std::size_t>(view.shape.elements()));
    tensor::copy_as_float(view, 0, view.shape.elements(), values.data());
    add(tensor_name, values, view.shape);
    if (untied && tensor_name == "wte.weight") {
      for (float& value : values) value = -value;
      add("lm_head.weight", values, view.shape);
    }
  }
  std::ofstream(pair.gguf, std::ios::binary) << check::gguf_file(metadata(config), descriptions, data);
  std::vector<check::NamedTensor> tensors;
  for (std::size_t i = 0; i < kept.size(); ++i)
    tensors.push_back(
        {kept[i].first, {tensor::DType::f32, shapes[i], reinterpret_cast<const std::byte*>(kept[i].second.data())}});
  check::write_safetensors(pair.folder + "/model.safetensors", tensors);
  return pair;
}

/// All activations of both models are the same to the bit, logits included.
void expect_same(const std::string& what, const std::string& got_path, const std::string& want_path,
                 ops::WeightType type) {
  base::ThreadPool pool(2);
  const Gpt2 got = load_gpt2(got_path, type, &pool);
  const Gpt2 want = load_gpt2(want_path, type, nullptr);
  EXPECT(got.config.eos_token == want.config.eos_token);
  EXPECT_EQ(got.config.tied, want.config.tied);
  EXPECT_EQ(got.config.context, want.config.context);
  std::vector<std::int32_t> tokens;
  for (std::int32_t i = 0; i < 40; ++i) tokens.push_back((i * 37 + 11) % got.config.vocabulary);
  const std::vector<HookPoint> points = all_hook_points(got.config.layers);
  const std::vector<Activation> a = check::run_model(got, pool, tokens, points, 64);
  const std::vector<Activation> b = check::run_model(want, pool, tokens, points, 64);
  EXPECT_EQ(a.size(), points.size());
  float top = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto count = static_cast<std::int64_t>(b[i].data.size() / sizeof(float));
    EXPECT_SAME_BITS(what + " " + hook_name(points[i]), a[i].data.as<float>(), b[i].data.as<float>(), count);
    for (std::int64_t j = 0; j < count; ++j) top = std::max(top, std::abs(b[i].data.as<float>()[j]));
  }
  EXPECT(top > 1 && std::isfinite(top));
}

const std::string& tiny() {
  static const std::string folder = check::source_path("tests/golden/tiny-gpt2");
  return folder;
}
const std::string& bundled() {
  static const std::string folder = check::source_path("data/models/pico-gpt2-py");
  return folder;
}

TEST(model_gguf_f32_is_the_safetensors_model_to_the_bit) {
  const Pair pair = convert(tiny(), "tiny-f32", check::kGgmlF32);
  expect_same("F32", pair.gguf, tiny(), ops::WeightType::f32);
  expect_same("F32 packed as bfloat16", pair.gguf, tiny(), ops::WeightType::bf16);
}

/// The bundled weights are bfloat16 in their safetensors file too.
TEST(model_gguf_bf16_is_the_safetensors_model_to_the_bit) {
  const Pair pair = convert(bundled(), "pico-bf16", check::kGgmlBf16);
  expect_same("BF16", pair.gguf, bundled(), ops::WeightType::f32);
  expect_same("BF16 packed as bfloat16", pair.gguf, bundled(), ops::WeightType::bf16);
}

/// Against float32 weights that hold the very numbers that F16 and Q8_0 stand for: what these formats lose is bounded
/// number by number where they are written (`encode`), and the engine adds nothing to it.
TEST(model_gguf_f16_and_q8_0_are_the_numbers_that_they_stand_for) {
  for (const auto& [name, type] : {std::pair("F16", check::kGgmlF16), std::pair("Q8_0", check::kGgmlQ8)}) {
    const Pair pair = convert(bundled(), std::string("pico-") + name, type);
    expect_same(name, pair.gguf, pair.folder, ops::WeightType::f32);
    expect_same(std::string(name) + " packed as bfloat16", pair.gguf, pair.folder, ops::WeightType::bf16);
  }
}

TEST(model_gguf_with_a_head_of_its_own) {
  const Pair pair = convert(tiny(), "tiny-untied", check::kGgmlF32, true);
  EXPECT(!load_gpt2(pair.gguf, ops::WeightType::f32, nullptr).config.tied);
  expect_same("untied", pair.gguf, pair.folder, ops::WeightType::f32);
}

/// metadata() of a model of one layer with `key` replaced by `entry` (left out where empty), and an embedding of 5
/// rows.
ModelConfig config_with(const std::string& key, const std::string& entry) {
  const ModelConfig config{.layers = 2,
                           .heads = 4,
                           .width = 8,
                           .inner = 32,
                           .vocabulary = 5,
                           .context = 16,
                           .epsilon = 1e-5F,
                           .tied = true,
                           .scale_attention = true,
                           .eos_token = 4};
  std::vector<std::string> entries = metadata(config);
  std::erase_if(entries, [&](const std::string& old) { return old.starts_with(check::gguf_text(key)); });
  if (!entry.empty()) entries.push_back(entry);
  const std::string bytes = check::gguf_file(
      entries, {check::gguf_tensor("token_embd.weight", {8, 5}, check::kGgmlF32, 0)}, std::string(160, '\0'));
  return parse_gguf_config(*format::parse_gguf(std::as_bytes(std::span(bytes.data(), bytes.size())), "x.gguf"));
}

TEST(model_gguf_config_takes_what_stands_there) {
  const ModelConfig config = config_with("none", "");
  EXPECT_EQ(config.layers, 2);
  EXPECT_EQ(config.heads, 4);
  EXPECT_EQ(config.width, 8);
  EXPECT_EQ(config.inner, 32);
  EXPECT_EQ(config.vocabulary, 5);
  EXPECT_EQ(config.context, 16);
  EXPECT_EQ(config.epsilon, 1e-5F);
  EXPECT(config.tied && config.scale_attention && config.eos_token == 4);
  EXPECT(!config_with("tokenizer.ggml.eos_token_id", "").eos_token);
  EXPECT_EQ(config_with("gpt2.block_count",
                        gguf_entry("gpt2.block_count", GgufType::u64, check::gguf_number<std::uint64_t>(3)))
                .layers,
            3);
  for (const auto& entry : {gguf_entry("gpt2.attention.head_count_kv", 4U), gguf_entry("gpt2.attention.key_length", 2U),
                            gguf_entry("gpt2.attention.causal", GgufType::boolean, "\x01"),
                            gguf_entry("split.count", 1U), gguf_entry("gpt2.something", "else")})
    EXPECT_EQ(config_with("none", entry).layers, 2);
}

TEST(model_gguf_config_refuses_each_key_by_its_name) {
  const std::string array = check::gguf_array(GgufType::u32, 0, "");
  const struct {
    std::string key;
    std::string entry;  // empty: left out
    std::string reason;
  } cases[] = {
      {"general.architecture", "", "is missing"},
      {"general.architecture", gguf_entry("general.architecture", "llama"), "is \"llama\""},
      {"general.architecture", gguf_entry("general.architecture", 2U), "is an integer"},
      {"gpt2.block_count", "", "is missing"},
      {"gpt2.block_count", gguf_entry("gpt2.block_count", 0U), "is 0, outside 1 to 1024"},
      {"gpt2.block_count", gguf_entry("gpt2.block_count", 1025U), "is 1025, outside 1 to 1024"},
      {"gpt2.block_count", gguf_entry("gpt2.block_count", 2.0F), "must be an integer, but is a number"},
      {"gpt2.attention.head_count", "", "is missing"},
      {"gpt2.attention.head_count", gguf_entry("gpt2.attention.head_count", GgufType::array, array),
       "must be an integer, but is an array"},
      {"gpt2.embedding_length", "", "is missing"},
      {"gpt2.embedding_length", gguf_entry("gpt2.embedding_length", 10U),
       "is 10, which gpt2.attention.head_count 4 does not divide"},
      {"gpt2.embedding_length", gguf_entry("gpt2.embedding_length", 0xFFFFFFFFU), "is 4294967295, outside"},
      {"gpt2.context_length", "", "is missing"},
      {"gpt2.context_length", gguf_entry("gpt2.context_length", GgufType::i32, check::gguf_number(-1)),
       "is -1, outside"},
      {"gpt2.feed_forward_length", "", "is missing"},
      {"gpt2.feed_forward_length", gguf_entry("gpt2.feed_forward_length", "4"), "must be an integer, but is a string"},
      {"gpt2.attention.layer_norm_epsilon", "", "is missing"},
      {"gpt2.attention.layer_norm_epsilon", gguf_entry("gpt2.attention.layer_norm_epsilon", 0.0F),
       "must be a number between 0 and 1"},
      {"gpt2.attention.layer_norm_epsilon",
       gguf_entry("gpt2.attention.layer_norm_epsilon", std::numeric_limits<float>::quiet_NaN()), "must be a number"},
      {"gpt2.attention.head_count_kv", gguf_entry("gpt2.attention.head_count_kv", 2U), "is 2, outside 4 to 4"},
      {"gpt2.attention.causal", gguf_entry("gpt2.attention.causal", GgufType::boolean, std::string(1, '\0')),
       "is not true, which is not supported"},
      {"split.count", gguf_entry("split.count", 3U), "says that this is one of 3 files"},
      {"tokenizer.ggml.eos_token_id", gguf_entry("tokenizer.ggml.eos_token_id", 5U), "is 5, outside 0 to 4"},
  };
  for (const auto& [key, entry, reason] : cases)
    EXPECT_THROWS(input, std::string("x.gguf: ") + key + " " + reason, config_with(key, entry));
}

TEST(model_gguf_tensors_that_do_not_fit_the_metadata) {
  const Pair pair = convert(tiny(), "tiny-broken", check::kGgmlF32);
  std::ifstream file(pair.gguf, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  const std::string path = check::temporary_folder() + "/broken.gguf";
  const auto load_with = [&](const std::string& from, const std::string& to) {
    std::string bytes = whole;
    EXPECT(from.size() == to.size() && bytes.find(from) != std::string::npos);
    bytes.replace(bytes.find(from), from.size(), to);
    std::ofstream(path, std::ios::binary) << bytes;
    (void)load_gpt2(path, ops::WeightType::f32, nullptr);
  };
  EXPECT_THROWS(input, "broken.gguf: has no tensor \"blk.1.attn_qkv.weight\"",
                load_with("blk.1.attn_qkv.weight", "blk.1.attn_qkx.weight"));
  EXPECT_THROWS(input, "broken.gguf: tensor blk.1.",
                load_with(gguf_entry("gpt2.block_count", 2U), gguf_entry("gpt2.block_count", 1U)));
  EXPECT_THROWS(input, "belongs to layer 1, but gpt2.block_count is 1",
                load_with(gguf_entry("gpt2.block_count", 2U), gguf_entry("gpt2.block_count", 1U)));
  EXPECT_THROWS(input, "tensor position_embd.weight has shape [64, 48], but the metadata asks for [63, 48]",
                load_with(gguf_entry("gpt2.context_length", 64U), gguf_entry("gpt2.context_length", 63U)));
  EXPECT_THROWS(input, "has no tensor \"token_embd.weight\"", load_with("token_embd.weight", "token_embx.weight"));
  EXPECT_THROWS(input, "general.architecture is \"gpt3\"",
                load_with(gguf_entry("general.architecture", "gpt2"), gguf_entry("general.architecture", "gpt3")));
}

/// Sets two bytes of a tensor in a file, at an element that `at` names.
void poke(const std::string& path, const format::TensorFile& file, const std::string& name, std::size_t at,
          const std::string& bytes) {
  std::ifstream in(path, std::ios::binary);
  std::string whole{std::istreambuf_iterator<char>(in), {}};
  const std::span<const std::byte> tensor = file.get(name).bytes();
  const std::string original(reinterpret_cast<const char*>(tensor.data()), tensor.size());
  const std::size_t begin = whole.find(original);
  EXPECT(begin != std::string::npos && at + bytes.size() <= tensor.size());
  whole.replace(begin + at, bytes.size(), bytes);
  std::ofstream(path, std::ios::binary) << whole;
}

TEST(model_gguf_path_that_cannot_be_looked_at) {
  const std::string too_long = check::temporary_folder() + "/" + std::string(300, 'n') + ".gguf";
  EXPECT_THROWS(input, "File name too long", open_model(too_long));
  EXPECT_THROWS(input, "File name too long", open_config(too_long));
  const std::string through_a_file = check::temporary_folder() + "/plain-file";
  std::ofstream(through_a_file) << "x";
  EXPECT_THROWS(input, "Not a directory", open_config(through_a_file + "/model.gguf"));
}

/// In every type and both formats, in matrices, norms and biases; with and without threads.
TEST(model_refuses_weights_that_are_not_finite) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const struct {
    std::uint32_t type;
    std::string bad;
    std::size_t element;  // its bytes, or its block's
    std::string place;    // of element or block 67 of [128, 32]
  } types[] = {
      {check::kGgmlF32, check::gguf_number(nan), 4, "a value that is not finite, at [2, 3]"},
      {check::kGgmlF16, check::gguf_number<std::uint16_t>(0xFC00), 2, "a value that is not finite, at [2, 3]"},
      {check::kGgmlBf16, check::gguf_number<std::uint16_t>(0x7F80), 2, "a value that is not finite, at [2, 3]"},
      {check::kGgmlQ8, check::gguf_number<std::uint16_t>(0x7C01), 34, "a scale that is not finite, at [67, 0]"}};
  const std::string source = check::write_tiny_model("tiny-32", {.width = 32});
  for (const auto& [type, bad, element, place] : types) {
    const std::string path = convert(source, "bad-" + std::to_string(type), type).gguf;
    poke(path, *format::open_gguf(path), "blk.1.ffn_up.weight", 67 * element, bad);
    base::ThreadPool pool(3);
    for (base::ThreadPool* const threads : {static_cast<base::ThreadPool*>(nullptr), &pool})
      EXPECT_THROWS(input, path + ": tensor blk.1.ffn_up.weight h" + (type == check::kGgmlQ8 ? "as " : "olds ") + place,
                    load_gpt2(path, ops::WeightType::f32, threads));
  }

  const std::pair<const char*, std::string> tensors[] = {
      {"wte.weight", "[0, 1]"},     {"wpe.weight", "[0, 1]"},
      {"h.1.ln_2.bias", "[1]"},     {"h.0.attn.c_attn.weight", "[0, 1]"},
      {"h.0.mlp.c_fc.bias", "[1]"}, {"ln_f.weight", "[1]"}};
  for (const auto& [name, place] : tensors) {
    const std::string folder = check::temporary_folder() + "/tiny-bad";
    std::filesystem::create_directories(folder);
    for (const char* const file : {"/config.json", "/model.safetensors"})
      std::filesystem::copy_file(tiny() + file, folder + file, std::filesystem::copy_options::overwrite_existing);
    const std::string path = folder + "/model.safetensors";
    poke(path, *format::open_safetensors(path), name, 4, check::gguf_number(-infinity));
    EXPECT_THROWS(input, path + ": tensor " + name + " holds a value that is not finite, at " + place,
                  load_gpt2(folder, ops::WeightType::bf16, nullptr));
  }
}

/// In both formats, and in matrices alone: norms, biases and positions stay float.
TEST(model_refuses_weights_too_large_for_bfloat16) {
  base::ThreadPool pool(2);
  const auto load = [&](const std::string& path, ops::WeightType type) { return load_gpt2(path, type, &pool); };
  const std::string gguf = convert(check::write_tiny_model("tiny-large", {.width = 32}), "large", check::kGgmlF32).gguf;
  const auto put = [&](std::uint32_t bits) {
    poke(gguf, *format::open_gguf(gguf), "blk.1.ffn_up.weight", 67 * sizeof(float), check::gguf_number(bits));
  };
  put(0x7F7F7FFF);  // rounds to the largest bfloat16
  load(gguf, ops::WeightType::bf16);
  for (const std::uint32_t bits : {0x7F7F8000u, 0xFF7FFFFFu}) {
    put(bits);
    EXPECT_THROWS(input, gguf + ": tensor blk.1.ffn_up.weight holds a value that is too large for bfloat16, at [2, 3]",
                  load(gguf, ops::WeightType::bf16));
    load(gguf, ops::WeightType::f32);
    load(gguf, ops::WeightType::int8);
  }
  for (const char* const name : {"wte.weight", "h.0.attn.c_attn.weight", "lm_head.weight"}) {
    const std::string folder = convert(tiny(), "tiny-too-large", check::kGgmlF32, true).folder;
    const std::string path = folder + "/model.safetensors";
    for (const char* const stays : {"wpe.weight", "h.1.ln_2.bias", "h.0.mlp.c_fc.bias"})
      poke(path, *format::open_safetensors(path), stays, 4, check::gguf_number(3.4e38F));
    load(folder, ops::WeightType::bf16);
    poke(path, *format::open_safetensors(path), name, 4, check::gguf_number(3.4e38F));
    EXPECT_THROWS(input, path + ": tensor " + name + " holds a value that is too large for bfloat16, at [0, 1]",
                  load(folder, ops::WeightType::bf16));
  }
}

}  // namespace
}  // namespace faultline::model
