#include "native/base/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include "native/base/error.h"

namespace faultline::base {
namespace {

// The size of a huge page on x86-64, and on ARM64 with 4 KiB pages.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

[[noreturn]] void out_of_memory(const std::string& amount) {
  throw Error(ErrorCode::environment, "out of memory: " + amount + " cannot be allocated",
              "Use a smaller model, batch or --memory budget, or free memory.");
}

std::size_t product(std::size_t count, std::size_t element_size) {
  if (element_size != 0 && count > std::numeric_limits<std::size_t>::max() / element_size) {
    out_of_memory(std::to_string(count) + " elements of " + std::to_string(element_size) + " bytes");
  }
  return count * element_size;
}

}  // namespace

AlignedBuffer::AlignedBuffer(std::size_t count, std::size_t element_size, Pages pages)
    : AlignedBuffer(product(count, element_size), pages) {}

AlignedBuffer::AlignedBuffer(std::size_t bytes, Pages pages) {
  if (bytes == 0) return;
  // No machine has an exbibyte; below this bound the roundings cannot overflow.
  if (bytes > std::size_t{1} << 60) out_of_memory(std::to_string(bytes) + " bytes");
  if (bytes < kHugePage) {
    data_ = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
    if (data_ == nullptr) out_of_memory(std::to_string(bytes) + " bytes");
    std::memset(data_, 0, bytes);
  } else {
    mapping_size_ = bytes + kHugePage;
    mapping_ = ::mmap(nullptr, mapping_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping_ == MAP_FAILED) {
      mapping_ = nullptr;
      out_of_memory(std::to_string(bytes) + " bytes");
    }
    const auto address = reinterpret_cast<std::uintptr_t>(mapping_);
    data_ = reinterpret_cast<void*>((address + kHugePage - 1) / kHugePage * kHugePage);
#ifdef MADV_HUGEPAGE
    // Advice only: a kernel without huge pages refuses, and nothing but speed changes.
    ::madvise(data_, bytes, pages == Pages::huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#endif
  }
  size_ = bytes;
}

AlignedBuffer::~AlignedBuffer() { release(); }

AlignedBuffer::AlignedBuffer(AlignedBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapping_(std::exchange(other.mapping_, nullptr)),
      mapping_size_(std::exchange(other.mapping_size_, 0)) {}

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    mapping_ = std::exchange(other.mapping_, nullptr);
    mapping_size_ = std::exchange(other.mapping_size_, 0);
  }
  return *this;
}

void AlignedBuffer::release() noexcept {
  if (mapping_ != nullptr) {
    ::munmap(mapping_, mapping_size_);
  } else {
    std::free(data_);
  }
}

}  // namespace faultline::base
