#include "native/format/tensor_file.h"

#include <algorithm>
#include <numeric>

#include "native/base/error.h"
#include "native/format/json.h"

namespace faultline::format {
namespace {

void check_layout(const std::string& path, const std::vector<TensorEntry>& entries, std::size_t data_size,
                  std::size_t alignment) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(entries[a].begin, entries[a].end) < std::pair(entries[b].begin, entries[b].end);
  });
  std::size_t at = 0;
  for (const std::size_t i : order) {
    const TensorEntry& entry = entries[i];
    if (entry.begin != at) {
      refuse_file(path, "tensor " + json_quote(entry.name) + " begins at byte " + std::to_string(entry.begin) +
                            " of the data where byte " + std::to_string(at) + " is expected: tensors " +
                            (entry.begin < at ? "overlap" : "leave a hole"));
    }
    // Ends lie within a file and alignments within 32 bits, so that this cannot overflow.
    at = (entry.end + alignment - 1) / alignment * alignment;
  }
  if (data_size > at) {
    refuse_file(path, "has " + std::to_string(data_size - at) + " bytes after the last tensor (byte " +
                          std::to_string(at) + " of the data)");
  }
}

}  // namespace

tensor::TensorView TensorFile::get(std::string_view name) const {
  if (const auto view = find(name)) return *view;
  refuse_file(path(), "has no tensor \"" + std::string(name) + "\"");
}

void refuse_file(const std::string& path, const std::string& reason, const std::string& hint) {
  throw base::Error(base::ErrorCode::input, path + ": " + reason, hint);
}

std::optional<tensor::TensorView> SingleTensorFile::find(std::string_view name) const {
  const auto at = std::lower_bound(names_.begin(), names_.end(), name);
  if (at == names_.end() || *at != name) return std::nullopt;
  return views_[static_cast<std::size_t>(at - names_.begin())];
}

void SingleTensorFile::index(std::vector<TensorEntry> entries, std::size_t data_size, std::size_t alignment) {
  const auto by_name = [](const TensorEntry& a, const TensorEntry& b) { return a.name < b.name; };
  std::sort(entries.begin(), entries.end(), by_name);
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].name == entries[i - 1].name)
      refuse_file(path_, "has two tensors named " + json_quote(entries[i].name));
  }
  check_layout(path_, entries, data_size, alignment);
  for (TensorEntry& entry : entries) {
    names_.push_back(std::move(entry.name));
    views_.push_back(entry.view);
  }
}

}  // namespace faultline::format
