#include "native/base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "native/base/error.h"

namespace faultline::base {
namespace {

// Closes on every way out of the constructor: the mapping outlives the descriptor.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
  throw Error(ErrorCode::input, path + ": " + reason);
}

/// What failed with `error_number`. Whatever is lacking of the machine, another file will not have it either.
[[noreturn]] void refuse(const std::string& path, const char* what, int error_number) {
  const std::string reason = std::string(what) + ": " + system_reason(error_number);
  if (error_number == ENOMEM)
    throw Error(ErrorCode::environment, path + ": " + reason, "Allow this process more memory.");
  if (error_number == EMFILE || error_number == ENFILE)
    throw Error(ErrorCode::environment, path + ": " + reason, "Allow more open files, such as by ulimit -n.");
  refuse(path, reason);
}

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  // Without O_NONBLOCK, opening a pipe waits for its writer, for ever if there is none; a regular file ignores it.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) refuse(path, "cannot be opened", errno);
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) refuse(path, "cannot be examined", errno);
  if (!S_ISREG(info.st_mode)) refuse(path, "is not a regular file");
  size_ = static_cast<std::size_t>(info.st_size);
  if (size_ == 0) return;
  void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (mapped == MAP_FAILED) refuse(path, "cannot be mapped", errno);
  data_ = static_cast<const std::byte*>(mapped);
}

MappedFile::~MappedFile() { unmap(); }

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    unmap();
    path_ = std::move(other.path_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void MappedFile::unmap() noexcept {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  data_ = nullptr;
  size_ = 0;
}

void forget_pages(std::span<const std::byte> bytes) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t first = (begin + page - 1) / page * page, end = (begin + bytes.size()) / page * page;
  // Refused, they stay until the file is unmapped.
  if (first < end) ::madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
}

}  // namespace faultline::base
