#include "native/model/device_forward.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "native/base/check.h"
#include "native/ops/ops.h"
#include "native/tensor/convert.h"

namespace faultline::model {
namespace {

using ops::DeviceBuffer;
using ops::DeviceContext;
using ops::DeviceType;

/// Sizes of DeviceActivations' buffers, in the order of its members.
struct ActivationBytes {
  std::uint64_t residual, normed, qkv, z, partial, mlp, logits;
};

ActivationBytes activation_bytes(const ModelConfig& config, DeviceType type, std::int32_t rows,
                                 std::int32_t logit_rows) {
  const auto m = static_cast<std::uint64_t>(rows);
  const std::uint64_t element = ops::device_element_size(type);
  const auto width = static_cast<std::uint64_t>(ops::device_stride(config.width));
  return {.residual = m * width * sizeof(float),
          .normed = m * width * element,
          .qkv = m * static_cast<std::uint64_t>(ops::device_stride(3 * config.width)) * element,
          .z = m * width * element,
          .partial = type == DeviceType::f32
                         ? 0
                         : m * static_cast<std::uint64_t>(DeviceActivations::partial_stride(config)) * sizeof(float),
          .mlp = m * static_cast<std::uint64_t>(ops::device_stride(config.inner)) * element,
          .logits = static_cast<std::uint64_t>(logit_rows) *
                    static_cast<std::uint64_t>(DeviceActivations::logits_stride(config)) * sizeof(float)};
}

/// A pass's rows of one buffer, in device memory.
struct Rows {
  char* data;
  std::int64_t stride;  // elements
};

/// One forward pass: the arguments of device_forward() and what its steps share. A step is one line of run().
class Pass {
 public:
  Pass(const DeviceContext& context, const DeviceGpt2& model, const DeviceActivations& activations,
       const DeviceBatch& batch, Capture* capture, std::int32_t first_position)
      : context_(context),
        api_(context.api()),
        model_(model),
        config_(model.config),
        batch_(batch),
        capture_(capture),
        first_position_(first_position),
        residual_(rows(activations.residual, config_.width)),
        normed_(rows(activations.normed, config_.width)),
        qkv_(rows(activations.qkv, 3 * config_.width)),
        z_(rows(activations.z, config_.width)),
        mlp_(rows(activations.mlp, config_.inner)),
        partial_(activations.partial.as<float>()) {}

  void run(std::span<const DeviceLogits> logits) {
    embed();
    for (std::int32_t i = 0; i < config_.layers; ++i) {
      const DeviceGpt2Layer& layer = model_.layers[static_cast<std::size_t>(i)];
      capture_floats(HookKind::resid_pre, i, residual_);
      layer_norm(layer.ln1, HookKind::ln1_scale, HookKind::ln1_normalized, i);
      linear(normed_, layer.attn_qkv, ops::Epilogue::none, model_.type, qkv_);
      capture_qkv(i);
      attend(i);
      if (wants(HookKind::pattern, i)) capture_pattern(i);
      capture_typed(HookKind::z, i, z_);
      add_branch(z_, layer.attn_proj, HookKind::attn_out, i);
      capture_floats(HookKind::resid_mid, i, residual_);
      layer_norm(layer.ln2, HookKind::ln2_scale, HookKind::ln2_normalized, i);
      mlp_hidden(layer.mlp_fc, i);
      add_branch(mlp_, layer.mlp_proj, HookKind::mlp_out, i);
      capture_floats(HookKind::resid_post, i, residual_);
    }
    unembed(logits);
  }

 private:
  static Rows rows(const DeviceBuffer& buffer, std::int32_t width) {
    return {buffer.as<char>(), ops::device_stride(width)};
  }
  /// Those rows from `first` on.
  static char* from(const Rows& rows, std::int32_t first, DeviceType type) {
    return rows.data + static_cast<std::uint64_t>(first * rows.stride) * ops::device_element_size(type);
  }
  static float* floats(const Rows& rows) { return reinterpret_cast<float*>(rows.data); }

  bool wants(HookKind kind, std::int32_t layer) const { return capture_ != nullptr && capture_->wants(kind, layer); }

  void embed() {
    const ops::DeviceEmbedArgs args{.rows = batch_.rows,
                                    .count = batch_.count,
                                    .wte = model_.embedding.matrix,
                                    .wpe = model_.positions.as<float>(),
                                    .width = config_.width,
                                    .residual = floats(residual_),
                                    .stride = residual_.stride};
    if (wants(HookKind::pos_embed, 0) || wants(HookKind::embed, 0)) capture_embeddings(args);
    queue(api_.embed(context_.raw(), &args), "embedding tokens");
  }

  /// normed = layer norm of the residual for rows [begin, end).
  ops::DeviceLayerNormArgs norm_args(const DeviceLayerNorm& weights, std::int32_t begin, std::int32_t end) const {
    return {.x = reinterpret_cast<const float*>(from(residual_, begin, DeviceType::f32)),
            .x_stride = residual_.stride,
            .rows = end - begin,
            .width = config_.width,
            .gamma = weights.gamma.as<float>(),
            .beta = weights.beta.as<float>(),
            .eps = config_.epsilon,
            .out_type = model_.type,
            .out = from(normed_, begin, model_.type),
            .out_stride = normed_.stride,
            .scale = nullptr};
  }
  void layer_norm(const DeviceLayerNorm& weights, std::int32_t begin, std::int32_t end) {
    const ops::DeviceLayerNormArgs args = norm_args(weights, begin, end);
    queue(api_.layernorm(context_.raw(), &args), "normalising");
  }
  /// Of all rows, seen by the hooks.
  void layer_norm(const DeviceLayerNorm& weights, HookKind scale_hook, HookKind normalized_hook, std::int32_t layer) {
    if (wants(scale_hook, layer) || wants(normalized_hook, layer))
      capture_norm(norm_args(weights, 0, batch_.count), scale_hook, normalized_hook, layer);
    layer_norm(weights, 0, batch_.count);
  }

  void linear(const Rows& in, const DeviceLinear& weights, ops::Epilogue epilogue, DeviceType out_type,
              const Rows& out) {
    const ops::DeviceGemmArgs args{.a = in.data,
                                   .lda = in.stride,
                                   .m = batch_.count,
                                   .w = weights.matrix,
                                   .bias = weights.bias.as<float>(),
                                   .epilogue = static_cast<std::int32_t>(epilogue),
                                   .residual = epilogue == ops::Epilogue::residual ? floats(out) : nullptr,
                                   .out_type = out_type,
                                   .out = out.data,
                                   .ldo = out.stride};
    queue(api_.gemm(context_.raw(), &args), "multiplying matrices");
  }

  /// residual += in W + bias. Where somebody wants to see the branch before it joins it is computed once more by
  /// itself: the same chain, so the same bits.
  void add_branch(const Rows& in, const DeviceLinear& weights, HookKind hook, std::int32_t layer) {
    if (wants(hook, layer)) capture_product(in, weights, hook, layer);
    linear(in, weights, ops::Epilogue::residual, DeviceType::f32, residual_);
  }

  void mlp_hidden(const DeviceLinear& fc, std::int32_t layer) {
    if (wants(HookKind::mlp_pre, layer)) capture_product(normed_, fc, HookKind::mlp_pre, layer);
    linear(normed_, fc, ops::Epilogue::gelu, model_.type, mlp_);
    capture_typed(HookKind::mlp_post, layer, mlp_);
  }

  ops::DeviceAttendArgs attend_args(std::int32_t layer) const {
    return {.rows = batch_.rows,
            .count = batch_.count,
            .tiles = batch_.tiles,
            .tile_count = batch_.tile_count,
            .splits = batch_.splits,
            .shape = model_.kv_shape(),
            .layer = layer,
            .scale = config_.scale_attention ? 1.0F / std::sqrt(static_cast<float>(config_.head_width())) : 1.0F,
            .qkv = qkv_.data,
            .qkv_stride = qkv_.stride,
            .partial = partial_,
            .z = z_.data,
            .z_stride = z_.stride,
            .prompt = batch_.prompt};
  }

  void attend(std::int32_t layer) {
    const ops::DeviceAttendArgs args = attend_args(layer);
    queue(api_.attend(context_.raw(), &args), "attending");
  }

  void unembed(std::span<const DeviceLogits> logits) {
    if (wants(HookKind::ln_final_scale, 0) || wants(HookKind::ln_final_normalized, 0))
      layer_norm(model_.ln_final, HookKind::ln_final_scale, HookKind::ln_final_normalized, 0);
    const std::int64_t stride = DeviceActivations::logits_stride(config_);
    for (const DeviceLogits& range : logits) {
      layer_norm(model_.ln_final, range.first, range.first + range.count);
      const ops::DeviceGemmArgs args{.a = from(normed_, range.first, model_.type),
                                     .lda = normed_.stride,
                                     .m = range.count,
                                     .w = model_.unembedding(),
                                     .bias = nullptr,
                                     .epilogue = static_cast<std::int32_t>(ops::Epilogue::none),
                                     .residual = nullptr,
                                     .out_type = DeviceType::f32,
                                     .out = range.to,
                                     .ldo = stride};
      queue(api_.gemm(context_.raw(), &args), "computing logits");
      if (!wants(HookKind::logits, 0)) continue;
      std::vector<float> values(static_cast<std::size_t>(range.count * stride));
      fetch(values.data(), range.to, values.size() * sizeof(float));
      capture_->rows(HookKind::logits, 0, first_position_ + range.first, range.count, values.data(), stride);
    }
  }

  // Captures. None of them is on the path of a pass without one.

  /// Memory for a float matrix with the pass's rows.
  DeviceBuffer float_memory(std::int64_t stride) const {
    return {context_, sizeof(float) * static_cast<std::uint64_t>(batch_.count * stride), "a hook point"};
  }
  static Rows rows_of(const DeviceBuffer& memory, std::int64_t stride) { return {memory.as<char>(), stride}; }

  void fetch(void* to, const void* from, std::uint64_t bytes) const {
    context_.check(api_.download(context_.raw(), to, from, bytes), "fetching a hook point");
    context_.synchronize();
  }

  std::vector<float> fetch_floats(const Rows& rows) const {
    std::vector<float> values(static_cast<std::size_t>(batch_.count * rows.stride));
    fetch(values.data(), rows.data, values.size() * sizeof(float));
    return values;
  }

  /// Rows of the model's type as floats.
  std::vector<float> fetch_typed(const Rows& rows) const {
    if (model_.type == DeviceType::f32) return fetch_floats(rows);
    std::vector<std::uint16_t> bits(static_cast<std::size_t>(batch_.count * rows.stride));
    fetch(bits.data(), rows.data, bits.size() * sizeof(std::uint16_t));
    std::vector<float> values(bits.size());
    std::transform(bits.begin(), bits.end(), values.begin(), tensor::float_from_bfloat16);
    return values;
  }

  void capture_floats(HookKind kind, std::int32_t layer, const Rows& rows) {
    if (!wants(kind, layer)) return;
    capture_->rows(kind, layer, first_position_, batch_.count, fetch_floats(rows).data(), rows.stride);
  }

  void capture_typed(HookKind kind, std::int32_t layer, const Rows& rows) {
    if (!wants(kind, layer)) return;
    capture_->rows(kind, layer, first_position_, batch_.count, fetch_typed(rows).data(), rows.stride);
  }

  /// What a matrix product gives before its epilogue.
  void capture_product(const Rows& in, const DeviceLinear& weights, HookKind hook, std::int32_t layer) {
    const std::int64_t stride = ops::device_stride(weights.matrix.n);
    const DeviceBuffer memory = float_memory(stride);
    linear(in, weights, ops::Epilogue::none, DeviceType::f32, rows_of(memory, stride));
    capture_floats(hook, layer, rows_of(memory, stride));
  }

  void capture_qkv(std::int32_t layer) {
    if (!wants(HookKind::q, layer) && !wants(HookKind::k, layer) && !wants(HookKind::v, layer)) return;
    const std::vector<float> values = fetch_typed(qkv_);
    const HookKind kinds[] = {HookKind::q, HookKind::k, HookKind::v};
    for (std::size_t part = 0; part < 3; ++part)
      capture_->rows(kinds[part], layer, first_position_, batch_.count,
                     values.data() + part * static_cast<std::size_t>(config_.width), qkv_.stride);
  }

  /// The two embeddings before they are added: each is what embed() gives with the other one zero.
  void capture_embeddings(ops::DeviceEmbedArgs args) {
    const std::int64_t table = std::int64_t{config_.context} * config_.width;
    const DeviceBuffer zero_positions =
        DeviceBuffer::zeroed(context_, sizeof(float) * static_cast<std::uint64_t>(table), "a hook point");
    const float* const positions = args.wpe;
    args.wpe = zero_positions.as<float>();
    queue(api_.embed(context_.raw(), &args), "embedding tokens");
    capture_floats(HookKind::embed, 0, residual_);
    if (!wants(HookKind::pos_embed, 0)) return;
    std::vector<float> values(static_cast<std::size_t>(batch_.count) * static_cast<std::size_t>(config_.width));
    fetch(values.data(), positions + std::int64_t{first_position_} * config_.width, values.size() * sizeof(float));
    capture_->rows(HookKind::pos_embed, 0, first_position_, batch_.count, values.data(), config_.width);
  }

  /// (x - mean) / scale is the layer norm for gamma 1 and beta 0, in float.
  void capture_norm(ops::DeviceLayerNormArgs args, HookKind scale_hook, HookKind normalized_hook, std::int32_t layer) {
    const auto width = static_cast<std::size_t>(config_.width);
    const std::vector<float> ones(width, 1.0F);
    const DeviceBuffer gamma(context_, sizeof(float) * width, "a hook point");
    gamma.upload(ones.data(), sizeof(float) * width);
    const DeviceBuffer beta = DeviceBuffer::zeroed(context_, sizeof(float) * width, "a hook point");
    const DeviceBuffer normalized = float_memory(args.out_stride);
    const DeviceBuffer scale = float_memory(1);
    args.gamma = gamma.as<float>();
    args.beta = beta.as<float>();
    args.out_type = DeviceType::f32;
    args.out = normalized.as<void>();
    args.scale = scale.as<float>();
    queue(api_.layernorm(context_.raw(), &args), "normalising");
    context_.synchronize();  // `ones` may go
    capture_floats(normalized_hook, layer, rows_of(normalized, args.out_stride));
    capture_floats(scale_hook, layer, rows_of(scale, 1));
  }

  /// The weights themselves are never stored. They come out as what the same attention gives for one-hot values, a
  /// head's width of keys at a time: rows that read a copy of the prompt's segment with the unit vectors as values.
  void capture_pattern(std::int32_t layer) {
    const std::int32_t keys = first_position_ + batch_.count;
    const std::int32_t head_width = config_.head_width();
    const std::int32_t dim = ops::device_dim(head_width);
    std::vector<ops::DeviceRow> rows(static_cast<std::size_t>(batch_.count));
    fetch(rows.data(), batch_.rows, rows.size() * sizeof(ops::DeviceRow));

    // One layer of the segment: [heads][2][capacity][dim].
    const auto elements =
        static_cast<std::size_t>(config_.heads) * 2 * static_cast<std::size_t>(rows[0].prefix_capacity * dim);
    const std::uint64_t bytes = elements * ops::device_element_size(model_.type);
    std::vector<char> segment(bytes);
    fetch(segment.data(), static_cast<const char*>(rows[0].prefix) + static_cast<std::uint64_t>(layer) * bytes, bytes);
    const DeviceBuffer copy(context_, bytes, "a hook point");
    const std::int32_t capacity = ops::device_round_up(batch_.count, 16);
    const DeviceBuffer unread = DeviceBuffer::zeroed(
        context_, static_cast<std::uint64_t>(config_.heads) * 2 * static_cast<std::uint64_t>(capacity * dim) * 4,
        "a hook point");
    for (std::int32_t i = 0; i < batch_.count; ++i) {
      ops::DeviceRow& row = rows[static_cast<std::size_t>(i)];
      row.prefix = copy.as<void>();
      // Takes the rows' own keys and values, which nobody reads, each in a place of its own.
      row.write_to = unread.as<void>();
      row.write_capacity = capacity;
      row.write_at = i;
      row.suffix_visible = 0;
    }
    const DeviceBuffer device_rows(context_, rows.size() * sizeof(ops::DeviceRow), "a hook point");
    device_rows.upload(rows.data(), rows.size() * sizeof(ops::DeviceRow));

    ops::DeviceAttendArgs args = attend_args(layer);
    args.rows = device_rows.as<ops::DeviceRow>();
    args.prompt = false;
    args.shape.layers = 1;
    args.layer = 0;
    for (std::int32_t first = 0; first < keys; first += head_width) {
      const std::int32_t here = std::min(head_width, keys - first);
      set_one_hot_values(segment, rows[0].prefix_capacity, dim, first, here);
      copy.upload(segment.data(), bytes);
      context_.synchronize();
      queue(api_.attend(context_.raw(), &args), "attending");
      const std::vector<float> weights = fetch_typed(z_);
      for (std::int32_t head = 0; head < config_.heads; ++head) {
        for (std::int32_t r = 0; r < batch_.count; ++r)
          std::copy_n(weights.data() + r * z_.stride + head * head_width, here,
                      capture_->pattern(layer, head, first_position_ + r) + first);
      }
    }
    // z held the weights; the real one is needed once more.
    attend(layer);
  }

  /// Value j of every head becomes unit vector j - first for j in [first, first + count), and zero elsewhere.
  void set_one_hot_values(std::vector<char>& segment, std::int32_t capacity, std::int32_t dim, std::int32_t first,
                          std::int32_t count) const {
    const auto size = static_cast<std::size_t>(ops::device_element_size(model_.type));
    const std::size_t half = static_cast<std::size_t>(capacity) * static_cast<std::size_t>(dim) * size;
    const float one = 1.0F;
    const std::uint16_t one_bf16 = tensor::bfloat16_from_float(one);
    for (std::int32_t head = 0; head < config_.heads; ++head) {
      char* const values = segment.data() + (2 * static_cast<std::size_t>(head) + 1) * half;
      std::fill_n(values, half, '\0');
      for (std::int32_t j = 0; j < count; ++j) {
        char* const element =
            values +
            (static_cast<std::size_t>(first + j) * static_cast<std::size_t>(dim) + static_cast<std::size_t>(j)) * size;
        std::memcpy(element, model_.type == DeviceType::f32 ? static_cast<const void*>(&one) : &one_bf16, size);
      }
    }
  }

  void queue(ops::DeviceStatus status, const char* doing) const { context_.check(status, doing); }

  const DeviceContext& context_;
  const ops::DeviceApi& api_;
  const DeviceGpt2& model_;
  const ModelConfig& config_;
  const DeviceBatch& batch_;
  Capture* capture_;
  std::int32_t first_position_;
  Rows residual_;
  Rows normed_;
  Rows qkv_;
  Rows z_;
  Rows mlp_;
  float* partial_;
};

}  // namespace

DeviceActivations::DeviceActivations(const DeviceContext& context, const ModelConfig& config, DeviceType type,
                                     std::int32_t rows, std::int32_t logit_rows)
    : rows_(rows), logit_rows_(logit_rows) {
  const ActivationBytes bytes = activation_bytes(config, type, rows, logit_rows);
  // Zeroed once: padding must be zero, and every operation keeps it so.
  const auto zeroed = [&](std::uint64_t size) { return DeviceBuffer::zeroed(context, size, "activations"); };
  residual = zeroed(bytes.residual);
  normed = zeroed(bytes.normed);
  qkv = zeroed(bytes.qkv);
  z = zeroed(bytes.z);
  partial = zeroed(bytes.partial);
  mlp = zeroed(bytes.mlp);
  logits = zeroed(bytes.logits);
}

std::uint64_t DeviceActivations::bytes(const ModelConfig& config, DeviceType type, std::int32_t rows,
                                       std::int32_t logit_rows) {
  const ActivationBytes bytes = activation_bytes(config, type, rows, logit_rows);
  return bytes.residual + bytes.normed + bytes.qkv + bytes.z + bytes.partial + bytes.mlp + bytes.logits;
}

void device_forward(const DeviceContext& context, const DeviceGpt2& model, const DeviceActivations& activations,
                    const DeviceBatch& batch, std::span<const DeviceLogits> logits, Capture* capture,
                    std::int32_t first_position) {
  FAULTLINE_CHECK(batch.count > 0 && batch.count <= activations.rows());
  FAULTLINE_CHECK(capture == nullptr || batch.prompt);
  Pass(context, model, activations, batch, capture, first_position).run(logits);
}

}  // namespace faultline::model
