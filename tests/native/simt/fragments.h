// What the matrix functions of a warp compute once all its lanes have brought their operands: which lane holds which
// element, and the arithmetic. No waiting, no checks of addresses; those are in emulator.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tests/native/simt/emulator.h"

namespace faultline::ops::cuda::simt::detail {

constexpr std::int32_t kWarp = 32;
constexpr std::int32_t kTileRowBytes = 128;

/// A product of one warp's share of a warpgroup, 16 rows, that has been started.
struct Product {
  const char* a;
  const char* b;
  std::int32_t columns;
  bool add;
  std::int64_t group;
  std::array<float*, kWarp> d;
};

namespace fragments {

/// Of a warp's share of every product, mma.m16n8k16 or wgmma.
constexpr int kRows = 16;
constexpr int kDepth = 16;

inline std::uint16_t half_of(std::uint32_t pair, int which) { return static_cast<std::uint16_t>(pair >> (16 * which)); }

/// Exact, also of subnormals, which the floating-point mode would flush.
inline double exact(std::uint16_t bf16) {
  const std::uint32_t magnitude = bf16 & 0x7FFFu;
  if (magnitude >= 0x0080u) return static_cast<double>(from_bf16(bf16));
  const double value = static_cast<double>(magnitude) * 0x1p-133;
  return (bf16 & 0x8000u) != 0 ? -value : value;
}

/// PTX ISA, "Matrix fragments for mma.m16n8k16 with floating point type", .bf16. `lanes`: kWarp neighbours that derive
/// from Thread.
template <class Lane>
void mma(Lane* lanes) {
  constexpr int kColumns = 8;
  double a[kRows][kDepth];
  double b[kDepth][kColumns];
  for (int i = 0; i < kWarp; ++i) {
    const int group = i / 4;
    const int pair = 2 * (i % 4);
    for (int half = 0; half < 2; ++half) {
      for (int r = 0; r < 4; ++r)
        a[group + 8 * (r % 2)][pair + half + 8 * (r / 2)] = exact(half_of(lanes[i].a[r], half));
      for (int r = 0; r < 2; ++r) b[pair + half + 8 * r][group] = exact(half_of(lanes[i].b[r], half));
    }
  }
  double sums[kRows][kColumns];
  for (int i = 0; i < kWarp; ++i)
    for (int r = 0; r < 4; ++r) sums[i / 4 + 8 * (r / 2)][2 * (i % 4) + r % 2] = static_cast<double>(lanes[i].d[r]);
  for (int row = 0; row < kRows; ++row)
    for (int k = 0; k < kDepth; ++k)
      for (int column = 0; column < kColumns; ++column) sums[row][column] += a[row][k] * b[k][column];
  for (int i = 0; i < kWarp; ++i)
    for (int r = 0; r < 4; ++r) lanes[i].d[r] = static_cast<float>(sums[i / 4 + 8 * (r / 2)][2 * (i % 4) + r % 2]);
}

/// PTX ISA, "ldmatrix": lane i holds elements 2 (i % 4) and the next of row i / 4 of each matrix, whose element
/// `element(matrix, row, column)` is.
template <class Lane, class Element>
void load_matrices(Lane* lanes, const Element& element) {
  std::uint16_t rows[kWarp][8];
  for (int i = 0; i < kWarp; ++i) std::memcpy(rows[i], lanes[i].row, sizeof rows[i]);
  for (int i = 0; i < kWarp; ++i) {
    for (int m = 0; m < 4; ++m) {
      const int major = i / 4;
      const int minor = 2 * (i % 4);
      const std::uint32_t low = element(rows + 8 * m, major, minor);
      const std::uint32_t high = element(rows + 8 * m, major, minor + 1);
      lanes[i].matrices[m] = high << 16 | low;
    }
  }
}

template <class Lane>
void load_matrix4(Lane* lanes) {
  load_matrices(lanes, [](const auto* matrix, int row, int column) { return matrix[row][column]; });
}

/// Of each matrix's transpose.
template <class Lane>
void load_matrix4_transposed(Lane* lanes) {
  load_matrices(lanes, [](const auto* matrix, int row, int column) { return matrix[column][row]; });
}

/// PTX ISA, "Register fragments and shared memory matrix layouts" of wgmma: the warp's 16 rows, fragments as of mma's d
/// for every eight columns. The 128-byte swizzle exchanges bits 4 to 6 of an address by its bits 7 to 9.
/// `shared` is the block's shared memory, of which the operands are parts.
inline void wgmma(const char* shared, int first_row, const Product& product) {
  constexpr int kColumnsMost = 256;
  const auto element = [shared](const char* operand, std::int32_t row, int k) {
    const std::size_t at = static_cast<std::size_t>(operand - shared) + static_cast<std::size_t>(row) * kTileRowBytes +
                           static_cast<std::size_t>(2 * k);
    std::uint16_t value;
    std::memcpy(&value, shared + (at ^ (at >> 7 & 7) << 4), sizeof value);
    return exact(value);
  };
  double a[kRows][kDepth];
  double b[kDepth][kColumnsMost];
  double sums[kColumnsMost];
  for (int row = 0; row < kRows; ++row)
    for (int k = 0; k < kDepth; ++k) a[row][k] = element(product.a, first_row + row, k);
  for (int column = 0; column < product.columns; ++column)
    for (int k = 0; k < kDepth; ++k) b[k][column] = element(product.b, column, k);
  for (int row = 0; row < kRows; ++row) {
    const auto d = [&](int column) -> float& {
      return product
          .d[static_cast<std::size_t>(row % 8 * 4 + column % 8 / 2)][column / 8 * 4 + row / 8 * 2 + column % 2];
    };
    for (int column = 0; column < product.columns; ++column)
      sums[column] = product.add ? static_cast<double>(d(column)) : 0.0;
    for (int k = 0; k < kDepth; ++k)
      for (int column = 0; column < product.columns; ++column) sums[column] += a[row][k] * b[k][column];
    for (int column = 0; column < product.columns; ++column) d(column) = static_cast<float>(sums[column]);
  }
}

}  // namespace fragments
}  // namespace faultline::ops::cuda::simt::detail
