#include "native/kv/kv_segment.h"

#include <algorithm>

#include "native/base/check.h"
#include "native/ops/registry.h"

namespace faultline::kv {
namespace {

constexpr std::int32_t whole_blocks(std::int32_t tokens) {
  return (tokens + ops::kLanes - 1) / ops::kLanes * ops::kLanes;
}

/// Numbers that are rounded at a time, on the stack: a row of GPT-2's smaller models at once.
constexpr std::int32_t kPiece = 1024;
static_assert(kPiece % ops::kDepthStep == 0);  // round_bf16 fills its row up to that

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
  write_part(layer, position, 0, shape_.heads * shape_.dim, key, value);
}

void KvSegment::write_head(std::int32_t layer, std::int32_t head, std::int32_t position, const float* key,
                           const float* value) {
  FAULTLINE_CHECK(position >= 0 && position < capacity_ && layer >= 0 && layer < shape_.layers && head >= 0 &&
                  head < shape_.heads);
  write_part(layer, position, head * shape_.dim, shape_.dim, key, value);
}

void KvSegment::prefetch_head(std::int32_t layer, std::int32_t head, std::int32_t position) const {
  constexpr std::ptrdiff_t kLine = 64;
  const auto size = static_cast<std::ptrdiff_t>(element_size(shape_.type));
  const std::ptrdiff_t block = ops::kLanes * shape_.dim * size;
  const char* const key = static_cast<const char*>(keys(layer, head)) + position / ops::kLanes * block;
  for (std::ptrdiff_t byte = 0; byte < block; byte += kLine) __builtin_prefetch(key + byte, 1);
  const char* const value = static_cast<const char*>(values(layer, head)) + position * shape_.dim * size;
  for (std::ptrdiff_t byte = 0; byte < shape_.dim * size; byte += kLine) __builtin_prefetch(value + byte, 1);
}

void KvSegment::write_part(std::int32_t layer, std::int32_t position, std::int32_t from, std::int32_t width,
                           const float* key, const float* value) {
  if (shape_.type == ops::KvType::f32) {
    store(layer, position, from, width, key, value);
    return;
  }
  const auto round_bf16 = ops::ops().round_bf16;
  for (std::int32_t first = 0; first < width; first += kPiece) {
    const std::int32_t count = std::min(kPiece, width - first);
    std::uint16_t keys[kPiece], values[kPiece];
    round_bf16({.a = key + first, .lda = count, .rows = 1, .k = count, .out = keys});
    round_bf16({.a = value + first, .lda = count, .rows = 1, .k = count, .out = values});
    store(layer, position, from + first, count, keys, values);
  }
}

template <class Element>
void KvSegment::store(std::int32_t layer, std::int32_t position, std::int32_t first, std::int32_t count,
                      const Element* key, const Element* value) {
  const std::int32_t dim = shape_.dim;
  const std::ptrdiff_t block = static_cast<std::ptrdiff_t>(position / ops::kLanes) * ops::kLanes * dim;
  // Head by head; the first and the last may be parts of one.
  for (std::int32_t done = 0; done < count;) {
    const std::int32_t head = (first + done) / dim, from = (first + done) % dim;
    const std::int32_t here = std::min(dim - from, count - done);
    Element* const keys = memory_.as<Element>() + slab(layer, head);
    Element* const key_lane = keys + block + from * ops::kLanes + position % ops::kLanes;
    for (std::int32_t c = 0; c < here; ++c) key_lane[c * ops::kLanes] = key[done + c];
    std::copy_n(value + done, here, keys + key_count_ + static_cast<std::ptrdiff_t>(position) * dim + from);
    done += here;
  }
}

void KvSegment::set_length(std::int32_t length) {
  FAULTLINE_CHECK(length >= 0 && length <= capacity_);
  length_ = length;
}

}  // namespace faultline::kv
