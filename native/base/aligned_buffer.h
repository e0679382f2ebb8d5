// Owning memory that starts on a 64-byte boundary: weights, key-value slabs, activations. Knows no element layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace faultline::base {

/// Alignment of every AlignedBuffer: one cache line, and the widest vector register of any CPU we have kernels for.
inline constexpr std::size_t kAlignment = 64;

/// Which pages a large buffer asks the system for.
enum class Pages : std::uint8_t {
  huge,   // for what is used whole
  small,  // for what is reserved at its largest and used in part: touching an element costs 4 KiB, not 2 MiB to zero
};

/// Movable, not copyable: a copy of a weight buffer is never what was meant. Contents are zero. Buffers of 2 MiB and
/// more come from fresh pages on a 2 MiB boundary, and cost memory only once touched.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  /// Throws Error(environment) that names the size when the memory cannot be had.
  explicit AlignedBuffer(std::size_t bytes, Pages pages = Pages::huge);
  /// `count` elements of `element_size` bytes; throws Error(environment) also when the product overflows.
  AlignedBuffer(std::size_t count, std::size_t element_size, Pages pages = Pages::huge);
  static AlignedBuffer floats(std::size_t count, Pages pages = Pages::huge) {
    return AlignedBuffer(count, sizeof(float), pages);
  }
  ~AlignedBuffer();
  AlignedBuffer(AlignedBuffer&& other) noexcept;
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;

  std::size_t size() const { return size_; }
  void* data() { return data_; }
  const void* data() const { return data_; }
  /// The buffer as elements of a trivial type, as many as fit.
  template <class T>
  T* as() {
    return static_cast<T*>(data_);
  }
  template <class T>
  const T* as() const {
    return static_cast<const T*>(data_);
  }
  template <class T>
  std::span<T> span() {
    return {as<T>(), size_ / sizeof(T)};
  }
  template <class T>
  std::span<const T> span() const {
    return {as<T>(), size_ / sizeof(T)};
  }

 private:
  void release() noexcept;
  void* data_ = nullptr;
  std::size_t size_ = 0;
  void* mapping_ = nullptr;  // start of the pages, when they came from mmap
  std::size_t mapping_size_ = 0;
};

}  // namespace faultline::base
