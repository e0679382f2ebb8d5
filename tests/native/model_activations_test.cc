// What memory plans say of a forward pass's buffers against the buffers themselves.
#include "native/model/activations.h"

#include <cstddef>
#include <cstdint>

#include "tests/native/check.h"

namespace faultline::model {
namespace {

TEST(model_activations_take_what_is_planned) {
  ModelConfig config{};
  config.layers = 2;
  config.heads = 3;
  config.width = 48;
  config.vocabulary = 513;
  config.context = 64;
  // Inner layers wider than the residual stream, and narrower: the widest decides what a product's input takes.
  for (const std::int32_t inner : {192, 20}) {
    config.inner = inner;
    for (const std::int32_t rows : {1, 7, 128}) {
      for (const std::int32_t logit_rows : {0, 1, 7}) {
        const Activations a(config, rows, logit_rows);
        std::size_t bytes = 0;
        for (const base::AlignedBuffer* const buffer :
             {&a.residual, &a.normed, &a.scale, &a.qkv, &a.z, &a.softmax_m, &a.softmax_l, &a.mlp, &a.rounded,
              &a.quantised, &a.logits, &a.prefix_visible, &a.suffix_visible})
          bytes += buffer->size();
        EXPECT_EQ(Activations::bytes(config, rows, logit_rows), bytes);
      }
    }
  }
}

}  // namespace
}  // namespace faultline::model
