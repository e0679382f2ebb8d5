#include "native/format/safetensors.h"

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

#include "native/base/error.h"
#include "native/format/json.h"

namespace faultline::format {
namespace {

using base::Error;
using base::ErrorCode;
using tensor::Shape;
using tensor::TensorView;

static_assert(std::endian::native == std::endian::little, "safetensors is little-endian and views read it in place");

constexpr std::size_t kLengthBytes = 8;
constexpr const char* kMetadata = "__metadata__";

/// Checks one header member and turns it into an entry. Offsets are only checked against the data here; holes later.
TensorEntry read_entry(const std::string& path, const std::string& name, const Json& value,
                       std::span<const std::byte> data) {
  const auto refuse_tensor = [&](const Json& at, const std::string& reason) {
    refuse_file(path, "byte " + std::to_string(at.offset()) + ": tensor " + json_quote(name) + ": " + reason);
  };
  if (value.as_object() == nullptr)
    refuse_tensor(value, "is described by " + std::string(value.kind_name()) + ", not an object");
  const auto member = [&](const char* key) -> const Json& {
    const Json* found = value.find(key);
    if (found == nullptr) refuse_tensor(value, "has no \"" + std::string(key) + "\"");
    return *found;
  };
  if (value.as_object()->size() != 3) refuse_tensor(value, "must have exactly dtype, shape and data_offsets");

  const Json& dtype_json = member("dtype");
  const std::string* dtype_text = dtype_json.as_string();
  if (dtype_text == nullptr)
    refuse_tensor(dtype_json, "dtype is " + std::string(dtype_json.kind_name()) + ", not a string");
  const auto dtype = tensor::dtype_from_name(*dtype_text);
  if (!dtype) refuse_tensor(dtype_json, "has the unknown dtype " + json_quote(*dtype_text));

  const Json& shape_json = member("shape");
  const std::vector<Json>* dims_json = shape_json.as_array();
  if (dims_json == nullptr)
    refuse_tensor(shape_json, "shape is " + std::string(shape_json.kind_name()) + ", not an array");
  if (dims_json->size() > Shape::kMaxRank) refuse_tensor(shape_json, "has more than 8 dimensions");
  std::vector<std::int64_t> dims;
  for (const Json& dim : *dims_json) {
    const auto extent = dim.as_integer();
    if (!extent || *extent < 0) refuse_tensor(dim, "has a dimension that is not a whole number of 0 or more");
    dims.push_back(*extent);
  }
  Shape shape;
  try {
    shape = Shape(dims);
  } catch (const Error& error) {
    refuse_tensor(shape_json, error.what());
  }

  const Json& offsets_json = member("data_offsets");
  const std::vector<Json>* offsets = offsets_json.as_array();
  if (offsets == nullptr || offsets->size() != 2) refuse_tensor(offsets_json, "data_offsets is not a pair");
  const auto begin = (*offsets)[0].as_integer(), end = (*offsets)[1].as_integer();
  if (!begin || !end || *begin < 0 || *end < *begin) {
    refuse_tensor(offsets_json, "data_offsets are not two rising whole numbers");
  }
  const auto last = static_cast<std::size_t>(*end), first = static_cast<std::size_t>(*begin);
  if (last > data.size()) {
    refuse_tensor(offsets_json, "ends at byte " + std::to_string(last) + " of the data, but the file has only " +
                                    std::to_string(data.size()) + " (is it truncated?)");
  }
  // Division, because 2^62 elements of 8 bytes would overflow the product.
  const auto elements = static_cast<std::size_t>(shape.elements());
  const std::size_t size = last - first;
  if (size / tensor::dtype_size(*dtype) != elements || size % tensor::dtype_size(*dtype) != 0) {
    refuse_tensor(offsets_json, "takes " + std::to_string(size) + " bytes, but " + *dtype_text + " " +
                                    shape.to_string() + " needs " + std::to_string(elements) + " x " +
                                    std::to_string(tensor::dtype_size(*dtype)));
  }
  return {name, TensorView{*dtype, shape, data.data() + first}, first, last};
}

struct Contents {
  std::vector<TensorEntry> entries;
  std::size_t data_size;
};

Contents read_contents(const std::string& path, std::span<const std::byte> bytes) {
  if (bytes.size() < kLengthBytes) {
    refuse_file(path,
                "byte " + std::to_string(bytes.size()) + ": ends inside the 8-byte header length (is it truncated?)");
  }
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, bytes.data(), kLengthBytes);
  if (header_size > kSafetensorsHeaderCap) {
    refuse_file(path,
                "byte 0: the header length " + std::to_string(header_size) + " is above the format's limit of " +
                    std::to_string(kSafetensorsHeaderCap),
                "This is probably not a safetensors file.");
  }
  if (header_size > bytes.size() - kLengthBytes) {
    refuse_file(path, "byte 0: the header length " + std::to_string(header_size) + " reaches past the file's " +
                          std::to_string(bytes.size()) + " bytes (is it truncated?)");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes,
                              static_cast<std::size_t>(header_size));
  if (text.empty() || text[0] != '{') refuse_file(path, "byte 8: the header does not begin with '{'");
  const Json header = parse_json(text, path, kLengthBytes);
  const auto data = bytes.subspan(kLengthBytes + static_cast<std::size_t>(header_size));

  std::vector<TensorEntry> entries;
  for (const auto& [name, value] : *header.as_object()) {
    if (name != kMetadata) {
      entries.push_back(read_entry(path, name, value, data));
      continue;
    }
    const std::vector<Json::Member>* metadata = value.as_object();
    const bool strings = metadata != nullptr &&
                         std::all_of(metadata->begin(), metadata->end(),
                                     [](const Json::Member& member) { return member.second.as_string() != nullptr; });
    if (!strings)
      refuse_file(path, "byte " + std::to_string(value.offset()) + ": __metadata__ is not an object of strings");
  }
  return {std::move(entries), data.size()};
}

class SafetensorsFile final : public SingleTensorFile {
 public:
  SafetensorsFile(const std::string& label, std::span<const std::byte> bytes) : SingleTensorFile(label) { read(bytes); }
  explicit SafetensorsFile(base::MappedFile file) : SingleTensorFile(std::move(file)) { read(mapped()); }

 private:
  void read(std::span<const std::byte> bytes) {
    auto [entries, data_size] = read_contents(path(), bytes);
    index(std::move(entries), data_size, 1);
  }
};

class ShardedFile final : public TensorFile {
 public:
  ShardedFile(const std::string& path, const Json& index, const OpenShard& open) : path_(path) {
    const Json* map_json = index.find("weight_map");
    if (map_json == nullptr || map_json->as_object() == nullptr) refuse_file(path_, "has no object \"weight_map\"");
    for (const auto& [name, shard_json] : *map_json->as_object()) {
      const std::string* shard = shard_json.as_string();
      const std::string place = "byte " + std::to_string(shard_json.offset()) + ": tensor " + json_quote(name);
      if (shard == nullptr)
        refuse_file(path_, place + ": its shard is " + shard_json.kind_name() + ", not a file name");
      // A path could lead out of the model's folder; published indexes hold plain names.
      if (shard->empty() || shard->find('/') != std::string::npos || shard->find('\0') != std::string::npos ||
          *shard == "..") {
        refuse_file(path_, place + ": " + json_quote(*shard) + " is not a plain file name");
      }
      auto& file = shards_[*shard];
      if (!file) file = open(*shard);
      const auto view = file->find(name);
      if (!view) refuse_file(path_, place + " is not in " + json_quote(*shard) + " as the index says");
      tensors_.emplace(name, *view);
    }
    for (const auto& [name, view] : tensors_) names_.push_back(name);
  }

  const std::string& path() const override { return path_; }
  const std::vector<std::string>& names() const override { return names_; }
  std::optional<TensorView> find(std::string_view name) const override {
    const auto at = tensors_.find(name);
    return at == tensors_.end() ? std::nullopt : std::optional(at->second);
  }

 private:
  std::string path_;
  std::map<std::string, std::unique_ptr<TensorFile>> shards_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::vector<std::string> names_;
};

bool exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

}  // namespace

std::unique_ptr<TensorFile> open_safetensors(const std::string& path) {
  return std::make_unique<SafetensorsFile>(base::MappedFile(path));
}

std::unique_ptr<TensorFile> parse_safetensors(std::span<const std::byte> bytes, const std::string& label) {
  return std::make_unique<SafetensorsFile>(label, bytes);
}

std::unique_ptr<TensorFile> open_sharded_safetensors(const std::string& index_path) {
  const auto slash = index_path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : index_path.substr(0, slash + 1);
  return std::make_unique<ShardedFile>(index_path, parse_json_file(index_path),
                                       [&](const std::string& shard) { return open_safetensors(folder + shard); });
}

std::unique_ptr<TensorFile> parse_sharded_safetensors(std::string_view index, const std::string& label,
                                                      const OpenShard& open) {
  return std::make_unique<ShardedFile>(label, parse_json(index, label), open);
}

std::unique_ptr<TensorFile> open_safetensors_folder(const std::string& folder) {
  const std::string single = folder + "/model.safetensors";
  const std::string index = single + ".index.json";
  if (exists(single)) return open_safetensors(single);
  if (exists(index)) return open_sharded_safetensors(index);
  refuse_file(folder, "has neither model.safetensors nor model.safetensors.index.json",
              "Give a Hugging Face model folder that holds safetensors weights.");
}

}  // namespace faultline::format
