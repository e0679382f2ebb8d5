// The emulator of instructions that this CPU lacks (emulated_instructions.h): that the kernels' own instructions meet
// it, that it finds the operands of every form and sees what it is there to see, and leaves other instructions alone.
// What it computes is compared with references in ops_bf16_test.cc, ops_gemm_test.cc and ops_int8_test.cc.
#include "tests/native/emulated_instructions.h"
#if defined(FAULTLINE_EMULATED_INSTRUCTIONS)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "native/ops/self_test.h"
#include "tests/native/ops_fixture.h"

namespace faultline::check {
namespace {

using namespace ops;
using cpu::Isa;

TEST(emulated_instructions_are_those_of_the_kernels) {
  for (const NamedTable& table : product_tables()) {
    if (!table.emulated) continue;
    const std::uint64_t before = instructions::executed();
    EXPECT_EQ(product_fault(table.ops, table.ops, WeightType::int8), "");
    const std::uint64_t count = instructions::executed() - before;
    if (count == 0 && traps_often(table)) {
      note(table.isa + ": this CPU has the instructions, although it does not say so");
    } else {
      EXPECT(count > 0);
      note("two small products of " + table.isa + " took " + std::to_string(count) + " instructions");
    }
    expect_emulated_well(table);
  }
}

struct Eight {
  std::uint32_t lane[8];
};

/// VPDPBUSD with `operand` for its signed bytes, which `setup` may prepare in ymm7, ymm13, r12 and r13.
#define FAULTLINE_EXPECT_DOT(setup, operand)                                                                   \
  __asm__ volatile("vmovdqu %[acc], %%ymm1\n\tvmovdqu %[x], %%ymm12\n\t" setup "\n\t%{vex%} vpdpbusd " operand \
                   ", %%ymm12, %%ymm1\n\tvmovdqu %%ymm1, %[out]"                                               \
                   : [out] "=m"(out)                                                                           \
                   : [acc] "m"(acc), [x] "m"(x), [y] "m"(y), [p] "r"(&y)                                       \
                   : "xmm1", "xmm7", "xmm12", "xmm13", "r12", "r13", "cc");                                    \
  EXPECT_EQ(std::string(operand) + (std::ranges::equal(out.lane, want.lane) ? " is right" : " is wrong"),      \
            operand " is right")

/// In registers of both halves of the file, and from memory in every way that an address is written.
TEST(emulated_vpdpbusd_finds_its_operands) {
  if (!emulated_machine(Isa::avxvnni)) {
    note("skipped: this CPU has AVX-VNNI, or no AVX2");
    return;
  }
  alignas(32) static Eight y;
  Random random(11);
  for (int round = 0; round < 20; ++round) {
    Eight acc, x, out;
    for (Eight* numbers : {&acc, &x, &y}) {
      for (std::uint32_t& lane : numbers->lane) lane = static_cast<std::uint32_t>(random.bits());
    }
    // Sums that leave the range of 32 bits come around: VPDPBUSDS would hold them there.
    acc.lane[0] = 0x7FFFFFFFu, x.lane[0] = 0xFFFFFFFFu, y.lane[0] = 0x7F7F7F7Fu;
    acc.lane[1] = 0x80000000u, x.lane[1] = 0xFFFFFFFFu, y.lane[1] = 0x80808080u;
    Eight want = acc;
    for (int lane = 0; lane < 8; ++lane) {
      for (int i = 0; i < 32; i += 8) {
        want.lane[lane] += static_cast<std::uint32_t>(static_cast<std::uint8_t>(x.lane[lane] >> i) *
                                                      static_cast<std::int8_t>(y.lane[lane] >> i));
      }
    }
    FAULTLINE_EXPECT_DOT("vmovdqu %[y], %%ymm7", "%%ymm7");
    FAULTLINE_EXPECT_DOT("vmovdqu %[y], %%ymm13", "%%ymm13");
    FAULTLINE_EXPECT_DOT("", "%[y]");  // by the distance from the instruction
    FAULTLINE_EXPECT_DOT("", "(%[p])");
    FAULTLINE_EXPECT_DOT("lea 16(%[p]), %%r13", "-16(%%r13)");
    FAULTLINE_EXPECT_DOT("lea -0x1234(%[p]), %%r12", "0x1234(%%r12)");
    FAULTLINE_EXPECT_DOT("lea 40(%[p]), %%r12\n\tmov $-5, %%r13", "(%%r12,%%r13,8)");
    FAULTLINE_EXPECT_DOT("mov %[p], %%r13\n\tmov $-1, %%r12", "4(%%r13,%%r12,4)");
    FAULTLINE_EXPECT_DOT("lea 0x200(%[p]), %%r13\n\tshr $3, %%r13", "-0x200(,%%r13,8)");
  }
}

/// As every instruction in that encoding does.
TEST(emulated_vpdpbusd_clears_what_avx512_has_above) {
  const auto machine = emulated_machine(Isa::avxvnni);
  if (!machine || !machine->avx512 || !machine->os_avx512) {
    note("skipped: this CPU has AVX-VNNI, or no AVX-512");
    return;
  }
  alignas(64) std::uint32_t wide[16];
  std::ranges::fill(wide, 0x01010101u);
  __asm__ volatile(
      "vmovdqu64 %0, %%zmm1\n\tvmovdqu64 %0, %%zmm2\n\t%{vex%} vpdpbusd %%ymm2, %%ymm2, %%ymm1\n\tvmovdqu64 %%zmm1, %0"
      : "+m"(wide)::"xmm1", "xmm2");
  for (int i = 0; i < 16; ++i) EXPECT_EQ(wide[i], i < 8 ? 0x01010105u : 0u);
}

struct Configuration {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
  void set(int tile, int its_rows, int its_row_bytes) {
    rows[tile] = static_cast<std::uint8_t>(its_rows);
    row_bytes[tile] = static_cast<std::uint16_t>(its_row_bytes);
  }
};
static_assert(sizeof(Configuration) == 64);
void configure(const Configuration& configuration) { __asm__ volatile("ldtilecfg %0" ::"m"(configuration)); }
void release() { __asm__ volatile("tilerelease" ::: "memory"); }

/// Tiles smaller than the kernels have them: what a product makes of their shapes, and that it is added.
TEST(emulated_tiles_have_their_configured_shapes) {
  if (!emulated_machine(Isa::amx)) {
    note("skipped: this system saves AMX tiles, or there is no AVX-512");
    return;
  }
  constexpr int kRows = 3, kColumns = 5, kWords = 7;
  Configuration configuration;
  configuration.set(0, kRows, 4 * kColumns);
  configuration.set(1, kRows, 4 * kWords);
  configuration.set(7, kWords, 4 * kColumns);
  configure(configuration);
  EXPECT(instructions::tiles_in_use());
  Random random(12);
  std::int8_t a[kRows][4 * kWords], b[kWords][kColumns][4];
  for (auto& row : a) std::ranges::generate(row, [&] { return static_cast<std::int8_t>(random.bits()); });
  for (auto& row : b) {
    for (auto& four : row) std::ranges::generate(four, [&] { return static_cast<std::int8_t>(random.bits()); });
  }
  std::int32_t sums[kRows + 1][kColumns + 1];
  std::memset(sums, 0x55, sizeof sums);
  __asm__ volatile(
      "tilezero %%tmm0\n\t"
      "tileloadd (%[a],%[a_stride],1), %%tmm1\n\t"
      "tileloadd (%[b],%[b_stride],1), %%tmm7\n\t"
      "tdpbssd %%tmm7, %%tmm1, %%tmm0\n\t"
      "tdpbssd %%tmm7, %%tmm1, %%tmm0\n\t"
      "tilestored %%tmm0, (%[sums],%[s_stride],4)" ::[a] "r"(a),
      [a_stride] "r"(sizeof a[0]), [b] "r"(b), [b_stride] "r"(sizeof b[0]), [sums] "r"(sums),
      [s_stride] "r"(sizeof sums[0] / 4)
      : "memory");
  for (int row = 0; row <= kRows; ++row) {
    for (int column = 0; column <= kColumns; ++column) {
      std::int32_t want = 0x55555555;
      if (row < kRows && column < kColumns) {
        want = 0;
        for (int k = 0; k < 4 * kWords; ++k) want += 2 * a[row][k] * b[k / 4][column][k % 4];
      }
      EXPECT_EQ(sums[row][column], want);
    }
  }
  release();
  EXPECT(!instructions::tiles_in_use());
  EXPECT_EQ(instructions::take_fault(), "");
}

TEST(emulated_tiles_fault_as_the_manual_says) {
  if (!emulated_machine(Isa::amx)) {
    note("skipped: this system saves AMX tiles, or there is no AVX-512");
    return;
  }
  const auto expect_refused = [](const std::string& why, auto&& change) {
    Configuration configuration;
    configuration.set(0, 16, 64);
    change(configuration);
    configure(configuration);
    EXPECT_EQ(instructions::take_fault(), "LDTILECFG: " + why);
    EXPECT(!instructions::tiles_in_use());
  };
  using C = Configuration;
  expect_refused("the palette is not 1", [](C& c) { c.palette = 2; });
  expect_refused("the start row is not 0", [](C& c) { c.start_row = 1; });
  expect_refused("reserved bytes are not zero", [](C& c) { c.reserved[13] = 1; });
  expect_refused("reserved bytes are not zero", [](C& c) { c.row_bytes[8] = 64; });
  expect_refused("reserved bytes are not zero", [](C& c) { c.rows[15] = 16; });
  expect_refused("rows are longer than 64 bytes", [](C& c) { c.row_bytes[7] = 68, c.rows[7] = 1; });
  expect_refused("rows are longer than 64 bytes", [](C& c) { c.row_bytes[1] = 256, c.rows[1] = 1; });
  expect_refused("a tile has more than 16 rows", [](C& c) { c.row_bytes[7] = 4, c.rows[7] = 17; });
  expect_refused("a tile has rows without bytes, or bytes without rows", [](C& c) { c.rows[3] = 1; });
  expect_refused("a tile has rows without bytes, or bytes without rows", [](C& c) { c.row_bytes[3] = 4; });

  // Where a place is given, what stands there stays.
  std::uint32_t words[16][16];
  std::memset(words, 0x33, sizeof words);
#define FAULTLINE_EXPECT_FAULT(instruction, why)                                            \
  __asm__ volatile(instruction ::[p] "r"(words), [stride] "r"(sizeof words[0]) : "memory"); \
  EXPECT_EQ(instructions::take_fault(), why)
  FAULTLINE_EXPECT_FAULT("tilezero %%tmm0", "TILEZERO: no tiles are configured");
  FAULTLINE_EXPECT_FAULT("tileloadd (%[p],%[stride],1), %%tmm0", "TILELOADD: no tiles are configured");
  FAULTLINE_EXPECT_FAULT("tilestored %%tmm0, (%[p],%[stride],1)", "TILESTORED: no tiles are configured");
  FAULTLINE_EXPECT_FAULT("tdpbf16ps %%tmm2, %%tmm1, %%tmm0", "TDPBF16PS: no tiles are configured");
  Configuration configuration;
  for (const int tile : {0, 1, 2}) configuration.set(tile, 16, 64);
  configuration.set(3, 15, 64);
  configuration.set(4, 16, 60);
  configuration.set(5, 16, 63);
  configure(configuration);
  EXPECT_EQ(instructions::take_fault(), "");
  configure(configuration);
  EXPECT_EQ(instructions::take_fault(), "LDTILECFG: the tiles are in use: they were not released");
  FAULTLINE_EXPECT_FAULT("tilezero %%tmm6", "TILEZERO: the configuration leaves the tile out");
  // TDPBSSD and TDPBF16PS as the assembler refuses to write them.
  FAULTLINE_EXPECT_FAULT(".byte 0xC4, 0xE2, 0x73, 0x5E, 0xC1", "TDPBSSD: two of its tiles are one");
  FAULTLINE_EXPECT_FAULT(".byte 0xC4, 0xE2, 0x7B, 0x5E, 0xC1", "TDPBSSD: two of its tiles are one");
  FAULTLINE_EXPECT_FAULT(".byte 0xC4, 0xE2, 0x6A, 0x5C, 0xC0", "TDPBF16PS: two of its tiles are one");
  FAULTLINE_EXPECT_FAULT("tdpbssd %%tmm2, %%tmm1, %%tmm3", "TDPBSSD: its tiles' shapes do not fit");
  FAULTLINE_EXPECT_FAULT("tdpbssd %%tmm2, %%tmm3, %%tmm0", "TDPBSSD: its tiles' shapes do not fit");
  FAULTLINE_EXPECT_FAULT("tdpbf16ps %%tmm3, %%tmm1, %%tmm0", "TDPBF16PS: its tiles' shapes do not fit");
  FAULTLINE_EXPECT_FAULT("tdpbf16ps %%tmm4, %%tmm1, %%tmm0", "TDPBF16PS: its tiles' shapes do not fit");
  FAULTLINE_EXPECT_FAULT("tdpbf16ps %%tmm2, %%tmm1, %%tmm5", "TDPBF16PS: rows of a tile end within a word");
  // One fault is told, the first.
  __asm__ volatile("tilezero %tmm7\n\ttdpbssd %tmm2, %tmm1, %tmm3");
  EXPECT_EQ(instructions::take_fault(), "TILEZERO: the configuration leaves the tile out");
  FAULTLINE_EXPECT_FAULT("tilestored %%tmm0, (%[p],%[stride],1)", "");
  for (const auto& row : words) EXPECT(std::ranges::all_of(row, [](std::uint32_t word) { return word == 0; }));
#undef FAULTLINE_EXPECT_FAULT
  release();
}

/// What compilers put where no one should come, and neighbours of what it knows.
TEST(emulated_instructions_leave_others_their_fault) {
  if (!emulated_machine(Isa::avxvnni) && !emulated_machine(Isa::amx)) {
    note("skipped: nothing is emulated here");
    return;
  }
  using Function = void (*)();
  const Function others[] = {
      [] { __asm__ volatile("ud2"); }, [] { __asm__ volatile("tdpbusd %tmm2, %tmm1, %tmm0"); },
      [] { __asm__ volatile(".byte 0xC4, 0xE2, 0xF5, 0x50, 0xC0"); },  // VPDPBUSD, with W
      [] { __asm__ volatile(".byte 0xC4, 0xE2, 0x7F, 0x49, 0xC0"); },  // TILEZERO, of 256 bits
  };
  for (const Function other : others) {
    const ::pid_t child = ::fork();
    if (child == 0) {
      const ::rlimit none{0, 0};
      ::setrlimit(RLIMIT_CORE, &none);
      ::close(STDERR_FILENO);
      other();
      ::_exit(0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL);
  }
}

}  // namespace
}  // namespace faultline::check
#endif
