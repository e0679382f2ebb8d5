// Runs a fuzz target on mutations of its seeds: a fixed number of them from one seed of chance, so that a run can be
// repeated: the seed is printed with whatever is found. Fails on a crash, a sanitizer's report, an exception that
// should not come out, memory beyond a bound, and on a run that proves nothing because all inputs were accepted or all
// refused. The input that failed is written beside it.
//
//   faultline_fuzz_gguf [iterations] [seed]      mutations; the seed `today` is the number of the day
//   faultline_fuzz_gguf FILE ...                 these inputs, e.g. what an earlier run wrote
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <string_view>

#include "tests/native/fuzz.h"

// GCC and Clang have it where a sanitizer is linked; elsewhere it is null.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

/// The bound on memory that a reader may hold at once: what small inputs take in any case, and a factor. The largest is
/// that of JSON, where two bytes become a value of 120, three times over while a vector of them grows.
constexpr std::size_t kFreeBytes = std::size_t{64} << 10;
constexpr std::size_t kBytesPerByte = 256;

struct Run {
  std::uint64_t seed = 0;
  std::uint64_t iteration = 0;
  const char* data = nullptr;  // of the input that is being read, or null between two
  std::size_t size = 0;
  std::size_t live = 0;  // bytes that the target holds
  std::size_t peak = 0;
  std::size_t bound = std::numeric_limits<std::size_t>::max();
} run;

/// Called on every kind of finding, in any state of the process: uses nothing that allocates.
void report() {
  if (run.data == nullptr) return;
  const char* const name = "fuzz-finding";
  std::fprintf(stderr, "finding at iteration %llu from seed %llu, in %zu bytes that are written to ./%s\n",
               static_cast<unsigned long long>(run.iteration), static_cast<unsigned long long>(run.seed), run.size,
               name);
  if (std::FILE* const file = std::fopen(name, "wb")) {
    std::fwrite(run.data, 1, run.size, file);
    std::fclose(file);
  }
  run.data = nullptr;
}

[[noreturn]] void finding(const char* what) {
  run.bound = std::numeric_limits<std::size_t>::max();
  std::fprintf(stderr, "%s\n", what);
  report();
  std::_Exit(1);
}

}  // namespace

// Every allocation of the readers comes through here: they use containers and strings alone.
void* operator new(std::size_t size) {
  // Before the system is asked: a length that lies would be granted and never touched.
  if (size > run.bound || run.live + size > run.bound) finding("more memory than the bound");
  void* const p = std::malloc(size);
  if (p == nullptr) throw std::bad_alloc();
  run.live += malloc_usable_size(p);
  run.peak = std::max(run.peak, run.live);
  return p;
}
void operator delete(void* p) noexcept {
  if (p == nullptr) return;
  run.live -= malloc_usable_size(p);
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }

namespace faultline::check {
namespace {

/// xorshift64.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {
    for (int i = 0; i < 8; ++i) (void)next();
  }
  std::uint64_t next() {
    state_ ^= state_ << 13, state_ ^= state_ >> 7, state_ ^= state_ << 17;
    return state_;
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  template <class T>
  const T& of(const std::vector<T>& items) {
    return items[below(items.size())];
  }

 private:
  std::uint64_t state_;
};

/// Numbers at which lengths, counts and offsets go wrong.
std::uint64_t interesting_number(Random& random, std::size_t size) {
  constexpr std::uint64_t kNumbers[] = {0,           1,          2,
                                        31,          32,         33,
                                        255,         65'535,     65'536,
                                        100'000'000, 0x7FFFFFFF, 0x80000000,
                                        0xFFFFFFFF,  1ULL << 32, (1ULL << 61) - 1,
                                        1ULL << 61,  1ULL << 62, (1ULL << 63) - 1,
                                        1ULL << 63,  ~0ULL - 31, ~0ULL};
  switch (random.below(3)) {
    case 0:
      return size + random.below(17) - 8;
    case 1:
      return random.below(256);
    default:
      return kNumbers[random.below(std::size(kNumbers))];
  }
}

void change(std::string& text, Random& random, const std::vector<std::string>& seeds,
            const std::vector<std::string>& words) {
  const std::size_t at = random.below(text.size());
  switch (random.below(9)) {
    case 0:
      text[at] = static_cast<char>(random.below(256));
      break;
    case 1:
      text[at] = static_cast<char>(text[at] ^ 1 << random.below(8));
      break;
    case 2:
      text.erase(at, random.below(8) + 1);
      break;
    case 3:
      text.insert(at, random.of(words));
      break;
    case 4: {
      const std::string& word = random.of(words);
      text.replace(at, word.size(), word);
      break;
    }
    case 5: {
      const std::uint64_t number = interesting_number(random, text.size());
      const std::size_t width = std::min<std::size_t>(text.size() - at, std::size_t{1} << random.below(4));
      std::memcpy(text.data() + at, &number, width);
      break;
    }
    case 6:
      text.resize(at);
      break;
    case 7: {
      const std::string piece = text.substr(at, random.below(64) + 1);
      text.insert(random.below(text.size()), piece);
      break;
    }
    default: {
      const std::string& other = random.of(seeds);
      const std::size_t from = random.below(other.size());
      text.replace(at, std::string::npos, other.substr(from));
    }
  }
}

int feed(const std::string& text) {
  // A copy of exactly the right size, so that one byte too far is outside the allocation.
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[text.size()]);
  std::copy(text.begin(), text.end(), exact.get());
  run.data = text.data();
  run.size = text.size();
  run.live = run.peak = 0;
  run.bound = kFreeBytes + kBytesPerByte * text.size();
  int result = 0;
  try {
    result = LLVMFuzzerTestOneInput(exact.get(), text.size());
  } catch (const std::exception& error) {
    finding(error.what());
  }
  if (run.live != 0) finding("memory is still held");
  run.bound = std::numeric_limits<std::size_t>::max();
  run.data = nullptr;
  return result;
}

int replay(int count, char** files) {
  for (int i = 0; i < count; ++i) {
    std::ifstream file(files[i], std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) {
      std::fprintf(stderr, "%s: cannot be read\n", files[i]);
      return 1;
    }
    std::printf("%s: %s\n", files[i], feed(text) == 0 ? "accepted" : "refused");
  }
  return 0;
}

int mutate(std::uint64_t iterations, std::uint64_t seed) {
  const std::vector<std::string> seeds = fuzz_seeds();
  const std::vector<std::string> words = fuzz_words();
  for (const std::string& text : seeds) {
    if (feed(text) != 0) {
      std::fprintf(stderr, "a seed is refused\n");
      return 1;
    }
  }
  run.seed = seed;
  Random random(seed);
  std::uint64_t accepted = 0;
  std::size_t peak = 0;
  for (std::uint64_t i = 0; i < iterations; ++i) {
    run.iteration = i;
    std::string text = random.of(seeds);
    // Half of them one change alone: what is changed more is mostly refused.
    for (std::size_t changes = random.below(2) * random.below(4) + 1; changes > 0 && !text.empty(); --changes)
      change(text, random, seeds, words);
    if (feed(text) == 0) ++accepted;
    peak = std::max(peak, run.peak);
  }
  std::printf("%llu mutations from seed %llu: %llu accepted, %llu refused, at most %zu bytes held\n",
              static_cast<unsigned long long>(iterations), static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(accepted), static_cast<unsigned long long>(iterations - accepted), peak);
  // Mutations that are all refused never got past the first check, and mutations that are all accepted changed nothing.
  const bool both = accepted >= iterations / 200 && iterations - accepted >= iterations / 20;
  if (!both) std::fprintf(stderr, "too few were accepted or refused: the seeds prove nothing\n");
  return both ? 0 : 1;
}

int run_all(int count, char** arguments) {
  if (&__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(report);
  const auto is_number = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (count > 0 && !is_number(arguments[0])) return replay(count, arguments);
  const std::uint64_t iterations = count > 0 ? std::strtoull(arguments[0], nullptr, 10) : 100'000;
  if (count > 1 && std::string_view(arguments[1]) == "today")
    return mutate(iterations, static_cast<std::uint64_t>(std::time(nullptr)) / (24 * 60 * 60));
  const std::uint64_t seed = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1;
  return mutate(iterations, seed);
}

}  // namespace
}  // namespace faultline::check

int main(int argc, char** argv) { return faultline::check::run_all(argc - 1, argv + 1); }
