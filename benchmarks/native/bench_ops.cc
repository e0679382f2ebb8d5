// How close each kernel comes to what this CPU can do, on GPT-2 124M's shapes, one thread: every row of kernels.def
// that runs here, in lines that are a share of a roof. Roofs are measured in the same run, because clock rates and
// neighbours change from minute to minute: fused multiply-adds per second in registers (for bfloat16 and int8 by the
// instructions of the set's own kernels); bytes per second read from memory, for weights; and bytes per second read,
// copied and updated in a cache, for operands that were written just before and are few enough to be in one still, as a
// step's logits and activations are.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "benchmarks/lib/arguments.h"
#include "benchmarks/native/product_operands.h"
#include "native/base/aligned_buffer.h"
#include "native/base/error.h"
#include "native/base/fp_env.h"
#include "native/ops/pack.h"
#include "native/ops/registry.h"

namespace faultline {
namespace {

constexpr const char* kUsage = R"(faultline_bench_ops [PART ...]

How close each kernel comes to what this CPU can do, on GPT-2 124M's shapes, on one thread. PART: only the lines whose
name holds one of these, such as "lm head", avx2 or m=100.
)";

using bench::cpu_seconds;
using bench::numbers;
using ops::cpu::Isa;

/// The best of several runs: what the machine does when nobody disturbs its caches. Roofs and kernels are measured the
/// same way.
double seconds(const std::function<void()>& work) {
  double best = 1e9, spent = 0;
  for (int run = 0; run < 2000 && (run < 5 || spent < 0.3); ++run) {
    const double start = cpu_seconds();
    work();
    const double elapsed = cpu_seconds() - start;
    best = std::min(best, elapsed);
    spent += elapsed;
  }
  return best;
}

volatile float sink;

/// Bytes per second of one thread reading memory that no cache holds.
double stream_roof() {
  static const base::AlignedBuffer buffer = [] {
    base::AlignedBuffer fresh(std::size_t{256} << 20);
    std::fill_n(fresh.as<float>(), fresh.size() / sizeof(float), 1.0f);
    return fresh;
  }();
  const double time = seconds([] {
    // Four streams: one alone does not keep enough lines in flight to saturate a core's path to memory.
    typedef float Vector __attribute__((vector_size(16)));
    const auto* at = buffer.as<Vector>();
    const std::size_t quarter = buffer.size() / sizeof(Vector) / 4;
    Vector sum[16] = {};
    for (std::size_t i = 0; i + 4 <= quarter; i += 4) {
      for (std::size_t stream = 0; stream < 4; ++stream) {
        for (std::size_t j = 0; j < 4; ++j) sum[4 * stream + j] += at[stream * quarter + i + j];
      }
    }
    Vector total = sum[0];
    for (int j = 1; j < 16; ++j) total += sum[j];
    sink = total[0];
  });
  return static_cast<double>(buffer.size()) / time;
}

constexpr std::int32_t kVocabulary = 50257, kWidth = 768, kRows = 100;

/// Bytes per second of one thread over as many floats as a row of logits or a step's activations are, again and again,
/// so that they come from the cache that holds so many.
struct CacheRoofs {
  double read_logits;
  double read;    // kRows x kWidth
  double copy;    // of bytes read and written together
  double update;  // the same, in place
};

// With vectors as wide as the CPU has, whatever the kernels' set. Four streams a step, as many as a core loads or more.
#define FAULTLINE_CACHE_LOOPS(name, bytes, target)                                         \
  target void read_##name(const float* in, std::size_t count) {                            \
    typedef float Vector __attribute__((vector_size(bytes), aligned(4)));                  \
    constexpr std::size_t kLanes = bytes / sizeof(float);                                  \
    Vector sum[8] = {};                                                                    \
    for (std::size_t i = 0; i + 8 * kLanes <= count; i += 8 * kLanes) {                    \
      for (std::size_t j = 0; j < 8; ++j) sum[j] += *(const Vector*)(in + i + j * kLanes); \
    }                                                                                      \
    for (int j = 1; j < 8; ++j) sum[0] += sum[j];                                          \
    sink = sum[0][0];                                                                      \
  }                                                                                        \
  target void move_##name(const float* in, float* out, std::size_t count, float added) {   \
    typedef float Vector __attribute__((vector_size(bytes), aligned(4)));                  \
    constexpr std::size_t kLanes = bytes / sizeof(float);                                  \
    for (std::size_t i = 0; i + 4 * kLanes <= count; i += 4 * kLanes) {                    \
      for (std::size_t j = 0; j < 4; ++j) {                                                \
        *(Vector*)(out + i + j * kLanes) = *(const Vector*)(in + i + j * kLanes) + added;  \
      }                                                                                    \
    }                                                                                      \
  }
FAULTLINE_CACHE_LOOPS(any, 16, )
#if defined(__x86_64__)
FAULTLINE_CACHE_LOOPS(avx2, 32, __attribute__((target("avx2"))))
FAULTLINE_CACHE_LOOPS(avx512, 64, __attribute__((target("avx512f"))))
#endif

CacheRoofs cache_roofs() {
  auto read = read_any;
  auto move = move_any;
#if defined(__x86_64__)
  const ops::cpu::CpuFeatures cpu = ops::cpu::detect_cpu();
  if (cpu.avx512 && cpu.os_avx512) {
    read = read_avx512, move = move_avx512;
  } else if (cpu.avx2 && cpu.os_avx) {
    read = read_avx2, move = move_avx2;
  }
#endif
  const base::AlignedBuffer logits = base::AlignedBuffer::floats(kVocabulary);
  const base::AlignedBuffer in = base::AlignedBuffer::floats(kRows * kWidth);
  base::AlignedBuffer out = base::AlignedBuffer::floats(kRows * kWidth);
  const auto rate = [](double bytes, const std::function<void()>& work) { return bytes / seconds(work); };
  const double logit_bytes = sizeof(float) * kVocabulary, row_bytes = sizeof(float) * kRows * kWidth;
  return {rate(logit_bytes, [&] { read(logits.as<float>(), kVocabulary); }),
          rate(row_bytes, [&] { read(in.as<float>(), kRows * kWidth); }),
          rate(2 * row_bytes, [&] { move(in.as<float>(), out.as<float>(), kRows * kWidth, 0.5f); }),
          rate(2 * row_bytes, [&] { move(out.as<float>(), out.as<float>(), kRows * kWidth, 0.5f); })};
}

#if defined(__x86_64__)
// Twelve chains in named registers: one block of assembler per step, so that nothing can be spilled, folded or
// reordered into dependence.
#define FAULTLINE_FMA_LOOP(name, isa, bytes, constraint)                                                             \
  __attribute__((target(isa))) void name(std::int64_t steps) {                                                       \
    typedef float Vector __attribute__((vector_size(bytes)));                                                        \
    Vector a{}, b{}, c{}, d{}, e{}, f{}, g{}, h{}, i{}, j{}, k{}, l{}, x = Vector{} + 1.0f, y = x * 0.5f;            \
    for (std::int64_t step = 0; step < steps; ++step) {                                                              \
      __asm__ volatile(                                                                                              \
          "vfmadd231ps %12, %13, %0\n vfmadd231ps %12, %13, %1\n vfmadd231ps %12, %13, %2\n vfmadd231ps %12, %13, "  \
          "%3\n"                                                                                                     \
          "vfmadd231ps %12, %13, %4\n vfmadd231ps %12, %13, %5\n vfmadd231ps %12, %13, %6\n vfmadd231ps %12, %13, "  \
          "%7\n"                                                                                                     \
          "vfmadd231ps %12, %13, %8\n vfmadd231ps %12, %13, %9\n vfmadd231ps %12, %13, %10\n vfmadd231ps %12, %13, " \
          "%11"                                                                                                      \
          : "+" constraint(a), "+" constraint(b), "+" constraint(c), "+" constraint(d), "+" constraint(e),           \
            "+" constraint(f), "+" constraint(g), "+" constraint(h), "+" constraint(i), "+" constraint(j),           \
            "+" constraint(k), "+" constraint(l)                                                                     \
          : constraint(x), constraint(y));                                                                           \
    }                                                                                                                \
    const Vector total = a + b + c + d + e + f + g + h + i + j + k + l;                                              \
    sink = total[0];                                                                                                 \
  }
FAULTLINE_FMA_LOOP(fma_loop_avx2, "avx2,fma", 32, "x")
FAULTLINE_FMA_LOOP(fma_loop_avx512, "avx512f", 64, "v")

/// What the loops below use without naming it as an operand: that would be more than assembler may have.
#define FAULTLINE_REGISTERS                                                                                           \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
      "xmm14", "xmm15"
#define FAULTLINE_HIGH_REGISTERS \
  "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25"

/// Sums of short products by one instruction, `op`. 24 chains, since these take longer than a fused multiply-add.
#define FAULTLINE_DOT(op, chain) op " %%zmm24, %%zmm25, %%zmm" #chain "\n"
#define FAULTLINE_DOT_LOOP(name, op)                                                                                   \
  __attribute__((target("avx512f"))) void name(std::int64_t steps) {                                                   \
    for (std::int64_t step = 0; step < steps; ++step) {                                                                \
      __asm__ volatile("vpxorq %%zmm24, %%zmm24, %%zmm24\n vpxorq %%zmm25, %%zmm25, %%zmm25\n" FAULTLINE_DOT(op, 0)    \
                           FAULTLINE_DOT(op, 1) FAULTLINE_DOT(op, 2) FAULTLINE_DOT(op, 3) FAULTLINE_DOT(op, 4)         \
                               FAULTLINE_DOT(op, 5) FAULTLINE_DOT(op, 6) FAULTLINE_DOT(op, 7) FAULTLINE_DOT(op, 8)     \
                                   FAULTLINE_DOT(op, 9) FAULTLINE_DOT(op, 10) FAULTLINE_DOT(op, 11)                    \
                                       FAULTLINE_DOT(op, 12) FAULTLINE_DOT(op, 13) FAULTLINE_DOT(op, 14)               \
                                           FAULTLINE_DOT(op, 15) FAULTLINE_DOT(op, 16) FAULTLINE_DOT(op, 17)           \
                                               FAULTLINE_DOT(op, 18) FAULTLINE_DOT(op, 19) FAULTLINE_DOT(op, 20)       \
                                                   FAULTLINE_DOT(op, 21) FAULTLINE_DOT(op, 22) FAULTLINE_DOT(op, 23):: \
                                                       : FAULTLINE_REGISTERS, FAULTLINE_HIGH_REGISTERS);               \
    }                                                                                                                  \
  }
FAULTLINE_DOT_LOOP(dot_loop_avx512bf16, "vdpbf16ps")
FAULTLINE_DOT_LOOP(byte_loop_avx512vnni, "vpdpbusd")

/// The same by VPDPBUSD on the 16 registers of AVX: 12 chains.
#define FAULTLINE_VEX_DOT(chain) "%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm" #chain "\n"
__attribute__((target("avx2"))) void byte_loop_avxvnni(std::int64_t steps) {
  for (std::int64_t step = 0; step < steps; ++step) {
    __asm__ volatile(FAULTLINE_VEX_DOT(0) FAULTLINE_VEX_DOT(1) FAULTLINE_VEX_DOT(2) FAULTLINE_VEX_DOT(3)
                         FAULTLINE_VEX_DOT(4) FAULTLINE_VEX_DOT(5) FAULTLINE_VEX_DOT(6) FAULTLINE_VEX_DOT(7)
                             FAULTLINE_VEX_DOT(8) FAULTLINE_VEX_DOT(9) FAULTLINE_VEX_DOT(10) FAULTLINE_VEX_DOT(11)::
                                 : FAULTLINE_REGISTERS);
  }
}

/// Pairs of 16-bit products by VPMADDWD, each added to one of six chains: the sets without an instruction for bytes.
#define FAULTLINE_MADD(width, chain, product)                \
  "vpmaddwd %%" width "14, %%" width "15, %%" width #product \
  "\n"                                                       \
  "vpaddd %%" width #product ", %%" width #chain ", %%" width #chain "\n"
#define FAULTLINE_MADD_LOOP(name, isa, width)                                                                      \
  __attribute__((target(isa))) void name(std::int64_t steps) {                                                     \
    for (std::int64_t step = 0; step < steps; ++step) {                                                            \
      __asm__ volatile(FAULTLINE_MADD(width, 0, 6) FAULTLINE_MADD(width, 1, 7) FAULTLINE_MADD(width, 2, 8)         \
                           FAULTLINE_MADD(width, 3, 9) FAULTLINE_MADD(width, 4, 10) FAULTLINE_MADD(width, 5, 11):: \
                               : FAULTLINE_REGISTERS);                                                             \
    }                                                                                                              \
  }
FAULTLINE_MADD_LOOP(byte_loop_avx2, "avx2", "ymm")
FAULTLINE_MADD_LOOP(byte_loop_avx512, "avx512bw", "zmm")

/// Four sums of 16 x 16, two tiles of each factor: the kernels' own tiles, without their loads. `op` is the product.
#define FAULTLINE_TILE_LOOP(name, op)                                                                         \
  void name(std::int64_t steps) {                                                                             \
    alignas(64) unsigned char config[64] = {1};                                                               \
    for (int tile = 0; tile < 8; ++tile) {                                                                    \
      config[16 + 2 * tile] = 64; /* bytes per row */                                                         \
      config[48 + tile] = 16;     /* rows */                                                                  \
    }                                                                                                         \
    __asm__ volatile(                                                                                         \
        "ldtilecfg %0\n tilezero %%tmm0\n tilezero %%tmm1\n tilezero %%tmm2\n tilezero %%tmm3\n"              \
        "tilezero %%tmm4\n tilezero %%tmm5\n tilezero %%tmm6\n tilezero %%tmm7" ::"m"(config));               \
    for (std::int64_t step = 0; step < steps; ++step) {                                                       \
      __asm__ volatile(op " %tmm6, %tmm4, %tmm0\n" op " %tmm7, %tmm4, %tmm1\n" op " %tmm6, %tmm5, %tmm2\n" op \
                          " %tmm7, %tmm5, %tmm3");                                                            \
    }                                                                                                         \
    __asm__ volatile("tilerelease");                                                                          \
  }
FAULTLINE_TILE_LOOP(tile_loop_amx, "tdpbf16ps")
FAULTLINE_TILE_LOOP(byte_loop_amx, "tdpbssd")
#elif defined(__aarch64__)
#define FAULTLINE_REGISTERS                                                                                      \
  "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", \
      "v25", "v26", "v27", "v28", "v29", "v30", "v31"

/// Fused multiply-adds of four lanes in 22 chains: as many as four units take at once, whose results come after four or
/// five cycles.
#define FAULTLINE_FMLA(chain) "fmla v" #chain ".4s, v30.4s, v31.4s\n"
void fma_loop_neon(std::int64_t steps) {
  for (std::int64_t step = 0; step < steps; ++step) {
    __asm__ volatile("movi v30.4s, #0\n movi v31.4s, #0\n" FAULTLINE_FMLA(0) FAULTLINE_FMLA(1) FAULTLINE_FMLA(2)
                         FAULTLINE_FMLA(3) FAULTLINE_FMLA(4) FAULTLINE_FMLA(5) FAULTLINE_FMLA(6) FAULTLINE_FMLA(7)
                             FAULTLINE_FMLA(16) FAULTLINE_FMLA(17) FAULTLINE_FMLA(18) FAULTLINE_FMLA(19)
                                 FAULTLINE_FMLA(20) FAULTLINE_FMLA(21) FAULTLINE_FMLA(22) FAULTLINE_FMLA(23)
                                     FAULTLINE_FMLA(24) FAULTLINE_FMLA(25) FAULTLINE_FMLA(26) FAULTLINE_FMLA(27)
                                         FAULTLINE_FMLA(28) FAULTLINE_FMLA(29)::
                                             : FAULTLINE_REGISTERS);
  }
}

/// Sixteen products of bytes by SMULL, summed in pairs and added to one of seven chains by SADALP (quads_neon.h).
#define FAULTLINE_SADALP(chain, low, high)                                                                  \
  "smull v" #low ".8h, v30.8b, v31.8b\n smull2 v" #high ".8h, v30.16b, v31.16b\n addp v" #low ".8h, v" #low \
  ".8h, v" #high ".8h\n sadalp v" #chain ".4s, v" #low ".8h\n"
void byte_loop_neon(std::int64_t steps) {
  for (std::int64_t step = 0; step < steps; ++step) {
    __asm__ volatile(FAULTLINE_SADALP(0, 16, 17) FAULTLINE_SADALP(1, 18, 19) FAULTLINE_SADALP(2, 20, 21)
                         FAULTLINE_SADALP(3, 22, 23) FAULTLINE_SADALP(4, 24, 25) FAULTLINE_SADALP(5, 26, 27)
                             FAULTLINE_SADALP(6, 28, 29)::
                                 : FAULTLINE_REGISTERS);
  }
}
#endif

/// Multiply-adds per second of one thread: independent chains in registers, nothing else. Of bfloat16 pairs for the
/// families that have an instruction for those.
double bf16_roof(ops::cpu::Family family) {
  [[maybe_unused]] constexpr std::int64_t kSteps = 300'000;
#if defined(__x86_64__)
  if (family == ops::cpu::Family::dpbf16) return 24.0 * 32 * kSteps / seconds([] { dot_loop_avx512bf16(kSteps); });
  if (family == ops::cpu::Family::amx) {
    return 4.0 * 16 * 16 * 32 * (kSteps / 10) / seconds([] { tile_loop_amx(kSteps / 10); });
  }
#endif
  (void)family;
  return 0;
}

/// The same of bytes, by the instructions that the set's gemm_int8 is made of; 0 where nobody has looked.
double int8_roof(Isa isa) {
  constexpr std::int64_t kSteps = 300'000;
#if defined(__x86_64__)
  if (isa == Isa::amx) return 4.0 * 16 * 16 * 64 * (kSteps / 10) / seconds([] { byte_loop_amx(kSteps / 10); });
  if (isa == Isa::avx512vnni) return 24.0 * 64 * kSteps / seconds([] { byte_loop_avx512vnni(kSteps); });
  if (isa == Isa::avx512) return 6.0 * 32 * kSteps / seconds([] { byte_loop_avx512(kSteps); });
  if (isa == Isa::avxvnni) return 12.0 * 32 * kSteps / seconds([] { byte_loop_avxvnni(kSteps); });
  if (isa == Isa::avx2) return 6.0 * 16 * kSteps / seconds([] { byte_loop_avx2(kSteps); });
#elif defined(__aarch64__)
  if (isa == Isa::neon) return 7.0 * 16 * kSteps / seconds([] { byte_loop_neon(kSteps); });
#endif
  (void)isa;
  return 0;
}

double fma_roof(Isa isa) {
  constexpr std::int64_t kSteps = 300'000;
#if defined(__x86_64__)
  if (isa >= Isa::avx512) return 12.0 * 16 * kSteps / seconds([] { fma_loop_avx512(kSteps); });
  if (isa >= Isa::avx2) return 12.0 * 8 * kSteps / seconds([] { fma_loop_avx2(kSteps); });
#elif defined(__aarch64__)
  if (isa == Isa::neon) return 22.0 * 4 * kSteps / seconds([] { fma_loop_neon(kSteps); });
#endif
  // Scalar kernels call the C library's fma, one at a time: their roof is that call.
  float acc = 0;
  const double time = seconds([&] {
    for (std::int64_t i = 0; i < kSteps; ++i) acc = __builtin_fmaf(acc, 0.5f, 1.0f);
    sink = acc;
  });
  (void)isa;
  return static_cast<double>(kSteps) / time;
}

struct Table {
  std::string isa;
  ops::OpTable ops;
  double fma;  // the roof
  ops::cpu::Family family;
  double bf16;  // the roof of the family's own products; fma's where it has none
  double int8;  // of gemm_int8's instructions; fma's where that is not known
};

bool wanted(const std::vector<std::string>& filters, const std::string& line) {
  if (filters.empty()) return true;
  return std::any_of(filters.begin(), filters.end(),
                     [&](const std::string& filter) { return line.find(filter) != std::string::npos; });
}

/// A roof of 0 is none.
void print_share(const std::string& name, double time, double work, double roof, const char* unit,
                 const char* roof_name) {
  std::printf("%-58s %9.1f us  %7.1f %-8s", name.c_str(), time * 1e6, work / time / 1e9, unit);
  if (roof > 0) std::printf(" %5.1f %% of %s", 100 * work / time / roof, roof_name);
  std::printf("\n");
  std::fflush(stdout);
}

/// What the lines of one kernel are made from.
struct Bench {
  const Table& table;
  const std::vector<std::string>& filters;
  double stream;  // bytes per second from memory
  const CacheRoofs& caches;

  bool is_scalar() const { return table.isa == "scalar"; }
  void line(const std::string& name, double work, double roof, const char* unit, const char* roof_name,
            const std::function<void()>& run) const {
    if (wanted(filters, name)) print_share(name, seconds(run), work, roof, unit, roof_name);
  }
};

/// GPT-2's matrix products with weights of a type by `gemm`, against `roof` multiply-adds per second.
void bench_product(const Bench& bench, const std::string& product, ops::WeightType type,
                   void (*gemm)(const ops::GemmArgs&), double roof, const char* roof_name) {
  for (const bench::GemmShape& shape : bench::kGpt2Products) {
    for (const std::int32_t m : {1, 4, 6, 8, 16, 32, 64, 100, 512}) {
      const std::string name = "gemm " + bench.table.isa + " " + product + " " + shape.name + " m=" + std::to_string(m);
      // The scalar kernels only have to be correct; one shape shows their share.
      if (!wanted(bench.filters, name) || (bench.is_scalar() && (m != 8 || shape.n != 768))) continue;
      if (shape.n > 50000 && m > 100) continue;
      bench::ProductOperands operands(shape, m, type);
      const double multiplies = static_cast<double>(m) * shape.k * shape.n;
      const double weights = static_cast<double>(operands.weight_bytes());
      const auto run = [&] { operands.run(bench.table.ops, gemm); };
      // Whichever roof is nearer binds: weights must stream once whatever m is (large matrices), and every product
      // must be computed.
      if (weights / bench.stream > multiplies / roof) {
        bench.line(name, weights, bench.stream, "GB/s", "stream", run);
      } else {
        bench.line(name, multiplies, roof, "GFMA/s", roof_name, run);
      }
    }
  }
}

void bench_gemm(const Bench& bench) {
  bench_product(bench, "f32", ops::WeightType::f32, bench.table.ops.gemm, bench.table.fma, "FMA peak");
}

void bench_gemm_bf16(const Bench& bench) {
  bench_product(bench, std::string("bf16 ") + ops::cpu::family_name(bench.table.family),
                ops::bf16_weights(bench.table.family), bench.table.ops.gemm_bf16, bench.table.bf16, "bf16 peak");
}

void bench_gemm_int8(const Bench& bench) {
  bench_product(bench, "int8", ops::WeightType::int8, bench.table.ops.gemm_int8, bench.table.int8, "int8 peak");
}

/// Attention over keys and values that are stored as Element.
template <class Element>
void bench_attention(const Bench& bench) {
  const Table& table = bench.table;
  constexpr std::int32_t kDim = 64;
  constexpr bool kFloat = std::is_same_v<Element, float>;
  // What a forward pass calls (gpt2_forward.cc): one row over its own suffix, 32 rows over a prompt.
  for (const auto& [rows, keys] :
       {std::pair{1, 128}, std::pair{1, 512}, std::pair{32, 150}, std::pair{32, 512}, std::pair{32, 900}}) {
    const std::string name = "attend " + table.isa + (kFloat ? " f32" : " bf16") + " rows=" + std::to_string(rows) +
                             " keys=" + std::to_string(keys) + " dim=64";
    if (!wanted(bench.filters, name) || (bench.is_scalar() && rows != 1)) continue;
    const std::size_t padded = static_cast<std::size_t>((keys + 15) / 16 * 16) * kDim;
    const std::vector<float> q = numbers(static_cast<std::size_t>(rows) * kDim);
    const std::vector<Element> k = bench::stored<Element>(numbers(padded)), v = k;
    const std::vector<std::int32_t> visible(static_cast<std::size_t>(rows), keys);
    std::vector<float> m(visible.size()), l(visible.size()), acc(q.size());
    const double time = seconds([&] {
      std::fill(m.begin(), m.end(), -__builtin_inff());
      std::fill(l.begin(), l.end(), 0.0f);
      std::fill(acc.begin(), acc.end(), 0.0f);
      table.ops.attend({q.data(), kDim, rows, kDim, 0.125f, k.data(), v.data(), kDim, visible.data(), m.data(),
                        l.data(), acc.data(), kDim, bench::kKvType<Element>});
    });
    print_share(name, time, 2.0 * rows * keys * kDim, table.fma, "GFMA/s", "FMA peak");
  }
}

void bench_attend(const Bench& bench) {
  bench_attention<float>(bench);
  bench_attention<std::uint16_t>(bench);
}

/// Logits as the sampler meets them: written just before by the head's product, and in a cache.
void logits_line(const Bench& bench, const std::string& op, const std::string& what, const std::function<void()>& run) {
  bench.line(op + " " + bench.table.isa + " n=50257" + what, sizeof(float) * static_cast<double>(kVocabulary),
             bench.caches.read_logits, "GB/s", "cached read", run);
}

void bench_softmax_stats(const Bench& bench) {
  const std::vector<float> logits = numbers(kVocabulary);
  logits_line(bench, "softmax_stats", "", [&] {
    sink = bench.table.ops.softmax_stats({logits.data(), kVocabulary, 1, nullptr}).sum;
  });
}

void bench_tail(const Bench& bench) {
  const std::vector<float> logits = numbers(kVocabulary);
  logits_line(bench, "tail", ", 1 % kept", [&] {
    sink = bench.table.ops.tail({logits.data(), kVocabulary, 1, 1, {.least = 0.98f}, nullptr}).mass;
  });
}

void bench_gather(const Bench& bench) {
  const std::vector<float> logits = numbers(kVocabulary);
  std::vector<float> out(kVocabulary + ops::kLanes);
  logits_line(bench, "gather", ", 1 % kept", [&] {
    sink = static_cast<float>(bench.table.ops.gather(
        {logits.data(), kVocabulary, {.least = 0.98f}, nullptr, out.data(), (kVocabulary + 15) / 16 * 16}));
  });
}

void bench_draw(const Bench& bench) {
  std::vector<float> logits = numbers(kVocabulary);
  ops::DrawArgs draw{logits.data(), kVocabulary, 1, {}, nullptr, false, 42, 0, 0, 0, 0};
  const auto draw_next = [&] {
    ++draw.sample;
    sink = bench.table.ops.draw(draw).score;
  };
  logits_line(bench, "draw", ", flat logits", draw_next);
  for (float& logit : logits) logit *= 12;
  logits_line(bench, "draw", ", logits in +-12", draw_next);
  for (std::size_t i = 0; i < logits.size(); i += 977) logits[i] += 15;
  logits_line(bench, "draw", ", peaked logits", draw_next);
  draw.greedy = true;
  logits_line(bench, "draw", ", greedy", draw_next);
}

void bench_log_sum(const Bench& bench) {
  const std::vector<float> sums(kRows, 2.0f);
  // One number at a time, each after the one before: there is no roof to compare that with. In thousands, as the line
  // divides by a thousand millions.
  bench.line("log_sum " + bench.table.isa + ", 100 calls", 1e3 * kRows, 0, "Mcall/s", "", [&] {
    for (const float sum : sums) sink = bench.table.ops.log_sum(sum);
  });
}

/// A pass over 100 x 768 activations, which are in a cache. The roof is the least time for its traffic: what is written
/// is `copied` at one of the caches' rates, what is read beyond as much is read. Both in bytes for each activation.
void activations_line(const Bench& bench, const std::string& op, double read, double written, double copied,
                      const std::function<void()>& run) {
  const double values = static_cast<double>(kRows) * kWidth, bytes = values * (read + written);
  const double least = values * (2 * written / copied + (read - written) / bench.caches.read);
  bench.line(op + " " + bench.table.isa + " 100 x 768", bytes, bytes / least, "GB/s",
             copied == bench.caches.update ? "cached update" : "cached copy", run);
}

void bench_round_bf16(const Bench& bench) {
  const std::vector<float> x = numbers(kRows * kWidth);
  std::vector<std::uint16_t> out(static_cast<std::size_t>(ops::bf16_size(kRows, kWidth)));
  activations_line(bench, "round_bf16", 4, 2, bench.caches.copy, [&] {
    bench.table.ops.round_bf16({x.data(), kWidth, kRows, kWidth, out.data()});
  });
}

void bench_quantise(const Bench& bench) {
  const std::vector<float> x = numbers(kRows * kWidth);
  std::vector<std::int8_t> out(static_cast<std::size_t>(ops::int8_size(kRows, kWidth)));
  std::vector<ops::QuantisedRow> rows(kRows);
  activations_line(bench, "quantise", 4, 1, bench.caches.copy, [&] {
    bench.table.ops.quantise({x.data(), kWidth, kRows, kWidth, out.data(), rows.data()});
  });
}

void bench_layernorm(const Bench& bench) {
  const std::vector<float> x = numbers(kRows * kWidth), gamma = numbers(kWidth);
  std::vector<float> out(x.size());
  activations_line(bench, "layernorm", 4, 4, bench.caches.copy, [&] {
    bench.table.ops.layernorm({x.data(), kRows, kWidth, gamma.data(), gamma.data(), 1e-5f, out.data(), nullptr});
  });
}

void bench_gelu(const Bench& bench) {
  const std::vector<float> x = numbers(kRows * kWidth);
  std::vector<float> out(x.size());
  activations_line(bench, "gelu", 4, 4, bench.caches.copy,
                   [&] { bench.table.ops.gelu(x.data(), out.data(), kRows * kWidth); });
}

void bench_add(const Bench& bench) {
  const std::vector<float> x = numbers(kRows * kWidth);
  std::vector<float> out(x.size());
  activations_line(bench, "add", 8, 4, bench.caches.update,
                   [&] { bench.table.ops.add(x.data(), out.data(), out.data(), kRows * kWidth); });
}

void bench_attention_end(const Bench& bench) {
  std::vector<float> out = numbers(kRows * kWidth);
  const std::vector<float> sums(kRows, 1.0f);  // so that what is divided again and again stays as it is
  activations_line(bench, "attention_end", 4, 4, bench.caches.update,
                   [&] { bench.table.ops.attention_end(out.data(), kWidth, sums.data(), kRows, kWidth); });
}

/// The lines of each op's kernels; tests/contract/native-tables.test.ts knows no op without.
constexpr struct {
  const char* op;
  void (*bench)(const Bench&);
} kBenches[] = {{"gemm", bench_gemm},
                {"gemm_bf16", bench_gemm_bf16},
                {"round_bf16", bench_round_bf16},
                {"gemm_int8", bench_gemm_int8},
                {"quantise", bench_quantise},
                {"layernorm", bench_layernorm},
                {"gelu", bench_gelu},
                {"add", bench_add},
                {"attend", bench_attend},
                {"attention_end", bench_attention_end},
                {"softmax_stats", bench_softmax_stats},
                {"tail", bench_tail},
                {"gather", bench_gather},
                {"draw", bench_draw},
                {"log_sum", bench_log_sum}};

void bench_kernel(const ops::KernelRow& row, const Bench& bench) {
  for (const auto& [op, lines] : kBenches) {
    if (std::string_view(op) == row.op) return lines(bench);
  }
  throw base::Error(base::ErrorCode::internal, std::string("no benchmark for ") + row.op, "Add it to kBenches.");
}

void run(const std::vector<std::string>& filters) {
  for (const std::string& filter : filters) {
    if (filter.starts_with("--")) throw base::Error(base::ErrorCode::usage, "there is no flag " + filter);
  }
  const base::FpEnv mode;
  const ops::Selection& chosen = ops::selection();
  const double stream = stream_roof();
  const CacheRoofs caches = cache_roofs();
  std::printf(
      "%s, picked %s, one thread; reading memory: %.1f GB/s; in a cache: logits read %.1f GB/s, activations read "
      "%.1f, copied %.1f, updated %.1f\n",
      chosen.cpu_brand.c_str(), ops::cpu::isa_name(chosen.isa), stream / 1e9, caches.read_logits / 1e9,
      caches.read / 1e9, caches.copy / 1e9, caches.update / 1e9);
  for (int i = 0; i < ops::cpu::kIsaCount; ++i) {
    const Isa isa = static_cast<Isa>(i);
    const bool runs =
        std::any_of(chosen.candidates.begin(), chosen.candidates.end(), [&](const ops::Candidate& candidate) {
          return candidate.isa == isa && (candidate.picked || candidate.refused.ends_with("is better"));
        });
    if (!runs) continue;
    const ops::Selection selection = ops::select(ops::cpu::isa_name(isa), ops::cpu::detect_cpu());
    Table table{ops::cpu::isa_name(isa),
                selection.ops,
                fma_roof(isa),
                selection.family,
                bf16_roof(selection.family),
                int8_roof(selection.kernel("gemm_int8").isa)};
    if (table.bf16 == 0) table.bf16 = table.fma;
    if (table.int8 == 0) table.int8 = table.fma;
    std::printf("%s: FMA peak %.1f GFMA/s, bf16 (%s) peak %.1f GFMA/s, int8 (%s) peak %.1f GFMA/s\n", table.isa.c_str(),
                table.fma / 1e9, ops::cpu::family_name(table.family), table.bf16 / 1e9,
                ops::cpu::isa_name(selection.kernel("gemm_int8").isa), table.int8 / 1e9);
    const Bench bench{table, filters, stream, caches};
    for (const ops::KernelRow& row : ops::kernel_rows()) {
      if (row.isa == isa) bench_kernel(row, bench);
    }
  }
}

}  // namespace
}  // namespace faultline

int main(int argc, char** argv) {
  if (faultline::bench::helped(argc, argv, faultline::kUsage)) return 0;
  return faultline::bench::run_program([&] { faultline::run({argv + 1, argv + argc}); });
}
