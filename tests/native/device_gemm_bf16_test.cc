// The bfloat16 matrix product on a device: against a sum in double within a derived bound, in every tiling, and a row's
// bits whatever the number of rows. Nothing about speed.
#include <algorithm>
#include <map>

#include "native/ops/cuda/gemm_bf16_hopper.h"
#include "native/ops/cuda/gemm_bf16_variants.h"
#include "native/ops/ref/ref.h"
#include "tests/native/device_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;

struct Case {
  std::int32_t m, k, n;
  Epilogue epilogue = Epilogue::none;
  DeviceType out_type = DeviceType::f32;
  bool bias = true;
  bool in_place = false;        // residual is out
  std::int32_t ldo_past_n = 8;  // ldo = n rounded up to 8, plus this
};

std::string label(const Case& c) {
  return "gemm bf16 m=" + std::to_string(c.m) + " k=" + std::to_string(c.k) + " n=" + std::to_string(c.n) +
         " epilogue=" + std::to_string(static_cast<int>(c.epilogue)) +
         (c.out_type == DeviceType::bf16 ? " to bf16" : " to f32") + (c.bias ? " bias" : "") +
         (c.in_place ? " in place" : "") + " ldo=n+" + std::to_string(c.ldo_past_n);
}

/// The device's copy of a weight: `columns` of k elements each, padded with zeros.
std::vector<std::uint16_t> padded_weight(const std::vector<std::uint16_t>& columns, const DeviceMatrix& w) {
  std::vector<std::uint16_t> padded(static_cast<std::size_t>(w.n_stride) * w.k_stride, 0);
  for (std::int32_t j = 0; j < w.n; ++j) {
    std::copy_n(columns.begin() + std::int64_t{j} * w.k, w.k, padded.begin() + std::int64_t{j} * w.k_stride);
  }
  return padded;
}

/// Operands of one weight and up to `rows` rows; row i's numbers depend on i alone.
class Operands {
 public:
  Operands(std::int32_t rows, std::int32_t k, std::int32_t n)
      : k_(k), n_(n), n_stride_(device_round_up(n, kDevicePadOut)), k_stride_(device_round_up(k, kDevicePad)) {
    Random random(static_cast<std::uint64_t>(k) * 1009 + static_cast<std::uint64_t>(n));
    w = bf16(random.reals(std::int64_t{n} * k));
    bias = random.reals(n_stride_);
    a = bf16(random.reals(std::int64_t{rows} * k));
  }
  DeviceMatrix matrix(const void* data) const { return {data, DeviceType::bf16, k_, n_, k_stride_, n_stride_}; }
  /// Rows first .. first + m of A with a stride of lda, then rows of NaN that nobody may let into a result.
  std::vector<std::uint16_t> padded_rows(std::int32_t first, std::int32_t m, std::int64_t lda) const {
    std::vector<std::uint16_t> padded(static_cast<std::size_t>((m + kPoisonRows) * lda), 0);
    for (std::int32_t i = 0; i < m; ++i) {
      std::copy_n(a.begin() + std::int64_t{first + i} * k_, k_, padded.begin() + i * lda);
    }
    std::fill(padded.begin() + m * lda, padded.end(), std::uint16_t{0xFFFF});
    return padded;
  }
  std::int32_t k_stride() const { return k_stride_; }
  std::int32_t n_stride() const { return n_stride_; }

  std::vector<std::uint16_t> a, w;  // [rows, k], [n, k]
  std::vector<float> bias;          // [n_stride]

 private:
  static constexpr std::int32_t kPoisonRows = 5;
  std::int32_t k_, n_, n_stride_, k_stride_;
};

/// Which of the two kernels multiplies m x n outputs on this device, and in which tiling; the tilings of one kernel are
/// numbered after the other's.
struct Tiling {
  bool hopper;
  std::int32_t index;

  std::int32_t number() const { return hopper ? cuda::kGemmBf16VariantCount + index : index; }
};

std::int32_t capability() {
  const DeviceInfo& info = device_context().info();
  return 10 * info.major + info.minor;
}

bool suits_hopper(std::int32_t m) { return cuda::gemm_hopper_suits(capability(), m); }

Tiling picked(std::int32_t m, std::int64_t columns, std::int32_t k_stride) {
  const std::int32_t multiprocessors = device_context().info().multiprocessors;
  const auto across = static_cast<std::int32_t>(columns);
  if (suits_hopper(m)) return {true, cuda::gemm_hopper_pick(multiprocessors, m, across, k_stride)};
  return {false, cuda::gemm_bf16_pick(capability(), multiprocessors, m, across, k_stride)};
}

std::string tiling_name(const Tiling& tiling) {
  const auto at = static_cast<std::size_t>(tiling.index);
  const std::int32_t rows = tiling.hopper ? cuda::kGemmHopperVariants[at].rows() : cuda::kGemmBf16Variants[at].rows;
  const std::int32_t columns =
      tiling.hopper ? cuda::kGemmHopperVariants[at].columns : cuda::kGemmBf16Variants[at].columns;
  return std::to_string(rows) + " x " + std::to_string(columns) + (tiling.hopper ? " of wgmma" : " of mma");
}

/// The tilings that some shape gets on this device, for sure: of mma all that fit, or where wgmma takes over those of
/// wgmma.
std::vector<Tiling> tilings() {
  const bool hopper = capability() == cuda::kGemmHopperCapability;
  std::vector<Tiling> all;
  const std::int32_t count = hopper ? cuda::kGemmHopperVariantCount : cuda::kGemmBf16VariantCount;
  for (std::int32_t i = 0; i < count; ++i) {
    if (hopper || cuda::gemm_bf16_fits(cuda::kGemmBf16Variants[i], capability())) all.push_back({hopper, i});
  }
  return all;
}

void check(const Case& c) {
  const std::string what = label(c);
  const Operands operands(c.m, c.k, c.n);
  const std::int64_t lda = operands.k_stride() + 8, ldo = device_round_up(c.n, 8) + c.ldo_past_n;
  const std::int64_t end = std::min<std::int64_t>(ldo, operands.n_stride());
  const auto size = static_cast<std::size_t>((c.m + 2) * ldo);  // two rows more, which stay as they are
  Random random(static_cast<std::uint64_t>(c.m));
  const std::vector<float> residual = random.reals(static_cast<std::int64_t>(size));

  const OnDevice<std::uint16_t> a(operands.padded_rows(0, c.m, lda));
  const OnDevice<std::uint16_t> w(padded_weight(operands.w, operands.matrix(nullptr)));
  const OnDevice<float> bias(operands.bias), before(residual);
  const OnDevice<float> out32(size);
  const OnDevice<std::uint16_t> out16(size);
  if (c.in_place) out32.set(residual);

  DeviceGemmArgs args{};
  args.a = a.data();
  args.lda = lda;
  args.m = c.m;
  args.w = operands.matrix(w.data());
  args.bias = c.bias ? bias.data() : nullptr;
  args.epilogue = static_cast<std::int32_t>(c.epilogue);
  args.residual = c.epilogue != Epilogue::residual ? nullptr : c.in_place ? out32.data() : before.data();
  args.out_type = c.out_type;
  args.out = c.out_type == DeviceType::f32 ? static_cast<void*>(out32.data()) : out16.data();
  args.ldo = ldo;
  EXPECT_RUNS(device_api().gemm(device(), &args));
  EXPECT_GUARDS_INTACT(out32, what);
  EXPECT_GUARDS_INTACT(out16, what);

  // One float per output; what was not written keeps the poison, or in place the residual.
  std::vector<float> got(size);
  std::vector<bool> untouched(size);
  if (c.out_type == DeviceType::f32) {
    got = out32.values();
    for (std::size_t i = 0; i < size; ++i) {
      const std::uint32_t was = c.in_place ? std::bit_cast<std::uint32_t>(residual[i]) : 0xFFFFFFFFu;
      untouched[i] = std::bit_cast<std::uint32_t>(got[i]) == was;
    }
  } else {
    const std::vector<std::uint16_t> values = out16.values();
    for (std::size_t i = 0; i < size; ++i) {
      got[i] = bf16_float(values[i]);
      untouched[i] = values[i] == 0xFFFF;
    }
  }
  bool outside = true, zero = true;
  for (std::int64_t i = 0; i < c.m + 2; ++i) {
    for (std::int64_t j = 0; j < ldo; ++j) {
      const auto at = static_cast<std::size_t>(i * ldo + j);
      if (i >= c.m || j >= end) {
        outside = outside && untouched[at];
      } else if (j >= c.n) {
        zero = zero && std::bit_cast<std::uint32_t>(got[at]) == 0;
      }
    }
  }
  if (!outside) fail(__FILE__, __LINE__, what + ": wrote past its rows or past the weight's columns");
  if (!zero) fail(__FILE__, __LINE__, what + ": the padding is not zero");

  std::vector<float> results;
  std::vector<double> want, tolerance;
  for (std::int32_t i = 0; i < c.m; ++i) {
    for (std::int32_t j = 0; j < c.n; ++j) {
      double sum = 0, magnitude = 0;
      for (std::int32_t p = 0; p < c.k; ++p) {
        const double term = double{bf16_float(operands.a[static_cast<std::size_t>(i * c.k + p)])} *
                            bf16_float(operands.w[static_cast<std::size_t>(j * c.k + p)]);
        sum += term;
        magnitude += std::fabs(term);
      }
      // A tensor core aligns the accumulator and the 16 exact products of a step to the largest of them and cuts the
      // rest off, so each of the 17, and then their sum, is wrong by less than 2 u of what no partial sum exceeds.
      double bound = (c.k + 15) / 16 * 18 * 2 * kUnit * magnitude;
      if (c.bias) {
        const double b = operands.bias[static_cast<std::size_t>(j)];
        sum += b;
        magnitude += std::fabs(b);
      }
      bound += kUnit * magnitude;
      if (c.epilogue == Epilogue::gelu) {
        // gelu's slope is at most 1.13. Its exponent z is rounded to 4 u of itself, exp2 is good to 4 u, the sum and
        // the product to u each and the reciprocal to 2 u, with a part of a u for each constant.
        const double twice_y = 2 * std::sqrt(2 / 3.141592653589793) * std::fabs(sum + 0.044715 * sum * sum * sum);
        sum = ref::gelu(sum);
        bound = 1.13 * bound + (9 + 5 * twice_y) * kUnit * std::fabs(sum) + 16 * kSmallestNormal;
      }
      if (c.epilogue == Epilogue::residual) {
        const double r = residual[static_cast<std::size_t>(i * ldo + j)];
        sum += r;
        bound += kUnit * (magnitude + std::fabs(r));
      }
      if (c.out_type == DeviceType::bf16) bound += 0x1p-8 * (std::fabs(sum) + bound);  // half a unit of 8 bits
      results.push_back(got[static_cast<std::size_t>(i * ldo + j)]);
      want.push_back(sum);
      tolerance.push_back(bound);
    }
  }
  EXPECT_CLOSE(what, results.data(), want.data(), tolerance.data(), static_cast<std::int64_t>(results.size()),
               "(k / 16) 18 2u sum|a w|, and the epilogue's roundings");
}

TEST(device_gemm_bf16_odd_shapes) {
  const std::int32_t depths[] = {1, 48, 64, 200};
  const Epilogue epilogues[] = {Epilogue::none, Epilogue::gelu, Epilogue::residual};
  std::int32_t turn = 0;
  for (const std::int32_t m : {1, 3, 16, 17, 33, 65, 129}) {
    for (const std::int32_t n : {1, 40, 130, 513}) {
      // Steps of 1 in the depths and the epilogues, which have no common factor, meet in every combination.
      Case c{m, depths[turn % 4], n, epilogues[turn % 3]};
      if (c.epilogue != Epilogue::residual && turn % 2 == 0) c.out_type = DeviceType::bf16;
      c.in_place = c.epilogue == Epilogue::residual && turn % 2 == 0;
      c.bias = turn % 5 != 0;
      check(c);
      ++turn;
    }
    ++turn;
  }
}

TEST(device_gemm_bf16_epilogues_and_output_types) {
  for (const bool bias : {false, true}) {
    for (const Epilogue epilogue : {Epilogue::none, Epilogue::gelu, Epilogue::residual}) {
      for (const std::int32_t m : {5, 34}) {
        check({m, 100, 70, epilogue, DeviceType::f32, bias});
        if (epilogue == Epilogue::residual) {
          check({m, 100, 70, epilogue, DeviceType::f32, bias, true});
        } else {
          check({m, 100, 70, epilogue, DeviceType::bf16, bias});
        }
      }
    }
  }
}

TEST(device_gemm_bf16_output_strides) {
  // Up to the weight's padding and past it, where nothing is written; 130 columns are padded to 256.
  for (const std::int32_t past_n : {0, 8, 56, 120, 128}) {
    check({18, 64, 130, Epilogue::none, DeviceType::f32, true, false, past_n});
    check({18, 64, 130, Epilogue::gelu, DeviceType::bf16, true, false, past_n});
  }
}

/// The smallest product that gets each tiling on this device.
TEST(device_gemm_bf16_every_tiling) {
  const DeviceInfo& info = device_context().info();
  std::map<std::int32_t, Case> smallest;
  for (const std::int32_t k : {64, 384}) {
    for (const std::int32_t n : {40, 72, 130, 250, 378, 762, 1530, 2300, 3066, 6000, 50257}) {
      for (std::int32_t m = 1; m <= 2048; m += m < 160 ? 15 : 79) {
        const Case c{m, k, n, Epilogue::residual, DeviceType::f32, true, true};
        const Tiling pick = picked(m, device_round_up(n, 8) + c.ldo_past_n, device_round_up(k, kDevicePad));
        const auto [found, is_new] = smallest.emplace(pick.number(), c);
        const auto work = [](const Case& x) { return std::int64_t{x.m} * x.n * x.k; };
        if (!is_new && work(c) < work(found->second)) found->second = c;
      }
    }
  }
  for (const auto& [number, c] : smallest) {
    check(c);
    Case converted = c;
    converted.epilogue = Epilogue::gelu;
    converted.in_place = false;
    converted.out_type = DeviceType::bf16;
    check(converted);
  }
  for (const Tiling& tiling : tilings()) {
    if (smallest.contains(tiling.number())) continue;
    if (emulated()) {
      fail(__FILE__, __LINE__, "no shape of this test gets the tiling " + tiling_name(tiling));
    } else {
      note("not tested on " + std::string(info.name) + ": the tiling " + tiling_name(tiling));
    }
  }
}

/// `rows` rows from `first` on, in one call.
std::vector<float> product(const Operands& operands, const OnDevice<std::uint16_t>& w, const OnDevice<float>& bias,
                           std::int32_t first, std::int32_t rows, Epilogue epilogue = Epilogue::gelu) {
  const std::int64_t lda = operands.k_stride();
  const OnDevice<std::uint16_t> a(operands.padded_rows(first, rows, lda));
  const OnDevice<float> out(static_cast<std::size_t>(rows) * operands.n_stride());
  DeviceGemmArgs args{};
  args.a = a.data();
  args.lda = lda;
  args.m = rows;
  args.w = operands.matrix(w.data());
  args.bias = bias.data();
  args.epilogue = static_cast<std::int32_t>(epilogue);
  args.out_type = DeviceType::f32;
  args.out = out.data();
  args.ldo = operands.n_stride();
  EXPECT_RUNS(device_api().gemm(device(), &args));
  return out.values();
}

TEST(device_gemm_bf16_rows_do_not_depend_on_the_batch) {
  constexpr std::int32_t kRows = 300;
  const Operands operands(kRows, 200, 250);
  const OnDevice<std::uint16_t> w(padded_weight(operands.w, operands.matrix(nullptr)));
  const OnDevice<float> bias(operands.bias);
  const std::int64_t stride = operands.n_stride();
  const std::vector<float> all = product(operands, w, bias, 0, kRows);
  std::vector<std::int32_t> numbers{picked(kRows, stride, operands.k_stride()).number()};
  for (const std::int32_t m : {1, 5, 24, 40, 70, 150}) {
    numbers.push_back(picked(m, stride, operands.k_stride()).number());
    // From row 0, and so that each row stands elsewhere in its tile.
    for (const std::int32_t first : {0, 149}) {
      const std::vector<float> some = product(operands, w, bias, first, m);
      EXPECT_SAME_BITS("rows " + std::to_string(first) + " .. of " + std::to_string(m), some.data(),
                       all.data() + first * stride, m * stride);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  const auto distinct = std::unique(numbers.begin(), numbers.end()) - numbers.begin();
  if (distinct < 3) note("all these batches get " + std::to_string(distinct) + " tilings on this device");
  if (emulated()) EXPECT(distinct >= 3);
}

/// What gemm_hopper_suits relies on: mma.m16n8k16 and wgmma round alike. The longest chain of the models, and numbers
/// of many magnitudes, so that sums cancel and what falls off the end of an alignment differs from step to step.
TEST(device_gemm_bf16_rows_do_not_depend_on_the_instruction) {
  if (capability() != cuda::kGemmHopperCapability) return;
  constexpr std::int32_t kColumns = 40;
  constexpr std::int32_t rows = 70, kAlone = 5;
  EXPECT(suits_hopper(rows) && !suits_hopper(kAlone));
  for (const std::int32_t k : {192, 768, 3072, 4096}) {
    Operands operands(rows, k, kColumns);
    Random random(static_cast<std::uint64_t>(k));
    for (std::vector<std::uint16_t>* const numbers : {&operands.a, &operands.w}) {
      for (std::uint16_t& number : *numbers) {
        number = bf16(bf16_float(number) * std::ldexp(1.0f, static_cast<int>(random.below(24)) - 12));
      }
    }
    const OnDevice<std::uint16_t> w(padded_weight(operands.w, operands.matrix(nullptr)));
    const OnDevice<float> bias(operands.bias);
    const std::int64_t stride = operands.n_stride();
    const std::vector<float> all = product(operands, w, bias, 0, rows, Epilogue::none);
    for (const std::int32_t first : {0, rows / 2, rows - kAlone}) {
      const std::vector<float> alone = product(operands, w, bias, first, kAlone, Epilogue::none);
      EXPECT_SAME_BITS("k " + std::to_string(k) + ", rows from " + std::to_string(first) + " on by mma and by wgmma",
                       alone.data(), all.data() + first * stride, kAlone * stride);
    }
  }
}

TEST(device_gemm_bf16_without_rows) {
  const Operands operands(1, 64, 40);
  const OnDevice<std::uint16_t> w(padded_weight(operands.w, operands.matrix(nullptr)));
  DeviceGemmArgs args{};
  args.w = operands.matrix(w.data());
  args.lda = args.ldo = 64;
  EXPECT_RUNS(device_api().gemm(device(), &args));
}

}  // namespace
}  // namespace faultline::check
