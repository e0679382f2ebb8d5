// The library's one export: the DeviceApi table, made of kernels.def and runtime.h. Chooses a kernel by the type of the
// operands and by the device; computes nothing.
#include "native/ops/cuda/gemm_bf16_hopper.h"
#include "native/ops/cuda/queue.h"
#include "native/ops/cuda/runtime.h"

namespace faultline::ops::cuda {
namespace {

constexpr DeviceKernelRow kKernels[] = {
#define FAULTLINE_DEVICE_KERNEL(op, type, function) {#op, #type, "cuda::" #function},
#include "native/ops/cuda/kernels.def"
#undef FAULTLINE_DEVICE_KERNEL
};

DeviceStatus embed_any(Device* device, const DeviceEmbedArgs* args) {
  return runtime::status_of(embed(runtime::queue(device), *args), "embed");
}

DeviceStatus layernorm_any(Device* device, const DeviceLayerNormArgs* args) {
  return runtime::status_of(layernorm(runtime::queue(device), *args), "layernorm");
}

DeviceStatus gemm_typed(Device* device, const DeviceGemmArgs* args) {
  const Queue& queue = runtime::queue(device);
  const bool hopper = simt::kWarpgroups && gemm_hopper_suits(queue.capability, args->m);
  const simt::LaunchStatus status = args->w.type == DeviceType::f32 ? gemm_f32(queue, *args)
                                    : hopper                        ? gemm_bf16_hopper(queue, *args)
                                                                    : gemm_bf16(queue, *args);
  return runtime::status_of(status, "gemm");
}

DeviceStatus attend_typed(Device* device, const DeviceAttendArgs* args) {
  const Queue& queue = runtime::queue(device);
  return runtime::status_of(args->shape.type == DeviceType::f32 ? attend_f32(queue, *args) : attend_bf16(queue, *args),
                            "attend");
}

DeviceStatus sample_any(Device* device, const DeviceSampleArgs* args) {
  return runtime::status_of(sample(runtime::queue(device), *args), "sample");
}

const DeviceApi& table() {
  static const DeviceApi api = {
      .abi = kDeviceAbi,
      .name = runtime::kBackendName,
      .kernels = kKernels,
      .kernel_count = static_cast<std::int32_t>(sizeof kKernels / sizeof kKernels[0]),
      .device_count = runtime::device_count,
      .device_info = runtime::device_info,
      .last_error = runtime::last_error,
      .open = runtime::open,
      .close = runtime::close,
      .memory = runtime::memory,
      .allocate = runtime::allocate,
      .release = runtime::release,
      .allocate_host = runtime::allocate_host,
      .release_host = runtime::release_host,
      .upload = runtime::upload,
      .download = runtime::download,
      .clear = runtime::clear,
      .synchronize = runtime::synchronize,
      .mark = runtime::mark,
      .wait = runtime::wait,
      .begin_capture = runtime::begin_capture,
      .end_capture = runtime::end_capture,
      .launch = runtime::launch,
      .destroy_graph = runtime::destroy_graph,
      .embed = embed_any,
      .layernorm = layernorm_any,
      .gemm = gemm_typed,
      .attend = attend_typed,
      .sample = sample_any,
  };
  return api;
}

}  // namespace
}  // namespace faultline::ops::cuda

extern "C" __attribute__((visibility("default"))) const faultline::ops::DeviceApi* faultline_device_api(
    std::int32_t abi) {
  return abi == faultline::ops::kDeviceAbi ? &faultline::ops::cuda::table() : nullptr;
}
