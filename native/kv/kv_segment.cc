#include "native/kv/kv_segment.h"

#include <algorithm>

#include "native/base/check.h"
#include "native/ops/ops.h"

namespace faultline::kv {
namespace {

constexpr std::int32_t whole_blocks(std::int32_t tokens) {
  return (tokens + ops::kLanes - 1) / ops::kLanes * ops::kLanes;
}

}  // namespace

KvSegment::KvSegment(const KvShape& shape, std::int32_t capacity)
    : shape_(shape),
      capacity_(whole_blocks(capacity)),
      key_floats_(static_cast<std::size_t>(capacity_) * static_cast<std::size_t>(shape.dim)),
      slab_floats_(2 * key_floats_),
      memory_(base::AlignedBuffer::floats(slab_floats_ * static_cast<std::size_t>(shape.layers * shape.heads),
                                          base::Pages::small)) {
  FAULTLINE_CHECK(capacity >= 0 && shape.layers > 0 && shape.heads > 0 && shape.dim > 0);
}

std::size_t KvSegment::bytes(const KvShape& shape, std::int32_t capacity) {
  return sizeof(float) * 2 * static_cast<std::size_t>(whole_blocks(capacity)) * static_cast<std::size_t>(shape.dim) *
         static_cast<std::size_t>(shape.layers) * static_cast<std::size_t>(shape.heads);
}

void KvSegment::write(std::int32_t layer, std::int32_t position, const float* key, const float* value) {
  FAULTLINE_CHECK(position >= 0 && position < capacity_ && layer >= 0 && layer < shape_.layers);
  const std::int32_t dim = shape_.dim;
  const std::ptrdiff_t block = static_cast<std::ptrdiff_t>(position / ops::kLanes) * ops::kLanes * dim;
  for (std::int32_t head = 0; head < shape_.heads; ++head) {
    float* const base = slab(layer, head);
    float* const key_lane = base + block + position % ops::kLanes;
    for (std::int32_t c = 0; c < dim; ++c) key_lane[c * ops::kLanes] = key[head * dim + c];
    std::copy_n(value + head * dim, dim, base + key_floats_ + static_cast<std::ptrdiff_t>(position) * dim);
  }
}

void KvSegment::set_length(std::int32_t length) {
  FAULTLINE_CHECK(length >= 0 && length <= capacity_);
  length_ = length;
}

KvSegment KvSegment::copy_of_first(std::int32_t length, std::int32_t capacity) const {
  FAULTLINE_CHECK(length >= 0 && length <= length_ && length <= capacity);
  KvSegment copy(shape_, capacity);
  // Whole key blocks, so that the last one's unused slots are copied too: they are finite and never read.
  const std::size_t key_count = static_cast<std::size_t>(whole_blocks(length)) * static_cast<std::size_t>(shape_.dim);
  const std::size_t value_count = static_cast<std::size_t>(length) * static_cast<std::size_t>(shape_.dim);
  for (std::int32_t layer = 0; layer < shape_.layers; ++layer) {
    for (std::int32_t head = 0; head < shape_.heads; ++head) {
      std::copy_n(keys(layer, head), key_count, copy.slab(layer, head));
      std::copy_n(values(layer, head), value_count, copy.slab(layer, head) + copy.key_floats_);
    }
  }
  copy.length_ = length;
  return copy;
}

}  // namespace faultline::kv
