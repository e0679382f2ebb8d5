// GGUF: reading, and every way a file can lie. Mutations are fuzz_gguf.cc's.
#include "native/format/gguf.h"

#include <filesystem>
#include <fstream>
#include <limits>

#include "native/tensor/convert.h"
#include "tests/native/check.h"
#include "tests/native/gguf_writer.h"

namespace faultline::check {
namespace {

using namespace format;
using tensor::DType;
using tensor::Shape;
using tensor::TensorView;

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

/// Views point into `bytes`.
std::unique_ptr<GgufFile> parse(const std::string& bytes) {
  return parse_gguf(std::as_bytes(std::span(bytes.data(), bytes.size())), "x.gguf");
}

/// The first 24 bytes with any counts.
std::string start(std::uint64_t tensors, std::uint64_t entries, std::uint32_t version = 3) {
  return "GGUF" + gguf_number(version) + gguf_number(tensors) + gguf_number(entries);
}

std::string zeros(std::size_t count) { return std::string(count, '\0'); }

TEST(gguf_gives_what_was_written) {
  const std::string path = temporary_folder() + "/a.gguf";
  const std::string block = gguf_number<std::uint16_t>(0x3800) + "\x01\x02\xFF" + zeros(29);  // scale 0.5
  const std::string bytes = gguf_file(
      {gguf_entry("general.architecture", "gpt2"), gguf_entry("n", 7U), gguf_entry("e", 0.5F),
       gguf_entry("yes", GgufType::boolean, "\x01"), gguf_entry("i8", GgufType::i8, "\xFF"),
       gguf_entry("u64", GgufType::u64, gguf_number(kHuge)),
       gguf_entry("words", GgufType::array, gguf_array(GgufType::string, 2, gguf_text("a") + gguf_text("\xC4\xA0"))),
       gguf_entry(
           "nested", GgufType::array,
           gguf_array(GgufType::array, 2, gguf_array(GgufType::u16, 1, "ab") + gguf_array(GgufType::boolean, 0, "")))},
      {gguf_tensor("m", {3, 2}, kGgmlF32, 64), gguf_tensor("q", {32, 1}, kGgmlQ8, 0),
       gguf_tensor("h", {1}, kGgmlF16, 96), gguf_tensor("b", {}, kGgmlBf16, 128),
       gguf_tensor("none", {0}, kGgmlF32, 160)},
      gguf_padded(block) + gguf_padded(gguf_number(1.5F) + zeros(20)) +
          gguf_padded(gguf_number<std::uint16_t>(0xC000)) + gguf_padded(gguf_number<std::uint16_t>(0x3F80)));
  std::ofstream(path, std::ios::binary) << bytes;
  const std::unique_ptr<GgufFile> file = open_gguf(path);
  EXPECT_EQ(file->path(), path);
  EXPECT(file->names() == (std::vector<std::string>{"b", "h", "m", "none", "q"}));
  EXPECT(file->get("m").shape == (Shape{2, 3}) && file->get("m").dtype == DType::f32);
  EXPECT_EQ(tensor::element_as_float(file->get("m"), 0), 1.5F);
  EXPECT_EQ(tensor::element_as_float(file->get("h"), 0), -2.0F);
  EXPECT_EQ(tensor::element_as_float(file->get("b"), 0), 1.0F);
  EXPECT_EQ(file->get("q").size_bytes(), std::size_t{34});
  EXPECT_EQ(tensor::element_as_float(file->get("q"), 1), 1.0F);
  EXPECT_EQ(tensor::element_as_float(file->get("q"), 2), -0.5F);
  EXPECT_EQ(file->get("none").size_bytes(), std::size_t{0});
  EXPECT_THROWS(input, "a.gguf: has no tensor \"c\"", file->get("c"));

  EXPECT(file->value("general.architecture")->as_string() == "gpt2");
  EXPECT(file->value("n")->as_integer() == 7 && file->value("n")->as_number() == 7.0);
  EXPECT(file->value("e")->as_number() == 0.5 && !file->value("e")->as_integer());
  EXPECT(file->value("yes")->as_bool() == true && !file->value("yes")->as_integer());
  EXPECT(file->value("i8")->as_integer() == -1);
  EXPECT(!file->value("u64")->as_integer() && file->value("u64")->as_number() == 0x1p64);
  EXPECT(file->value("words")->array_size() == 2U && !file->value("words")->as_string());
  EXPECT(file->value("nested")->array_size() == 2U);
  EXPECT_EQ(std::string(file->value("nested")->kind_name()), "an array");
  EXPECT(!file->value("absent"));
}

TEST(gguf_accepts_the_unusual) {
  EXPECT(parse(start(0, 0))->names().empty());
  EXPECT(parse(start(0, 0, 2))->names().empty());
  // No padding after the last tensor, or all of it; another alignment.
  const std::string four = gguf_number(2.0F);
  for (const std::string& data : {four, gguf_padded(four)})
    EXPECT_EQ(tensor::element_as_float(parse(gguf_file({}, {gguf_tensor("a", {1}, kGgmlF32, 0)}, data))->get("a"), 0),
              2.0F);
  const std::string wide = gguf_file({gguf_entry("general.alignment", 4096U)},
                                     {gguf_tensor("a", {1}, kGgmlF32, 0), gguf_tensor("b", {1}, kGgmlF32, 4096)},
                                     gguf_padded(four, 4096) + four, 4096);
  EXPECT_EQ(tensor::element_as_float(parse(wide)->get("b"), 0), 2.0F);
  const std::string name(64, 'n');
  EXPECT(parse(gguf_file({}, {gguf_tensor(name, {1}, kGgmlF32, 0)}, four))->find(name).has_value());
}

TEST(gguf_refuses_every_lie) {
  const std::string four = zeros(4);
  const auto entry = [](const std::string& bytes) { return start(0, 1) + bytes + std::string(64, ' '); };
  const auto tensor = [&](const std::string& description, const std::string& data = zeros(4)) {
    return gguf_file({}, {description}, data);
  };
  const auto array = [&](GgufType element, std::uint64_t count, const std::string& payload) {
    return start(0, 1) + gguf_entry("k", GgufType::array, gguf_array(element, count, payload));
  };
  const auto aligned = [&](const std::string& value) { return start(0, 1) + value + std::string(64, ' '); };
  std::string deep = gguf_array(GgufType::u8, 1, "x");
  for (int i = 0; i < 8; ++i) deep = gguf_array(GgufType::array, 1, deep);
  const struct {
    std::string bytes;
    std::string reason;
  } cases[] = {
      {"", "byte 0: the magic number needs 4 bytes, but the file has 0 left"},
      {"GGU", "byte 0: the magic number needs 4 bytes"},
      {"GGML" + zeros(20), "byte 0: does not begin with \"GGUF\""},
      {"GGUF\x03", "byte 4: the version needs 4 bytes"},
      {start(0, 0, 1), "byte 4: has version 1, but versions 2 and 3 are read"},
      {start(0, 0, 4), "has version 4"},
      {start(0, 0, 0x03000000), "byte 4: the file is big-endian"},
      {start(0, 0).substr(0, 12), "byte 8: the number of tensors needs 8 bytes, but the file has 4 left"},
      {start(0, 0).substr(0, 20), "byte 16: the number of metadata values needs 8 bytes"},
      {start(kHuge, 0), "byte 8: the number of tensors is 18446744073709551615, but the file's 24 bytes have no room"},
      {start(2, 0) + zeros(16), "byte 8: the number of tensors is 2, but the file's 40 bytes have no room"},
      {start(0, kHuge), "byte 16: the number of metadata values is 18446744073709551615"},
      {start(0, 1) + gguf_number<std::uint64_t>(1) + "k" + zeros(3), "byte 33: \"k\" needs 4 bytes"},
      {entry(gguf_number(kHuge)), "byte 24: a key is 18446744073709551615 bytes long, more than 65535"},
      {entry(gguf_number<std::uint64_t>(65'536)), "byte 24: a key is 65536 bytes long, more than 65535"},
      {entry(gguf_number<std::uint64_t>(999)), "byte 32: a key needs 999 bytes, but the file has 64 left"},
      {entry(gguf_text("a\xFFz")), "byte 33: a key is not valid UTF-8"},
      {entry(gguf_text("k") + gguf_number(std::uint32_t{13})), "byte 33: \"k\" has the unknown type 13"},
      {entry(gguf_entry("k", GgufType::boolean, "\x02")), "byte 37: \"k\" is neither false nor true"},
      {start(0, 1) + gguf_entry("k", GgufType::u64, four), "byte 37: \"k\" needs 8 bytes, but the file has 4 left"},
      {entry(gguf_entry("k", GgufType::string, gguf_number(kHuge))), "byte 45: \"k\" needs 18446744073709551615 bytes"},
      {entry(gguf_entry("k", GgufType::string, gguf_text("\xC0\x80"))), "byte 45: \"k\" is not valid UTF-8"},
      {array(GgufType::u64, kHuge, four), "byte 49: \"k\" needs 18446744073709551615 x 8 bytes"},
      {array(GgufType::u64, kHuge / 8 + 1, four), "byte 49: \"k\" needs 2305843009213693952 x 8 bytes"},
      {array(GgufType::u8, kHuge, four), "byte 49: \"k\" needs 18446744073709551615 bytes"},
      {array(GgufType::boolean, kHuge, four), "byte 49: \"k\" needs 18446744073709551615 bytes"},
      {array(GgufType::boolean, 2, std::string("\x01\x03")), "byte 50: \"k\" is neither false nor true"},
      {array(GgufType::string, kHuge, gguf_text("a")), "byte 58: \"k\" needs 8 bytes, but the file has 0 left"},
      {array(GgufType::array, kHuge, ""), "byte 49: \"k\" needs 4 bytes"},
      {array(static_cast<GgufType>(99), 1, four), "byte 37: \"k\" has the unknown type 99"},
      {start(0, 1) + gguf_entry("k", GgufType::array, deep), "\"k\" nests deeper than 8 arrays"},
      {gguf_file({gguf_entry("k", 1U), gguf_entry("l", 1U), gguf_entry("k", 2U)}, {}, ""),
       "has two values for the key \"k\""},
      {aligned(gguf_entry("general.alignment", 0U)), "general.alignment is 0, but must be a power of two"},
      {aligned(gguf_entry("general.alignment", 48U)), "general.alignment is 48, but must be a power of two"},
      {aligned(gguf_entry("general.alignment", GgufType::i64, gguf_number<std::int64_t>(-32))), "is -32, but must"},
      {aligned(gguf_entry("general.alignment", GgufType::u64, gguf_number(std::uint64_t{1} << 63))), "is an integer"},
      {aligned(gguf_entry("general.alignment", GgufType::u64, gguf_number(std::uint64_t{1} << 62))),
       "is 4611686018427387904, but must"},
      {aligned(gguf_entry("general.alignment", "32")), "general.alignment is a string, but must"},
      {gguf_file({gguf_entry("general.alignment", 0x80000000U)}, {gguf_tensor("a", {1}, kGgmlF32, 0)}, four),
       "the file has only 0 (is it truncated?)"},
      {start(1, 0) + gguf_text(std::string(65, 'n')) + zeros(64), "byte 24: a tensor's name is 65 bytes long"},
      {start(1, 0) + gguf_text("\xED\xA0\x80") + zeros(64), "byte 32: a tensor's name is not valid UTF-8"},
      {start(1, 0) + gguf_text("a") + gguf_number(std::uint32_t{1}) + four, "byte 37: tensor \"a\" needs 8 bytes"},
      {tensor(gguf_tensor("a", {1, 1, 1, 1, 1}, kGgmlF32, 0)), "byte 33: tensor \"a\" has 5 dimensions, more than 4"},
      {tensor(gguf_text("a") + gguf_number(0xFFFFFFFFU) + zeros(64)), "tensor \"a\" has 4294967295 dimensions"},
      {tensor(gguf_tensor("a", {kHuge}, kGgmlF32, 0)), "byte 37: tensor \"a\" has a dimension of 18446744073709551615"},
      {tensor(gguf_tensor("a", {1ULL << 40, 1ULL << 40}, kGgmlF32, 0)),
       "byte 33: tensor \"a\": shape [1099511627776, "},
      {tensor(gguf_tensor("a", {1ULL << 62}, kGgmlF32, 0)), "tensor \"a\" takes 4611686018427387904 x 4 bytes"},
      {tensor(gguf_tensor("a", {1}, 12, 0)), "byte 45: tensor \"a\" has the type 12 (Q4_K), which is not read"},
      {tensor(gguf_tensor("a", {1}, 99, 0)), "byte 45: tensor \"a\" has the type 99, which is not read"},
      {tensor(gguf_tensor("a", {16, 2}, kGgmlQ8, 0), zeros(34)),
       "byte 24: tensor \"a\" has shape [2, 16], but Q8_0 comes in rows of whole blocks of 32"},
      {tensor(gguf_tensor("a", {}, kGgmlQ8, 0), zeros(34)), "tensor \"a\" has shape [], but Q8_0"},
      {tensor(gguf_tensor("a", {1}, kGgmlF32, 4), zeros(8)),
       "byte 24: tensor \"a\" begins at byte 4 of the data, which is no multiple of the alignment 32"},
      {tensor(gguf_tensor("a", {2}, kGgmlF32, 0)),
       "byte 24: tensor \"a\" takes 2 x 4 bytes from byte 0 of the data, but the file has only 4 (is it truncated?)"},
      {tensor(gguf_tensor("a", {64}, kGgmlQ8, 0), zeros(67)), "tensor \"a\" takes 2 x 34 bytes"},
      {tensor(gguf_tensor("a", {1}, kGgmlF32, kHuge - 31)), "from byte 18446744073709551584 of the data"},
      {tensor(gguf_tensor("a", {1}, kGgmlF32, 32), zeros(36)), "where byte 0 is expected: tensors leave a hole"},
      {tensor(gguf_tensor("a", {1}, kGgmlF32, 0), zeros(33)), "has 1 bytes after the last tensor"},
      {gguf_file({}, {}, four), "has 4 bytes after the last tensor"},
      {gguf_file({}, {gguf_tensor("a", {16}, kGgmlF32, 0), gguf_tensor("b", {1}, kGgmlF32, 32)}, zeros(64)),
       "tensor \"b\" begins at byte 32 of the data where byte 64 is expected: tensors overlap"},
      {gguf_file({}, {gguf_tensor("a", {1}, kGgmlF32, 0), gguf_tensor("b", {1}, kGgmlF32, 64)}, zeros(68)),
       "tensor \"b\" begins at byte 64 of the data where byte 32 is expected: tensors leave a hole"},
      {gguf_file({}, {gguf_tensor("a", {1}, kGgmlF32, 0), gguf_tensor("a", {1}, kGgmlF32, 32)}, zeros(36)),
       "has two tensors named \"a\""},
  };
  for (const auto& [bytes, reason] : cases) EXPECT_THROWS(input, "x.gguf: ", parse(bytes));
  for (const auto& [bytes, reason] : cases) EXPECT_THROWS(input, reason, parse(bytes));
}

/// A file that ends anywhere before its last byte is refused: every prefix of one that has all there is.
TEST(gguf_refuses_every_truncation) {
  const std::string whole =
      gguf_file({gguf_entry("general.architecture", "gpt2"),
                 gguf_entry("n", GgufType::array, gguf_array(GgufType::string, 1, gguf_text("a")))},
                {gguf_tensor("m", {3, 2}, kGgmlF32, 0), gguf_tensor("q", {32}, kGgmlQ8, 32)}, zeros(32 + 34));
  EXPECT_EQ(parse(whole)->names().size(), std::size_t{2});
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_THROWS(input, "x.gguf: ", parse(whole.substr(0, length)));
}

TEST(gguf_files_that_cannot_be_opened) {
  EXPECT_THROWS(input, "none.gguf: cannot be opened", open_gguf(temporary_folder() + "/none.gguf"));
  EXPECT_THROWS(input, "is not a regular file", open_gguf(temporary_folder()));
}

}  // namespace
}  // namespace faultline::check
