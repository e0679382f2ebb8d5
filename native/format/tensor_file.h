// What every weight file looks like to a model: tensors by name; and what the readers share. Knows no model and no
// particular format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "native/base/mapped_file.h"
#include "native/tensor/tensor_view.h"

namespace faultline::format {

/// Views live as long as the file object. Const functions may be called from any thread.
class TensorFile {
 public:
  virtual ~TensorFile() = default;
  /// The path errors should name: the file, or the index of a sharded one.
  virtual const std::string& path() const = 0;
  /// Sorted by name.
  virtual const std::vector<std::string>& names() const = 0;
  /// The tensor, or nothing.
  virtual std::optional<tensor::TensorView> find(std::string_view name) const = 0;

  /// The tensor, or Error(input) that names the file and the tensor.
  tensor::TensorView get(std::string_view name) const;

 protected:
  TensorFile() = default;
  TensorFile(const TensorFile&) = delete;
  TensorFile& operator=(const TensorFile&) = delete;
};

/// Throws Error(input) "<path>: <reason>".
[[noreturn]] void refuse_file(const std::string& path, const std::string& reason, const std::string& hint = {});

/// A tensor that a reader has found: [begin, end) is where it stands in the file's data, in bytes.
struct TensorEntry {
  std::string name;
  tensor::TensorView view;
  std::size_t begin;
  std::size_t end;
};

/// A file whose tensors are all in one piece of memory, which it may own. Readers derive from it and call `index` once.
class SingleTensorFile : public TensorFile {
 public:
  const std::string& path() const override { return path_; }
  const std::vector<std::string>& names() const override { return names_; }
  std::optional<tensor::TensorView> find(std::string_view name) const override;

 protected:
  /// Keeps the file mapped.
  explicit SingleTensorFile(base::MappedFile file) : path_(file.path()), file_(std::move(file)) {}
  /// Of memory that somebody else owns; `label` is its path in errors.
  explicit SingleTensorFile(std::string label) : path_(std::move(label)) {}

  /// Takes the tensors. Throws Error(input) unless every name stands there once, and the tensors, each rounded up to
  /// `alignment` bytes, fill `data_size` bytes without holes (the last may end unrounded): a file has no place to hide
  /// anything, as the reference implementations of both formats demand.
  void index(std::vector<TensorEntry> entries, std::size_t data_size, std::size_t alignment);

  std::span<const std::byte> mapped() const { return file_->bytes(); }

 private:
  std::string path_;
  std::optional<base::MappedFile> file_;
  std::vector<std::string> names_;
  std::vector<tensor::TensorView> views_;  // in the order of names_
};

}  // namespace faultline::format
