#include "native/model/gpt2_forward.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "native/base/check.h"
#include "native/base/error.h"
#include "native/base/promised_memory.h"
#include "native/ops/pack.h"
#include "native/ops/registry.h"
#include "native/tensor/convert.h"

namespace faultline::model {
namespace {

/// Rows of one attention task. Few enough that a single group still keeps all threads busy, enough that a block of
/// keys is read from cache for many queries.
constexpr std::int32_t kAttentionRows = 32;

/// Multiply-adds below which a step runs on the calling thread alone: waking the others costs as much. Where a step
/// runs changes no result.
constexpr std::int64_t kWorkToShare = 1 << 16;

/// Rows [begin, end) of a batch that share a prefix.
struct Span {
  std::int32_t begin;
  std::int32_t end;
};

/// The batch cut into runs with one prefix each, and those into tasks of at most kAttentionRows rows.
std::vector<Span> attention_spans(std::span<const Row> rows) {
  std::vector<Span> spans;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(rows.size()); ++i) {
    const bool joins = !spans.empty() &&
                       rows[static_cast<std::size_t>(i - 1)].prefix == rows[static_cast<std::size_t>(i)].prefix &&
                       i - spans.back().begin < kAttentionRows;
    if (joins) {
      spans.back().end = i + 1;
    } else {
      spans.push_back({i, i + 1});
    }
  }
  return spans;
}

/// One forward pass: the arguments of forward() and what its steps share. A step is one line of run().
class Pass {
 public:
  Pass(const Gpt2& model, base::ThreadPool& pool, Activations& activations, std::span<const Row> rows, Capture* capture)
      : model_(model),
        config_(model.config),
        ops_(model.ops),
        pool_(pool),
        a_(activations),
        rows_(rows),
        count_(static_cast<std::int32_t>(rows.size())),
        capture_(capture),
        spans_(attention_spans(rows)) {
    FAULTLINE_CHECK(count_ <= a_.rows(), "more rows than the activations have room for");
    for (std::int32_t i = 0; i < count_; ++i) {
      const Row& row = rows_[static_cast<std::size_t>(i)];
      FAULTLINE_CHECK(row.token >= 0 && row.token < config_.vocabulary, "token outside the vocabulary");
      FAULTLINE_CHECK(row.position >= 0 && row.position < config_.context, "position outside the context");
      FAULTLINE_CHECK(capture_ == nullptr || (row.suffix == nullptr && row.position == rows_[0].position + i),
                      "captured rows are not one prompt in order");
      a_.prefix_visible.as<std::int32_t>()[i] = row.prefix_visible;
      a_.suffix_visible.as<std::int32_t>()[i] = row.suffix_visible;
      keys_read_ += row.prefix_visible + row.suffix_visible;
      const bool alone = i == 0 || rows_[static_cast<std::size_t>(i - 1)].write_to != row.write_to;
      writes_own_ = writes_own_ && alone && row.write_to == row.suffix;
    }
  }

  void run(LogitRows logit_rows, const LogitSink& sink) {
    embed();
    for (std::int32_t i = 0; i < config_.layers; ++i) {
      const Gpt2Layer& layer = model_.weights.layers[static_cast<std::size_t>(i)];
      capture(HookKind::resid_pre, i, a_.residual, config_.width);
      layer_norm(layer.ln1, HookKind::ln1_scale, HookKind::ln1_normalized, i, 0, count_);
      linear(a_.normed, config_.width, layer.attn_qkv, ops::Epilogue::none, a_.qkv);
      capture_qkv(i);
      write_keys_and_values(i);
      attend(i);
      capture(HookKind::z, i, a_.z, config_.width);
      add_branch(a_.z, config_.width, layer.attn_proj, HookKind::attn_out, i);
      capture(HookKind::resid_mid, i, a_.residual, config_.width);
      layer_norm(layer.ln2, HookKind::ln2_scale, HookKind::ln2_normalized, i, 0, count_);
      mlp_hidden(layer.mlp_fc, i);
      add_branch(a_.mlp, config_.inner, layer.mlp_proj, HookKind::mlp_out, i);
      capture(HookKind::resid_post, i, a_.residual, config_.width);
    }
    for (const Row& row : rows_) row.write_to->set_length(std::max(row.write_to->length(), row.write_at + 1));
    unembed(logit_rows, sink);
  }

 private:
  bool wants(HookKind kind, std::int32_t layer) const { return capture_ != nullptr && capture_->wants(kind, layer); }

  /// pool_.parallel_for, unless all `count` parts of `work` multiply-adds each are too little to share.
  template <class Fn>
  void shared_out(std::int64_t count, std::int64_t work, Fn&& fn) {
    if (count * work >= kWorkToShare) {
      pool_.parallel_for(count, fn);
    } else if constexpr (std::is_invocable_v<Fn&, std::int64_t, std::int64_t>) {
      fn(std::int64_t{0}, count);
    } else {
      for (std::int64_t i = 0; i < count; ++i) fn(i);
    }
  }

  /// Offers a [rows, width] buffer to the capture.
  void capture(HookKind kind, std::int32_t layer, const base::AlignedBuffer& buffer, std::int64_t width) {
    if (capture_ != nullptr) capture_->rows(kind, layer, rows_[0].position, count_, buffer.as<float>(), width);
  }

  /// residual[r, :] = wte[token, :] + wpe[position, :].
  void embed() {
    const ops::PackedMatrix wte = model_.weights.embedding.matrix();
    const std::int32_t width = config_.width;
    shared_out(count_, width, [&](std::int64_t r) {
      const std::int32_t token = rows_[static_cast<std::size_t>(r)].token;
      float* const out = a_.residual.as<float>() + r * width;
      ops::packed_column(wte, token, out);  // of the packed [width, vocabulary] matrix
    });
    const float* const wpe = model_.weights.positions.as<float>();
    capture(HookKind::embed, 0, a_.residual, width);
    if (capture_ != nullptr)
      capture_->rows(HookKind::pos_embed, 0, rows_[0].position, count_, wpe + std::int64_t{rows_[0].position} * width,
                     width);
    for (std::int32_t r = 0; r < count_; ++r) {
      float* const out = a_.residual.as<float>() + std::int64_t{r} * width;
      ops_.add(out, wpe + std::int64_t{rows_[static_cast<std::size_t>(r)].position} * width, out, width);
    }
  }

  /// normed[r, :] = layer norm of residual[r, :] for rows [begin, end).
  void layer_norm(const LayerNormWeights& weights, HookKind scale_hook, HookKind normalized_hook, std::int32_t layer,
                  std::int32_t begin, std::int32_t end) {
    const std::int64_t width = config_.width;
    float* const scale = wants(scale_hook, layer) ? a_.scale.as<float>() : nullptr;
    shared_out(end - begin, 4 * width, [&](std::int64_t from, std::int64_t to) {
      const std::int64_t first = begin + from;
      ops_.layernorm({.x = a_.residual.as<float>() + first * width,
                      .rows = static_cast<std::int32_t>(to - from),
                      .width = config_.width,
                      .gamma = weights.gamma.as<float>(),
                      .beta = weights.beta.as<float>(),
                      .eps = config_.epsilon,
                      .out = a_.normed.as<float>() + first * width,
                      .scale = scale == nullptr ? nullptr : scale + first});
    });
    capture(scale_hook, layer, a_.scale, 1);
    if (wants(normalized_hook, layer)) capture_normalized(normalized_hook, layer);
  }

  /// (x - mean) / scale of the residual: the layer norm before gamma and beta, which is the same with 1 and 0. `z` has
  /// nothing to keep wherever a layer norm stands.
  void capture_normalized(HookKind hook, std::int32_t layer) {
    const std::vector<float> ones(static_cast<std::size_t>(config_.width), 1.0F);
    const std::vector<float> zeros(static_cast<std::size_t>(config_.width), 0.0F);
    ops_.layernorm({.x = a_.residual.as<float>(),
                    .rows = count_,
                    .width = config_.width,
                    .gamma = ones.data(),
                    .beta = zeros.data(),
                    .eps = config_.epsilon,
                    .out = a_.z.as<float>(),
                    .scale = nullptr});
    capture(hook, layer, a_.z, config_.width);
  }

  /// out[r, :] = epilogue(in[r, :] W + bias), the panels of W shared out among the threads.
  void linear(const base::AlignedBuffer& in, std::int64_t in_width, const LinearWeights& weights,
              ops::Epilogue epilogue, base::AlignedBuffer& out) {
    const ops::PackedMatrix w = weights.weight.matrix();
    gemm({.a = in.as<float>(),
          .lda = in_width,
          .m = count_,
          .w = w,
          .bias = weights.bias.as<float>(),
          .epilogue = epilogue,
          .residual = epilogue == ops::Epilogue::residual ? out.as<float>() : nullptr,
          .ldr = w.n,
          .out = out.as<float>(),
          .ldo = w.n,
          .panel_begin = 0,
          .panel_end = ops::panel_count(w.n)});
  }

  void gemm(ops::GemmArgs whole) {
    if (whole.w.type == ops::WeightType::bf16_pairs) whole.a_bf16 = rounded(whole);
    if (whole.w.type == ops::WeightType::int8) {
      whole.a_int8 = quantised(whole);
      whole.a_rows = a_.quantised.as<ops::QuantisedRow>();
    }
    const auto product = ops::product_of(ops_, whole.w.type);
    const std::int64_t panel_work = std::int64_t{whole.m} * whole.w.k * ops::kLanes;
    shared_out(whole.panel_end, panel_work, [&](std::int64_t begin, std::int64_t end) {
      ops::GemmArgs part = whole;
      part.panel_begin = static_cast<std::int32_t>(begin);
      part.panel_end = static_cast<std::int32_t>(end);
      product(part);
    });
  }

  /// The product's activations in bfloat16, until the next product's.
  const std::uint16_t* rounded(const ops::GemmArgs& product) {
    std::uint16_t* const out = a_.rounded.as<std::uint16_t>();
    shared_out(product.m, product.w.k, [&](std::int64_t begin, std::int64_t end) {
      ops_.round_bf16({.a = product.a + begin * product.lda,
                       .lda = product.lda,
                       .rows = static_cast<std::int32_t>(end - begin),
                       .k = product.w.k,
                       .out = out + begin * ops::bf16_stride(product.w.k)});
    });
    return out;
  }

  /// The product's activations in int8, until the next product's.
  const std::int8_t* quantised(const ops::GemmArgs& product) {
    std::int8_t* const out = a_.rounded.as<std::int8_t>();
    shared_out(product.m, product.w.k, [&](std::int64_t begin, std::int64_t end) {
      ops_.quantise({.a = product.a + begin * product.lda,
                     .lda = product.lda,
                     .rows = static_cast<std::int32_t>(end - begin),
                     .k = product.w.k,
                     .out = out + begin * ops::int8_stride(product.w.k),
                     .out_rows = a_.quantised.as<ops::QuantisedRow>() + begin});
    });
    return out;
  }

  /// residual += in W + bias. Fused, unless somebody wants to see the branch before it joins: same bits either way.
  void add_branch(const base::AlignedBuffer& in, std::int64_t in_width, const LinearWeights& weights, HookKind hook,
                  std::int32_t layer) {
    if (!wants(hook, layer)) {
      linear(in, in_width, weights, ops::Epilogue::residual, a_.residual);
      return;
    }
    linear(in, in_width, weights, ops::Epilogue::none, a_.normed);
    capture(hook, layer, a_.normed, config_.width);
    ops_.add(a_.normed.as<float>(), a_.residual.as<float>(), a_.residual.as<float>(),
             std::int64_t{count_} * config_.width);
  }

  /// mlp[r, :] = gelu(normed[r, :] W + bias). Fused, unless somebody wants to see what gelu gets.
  void mlp_hidden(const LinearWeights& fc, std::int32_t layer) {
    if (!wants(HookKind::mlp_pre, layer)) {
      linear(a_.normed, config_.width, fc, ops::Epilogue::gelu, a_.mlp);
    } else {
      linear(a_.normed, config_.width, fc, ops::Epilogue::none, a_.mlp);
      capture(HookKind::mlp_pre, layer, a_.mlp, config_.inner);
      ops_.gelu(a_.mlp.as<float>(), a_.mlp.as<float>(), std::int64_t{count_} * config_.inner);
    }
    capture(HookKind::mlp_post, layer, a_.mlp, config_.inner);
  }

  void capture_qkv(std::int32_t layer) {
    if (capture_ == nullptr) return;
    const std::int64_t stride = std::int64_t{3} * config_.width;
    const float* const qkv = a_.qkv.as<float>();
    capture_->rows(HookKind::q, layer, rows_[0].position, count_, qkv, stride);
    capture_->rows(HookKind::k, layer, rows_[0].position, count_, qkv + config_.width, stride);
    capture_->rows(HookKind::v, layer, rows_[0].position, count_, qkv + std::int64_t{2} * config_.width, stride);
  }

  /// Keys and values of rows that others may look at. A row's own suffix is written by who attends to it, head by head,
  /// so that the lines that change are fetched once for both.
  void write_keys_and_values(std::int32_t layer) {
    if (writes_own_) return;
    const std::int64_t width = config_.width;
    shared_out(count_, 2 * width, [&](std::int64_t r) {
      const Row& row = rows_[static_cast<std::size_t>(r)];
      const float* const key = a_.qkv.as<float>() + (3 * r + 1) * width;
      row.write_to->write(layer, row.write_at, key, key + width);
    });
  }

  /// z[r, head] = softmax(q[r, head] . keys * scale) values, over the shared prefix first, then over the row's own
  /// suffix. One task is one head of one run of rows; tasks are taken from a counter because runs differ in length.
  /// Head by head, so that a head's part of the prefix is still in the core's cache when the next run of the same rows
  /// reads it.
  void attend(std::int32_t layer) {
    const auto spans = static_cast<std::int64_t>(spans_.size());
    const std::int64_t tasks = config_.heads * spans;
    std::atomic<std::int64_t> next{0};
    const std::int64_t helpers =
        keys_read_ * 2 * config_.width < kWorkToShare ? 1 : std::min<std::int64_t>(pool_.threads(), tasks);
    pool_.parallel_for(helpers, [&](std::int64_t) {
      for (std::int64_t task = next++; task < tasks; task = next++)
        attend_span(layer, static_cast<std::int32_t>(task / spans), spans_[static_cast<std::size_t>(task % spans)]);
    });
    if (!wants(HookKind::pattern, layer)) return;
    if (rows_[0].prefix->shape().type == ops::KvType::f32) {
      capture_pattern<float>(layer, 1.0F);
    } else {
      capture_pattern<std::uint16_t>(layer, tensor::bfloat16_from_float(1.0F));
    }
  }

  ops::AttentionArgs attention_args(std::int32_t layer, std::int32_t head, const kv::KvSegment& segment,
                                    std::int32_t row, std::int32_t rows, const std::int32_t* visible) const {
    const std::int64_t width = config_.width;
    const std::int32_t dim = config_.head_width();
    const std::int64_t state = std::int64_t{head} * a_.rows() + row;
    return {.q = a_.qkv.as<float>() + std::int64_t{row} * 3 * width + std::int64_t{head} * dim,
            .q_stride = 3 * width,
            .rows = rows,
            .dim = dim,
            .scale = config_.scale_attention ? 1.0F / std::sqrt(static_cast<float>(dim)) : 1.0F,
            .k = segment.keys(layer, head),
            .v = segment.values(layer, head),
            .v_stride = dim,
            .visible = visible,
            .m = a_.softmax_m.as<float>() + state,
            .l = a_.softmax_l.as<float>() + state,
            .acc = a_.z.as<float>() + row * width + std::int64_t{head} * dim,
            .acc_stride = width,
            .kv_type = segment.shape().type};
  }

  void attend_span(std::int32_t layer, std::int32_t head, const Span& span) {
    const std::int32_t* const prefix_visible = a_.prefix_visible.as<std::int32_t>();
    const std::int32_t* const suffix_visible = a_.suffix_visible.as<std::int32_t>();
    const kv::KvSegment& prefix = *rows_[static_cast<std::size_t>(span.begin)].prefix;
    const ops::AttentionArgs all =
        attention_args(layer, head, prefix, span.begin, span.end - span.begin, prefix_visible + span.begin);
    begin(all);
    if (writes_own_) prefetch_own(layer, head, span.begin);
    ops_.attend(all);
    for (std::int32_t r = span.begin; r < span.end; ++r) {
      if (writes_own_) {
        if (r + 1 < span.end) prefetch_own(layer, head, r + 1);
        write_own(layer, head, r);
      }
      const kv::KvSegment* const suffix = rows_[static_cast<std::size_t>(r)].suffix;
      if (suffix != nullptr) ops_.attend(attention_args(layer, head, *suffix, r, 1, suffix_visible + r));
    }
    ops_.attention_end(all.acc, all.acc_stride, all.l, all.rows, all.dim);
  }

  /// One head's key and value of a row, into its own suffix.
  void write_own(std::int32_t layer, std::int32_t head, std::int32_t r) {
    const Row& row = rows_[static_cast<std::size_t>(r)];
    const float* const key =
        a_.qkv.as<float>() + (3 * std::int64_t{r} + 1) * config_.width + std::int64_t{head} * config_.head_width();
    row.write_to->write_head(layer, head, row.write_at, key, key + config_.width);
  }

  void prefetch_own(std::int32_t layer, std::int32_t head, std::int32_t r) const {
    const Row& row = rows_[static_cast<std::size_t>(r)];
    row.write_to->prefetch_head(layer, head, row.write_at);
  }

  /// The state of a softmax over no keys.
  static void begin(const ops::AttentionArgs& args) {
    std::fill_n(args.m, args.rows, -std::numeric_limits<float>::infinity());
    std::fill_n(args.l, args.rows, 0.0F);
    for (std::int32_t r = 0; r < args.rows; ++r) std::fill_n(args.acc + r * args.acc_stride, args.dim, 0.0F);
  }

  /// The weights themselves are never stored by attend(). Here they come out as what the same attention gives for
  /// one-hot values: `dim` keys at a time, key j's value being the unit vector of j, stored as the model's values are.
  template <class Element>
  void capture_pattern(std::int32_t layer, Element one) {
    const std::int32_t dim = config_.head_width();
    const std::int32_t keys =
        *std::max_element(a_.prefix_visible.as<std::int32_t>(), a_.prefix_visible.as<std::int32_t>() + count_);
    pool_.parallel_for(config_.heads, [&](std::int64_t h) {
      const auto head = static_cast<std::int32_t>(h);
      std::vector<Element> one_hot(static_cast<std::size_t>(keys) * static_cast<std::size_t>(dim), Element{0});
      std::vector<float> m(static_cast<std::size_t>(count_));
      std::vector<float> l(static_cast<std::size_t>(count_));
      std::vector<float> weights(static_cast<std::size_t>(count_) * static_cast<std::size_t>(dim));
      ops::AttentionArgs args =
          attention_args(layer, head, *rows_[0].prefix, 0, count_, a_.prefix_visible.as<std::int32_t>());
      args.v = one_hot.data();
      args.m = m.data();
      args.l = l.data();
      args.acc = weights.data();
      args.acc_stride = dim;
      for (std::int32_t first = 0; first < keys; first += dim) {
        const std::int32_t here = std::min(dim, keys - first);
        const auto unit = [&](std::int32_t j) -> Element& {
          return one_hot[static_cast<std::size_t>(first + j) * static_cast<std::size_t>(dim) +
                         static_cast<std::size_t>(j)];
        };
        for (std::int32_t j = 0; j < here; ++j) unit(j) = one;
        begin(args);
        ops_.attend(args);
        ops_.attention_end(args.acc, args.acc_stride, args.l, args.rows, args.dim);
        for (std::int32_t r = 0; r < count_; ++r)
          std::copy_n(args.acc + r * args.acc_stride, here,
                      capture_->pattern(layer, head, rows_[static_cast<std::size_t>(r)].position) + first);
        for (std::int32_t j = 0; j < here; ++j) unit(j) = 0;
      }
    });
  }

  /// logits[i, :] = layer norm of the residual, times the unembedding, for the rows asked for, block by block.
  void unembed(LogitRows logit_rows, const LogitSink& sink) {
    const bool captures = wants(HookKind::ln_final_scale, 0) || wants(HookKind::ln_final_normalized, 0);
    const std::int32_t first = logit_rows == LogitRows::all || captures ? 0 : count_ - 1;
    if (logit_rows == LogitRows::none && !captures) return;
    layer_norm(model_.weights.ln_final, HookKind::ln_final_scale, HookKind::ln_final_normalized, 0, first, count_);
    if (logit_rows == LogitRows::none) return;

    const std::int32_t from = logit_rows == LogitRows::all ? 0 : count_ - 1;
    const std::int32_t block = a_.logit_rows();
    const bool kept_elsewhere = sink || wants(HookKind::logits, 0);
    FAULTLINE_CHECK(block > 0 && (kept_elsewhere || count_ - from <= block),
                    "more rows of logits than the activations have room for");
    const ops::PackedMatrix w = model_.weights.unembedding();
    const std::int64_t stride = Activations::logits_stride(config_);
    for (std::int32_t begin = from; begin < count_; begin += block) {
      const std::int32_t count = std::min(block, count_ - begin);
      gemm({.a = a_.normed.as<float>() + std::int64_t{begin} * config_.width,
            .lda = config_.width,
            .m = count,
            .w = w,
            .bias = nullptr,
            .epilogue = ops::Epilogue::none,
            .residual = nullptr,
            .ldr = 0,
            .out = a_.logits.as<float>(),
            .ldo = stride,
            .panel_begin = 0,
            .panel_end = ops::panel_count(w.n)});
      if (wants(HookKind::logits, 0))
        capture_->rows(HookKind::logits, 0, rows_[static_cast<std::size_t>(begin)].position, count,
                       a_.logits.as<float>(), stride);
      if (sink) sink(begin, count);
    }
  }

  const Gpt2& model_;
  const ModelConfig& config_;
  const ops::OpTable& ops_;
  base::ThreadPool& pool_;
  Activations& a_;
  std::span<const Row> rows_;
  std::int32_t count_;
  Capture* capture_;
  std::vector<Span> spans_;
  std::int64_t keys_read_ = 0;  // by all rows, per head
  bool writes_own_ = true;      // each row its own suffix, which no other row sees
};

}  // namespace

kv::KvShape kv_shape(const ModelConfig& config, ops::WeightType weights) {
  return {config.layers, config.heads, config.head_width(),
          weights == ops::WeightType::f32 ? ops::KvType::f32 : ops::KvType::bf16};
}

Gpt2 load_gpt2(const std::string& path, ops::WeightType type, base::ThreadPool* pool) {
  const ModelFiles files = open_model(path);
  const ModelConfig& config = files.config;
  check_depth(path, config, type);
  const ops::WeightType packing = ops::packing_of(type);
  // The system would grant more than it has, and kill who then uses it.
  base::PromisedMemory::Share promise = base::host_promises().promise([&] {
    const std::uint64_t bytes = gpt2_weight_bytes(config, packing);
    check_weights_fit_host(bytes, ops::selection().cpu_brand);
    return bytes;
  });
  return {config, load_gpt2_weights(files, packing, pool, &promise), ops::ops()};
}

void forward(const Gpt2& model, base::ThreadPool& pool, Activations& activations, std::span<const Row> rows,
             LogitRows logit_rows, Capture* capture, const LogitSink& sink) {
  if (!rows.empty()) Pass(model, pool, activations, rows, capture).run(logit_rows, sink);
}

}  // namespace faultline::model
