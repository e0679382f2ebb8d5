// safetensors, read with full validation. Writes nothing. A file that lies gives an Error with its name, the
// byte offset or tensor, and the reason; it never crashes, over-allocates or reads outside the map.
//
// Layout: 8 bytes little-endian header length N, N bytes of JSON (name -> dtype, shape, data_offsets; optional
// __metadata__ of strings), then the tensors' bytes, without holes, in any order.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "native/format/tensor_file.h"

namespace faultline::format {

/// Headers above this are refused, as the reference implementation does: the length field must not make us allocate.
inline constexpr std::size_t kSafetensorsHeaderCap = 100'000'000;

/// One file, mapped read-only for the life of the result. Throws Error(input).
std::unique_ptr<TensorFile> open_safetensors(const std::string& path);

/// `model.safetensors.index.json`: opens every shard its weight_map names (plain file names beside the index) and
/// checks that each tensor stands where the map says. Throws Error(input).
std::unique_ptr<TensorFile> open_sharded_safetensors(const std::string& index_path);

/// A model folder's weights: model.safetensors, or the sharded index. Throws Error(input) that names both when neither
/// is there.
std::unique_ptr<TensorFile> open_safetensors_folder(const std::string& folder);

/// The same validation over bytes in memory, which must outlive the result; `label` stands for the path in errors.
std::unique_ptr<TensorFile> parse_safetensors(std::span<const std::byte> bytes, const std::string& label);

/// Opens the shard of a plain file name, which leads out of no folder. Throws Error(input).
using OpenShard = std::function<std::unique_ptr<TensorFile>(const std::string& name)>;

/// The same validation as open_sharded_safetensors over an index in memory and shards that `open` gives, each asked for
/// once.
std::unique_ptr<TensorFile> parse_sharded_safetensors(std::string_view index, const std::string& label,
                                                      const OpenShard& open);

}  // namespace faultline::format
