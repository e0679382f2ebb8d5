// Arguments of the benchmarks (benchmarks/lib/arguments.h): what a flag takes, and what is said of everything else.
#include <string>
#include <vector>

#include "benchmarks/lib/arguments.h"
#include "tests/native/check.h"

namespace faultline::bench {
namespace {

constexpr const char* kUsage =
    "program FOLDER [--count 10] [--threads 0] [--share 0.5] [--kind a]\n\n--kind: a or b.\n";

Arguments given(std::vector<std::string> words) {
  words.insert(words.begin(), "program");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  return {static_cast<int>(pointers.size()), pointers.data(), kUsage};
}

TEST(bench_arguments_are_what_was_given_and_the_defaults) {
  const Arguments arguments = given({"folder", "--count", "7", "--share", "0.25", "--kind", "b"});
  EXPECT_EQ(arguments.positional(), "folder");
  EXPECT_EQ(arguments.integer("count", 10), 7);
  EXPECT_EQ(arguments.integer("threads", 0), 0);
  EXPECT(arguments.number("share", 0.5) == 0.25);
  EXPECT_EQ(arguments.one_of("kind", {"a", "b"}), "b");
  EXPECT_EQ(given({"folder"}).one_of("kind", {"a", "b"}), "a");
}

TEST(bench_arguments_refuse_by_flag_value_and_what_is_allowed) {
  for (const char* bad : {"0", "-1", "7x", "1.5", "", "2147483648"})
    EXPECT_THROWS(usage, std::string("--count: expected a whole number of at least 1, got \"") + bad + "\"",
                  (void)given({"folder", "--count", bad}).integer("count", 10));
  EXPECT_THROWS(usage, "--threads: expected a whole number of at least 0, got \"-1\"",
                (void)given({"folder", "--threads", "-1"}).integer("threads", 0));
  for (const char* bad : {"-1", "half", "nan", "inf", "1,5"})
    EXPECT_THROWS(usage, std::string("--share: expected a number of at least 0, got \"") + bad + "\"",
                  (void)given({"folder", "--share", bad}).number("share", 0.5));
  EXPECT_THROWS(usage, "--kind: expected one of a, b, got \"c\"",
                (void)given({"folder", "--kind", "c"}).one_of("kind", {"a", "b"}));
  EXPECT_THROWS(usage, "there is no flag --coun", given({"folder", "--coun", "7"}));
  EXPECT_THROWS(usage, "--count: a value is missing", given({"folder", "--count"}));
  EXPECT_THROWS(usage, "expected --name value, got 7", given({"folder", "7"}));
  EXPECT_THROWS(usage, "the model's FOLDER is missing", given({"--count", "7"}));
}

}  // namespace
}  // namespace faultline::bench
