// Keys and values of consecutive tokens, for all layers and heads of one model: either a prompt that many samples share
// (stored once, read once per step for all of them) or what one sample has generated behind it. Knows no model: only
// how many layers and heads there are.
//
// Why two segments make a sample independent of its batch: the online softmax (ops.attend) counts its chunks of keys
// from the start of each segment, and a sample's segments are always split at the prompt's end, also when it runs
// alone or resumes. So the same sums are made in the same order whatever else runs.
#pragma once

#include <cstdint>
#include <memory>

#include "native/base/aligned_buffer.h"

namespace faultline::kv {

struct KvShape {
  std::int32_t layers;
  std::int32_t heads;
  std::int32_t dim;  // per head
};

/// Owns its memory: [layer][head] slabs, per slab the keys in blocks of 16 as ops.h says, then the values as rows. A
/// token touches every slab, so small pages: with huge ones the first token would make the system zero the whole
/// segment, and most samples end long before their last one.
/// Movable, not copyable. Not synchronised: one writer at a time, any number of readers when nobody writes.
class KvSegment {
 public:
  KvSegment() = default;
  /// Room for `capacity` tokens, zeroed, so that the unused slots of a key block are finite. Throws
  /// Error(environment) when the memory cannot be had.
  KvSegment(const KvShape& shape, std::int32_t capacity);

  /// What a segment of that capacity allocates, for memory plans.
  static std::size_t bytes(const KvShape& shape, std::int32_t capacity);

  const KvShape& shape() const { return shape_; }
  std::int32_t capacity() const { return capacity_; }
  /// Tokens whose keys and values stand in all layers. Writers say so through set_length.
  std::int32_t length() const { return length_; }

  /// Key blocks of one head: element (token j, c) at [(j / 16) * 16 * dim + c * 16 + j % 16].
  const float* keys(std::int32_t layer, std::int32_t head) const { return slab(layer, head); }
  /// Values of one head, [capacity, dim].
  const float* values(std::int32_t layer, std::int32_t head) const { return slab(layer, head) + key_floats_; }

  /// Stores one token's keys and values, each [heads * dim], at `position` of `layer`. Does not change length():
  /// the token counts once all its layers stand.
  void write(std::int32_t layer, std::int32_t position, const float* key, const float* value);

  /// The first `length` tokens stand from now on. Smaller than before: the rest is forgotten (rollback), O(1).
  void set_length(std::int32_t length);

  /// A private copy of the first `length` tokens with room for `capacity`. O(length): the cost is in the name.
  KvSegment copy_of_first(std::int32_t length, std::int32_t capacity) const;

 private:
  const float* slab(std::int32_t layer, std::int32_t head) const {
    return memory_.as<float>() + slab_floats_ * static_cast<std::size_t>(layer * shape_.heads + head);
  }
  float* slab(std::int32_t layer, std::int32_t head) {
    return memory_.as<float>() + slab_floats_ * static_cast<std::size_t>(layer * shape_.heads + head);
  }

  KvShape shape_{};
  std::int32_t capacity_ = 0;  // rounded up to whole key blocks
  std::int32_t length_ = 0;
  std::size_t key_floats_ = 0;
  std::size_t slab_floats_ = 0;
  base::AlignedBuffer memory_;
};

}  // namespace faultline::kv
