// What batch invariance costs the matrix products and attention, by contestants that need not keep it.
// Products: the kernel in use, whose output is one chain along k at any number of rows (ops.h), against the same source
// with the register tile and the number of chains chosen for each product and number of rows (free_order.h), those with
// one chain, which an invariant kernel may choose too, and those with several, which change bits, apart. Contestants
// with one chain must give the kernel's bits and those with several its numbers, or this ends with an error.
// Attention: one sample alone, its keys in one segment against a prompt and its own, split where the engine splits;
// keys and values in float32, as beside float32 weights, and in bfloat16, as beside all others. Not compared: int8,
// whose sums are exact in any order; the family amx; splitting k among threads, which pays only where threads are many;
// norms and softmax sums, whose 16 lanes any vector code would take. GPT-2 124M's shapes, weights from memory, CPU time
// of one thread, contestants alternating, best of several; the fastest of a first contest meet the kernel again in a
// second one, which alone counts. One JSON object on stdout.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "benchmarks/lib/arguments.h"
#include "benchmarks/native/free_order.h"
#include "benchmarks/native/product_operands.h"
#include "native/base/error.h"
#include "native/base/fp_env.h"
#include "native/ops/registry.h"

namespace faultline {
namespace {

constexpr const char* kUsage = R"(faultline_bench_invariance [--rows 1,4,16,32,100] [--round-seconds 0.3]

What batch invariance costs GPT-2 124M's matrix products and attention, on one thread, against orders that are free.
--rows: of the products, each at least 1. --round-seconds: CPU time of a contestant's round, at least. Prints one JSON object.
)";

using bench::FreeOrder;
using ops::cpu::Isa;

/// The free orders of an instruction set's product, or null where nobody has written any.
const FreeOrder* free_orders(ops::WeightType type, Isa isa) {
#if defined(__x86_64__)
  const bool f32 = type == ops::WeightType::f32;
  if (isa == Isa::avx2) return f32 ? bench::avx2::kGemm : bench::avx2::kGemmBf16;
  if (isa == Isa::avx512) return f32 ? bench::avx512::kGemm : bench::avx512::kGemmBf16;
  if (isa == Isa::avx512bf16 && !f32) return bench::avx512bf16::kGemmBf16;
#endif
  (void)type;
  (void)isa;
  return nullptr;
}

/// Best times of contestants that alternate, there and back, until each has had `least_seconds` and 5 turns.
std::vector<double> contest(const std::vector<std::function<void()>>& contestants, double least_seconds) {
  std::vector<double> best(contestants.size(), 1e9);
  double spent = 0;
  for (int round = 0; round < 5 || spent < least_seconds * static_cast<double>(contestants.size()); ++round) {
    for (std::size_t turn = 0; turn < contestants.size(); ++turn) {
      const std::size_t i = round % 2 == 0 ? turn : contestants.size() - 1 - turn;
      const double start = bench::cpu_seconds();
      contestants[i]();
      const double elapsed = bench::cpu_seconds() - start;
      best[i] = std::min(best[i], elapsed);
      spent += elapsed;
    }
  }
  return best;
}

/// Throws Error(internal) unless `order` computes what the kernel in use does.
void check_results(const FreeOrder& order, const std::vector<float>& expected, const std::vector<float>& results) {
  float largest = 0, error = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::fabs(expected[i]));
    error = std::max(error, std::fabs(expected[i] - results[i]));
  }
  // Sums of at most 3072 products of numbers below 1, rounded to 24 bits each: 3072^2 * 2^-24 at the very worst.
  const bool same = order.chains == 1 ? expected == results : error > 0 && error < 0.5f && largest > 4;
  if (!same)
    throw base::Error(base::ErrorCode::internal, std::to_string(order.rows) + " x " + std::to_string(order.panels) +
                                                     " with " + std::to_string(order.chains) +
                                                     " chains is not the product: largest error " +
                                                     std::to_string(error) + " of " + std::to_string(largest));
}

struct Best {
  double seconds = 1e9;
  const FreeOrder* order = nullptr;
};

std::string described(const FreeOrder& order) {
  return std::to_string(order.rows) + " x " + std::to_string(16 * order.panels) + ", " + std::to_string(order.chains);
}

/// Seconds of all products of a step: by the kernel, and by the best for each of one chain, of several, and of all.
struct Sums {
  double kernel = 0, one_chain = 0, chains = 0, free = 0;
};

/// One product at one number of rows: a line of JSON, and its part of a step's sums.
std::string product_row(const char* dtype, ops::WeightType type, void (*gemm)(const ops::GemmArgs&),
                        const FreeOrder* orders, const bench::GemmShape& shape, std::int32_t m, double least_seconds,
                        Sums& sums) {
  const ops::OpTable& table = ops::ops();
  // Residuals would add up from run to run, and what stands in `out` is compared.
  const bench::GemmShape plain{shape.name, shape.k, shape.n,
                               shape.epilogue == ops::Epilogue::residual ? ops::Epilogue::none : shape.epilogue,
                               shape.per_step};
  bench::ProductOperands operands(plain, m, type);
  operands.run(table, gemm);
  const std::vector<float> expected = operands.out();
  std::vector<const FreeOrder*> all;
  for (const FreeOrder* order = orders; order->gemm != nullptr; ++order) {
    operands.run(table, order->gemm);
    check_results(*order, expected, operands.out());
    all.push_back(order);
  }
  const auto runs = [&](const std::vector<const FreeOrder*>& of) {
    std::vector<std::function<void()>> contestants;
    for (const FreeOrder* order : of) contestants.emplace_back([&, order] { operands.run(table, order->gemm); });
    return contestants;
  };
  const std::vector<double> first = contest(runs(all), least_seconds / 4);
  Best one_chain, chains;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Best& best = all[i]->chains == 1 ? one_chain : chains;
    if (first[i] < best.seconds) best = {first[i], all[i]};
  }
  std::vector<std::function<void()>> finalists = runs({one_chain.order, chains.order});
  finalists.emplace_back([&] { operands.run(table, gemm); });
  const std::vector<double> last = contest(finalists, least_seconds);
  const double kernel = last[2], best_free = std::min({last[0], last[1], kernel});
  sums.kernel += shape.per_step * kernel;
  sums.one_chain += shape.per_step * std::min(last[0], kernel);
  sums.chains += shape.per_step * last[1];
  sums.free += shape.per_step * best_free;
  std::ostringstream line;
  line << "{\"dtype\": \"" << dtype << "\", \"product\": \"" << shape.name << "\", \"rows\": " << m
       << ", \"kernel_us\": " << 1e6 * kernel << ", \"one_chain_us\": " << 1e6 * last[0] << ", \"one_chain\": \""
       << described(*one_chain.order) << "\", \"chains_us\": " << 1e6 * last[1] << ", \"chains\": \""
       << described(*chains.order) << "\"}";
  return line.str();
}

/// One sample's attention in one layer, `own` keys behind a prompt, all of them stored as Element.
template <class Element>
std::string attention_row(std::int32_t prompt, std::int32_t own, double least_seconds) {
  constexpr std::int32_t kDim = 64, kHeads = 12;
  const ops::OpTable& table = ops::ops();
  const auto room = [](std::int32_t keys) { return static_cast<std::size_t>((keys + 15) / 16 * 16) * kDim; };
  const std::vector<float> q = bench::numbers(kDim);
  const std::vector<Element> keys = bench::stored<Element>(bench::numbers(kHeads * room(prompt + own))), values = keys;
  std::vector<float> acc(kDim);
  float m = 0, l = 0;
  const auto fold = [&](std::size_t begin, std::int32_t visible) {
    table.attend({q.data(), kDim, 1, kDim, 0.125f, keys.data() + begin, values.data() + begin, kDim, &visible, &m, &l,
                  acc.data(), kDim, bench::kKvType<Element>});
  };
  const auto start = [&] {
    m = -__builtin_inff();
    l = 0;
    std::fill(acc.begin(), acc.end(), 0.0f);
  };
  const auto one = [&] {
    for (std::size_t head = 0; head < kHeads; ++head) {
      start();
      fold(head * room(prompt + own), prompt + own);
      table.attention_end(acc.data(), kDim, &l, 1, kDim);
    }
  };
  // The same memory, read as two segments; where the second one starts only its time matters.
  const auto two = [&] {
    for (std::size_t head = 0; head < kHeads; ++head) {
      start();
      fold(head * room(prompt + own), prompt);
      fold(head * room(prompt + own) + room(prompt) - 16 * kDim, own);
      table.attention_end(acc.data(), kDim, &l, 1, kDim);
    }
  };
  const std::vector<double> best = contest({one, two}, least_seconds);
  std::ostringstream line;
  line << "{\"keys\": \"" << (bench::kKvType<Element> == ops::KvType::f32 ? "float32" : "bfloat16")
       << "\", \"prompt\": " << prompt << ", \"own\": " << own << ", \"one_segment_us\": " << 1e6 * best[0]
       << ", \"two_segments_us\": " << 1e6 * best[1] << "}";
  return line.str();
}

void run(const bench::Arguments& arguments) {
  const base::FpEnv mode;
  const ops::Selection& selection = ops::selection();
  const double least_seconds = arguments.number("round-seconds", 0.3);
  std::vector<std::int32_t> counts;
  std::istringstream list(arguments.text("rows", "1,4,16,32,100"));
  for (std::string word; std::getline(list, word, ',');) {
    std::int32_t count = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), count);
    counts.push_back(count);
    if (error != std::errc() || end != word.data() + word.size() || count < 1)
      throw base::Error(base::ErrorCode::usage,
                        "--rows: expected whole numbers of at least 1 with commas between, got \"" +
                            arguments.text("rows", "") + "\"");
  }
  const struct {
    const char* dtype;
    const char* op;
    ops::WeightType type;
    void (*gemm)(const ops::GemmArgs&);
  } products[] = {{"float32", "gemm", ops::WeightType::f32, selection.ops.gemm},
                  {"bfloat16", "gemm_bf16", selection.bf16_weights, selection.ops.gemm_bf16}};
  std::string rows, steps, skipped;
  const auto append = [](std::string& text, const std::string& item) { text += (text.empty() ? "\n" : ",\n") + item; };
  for (const auto& [dtype, op, type, gemm] : products) {
    const Isa isa = selection.kernel(op).isa;
    const FreeOrder* const orders = free_orders(type, isa);
    if (orders == nullptr) {
      append(skipped, std::string("\"") + dtype + ": no free orders are written for " + ops::cpu::isa_name(isa) + "\"");
      continue;
    }
    for (const std::int32_t m : counts) {
      Sums sums;
      for (const bench::GemmShape& shape : bench::kGpt2Products)
        append(rows, product_row(dtype, type, gemm, orders, shape, m, least_seconds, sums));
      std::ostringstream line;
      line << "{\"dtype\": \"" << dtype << "\", \"isa\": \"" << ops::cpu::isa_name(isa) << "\", \"rows\": " << m
           << ", \"kernel_ms\": " << 1e3 * sums.kernel << ", \"one_chain_ms\": " << 1e3 * sums.one_chain
           << ", \"chains_ms\": " << 1e3 * sums.chains << ", \"free_ms\": " << 1e3 * sums.free
           << ", \"cost\": " << sums.one_chain / sums.free - 1 << "}";
      append(steps, line.str());
    }
  }
  std::string attention;
  for (const std::int32_t own : {16, 64, 128}) append(attention, attention_row<float>(150, own, least_seconds));
  for (const std::int32_t own : {16, 64, 128}) append(attention, attention_row<std::uint16_t>(150, own, least_seconds));
  std::printf("{\"cpu\": \"%s\", \"steps\": [%s], \"attention\": [%s], \"products\": [%s], \"skipped\": [%s]}\n",
              selection.cpu_brand.c_str(), steps.c_str(), attention.c_str(), rows.c_str(), skipped.c_str());
}

}  // namespace
}  // namespace faultline

int main(int count, char** words) {
  return faultline::bench::run_program(count, words, faultline::kUsage,
                                       [](const auto& arguments) { return faultline::run(arguments); });
}
