// The emulated counterpart of native/ops/cuda/runtime.cu: a device whose memory is the host's, one stream, recorded
// operations. What is queued runs at once, unless it is being recorded; so nothing here finds a missing synchronize.
//
// Environment, for tests of errors: FAULTLINE_SIMT_MEMORY is the device's memory in bytes (2 GiB where not set).
// FAULTLINE_SIMT_FAIL is no_driver or no_device, for what device_count then reports, or lost:<n>: of the kernels and
// graphs that are launched and the waits (synchronize, wait) after a device was opened, the n-th, from 1, and all after
// it report that it is lost. FAULTLINE_SIMT_CAPABILITY is the compute capability, 10 * major + minor (90 where not
// set). Read by device_count, device_info and open.
#include "native/ops/cuda/runtime.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace faultline::ops {

struct Device {
  cuda::simt::StreamState stream;
  cuda::Queue queue;
  std::uint64_t total_bytes = 0;
  std::uint64_t own_bytes = 0;   // allocated now
  std::uint64_t peak_bytes = 0;  // at any time
  std::unordered_map<void*, std::uint64_t> allocations;
  bool marked[kDeviceMarks] = {};
};

struct DeviceGraph {
  std::vector<std::function<cuda::simt::LaunchStatus()>> operations;
};

}  // namespace faultline::ops

namespace faultline::ops::cuda::runtime {

const char* const kBackendName = "emulated";

namespace {

constexpr std::uint64_t kDefaultBytes = std::uint64_t{2} << 30;
constexpr std::size_t kAlignment = 256;
constexpr std::int32_t kDefaultCapability = 90;
// Few, so that tests of work that is divided among them stay small.
constexpr std::int32_t kMultiprocessors = 4;

thread_local std::string error_text;
// Of all devices that are open: they share the one device's memory.
std::atomic<std::uint64_t> used_bytes{0};

DeviceStatus report(DeviceStatus status, std::string text) {
  error_text = std::move(text);
  return status;
}

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::uint64_t memory_limit() {
  const std::string_view limit = environment("FAULTLINE_SIMT_MEMORY");
  return limit.empty() ? kDefaultBytes : std::strtoull(limit.data(), nullptr, 10);
}

std::int32_t capability() {
  const std::string_view wanted = environment("FAULTLINE_SIMT_CAPABILITY");
  return wanted.empty() ? kDefaultCapability : std::atoi(wanted.data());
}

std::uint64_t free_of(std::uint64_t total) {
  const std::uint64_t used = used_bytes.load();
  return used < total ? total - used : 0;
}

/// Runs `operation`, or records it.
DeviceStatus submit(Device* device, const char* what, std::function<simt::LaunchStatus()> operation) {
  if (device->stream.lost) return status_of(simt::LaunchStatus::lost, what);
  if (device->stream.capturing) {
    device->stream.recorded.push_back(std::move(operation));
    return DeviceStatus::ok;
  }
  return status_of(operation(), what);
}

/// Takes one step towards the loss that FAULTLINE_SIMT_FAIL asks for.
bool is_lost(simt::StreamState& stream) {
  if (stream.until_lost == 0) stream.lost = true;
  if (stream.until_lost > 0) --stream.until_lost;
  return stream.lost;
}

DeviceStatus copy(Device* device, const char* what, void* to, const void* from, std::uint64_t bytes) {
  if (bytes == 0) return DeviceStatus::ok;
  return submit(device, what, [to, from, bytes] {
    std::memcpy(to, from, static_cast<std::size_t>(bytes));
    return simt::kLaunched;
  });
}

/// Null where the host has no more.
void* host_memory(std::uint64_t bytes) {
  void* memory = nullptr;
  if (::posix_memalign(&memory, kAlignment, static_cast<std::size_t>(bytes)) != 0) return nullptr;
  std::memset(memory, 0xFF, static_cast<std::size_t>(bytes));  // undefined contents should look it: NaN
  return memory;
}

}  // namespace

DeviceStatus device_count(std::int32_t* count) {
  *count = 0;
  const std::string_view fail = environment("FAULTLINE_SIMT_FAIL");
  if (fail == "no_driver")
    return report(DeviceStatus::no_driver, "no driver: FAULTLINE_SIMT_FAIL asks the emulator to have none");
  if (fail == "no_device")
    return report(DeviceStatus::no_device, "no device: FAULTLINE_SIMT_FAIL asks the emulator to have none");
  *count = 1;
  return DeviceStatus::ok;
}

DeviceStatus device_info(std::int32_t index, DeviceInfo* info) {
  std::int32_t count = 0;
  if (const DeviceStatus status = device_count(&count); status != DeviceStatus::ok) return status;
  if (index < 0 || index >= count)
    return report(DeviceStatus::no_device,
                  "there is no device " + std::to_string(index) + ": the emulator has device 0");
  *info = {};
  std::snprintf(info->name, sizeof info->name, "%s", "SIMT emulator (correctness only)");
  info->major = capability() / 10;
  info->minor = capability() % 10;
  info->multiprocessors = kMultiprocessors;
  info->total_bytes = memory_limit();
  return DeviceStatus::ok;
}

const char* last_error() { return error_text.c_str(); }

DeviceStatus open(std::int32_t index, Device** device) {
  *device = nullptr;
  DeviceInfo info;
  if (const DeviceStatus status = device_info(index, &info); status != DeviceStatus::ok) return status;
  *device = new Device;
  (*device)->total_bytes = info.total_bytes;
  (*device)->queue = {&(*device)->stream, kMultiprocessors, 10 * info.major + info.minor};
  const std::string_view fail = environment("FAULTLINE_SIMT_FAIL");
  constexpr std::string_view kLost = "lost:";
  if (fail.substr(0, kLost.size()) == kLost)
    (*device)->stream.until_lost = std::strtoll(fail.data() + kLost.size(), nullptr, 10) - 1;
  return DeviceStatus::ok;
}

// Memory that is still allocated leaks, so that LeakSanitizer names the place that forgot it.
void close(Device* device) { delete device; }

DeviceStatus memory(Device* device, std::uint64_t* free_bytes, std::uint64_t* peak_bytes) {
  *free_bytes = free_of(device->total_bytes);
  *peak_bytes = device->peak_bytes;
  return DeviceStatus::ok;
}

DeviceStatus allocate(Device* device, std::uint64_t bytes, void** memory) {
  *memory = nullptr;
  if (device->stream.lost) return status_of(simt::LaunchStatus::lost, "allocate");
  if (bytes == 0) return DeviceStatus::ok;
  const std::uint64_t left = free_of(device->total_bytes);
  void* const found = bytes <= left ? host_memory(bytes) : nullptr;
  if (found == nullptr)
    return report(DeviceStatus::out_of_memory, "out of device memory: " + std::to_string(bytes) + " bytes wanted, " +
                                                   std::to_string(left) + " of " + std::to_string(device->total_bytes) +
                                                   " are free");
  used_bytes += bytes;
  device->own_bytes += bytes;
  device->peak_bytes = std::max(device->peak_bytes, device->own_bytes);
  device->allocations.emplace(found, bytes);
  *memory = found;
  return DeviceStatus::ok;
}

void release(Device* device, void* memory) {
  if (memory == nullptr) return;
  const auto found = device->allocations.find(memory);
  if (found == device->allocations.end()) {
    std::fprintf(stderr, "release: %p was not allocated on this device, or was released before\n", memory);
    std::abort();
  }
  used_bytes -= found->second;
  device->own_bytes -= found->second;
  device->allocations.erase(found);
  std::free(memory);
}

DeviceStatus allocate_host(Device*, std::uint64_t bytes, void** memory) {
  *memory = nullptr;
  if (bytes == 0) return DeviceStatus::ok;
  *memory = host_memory(bytes);
  if (*memory != nullptr) return DeviceStatus::ok;
  return report(DeviceStatus::out_of_memory, "out of page-locked memory: " + std::to_string(bytes) + " bytes wanted");
}

void release_host(Device*, void* memory) { std::free(memory); }

DeviceStatus upload(Device* device, void* to, const void* from, std::uint64_t bytes) {
  return copy(device, "upload", to, from, bytes);
}

DeviceStatus download(Device* device, void* to, const void* from, std::uint64_t bytes) {
  return copy(device, "download", to, from, bytes);
}

DeviceStatus clear(Device* device, void* memory, std::uint64_t bytes) {
  if (bytes == 0) return DeviceStatus::ok;
  return submit(device, "clear", [memory, bytes] {
    std::memset(memory, 0, static_cast<std::size_t>(bytes));
    return simt::kLaunched;
  });
}

DeviceStatus synchronize(Device* device) {
  if (device->stream.capturing)
    return report(DeviceStatus::failed, "synchronize: operations are being recorded, there is nothing to wait for");
  return status_of(is_lost(device->stream) ? simt::LaunchStatus::lost : simt::kLaunched, "synchronize");
}

DeviceStatus mark(Device* device, std::int32_t index) {
  if (index < 0 || index >= kDeviceMarks)
    return report(DeviceStatus::unsupported, "mark: there is no mark " + std::to_string(index));
  if (device->stream.capturing) return report(DeviceStatus::failed, "mark: operations are being recorded");
  device->marked[index] = true;
  return DeviceStatus::ok;
}

DeviceStatus wait(Device* device, std::int32_t index) {
  if (index < 0 || index >= kDeviceMarks || !device->marked[index])
    return report(DeviceStatus::failed, "wait: " + std::to_string(index) + " was not marked");
  return synchronize(device);
}

DeviceStatus begin_capture(Device* device) {
  if (device->stream.lost) return status_of(simt::LaunchStatus::lost, "begin_capture");
  if (device->stream.capturing)
    return report(DeviceStatus::failed, "begin_capture: operations are being recorded already");
  device->stream.capturing = true;
  return DeviceStatus::ok;
}

DeviceStatus end_capture(Device* device, DeviceGraph** graph) {
  *graph = nullptr;
  if (!device->stream.capturing) return report(DeviceStatus::failed, "end_capture: nothing was being recorded");
  device->stream.capturing = false;
  *graph = new DeviceGraph{std::exchange(device->stream.recorded, {})};
  return DeviceStatus::ok;
}

DeviceStatus launch(Device* device, DeviceGraph* graph) {
  if (device->stream.capturing) return report(DeviceStatus::failed, "launch: a graph cannot be recorded into another");
  if (is_lost(device->stream)) return status_of(simt::LaunchStatus::lost, "launch");
  for (const auto& operation : graph->operations)
    if (const simt::LaunchStatus status = operation(); status != simt::kLaunched) return status_of(status, "launch");
  return DeviceStatus::ok;
}

void destroy_graph(Device*, DeviceGraph* graph) { delete graph; }

const Queue& queue(Device* device) { return device->queue; }

DeviceStatus status_of(simt::LaunchStatus status, const char* op) {
  const std::string prefix = std::string(op) + ": ";
  switch (status) {
    case simt::LaunchStatus::launched:
      return DeviceStatus::ok;
    case simt::LaunchStatus::no_variant:
      return report(DeviceStatus::unsupported, prefix + "there is no kernel for these arguments");
    case simt::LaunchStatus::bad_launch:
      return report(DeviceStatus::unsupported, prefix + simt::last_fault());
    case simt::LaunchStatus::faulted:
      return report(DeviceStatus::lost, prefix + simt::last_fault());
    case simt::LaunchStatus::lost:
      return report(DeviceStatus::lost, prefix + "the device is lost");
  }
  return report(DeviceStatus::failed, prefix + "failed");
}

}  // namespace faultline::ops::cuda::runtime
