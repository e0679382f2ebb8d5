// The device operations that promise the CPU's bits (embed, layer norm, gemm and attend in float32) against the scalar
// kernels, and their two forms for bfloat16 (embed from bfloat16 weights, layer norm to bfloat16). Padding that no
// operation may read is NaN, and so is everything that none may write.
#include <algorithm>
#include <memory>

#include "tests/native/device_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;

const OpTable& cpu() { return runnable_tables().front().ops; }

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
/// What OnDevice leaves where nothing was written.
const float kPoison = std::bit_cast<float>(0xFFFFFFFFu);

std::size_t size(std::int64_t count) { return static_cast<std::size_t>(count); }

/// Scatters subnormals of both signs, zeros of both signs and numbers whose products are subnormal over `values`.
void add_small_numbers(Random& random, std::vector<float>& values) {
  const float small[] = {1e-39f, -1e-39f, 0.0f, -0.0f, 0x1p-126f, -0x1p-126f, 3e-20f, -3e-20f, 1e-30f};
  for (std::size_t i = 0; i < values.size(); i += 1 + size(random.below(4)))
    values[i] = small[random.below(std::int64_t{std::size(small)})];
}

/// A row-major [k, n] matrix in the layout of a DeviceMatrix.
struct DeviceWeights {
  std::vector<float> host;
  DeviceMatrix shape;

  DeviceWeights(const std::vector<float>& w, std::int32_t k, std::int32_t n)
      : shape{nullptr, DeviceType::f32, k, n, device_round_up(k, kDevicePad), device_round_up(n, kDevicePadOut)} {
    host.assign(size(std::int64_t{shape.n_stride} * shape.k_stride), 0.0f);
    for (std::int64_t i = 0; i < k; ++i) {
      for (std::int64_t j = 0; j < n; ++j) host[size(j * shape.k_stride + i)] = w[size(i * n + j)];
    }
  }
};

// ---- embed

struct EmbedCase {
  std::int32_t width, vocabulary, count;
  DeviceType type;
};

void check_embed(const EmbedCase& c) {
  const base::FpEnv mode;
  Random random(size(c.width * 100 + c.count));
  const std::int32_t context = 9;
  const std::int64_t stride = device_round_up(c.width, kDevicePad) + (c.count % 2 == 0 ? kDevicePad : 0);
  std::vector<float> wte = random.reals(std::int64_t{c.width} * c.vocabulary);
  std::vector<float> wpe = random.reals(std::int64_t{context} * c.width);
  add_small_numbers(random, wte);
  add_small_numbers(random, wpe);
  DeviceWeights weights(wte, c.width, c.vocabulary);
  const std::vector<std::uint16_t> rounded = bf16(weights.host);
  if (c.type == DeviceType::bf16) {
    for (std::size_t i = 0; i < rounded.size(); ++i) weights.host[i] = bf16_float(rounded[i]);
  }

  std::vector<DeviceRow> rows;
  std::vector<float> want;
  for (std::int32_t r = 0; r < c.count; ++r) {
    DeviceRow row{};
    row.live = r % 5 == 3 ? 0 : 1;
    // The first and last token and position, and others between; those of a dead row are not looked at.
    row.token = row.live == 0 ? -1 : r * (c.vocabulary - 1) / std::max(1, c.count - 1);
    row.position = row.live == 0 ? -1 : r * (context - 1) / std::max(1, c.count - 1);
    rows.push_back(row);
    std::vector<float> sum(size(stride), 0.0f);
    if (row.live != 0)
      cpu().add(weights.host.data() + std::int64_t{row.token} * weights.shape.k_stride,
                wpe.data() + std::int64_t{row.position} * c.width, sum.data(), c.width);
    want.insert(want.end(), sum.begin(), sum.end());
  }

  const OnDevice<DeviceRow> device_rows(rows);
  const OnDevice<float> device_wte(weights.host), device_wpe(wpe), residual(size(c.count * stride));
  const OnDevice<std::uint16_t> device_rounded(rounded);
  weights.shape.type = c.type;
  weights.shape.data = c.type == DeviceType::f32 ? static_cast<const void*>(device_wte.data()) : device_rounded.data();
  const DeviceEmbedArgs args{device_rows.data(), c.count, weights.shape, device_wpe.data(), c.width,
                             residual.data(),    stride};
  EXPECT_RUNS(device_api().embed(device(), &args));
  const std::string what = "embed width=" + std::to_string(c.width) + " count=" + std::to_string(c.count) +
                           (c.type == DeviceType::bf16 ? " bf16" : " f32");
  EXPECT_SAME_BITS(what, residual.values().data(), want.data(), c.count * stride);
  EXPECT_GUARDS_INTACT(residual, what);
}

TEST(device_embed_has_the_bits_of_one_addition) {
  for (const DeviceType type : {DeviceType::f32, DeviceType::bf16}) {
    for (const std::int32_t width : {1, 3, 4, 62, 64, 65, 132, 768}) check_embed({width, 37, 6, type});
    check_embed({48, 1, 1, type});
    check_embed({20, 129, 35, type});
  }
}

// ---- layer norm

enum class Values { ordinary, far_from_zero, small, constant };

std::vector<float> layernorm_input(Random& random, std::int32_t rows, std::int32_t width, Values values) {
  std::vector<float> x = random.reals(std::int64_t{rows} * width, 3);
  switch (values) {
    case Values::ordinary:
      break;
    case Values::far_from_zero:
      for (float& value : x) value += 1000;
      break;
    case Values::small:
      add_small_numbers(random, x);
      break;
    case Values::constant:
      std::fill(x.begin(), x.end(), 0.7f);
      break;
  }
  return x;
}

/// The rows of x apart by `stride`, NaN between them.
std::vector<float> spread(const std::vector<float>& x, std::int32_t rows, std::int32_t width, std::int64_t stride,
                          float between = kNan) {
  std::vector<float> wide(size(rows * stride), between);
  for (std::int64_t r = 0; r < rows; ++r) std::copy_n(x.data() + r * width, width, wide.data() + r * stride);
  return wide;
}

void check_layernorm_exact(std::int32_t rows, std::int32_t width, Values values, bool with_scale) {
  const base::FpEnv mode;
  Random random(size(rows * 10000 + width));
  const std::int64_t x_stride = device_round_up(width, kDevicePad) + kDevicePad;
  const std::int64_t out_stride = device_round_up(width, kDevicePad) + (rows % 3 == 0 ? kDevicePad : 0);
  const std::vector<float> x = layernorm_input(random, rows, width, values);
  const std::vector<float> gamma = random.reals(width, 2), beta = random.reals(width);
  std::vector<float> normal(x.size()), scale(size(rows));
  cpu().layernorm({x.data(), rows, width, gamma.data(), beta.data(), 1e-5f, normal.data(), scale.data()});

  const OnDevice<float> device_x(spread(x, rows, width, x_stride)), device_gamma(gamma), device_beta(beta);
  const OnDevice<float> out(size(rows * out_stride)), device_scale(size(rows));
  const DeviceLayerNormArgs args{device_x.data(),
                                 x_stride,
                                 rows,
                                 width,
                                 device_gamma.data(),
                                 device_beta.data(),
                                 1e-5f,
                                 DeviceType::f32,
                                 out.data(),
                                 out_stride,
                                 with_scale ? device_scale.data() : nullptr};
  EXPECT_RUNS(device_api().layernorm(device(), &args));
  const std::string what = "layernorm rows=" + std::to_string(rows) + " width=" + std::to_string(width) +
                           " values=" + std::to_string(static_cast<int>(values));
  const std::vector<float> want = spread(normal, rows, width, out_stride, 0.0f);
  EXPECT_SAME_BITS(what, out.values().data(), want.data(), rows * out_stride);
  EXPECT_GUARDS_INTACT(out, what);
  if (with_scale) EXPECT_SAME_BITS(what + " scale", device_scale.values().data(), scale.data(), rows);
  EXPECT_GUARDS_INTACT(device_scale, what);
}

TEST(device_layernorm_float_is_exact_at_every_width_tail) {
  for (const std::int32_t width : {1, 2, 7, 15, 16, 17, 31, 33, 63, 64, 65, 100, 767, 768, 1600})
    check_layernorm_exact(3, width, Values::ordinary, width % 2 == 0);
}
TEST(device_layernorm_float_is_exact_for_every_number_of_rows) {
  for (std::int32_t rows = 1; rows <= 70; rows += rows < 20 ? 1 : 7)
    check_layernorm_exact(rows, 21, Values::ordinary, true);
}
TEST(device_layernorm_float_is_exact_for_unusual_values) {
  for (const Values values : {Values::far_from_zero, Values::small, Values::constant})
    for (const std::int32_t width : {16, 50, 77}) check_layernorm_exact(4, width, values, true);
}

/// gamma and beta start `shift` floats past any alignment that 16-byte loads need.
std::vector<std::uint16_t> device_layernorm_bf16(const std::vector<float>& x, std::int32_t rows, std::int32_t width,
                                                 std::int64_t stride, std::vector<float> gamma, std::vector<float> beta,
                                                 std::int32_t shift, std::vector<float>* scale) {
  gamma.insert(gamma.begin(), size(shift), kNan);
  beta.insert(beta.begin(), size(shift), kNan);
  const OnDevice<float> device_x(spread(x, rows, width, stride)), device_gamma(gamma), device_beta(beta);
  const OnDevice<float> device_scale(size(rows));
  const OnDevice<std::uint16_t> out(size(rows * stride));
  const DeviceLayerNormArgs args{device_x.data(),
                                 stride,
                                 rows,
                                 width,
                                 device_gamma.data() + shift,
                                 device_beta.data() + shift,
                                 1e-5f,
                                 DeviceType::bf16,
                                 out.data(),
                                 stride,
                                 scale != nullptr ? device_scale.data() : nullptr};
  EXPECT_RUNS(device_api().layernorm(device(), &args));
  const std::string what = "layernorm to bf16 rows=" + std::to_string(rows) + " width=" + std::to_string(width);
  EXPECT_GUARDS_INTACT(out, what);
  EXPECT_GUARDS_INTACT(device_scale, what);
  if (scale != nullptr) *scale = device_scale.values();
  return out.values();
}

void check_layernorm_bf16(std::int32_t rows, std::int32_t width, Values values) {
  Random random(size(rows * 10000 + width + 1));
  const std::int64_t stride = device_round_up(width, kDevicePad) + (rows % 2 == 0 ? kDevicePad : 0);
  const std::vector<float> x = layernorm_input(random, rows, width, values);
  const std::vector<float> gamma = random.reals(width, 2), beta = random.reals(width);
  std::vector<float> scale;
  const std::vector<std::uint16_t> got = device_layernorm_bf16(x, rows, width, stride, gamma, beta, 0, &scale);
  const std::string what = "layernorm to bf16 rows=" + std::to_string(rows) + " width=" + std::to_string(width) +
                           " values=" + std::to_string(static_cast<int>(values));

  std::vector<float> numbers, padding;
  std::vector<double> want, tolerance, want_scale, scale_tolerance;
  for (std::int64_t r = 0; r < rows; ++r) {
    double sum = 0, magnitude = 0, squares = 0;
    for (std::int64_t i = 0; i < width; ++i) {
      sum += x[size(r * width + i)];
      magnitude += std::fabs(x[size(r * width + i)]);
    }
    const double mean = sum / width;
    for (std::int64_t i = 0; i < width; ++i)
      squares += (x[size(r * width + i)] - mean) * (x[size(r * width + i)] - mean);
    const double true_scale = std::sqrt(squares / width + double{1e-5f});
    // A lane adds its width / 128 groups of four one after another and five shuffles follow; squares are chained one by
    // one. The mean is off by that many u of the mean magnitude; scale by half of the sum's relative error, a few
    // roundings, and what the mean's error does: it shifts every centred value, which adds its square to the variance.
    const double steps = width / 128.0 + 1;
    const double mean_error = (steps + 2 + 5 + 3) * kUnit * magnitude / width;
    const double relative = ((4 * steps + 5 + 8) / 2) * kUnit + mean_error * mean_error / (true_scale * true_scale);
    want_scale.push_back(true_scale);
    scale_tolerance.push_back(relative * true_scale);
    for (std::int64_t i = 0; i < stride; ++i) {
      const float value = bf16_float(got[size(r * stride + i)]);
      if (i >= width) {
        padding.push_back(value);
        continue;
      }
      const double g = gamma[size(i)], b = beta[size(i)];
      const double centred = x[size(r * width + i)] - mean, y = centred / true_scale * g + b;
      const double before = std::fabs(g) / true_scale * (mean_error + std::fabs(centred) * (relative + 4 * kUnit)) +
                            2 * kUnit * std::fabs(y);
      numbers.push_back(value);
      want.push_back(y);
      tolerance.push_back(before + 0x1p-8 * (std::fabs(y) + before));
    }
  }
  EXPECT_CLOSE(what, numbers.data(), want.data(), tolerance.data(), static_cast<std::int64_t>(numbers.size()),
               "2^-8 |y| + float's sums");
  EXPECT_CLOSE(what + " scale", scale.data(), want_scale.data(), scale_tolerance.data(), rows, "(2 steps + 7) u");
  const std::vector<float> zeros(padding.size(), 0.0f);
  EXPECT_SAME_BITS(what + " padding", padding.data(), zeros.data(), static_cast<std::int64_t>(padding.size()));
}

TEST(device_layernorm_bf16_is_close_at_every_width_tail) {
  for (const std::int32_t width :
       {1, 2, 3, 5, 63, 64, 66, 127, 128, 132, 768, 1023, 1024, 1025, 1600, 2048, 2050, 4096})
    check_layernorm_bf16(3, width, Values::ordinary);
}
TEST(device_layernorm_bf16_is_close_for_unusual_values) {
  for (const Values values : {Values::far_from_zero, Values::small, Values::constant})
    for (const std::int32_t width : {48, 77}) check_layernorm_bf16(2, width, values);
}

/// A row's bits depend neither on its neighbours nor on how its operands can be loaded.
TEST(device_layernorm_bf16_rows_are_independent) {
  for (const std::int32_t width : {40, 260, 1100}) {
    Random random(size(width));
    const std::int32_t rows = 6;
    const std::int64_t stride = device_round_up(width, kDevicePad);
    const std::vector<float> x = random.reals(std::int64_t{rows} * width, 3);
    const std::vector<float> gamma = random.reals(width, 2), beta = random.reals(width);
    const auto together = device_layernorm_bf16(x, rows, width, stride, gamma, beta, 0, nullptr);
    EXPECT(together == device_layernorm_bf16(x, rows, width, stride, gamma, beta, 1, nullptr));
    for (const std::int64_t r : {0, 3, 5}) {
      const std::vector<float> row(x.begin() + r * width, x.begin() + (r + 1) * width);
      const auto alone = device_layernorm_bf16(row, 1, width, stride, gamma, beta, 0, nullptr);
      EXPECT(std::equal(alone.begin(), alone.end(), together.begin() + r * stride));
    }
  }
}

TEST(device_layernorm_bf16_refuses_rows_that_no_variant_holds) {
  const OnDevice<float> x(1);
  const DeviceLayerNormArgs args{x.data(),         4160,     1,    4097,   x.data(), x.data(), 1e-5f,
                                 DeviceType::bf16, x.data(), 4160, nullptr};
  EXPECT(device_api().layernorm(device(), &args) != DeviceStatus::ok);
}

// ---- gemm

struct GemmCase {
  std::int32_t m, k, n;
  Epilogue epilogue = Epilogue::none;
  bool bias = false;
  bool in_place = false;           // residual is out
  std::int32_t extra_columns = 0;  // of ldo, past n rounded up to 8
  bool small_numbers = false;
  float size = 1;  // of a's elements
};

void check_gemm(const GemmCase& c) {
  const base::FpEnv mode;
  Random random(size(c.m * 1000003LL + c.k * 1009LL + c.n));
  const std::int32_t panels = panel_count(c.n);
  std::vector<float> a = random.reals(std::int64_t{c.m} * c.k, c.size), w = random.reals(std::int64_t{c.k} * c.n);
  if (c.small_numbers) {
    add_small_numbers(random, a);
    add_small_numbers(random, w);
  }
  DeviceWeights weights(w, c.k, c.n);
  const std::int64_t lda = weights.shape.k_stride + 8, ldo = device_round_up(c.n, 8) + c.extra_columns;
  std::vector<float> bias = random.reals(weights.shape.n_stride), residual = random.reals(c.m * ldo);
  if (c.small_numbers) {
    add_small_numbers(random, bias);
    add_small_numbers(random, residual);
  }
  const PackedWeights packed = pack_floats(w, c.k, c.n, WeightType::f32);
  std::vector<float> product(size(std::int64_t{c.m} * c.n));
  cpu().gemm({a.data(), c.k, c.m, packed.matrix(), c.bias ? bias.data() : nullptr, c.epilogue, residual.data(), ldo,
              product.data(), c.n, 0, panels});

  // Two rows more than the product has: they must stay as they are.
  const std::int64_t written = std::min<std::int64_t>(ldo, weights.shape.n_stride);
  std::vector<float> before(size((c.m + 2) * ldo), kPoison);
  if (c.in_place) std::copy(residual.begin(), residual.end(), before.begin());
  std::vector<float> want = before;
  for (std::int64_t r = 0; r < c.m; ++r) {
    std::fill_n(want.data() + r * ldo, written, 0.0f);
    std::copy_n(product.data() + r * c.n, c.n, want.data() + r * ldo);
  }

  const OnDevice<float> device_a(spread(a, c.m, c.k, lda, 0.0f)), device_w(weights.host), device_bias(bias);
  const OnDevice<float> device_residual(residual), out(before);
  weights.shape.data = device_w.data();
  const DeviceGemmArgs args{device_a.data(),
                            lda,
                            c.m,
                            weights.shape,
                            c.bias ? device_bias.data() : nullptr,
                            static_cast<std::int32_t>(c.epilogue),
                            c.in_place ? out.data() : device_residual.data(),
                            DeviceType::f32,
                            out.data(),
                            ldo};
  EXPECT_RUNS(device_api().gemm(device(), &args));
  const std::string what = "gemm m=" + std::to_string(c.m) + " k=" + std::to_string(c.k) + " n=" + std::to_string(c.n) +
                           " epilogue=" + std::to_string(static_cast<int>(c.epilogue)) + (c.bias ? " bias" : "") +
                           (c.in_place ? " in place" : "") + (c.small_numbers ? " small numbers" : "");
  EXPECT_SAME_BITS(what, out.values().data(), want.data(), static_cast<std::int64_t>(want.size()));
  EXPECT_GUARDS_INTACT(out, what);
}

TEST(device_gemm_float_is_exact_for_every_number_of_rows) {
  for (std::int32_t m = 1; m <= 70; ++m) check_gemm({.m = m, .k = 19, .n = 37});
}
TEST(device_gemm_float_is_exact_for_every_column_tail) {
  for (std::int32_t n = 1; n <= 70; n += n < 20 ? 1 : 5) check_gemm({.m = 3, .k = 11, .n = n, .bias = true});
  for (const std::int32_t n : {1, 63, 65, 129}) check_gemm({.m = 18, .k = 11, .n = n, .bias = true});
}
TEST(device_gemm_float_is_exact_at_every_depth) {
  for (const std::int32_t m : {5, 20}) {
    for (const std::int32_t k : {1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 130, 768})
      check_gemm({.m = m, .k = k, .n = 9});
  }
}
TEST(device_gemm_float_has_all_epilogues) {
  for (const std::int32_t m : {7, 30}) {
    for (const Epilogue epilogue : {Epilogue::none, Epilogue::gelu, Epilogue::residual}) {
      for (const bool bias : {false, true}) check_gemm({.m = m, .k = 40, .n = 50, .epilogue = epilogue, .bias = bias});
    }
    check_gemm({.m = m, .k = 40, .n = 50, .epilogue = Epilogue::residual, .bias = true, .in_place = true});
    // Both tails of gelu, far past where its exponential saturates.
    check_gemm({.m = m, .k = 5, .n = 50, .epilogue = Epilogue::gelu, .size = 30});
  }
}
/// Strides that end inside the padding of n, at its end, and past it, where nothing is written.
TEST(device_gemm_float_writes_zeros_to_the_padding_alone) {
  for (const std::int32_t m : {2, 17}) {
    for (const std::int32_t extra : {0, 24, 72, 80, 200})
      check_gemm({.m = m, .k = 8, .n = 50, .epilogue = Epilogue::gelu, .bias = true, .extra_columns = extra});
  }
}
TEST(device_gemm_float_flushes_subnormals_as_the_cpu) {
  for (const std::int32_t m : {6, 22}) {
    for (const Epilogue epilogue : {Epilogue::none, Epilogue::gelu, Epilogue::residual})
      check_gemm({.m = m, .k = 37, .n = 33, .epilogue = epilogue, .bias = true, .small_numbers = true});
    check_gemm({.m = m, .k = 1, .n = 60, .small_numbers = true});
  }
}

/// The border of flushing: products that only rounding lifts to 2^-126, and products that are just below it. x86
/// decides after rounding to 24 bits.
TEST(device_gemm_float_flushes_after_rounding) {
  const base::FpEnv mode;
  const std::vector<float> a = {1 - 0x1p-23f, 1 - 0x1p-24f, 1 - 0x1p-23f, 0x1p-63f * (1 - 0x1p-24f)};
  const std::vector<float> w = {0x1p-126f * (1 + 0x1p-23f), 0x1p-126f, -0x1p-126f * (1 + 0x1p-23f), 0x1p-63f};
  const std::int32_t n = static_cast<std::int32_t>(w.size()), m = static_cast<std::int32_t>(a.size());
  const PackedWeights packed = pack_floats(w, 1, n, WeightType::f32);
  std::vector<float> want(size(m * n));
  cpu().gemm({a.data(), 1, m, packed.matrix(), nullptr, Epilogue::none, nullptr, 0, want.data(), n, 0, 1});
  DeviceWeights weights(w, 1, n);
  const OnDevice<float> device_a(spread(a, m, 1, kDevicePad, 0.0f)), device_w(weights.host), out(size(m * 8));
  weights.shape.data = device_w.data();
  const DeviceGemmArgs args{device_a.data(), kDevicePad, m, weights.shape, nullptr, 0, nullptr,
                            DeviceType::f32, out.data(), 8};
  EXPECT_RUNS(device_api().gemm(device(), &args));
  const std::vector<float> wide = spread(want, m, n, 8, 0.0f);
  EXPECT_SAME_BITS("products at the border of flushing", out.values().data(), wide.data(), m * 8);
}

// ---- attend

constexpr std::int32_t kLayers = 2, kLayer = 1;

struct KvModel {
  std::int32_t heads, head_width;
  std::int32_t dim() const { return device_dim(head_width); }
  std::int32_t width() const { return heads * head_width; }
};

/// What a segment on the device must hold, element by element; poison where nothing was stored.
struct Segment {
  KvModel model;
  std::int32_t capacity;
  std::vector<float> expected;
  OnDevice<float> memory;

  Segment(const KvModel& kv, std::int32_t keys)
      : model(kv),
        capacity(device_round_up(keys, 16)),
        expected(size(std::int64_t{kLayers} * kv.heads * 2 * capacity * kv.dim()), kPoison),
        memory(expected) {}

  /// Element 0 of a key (part 0) or value (part 1) of kLayer.
  float* at(std::int32_t head, std::int32_t part, std::int32_t key) {
    const std::int64_t run = (std::int64_t{kLayer} * model.heads + head) * 2 + part;
    return expected.data() + (run * capacity + key) * model.dim();
  }
  void store(std::int32_t key, const float* keys, const float* values) {
    for (std::int32_t head = 0; head < model.heads; ++head) {
      for (std::int32_t part = 0; part < 2; ++part) {
        std::fill_n(at(head, part, key), model.dim(), 0.0f);
        std::copy_n((part == 0 ? keys : values) + head * model.head_width, model.head_width, at(head, part, key));
      }
    }
  }
  void fill(Random& random, std::int32_t keys) {
    for (std::int32_t key = 0; key < keys; ++key) {
      const std::vector<float> k = random.reals(model.width()), v = random.reals(model.width());
      store(key, k.data(), v.data());
    }
    memory.set(expected);
  }
  void expect_as_stored(const std::string& what) const {
    EXPECT_SAME_BITS(what + " keys and values", memory.values().data(), expected.data(),
                     static_cast<std::int64_t>(expected.size()));
    EXPECT_GUARDS_INTACT(memory, what);
  }
};

/// A row of an attend call, by host.
struct HostRow {
  Segment* prefix;
  std::int32_t prefix_visible;
  Segment* write_to;
  std::int32_t write_at, suffix_visible;
  bool live = true;
};

/// The CPU's state of one row and head after the first `visible` keys of a segment.
void fold_on_cpu(Segment& segment, std::int32_t head, std::int32_t visible, const float* q, float scale, float* m,
                 float* l, std::vector<float>& acc) {
  const std::int32_t dim = segment.model.head_width;
  std::vector<float> k(size(std::int64_t{device_round_up(visible, kLanes)} * dim), kNan), v;
  for (std::int32_t key = 0; key < visible; ++key) {
    const float* const from = segment.at(head, 0, key);
    for (std::int32_t c = 0; c < dim; ++c) k[size((key / kLanes * dim + c) * kLanes + key % kLanes)] = from[c];
    v.insert(v.end(), segment.at(head, 1, key), segment.at(head, 1, key) + dim);
  }
  cpu().attend({q, dim, 1, dim, scale, k.data(), v.data(), dim, &visible, m, l, acc.data(), dim});
}

/// Runs one call for `rows` and compares z and every segment with the CPU's. Returns z.
std::vector<float> check_attend(const std::string& what, const KvModel& model, const std::vector<HostRow>& rows,
                                const std::vector<float>& qkv, std::int64_t qkv_stride, bool prompt) {
  const base::FpEnv mode;
  const std::int32_t count = static_cast<std::int32_t>(rows.size()), width = model.width();
  const std::int64_t z_stride = device_round_up(width, kDevicePad) + kDevicePad;
  const float scale = 0.37f;
  std::vector<DeviceRow> device_rows;
  std::vector<DeviceTile> tiles;
  for (std::int32_t r = 0; r < count; ++r) {
    const HostRow& row = rows[size(r)];
    DeviceRow to{};
    to.live = row.live ? 1 : 0;
    if (row.live) {
      to.prefix = row.prefix != nullptr ? row.prefix->memory.data() : nullptr;
      to.prefix_capacity = row.prefix != nullptr ? row.prefix->capacity : 0;
      to.prefix_visible = row.prefix_visible;
      to.write_to = row.write_to->memory.data();
      to.write_capacity = row.write_to->capacity;
      to.write_at = row.write_at;
      to.suffix_visible = row.suffix_visible;
      const float* const key = qkv.data() + r * qkv_stride + width;
      row.write_to->store(row.write_at, key, key + width);
    } else {
      to.prefix_visible = to.suffix_visible = 1;  // of no segment: a dead row's fields are not looked at
    }
    device_rows.push_back(to);
    const bool joins = !tiles.empty() && tiles.back().count < kDeviceTileRows && rows[size(r - 1)].prefix == row.prefix;
    if (!joins) tiles.push_back({r, 0});
    ++tiles.back().count;
  }
  std::vector<float> want(size(count * z_stride), 0.0f);
  for (std::int32_t r = 0; r < count; ++r) {
    const HostRow& row = rows[size(r)];
    for (std::int32_t head = 0; head < model.heads && row.live; ++head) {
      const float* const q = qkv.data() + r * qkv_stride + head * model.head_width;
      float m = -std::numeric_limits<float>::infinity(), l = 0;
      std::vector<float> acc(size(model.head_width), 0.0f);
      if (row.prefix_visible > 0) fold_on_cpu(*row.prefix, head, row.prefix_visible, q, scale, &m, &l, acc);
      if (row.suffix_visible > 0) fold_on_cpu(*row.write_to, head, row.suffix_visible, q, scale, &m, &l, acc);
      cpu().attention_end(acc.data(), model.head_width, &l, 1, model.head_width);
      std::copy(acc.begin(), acc.end(), want.begin() + r * z_stride + head * model.head_width);
    }
  }

  const OnDevice<DeviceRow> rows_there(device_rows);
  const OnDevice<DeviceTile> tiles_there(tiles);
  const OnDevice<float> qkv_there(qkv), z(size(count * z_stride));
  DeviceAttendArgs args{};
  args.rows = rows_there.data();
  args.count = count;
  args.tiles = tiles_there.data();
  args.tile_count = static_cast<std::int32_t>(tiles.size());
  args.splits = 2;
  args.shape = {kLayers, model.heads, model.head_width, DeviceType::f32};
  args.layer = kLayer;
  args.scale = scale;
  args.qkv = qkv_there.data();
  args.qkv_stride = qkv_stride;
  args.z = z.data();
  args.z_stride = z_stride;
  args.prompt = prompt;
  EXPECT_RUNS(device_api().attend(device(), &args));
  EXPECT_SAME_BITS(what, z.values().data(), want.data(), count * z_stride);
  EXPECT_GUARDS_INTACT(z, what);
  for (const HostRow& row : rows) {
    if (row.prefix != nullptr) row.prefix->expect_as_stored(what + " prefix");
    if (row.write_to != nullptr) row.write_to->expect_as_stored(what + " suffix");
  }
  return z.values();
}

/// Queries, keys and values of `count` rows; NaN past them.
std::vector<float> random_qkv(Random& random, const KvModel& model, std::int32_t count, std::int64_t stride) {
  return spread(random.reals(std::int64_t{count} * 3 * model.width(), 2), count, 3 * model.width(), stride);
}
std::int64_t qkv_stride_of(const KvModel& model) { return device_round_up(3 * model.width(), kDevicePad); }

/// One row after a prefix of `prefix` keys and `earlier` keys of its own.
void check_one_row(const KvModel& model, std::int32_t prefix, std::int32_t earlier) {
  Random random(size(model.head_width * 100000 + prefix * 300 + earlier));
  Segment shared(model, std::max(prefix, 1)), own(model, earlier + 1);
  shared.fill(random, prefix);
  own.fill(random, earlier);
  const std::string what = "attend heads=" + std::to_string(model.heads) +
                           " width=" + std::to_string(model.head_width) + " prefix=" + std::to_string(prefix) +
                           " earlier=" + std::to_string(earlier);
  check_attend(what, model, {{prefix > 0 ? &shared : nullptr, prefix, &own, earlier, earlier + 1}},
               random_qkv(random, model, 1, qkv_stride_of(model)), qkv_stride_of(model), false);
}

TEST(device_attend_float_is_exact_for_every_head_width) {
  for (const std::int32_t head_width : {1, 2, 3, 7, 12, 16, 17, 31, 32, 33, 63, 64, 65, 80, 127, 128})
    check_one_row({2, head_width}, 67, 4);
}
TEST(device_attend_float_is_exact_around_blocks_and_chunks) {
  for (const std::int32_t keys : {0, 1, 2, 15, 16, 17, 33, 63, 64, 65, 127, 128, 129, 300}) {
    check_one_row({1, 20}, keys, 0);
    check_one_row({1, 20}, 3, keys);
  }
}

/// Groups of rows with prefixes of their own, rows without one, dead rows, rows that see nothing: all in one call, and
/// each row's result is what it is alone.
TEST(device_attend_float_takes_groups_and_dead_rows) {
  const KvModel model{3, 24};
  const std::int64_t stride = qkv_stride_of(model) + kDevicePad;
  Random random(5);
  Segment first(model, 100), second(model, 31);
  first.fill(random, 90);
  second.fill(random, 31);
  const std::int32_t count = 70;
  std::vector<std::unique_ptr<Segment>> own;
  std::vector<HostRow> rows;
  for (std::int32_t r = 0; r < count; ++r) {
    const std::int32_t earlier = r % 7 == 0 ? 66 : r % 5;
    own.push_back(std::make_unique<Segment>(model, earlier + 2));
    own.back()->fill(random, earlier);
    HostRow row{nullptr, 0, own.back().get(), earlier, earlier + 1};
    if (r < 33) {
      row.prefix = &first;
      row.prefix_visible = 90;
    } else if (r < 66) {
      row.prefix = &second;
      row.prefix_visible = r % 32;
    }
    if (r == 69) row.suffix_visible = 0;
    if (r % 11 == 4) row = {nullptr, 0, nullptr, 0, 0, false};
    rows.push_back(row);
  }
  const std::vector<float> qkv = random_qkv(random, model, count, stride);
  const std::vector<float> together = check_attend("attend in groups", model, rows, qkv, stride, false);
  const std::int64_t z_stride = static_cast<std::int64_t>(together.size()) / count;
  for (const std::int32_t r : {0, 40, 68}) {
    const std::vector<float> alone =
        check_attend("attend row alone", model, {rows[size(r)]},
                     std::vector<float>(qkv.begin() + r * stride, qkv.begin() + (r + 1) * stride), stride, false);
    EXPECT_SAME_BITS("attend row alone", alone.data(), together.data() + r * z_stride, z_stride);
  }
}

/// Two prompts side by side, each in two chunks of rows: every row sees the keys of its own prompt up to itself, those
/// that the same call stores included.
TEST(device_attend_float_takes_prompts_in_chunks) {
  const KvModel model{2, 10};
  const std::int64_t stride = qkv_stride_of(model);
  Random random(6);
  Segment first(model, 80), second(model, 40);
  const auto chunk = [&](Segment& segment, std::int32_t begin, std::int32_t end, std::vector<HostRow>& rows) {
    for (std::int32_t i = begin; i < end; ++i) rows.push_back({&segment, i + 1, &segment, i, 0});
  };
  std::vector<HostRow> rows;
  chunk(first, 0, 60, rows);
  chunk(second, 0, 5, rows);
  check_attend("attend of prompts", model, rows, random_qkv(random, model, 65, stride), stride, true);
  rows.clear();
  chunk(first, 60, 75, rows);
  rows.push_back({nullptr, 0, nullptr, 0, 0, false});
  chunk(second, 5, 40, rows);
  check_attend("attend of prompts, second chunk", model, rows, random_qkv(random, model, 51, stride), stride, true);
}

/// Scores of either sign in the thousands, subnormal operands, and chunks whose weights all vanish beside an earlier
/// one.
TEST(device_attend_float_is_exact_for_unusual_values) {
  const KvModel model{1, 16};
  const std::int64_t stride = qkv_stride_of(model);
  for (const float large : {1.0f, 100.0f, 10000.0f}) {
    Random random(static_cast<std::uint64_t>(large));
    Segment prefix(model, 140), own(model, 3);
    std::vector<float> k = random.reals(140 * 16, large), v = random.reals(140 * 16);
    add_small_numbers(random, k);
    add_small_numbers(random, v);
    for (std::int32_t key = 0; key < 140; ++key) prefix.store(key, k.data() + key * 16, v.data() + key * 16);
    prefix.memory.set(prefix.expected);
    std::vector<float> qkv = random_qkv(random, model, 1, stride);
    std::vector<float> small(qkv.begin(), qkv.begin() + 48);
    add_small_numbers(random, small);
    std::copy(small.begin(), small.end(), qkv.begin());
    check_attend("attend of values up to " + std::to_string(large), model, {{&prefix, 140, &own, 0, 1}}, qkv, stride,
                 false);
  }
}

TEST(device_attend_float_refuses_heads_that_no_variant_holds) {
  DeviceAttendArgs args{};
  args.count = 1;
  args.shape = {kLayers, 1, kDeviceDimMost + 1, DeviceType::f32};
  EXPECT(device_api().attend(device(), &args) != DeviceStatus::ok);
}

}  // namespace
}  // namespace faultline::check
