// A file mapped read-only into memory, unmapped on destruction. Knows no format.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace faultline::base {

/// Movable, not copyable. Safe to read from any number of threads. The file must not be truncated by others while it
/// is mapped (the system then raises SIGBUS, for any program that maps files).
class MappedFile {
 public:
  /// Throws Error(input) that names the file and the system's reason, and at once where a pipe or a device stands in
  /// its place; Error(environment) where memory or descriptors are lacking. An empty file maps to an empty span.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  void unmap() noexcept;
  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Gives back the memory of the pages that lie wholly within `bytes` of a mapped file: whoever reads them again gets
/// them from the file. Changes nothing that can be read.
void forget_pages(std::span<const std::byte> bytes);

}  // namespace faultline::base
