// Errors, checks, aligned buffers, mapped files, the floating-point mode.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "native/base/aligned_buffer.h"
#include "native/base/bytes_text.h"
#include "native/base/check.h"
#include "native/base/fp_env.h"
#include "native/base/mapped_file.h"
#include "native/base/promised_memory.h"
#include "tests/native/check.h"

namespace faultline::check {
namespace {

using base::AlignedBuffer;
using base::MappedFile;

TEST(check_names_the_place_inside_the_project) {
  EXPECT_THROWS(internal, "base_memory_test.cc", FAULTLINE_CHECK(1 > 2));
  EXPECT_THROWS(internal, "check failed: 1 > 2: because", FAULTLINE_CHECK(1 > 2, "because"));
  FAULTLINE_CHECK(2 > 1);
}

TEST(error_names_are_those_of_typescript) {
  EXPECT_EQ(std::string(base::error_code_name(base::ErrorCode::environment)), "environment");
  const base::Error error(base::ErrorCode::input, "x.json: is broken", "Mend it.");
  EXPECT_EQ(std::string(error.what()), "x.json: is broken");
  EXPECT_EQ(error.hint(), "Mend it.");
}

TEST(sizes_are_printed_in_the_unit_that_suits_them) {
  EXPECT_EQ(base::bytes_text(0), std::string("0.0 KiB"));
  EXPECT_EQ(base::bytes_text(1536), std::string("1.5 KiB"));
  EXPECT_EQ(base::bytes_text(std::uint64_t{3} << 20), std::string("3.0 MiB"));
  EXPECT_EQ(base::bytes_text(std::uint64_t{29} << 28), std::string("7.25 GiB"));
}

TEST(buffer_is_aligned_zeroed_and_writable) {
  for (const std::size_t bytes :
       {std::size_t{1}, std::size_t{63}, std::size_t{4096}, (std::size_t{2} << 20) - 1, std::size_t{5} << 20}) {
    AlignedBuffer buffer(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % base::kAlignment, std::uintptr_t{0});
    EXPECT_EQ(buffer.size(), bytes);
    auto* data = buffer.as<unsigned char>();
    EXPECT(data[0] == 0 && data[bytes / 2] == 0 && data[bytes - 1] == 0);
    data[0] = data[bytes - 1] = 7;
  }
  EXPECT(AlignedBuffer(0).data() == nullptr);
}

TEST(buffer_moves) {
  AlignedBuffer first = AlignedBuffer::floats(10);
  first.as<float>()[9] = 3;
  AlignedBuffer second = std::move(first);
  EXPECT_EQ(second.span<float>().size(), std::size_t{10});
  EXPECT_EQ(second.as<float>()[9], 3.0f);
  second = AlignedBuffer(std::size_t{3} << 20);
  second = std::move(second);
  EXPECT_EQ(second.size(), std::size_t{3} << 20);
}

TEST(buffer_refuses_the_impossible) {
  EXPECT_THROWS(environment, "out of memory", AlignedBuffer(std::numeric_limits<std::size_t>::max()));
  EXPECT_THROWS(environment, "elements of 4 bytes", AlignedBuffer(std::numeric_limits<std::size_t>::max() / 2, 4));
}

TEST(promised_memory_is_left_to_the_run_that_it_is_promised_to) {
  base::PromisedMemory memory;
  EXPECT_EQ(memory.left_of(100), std::uint64_t{100});
  {
    base::PromisedMemory::Share one = memory.promise([] { return std::uint64_t{60}; });
    base::PromisedMemory::Share two;
    two = memory.promise([&] { return memory.left_of(100) / 2; });
    EXPECT_EQ(two.bytes(), std::uint64_t{20});
    EXPECT_EQ(memory.left_of(100), std::uint64_t{20});
    EXPECT_EQ(memory.left_of(70), std::uint64_t{0});
    one.set(10);
    one.set(15);
    EXPECT_EQ(memory.bytes(), std::uint64_t{35});
    // A plan that throws is promised nothing, and the next one is made.
    EXPECT_THROWS(usage, "no",
                  memory.promise([]() -> std::uint64_t { throw base::Error(base::ErrorCode::usage, "no"); }));
    const base::PromisedMemory::Share moved = std::move(one);
    EXPECT_EQ(memory.bytes(), std::uint64_t{35});
  }
  EXPECT_EQ(memory.bytes(), std::uint64_t{0});
}

TEST(mapped_file_reads_and_refuses) {
  const std::string path = temporary_folder() + "/mapped";
  std::ofstream(path) << "hello";
  MappedFile file(path);
  EXPECT_EQ(file.bytes().size(), std::size_t{5});
  EXPECT(file.bytes()[4] == std::byte{'o'});
  MappedFile moved = std::move(file);
  EXPECT_EQ(moved.bytes().size(), std::size_t{5});
  std::ofstream(path + "-empty").flush();
  EXPECT(MappedFile(path + "-empty").bytes().empty());
  EXPECT_THROWS(input, "No such file", MappedFile(path + "-missing"));
  EXPECT_THROWS(input, "not a regular file", MappedFile{temporary_folder()});
  // A pipe without a writer, which a plain open waits for; the device reads without end.
  EXPECT_EQ(::mkfifo((path + "-pipe").c_str(), 0600), 0);
  EXPECT_THROWS(input, "mapped-pipe: is not a regular file", MappedFile(path + "-pipe"));
  EXPECT_THROWS(input, "/dev/zero: is not a regular file", MappedFile("/dev/zero"));
  // What the process lacks is no fault of the file's.
  rlimit before{};
  EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  struct Restore {
    const rlimit& limits;
    ~Restore() { ::setrlimit(RLIMIT_NOFILE, &limits); }
  } const restore{before};
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_THROWS(environment, "mapped: cannot be opened: Too many open files", MappedFile{path});
}

/// KiB of a mapped file's pages in this process's memory.
std::int64_t resident_kib(const std::string& path) {
  std::ifstream maps("/proc/self/smaps");
  bool found = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find('-') < line.find(' ')) found = line.ends_with(path);
    if (found && line.starts_with("Rss:")) return std::stoll(line.substr(4));
  }
  return -1;
}

TEST(mapped_file_forgets_whole_pages) {
  const std::string path = std::filesystem::canonical(temporary_folder()).string() + "/mapped-pages";
  constexpr std::size_t kBytes = 1 << 20;
  std::ofstream(path) << std::string(kBytes, 'x');
  const MappedFile file(path);
  const auto sum = [&] {
    std::size_t found = 0;
    for (const std::byte byte : file.bytes()) found += byte == std::byte{'x'} ? 1 : 0;
    return found;
  };
  EXPECT_EQ(sum(), kBytes);
  EXPECT_EQ(resident_kib(path), std::int64_t{1024});
  base::forget_pages(file.bytes().subspan(0, 100));  // no whole page
  base::forget_pages({});
  EXPECT_EQ(resident_kib(path), std::int64_t{1024});
  base::forget_pages(file.bytes().subspan(1, kBytes - 2));
  EXPECT_EQ(resident_kib(path), 2 * ::sysconf(_SC_PAGESIZE) / 1024);
  EXPECT_EQ(sum(), kBytes);
}

float half_of(float value) {
  volatile float x = value;
  x = x * 0.5f;
  return x;
}

TEST(fp_env_flushes_denormals_and_restores) {
  const float smallest = std::numeric_limits<float>::min();
  EXPECT(half_of(smallest) > 0);
  {
    const base::FpEnv mode;
    EXPECT_EQ(half_of(smallest), 0.0f);
    volatile float denormal = std::numeric_limits<float>::denorm_min();
    volatile float scaled = denormal * 1e30f;
    EXPECT_EQ(scaled, 0.0f);
  }
  EXPECT(half_of(smallest) > 0);
}

/// The one thing in which the two architectures' flushing differs (ops.h).
TEST(fp_env_flushes_after_rounding_on_x86_and_before_it_on_arm) {
  const base::FpEnv mode;
  const auto product = [](float a, float b) {
    volatile float x = a, y = b;
    x = x * y;
    return static_cast<float>(x);
  };
  // 2^-126 (1 - 2^-46): with 24 bits it is 2^-126, if exponents had no end.
#if defined(__aarch64__)
  constexpr float kBorder = 0.0f;
#else
  constexpr float kBorder = 0x1p-126f;
#endif
  EXPECT_EQ(product(0x1.000002p-63f, 0x1.fffffcp-64f), kBorder);
  EXPECT_EQ(product(-0x1.000002p-63f, 0x1.fffffcp-64f), -kBorder);
  // 2^-126 (1 - 2^-24) has 24 bits, and is below on both; one more is above on both.
  EXPECT_EQ(product(0x1.fffffep-64f, 0x1p-63f), 0.0f);
  EXPECT_EQ(product(0x1.000002p-63f, 0x1p-63f), 0x1.000002p-126f);
}

}  // namespace
}  // namespace faultline::check
