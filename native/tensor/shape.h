// The extents of a tensor, slowest dimension first. Pure data; knows no strides, because every view is contiguous.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace faultline::tensor {

/// Up to kMaxRank dimensions, each 0 or more. The number of elements is known to fit: construction checks it.
class Shape {
 public:
  static constexpr std::size_t kMaxRank = 8;

  /// Rank 0, one element.
  Shape() = default;
  /// Throws Error(input) on a negative extent, more than kMaxRank dimensions, or a product beyond 2^62 elements.
  explicit Shape(std::span<const std::int64_t> dims);
  Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}

  std::size_t rank() const { return rank_; }
  std::int64_t operator[](std::size_t i) const { return dims_[i]; }
  std::span<const std::int64_t> dims() const { return {dims_.data(), rank_}; }
  std::int64_t elements() const { return elements_; }
  /// "[2, 768]".
  std::string to_string() const;

  friend bool operator==(const Shape& a, const Shape& b) = default;

 private:
  std::array<std::int64_t, kMaxRank> dims_{};
  std::size_t rank_ = 0;
  std::int64_t elements_ = 1;
};

}  // namespace faultline::tensor
