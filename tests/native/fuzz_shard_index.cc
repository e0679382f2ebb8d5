// Fuzz target: the index of a sharded checkpoint, over two shards in memory. No name that leads out of the model's
// folder may be opened; what is accepted must be readable to the last byte (the sanitizers look).
#include <cstring>

#include "native/base/check.h"
#include "native/base/error.h"
#include "native/format/safetensors.h"
#include "tests/native/fuzz.h"
#include "tests/native/fuzz_shared.h"

namespace faultline::check {
namespace {

std::string shard_of(const std::string& name, const std::string& data) {
  const std::string header = "{\"" + name + "\":{\"dtype\":\"U8\",\"shape\":[" + std::to_string(data.size()) +
                             "],\"data_offsets\":[0," + std::to_string(data.size()) + "]}}";
  const std::uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + data;
}

// Made before the driver counts memory.
const std::string kShardA = shard_of("a", "123"), kShardB = shard_of("b", "4567");

std::unique_ptr<format::TensorFile> open_shard(const std::string& name) {
  FAULTLINE_CHECK(name.find_first_of(std::string_view("/\0", 2)) == std::string::npos && !name.empty() && name != "..");
  if (name != "1.safetensors" && name != "2.safetensors") format::refuse_file(name, "cannot be opened");
  const std::string& bytes = name[0] == '1' ? kShardA : kShardB;
  return format::parse_safetensors(std::as_bytes(std::span(bytes)), name);
}

}  // namespace

std::vector<std::string> fuzz_seeds() {
  return {R"({"metadata":{"total_size":7},"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})",
          R"({"weight_map": {"b": "2.safetensors"}})", R"({"weight_map":{}})"};
}

std::vector<std::string> fuzz_words() {
  return json_words({"\"a\":", "\"b\":", "\"1.safetensors\"", "\"2.safetensors\"", "\"../1.safetensors\"", "\"..\"",
                     "\"\"", "/", "\\u0000", "\\u002f", "\\/"});
}

}  // namespace faultline::check

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace faultline;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto file = format::parse_sharded_safetensors(text, "fuzz.index.json", check::open_shard);
    check::read_all(*file);
    return 0;
  } catch (const base::Error& error) {
    if (error.code() != base::ErrorCode::input) throw;
    return -1;
  }
}
