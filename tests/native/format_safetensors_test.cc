// safetensors: reading, and every way a file can lie. Mutations are fuzz_safetensors.cc's.
#include "native/format/safetensors.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "native/tensor/convert.h"
#include "tests/native/check.h"
#include "tests/native/safetensors_writer.h"

namespace faultline::check {
namespace {

using namespace format;
using tensor::DType;
using tensor::Shape;
using tensor::TensorView;

std::string file_of(const std::string& header, const std::string& data) {
  const std::uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + data;
}

/// Views point into `bytes`.
std::unique_ptr<TensorFile> parse(const std::string& bytes) {
  return parse_safetensors(std::as_bytes(std::span(bytes.data(), bytes.size())), "x.safetensors");
}

std::string folder(const std::string& name) {
  const std::string path = temporary_folder() + "/" + name;
  std::filesystem::create_directories(path);
  return path;
}

TEST(safetensors_gives_what_was_written) {
  const std::string path = folder("round") + "/a.safetensors";
  const std::vector<float> floats = {1, 2, 3, 4, 5, 6};
  const std::vector<std::uint16_t> halves = {0x3C00};
  const NamedTensor tensors[] = {
      {"b.weight", {DType::f32, Shape{2, 3}, reinterpret_cast<const std::byte*>(floats.data())}},
      {"a \"quoted\"", {DType::f16, Shape{}, reinterpret_cast<const std::byte*>(halves.data())}},
      {"empty", {DType::i64, Shape{0, 4}, nullptr}}};
  write_safetensors(path, tensors);
  const auto file = open_safetensors(path);
  EXPECT(file->names() == (std::vector<std::string>{"a \"quoted\"", "b.weight", "empty"}));
  EXPECT_EQ(file->path(), path);
  const TensorView b = file->get("b.weight");
  EXPECT(b.dtype == DType::f32 && b.shape == (Shape{2, 3}));
  EXPECT(std::memcmp(b.data, floats.data(), 24) == 0);
  EXPECT_EQ(tensor::element_as_float(file->get("a \"quoted\""), 0), 1.0f);
  EXPECT_EQ(file->get("empty").shape.elements(), std::int64_t{0});
  EXPECT(!file->find("c"));
  EXPECT_THROWS(input, "a.safetensors: has no tensor \"c\"", file->get("c"));
}

TEST(safetensors_refuses_every_lie) {
  const std::string eight = "12345678";
  const struct {
    std::string bytes;
    const char* reason;
  } cases[] = {
      {"1234", "byte 4: ends inside the 8-byte header length"},
      {file_of("", ""), "byte 8: the header does not begin with '{'"},
      {std::string(8, '\xFF') + "{}", "above the format's limit"},
      {std::string("\x40\0\0\0\0\0\0\0", 8) + "{}", "reaches past the file's 10 bytes"},
      {file_of(" {}", ""), "does not begin with '{'"},
      {file_of("{\"a\":1}", ""), "tensor \"a\": is described by a number"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", eight), "must have exactly dtype, shape and data_offsets"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"offsets\":[0,8]}}", eight), "has no \"data_offsets\""},
      {file_of("{\"a\":{\"dtype\":\"F99\",\"shape\":[2],\"data_offsets\":[0,8]}}", eight), "unknown dtype \"F99\""},
      {file_of("{\"a\":{\"dtype\":4,\"shape\":[2],\"data_offsets\":[0,8]}}", eight), "dtype is a number"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", eight), "shape is a number"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", eight), "not a whole number"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", eight), "not a whole number"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}", eight),
       "more than 8 dimensions"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}", eight),
       "memory can address"},
      {file_of("{\"a\":{\"dtype\":\"F64\",\"shape\":[4611686018427387904],\"data_offsets\":[0,8]}}", eight),
       "takes 8 bytes, but F64"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", eight), "not a pair"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", eight),
       "not two rising whole numbers"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", eight),
       "not two rising whole numbers"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}", eight),
       "ends at byte 12 of the data, but the file has only 8"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", eight),
       "takes 8 bytes, but F32 [1] needs 1 x 4"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,7]}}", eight), "takes 7 bytes"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", eight), "leave a hole"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],"
               "\"data_offsets\":[4,8]}}",
               eight),
       "overlap"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", eight),
       "has 4 bytes after the last tensor"},
      {file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F32\",\"shape\":[2],"
               "\"data_offsets\":[0,8]}}",
               eight),
       "repeats the name \"a\""},
      {file_of("{\"__metadata__\":{\"x\":1}}", ""), "__metadata__ is not an object of strings"},
      {file_of("{\"a\":", ""), "ends where a value is expected"},
  };
  for (const auto& [bytes, reason] : cases) EXPECT_THROWS(input, reason, parse(bytes));
  for (const auto& [bytes, reason] : cases) EXPECT_THROWS(input, "x.safetensors: ", parse(bytes));
}

TEST(safetensors_accepts_the_unusual) {
  // Misaligned data, any order, zero-size tensors between others, trailing spaces in the header.
  const std::string bytes = file_of(
      "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]},\"z\":{\"dtype\":\"F32\",\"shape\":[0],"
      "\"data_offsets\":[1,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}   ",
      std::string("\x07\0\0\x80\x3F", 5));
  EXPECT_EQ(tensor::element_as_float(parse(bytes)->get("b"), 0), 1.0f);
  const std::string nothing = file_of("{}", "");
  EXPECT(parse(nothing)->names().empty());
}

TEST(safetensors_sharded) {
  const std::string place = folder("sharded");
  const float values[2] = {1, 2};
  const auto view = [&](int i) {
    return TensorView{DType::f32, Shape{1}, reinterpret_cast<const std::byte*>(values + i)};
  };
  const NamedTensor first[] = {{"a", view(0)}}, second[] = {{"b", view(1)}};
  write_safetensors(place + "/model-1.safetensors", first);
  write_safetensors(place + "/model-2.safetensors", second);
  const std::string index = place + "/model.safetensors.index.json";
  const auto put = [&](const std::string& text) { std::ofstream(index) << text; };
  put(R"({"metadata":{"total_size":8},"weight_map":{"b":"model-2.safetensors","a":"model-1.safetensors"}})");
  const auto file = open_safetensors_folder(place);
  EXPECT(file->names() == (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(tensor::element_as_float(file->get("b"), 0), 2.0f);
  EXPECT_THROWS(input, "index.json: has no tensor \"c\"", file->get("c"));

  put(R"({"weight_map":{"a":"model-2.safetensors"}})");
  EXPECT_THROWS(input, "tensor \"a\" is not in \"model-2.safetensors\"", open_sharded_safetensors(index));
  put(R"({"weight_map":{"a":"../sharded/model-1.safetensors"}})");
  EXPECT_THROWS(input, "is not a plain file name", open_sharded_safetensors(index));
  put(R"({"weight_map":{"a":3}})");
  EXPECT_THROWS(input, "its shard is a number", open_sharded_safetensors(index));
  put(R"({"weight_map":{"a":"model-3.safetensors"}})");
  EXPECT_THROWS(input, "model-3.safetensors: cannot be opened", open_sharded_safetensors(index));
  put(R"({"map":{}})");
  EXPECT_THROWS(input, "has no object \"weight_map\"", open_sharded_safetensors(index));
  EXPECT_THROWS(input, "has neither model.safetensors nor", open_safetensors_folder(folder("bare")));
}

}  // namespace
}  // namespace faultline::check
