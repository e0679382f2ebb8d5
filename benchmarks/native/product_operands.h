// What the benchmarks of kernels have in common: GPT-2 124M's matrix products, operands for one of them, keys and
// values for attention, and the time of one thread.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "native/ops/ops.h"
#include "native/ops/pack.h"
#include "native/tensor/convert.h"

namespace faultline::bench {

/// CPU time of this thread: on a shared machine the wall clock would count the neighbours' time slices.
inline double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// The same numbers in [-1, 1) every time.
inline std::vector<float> numbers(std::size_t count) {
  std::vector<float> values(count);
  std::uint32_t state = 12345;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) * 0x1p-23f - 1;
  }
  return values;
}

/// What keys and values of that element are stored as.
template <class Element>
inline constexpr ops::KvType kKvType = std::is_same_v<Element, float> ? ops::KvType::f32 : ops::KvType::bf16;

/// Keys or values as a segment stores them: as they are, or rounded to bfloat16.
template <class Element>
std::vector<Element> stored(const std::vector<float>& floats) {
  std::vector<Element> elements(floats.size());
  std::ranges::transform(floats, elements.begin(), [](float value) -> Element {
    if constexpr (std::is_same_v<Element, float>) {
      return value;
    } else {
      return tensor::bfloat16_from_float(value);
    }
  });
  return elements;
}

struct GemmShape {
  const char* name;
  std::int32_t k, n;
  ops::Epilogue epilogue;
  int per_step;  // how often one step takes it
};

/// GPT-2 124M's five matrix products.
inline constexpr GemmShape kGpt2Products[] = {{"attn qkv", 768, 2304, ops::Epilogue::none, 12},
                                              {"attn out", 768, 768, ops::Epilogue::residual, 12},
                                              {"mlp in", 768, 3072, ops::Epilogue::gelu, 12},
                                              {"mlp out", 3072, 768, ops::Epilogue::residual, 12},
                                              {"lm head", 768, 50257, ops::Epilogue::none, 1}};

/// `m` rows, weights of one product, and room for its results.
class ProductOperands {
 public:
  ProductOperands(const GemmShape& shape, std::int32_t m, ops::WeightType type)
      : shape_(shape),
        m_(m),
        type_(type),
        a_(numbers(static_cast<std::size_t>(m) * static_cast<std::size_t>(shape.k))),
        bias_(numbers(static_cast<std::size_t>(shape.n))),
        out_(static_cast<std::size_t>(m) * static_cast<std::size_t>(shape.n)),
        rounded_(static_cast<std::size_t>(ops::bf16_size(m, shape.k))),
        bytes_(static_cast<std::size_t>(ops::int8_size(m, shape.k))),
        rows_(static_cast<std::size_t>(m)) {
    const std::vector<float> w = numbers(static_cast<std::size_t>(shape.k) * static_cast<std::size_t>(shape.n));
    const tensor::TensorView view{tensor::DType::f32, tensor::Shape{shape.k, shape.n},
                                  reinterpret_cast<const std::byte*>(w.data())};
    // A model's matrices follow one another through the caches, so by the time one is used again it is in memory
    // alone: enough copies, in turn.
    const std::size_t copies = 1 + (std::size_t{96} << 20) / ops::packed_bytes(type, shape.k, shape.n);
    for (std::size_t i = 0; i < copies; ++i) weights_.push_back(ops::pack_weights(view, ops::Orientation::kn, type));
  }

  /// The whole product by `gemm`, over the next copy of the weights, from the activations in float.
  void run(const ops::OpTable& table, void (*gemm)(const ops::GemmArgs&)) {
    ops::GemmArgs args{a_.data(),    shape_.k,        m_,          weights_[turn_++ % weights_.size()].matrix(),
                       bias_.data(), shape_.epilogue, out_.data(), shape_.n,
                       out_.data(),  shape_.n,        0,           ops::panel_count(shape_.n)};
    if (type_ == ops::WeightType::bf16_pairs) {
      table.round_bf16({a_.data(), shape_.k, m_, shape_.k, rounded_.data()});
      args.a_bf16 = rounded_.data();
    }
    if (type_ == ops::WeightType::int8) {
      table.quantise({a_.data(), shape_.k, m_, shape_.k, bytes_.data(), rows_.data()});
      args.a_int8 = bytes_.data();
      args.a_rows = rows_.data();
    }
    gemm(args);
  }

  std::vector<float>& out() { return out_; }
  std::size_t weight_bytes() const { return weights_[0].size_bytes(); }

 private:
  GemmShape shape_;
  std::int32_t m_;
  ops::WeightType type_;
  std::vector<float> a_, bias_, out_;
  std::vector<std::uint16_t> rounded_;
  std::vector<std::int8_t> bytes_;
  std::vector<ops::QuantisedRow> rows_;
  std::vector<ops::PackedWeights> weights_;
  std::size_t turn_ = 0;
};

}  // namespace faultline::bench
