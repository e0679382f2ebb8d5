// runtime.h over the CUDA runtime (linked statically, so that a machine without a driver can load the library and hear
// why it cannot use it). One stream a device context; memory is stream-ordered, so that releasing never waits for
// kernels.
#include "native/ops/cuda/runtime.h"

#include <cstdio>

namespace faultline::ops {

struct Device {
  int index = 0;
  cuda::Queue queue{};
  cudaMemPool_t pool = nullptr;  // of its own: the process's default pool is somebody else's
  cudaEvent_t marks[kDeviceMarks] = {};

  cudaStream_t stream() const { return queue.stream.handle; }
};

struct DeviceGraph {
  cudaGraphExec_t executable;
};

}  // namespace faultline::ops

namespace faultline::ops::cuda::runtime {
namespace {

thread_local char error_text[512] = "";

DeviceStatus kind_of(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return DeviceStatus::ok;
    case cudaErrorInsufficientDriver:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorCompatNotSupportedOnDevice:
    case cudaErrorInitializationError:
      return DeviceStatus::no_driver;
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
    case cudaErrorDevicesUnavailable:
      return DeviceStatus::no_device;
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
      return DeviceStatus::not_built_for;
    case cudaErrorInvalidValue:
    case cudaErrorInvalidConfiguration:
      return DeviceStatus::unsupported;
    case cudaErrorMemoryAllocation:
      return DeviceStatus::out_of_memory;
    // After these the context is broken: every further call fails the same way.
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorIllegalInstruction:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorHardwareStackError:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContextIsDestroyed:
    case cudaErrorAssert:
    case cudaErrorUnknown:
    case cudaErrorDeviceUninitialized:
      return DeviceStatus::lost;
    default:
      return DeviceStatus::failed;
  }
}

DeviceStatus told(cudaError_t error, const char* doing) {
  if (error == cudaSuccess) return DeviceStatus::ok;
  std::snprintf(error_text, sizeof error_text, "%s: %s (%s)", doing, cudaGetErrorString(error),
                cudaGetErrorName(error));
  cudaGetLastError();  // a call's own error must not be found again by the next one
  return kind_of(error);
}

}  // namespace

const char* const kBackendName = "cuda";

DeviceStatus device_count(std::int32_t* count) {
  *count = 0;
  int driver = 0;
  int runtime = 0;
  int devices = 0;
  if (const cudaError_t error = cudaRuntimeGetVersion(&runtime); error != cudaSuccess)
    return told(error, "reading the runtime's version");
  // Without a driver this is 0 and no error.
  if (const cudaError_t error = cudaDriverGetVersion(&driver); error != cudaSuccess)
    return told(error, "reading the driver's version");
  if (driver == 0) {
    std::snprintf(error_text, sizeof error_text, "there is no NVIDIA driver (this library needs one for CUDA %d)",
                  runtime / 1000);
    return DeviceStatus::no_driver;
  }
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error == cudaErrorInsufficientDriver) {
    cudaGetLastError();
    std::snprintf(error_text, sizeof error_text,
                  "the NVIDIA driver is for CUDA %d.%d, but this library needs one for CUDA %d or newer", driver / 1000,
                  driver % 1000 / 10, runtime / 1000);
    return DeviceStatus::no_driver;
  }
  if (error == cudaErrorNoDevice) {
    cudaGetLastError();
    std::snprintf(error_text, sizeof error_text, "there is no CUDA device");
    return DeviceStatus::no_device;
  }
  if (error != cudaSuccess) return told(error, "counting devices");
  *count = devices;
  return DeviceStatus::ok;
}

DeviceStatus device_info(std::int32_t index, DeviceInfo* info) {
  *info = {};
  cudaDeviceProp properties{};
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, index); error != cudaSuccess)
    return told(error, "reading a device's properties");
  std::snprintf(info->name, sizeof info->name, "%.*s", static_cast<int>(sizeof info->name) - 1, properties.name);
  info->major = properties.major;
  info->minor = properties.minor;
  info->multiprocessors = properties.multiProcessorCount;
  info->total_bytes = properties.totalGlobalMem;
  cudaDriverGetVersion(&info->driver);
  cudaRuntimeGetVersion(&info->runtime);
  return DeviceStatus::ok;
}

const char* last_error() { return error_text; }

DeviceStatus open(std::int32_t index, Device** device) {
  *device = nullptr;
  DeviceInfo info;
  if (const DeviceStatus status = device_info(index, &info); status != DeviceStatus::ok) return status;
  if (const cudaError_t error = cudaSetDevice(index); error != cudaSuccess) return told(error, "choosing the device");
  // The waiting thread sleeps: its core belongs to the sandbox's programs.
  cudaSetDeviceFlags(cudaDeviceScheduleBlockingSync);
  cudaGetLastError();
  auto* const opened = new Device;
  opened->index = index;
  cudaStream_t stream = nullptr;
  cudaError_t error = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  opened->queue = {{stream, info.major >= 9}, info.multiprocessors, 10 * info.major + info.minor};
  for (cudaEvent_t& mark : opened->marks) {
    if (error == cudaSuccess) error = cudaEventCreateWithFlags(&mark, cudaEventBlockingSync | cudaEventDisableTiming);
  }
  // Released memory is kept for the next group's prompt instead of going back to the driver at every synchronisation.
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location = {cudaMemLocationTypeDevice, index};
  std::uint64_t keep = UINT64_MAX;
  if (error == cudaSuccess) error = cudaMemPoolCreate(&opened->pool, &properties);
  if (error == cudaSuccess) error = cudaMemPoolSetAttribute(opened->pool, cudaMemPoolAttrReleaseThreshold, &keep);
  if (error != cudaSuccess) {
    const DeviceStatus status = told(error, "creating a stream, its marks and a memory pool");
    close(opened);
    return status;
  }
  *device = opened;
  return DeviceStatus::ok;
}

void close(Device* device) {
  if (device == nullptr) return;
  cudaSetDevice(device->index);
  if (device->stream() != nullptr) {
    cudaStreamSynchronize(device->stream());
    cudaStreamDestroy(device->stream());
  }
  for (cudaEvent_t const mark : device->marks) {
    if (mark != nullptr) cudaEventDestroy(mark);
  }
  if (device->pool != nullptr) cudaMemPoolDestroy(device->pool);
  cudaGetLastError();
  delete device;
}

DeviceStatus memory(Device* device, std::uint64_t* free_bytes, std::uint64_t* peak_bytes) {
  *free_bytes = 0;
  *peak_bytes = 0;
  std::size_t free = 0;
  std::size_t total = 0;
  if (const cudaError_t error = cudaMemGetInfo(&free, &total); error != cudaSuccess)
    return told(error, "asking for free memory");
  // What the pool keeps of released memory is ours to allocate again.
  std::uint64_t reserved = 0;
  std::uint64_t used = 0;
  cudaError_t error = cudaMemPoolGetAttribute(device->pool, cudaMemPoolAttrReservedMemCurrent, &reserved);
  if (error == cudaSuccess) error = cudaMemPoolGetAttribute(device->pool, cudaMemPoolAttrUsedMemCurrent, &used);
  if (error == cudaSuccess) error = cudaMemPoolGetAttribute(device->pool, cudaMemPoolAttrUsedMemHigh, peak_bytes);
  *free_bytes = free + (reserved - used);
  return told(error, "asking for free memory");
}

DeviceStatus allocate(Device* device, std::uint64_t bytes, void** memory) {
  *memory = nullptr;
  return told(cudaMallocFromPoolAsync(memory, bytes, device->pool, device->stream()), "allocating memory");
}

void release(Device* device, void* memory) {
  if (memory == nullptr) return;
  cudaFreeAsync(memory, device->stream());
  cudaGetLastError();
}

DeviceStatus allocate_host(Device* device, std::uint64_t bytes, void** memory) {
  (void)device;
  *memory = nullptr;
  return told(cudaMallocHost(memory, bytes), "locking host memory");
}

void release_host(Device* device, void* memory) {
  if (memory == nullptr) return;
  cudaStreamSynchronize(device->stream());  // a copy may still read it
  cudaFreeHost(memory);
  cudaGetLastError();
}

DeviceStatus upload(Device* device, void* to, const void* from, std::uint64_t bytes) {
  return told(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device->stream()), "copying to the device");
}

DeviceStatus download(Device* device, void* to, const void* from, std::uint64_t bytes) {
  return told(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device->stream()), "copying from the device");
}

DeviceStatus clear(Device* device, void* memory, std::uint64_t bytes) {
  return told(cudaMemsetAsync(memory, 0, bytes, device->stream()), "clearing memory");
}

DeviceStatus synchronize(Device* device) { return told(cudaStreamSynchronize(device->stream()), "waiting"); }

DeviceStatus mark(Device* device, std::int32_t index) {
  return told(cudaEventRecord(device->marks[index], device->stream()), "marking");
}

DeviceStatus wait(Device* device, std::int32_t index) {
  return told(cudaEventSynchronize(device->marks[index]), "waiting");
}

DeviceStatus begin_capture(Device* device) {
  return told(cudaStreamBeginCapture(device->stream(), cudaStreamCaptureModeThreadLocal), "recording");
}

DeviceStatus end_capture(Device* device, DeviceGraph** graph) {
  *graph = nullptr;
  cudaGraph_t recorded = nullptr;
  if (const cudaError_t error = cudaStreamEndCapture(device->stream(), &recorded); error != cudaSuccess)
    return told(error, "recording");
  cudaGraphExec_t executable = nullptr;
  const cudaError_t error = cudaGraphInstantiate(&executable, recorded, 0);
  cudaGraphDestroy(recorded);
  if (error != cudaSuccess) return told(error, "preparing a recorded step");
  *graph = new DeviceGraph{executable};
  return DeviceStatus::ok;
}

DeviceStatus launch(Device* device, DeviceGraph* graph) {
  return told(cudaGraphLaunch(graph->executable, device->stream()), "launching a recorded step");
}

void destroy_graph(Device* device, DeviceGraph* graph) {
  if (graph == nullptr) return;
  cudaStreamSynchronize(device->stream());  // it may be running
  cudaGraphExecDestroy(graph->executable);
  cudaGetLastError();
  delete graph;
}

const Queue& queue(Device* device) { return device->queue; }

DeviceStatus status_of(simt::LaunchStatus status, const char* op) { return told(status, op); }

}  // namespace faultline::ops::cuda::runtime
