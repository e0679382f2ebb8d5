#include "tests/native/emulated_instructions.h"

#if defined(FAULTLINE_EMULATED_INSTRUCTIONS)
#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <initializer_list>

#include "native/base/fp_env.h"

namespace faultline::check::instructions {
namespace {

constexpr int kTiles = 8, kRows = 16, kRowBytes = 64;  // palette 1

/// Beyond its rows and its bytes per row a tile is zero.
struct Tile {
  int rows, row_bytes;  // both zero where the configuration leaves the tile out
  std::uint32_t word[kRows][kRowBytes / 4];
};
struct Tiles {
  bool configured;
  Tile tile[kTiles];
};
thread_local Tiles tiles;

std::atomic<std::uint64_t> executed_count{0};
/// The first fault: the name is there before the reason, which says that there is one.
std::atomic<const char*> fault_name{nullptr}, fault_reason{nullptr};

/// The registers of the thread that met the instruction, as the kernel put them on its stack and will take them back.
class Registers {
 public:
  explicit Registers(void* context)
      : general_(static_cast<ucontext_t*>(context)->uc_mcontext.gregs),
        saved_(reinterpret_cast<char*>(static_cast<ucontext_t*>(context)->uc_mcontext.fpregs)) {}

  std::uint64_t ip() const { return static_cast<std::uint64_t>(general_[REG_RIP]); }
  void set_ip(std::uint64_t ip) { general_[REG_RIP] = static_cast<greg_t>(ip); }

  /// By the number that instructions have for it.
  std::uint64_t general(int number) const {
    constexpr int kIndices[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return static_cast<std::uint64_t>(general_[kIndices[number]]);
  }

  void read_vector(int number, void* bytes) const {
    std::memcpy(bytes, saved_ + kLowHalves + 16 * number, 16);
    std::memcpy(static_cast<char*>(bytes) + 16, saved_ + kHighHalves + 16 * number, 16);
  }
  /// What AVX-512 has above the 32 bytes becomes zero.
  void write_vector(int number, const void* bytes) {
    std::memcpy(saved_ + kLowHalves + 16 * number, bytes, 16);
    std::memcpy(saved_ + kHighHalves + 16 * number, static_cast<const char*>(bytes) + 16, 16);
    std::uint64_t present;
    std::memcpy(&present, saved_ + kPresent, sizeof present);
    if ((present & 1u << kUpperOf512) != 0) {
      static const unsigned offset = offset_of(kUpperOf512);
      std::memset(saved_ + offset + 32 * number, 0, 32);
    }
    present |= 6;  // xmm and ymm, which are restored only then
    std::memcpy(saved_ + kPresent, &present, sizeof present);
  }

 private:
  // The area of XSAVE, see the manual's volume 1, 13.4.
  static constexpr int kLowHalves = 160, kPresent = 512, kHighHalves = 576, kUpperOf512 = 6;
  static unsigned offset_of(unsigned component) {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    __get_cpuid_count(13, component, &eax, &ebx, &ecx, &edx);
    return ebx;
  }

  greg_t* general_;
  char* saved_;
};

/// What an instruction names.
struct Operands {
  int reg, rm, vvvv;  // registers; rm where it is not `memory`
  bool memory;
  bool sib;               // there is a byte for base and index, as tiles in memory want it
  std::uint64_t address;  // base and displacement
  std::uint64_t index;    // scaled
};

constexpr const char* kUndefined = "its encoding is undefined";

/// Why an instruction faults, or null when it has been carried out.
using Execute = const char* (*)(const Operands&, Registers&);

const char* load_configuration(const Operands& o, Registers&) {
  if (o.reg != 0 || o.vvvv != 0) return kUndefined;
  if (tiles.configured) return "the tiles are in use: they were not released";
  std::uint8_t bytes[64];
  std::memcpy(bytes, reinterpret_cast<const void*>(o.address + o.index), sizeof bytes);
  if (bytes[0] != 1) return "the palette is not 1";
  // The manual lets a load begin at a row, for one that was interrupted: no kernel has that to ask for.
  if (bytes[1] != 0) return "the start row is not 0";
  const auto zero = [&](int from, int to) {
    return std::all_of(bytes + from, bytes + to, [](int b) { return b == 0; });
  };
  if (!zero(2, 16) || !zero(16 + 2 * kTiles, 48) || !zero(48 + kTiles, 64)) return "reserved bytes are not zero";
  Tiles wanted{};
  for (int i = 0; i < kTiles; ++i) {
    Tile& tile = wanted.tile[i];
    tile.row_bytes = bytes[16 + 2 * i] | bytes[17 + 2 * i] << 8;
    tile.rows = bytes[48 + i];
    if (tile.row_bytes > kRowBytes) return "rows are longer than 64 bytes";
    if (tile.rows > kRows) return "a tile has more than 16 rows";
    if ((tile.rows == 0) != (tile.row_bytes == 0)) return "a tile has rows without bytes, or bytes without rows";
  }
  wanted.configured = true;
  tiles = wanted;
  return nullptr;
}

const char* release(const Operands& o, Registers&) {
  if (o.reg != 0 || o.rm != 0 || o.vvvv != 0) return kUndefined;
  tiles = {};
  return nullptr;
}

const char* unusable(int tile) {
  if (!tiles.configured) return "no tiles are configured";
  if (tile >= kTiles) return "there is no such tile";
  if (tiles.tile[tile].rows == 0) return "the configuration leaves the tile out";
  return nullptr;
}

const char* zero(const Operands& o, Registers&) {
  if (o.rm != 0 || o.vvvv != 0) return kUndefined;
  if (const char* why = unusable(o.reg)) return why;
  std::memset(tiles.tile[o.reg].word, 0, sizeof tiles.tile[o.reg].word);
  return nullptr;
}

const char* load(const Operands& o, Registers&) {
  if (!o.sib || o.vvvv != 0) return kUndefined;
  if (const char* why = unusable(o.reg)) return why;
  Tile& tile = tiles.tile[o.reg];
  for (int row = 0; row < tile.rows; ++row) {
    std::memcpy(tile.word[row], reinterpret_cast<const void*>(o.address + static_cast<std::uint64_t>(row) * o.index),
                static_cast<std::size_t>(tile.row_bytes));
  }
  return nullptr;
}

const char* store(const Operands& o, Registers&) {
  if (!o.sib || o.vvvv != 0) return kUndefined;
  if (const char* why = unusable(o.reg)) return why;
  const Tile& tile = tiles.tile[o.reg];
  for (int row = 0; row < tile.rows; ++row) {
    std::memcpy(reinterpret_cast<void*>(o.address + static_cast<std::uint64_t>(row) * o.index), tile.word[row],
                static_cast<std::size_t>(tile.row_bytes));
  }
  return nullptr;
}

/// Of a product of tiles: `reg` is added to, `rm` has the rows and `vvvv` the columns.
const char* unfit(const Operands& o) {
  for (const int tile : {o.reg, o.rm, o.vvvv}) {
    if (const char* why = unusable(tile)) return why;
    if (tiles.tile[tile].row_bytes % 4 != 0) return "rows of a tile end within a word";
  }
  if (o.reg == o.rm || o.rm == o.vvvv || o.reg == o.vvvv) return "two of its tiles are one";
  const Tile &c = tiles.tile[o.reg], &a = tiles.tile[o.rm], &b = tiles.tile[o.vvvv];
  if (c.rows != a.rows || c.row_bytes != b.row_bytes || a.row_bytes != 4 * b.rows)
    return "its tiles' shapes do not fit";
  return nullptr;
}

/// Bits as the float they are; with zeros below, a bfloat16.
float as_float(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// With FMA's instruction, which CPUs with AVX-512 have: the library's function would take most of a test's time.
__attribute__((target("fma"))) void add_halves(Tile& c, const Tile& a, const Tile& b) {
  for (int row = 0; row < c.rows; ++row) {
    float even[kRowBytes / 4] = {}, odd[kRowBytes / 4] = {};
    for (int k = 0; k < b.rows; ++k) {
      const float a_even = as_float(a.word[row][k] << 16), a_odd = as_float(a.word[row][k] & 0xFFFF0000u);
      for (int n = 0; n < kRowBytes / 4; ++n) {
        even[n] = __builtin_fmaf(a_even, as_float(b.word[k][n] << 16), even[n]);
        odd[n] = __builtin_fmaf(a_odd, as_float(b.word[k][n] & 0xFFFF0000u), odd[n]);
      }
    }
    for (int n = 0; n < c.row_bytes / 4; ++n) {
      const float sum = as_float(c.word[row][n]) + (even[n] + odd[n]);
      std::memcpy(&c.word[row][n], &sum, sizeof sum);
    }
  }
}

const char* multiply_halves(const Operands& o, Registers&) {
  if (const char* why = unfit(o)) return why;
  // "DAZ=FTZ=1, RNE rounding. MXCSR neither consulted nor updated": the kernel gives a handler a mode of its own.
  const base::FpEnv mode;
  add_halves(tiles.tile[o.reg], tiles.tile[o.rm], tiles.tile[o.vvvv]);
  return nullptr;
}

int signed_byte(std::uint32_t word, int index) { return static_cast<std::int8_t>(word >> (8 * index)); }
int unsigned_byte(std::uint32_t word, int index) { return static_cast<std::uint8_t>(word >> (8 * index)); }

const char* multiply_bytes(const Operands& o, Registers&) {
  if (const char* why = unfit(o)) return why;
  Tile& c = tiles.tile[o.reg];
  const Tile &a = tiles.tile[o.rm], &b = tiles.tile[o.vvvv];
  for (int row = 0; row < c.rows; ++row) {
    for (int k = 0; k < b.rows; ++k) {
      for (int n = 0; n < c.row_bytes / 4; ++n) {
        for (int i = 0; i < 4; ++i)
          c.word[row][n] += static_cast<std::uint32_t>(signed_byte(a.word[row][k], i) * signed_byte(b.word[k][n], i));
      }
    }
  }
  return nullptr;
}

const char* dot_bytes(const Operands& o, Registers& registers) {
  std::uint32_t sums[8], x[8], y[8];
  registers.read_vector(o.reg, sums);
  registers.read_vector(o.vvvv, x);
  if (o.memory) {
    std::memcpy(y, reinterpret_cast<const void*>(o.address + o.index), sizeof y);
  } else {
    registers.read_vector(o.rm, y);
  }
  for (int lane = 0; lane < 8; ++lane) {
    for (int i = 0; i < 4; ++i)
      sums[lane] += static_cast<std::uint32_t>(unsigned_byte(x[lane], i) * signed_byte(y[lane], i));
  }
  registers.write_vector(o.reg, sums);
  return nullptr;
}

enum class Prefix { none, x66, xF3, xF2 };  // as VEX.pp has them
enum class Form { memory, registers, either };

/// All in the map 0F38, with W0.
struct Instruction {
  const char* name;
  int opcode;
  Prefix prefix;
  bool wide;  // VEX.256
  Form form;
  Execute execute;
};
constexpr Instruction kInstructions[] = {
    {"LDTILECFG", 0x49, Prefix::none, false, Form::memory, load_configuration},
    {"TILERELEASE", 0x49, Prefix::none, false, Form::registers, release},
    {"TILEZERO", 0x49, Prefix::xF2, false, Form::registers, zero},
    {"TILELOADD", 0x4B, Prefix::xF2, false, Form::memory, load},
    {"TILESTORED", 0x4B, Prefix::xF3, false, Form::memory, store},
    {"TDPBF16PS", 0x5C, Prefix::xF3, false, Form::registers, multiply_halves},
    {"TDPBSSD", 0x5E, Prefix::xF2, false, Form::registers, multiply_bytes},
    {"VPDPBUSD", 0x50, Prefix::x66, true, Form::either, dot_bytes},
};

std::int32_t displacement(const std::uint8_t* at) {
  std::int32_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// Carries out the instruction that the thread stands at and moves it on; false where that is none of the table's.
/// Reads no byte of code beyond those that make up such an instruction.
bool step(Registers& registers) {
  const auto* const code = reinterpret_cast<const std::uint8_t*>(registers.ip());
  // VEX in three bytes: the inverted upper bits of reg, index and base, and the map; W, inverted vvvv, L and pp.
  if (code[0] != 0xC4 || (code[1] & 0x1F) != 2 || (code[2] & 0x80) != 0) return false;
  const auto is = [&](const Instruction& i) {
    return i.opcode == code[3] && static_cast<int>(i.prefix) == (code[2] & 3) && i.wide == ((code[2] & 4) != 0);
  };
  if (std::none_of(std::begin(kInstructions), std::end(kInstructions), is)) return false;
  const int modrm = code[4], mod = modrm >> 6;
  const auto upper = [&](int bit) { return (code[1] >> bit & 1) == 0 ? 8 : 0; };
  Operands o{(modrm >> 3 & 7) | upper(7), (modrm & 7) | upper(5), ~code[2] >> 3 & 15, mod != 3, false, 0, 0};
  const auto* const instruction = std::find_if(std::begin(kInstructions), std::end(kInstructions), [&](const auto& i) {
    return is(i) && (i.form == Form::either || (i.form == Form::memory) == o.memory);
  });
  if (instruction == std::end(kInstructions)) return false;

  const std::uint8_t* next = code + 5;
  if (o.memory) {
    bool base = true, from_next = false;
    int base_register = o.rm;
    if ((modrm & 7) == 4) {
      const int sib = *next++, index = (sib >> 3 & 7) | upper(6);
      o.sib = true;
      if (index != 4) o.index = registers.general(index) << (sib >> 6);
      base_register = (sib & 7) | upper(5);
      base = mod != 0 || (sib & 7) != 5;
    } else if (mod == 0 && (modrm & 7) == 5) {
      base = false;
      from_next = true;
    }
    if (base) o.address = registers.general(base_register);
    if (mod == 1) {
      o.address += static_cast<std::uint64_t>(std::int64_t{static_cast<std::int8_t>(*next++)});
    } else if (mod == 2 || !base) {
      o.address += static_cast<std::uint64_t>(std::int64_t{displacement(next)});
      next += 4;
    }
    if (from_next) o.address += reinterpret_cast<std::uint64_t>(next);
  }
  if (const char* why = instruction->execute(o, registers)) {
    const char* none = nullptr;
    if (fault_name.compare_exchange_strong(none, instruction->name)) fault_reason = why;
  }
  executed_count.fetch_add(1, std::memory_order_relaxed);
  registers.set_ip(reinterpret_cast<std::uint64_t>(next));
  return true;
}

/// Interrupts no library function, only a kernel's own instruction, so it may do what a function may.
void on_illegal_instruction(int, siginfo_t*, void* context) {
  Registers registers(context);
  if (!step(registers)) {
    const auto* code = reinterpret_cast<const std::uint8_t*>(registers.ip());
    ::dprintf(STDERR_FILENO,
              "an illegal instruction, %02x %02x %02x %02x ...: if a kernel is meant to contain it, it needs a row in "
              "tests/native/emulated_instructions.cc\n",
              code[0], code[1], code[2], code[3]);
    ::signal(SIGILL, SIG_DFL);  // and meets it once more
    return;
  }
  // What follows at once is done in the same trap, which costs more than they do.
  while (step(registers)) continue;
}

}  // namespace

void install() {
  struct sigaction action {};
  action.sa_sigaction = on_illegal_instruction;
  action.sa_flags = SA_SIGINFO;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGILL, &action, nullptr);
}

std::uint64_t executed() { return executed_count.load(std::memory_order_relaxed); }

std::string take_fault() {
  const char* const why = fault_reason.exchange(nullptr);
  if (why == nullptr) return {};
  return std::string(fault_name.exchange(nullptr)) + ": " + why;
}

bool tiles_in_use() { return tiles.configured; }

}  // namespace faultline::check::instructions
#endif
