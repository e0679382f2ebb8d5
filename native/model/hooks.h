// Hook points: which there are, and the capture of what they carry. The forward pass asks a Capture at each point; with
// none attached it asks nothing. Reading only: what a hook point carries is not changed here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "native/base/aligned_buffer.h"
#include "native/model/config.h"

namespace faultline::model {

enum class HookKind : std::uint8_t {
#define FAULTLINE_HOOK(kind, name, per_layer, dimensions) kind,
#include "native/model/hook_points.def"
#undef FAULTLINE_HOOK
};

enum class HookDimension : std::uint8_t { position, query, key, width, head, head_width, inner, vocabulary, one };

/// The symbol as API users read it, e.g. "headWidth"; `one` is "1".
const char* hook_dimension_name(HookDimension dimension);

/// One row of hook_points.def.
struct HookRow {
  HookKind kind;
  const char* name;  // with {i}
  bool per_layer;
  std::vector<HookDimension> dimensions;
};

/// All rows, in the order in which the forward pass reaches them.
const std::vector<HookRow>& hook_rows();

/// A place in one model's forward pass.
struct HookPoint {
  HookKind kind;
  std::int32_t layer;  // 0 where the row is not per layer
};

/// "blocks.3.hook_resid_post".
std::string hook_name(const HookPoint& point);

/// The hook point of that name in a model of `layers` layers, or nothing.
std::optional<HookPoint> find_hook_point(std::string_view name, std::int32_t layers);

/// All hook points of a model, in the order of the forward pass: layer by layer.
std::vector<HookPoint> all_hook_points(std::int32_t layers);

/// One captured array.
struct Activation {
  HookPoint point;
  std::vector<std::int64_t> shape;
  base::AlignedBuffer data;  // floats, row-major
};

/// Copies what chosen hook points carry while one sequence of known length passes through the model. Owns the arrays.
/// Row-wise points are filled by the engine thread; pattern() may be called for different heads from different threads.
class Capture {
 public:
  /// Arrays for all `points`, zeroed. Throws Error(environment) when memory runs out, Error(usage) on a duplicate.
  Capture(const ModelConfig& config, std::span<const HookPoint> points, std::int32_t positions);

  bool wants(HookKind kind, std::int32_t layer = 0) const { return slot(kind, layer) >= 0; }

  /// Stores rows [first, first + count) of a point whose first dimension is the position. `data` holds rows of
  /// `stride` floats of which the leading ones count. Does nothing when the point is not wanted.
  void rows(HookKind kind, std::int32_t layer, std::int32_t first, std::int32_t count, const float* data,
            std::int64_t stride);

  /// Where the pattern of `layer` stores the weights of one head and query, [positions] of them; null when not wanted.
  float* pattern(std::int32_t layer, std::int32_t head, std::int32_t query);

  /// Gives the arrays away, in the order of the points asked for.
  std::vector<Activation> take() { return std::move(activations_); }

  /// Bytes that the constructor allocates, for memory plans.
  static std::size_t bytes(const ModelConfig& config, std::span<const HookPoint> points, std::int32_t positions);

 private:
  std::int32_t slot(HookKind kind, std::int32_t layer) const {
    return slots_[static_cast<std::size_t>(kind) * static_cast<std::size_t>(layers_) + static_cast<std::size_t>(layer)];
  }

  std::int32_t layers_;
  std::int32_t positions_;
  std::vector<std::int32_t> slots_;  // [kind][layer]: index into activations_, or -1
  std::vector<Activation> activations_;
};

}  // namespace faultline::model
