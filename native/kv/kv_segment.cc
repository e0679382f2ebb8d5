#include "native/kv/kv_segment.h"

#include <algorithm>
#include <cstring>

#include "native/base/check.h"
#include "native/tensor/convert.h"

namespace faultline::kv {
namespace {

constexpr std::int32_t whole_blocks(std::int32_t tokens) {
  return (tokens + ops::kLanes - 1) / ops::kLanes * ops::kLanes;
}

/// A number as it is stored.
template <class Element>
Element stored(float value);
template <>
float stored(float value) {
  return value;
}
template <>
std::uint16_t stored(float value) {
  return tensor::bfloat16_from_float(value);
}

}  // namespace

KvSegment::KvSegment(const KvShape& shape, std::int32_t capacity)
    : shape_(shape),
      capacity_(whole_blocks(capacity)),
      key_count_(static_cast<std::size_t>(capacity_) * static_cast<std::size_t>(shape.dim)),
      memory_(slab(shape.layers, 0), element_size(shape.type), base::Pages::small) {
  FAULTLINE_CHECK(capacity >= 0 && shape.layers > 0 && shape.heads > 0 && shape.dim > 0);
}

std::size_t KvSegment::bytes(const KvShape& shape, std::int32_t capacity) {
  return element_size(shape.type) * 2 * static_cast<std::size_t>(whole_blocks(capacity)) *
         static_cast<std::size_t>(shape.dim) * static_cast<std::size_t>(shape.layers) *
         static_cast<std::size_t>(shape.heads);
}

void KvSegment::write(std::int32_t layer, std::int32_t position, const float* key, const float* value) {
  FAULTLINE_CHECK(position >= 0 && position < capacity_ && layer >= 0 && layer < shape_.layers);
  if (shape_.type == ops::KvType::f32) {
    store<float>(layer, position, key, value);
  } else {
    store<std::uint16_t>(layer, position, key, value);
  }
}

template <class Element>
void KvSegment::store(std::int32_t layer, std::int32_t position, const float* key, const float* value) {
  const std::int32_t dim = shape_.dim;
  const std::ptrdiff_t block = static_cast<std::ptrdiff_t>(position / ops::kLanes) * ops::kLanes * dim;
  for (std::int32_t head = 0; head < shape_.heads; ++head) {
    Element* const keys = memory_.as<Element>() + slab(layer, head);
    Element* const key_lane = keys + block + position % ops::kLanes;
    for (std::int32_t c = 0; c < dim; ++c) key_lane[c * ops::kLanes] = stored<Element>(key[head * dim + c]);
    std::transform(value + head * dim, value + (head + 1) * dim,
                   keys + key_count_ + static_cast<std::ptrdiff_t>(position) * dim, stored<Element>);
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
  const std::size_t token = static_cast<std::size_t>(shape_.dim) * element_size(shape_.type);
  const std::size_t key_bytes = static_cast<std::size_t>(whole_blocks(length)) * token;
  const std::size_t value_bytes = static_cast<std::size_t>(length) * token;
  for (std::int32_t layer = 0; layer < shape_.layers; ++layer) {
    for (std::int32_t head = 0; head < shape_.heads; ++head) {
      std::memcpy(copy.at(copy.slab(layer, head)), keys(layer, head), key_bytes);
      std::memcpy(copy.at(copy.slab(layer, head) + copy.key_count_), values(layer, head), value_bytes);
    }
  }
  copy.length_ = length;
  return copy;
}

}  // namespace faultline::kv
