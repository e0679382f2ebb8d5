// What the functions that queue kernels get and return, and what they all ask of a pointer. Host side; known to the
// folder alone.
#pragma once

#include "native/ops/cuda/simt.h"
#include "native/ops/device_api.h"

namespace faultline::ops::cuda {

/// Where to queue, and what the device is.
struct Queue {
  simt::Stream stream;
  std::int32_t multiprocessors;
  std::int32_t capability;  // 10 * major + minor
};

/// Whether kernels may read and write Word4s from there on. Null is aligned.
inline bool is_aligned16(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer) % sizeof(simt::Word4) == 0;
}

#define FAULTLINE_DEVICE_ARGS_embed DeviceEmbedArgs
#define FAULTLINE_DEVICE_ARGS_layernorm DeviceLayerNormArgs
#define FAULTLINE_DEVICE_ARGS_gemm DeviceGemmArgs
#define FAULTLINE_DEVICE_ARGS_attend DeviceAttendArgs
#define FAULTLINE_DEVICE_ARGS_sample DeviceSampleArgs
#define FAULTLINE_DEVICE_KERNEL(op, type, function) \
  simt::LaunchStatus function(const Queue& queue, const FAULTLINE_DEVICE_ARGS_##op& args);
#include "native/ops/cuda/kernels.def"
#undef FAULTLINE_DEVICE_KERNEL

}  // namespace faultline::ops::cuda
