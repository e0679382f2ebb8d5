// The JSON reader: what it accepts, what it refuses and where it says so, and that no input crashes it.
#include "native/format/json.h"

#include <fstream>

#include "tests/native/check.h"

namespace faultline::check {
namespace {

using namespace format;

Json parse(std::string_view text) { return parse_json(text, "test"); }

TEST(json_values) {
  const Json value = parse(R"( {"a": [1, -2.5e3, true, false, null], "b": {"c": "x\n\u00e9\ud83d\ude00\"\\\/"}} )");
  const auto* items = value.find("a")->as_array();
  EXPECT_EQ(items->size(), std::size_t{5});
  EXPECT(items->at(0).as_integer() == 1);
  EXPECT(items->at(1).as_number() == -2500);
  EXPECT(!items->at(1).as_integer());
  EXPECT(items->at(2).as_bool() == true && items->at(3).as_bool() == false && items->at(4).is_null());
  EXPECT_EQ(*value.find("b")->find("c")->as_string(), "x\n\xC3\xA9\xF0\x9F\x98\x80\"\\/");
  EXPECT(value.find("z") == nullptr);
  EXPECT_EQ(value.find("a")->offset(), std::size_t{7});
  EXPECT_EQ(std::string(value.kind_name()), "an object");
}

TEST(json_integers) {
  EXPECT(parse("9223372036854775807").as_integer() == INT64_MAX);
  EXPECT(parse("-9223372036854775808").as_integer() == INT64_MIN);
  EXPECT(!parse("9223372036854775808").as_integer());
  EXPECT(parse("9223372036854775808").as_number() == 9223372036854775808.0);
  EXPECT(!parse("1.0").as_integer() && !parse("1e2").as_integer());
  EXPECT(parse("0").as_integer() == 0 && parse("-0").as_number() == 0);
}

TEST(json_refusals_name_the_byte) {
  const struct {
    const char* text;
    const char* reason;
  } cases[] = {
      {"", "byte 0 ends where a value is expected"},
      {"{", "byte 1 is not the expected name"},
      {"[1,]", "byte 3 is no JSON value"},
      {"[1 2]", "byte 3 is not the expected ']'"},
      {"{\"a\":1,\"a\":2}", "byte 7 repeats the name \"a\""},
      {"{\"a\" 1}", "byte 5 is not the expected ':'"},
      {"01", "byte 0 is a number with a leading zero"},
      {"-", "byte 1 is not the expected digit"},
      {"1.", "byte 2 is not the expected digit"},
      {"1e+", "byte 3 is not the expected digit"},
      {"1e999", "outside the range of a double"},
      {"+1", "byte 0 is no JSON value"},
      {"NaN", "byte 0 is no JSON value"},
      {"\"a", "byte 2 ends inside a string"},
      {"\"\n\"", "byte 1 is a raw control character"},
      {"\"\\x\"", "byte 1 begins no known escape"},
      {"\"\\ud800\"", "half a surrogate pair"},
      {"\"\\udc00\"", "half a surrogate pair"},
      {"\"\\ud800\\u0041\"", "half a surrogate pair"},
      {"\"\\u00g0\"", "no hexadecimal digit"},
      {"1 2", "byte 2 holds something after"},
      {"\"\xC0\xAF\"", "byte 1 is not valid UTF-8"},
      {"\"\xED\xA0\x80\"", "byte 1 is not valid UTF-8"},
      {"\"\xF4\x90\x80\x80\"", "byte 1 is not valid UTF-8"},
      {"\"\xE2\x82\"", "byte 1 is not valid UTF-8"},
      {"tru", "byte 0 is no JSON value"},
  };
  for (const auto& [text, reason] : cases) EXPECT_THROWS(input, reason, parse(text));
  EXPECT_THROWS(input, "f.json: byte 12 ", parse_json("[x]", "f.json", 11));
}

TEST(json_depth_is_bounded) {
  EXPECT(parse(std::string(64, '[') + std::string(64, ']')).as_array() != nullptr);
  EXPECT_THROWS(input, "nests deeper than 64", parse(std::string(66, '[') + std::string(66, ']')));
  EXPECT_THROWS(input, "nests deeper than 64", parse(std::string(1'000'000, '[')));
}

TEST(json_number_of_values_is_bounded) {
  std::string list = "[0";
  for (std::size_t i = 2; i < kMostJsonValues; ++i) list += ",0";
  EXPECT_EQ(parse(list + "]").as_array()->size(), kMostJsonValues - 1);
  EXPECT_THROWS(input, "one value more than the", parse(list + ",0]"));
}

TEST(json_quote_round_trips) {
  std::string text = "a\"b\\c\x01\x1f\n\xC3\xA9";
  text += '\0';
  EXPECT_EQ(*parse(json_quote(text)).as_string(), text);
  EXPECT_THROWS(usage, "UTF-8", json_quote("\xFF"));
}

TEST(json_file_errors_name_the_file) {
  const std::string path = temporary_folder() + "/broken.json";
  std::ofstream(path) << "{\"a\": }";
  EXPECT_THROWS(input, "broken.json: byte 6", parse_json_file(path));
  EXPECT_THROWS(input, "No such file", parse_json_file(path + "x"));
}

/// Mutations of a valid document: each must parse or be refused, and what parses must survive being asked.
TEST(json_fuzz) {
  const std::string valid =
      R"({"model_type":"gpt2","n_embd":48,"eps":1e-05,"list":[1,2,{"x":null}],"s":"\u00e9\ud83d\ude00","t":true})";
  const std::string interesting = "{}[]\",:\\0123456789.eE+-tfnu \x80\xC3\xED\xF0\n";
  std::uint64_t state = 88172645463325252u;
  const auto random = [&](std::size_t n) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return static_cast<std::size_t>(state % n);
  };
  int accepted = 0, refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = valid;
    for (std::size_t change = random(4) + 1; change > 0 && !text.empty(); --change) {
      const std::size_t at = random(text.size());
      switch (random(5)) {
        case 0:
          text[at] = interesting[random(interesting.size())];
          break;
        case 1:
          text.erase(at, random(8) + 1);
          break;
        case 2:
          text.insert(at, 1, interesting[random(interesting.size())]);
          break;
        case 3:
          text.insert(at, text.substr(random(text.size()), random(20)));
          break;
        default:
          text.resize(at);
      }
    }
    try {
      const Json value = parse(text);
      (void)value.find("n_embd");
      ++accepted;
    } catch (const base::Error& error) {
      EXPECT(error.code() == base::ErrorCode::input);
      ++refused;
    }
  }
  EXPECT(accepted > 100 && refused > 1000);
}

}  // namespace
}  // namespace faultline::check
