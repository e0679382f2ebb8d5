#include "native/ops/device.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "native/base/bytes_text.h"
#include "native/base/check.h"
#include "native/base/error.h"

namespace faultline::ops {
namespace {

using base::Error;
using base::ErrorCode;

constexpr const char* kLibraryFile = "libfaultline_cuda.so";

/// The library, looked for once and never unloaded: a context's memory may be released as late as at exit.
struct Library {
  const DeviceApi* api = nullptr;
  std::string path;
  std::string refused;
  std::string hint;
};

/// The folder of the program or addon that this code stands in.
std::string own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return ".";
  std::error_code unreadable;
  const std::filesystem::path file = std::filesystem::absolute(info.dli_fname, unreadable);
  return unreadable ? "." : file.parent_path().string();
}

Library load_library() {
  Library library;
  const char* const asked = std::getenv("FAULTLINE_CUDA_LIBRARY");
  const bool by_name = asked != nullptr && *asked != '\0';
  std::error_code unreadable;
  // Absolute, because the loader would look a bare name up in the system's folders.
  library.path = by_name ? std::filesystem::absolute(asked, unreadable).string() : own_folder() + "/" + kLibraryFile;
  if (!std::filesystem::exists(library.path, unreadable)) {
    library.refused = by_name ? "FAULTLINE_CUDA_LIBRARY names " + library.path + ", which is not there"
                              : "this build has no CUDA library (" + library.path + ")";
    library.hint = by_name ? "Correct FAULTLINE_CUDA_LIBRARY, or unset it."
                           : "Install the CUDA toolkit and rebuild with FAULTLINE_CUDA=ON.";
    return library;
  }
  void* const handle = dlopen(library.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    library.refused = "the CUDA library cannot be loaded: " + std::string(dlerror());
    library.hint =
        by_name ? "Correct FAULTLINE_CUDA_LIBRARY, or unset it." : "Rebuild it on this machine with FAULTLINE_CUDA=ON.";
    return library;
  }
  const auto entry = reinterpret_cast<DeviceEntryPoint>(dlsym(handle, kDeviceEntryPoint));
  library.api = entry == nullptr ? nullptr : entry(kDeviceAbi);
  if (library.api == nullptr) {
    library.refused = library.path + " belongs to another version of faultline";
    library.hint = "Rebuild it: `npm run build:native` with FAULTLINE_CUDA=ON.";
  }
  return library;
}

const Library& library() {
  static const Library loaded = load_library();
  return loaded;
}

const char* hint_for(DeviceStatus status) {
  switch (status) {
    case DeviceStatus::no_driver:
      return "Install or update the NVIDIA driver, or use --device cpu.";
    case DeviceStatus::no_device:
      return "Make a GPU visible (see CUDA_VISIBLE_DEVICES), or use --device cpu.";
    case DeviceStatus::out_of_memory:
      return "Lower --memory or --batch, close other programs that use the GPU, or use --device cpu.";
    case DeviceStatus::lost:
      return "Look at the system log and nvidia-smi; the run resumes from what was stored once the GPU is back.";
    case DeviceStatus::not_built_for:
      return "Rebuild with FAULTLINE_CUDA=ON on this machine, or use --device cpu.";
    case DeviceStatus::ok:
      return "";
    case DeviceStatus::unsupported:
    case DeviceStatus::failed:
      break;
  }
  return "Run nvidia-smi; if that finds the GPU well, use --device cpu and report this.";
}

}  // namespace

DeviceReport device_report() {
  const Library& found = library();
  DeviceReport report;
  report.library = found.path;
  if (found.api == nullptr) {
    report.refused = found.refused;
    report.hint = found.hint;
    return report;
  }
  const DeviceApi& api = *found.api;
  report.backend = api.name;
  report.kernels.assign(api.kernels, api.kernels + api.kernel_count);
  std::int32_t count = 0;
  DeviceStatus status = api.device_count(&count);
  for (std::int32_t i = 0; status == DeviceStatus::ok && i < count; ++i) {
    DeviceInfo info{};
    const DeviceStatus described = api.device_info(i, &info);
    if (described == DeviceStatus::ok) report.devices.push_back(info);
    if (i == 0) status = described;  // the one that is used; others may be broken
  }
  if (status == DeviceStatus::ok && count == 0) status = DeviceStatus::no_device;
  if (status != DeviceStatus::ok) {
    report.refused = count == 0 && status == DeviceStatus::no_device ? "there is no CUDA device" : api.last_error();
    report.hint = hint_for(status);
    return report;
  }
  const DeviceInfo& first = report.devices.front();
  if (10 * first.major + first.minor < kCapabilityLeast) {
    report.refused = std::string(first.name) + " has compute capability " + std::to_string(first.major) + "." +
                     std::to_string(first.minor) + ", but the kernels need 8.0 (Ampere) or newer";
    report.hint = "Use --device cpu, or another GPU (see CUDA_VISIBLE_DEVICES).";
    return report;
  }
  report.usable = true;
  return report;
}

DeviceContext::DeviceContext() : api_(library().api) {
  const DeviceReport report = device_report();
  if (!report.usable) throw Error(ErrorCode::environment, "CUDA cannot be used: " + report.refused, report.hint);
  info_ = report.devices.front();
  check(api_->open(0, &device_), std::string("opening ") + info_.name);
}

DeviceContext::~DeviceContext() {
  if (device_ != nullptr) api_->close(device_);
}

base::PromisedMemory& DeviceContext::promises() {
  static base::PromisedMemory memory;  // of the first device, the only one that is opened
  return memory;
}

DeviceContext::Memory DeviceContext::memory() const {
  Memory memory{};
  check(api_->memory(device_, &memory.free, &memory.peak), "asking for the device's free memory");
  return memory;
}

void DeviceContext::check(DeviceStatus status, const std::string& doing) const {
  if (status == DeviceStatus::ok) return;
  const char* const kind = status == DeviceStatus::lost            ? "the device was lost while "
                           : status == DeviceStatus::out_of_memory ? "the device's memory ran out while "
                                                                   : "the device failed while ";
  throw Error(ErrorCode::environment, kind + doing + " (" + info_.name + "): " + api_->last_error(), hint_for(status));
}

void DeviceBuffer::Release::operator()(void* memory) const {
  host ? context->api().release_host(context->raw(), memory) : context->api().release(context->raw(), memory);
}

DeviceBuffer::DeviceBuffer(const DeviceContext& context, std::uint64_t bytes, const char* what)
    : context_(&context), memory_(nullptr, Release{&context, false}), size_(bytes) {
  if (bytes == 0) return;
  void* memory = nullptr;
  context.check(context.api().allocate(context.raw(), bytes, &memory),
                "allocating " + base::bytes_text(bytes) + " for " + what);
  memory_.reset(memory);
}

DeviceBuffer DeviceBuffer::zeroed(const DeviceContext& context, std::uint64_t bytes, const char* what) {
  DeviceBuffer buffer(context, bytes, what);
  if (bytes != 0) context.check(context.api().clear(context.raw(), buffer.as<void>(), bytes), "clearing memory");
  return buffer;
}

void DeviceBuffer::upload(const void* from, std::uint64_t bytes, std::uint64_t offset) const {
  FAULTLINE_CHECK(offset + bytes <= size_);
  if (bytes != 0)
    context_->check(context_->api().upload(context_->raw(), as<char>() + offset, from, bytes), "sending data");
}

void DeviceBuffer::download(void* to, std::uint64_t bytes, std::uint64_t offset) const {
  FAULTLINE_CHECK(offset + bytes <= size_);
  if (bytes != 0)
    context_->check(context_->api().download(context_->raw(), to, as<char>() + offset, bytes), "fetching data");
}

HostBuffer::HostBuffer(const DeviceContext& context, std::uint64_t bytes)
    : memory_(nullptr, DeviceBuffer::Release{&context, true}) {
  void* memory = nullptr;
  context.check(context.api().allocate_host(context.raw(), bytes, &memory), "locking host memory");
  memory_.reset(memory);
}

void RecordedGraph::Destroy::operator()(DeviceGraph* graph) const {
  context->api().destroy_graph(context->raw(), graph);
}

void RecordedGraph::begin() const {
  context_->check(context_->api().begin_capture(context_->raw()), "recording a step");
}

void RecordedGraph::end(bool failing) {
  DeviceGraph* graph = nullptr;
  const DeviceStatus status = context_->api().end_capture(context_->raw(), &graph);
  graph_ = {graph, Destroy{context_}};
  if (!failing) context_->check(status, "recording a step");
}

void RecordedGraph::launch() const {
  FAULTLINE_CHECK(graph_ != nullptr);
  context_->check(context_->api().launch(context_->raw(), graph_.get()), "running a step");
}

}  // namespace faultline::ops
