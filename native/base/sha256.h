// SHA-256 (FIPS 180-4), for the hashes of model files that every output records.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace faultline::base {

/// Feed bytes with update, then call hex once.
class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  void update(const std::string& text) { update(std::as_bytes(std::span(text))); }
  /// The digest as 64 lower-case hexadecimal digits. Ends the computation.
  std::string hex();

 private:
  void compress(const std::byte* block);
  std::array<std::uint32_t, 8> state_;
  std::array<std::byte, 64> pending_{};
  std::size_t pending_size_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace faultline::base
