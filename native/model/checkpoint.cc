#include "native/model/checkpoint.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <limits>
#include <string_view>
#include <utility>

#include "native/base/bytes_text.h"
#include "native/base/error.h"
#include "native/base/promised_memory.h"
#include "native/format/safetensors.h"
#include "native/tensor/convert.h"

namespace faultline::model {
namespace {

using base::Error;
using base::ErrorCode;

/// Names of GPT-2's modules: Hugging Face's, then GGUF's.
constexpr std::pair<std::string_view, std::string_view> kGgufNames[] = {
    {"wte", "token_embd"}, {"wpe", "position_embd"},    {"ln_f", "output_norm"},
    {"ln_1", "attn_norm"}, {"attn.c_attn", "attn_qkv"}, {"attn.c_proj", "attn_output"},
    {"ln_2", "ffn_norm"},  {"mlp.c_fc", "ffn_up"},      {"mlp.c_proj", "ffn_down"},
};

/// `h.3.ln_1.weight` to `blk.3.attn_norm.weight`.
std::string gguf_name(std::string_view name) {
  std::string full;
  if (name.starts_with("h.")) {
    const std::size_t end = name.find('.', 2) + 1;
    full = "blk." + std::string(name.substr(2, end - 2));
    name.remove_prefix(end);
  }
  const std::size_t dot = name.rfind('.');
  const auto* const row = std::find_if(std::begin(kGgufNames), std::end(kGgufNames),
                                       [&](const auto& names) { return names.first == name.substr(0, dot); });
  if (row == std::end(kGgufNames)) throw Error(ErrorCode::internal, "no GGUF name for the tensor " + std::string(name));
  full += row->second;
  full += name.substr(dot);
  return full;
}

std::string place_of(const tensor::Shape& shape, std::int64_t index) {
  std::string place;
  for (std::size_t i = shape.rank(); i-- > 0; index /= shape[i])
    place = std::to_string(index % shape[i]) + (place.empty() ? "" : ", ") + place;
  return "[" + place + "]";
}

/// A path that cannot be looked at is taken for a file, whose reader says what is wrong with it.
bool is_gguf(const std::string& path) {
  std::error_code unknown;
  return path.ends_with(".gguf") && !std::filesystem::is_directory(path, unknown);
}

}  // namespace

ModelFiles open_model(const std::string& path) {
  if (is_gguf(path)) {
    std::unique_ptr<format::GgufFile> file = format::open_gguf(path);
    const ModelConfig config = parse_gguf_config(*file);
    return {config, std::move(file), true};
  }
  const ModelConfig config = read_config(path);
  return {config, format::open_safetensors_folder(path), false};
}

ModelConfig open_config(const std::string& path) { return is_gguf(path) ? open_model(path).config : read_config(path); }

void check_weights_fit(std::uint64_t weight_bytes, const std::string& where, std::uint64_t free_bytes,
                       const std::string& hint) {
  if (weight_bytes <= free_bytes) return;
  throw Error(ErrorCode::environment,
              "the weights need " + base::bytes_text(weight_bytes) + ", but " + where + " has " +
                  base::bytes_text(free_bytes) + " free",
              hint);
}

void check_weights_fit_host(std::uint64_t weight_bytes, const std::string& cpu) {
  const std::uint64_t free = base::host_memory_source()();
  check_weights_fit(weight_bytes, cpu + ", beside a reserve of " + base::bytes_text(base::memory_reserve(free)) + ",",
                    base::host_promises().left_of(base::plannable_memory(free)));
}

void check_depth(const std::string& path, const ModelConfig& config, ops::WeightType type) {
  const std::int32_t deepest = std::max(config.width, config.inner);
  if (type != ops::WeightType::int8 || deepest <= ops::kInt8DepthMost) return;
  const bool inner = deepest == config.inner;
  std::string where = path;
  if (is_gguf(path)) {
    where += inner ? ": gpt2.feed_forward_length" : ": gpt2.embedding_length";
  } else {
    where += inner ? "/config.json: n_inner" : "/config.json: n_embd";
    // The key need not be there.
    if (inner && config.inner == 4 * config.width) where += " (4 * n_embd where it is not given)";
  }
  throw Error(ErrorCode::input,
              where + " is " + std::to_string(deepest) + ", and int8 sums go up to " +
                  std::to_string(ops::kInt8DepthMost) + " products",
              "Use --dtype float32 or bfloat16.");
}

Checkpoint::Checkpoint(const ModelFiles& files, bool bfloat16_matrices, base::ThreadPool* pool)
    : files_(files),
      bfloat16_matrices_(bfloat16_matrices),
      pool_(pool),
      prefix_(!files.gguf && files.tensors->find("transformer.wte.weight") ? "transformer." : "") {
  const std::string layers = std::to_string(files.config.layers);
  const std::string next = files.gguf ? "blk." + layers + "." : prefix_ + layer(files.config.layers);
  for (const std::string& name : files.tensors->names()) {
    if (name.starts_with(next))
      throw Error(ErrorCode::input,
                  files.tensors->path() + ": tensor " + name + " belongs to layer " + layers + ", but " +
                      (files.gguf ? "gpt2.block_count is " : "config.json says n_layer ") + layers,
                  disagreement());
  }
}

WeightView Checkpoint::linear(const std::string& name, std::int64_t in, std::int64_t out) const {
  if (files_.gguf) return {matrix(name + ".weight", tensor::Shape{out, in}), ops::Orientation::nk};
  return {matrix(name + ".weight", tensor::Shape{in, out}), ops::Orientation::kn};
}

tensor::TensorView Checkpoint::matrix(const std::string& name, const tensor::Shape& shape) const {
  return checked(full_name(name), shape, bfloat16_matrices_);
}

base::AlignedBuffer Checkpoint::floats(const std::string& name, const tensor::Shape& shape) const {
  const tensor::TensorView tensor = checked(full_name(name), shape, false);
  base::AlignedBuffer buffer = base::AlignedBuffer::floats(static_cast<std::size_t>(shape.elements()));
  tensor::copy_as_float(tensor, 0, shape.elements(), buffer.as<float>());
  return buffer;
}

tensor::TensorView Checkpoint::unembedding(const tensor::Shape& shape) const {
  return checked(files_.gguf ? "output.weight" : "lm_head.weight", shape, bfloat16_matrices_);
}

std::string Checkpoint::full_name(const std::string& name) const {
  return files_.gguf ? gguf_name(name) : prefix_ + name;
}

tensor::TensorView Checkpoint::checked(const std::string& full_name, const tensor::Shape& shape,
                                       bool as_bfloat16) const {
  const std::string& path = files_.tensors->path();
  const tensor::TensorView tensor = files_.tensors->get(full_name);
  if (tensor.shape != shape)
    throw Error(ErrorCode::input,
                path + ": tensor " + full_name + " has shape " + tensor.shape.to_string() + ", but " +
                    (files_.gguf ? "the metadata asks" : "config.json asks") + " for " + shape.to_string(),
                disagreement());
  if (!tensor::is_float_weight(tensor.dtype))
    throw Error(ErrorCode::input,
                path + ": tensor " + full_name + " holds " + tensor::dtype_name(tensor.dtype) +
                    ", but weights must be F32, F16 or BF16",
                "Save the model again with weights of one of these types.");
  check_finite(full_name, tensor, as_bfloat16);
  return tensor;
}

void Checkpoint::check_finite(const std::string& full_name, const tensor::TensorView& tensor, bool as_bfloat16) const {
  // A pass of its own, in parallel and in order: it brings in the pages that packing reads, and leaving it out made
  // loading no faster. Threads take whole blocks; the first bad element is reported, so that the message does not
  // depend on their number.
  constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  const auto block = static_cast<std::int64_t>(tensor::dtype_block(tensor.dtype));
  std::atomic<std::int64_t> first{kNone};
  const auto look = [&](std::int64_t begin, std::int64_t end) {
    const std::optional<std::int64_t> found = tensor::first_not_finite(tensor, begin * block, end * block, as_bfloat16);
    std::int64_t known = first.load();
    while (found && *found < known && !first.compare_exchange_weak(known, *found)) {
    }
  };
  const std::int64_t blocks = tensor.shape.elements() / block;
  if (pool_ != nullptr) {
    pool_->parallel_for(blocks, look);
  } else {
    look(0, blocks);
  }
  if (first.load() == kNone) return;
  const std::string holder = files_.tensors->path() + ": tensor " + full_name;
  const std::string place = ", at " + place_of(tensor.shape, first.load());
  if (std::isfinite(tensor::element_as_float(tensor, first.load())))
    throw Error(ErrorCode::input, holder + " holds a value that is too large for bfloat16" + place,
                "Use --dtype float32: the largest bfloat16 is 3.39e38.");
  const bool whole_block = block > 1;
  throw Error(ErrorCode::input,
              holder + (whole_block ? " has a scale that is not finite" : " holds a value that is not finite") + place,
              "Fetch the file again; if that does not help, the model was damaged when it was trained or converted.");
}

const char* Checkpoint::disagreement() const {
  return files_.gguf ? "Convert the model again with a current converter."
                     : "Check that config.json and the weights belong together.";
}

}  // namespace faultline::model
