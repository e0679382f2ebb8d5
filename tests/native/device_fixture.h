// What the tests of device operations share: the backend under test (the SIMT emulator of this build, or the library
// that FAULTLINE_CUDA_LIBRARY names), one open device, and device arrays that notice every write outside.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "native/ops/device.h"
#include "tests/native/check.h"
#include "tests/native/ops_fixture.h"

namespace faultline::check {

/// The emulator, unless the environment names another library.
inline const bool kLibraryNamed = setenv("FAULTLINE_CUDA_LIBRARY", FAULTLINE_SIMT_LIBRARY, 0) == 0;

/// Opened once per process.
inline const ops::DeviceContext& device_context() {
  static const ops::DeviceContext context;
  return context;
}
inline const ops::DeviceApi& device_api() { return device_context().api(); }
inline ops::Device* device() { return device_context().raw(); }
inline bool emulated() { return std::string(device_api().name) == "emulated"; }

inline void expect_runs(const char* file, int line, ops::DeviceStatus status) {
  if (status != ops::DeviceStatus::ok)
    fail(file, line, std::string("the device refused: ") + device_api().last_error());
}
/// The call is queued and, once waited for, has run without a fault.
#define EXPECT_RUNS(call)                                                                                        \
  do {                                                                                                           \
    ::faultline::check::expect_runs(__FILE__, __LINE__, call);                                                   \
    ::faultline::check::expect_runs(__FILE__, __LINE__,                                                          \
                                    ::faultline::check::device_api().synchronize(::faultline::check::device())); \
  } while (false)

/// An array of a trivial type on the device, between two guard bands. Bytes that were not given are 0xFF: NaN as float
/// and as bfloat16, -1 as an integer.
template <class T>
class OnDevice {
 public:
  explicit OnDevice(std::size_t count) : count_(count), buffer_(device_context(), bytes() + 2 * kGuard, "a test") {
    const std::vector<unsigned char> poison(bytes() + 2 * kGuard, 0xFF);
    buffer_.upload(poison.data(), poison.size());
    device_context().synchronize();
  }
  explicit OnDevice(const std::vector<T>& values) : OnDevice(values.size()) { set(values); }

  void set(const std::vector<T>& values) const {
    buffer_.upload(values.data(), values.size() * sizeof(T), kGuard);
    device_context().synchronize();
  }
  T* data() const { return reinterpret_cast<T*>(buffer_.template as<char>() + kGuard); }
  std::size_t size() const { return count_; }
  std::vector<T> values() const {
    std::vector<T> copy(count_);
    buffer_.download(copy.data(), bytes(), kGuard);
    device_context().synchronize();
    return copy;
  }
  void expect_guards_intact(const char* file, int line, const std::string& what) const {
    std::vector<unsigned char> all(bytes() + 2 * kGuard);
    buffer_.download(all.data(), all.size());
    device_context().synchronize();
    for (std::size_t i = 0; i < all.size(); ++i) {
      if ((i >= kGuard && i < kGuard + bytes()) || all[i] == 0xFF) continue;
      fail(file, line, what + ": wrote outside, at byte " + std::to_string(static_cast<std::int64_t>(i) - kGuard));
      return;
    }
  }

 private:
  static constexpr std::int64_t kGuard = 256;  // keeps the array 256-byte aligned
  std::size_t bytes() const { return count_ * sizeof(T); }
  std::size_t count_;
  ops::DeviceBuffer buffer_;
};
#define EXPECT_GUARDS_INTACT(array, what) (array).expect_guards_intact(__FILE__, __LINE__, what)

/// To bfloat16: nearest, ties to even.
inline std::uint16_t bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}
inline float bf16_float(std::uint16_t value) { return std::bit_cast<float>(std::uint32_t{value} << 16); }
inline std::vector<std::uint16_t> bf16(const std::vector<float>& values) {
  std::vector<std::uint16_t> rounded;
  for (const float value : values) rounded.push_back(bf16(value));
  return rounded;
}

}  // namespace faultline::check
