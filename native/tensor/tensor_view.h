// A tensor that somebody else owns: element type, shape, and a pointer to contiguous little-endian elements, last
// dimension fastest.
#pragma once

#include <cstddef>
#include <span>

#include "native/tensor/dtype.h"
#include "native/tensor/shape.h"

namespace faultline::tensor {

/// Valid as long as its owner (a mapped file, a buffer). Whole blocks: where a block has several elements, whoever made
/// the view has checked that they divide the last dimension. `data` may be misaligned for its type, because files may
/// be: read it through convert.h or memcpy.
struct TensorView {
  DType dtype = DType::f32;
  Shape shape;
  const std::byte* data = nullptr;

  std::size_t size_bytes() const {
    return static_cast<std::size_t>(shape.elements()) / dtype_block(dtype) * dtype_size(dtype);
  }
  std::span<const std::byte> bytes() const { return {data, size_bytes()}; }
};

}  // namespace faultline::tensor
