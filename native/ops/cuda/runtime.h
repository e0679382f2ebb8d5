// What stands behind the parts of the DeviceApi that are not kernels: devices, memory, the stream, graphs, error texts.
// Declarations only: runtime.cu defines them over the CUDA runtime, tests/native/simt/runtime.cc over the emulator, and
// a library links one of the two. The table (api.cu) is made of these functions and those of kernels.def; what each
// does, and on which thread, is stated in device_api.h. Known to this folder and the emulator alone.
#pragma once

#include <cstdint>

#include "native/ops/cuda/queue.h"
#include "native/ops/cuda/simt.h"
#include "native/ops/device_api.h"

namespace faultline::ops::cuda::runtime {

/// DeviceApi::name: "cuda" or "emulated".
extern const char* const kBackendName;

DeviceStatus device_count(std::int32_t* count);
DeviceStatus device_info(std::int32_t index, DeviceInfo* info);
/// Owned by the thread, valid until its next call that is not ok; "" before the first.
const char* last_error();

DeviceStatus open(std::int32_t index, Device** device);
/// Null: nothing. Whatever was allocated on the device and every graph is released first.
void close(Device* device);
DeviceStatus memory(Device* device, std::uint64_t* free_bytes, std::uint64_t* peak_bytes);
DeviceStatus allocate(Device* device, std::uint64_t bytes, void** memory);
void release(Device* device, void* memory);
DeviceStatus allocate_host(Device* device, std::uint64_t bytes, void** memory);
void release_host(Device* device, void* memory);
DeviceStatus upload(Device* device, void* to, const void* from, std::uint64_t bytes);
DeviceStatus download(Device* device, void* to, const void* from, std::uint64_t bytes);
DeviceStatus clear(Device* device, void* memory, std::uint64_t bytes);
DeviceStatus synchronize(Device* device);
DeviceStatus mark(Device* device, std::int32_t index);
DeviceStatus wait(Device* device, std::int32_t index);

DeviceStatus begin_capture(Device* device);
DeviceStatus end_capture(Device* device, DeviceGraph** graph);
DeviceStatus launch(Device* device, DeviceGraph* graph);
void destroy_graph(Device* device, DeviceGraph* graph);

/// Where kernels for `device` are queued; lives as long as the device.
const Queue& queue(Device* device);
/// What queueing operation `op` came to; anything but ok puts a sentence that names `op` into last_error.
DeviceStatus status_of(simt::LaunchStatus status, const char* op);

}  // namespace faultline::ops::cuda::runtime
