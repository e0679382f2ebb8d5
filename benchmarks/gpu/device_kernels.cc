// How long each device operation takes at the sizes of GPT-2 124M's step, one JSON object a line.
// An operation is recorded many times into one graph, over operands that take turns so that none is found in the cache;
// the best of several launches counts. bytes and flops are what the operation must move through memory and compute.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/lib/arguments.h"
#include "native/base/error.h"
#include "native/base/philox.h"
#include "native/ops/device.h"
#include "native/ops/ops.h"
#include "native/tensor/convert.h"

namespace faultline {
namespace {

constexpr const char* kUsage =
    R"(faultline_device_kernels [--dtype bfloat16] [--rows 1600] [--groups 16] [--prompt 150] [--suffix 128] [--only OP]

How long each device operation takes at the sizes of GPT-2 124M's step, or those alone whose name holds OP. --dtype:
bfloat16 or float32. Prints one JSON object a line.
)";

using ops::DeviceBuffer;
using ops::DeviceContext;
using ops::DeviceRow;
using ops::DeviceType;

constexpr std::int32_t kLayers = 12, kHeads = 12, kDim = 64, kWidth = 768, kVocabulary = 50257;

std::vector<float> numbers(std::size_t count, float scale) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto block = base::philox4x32_10({static_cast<std::uint32_t>(i), 7, 0, 0}, 1);
    values[i] = scale * (static_cast<float>(block[0] >> 8) / 8388608.0F - 1.0F);
  }
  return values;
}

/// By the method of Box and Muller (1958).
std::vector<float> normal_numbers(std::size_t count, float deviation) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto block = base::philox4x32_10({static_cast<std::uint32_t>(i), 8, 0, 0}, 1);
    const double u = (block[0] + 0.5) * 0x1p-32, v = (block[1] + 0.5) * 0x1p-32;
    values[i] = static_cast<float>(deviation * std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v));
  }
  return values;
}

class Bench {
 public:
  Bench(const bench::Arguments& arguments)
      : type_(arguments.one_of("dtype", {"bfloat16", "float32"}) == "float32" ? DeviceType::f32 : DeviceType::bf16),
        rows_(arguments.integer("rows", 1600)),
        groups_(arguments.integer("groups", 16)),
        prompt_(arguments.integer("prompt", 150)),
        suffix_(arguments.integer("suffix", 128)),
        only_(arguments.text("only", "")) {}

  void run() {
    gemm("attn_qkv", kWidth, 3 * kWidth, ops::Epilogue::none, type_);
    gemm("attn_proj", kWidth, kWidth, ops::Epilogue::residual, DeviceType::f32);
    gemm("mlp_fc", kWidth, 4 * kWidth, ops::Epilogue::gelu, type_);
    gemm("mlp_proj", 4 * kWidth, kWidth, ops::Epilogue::residual, DeviceType::f32);
    gemm("lm_head", kWidth, kVocabulary, ops::Epilogue::none, DeviceType::f32);
    layernorm();
    attend();
    // Logits of deviation 4 are as peaked as a trained model's: a nucleus of 0.95 holds some hundred tokens. With 0.5
    // it holds most of the vocabulary.
    for (const float deviation : {4.0F, 0.5F}) {
      for (const float top_p : {0.95F, 1.0F}) sample(deviation, 0.8F, top_p);
    }
  }

 private:
  /// An array of pseudo-random numbers of the type, the same block over and over: contents matter little, size does.
  DeviceBuffer random(std::uint64_t elements, DeviceType type, float scale) const {
    const std::size_t block = std::min<std::uint64_t>(elements, 1 << 20);
    const std::vector<float> values = numbers(block, scale);
    std::vector<std::uint16_t> rounded;
    for (const float value : values) rounded.push_back(tensor::bfloat16_from_float(value));
    DeviceBuffer buffer(context_, elements * ops::device_element_size(type), "a benchmark");
    const void* const from = type == DeviceType::f32 ? static_cast<const void*>(values.data()) : rounded.data();
    for (std::uint64_t at = 0; at < elements; at += block)
      buffer.upload(from, std::min<std::uint64_t>(block, elements - at) * ops::device_element_size(type),
                    at * ops::device_element_size(type));
    context_.synchronize();
    return buffer;
  }

  /// The best time of `launches` launches of a graph that queues operations 0 to `count` - 1.
  double seconds(int count, int launches, const std::function<void(int)>& queue) const {
    const ops::RecordedGraph graph(context_, [&] {
      for (int i = 0; i < count; ++i) queue(i);
    });
    double best = 1e9;
    for (int repeat = 0; repeat < launches; ++repeat) {
      context_.synchronize();
      const auto begin = std::chrono::steady_clock::now();
      graph.launch();
      context_.synchronize();
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    return best;
  }

  /// Prints how long an operation takes. `queue` takes any number; operands take turns of `turn` numbers.
  void measure(const std::string& op, const std::string& shape, int turn, double bytes, double flops,
               const std::function<void(int)>& queue) const {
    // Launching a graph and waiting for it takes some 40 us, which 20 ms of operations make negligible. They are also
    // in the time of the first few operations, which is why twice as much is asked for.
    constexpr double kLeast = 0.04;
    constexpr int kOperationsMost = 4096;
    const double first = seconds(turn, 3, queue);
    const int turns = std::clamp(static_cast<int>(std::ceil(kLeast / first)), 1, kOperationsMost / turn);
    const double each = seconds(turn * turns, 5, queue) / (turn * turns);
    std::printf(
        "{\"op\": \"%s\", \"shape\": \"%s\", \"microseconds\": %.2f, \"bytes\": %.0f, \"flops\": %.0f, "
        "\"gb_per_second\": %.1f, \"tflops\": %.2f}\n",
        op.c_str(), shape.c_str(), each * 1e6, bytes, flops, bytes / each / 1e9, flops / each / 1e12);
    std::fflush(stdout);
  }

  bool wanted(const std::string& op) const { return only_.empty() || op.find(only_) != std::string::npos; }

  void check(ops::DeviceStatus status) const { context_.check(status, "running a benchmark"); }

  void gemm(const char* name, std::int32_t k, std::int32_t n, ops::Epilogue epilogue, DeviceType out_type) const {
    if (!wanted(std::string("gemm ") + name)) return;
    const std::int32_t k_stride = ops::device_round_up(k, ops::kDevicePad);
    const std::int32_t n_stride = ops::device_round_up(n, ops::kDevicePadOut);
    const std::uint64_t size = std::uint64_t(k_stride) * std::uint64_t(n_stride);
    const int copies = n > 10000 ? 1 : 12;  // as many as layers
    const DeviceBuffer w = random(size * std::uint64_t(copies), type_, 0.05F);
    const DeviceBuffer a = random(std::uint64_t(rows_) * std::uint64_t(k_stride), type_, 1);
    const DeviceBuffer bias = random(std::uint64_t(n_stride), DeviceType::f32, 1);
    const DeviceBuffer out = random(std::uint64_t(rows_) * std::uint64_t(n_stride), out_type, 1);
    const double bytes =
        double(size) * double(ops::device_element_size(type_)) +
        double(rows_) * k * double(ops::device_element_size(type_)) +
        double(rows_) * n * double(ops::device_element_size(out_type)) * (epilogue == ops::Epilogue::residual ? 2 : 1);
    measure("gemm " + std::string(name), std::to_string(rows_) + "x" + std::to_string(k) + "x" + std::to_string(n),
            std::max(copies, 4), bytes, 2.0 * rows_ * k * n, [&](int i) {
              const ops::DeviceGemmArgs args{
                  .a = a.as<void>(),
                  .lda = k_stride,
                  .m = rows_,
                  .w = {w.as<char>() + size * std::uint64_t(i % copies) * ops::device_element_size(type_), type_, k, n,
                        k_stride, n_stride},
                  .bias = bias.as<float>(),
                  .epilogue = static_cast<std::int32_t>(epilogue),
                  .residual = epilogue == ops::Epilogue::residual ? out.as<float>() : nullptr,
                  .out_type = out_type,
                  .out = out.as<void>(),
                  .ldo = n_stride};
              check(context_.api().gemm(context_.raw(), &args));
            });
  }

  void layernorm() const {
    if (!wanted("layernorm")) return;
    const DeviceBuffer x = random(std::uint64_t(rows_) * kWidth, DeviceType::f32, 1);
    const DeviceBuffer gamma = random(kWidth, DeviceType::f32, 1);
    const DeviceBuffer out = random(std::uint64_t(rows_) * kWidth, type_, 1);
    measure("layernorm", std::to_string(rows_) + "x768", 12,
            double(rows_) * kWidth * (4 + double(ops::device_element_size(type_))), 0, [&](int) {
              const ops::DeviceLayerNormArgs args{.x = x.as<float>(),
                                                  .x_stride = kWidth,
                                                  .rows = rows_,
                                                  .width = kWidth,
                                                  .gamma = gamma.as<float>(),
                                                  .beta = gamma.as<float>(),
                                                  .eps = 1e-5F,
                                                  .out_type = type_,
                                                  .out = out.as<void>(),
                                                  .out_stride = kWidth,
                                                  .scale = nullptr};
              check(context_.api().layernorm(context_.raw(), &args));
            });
  }

  /// All layers of a step: rows in equal groups, each with a prompt and a suffix of its own.
  void attend() const {
    if (!wanted("attend")) return;
    const auto segment = [&](std::int32_t tokens) {
      return std::uint64_t(kLayers) * kHeads * 2 * std::uint64_t(ops::device_round_up(tokens, 16)) * kDim;
    };
    const std::uint64_t element = ops::device_element_size(type_);
    const DeviceBuffer prefixes = random(segment(prompt_) * std::uint64_t(groups_), type_, 1);
    const DeviceBuffer suffixes = random(segment(suffix_) * std::uint64_t(rows_), type_, 1);
    const DeviceBuffer qkv = random(std::uint64_t(rows_) * 3 * kWidth, type_, 1);
    const std::int32_t splits = (prompt_ + ops::kDeviceSplitKeys - 1) / ops::kDeviceSplitKeys;
    const DeviceBuffer partial(context_, std::uint64_t(rows_) * kHeads * std::uint64_t(splits) * (kDim + 2) * 4,
                               "scratch");
    const DeviceBuffer z = random(std::uint64_t(rows_) * kWidth, type_, 1);
    std::vector<DeviceRow> rows(static_cast<std::size_t>(rows_));
    std::vector<ops::DeviceTile> tiles;
    for (std::int32_t r = 0; r < rows_; ++r) {
      const std::int32_t group = r * groups_ / rows_;
      DeviceRow& row = rows[static_cast<std::size_t>(r)];
      row = {};
      row.live = 1;
      row.prefix = prefixes.as<char>() + segment(prompt_) * std::uint64_t(group) * element;
      row.prefix_capacity = ops::device_round_up(prompt_, 16);
      row.prefix_visible = prompt_;
      row.write_to = suffixes.as<char>() + segment(suffix_) * std::uint64_t(r) * element;
      row.write_capacity = ops::device_round_up(suffix_, 16);
      row.write_at = suffix_ - 1;
      row.suffix_visible = suffix_;
      const bool joins = r > 0 && rows[static_cast<std::size_t>(r - 1)].prefix == row.prefix &&
                         tiles.back().count < ops::kDeviceTileRows;
      joins ? void(++tiles.back().count) : tiles.push_back({r, 1});
    }
    const DeviceBuffer device_rows(context_, rows.size() * sizeof(DeviceRow), "rows");
    device_rows.upload(rows.data(), rows.size() * sizeof(DeviceRow));
    const DeviceBuffer device_tiles(context_, tiles.size() * sizeof(ops::DeviceTile), "tiles");
    device_tiles.upload(tiles.data(), tiles.size() * sizeof(ops::DeviceTile));
    context_.synchronize();
    const double keys = double(groups_) * prompt_ + double(rows_) * suffix_;
    measure("attend",
            std::to_string(groups_) + " prompts of " + std::to_string(prompt_) + ", " + std::to_string(rows_) +
                " suffixes of " + std::to_string(suffix_),
            kLayers, keys * 2 * kWidth * double(element), 4.0 * rows_ * (prompt_ + suffix_) * kWidth, [&](int i) {
              const ops::DeviceAttendArgs args{.rows = device_rows.as<DeviceRow>(),
                                               .count = rows_,
                                               .tiles = device_tiles.as<ops::DeviceTile>(),
                                               .tile_count = static_cast<std::int32_t>(tiles.size()),
                                               .splits = splits,
                                               .shape = {kLayers, kHeads, kDim, type_},
                                               .layer = i % kLayers,
                                               .scale = 0.125F,
                                               .qkv = qkv.as<void>(),
                                               .qkv_stride = 3 * kWidth,
                                               .partial = partial.as<float>(),
                                               .z = z.as<void>(),
                                               .z_stride = kWidth,
                                               .prompt = false};
              check(context_.api().attend(context_.raw(), &args));
            });
  }

  /// Normally distributed logits.
  void sample(float deviation, float temperature, float top_p) const {
    if (!wanted("sample")) return;
    const std::int64_t stride = ops::device_round_up(kVocabulary, ops::kDevicePadOut);
    const std::vector<float> logits = normal_numbers(static_cast<std::size_t>(stride) * 16, deviation);
    const DeviceBuffer buffer(context_, std::uint64_t(rows_) * std::uint64_t(stride) * 4, "logits");
    for (std::int32_t r = 0; r < rows_; ++r)
      buffer.upload(logits.data() + (r % 16) * stride, std::uint64_t(stride) * 4,
                    std::uint64_t(r) * std::uint64_t(stride) * 4);
    std::vector<DeviceRow> rows(static_cast<std::size_t>(rows_));
    for (std::int32_t r = 0; r < rows_; ++r) {
      DeviceRow& row = rows[static_cast<std::size_t>(r)];
      row = {};
      row.live = 1;
      row.key = 99;
      row.sample = static_cast<std::uint32_t>(r);
      row.temperature = temperature;
      row.top_p = top_p;
      row.stop_token = -1;
      row.remaining = 1 << 20;
    }
    const DeviceBuffer device_rows(context_, rows.size() * sizeof(DeviceRow), "rows");
    device_rows.upload(rows.data(), rows.size() * sizeof(DeviceRow));
    const DeviceBuffer draws(context_, rows.size() * sizeof(ops::DeviceDraw), "draws");
    context_.synchronize();
    char shape[96];
    std::snprintf(shape, sizeof shape, "%d rows, deviation %.2g, temperature %.2g, top-p %.2g", rows_, deviation,
                  temperature, top_p);
    measure("sample", shape, 4, double(rows_) * kVocabulary * 4, 0, [&](int) {
      const ops::DeviceSampleArgs args{.rows = device_rows.as<DeviceRow>(),
                                       .count = rows_,
                                       .logits = buffer.as<float>(),
                                       .stride = stride,
                                       .vocabulary = kVocabulary,
                                       .first = false,
                                       .out = draws.as<ops::DeviceDraw>(),
                                       .candidates = nullptr};
      check(context_.api().sample(context_.raw(), &args));
    });
  }

  DeviceContext context_;
  DeviceType type_;
  std::int32_t rows_, groups_, prompt_, suffix_;
  std::string only_;
};

}  // namespace
}  // namespace faultline

int main(int argc, char** argv) {
  return faultline::bench::run_program(argc, argv, faultline::kUsage,
                                       [](const auto& arguments) { faultline::Bench(arguments).run(); });
}
