// The boundary between faultline and a device backend: a C table of functions and plain structs, so that the backend is
// a shared library of its own which is loaded when present (device.h). Two libraries implement it from the same
// sources in ops/cuda/: libfaultline_cuda.so (nvcc) and, for tests, the SIMT emulator (g++). Data and shapes only: no
// code, no standard-library types, no model.
//
// What each operation computes is stated in ops.h and holds here too, with device pointers in place of host pointers.
// Two families:
//   * DeviceType::f32: every operation is exact to the bit as ops.h says, so that results are those of the CPU engine;
//   * DeviceType::bf16: weights, keys, values and the inputs of matrix products are bfloat16, rounded to nearest (ties
//   to
//     even); accumulation, softmax state and the residual stream are float. A result depends on its row alone, never on
//     how many rows there are (kernel family "mma2": the number is another one whenever the order of sums is).
// The sampler is one for both: given the same logits it returns the CPU's token, log-probability and entropy, to the
// bit.
//
// Operations are queued on the device's one stream and return at once; between begin_capture and end_capture they are
// recorded instead. Numbers that change from step to step (tokens, positions, lengths, keys, masks) stand in DeviceRow
// in device memory, so that a recorded graph can be replayed for any batch of that size.
#pragma once

#include <cstdint>

namespace faultline::ops {

/// Changes with every change of this file.
inline constexpr std::int32_t kDeviceAbi = 3;

enum class DeviceType : std::uint8_t { f32, bf16 };

/// Row strides of activations (in elements) and both sides of device weights are multiples of this, padded with zeros.
/// Zeros in the padding are an invariant: inputs have them, and every operation writes them.
inline constexpr std::int32_t kDevicePad = 64;
/// Rows of a device weight (the outputs of the matrix product) are padded to this.
inline constexpr std::int32_t kDevicePadOut = 128;
/// Largest width of bfloat16 rows: what the layer norm keeps in registers.
inline constexpr std::int32_t kDeviceWidthMost = 4096;
/// Largest head width; head widths are padded in keys and values, see device_dim().
inline constexpr std::int32_t kDeviceDimMost = 128;
/// Most rows of one attention tile: neighbours that share a prefix.
inline constexpr std::int32_t kDeviceTileRows = 64;
/// Keys that one block of the bfloat16 prefix kernel folds before partial results are merged; counted from the start of
/// the prefix, so that the split does not depend on the batch.
inline constexpr std::int32_t kDeviceSplitKeys = 256;
/// Places in the stream of queued operations that can be marked at a time.
inline constexpr std::int32_t kDeviceMarks = 2;
/// Most candidates in Gumbel order that a draw returns beside its token.
inline constexpr std::int32_t kDeviceCandidates = 16;

constexpr std::int32_t device_round_up(std::int32_t n, std::int32_t step) { return (n + step - 1) / step * step; }
/// Elements from one row of activations of that width to the next.
constexpr std::int64_t device_stride(std::int32_t width) { return device_round_up(width, kDevicePad); }
constexpr std::uint64_t device_element_size(DeviceType type) { return type == DeviceType::f32 ? 4 : 2; }
/// Elements of one head's key or value in device memory: 16, 32, 64 or 128; those past the head width are zero.
constexpr std::int32_t device_dim(std::int32_t head_width) {
  return head_width <= 16 ? 16 : head_width <= 32 ? 32 : head_width <= 64 ? 64 : 128;
}

/// One token of a batch, or a dead row (live == 0), of which nothing is computed that anybody reads. Written by the
/// host between launches; advanced by `sample`. Keys and values of a segment are [layer][head][2][capacity][dim], keys
/// first, with capacity a multiple of 16 and dim = device_dim(head width).
struct DeviceRow {
  std::int32_t live;
  std::int32_t token;
  std::int32_t position;  // absolute; < context
  std::int32_t prefix_visible;
  const void* prefix;  // segment that its neighbours share; null: none
  void* write_to;      // segment that takes this token's key and value, at write_at
  std::int32_t prefix_capacity;
  std::int32_t write_capacity;
  std::int32_t write_at;
  std::int32_t suffix_visible;  // keys of write_to that it attends to after the prefix, the last being its own at
                                // write_at; 0: none

  // The draw that follows (ops.h, DrawArgs, says which random numbers it reads; its position is position + 1).
  const float* first_logits;  // read instead of the step's logits where SampleArgs::first is set
  const std::uint64_t* mask;  // condition on the draw (sampler.h), words for the whole vocabulary; null: none
  std::uint64_t key;
  std::uint32_t sample;
  float temperature;  // 0: greedy
  std::int32_t top_k;
  float top_p;
  std::int32_t stop_token;  // ends the row; -1: none
  std::int32_t remaining;   // tokens that it may still draw; at 0 it is dead
};

enum class DrawStatus : std::int32_t { drawn, nothing_allowed, not_finite, dead };

/// One draw. logprob and entropy are those of sampler::TokenDraw.
struct DeviceDraw {
  std::int32_t token;  // -1 unless status is drawn
  float logprob;
  float entropy;
  DrawStatus status;
};

/// A weight W [k, n] as the device reads it: `data` is [n_stride][k_stride], row j holding column j of W, zero past n
/// and k.
struct DeviceMatrix {
  const void* data;
  DeviceType type;
  std::int32_t k;
  std::int32_t n;
  std::int32_t k_stride;  // device_round_up(k, kDevicePad)
  std::int32_t n_stride;  // device_round_up(n, kDevicePadOut)
};

/// residual[r, :] = wte[token, :] + wpe[position, :]. wte is the DeviceMatrix [width, vocabulary]: its rows are tokens.
struct DeviceEmbedArgs {
  const DeviceRow* rows;
  std::int32_t count;
  DeviceMatrix wte;
  const float* wpe;  // [context, width]
  std::int32_t width;
  float* residual;  // [count, stride], zero past width
  std::int64_t stride;
};

/// ops.h's layer norm from float to `out_type`.
struct DeviceLayerNormArgs {
  const float* x;  // [rows, x_stride]
  std::int64_t x_stride;
  std::int32_t rows;
  std::int32_t width;
  const float* gamma;  // [width]
  const float* beta;   // [width]
  float eps;
  DeviceType out_type;
  void* out;  // [rows, out_stride], zero past width
  std::int64_t out_stride;
  float* scale;  // [rows] or null
};

/// out = epilogue(a W + bias). With w.type f32: ops.h's gemm to the bit, and out is float. With bf16: every output
/// is one chain of tensor-core products of 16 of k, ascending, rounded as the device's matrix unit does: a row's bits
/// do not depend on m, but may differ between devices.
struct DeviceGemmArgs {
  const void* a;  // [m, lda] of w.type; lda at least w.k_stride, a multiple of 8, zero past k
  std::int64_t lda;
  std::int32_t m;
  DeviceMatrix w;
  const float* bias;      // [n_stride] or null
  std::int32_t epilogue;  // ops::Epilogue
  const float* residual;  // [m, ldo] for Epilogue::residual; may equal out
  DeviceType out_type;    // f32 for Epilogue::residual
  void* out;              // [m, ldo]; columns [n, min(ldo, n_stride)) are written as zero, nothing past them
  std::int64_t ldo;       // at least n, a multiple of 8
};

/// What ops need to know of a model's keys and values.
struct DeviceKvShape {
  std::int32_t layers;
  std::int32_t heads;
  std::int32_t head_width;
  DeviceType type;
};

/// A run of rows that share a prefix, at most kDeviceTileRows of them. count 0: nothing.
struct DeviceTile {
  std::int32_t begin;
  std::int32_t count;
};

/// Stores each live row's key and value of `layer` in write_to at write_at, then attends: first to prefix_visible keys
/// of prefix, then to suffix_visible keys of write_to, and puts the heads' outputs side by side into z. For prompt rows
/// prefix == write_to, so the keys of all rows are stored before any is read.
struct DeviceAttendArgs {
  DeviceRow* rows;
  std::int32_t count;
  const DeviceTile* tiles;  // [tile_count], cover all rows
  std::int32_t tile_count;
  std::int32_t splits;  // at least 1; no prefix_visible exceeds splits * kDeviceSplitKeys
  DeviceKvShape shape;
  std::int32_t layer;
  float scale;
  const void* qkv;  // [count, qkv_stride] of shape.type: query, key, value, each heads * head_width wide
  std::int64_t qkv_stride;
  float* partial;  // bfloat16 only: [count][heads][splits][device_dim + 2] scratch: softmax states
  void* z;         // [count, z_stride] of shape.type, zero past heads * head_width
  std::int64_t z_stride;
  bool prompt;  // the rows are one or more prompts' (prefix == write_to, no suffix), not generated tokens
};

/// sampler::draw_token for every live row, then advances the row: position and suffix_visible move on by one, write_at
/// becomes the last visible key's place, remaining shrinks, and the row dies when it drew stop_token, drew nothing, or
/// has none remaining.
struct DeviceSampleArgs {
  DeviceRow* rows;
  std::int32_t count;
  const float* logits;  // [count, stride]
  std::int64_t stride;
  std::int32_t vocabulary;
  bool first;                // read each row's first_logits instead
  DeviceDraw* out;           // [count]
  std::int32_t* candidates;  // [count][kDeviceCandidates] tokens in descending order of their perturbed logits (the
                             // first is the token drawn; -1 where there are no more), or null
};

struct DeviceInfo {
  char name[128];
  std::int32_t major;  // compute capability
  std::int32_t minor;
  std::int32_t multiprocessors;
  std::int32_t driver;  // 13000 is CUDA 13.0; 0 where there is none
  std::int32_t runtime;
  std::uint64_t total_bytes;
};

/// One row of ops/cuda/kernels.def.
struct DeviceKernelRow {
  const char* op;
  const char* type;  // "f32", "bf16" or "any"
  const char* function;
};

/// What a call came to. Anything but ok leaves a sentence in last_error.
enum class DeviceStatus : std::int32_t {
  ok,
  no_driver,  // no driver, or one older than the library needs
  no_device,
  not_built_for,  // the library has no code for this device
  unsupported,    // these arguments
  out_of_memory,
  lost,  // the device fell off the bus, or a kernel faulted: nothing on it can be used any more
  failed,
};

struct Device;       // opaque: one context on one device, with one stream
struct DeviceGraph;  // opaque: recorded operations

/// Functions with a device are called by one thread at a time.
struct DeviceApi {
  std::int32_t abi;  // kDeviceAbi
  const char* name;  // "cuda" or "emulated"
  const DeviceKernelRow* kernels;
  std::int32_t kernel_count;

  DeviceStatus (*device_count)(std::int32_t* count);
  DeviceStatus (*device_info)(std::int32_t index, DeviceInfo* info);
  const char* (*last_error)();  // of this thread's last call that was not ok

  DeviceStatus (*open)(std::int32_t index, Device** device);
  void (*close)(Device* device);
  /// free_bytes: what can be allocated now, what the device keeps of released memory included; peak_bytes: the most
  /// that it had allocated at any time.
  DeviceStatus (*memory)(Device* device, std::uint64_t* free_bytes, std::uint64_t* peak_bytes);
  DeviceStatus (*allocate)(Device* device, std::uint64_t bytes, void** memory);  // 256-byte aligned, contents undefined
  void (*release)(Device* device, void* memory);
  DeviceStatus (*allocate_host)(Device* device, std::uint64_t bytes, void** memory);  // page-locked
  void (*release_host)(Device* device, void* memory);
  /// Queued. The host's side must stay as it is until synchronize, or a wait for a mark behind it, has returned.
  DeviceStatus (*upload)(Device* device, void* to, const void* from, std::uint64_t bytes);
  DeviceStatus (*download)(Device* device, void* to, const void* from, std::uint64_t bytes);
  DeviceStatus (*clear)(Device* device, void* memory, std::uint64_t bytes);
  DeviceStatus (*synchronize)(Device* device);
  /// Marks the end of what is queued; index is below kDeviceMarks, and its older mark is forgotten. Not while
  /// recording.
  DeviceStatus (*mark)(Device* device, std::int32_t index);
  /// Returns when everything queued before the mark is done, whatever is queued after it.
  DeviceStatus (*wait)(Device* device, std::int32_t index);

  DeviceStatus (*begin_capture)(Device* device);
  DeviceStatus (*end_capture)(Device* device, DeviceGraph** graph);
  DeviceStatus (*launch)(Device* device, DeviceGraph* graph);
  void (*destroy_graph)(Device* device, DeviceGraph* graph);

  DeviceStatus (*embed)(Device* device, const DeviceEmbedArgs* args);
  DeviceStatus (*layernorm)(Device* device, const DeviceLayerNormArgs* args);
  DeviceStatus (*gemm)(Device* device, const DeviceGemmArgs* args);
  DeviceStatus (*attend)(Device* device, const DeviceAttendArgs* args);
  DeviceStatus (*sample)(Device* device, const DeviceSampleArgs* args);
};

/// The one symbol that a backend exports: its table, or null when `abi` is another than its own.
inline constexpr const char* kDeviceEntryPoint = "faultline_device_api";
using DeviceEntryPoint = const DeviceApi* (*)(std::int32_t abi);

}  // namespace faultline::ops
