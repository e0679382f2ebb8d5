// Runs a loaded model over one sequence for tests of the model rung.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "native/base/fp_env.h"
#include "native/base/thread_pool.h"
#include "native/model/gpt2_forward.h"

namespace faultline::check {

/// Passes `tokens` through the model in chunks of `chunk` rows with the given hook points attached.
inline std::vector<model::Activation> run_model(const model::Gpt2& model, base::ThreadPool& pool,
                                                const std::vector<std::int32_t>& tokens,
                                                std::span<const model::HookPoint> points, std::int32_t chunk) {
  const base::FpEnv fp_env;
  const auto length = static_cast<std::int32_t>(tokens.size());
  model::Capture capture(model.config, points, length);
  model::Activations buffers(model.config, chunk, chunk);
  kv::KvSegment prefix(model.kv_shape(), length);
  for (std::int32_t begin = 0; begin < length; begin += chunk) {
    std::vector<model::Row> rows;
    for (std::int32_t i = begin; i < std::min(length, begin + chunk); ++i)
      rows.push_back({tokens[static_cast<std::size_t>(i)], i, &prefix, i, &prefix, i + 1, nullptr, 0});
    model::forward(model, pool, buffers, rows, model::LogitRows::all, &capture);
  }
  return capture.take();
}

}  // namespace faultline::check
