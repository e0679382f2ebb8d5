// ops/cuda/math.h equals ops/cpu/math.inl to the bit: the two are included side by side and called with the same
// numbers. How exact the polynomials themselves are is measured by ops_math_test.cc. Part of the emulator's tests,
// because no operation of the device gives these functions alone; on a GPU they are covered by the tests of operations,
// which compare bits as well.
#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "native/base/fp_env.h"
#include "native/base/philox.h"
#include "native/ops/cuda/math.h"
#include "tests/native/check.h"

// The CPU's functions are known to one file of kernels each, so they come with it.
#include "native/ops/cpu/vec_scalar.h"
// vec_scalar.h first: it says what the kernels below are compiled for.
#include "native/ops/cpu/draw.inl"

namespace faultline::check {
namespace {

namespace cpu = ops::scalar;
namespace device = ops::cuda;
namespace simt = ops::cuda::simt;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Every `step`th bit pattern from `first` to `last`, and what is next to the numbers where something changes.
std::vector<float> floats(std::uint32_t first, std::uint32_t last, std::uint32_t step) {
  std::vector<float> all;
  for (std::uint64_t bits = first; bits <= last; bits += step)
    all.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  return all;
}
void add_neighbours(std::vector<float>& all, std::initializer_list<float> around) {
  for (const float middle : around) {
    for (std::uint32_t offset = 0; offset < 9; ++offset)
      all.push_back(std::bit_cast<float>(std::bit_cast<std::uint32_t>(middle) - 4 + offset));
  }
}

/// NaN has no bits to keep.
bool same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (a != a && b != b);
}

template <class OfDevice, class OfCpu>
void expect_same(const char* what, const std::vector<float>& inputs, OfDevice of_device, OfCpu of_cpu) {
  for (const float x : inputs) {
    const float got = of_device(x), want = cpu::lane(of_cpu(cpu::set1(x)), 5);
    if (same(got, want)) continue;
    fail(__FILE__, __LINE__, std::string(what) + " of " + show(x) + " is " + show(got) + ", expected " + show(want));
    return;
  }
}

TEST(simt_math_exp_and_gelu_are_those_of_the_cpu) {
  const base::FpEnv mode;
  std::vector<float> inputs = floats(0, 0xFFFFFFFFu, 4'099);  // all kinds: subnormal, infinite, NaN
  for (const float x : floats(0x3F000000u, 0x42B80000u, 37)) inputs.push_back(-x);  // what softmax asks for
  add_neighbours(inputs, {1, -1, 88, -87.336f, -200, 0.34657359f, -0.34657359f});
  for (const float x : {0.0f, -0.0f, kInfinity, -kInfinity}) inputs.push_back(x);
  expect_same("exp", inputs, device::exact_exp, cpu::exp16);
  expect_same("gelu", inputs, device::gelu, cpu::gelu16);
  std::erase_if(inputs, [](float x) { return !(x <= 0); });
  const auto exp_to_one = [](float x) { return simt::add(device::exp_to_one(device::bounded_exponent(x)), 0.0f); };
  expect_same("exp up to 1", inputs, exp_to_one, cpu::exp16);
  EXPECT(!(device::exp_to_one(std::numeric_limits<float>::quiet_NaN()) < std::numeric_limits<float>::max()));
}

TEST(simt_math_log_is_that_of_the_cpu) {
  const base::FpEnv mode;
  std::vector<float> inputs = floats(0x00800000u, 0x7F7FFFFFu, 2'053);
  for (const float x : floats(0x3F700000u, 0x3F900000u, 3)) inputs.push_back(x);  // where the result is small
  add_neighbours(inputs, {1, 0.70710678f, 1.4142135f, 2, 0.5f});
  expect_same("log", inputs, device::exact_log, cpu::log16);
  expect_same("log_sum", inputs, device::log_sum, cpu::log16);
  EXPECT_EQ(device::log_sum(0), -kInfinity);
}

TEST(simt_math_random_numbers_are_those_of_the_cpu) {
  const base::FpEnv mode;
  std::vector<std::uint32_t> words;
  for (std::uint64_t word = 0; word <= 0xFFFFFFFFu; word += 4'093) words.push_back(static_cast<std::uint32_t>(word));
  // Both ends, where u is smallest and where it is held below 1.
  for (std::uint32_t i = 0; i < 2'000; ++i) words.push_back(i), words.push_back(~i);
  for (std::uint32_t bit = 0; bit < 32; ++bit) words.push_back(1u << bit), words.push_back((1u << bit) - 1u);
  int different = 0;
  float smallest = kInfinity, largest = -kInfinity;
  for (const std::uint32_t word : words) {
    const cpu::F16 uniform = cpu::uniform16(cpu::iset1(word));
    const float u = cpu::lane(uniform, 0);
    const float gumbel = device::gumbel(u);
    different += same(device::uniform(word), u) ? 0 : 1;
    different += same(device::exponential(u), cpu::lane(cpu::exponential16(uniform), 0)) ? 0 : 1;
    different += same(gumbel, cpu::lane(cpu::gumbel16(uniform), 0)) ? 0 : 1;
    different += same(device::gumbel_bound(u), cpu::lane(cpu::gumbel_bound16(uniform), 0)) ? 0 : 1;
    different += device::gumbel_bound(u) >= gumbel ? 0 : 1;
    smallest = device::min_of(smallest, gumbel);
    largest = device::max_of(largest, gumbel);
  }
  EXPECT_EQ(different, 0);
  EXPECT_EQ(device::kLargestGumbel, cpu::kLargestGumbel);
  EXPECT(largest <= device::kLargestGumbel && largest > 22.8f);
  EXPECT(smallest >= device::kSmallestGumbel && smallest < -2.8f);
}

TEST(simt_math_philox_is_that_of_the_cpu) {
  // All bits of key and counter take part.
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    const std::uint64_t key = 0x9E3779B97F4A7C15u * (i + 1);
    const std::uint32_t c[4] = {i * 0x85EBCA6Bu, ~i, i << 16 | 12'345u, i * i};
    const device::PhiloxWords got = device::philox4x32_10(key, c[0], c[1], c[2], c[3]);
    const auto want = base::philox4x32_10({c[0], c[1], c[2], c[3]}, key);
    for (std::size_t word = 0; word < 4; ++word) EXPECT_EQ(got.word[word], want[word]);
  }
}

TEST(simt_math_comparisons_take_the_cpus_side) {
  const base::FpEnv mode;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float a : {1.0f, -1.0f, 0.0f, -0.0f, kInfinity, -kInfinity, nan}) {
    for (const float b : {1.0f, -1.0f, 0.0f, -0.0f, kInfinity, -kInfinity, nan}) {
      EXPECT(same(device::max_of(a, b), cpu::lane(cpu::max(cpu::set1(a), cpu::set1(b)), 0)));
      EXPECT(same(device::min_of(a, b), cpu::lane(cpu::min(cpu::set1(a), cpu::set1(b)), 0)));
    }
  }
}

SIMT_KERNEL(64, 1) fold_each_half_warp(const float* in, float* sums, float* maxima) {
  sums[simt::thread()] = device::fold16(in[simt::thread()]);
  maxima[simt::thread()] = device::fold16_max(in[simt::thread()]);
}

TEST(simt_math_folds_are_the_cpus_trees) {
  const base::FpEnv mode;
  std::vector<float> in(64), sums(64), maxima(64);
  for (std::uint32_t round = 0; round < 50; ++round) {
    for (std::uint32_t i = 0; i < 64; ++i) {
      const std::uint32_t word = device::philox4x32_10(21, round, i, 0, 0).word[0];
      // Both signs and all sizes from 1/8 to 2, so that the order shows.
      in[i] = std::bit_cast<float>((word & 0x81FFFFFFu) + 0x3E000000u);
    }
    EXPECT(simt::launch(fold_each_half_warp, {1, 1, 1}, 64, 0, nullptr, static_cast<const float*>(in.data()),
                        sums.data(), maxima.data()) == simt::kLaunched);
    for (std::size_t half = 0; half < 4; ++half) {
      const float sum = cpu::sum_lanes(cpu::load(&in[16 * half])), most = cpu::max_lanes(cpu::load(&in[16 * half]));
      for (std::size_t lane = 0; lane < 16; ++lane) {
        EXPECT(same(sums[16 * half + lane], sum));
        EXPECT(same(maxima[16 * half + lane], most));
      }
    }
  }
}

}  // namespace
}  // namespace faultline::check
