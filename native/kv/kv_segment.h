// Keys and values of consecutive tokens, for all layers and heads of one model: either a prompt that many samples share
// (stored once, and read from memory once per step for all of them: see gpt2_forward.h) or what one sample has
// generated behind it. Knows no model: only how many layers and heads there are.
//
// Stored as float or as bfloat16, which halves what a step reads; whoever writes hands over floats either way.
//
// Why two segments make a sample independent of its batch: the online softmax (ops.attend) counts its chunks of keys
// from the start of each segment, and a sample's segments are always split at the prompt's end, also when it runs
// alone or resumes. So the same sums are made in the same order whatever else runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "native/base/aligned_buffer.h"
#include "native/ops/ops.h"

namespace faultline::kv {

struct KvShape {
  std::int32_t layers;
  std::int32_t heads;
  std::int32_t dim;  // per head
  ops::KvType type = ops::KvType::f32;
};

/// Bytes of one stored element.
constexpr std::size_t element_size(ops::KvType type) {
  return type == ops::KvType::f32 ? sizeof(float) : sizeof(std::uint16_t);
}

/// What one token's keys and values take.
constexpr std::size_t token_bytes(const KvShape& shape) {
  return 2 * element_size(shape.type) * static_cast<std::size_t>(shape.layers) * static_cast<std::size_t>(shape.heads) *
         static_cast<std::size_t>(shape.dim);
}

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

  /// Key blocks of one head, of shape().type: element (token j, c) at [(j / 16) * 16 * dim + c * 16 + j % 16].
  const void* keys(std::int32_t layer, std::int32_t head) const { return at(slab(layer, head)); }
  /// Values of one head, of shape().type: [capacity, dim].
  const void* values(std::int32_t layer, std::int32_t head) const { return at(slab(layer, head) + key_count_); }

  /// Stores one token's keys and values, each [heads * dim], at `position` of `layer`; in bfloat16 as
  /// ops.round_bf16 rounds, by the process's kernels. Does not change length(): the token counts once all its layers
  /// stand.
  void write(std::int32_t layer, std::int32_t position, const float* key, const float* value);

  /// The same for one head alone: its [dim] of each. A token counts once all heads of all layers stand.
  void write_head(std::int32_t layer, std::int32_t head, std::int32_t position, const float* key, const float* value);

  /// Begins to fetch what write_head(layer, head, position) changes: a line of memory for every few numbers of the key,
  /// as each has its own place in the block.
  void prefetch_head(std::int32_t layer, std::int32_t head, std::int32_t position) const;

  /// The first `length` tokens stand from now on. Smaller than before: the rest is forgotten (rollback), O(1).
  void set_length(std::int32_t length);

 private:
  /// Where a head's keys begin, in elements of the memory; its values stand key_count_ further on.
  std::size_t slab(std::int32_t layer, std::int32_t head) const {
    return 2 * key_count_ * static_cast<std::size_t>(layer * shape_.heads + head);
  }
  const void* at(std::size_t element) const { return memory_.as<std::byte>() + element * element_size(shape_.type); }
  void* at(std::size_t element) { return memory_.as<std::byte>() + element * element_size(shape_.type); }

  /// Elements [from, from + width) of a token's [heads * dim] keys and values, rounded to the stored type.
  void write_part(std::int32_t layer, std::int32_t position, std::int32_t from, std::int32_t width, const float* key,
                  const float* value);

  /// Elements [first, first + count) of a token's [heads * dim] keys and values, in the stored type.
  template <class Element>
  void store(std::int32_t layer, std::int32_t position, std::int32_t first, std::int32_t count, const Element* key,
             const Element* value);

  KvShape shape_{};
  std::int32_t capacity_ = 0;  // rounded up to whole key blocks
  std::int32_t length_ = 0;
  std::size_t key_count_ = 0;  // elements of a head's keys, and of its values
  base::AlignedBuffer memory_;
};

}  // namespace faultline::kv
