// Memory that runs of this process have planned with and not touched yet. The system counts it as free still, so
// whoever plans next takes it off first: two models at once would plan with the same memory otherwise. Counts alone,
// and allocates nothing.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

#include "native/base/host_limits.h"

namespace faultline::base {

/// What is promised of one memory: the host's (host_promises()) or a device's. May be used from any thread.
class PromisedMemory {
 public:
  /// One run's part of it, given back with the object. Used by one thread at a time.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Share& operator=(Share&& other) noexcept {
      set(0);
      memory_ = std::exchange(other.memory_, nullptr);
      bytes_ = std::exchange(other.bytes_, 0);
      return *this;
    }
    ~Share() { set(0); }

    std::uint64_t bytes() const { return bytes_; }
    /// So many bytes are still to be touched: fewer after some were, more after some were freed that the run will want
    /// again. Before they are freed, so that nobody takes them in between.
    void set(std::uint64_t bytes) {
      if (memory_ != nullptr) memory_->bytes_ += bytes - bytes_;  // modulo 2^64, as both are
      bytes_ = bytes;
    }

   private:
    friend class PromisedMemory;
    Share(PromisedMemory& memory, std::uint64_t bytes) : memory_(&memory) { set(bytes); }
    PromisedMemory* memory_ = nullptr;
    std::uint64_t bytes_ = 0;
  };

  /// Promises what `plan()` returns, in bytes; passes on what it throws. One plan is made at a time, so that each sees
  /// what the one before it was promised.
  template <class Plan>
  Share promise(Plan&& plan) {
    const std::lock_guard only(planning_);
    return Share(*this, plan());
  }

  /// Promised to all runs together, bytes.
  std::uint64_t bytes() const { return bytes_; }
  /// What is left of so many free bytes.
  std::uint64_t left_of(std::uint64_t free_bytes) const { return free_bytes - std::min(free_bytes, bytes()); }

 private:
  std::mutex planning_;
  std::atomic<std::uint64_t> bytes_{0};
};

/// This process's promises of host memory.
inline PromisedMemory& host_promises() {
  static PromisedMemory memory;
  return memory;
}

/// Where plans ask what the host has free: available_memory(). Tests put a machine of their own in its place.
inline std::atomic<std::uint64_t (*)()>& host_memory_source() {
  static std::atomic<std::uint64_t (*)()> source{&available_memory};
  return source;
}

/// Of so many free bytes of host memory, what is left for weights and runs: all but memory_reserve().
inline std::uint64_t plannable_memory(std::uint64_t free_bytes) {
  return free_bytes - std::min(free_bytes, memory_reserve(free_bytes));
}

/// Bytes of host memory that weights and runs of this process may be given: what is free beside the reserve and what
/// nobody in it is promised. Throws as available_memory() does.
inline std::uint64_t unpromised_memory() { return host_promises().left_of(plannable_memory(host_memory_source()())); }

}  // namespace faultline::base
