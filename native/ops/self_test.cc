#include "native/ops/self_test.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "native/base/fp_env.h"
#include "native/ops/pack.h"
#include "native/ops/registry.h"

namespace faultline::ops {
namespace {

/// Every way through the kernels once: tiles in pairs and alone, a last one of one row; two panels and one alone, the
/// last of five columns; whole steps of k and a part of one, which ends within a pair and within four.
struct SmallProduct {
  std::int32_t m = 2 * kTileHeight + 1, n = 2 * kLanes + 5, k;
};
constexpr SmallProduct small_product(WeightType type) {
  return {.k = (type == WeightType::int8 ? kInt8DepthStep : kDepthStep) + 13};
}

/// Numbers in [-1, 1), the same every time, in rows of `width`. Every fifth row is so small that its products with the
/// small ones of the other factor are denormal, and every seventh is denormal itself: both are to become zero.
std::vector<float> numbers(std::int32_t rows, std::int32_t width, std::uint32_t state) {
  std::vector<float> values(static_cast<std::size_t>(rows) * static_cast<std::size_t>(width));
  for (std::size_t i = 0; i < values.size(); ++i) {
    state = state * 1664525u + 1013904223u;
    const std::size_t row = i / static_cast<std::size_t>(width);
    const float scale = row % 7 == 6 ? 0x1p-127F : row % 5 == 4 ? 0x1p-63F : 1;
    values[i] = (static_cast<float>(state >> 8) * 0x1p-23F - 1) * scale;
  }
  return values;
}

}  // namespace

std::string product_fault(const OpTable& ops, const OpTable& right, WeightType type) {
  const base::FpEnv mode;
  const auto [m, n, k] = small_product(type);
  const std::vector<float> a = numbers(m, k, 1), w = numbers(n, k, 2);
  const PackedWeights packed = pack_weights(
      {tensor::DType::f32, tensor::Shape{n, k}, reinterpret_cast<const std::byte*>(w.data())}, Orientation::nk, type);
  std::vector<std::uint16_t> rounded(static_cast<std::size_t>(bf16_size(m, k)));
  std::vector<std::int8_t> bytes(static_cast<std::size_t>(int8_size(m, k)));
  std::vector<QuantisedRow> rows(static_cast<std::size_t>(m));
  right.round_bf16({a.data(), k, m, k, rounded.data()});
  right.quantise({a.data(), k, m, k, bytes.data(), rows.data()});
  const auto product = [&](const OpTable& table) {
    std::vector<float> out(static_cast<std::size_t>(m) * static_cast<std::size_t>(n));
    product_of(table, type)({.a = a.data(),
                             .lda = k,
                             .m = m,
                             .w = packed.matrix(),
                             .bias = nullptr,
                             .epilogue = Epilogue::none,
                             .residual = nullptr,
                             .ldr = 0,
                             .out = out.data(),
                             .ldo = n,
                             .panel_begin = 0,
                             .panel_end = panel_count(n),
                             .a_bf16 = rounded.data(),
                             .a_int8 = bytes.data(),
                             .a_rows = rows.data()});
    return out;
  };
  const std::vector<float> got = product(ops), want = product(right);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(got[i]), expected = std::bit_cast<std::uint32_t>(want[i]);
    if (bits == expected) continue;
    char text[160];
    std::snprintf(
        text, sizeof text,
        "its %s fails the self-test: row %zu, column %zu of a small product has the bits %08x on this CPU, not "
        "%08x",
        type == WeightType::int8 ? "gemm_int8" : "gemm_bf16", i / static_cast<std::size_t>(n),
        i % static_cast<std::size_t>(n), bits, expected);
    return text;
  }
  return {};
}

std::string set_fault(cpu::Isa isa) {
  const std::optional<OpTable> right = portable_ops(isa);
  if (!right) return {};
  const Selection own = select(cpu::isa_name(isa), cpu::this_cpu());
  for (const WeightType type : {own.bf16_weights, WeightType::int8}) {
    std::string fault = product_fault(own.ops, *right, type);
    if (!fault.empty()) return fault;
  }
  return {};
}

}  // namespace faultline::ops
