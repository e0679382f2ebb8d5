// The self-test at the start: passes what is right, and sees what could be wrong with a processor's or an emulator's
// tiles. Kernels that are wrong on purpose stand in for such a machine.
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "native/ops/self_test.h"
#include "tests/native/ops_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;
using cpu::Isa;

/// The right kernels of amx, on any CPU.
const OpTable& right() {
  static const OpTable table = *portable_ops(Isa::amx);
  return table;
}

/// What the self-test says of one wrong kernel in place of the right one.
std::string fault_of_bf16(decltype(OpTable::gemm_bf16) kernel) {
  OpTable table = right();
  table.gemm_bf16 = kernel;
  return product_fault(table, right(), WeightType::bf16_pairs);
}

std::string fault_of_int8(decltype(OpTable::gemm_int8) kernel) {
  OpTable table = right();
  table.gemm_int8 = kernel;
  return product_fault(table, right(), WeightType::int8);
}

/// The next float after one element of the result.
void disturb(const GemmArgs& args, std::int64_t row, std::int64_t column) {
  float& element = args.out[row * args.ldo + column];
  element = std::nextafter(element, INFINITY);
}

TEST(self_test_passes_the_sets_that_run_here) {
  int with_portable_form = 0;
  for (const NamedTable& table : runnable_tables()) {
    const Isa isa = *cpu::isa_from_name(table.isa);
    EXPECT_EQ(set_fault(isa), "");
    if (!portable_ops(isa)) continue;
    ++with_portable_form;
    note("the instructions of " + table.isa + " passed their self-test");
  }
  if (with_portable_form == 0) {
    note("no set that runs here has a self-test; a CPU with AVX-VNNI, AVX512-VNNI, AVX512-BF16 or AMX-BF16 has");
  }
  // int8 has one result, so every set's product must pass as any other's.
  for (const NamedTable& table : product_tables()) {
    EXPECT_EQ(product_fault(table.ops, right(), WeightType::int8), "");
    if (table.family == cpu::Family::amx) EXPECT_EQ(product_fault(table.ops, right(), WeightType::bf16_pairs), "");
    expect_emulated_well(table);
  }
}

TEST(self_test_says_which_bits_differ) {
  const std::string fault = fault_of_bf16([](const GemmArgs& args) {
    right().gemm_bf16(args);
    disturb(args, 3, 5);
  });
  EXPECT(fault.starts_with("its gemm_bf16 fails the self-test: row 3, column 5 of a small product has the bits "));
  EXPECT(fault_of_int8([](const GemmArgs& args) {
           right().gemm_int8(args);
           disturb(args, args.m - 1, args.w.n - 1);
         }).starts_with("its gemm_int8 fails the self-test: row 32, column 36 "));
}

/// The other family's sums: every product right, in another order.
TEST(self_test_sees_another_order) {
  const std::string fault = product_fault(*portable_ops(Isa::avx512bf16), right(), WeightType::bf16_pairs);
  EXPECT(fault.starts_with("its gemm_bf16 "));
}

TEST(self_test_sees_each_tail) {
  const auto no_last_row = [](const GemmArgs& args) {
    GemmArgs part = args;
    part.m = args.m / kTileHeight * kTileHeight;
    product_of(right(), args.w.type)(part);
  };
  const auto no_last_panel = [](const GemmArgs& args) {
    GemmArgs part = args;
    part.panel_end = args.panel_end - 1;
    product_of(right(), args.w.type)(part);
  };
  for (const std::string& fault : {fault_of_bf16(no_last_row), fault_of_int8(no_last_row)})
    EXPECT(fault.find("row 32, ") != std::string::npos);
  for (const std::string& fault : {fault_of_bf16(no_last_panel), fault_of_int8(no_last_panel)})
    EXPECT(fault.find(", column 32 ") != std::string::npos);
  // The last value of k, which stands alone in its pair and in its four.
  const auto no_last_value = [](const GemmArgs& args) {
    GemmArgs part = args;
    const std::int32_t k = args.w.k;
    std::vector<std::uint16_t> halves(args.a_bf16, args.a_bf16 + bf16_size(args.m, k));
    std::vector<std::int8_t> bytes(args.a_int8, args.a_int8 + int8_size(args.m, k));
    for (std::int64_t row = 0; row < args.m; ++row) {
      halves[static_cast<std::size_t>(row * bf16_stride(k) + k - 1)] = 0;
      bytes[static_cast<std::size_t>(row * int8_stride(k) + k - 1)] = 0;
    }
    part.a_bf16 = halves.data();
    part.a_int8 = bytes.data();
    product_of(right(), args.w.type)(part);
  };
  EXPECT(!fault_of_bf16(no_last_value).empty());
  EXPECT(!fault_of_int8(no_last_value).empty());
}

#if defined(__x86_64__)
/// TDPBF16PS takes denormals for zero and flushes them, whatever the mode.
TEST(self_test_sees_denormals_that_are_not_flushed) {
  const std::string fault = fault_of_bf16([](const GemmArgs& args) {
    const unsigned mode = _mm_getcsr();
    _mm_setcsr(mode & ~0x8040u);  // neither flush-to-zero nor denormals-are-zero
    right().gemm_bf16(args);
    _mm_setcsr(mode);
  });
  EXPECT(!fault.empty());
}
#endif

}  // namespace
}  // namespace faultline::check
