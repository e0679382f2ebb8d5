// The bfloat16 instructions that kernel families rest on, VDPBF16PS and TDPBF16PS: their portable forms against
// references that are written from the formula with every flush spelled out, and the instructions themselves against
// both wherever the CPU has them, TDPBF16PS emulated where it does not; and round_bf16. Whole products are
// ops_gemm_test.cc's.
#include "native/ops/cpu/vec_scalar.h"
// vec_scalar.h first: the portable forms are written over it.
#include "native/ops/cpu/pairs_scalar.h"
#include "native/ops/cpu/tiles_scalar.h"
#if defined(__x86_64__)
#include <immintrin.h>
#undef FAULTLINE_VEC
#define FAULTLINE_VEC amx
#include "native/ops/cpu/tiles_amx.h"
#endif

#include "native/tensor/convert.h"
#include "tests/native/ops_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;

float flushed(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }

/// x * y + z rounded once to nearest even, with denormal inputs and results zero. Without an FpEnv: flushes here are
/// this function's own. A result is denormal if it is below 2^-126 when rounded as if exponents had no end.
float fma_flushed(float x, float y, float z) {
  x = flushed(x), y = flushed(y), z = flushed(z);
  const float result = std::fma(x, y, z);
  if (std::fabs(result) > 0x1p-126f || result == 0) return result;
  // Near the border: once more with everything 2^64 times as large, where float has room below. x and y come from
  // bfloat16, so scaling one of them is exact; where both are too small for that to matter the sum is z's.
  const float large = std::fma(x * 0x1p64f, y, z * 0x1p64f);
  return std::fabs(large) < 0x1p-62f ? std::copysign(0.0f, result) : result;
}
float add_flushed(float x, float y) { return flushed(flushed(x) + flushed(y)); }

float half(std::uint32_t pair, bool odd) {
  return tensor::float_from_bfloat16(static_cast<std::uint16_t>(odd ? pair >> 16 : pair));
}

/// One lane of VDPBF16PS.
float pair_reference(float acc, std::uint32_t x, std::uint32_t w) {
  acc = fma_flushed(half(x, true), half(w, true), acc);
  return fma_flushed(half(x, false), half(w, false), acc);
}

/// One element of TDPBF16PS: 16 pairs.
float tile_reference(float acc, const std::uint32_t* x, const std::uint32_t* w, int w_stride) {
  float even = 0, odd = 0;
  for (int p = 0; p < 16; ++p) {
    even = fma_flushed(half(x[p], false), half(w[p * w_stride], false), even);
    odd = fma_flushed(half(x[p], true), half(w[p * w_stride], true), odd);
  }
  return add_flushed(acc, add_flushed(even, odd));
}

/// Numbers that meet every branch: bits of any exponent, ones that cancel, denormals, zeros of both signs, and ones
/// whose products end near the smallest normal number. Infinities in one of 64.
class Hard {
 public:
  explicit Hard(std::uint64_t seed) : random_(seed) {}
  float number() {
    const auto bits = static_cast<std::uint32_t>(random_.bits());
    switch (random_.below(8)) {
      case 0:
        return finite(bits);  // any exponent
      case 1:
        return std::bit_cast<float>(bits & 0x807FFFFFu);  // denormal
      case 2:
        return std::copysign(random_.below(8) == 0 ? INFINITY : 0.0f, std::bit_cast<float>(bits));
      case 3:  // 2^-63 or so: products near 2^-126
        return std::bit_cast<float>((bits & 0x807FFFFFu) | static_cast<std::uint32_t>(62 + random_.below(5)) << 23);
      case 4:  // 2^-126 or so
        return std::bit_cast<float>((bits & 0x807FFFFFu) | static_cast<std::uint32_t>(1 + random_.below(3)) << 23);
      default:
        return random_.real(4);
    }
  }
  std::uint16_t bf16() { return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(number()) >> 16); }
  std::uint32_t pair() { return bf16() | std::uint32_t{bf16()} << 16; }

 private:
  static float finite(std::uint32_t bits) {
    return std::bit_cast<float>((bits & 0x7F800000u) == 0x7F800000u ? bits & 0x807FFFFFu : bits);
  }
  Random random_;
};

/// Bits, but any NaN for any other: which one an operation on infinities gives is nobody's promise.
bool same(float x, float y) {
  return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y) || (std::isnan(x) && std::isnan(y));
}

struct PairCase {
  scalar::I16 x, w;
  scalar::F16 acc;
};
std::vector<PairCase> pair_cases() {
  Hard hard(1);
  std::vector<PairCase> cases(40000);
  for (PairCase& c : cases) {
    for (int i = 0; i < 16; ++i) c.x.lane[i] = hard.pair(), c.w.lane[i] = hard.pair(), c.acc.lane[i] = hard.number();
  }
#if !defined( \
    __aarch64__)  // which flushes before it rounds, so that the portable form does, too: it computes nothing there
  // 2^-126 - s 2^-152, in the odd half and in the even one: is it flushed before or after it is rounded?
  for (const int half : {0, 16}) {
    PairCase border;
    for (int i = 0; i < 16; ++i) {
      const float sign = i % 2 == 0 ? 1.0f : -1.0f;
      border.acc.lane[i] = sign * 0x1p-126f;
      border.x.lane[i] = std::uint32_t{tensor::bfloat16_from_float(-sign * static_cast<float>(1 + i / 2))} << half;
      border.w.lane[i] = std::uint32_t{tensor::bfloat16_from_float(0x1p-76f)} << half;
      // x carries the rest of the exponent.
      border.x.lane[i] -= (76u << 7) << half;
    }
    cases.push_back(border);
  }
#endif
  return cases;
}

template <class Function>
void expect_pairs(const char* what, Function&& dot) {
  int wrong = 0;
  for (const PairCase& c : pair_cases()) {
    const scalar::F16 got = dot(c);
    for (int i = 0; i < 16; ++i) {
      const float want = pair_reference(c.acc.lane[i], c.x.lane[i], c.w.lane[i]);
      if (same(got.lane[i], want) || ++wrong > 3) continue;
      std::ostringstream text;
      text << what << std::hex << ": x " << c.x.lane[i] << " w " << c.w.lane[i] << " acc "
           << std::bit_cast<std::uint32_t>(c.acc.lane[i]) << " gives " << std::bit_cast<std::uint32_t>(got.lane[i])
           << ", expected " << std::bit_cast<std::uint32_t>(want);
      fail(__FILE__, __LINE__, text.str());
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST(bf16_portable_pairs_are_the_formula) {
  expect_pairs("portable VDPBF16PS", [](const PairCase& c) {
    const base::FpEnv mode;
    return scalar::dot_pairs(c.x, c.w, c.acc);
  });
}

/// The order matters, so the cases above can tell: even first differs in many of them.
TEST(bf16_pairs_have_one_order) {
  int differ = 0;
  Random random(3);
  for (int i = 0; i < 10000; ++i) {
    const auto any = [&] { return tensor::bfloat16_from_float(random.real()); };
    const std::uint32_t x = any() | std::uint32_t{any()} << 16, w = any() | std::uint32_t{any()} << 16;
    const float acc = random.real();
    const auto swapped = [](std::uint32_t pair) { return pair >> 16 | pair << 16; };
    differ += !same(pair_reference(acc, x, w), pair_reference(acc, swapped(x), swapped(w)));
  }
  EXPECT(differ > 500);
}

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512bf16"))) void instruction(const PairCase& c, scalar::F16& out) {
  const __m512i x = _mm512_loadu_si512(&c.x), w = _mm512_loadu_si512(&c.w);
  _mm512_storeu_ps(&out, _mm512_dpbf16_ps(_mm512_loadu_ps(&c.acc), (__m512bh)x, (__m512bh)w));
}

TEST(bf16_instruction_vdpbf16ps_is_the_portable_form) {
  const cpu::CpuFeatures machine = cpu::detect_cpu();
  if (!machine.avx512bf16 || !machine.os_avx512) {
    note("skipped: VDPBF16PS is not on this CPU (" + machine.brand + "); one with AVX512-BF16 runs this");
    return;
  }
  note("VDPBF16PS ran on " + machine.brand);
  // In the mode of a fresh thread: the instruction asks no mode.
  expect_pairs("VDPBF16PS", [](const PairCase& c) {
    scalar::F16 out;
    instruction(c, out);
    return out;
  });
}
#endif

struct TileCase {
  std::uint32_t x[16][16], w[16][16];
  float acc[16][16];
};
std::vector<TileCase> tile_cases() {
  Hard hard(2);
  Random random(3);
  std::vector<TileCase> cases(300);
  for (TileCase& c : cases) {
    // Among 32 hard factors one is nearly always infinite, so most tiles are mild but for a few.
    const std::int64_t one_of = 1 + random.below(400);
    const auto mild = [&] { return tensor::bfloat16_from_float(random.real(2)); };
    const auto pair = [&]() -> std::uint32_t {
      return random.below(one_of) == 0 ? hard.pair() : mild() | std::uint32_t{mild()} << 16;
    };
    for (int i = 0; i < 16; ++i) {
      for (int j = 0; j < 16; ++j) c.x[i][j] = pair(), c.w[i][j] = pair(), c.acc[i][j] = hard.number();
    }
  }
  return cases;
}

/// One product by a Tiles class, all tiles in use so that none is taken for another.
template <class Tiles>
void multiply_tiles(const TileCase& c, float (&out)[16][16]) {
  Tiles tiles;
  tiles.template zero<0>();
  tiles.template load<3>(c.acc, 64);
  tiles.template load<5>(c.x, 64);
  tiles.template load<6>(c.w, 64);
  tiles.template dot<3, 5, 6>();
  tiles.template store<3>(out, 64);
}

template <class Tiles>
void expect_tiles(const char* what) {
  int wrong = 0;
  for (const TileCase& c : tile_cases()) {
    float got[16][16];
    {
      const base::FpEnv mode;
      multiply_tiles<Tiles>(c, got);
    }
    for (int i = 0; i < 16; ++i) {
      for (int j = 0; j < 16; ++j) {
        const float want = tile_reference(c.acc[i][j], c.x[i], &c.w[0][j], 16);
        if (same(got[i][j], want) || ++wrong > 3) continue;
        fail(__FILE__, __LINE__, std::string(what) + ": " + show(got[i][j]) + ", expected " + show(want));
      }
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST(bf16_portable_tiles_are_the_formula) { expect_tiles<scalar::Tiles>("portable TDPBF16PS"); }

#if defined(__x86_64__)
TEST(bf16_instruction_tdpbf16ps_is_the_portable_form) {
  const cpu::CpuFeatures machine = cpu::detect_cpu();
  if (machine.amx_permitted) {
    note("TDPBF16PS ran on " + machine.brand);
  } else if (emulated_machine(cpu::Isa::amx)) {
    note("TDPBF16PS was emulated: it cannot be used here (" + machine.brand + "); a CPU with AMX-BF16 tells more");
  } else {
    note("skipped: TDPBF16PS cannot be used here (" + machine.brand + "); a CPU with AMX-BF16 runs this");
    return;
  }
  expect_tiles<amx::Tiles>("TDPBF16PS");
}
#endif

TEST(bf16_tiles_load_store_and_zero) {
  scalar::Tiles tiles;
  std::uint32_t wide[16][20], back[16][17];
  Random random(7);
  for (auto& row : wide) {
    for (std::uint32_t& word : row) word = static_cast<std::uint32_t>(random.bits());
  }
  std::memset(back, 0xAB, sizeof back);
  tiles.load<2>(wide, sizeof wide[0]);
  tiles.store<2>(back, sizeof back[0]);
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 16; ++j) EXPECT_EQ(back[i][j], wide[i][j]);
    EXPECT_EQ(back[i][16], 0xABABABABu);
  }
  tiles.zero<2>();
  tiles.store<2>(back, sizeof back[0]);
  for (const auto& row : back) {
    for (int j = 0; j < 16; ++j) EXPECT_EQ(row[j], 0u);
  }
}

TEST(bf16_round_is_nearest_even_and_fills_with_zeros) {
  const base::FpEnv mode;
  Hard hard(8);
  Random random(9);
  for (const std::int32_t k : {1, 15, 16, 17, 31, 32, 33, 100}) {
    constexpr std::int32_t kRows = 3;
    const std::int64_t lda = k + 5, stride = bf16_stride(k);
    std::vector<float> values(static_cast<std::size_t>(kRows * lda));
    for (float& value : values) {
      value = hard.number();
      // Ties, which are one in 65,536 otherwise; and NaN of every kind.
      if (random.below(3) == 0)
        value = std::bit_cast<float>((std::bit_cast<std::uint32_t>(value) & 0xFFFF0000u) | 0x8000u);
      if (random.below(9) == 0) value = std::bit_cast<float>(static_cast<std::uint32_t>(random.bits()) | 0x7F800001u);
    }
    const Misaligned a(values);
    for (const NamedTable& table : runnable_tables()) {
      std::vector<std::uint16_t> out(static_cast<std::size_t>(kRows * stride) + 2, 0xBEEF);
      table.ops.round_bf16({a.data(), lda, kRows, k, out.data() + 1});
      EXPECT_EQ(out.front(), 0xBEEF);
      EXPECT_EQ(out.back(), 0xBEEF);
      for (std::int64_t r = 0; r < kRows; ++r) {
        for (std::int64_t i = 0; i < stride; ++i) {
          const int want = i < k ? tensor::bfloat16_from_float(a.data()[r * lda + i]) : 0;
          EXPECT_EQ(static_cast<int>(out[static_cast<std::size_t>(1 + r * stride + i)]), want);
        }
      }
    }
  }
}

}  // namespace
}  // namespace faultline::check
