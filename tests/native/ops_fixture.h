// What the tests of ops share: which kernel tables this machine runs, deterministic inputs, and output buffers that
// notice every write that does not belong there.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "native/base/error.h"
#include "native/base/fp_env.h"
#include "native/ops/pack.h"
#include "native/ops/registry.h"
#include "tests/native/check.h"
#include "tests/native/emulated_instructions.h"

namespace faultline::check {

struct NamedTable {
  std::string isa;
  ops::OpTable ops;
  ops::cpu::Family family;  // of gemm_bf16
  bool emulated = false;    // its own instructions, by emulated_instructions.h
};

/// One table per instruction set that has rows in kernels.def and runs here; scalar first, to compare the others with.
inline const std::vector<NamedTable>& runnable_tables() {
  static const std::vector<NamedTable> tables = [] {
    std::vector<NamedTable> found;
    for (int i = 0; i < ops::cpu::kIsaCount; ++i) {
      const char* name = ops::cpu::isa_name(static_cast<ops::cpu::Isa>(i));
      try {
        const ops::Selection selection = ops::select(name, ops::cpu::detect_cpu());
        found.push_back({name, selection.ops, selection.family});
      } catch (const base::Error& error) {
        note(std::string("not tested on this machine: ") + error.what());
      }
    }
    return found;
  }();
  return tables;
}

/// This machine as if it had the instructions of a set, where it lacks nothing else that the set's kernels are compiled
/// for, and they can be emulated, which this begins; nothing for any other set.
inline std::optional<ops::cpu::CpuFeatures> emulated_machine(ops::cpu::Isa isa) {
  ops::cpu::CpuFeatures machine = ops::cpu::detect_cpu();
  if (isa == ops::cpu::Isa::amx && machine.avx512 && machine.os_avx512 && !machine.os_amx) {
    machine.amx_bf16 = machine.os_amx = machine.amx_permitted = true;
  } else if (isa == ops::cpu::Isa::avxvnni && machine.avx2 && machine.os_avx && !machine.avxvnni) {
    machine.avxvnni = true;
  } else {
    return std::nullopt;
  }
  instructions::install();
  return machine;
}

/// Whether a product by this table meets a trap for every 64 values or so, each of which costs 5 to 10 us: a test can
/// afford some ten thousand. (Those of AMX are for thousands.)
inline bool traps_often(const NamedTable& table) { return table.emulated && table.family != ops::cpu::Family::amx; }

/// After a kernel of a table: no fault of its instructions, and no tiles kept.
inline void expect_emulated_well(const NamedTable& table) {
  if (!table.emulated) return;
  EXPECT_EQ(table.isa + " " + instructions::take_fault(), table.isa + " ");
  EXPECT(!instructions::tiles_in_use());
}

/// The tables that a matrix product is tested with: those that run here; those whose instructions are emulated, so that
/// what the compiler made of them is tested; and the portable form of every kernel that has one, so that its source is
/// tested on any CPU.
inline const std::vector<NamedTable>& product_tables() {
  static const std::vector<NamedTable> tables = [] {
    std::vector<NamedTable> all = runnable_tables();
    for (int i = 0; i < ops::cpu::kIsaCount; ++i) {
      const auto isa = static_cast<ops::cpu::Isa>(i);
      const std::string name = ops::cpu::isa_name(isa);
      const auto machine = emulated_machine(isa);
      if (machine) {
        const ops::Selection selection = ops::select(name.c_str(), *machine);
        all.push_back({name + " (emulated)", selection.ops, selection.family, true});
      }
      if (const auto portable = ops::portable_ops(isa)) {
        const bool real = std::ranges::any_of(all, [&](const NamedTable& table) { return table.isa == name; });
        note("the kernels of " + name + " are tested in their portable form" +
             (real      ? " and with their instructions"
              : machine ? " and, as they are compiled, by an emulator of their instructions"
                        : " alone"));
        all.push_back({name + " (portable)", *portable, ops::cpu::isa_family(isa)});
      }
    }
    return all;
  }();
  return tables;
}

/// SplitMix64: any seed is good, the same numbers everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// Uniform in [0, n).
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(n)); }
  /// Uniform in [-size, size).
  float real(float size = 1) { return static_cast<float>((static_cast<double>(bits() >> 11) * 0x1p-52 - 1) * size); }
  std::vector<float> reals(std::int64_t count, float size = 1) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = real(size);
    return values;
  }

 private:
  std::uint64_t state_;
};

/// Input floats that start one float past any wide alignment, in a buffer that ends where they end: an over-read is
/// ASan's to find.
class Misaligned {
 public:
  explicit Misaligned(const std::vector<float>& values) : storage_(values.size() + 1) {
    std::copy(values.begin(), values.end(), storage_.begin() + 1);
  }
  const float* data() const { return storage_.data() + 1; }

 private:
  std::vector<float> storage_;
};

/// An output of `rows` rows of `width` floats with a row stride of `stride`, misaligned, poisoned with one NaN pattern
/// everywhere, with guard bands before and after. After the call, exactly the rows' elements may have changed.
class Guarded {
 public:
  Guarded(std::int64_t rows, std::int64_t width, std::int64_t stride)
      : rows_(rows),
        width_(width),
        stride_(stride),
        storage_(static_cast<std::size_t>(2 * kGuard + rows * stride), poison()) {}
  float* data() { return storage_.data() + kGuard; }
  float at(std::int64_t row, std::int64_t column) const {
    return storage_[static_cast<std::size_t>(kGuard + row * stride_ + column)];
  }
  /// The rows without the gaps.
  std::vector<float> values() const {
    std::vector<float> all;
    for (std::int64_t row = 0; row < rows_; ++row) {
      for (std::int64_t column = 0; column < width_; ++column) all.push_back(at(row, column));
    }
    return all;
  }
  /// Fails the test when a guard or gap was written.
  void expect_untouched_around(const char* file, int line, const std::string& what) const {
    for (std::size_t i = 0; i < storage_.size(); ++i) {
      const std::int64_t at = static_cast<std::int64_t>(i) - kGuard;
      const bool inside = at >= 0 && at < rows_ * stride_ && at % stride_ < width_;
      if (inside || std::bit_cast<std::uint32_t>(storage_[i]) == std::bit_cast<std::uint32_t>(poison())) continue;
      fail(file, line, what + ": wrote outside its output, at float " + std::to_string(at));
      return;
    }
  }

 private:
  static constexpr std::int64_t kGuard = 67;  // odd, so that data() is misaligned
  static float poison() { return std::bit_cast<float>(0x7FC0BEEFu); }
  std::int64_t rows_, width_, stride_;
  std::vector<float> storage_;
};
#define EXPECT_UNTOUCHED_AROUND(guarded, what) (guarded).expect_untouched_around(__FILE__, __LINE__, what)

/// gemm, gemm_bf16 or gemm_int8, by the type of the weights, with the activations rounded where the kernel wants them
/// so: to a misaligned buffer, with NaN (or -128, which no product may meet) in the rows past m.
inline void multiply(const NamedTable& table, ops::GemmArgs args) {
  std::vector<std::int8_t> bytes;
  std::vector<ops::QuantisedRow> rows(static_cast<std::size_t>(args.m));
  if (args.w.type == ops::WeightType::int8) {
    bytes.assign(static_cast<std::size_t>(ops::int8_size(args.m, args.w.k)) + 1, -128);
    table.ops.quantise({args.a, args.lda, args.m, args.w.k, bytes.data() + 1, rows.data()});
    args.a_int8 = bytes.data() + 1;
    args.a_rows = rows.data();
    args.a = nullptr;  // not read
  }
  std::vector<std::uint16_t> rounded;
  if (args.w.type == ops::WeightType::bf16_pairs) {
    rounded.assign(static_cast<std::size_t>(ops::bf16_size(args.m, args.w.k)) + 1, 0x7FC1);
    table.ops.round_bf16({args.a, args.lda, args.m, args.w.k, rounded.data() + 1});
    args.a_bf16 = rounded.data() + 1;
    args.a = nullptr;  // not read
  }
  const std::uint64_t before = instructions::executed();
  ops::product_of(table.ops, args.w.type)(args);
  expect_emulated_well(table);
  // The CPU would end the process at one that it lacks, were none emulated for other tables.
  if (!table.emulated) EXPECT_EQ(instructions::executed(), before);
}

/// The same for all panels, in two ranges, as threads would call it.
inline void multiply_in_two_ranges(const NamedTable& table, ops::GemmArgs args) {
  const std::int32_t panels = ops::panel_count(args.w.n), cut = panels / 3;
  args.panel_begin = 0;
  args.panel_end = cut;
  multiply(table, args);
  args.panel_begin = cut;
  args.panel_end = panels;
  multiply(table, args);
}

/// Packs a row-major [k, n] matrix.
inline ops::PackedWeights pack_floats(const std::vector<float>& w, std::int32_t k, std::int32_t n,
                                      ops::WeightType type) {
  const tensor::TensorView view{tensor::DType::f32, tensor::Shape{k, n}, reinterpret_cast<const std::byte*>(w.data())};
  return ops::pack_weights(view, ops::Orientation::kn, type);
}

/// Unit roundoff of float, the u of every error bound.
inline constexpr double kUnit = 0x1p-24;
/// Error bound of gelu relative to its result, see gelu16 in ops/cpu/math.inl.
inline double gelu_bound(double x) {
  const double twice_y = 2 * std::sqrt(2 / 3.141592653589793) * std::fabs(x + 0.044715 * x * x * x);
  return (6 + 3 * twice_y) * kUnit;
}
/// Under flush-to-zero a result below this may be 0.
inline constexpr double kSmallestNormal = 0x1p-126;

}  // namespace faultline::check
