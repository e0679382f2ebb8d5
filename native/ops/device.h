// The host side of device_api.h: finds and loads the backend library, opens a device, owns its memory and graphs, and
// turns what goes wrong into errors. Runs no operation by itself and knows no model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "native/base/promised_memory.h"
#include "native/ops/device_api.h"

namespace faultline::ops {

/// Oldest devices that the kernels run on: they use bfloat16 tensor cores and asynchronous copies (Ampere).
inline constexpr std::int32_t kCapabilityLeast = 80;  // 10 * major + minor

/// What this machine offers beside its CPU, for `faultline doctor` and for choosing a device.
struct DeviceReport {
  bool usable = false;
  std::string library;  // path that was loaded or looked for
  std::string backend;  // "cuda", "emulated"; empty where no library was loaded
  std::vector<DeviceInfo> devices;
  std::vector<DeviceKernelRow> kernels;
  std::string refused;  // why it is not usable, a sentence without a full stop; empty where it is
  std::string hint;     // the next step
};

/// Looks once at FAULTLINE_CUDA_LIBRARY, or else beside this program or addon. Never throws for what a machine may
/// lack. Thread-safe; creates no context on a device.
DeviceReport device_report();

/// An open device with its stream. Use from one thread at a time. Buffers and graphs must not outlive it.
class DeviceContext {
 public:
  /// Opens the first device. Throws Error(environment) with device_report()'s reason and hint, or with the driver's.
  DeviceContext();
  ~DeviceContext();
  DeviceContext(const DeviceContext&) = delete;
  DeviceContext& operator=(const DeviceContext&) = delete;

  const DeviceApi& api() const { return *api_; }
  Device* raw() const { return device_; }
  const DeviceInfo& info() const { return info_; }
  /// Of that device's memory, for all contexts of this process.
  static base::PromisedMemory& promises();
  /// Bytes that can be allocated now, other programs counted, and that no run of this process is promised.
  std::uint64_t free_bytes() const { return promises().left_of(memory().free); }
  /// The most bytes that this context had allocated at any time.
  std::uint64_t peak_bytes() const { return memory().peak; }

  /// Throws Error(environment) for any status but ok: out of memory, a lost device, or what else last_error() says,
  /// while `doing`, e.g. "allocating 3.1 GiB of keys and values".
  void check(DeviceStatus status, const std::string& doing) const;
  /// Waits for everything queued; faults of earlier kernels show here.
  void synchronize() const { check(api_->synchronize(device_), "waiting for the device"); }
  /// See DeviceApi.
  void mark(std::int32_t index) const { check(api_->mark(device_, index), "marking what is queued"); }
  void wait(std::int32_t index) const { check(api_->wait(device_, index), "waiting for the device"); }

 private:
  struct Memory {
    std::uint64_t free;
    std::uint64_t peak;
  };
  Memory memory() const;

  const DeviceApi* api_;
  Device* device_ = nullptr;
  DeviceInfo info_{};
};

/// Owning device memory. Movable, not copyable.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  /// Contents are undefined. Throws Error(environment) that names `what` and the sizes when the device has too little.
  DeviceBuffer(const DeviceContext& context, std::uint64_t bytes, const char* what);
  /// The same, zeroed.
  static DeviceBuffer zeroed(const DeviceContext& context, std::uint64_t bytes, const char* what);

  std::uint64_t size() const { return size_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(memory_.get());
  }
  /// Copies host memory in or out, queued; see DeviceApi::upload for how long the host's side must live.
  void upload(const void* from, std::uint64_t bytes, std::uint64_t offset = 0) const;
  void download(void* to, std::uint64_t bytes, std::uint64_t offset = 0) const;

 private:
  struct Release {
    const DeviceContext* context;
    bool host;  // memory from allocate_host
    void operator()(void* memory) const;
  };
  friend class HostBuffer;
  const DeviceContext* context_ = nullptr;
  std::unique_ptr<void, Release> memory_;
  std::uint64_t size_ = 0;
};

/// Page-locked host memory, for what crosses the bus at every launch.
class HostBuffer {
 public:
  HostBuffer() = default;
  HostBuffer(const DeviceContext& context, std::uint64_t bytes);
  template <class T>
  T* as() const {
    return static_cast<T*>(memory_.get());
  }

 private:
  std::unique_ptr<void, DeviceBuffer::Release> memory_;
};

/// A recorded sequence of operations.
class RecordedGraph {
 public:
  RecordedGraph() = default;
  /// Records what `queue_all` queues on the context. What it throws is passed on, the recording ended.
  template <class Fn>
  RecordedGraph(const DeviceContext& context, Fn&& queue_all) : RecordedGraph(context) {
    begin();
    try {
      queue_all();
    } catch (...) {
      end(true);
      throw;
    }
    end(false);
  }
  /// Queues everything once more. Needs a recording.
  void launch() const;

 private:
  explicit RecordedGraph(const DeviceContext& context) : context_(&context) {}
  void begin() const;
  void end(bool failing);
  struct Destroy {
    const DeviceContext* context;
    void operator()(DeviceGraph* graph) const;
  };
  const DeviceContext* context_ = nullptr;
  std::unique_ptr<DeviceGraph, Destroy> graph_;
};

}  // namespace faultline::ops
