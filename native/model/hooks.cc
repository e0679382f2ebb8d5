#include "native/model/hooks.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "native/base/check.h"
#include "native/base/error.h"

namespace faultline::model {
namespace {

constexpr std::string_view kLayerMark = "{i}";

std::vector<std::int64_t> shape_of(const HookRow& row, const ModelConfig& config, std::int32_t positions) {
  std::vector<std::int64_t> shape;
  for (const HookDimension dimension : row.dimensions) {
    switch (dimension) {
      case HookDimension::position:
      case HookDimension::query:
      case HookDimension::key:
        shape.push_back(positions);
        break;
      case HookDimension::width:
        shape.push_back(config.width);
        break;
      case HookDimension::head:
        shape.push_back(config.heads);
        break;
      case HookDimension::head_width:
        shape.push_back(config.head_width());
        break;
      case HookDimension::inner:
        shape.push_back(config.inner);
        break;
      case HookDimension::vocabulary:
        shape.push_back(config.vocabulary);
        break;
      case HookDimension::one:
        shape.push_back(1);
        break;
    }
  }
  return shape;
}

std::size_t elements(const std::vector<std::int64_t>& shape) {
  std::size_t product = 1;
  for (const std::int64_t extent : shape) product *= static_cast<std::size_t>(extent);
  return product;
}

const HookRow& row_of(HookKind kind) { return hook_rows()[static_cast<std::size_t>(kind)]; }

}  // namespace

const char* hook_dimension_name(HookDimension dimension) {
  switch (dimension) {
    case HookDimension::position:
      return "position";
    case HookDimension::query:
      return "query";
    case HookDimension::key:
      return "key";
    case HookDimension::width:
      return "width";
    case HookDimension::head:
      return "head";
    case HookDimension::head_width:
      return "headWidth";
    case HookDimension::inner:
      return "inner";
    case HookDimension::vocabulary:
      return "vocabulary";
    case HookDimension::one:
      return "1";
  }
  base::check_failed(__FILE__, __LINE__, "known dimension");
}

const std::vector<HookRow>& hook_rows() {
  using enum HookDimension;
#define FAULTLINE_DIMENSIONS(...) \
  { __VA_ARGS__ }
#define FAULTLINE_HOOK(kind, name, per_layer, dimensions) \
  {HookKind::kind, name, per_layer, FAULTLINE_DIMENSIONS dimensions},
  static const std::vector<HookRow> rows = {
#include "native/model/hook_points.def"
  };
#undef FAULTLINE_HOOK
#undef FAULTLINE_DIMENSIONS
  return rows;
}

std::string hook_name(const HookPoint& point) {
  std::string name = row_of(point.kind).name;
  const std::size_t mark = name.find(kLayerMark);
  if (mark != std::string::npos) name.replace(mark, kLayerMark.size(), std::to_string(point.layer));
  return name;
}

std::optional<HookPoint> find_hook_point(std::string_view name, std::int32_t layers) {
  for (const HookRow& row : hook_rows()) {
    const std::string_view pattern = row.name;
    if (!row.per_layer) {
      if (name == pattern) return HookPoint{row.kind, 0};
      continue;
    }
    const std::size_t mark = pattern.find(kLayerMark);
    const std::string_view before = pattern.substr(0, mark);
    const std::string_view after = pattern.substr(mark + kLayerMark.size());
    if (!name.starts_with(before) || !name.ends_with(after) || name.size() < before.size() + after.size()) continue;
    const std::string_view digits = name.substr(before.size(), name.size() - before.size() - after.size());
    std::int32_t layer = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), layer);
    if (error != std::errc() || end != digits.data() + digits.size() || layer < 0 || layer >= layers) continue;
    if (std::to_string(layer) == digits) return HookPoint{row.kind, layer};  // "01" is no layer
  }
  return std::nullopt;
}

std::vector<HookPoint> all_hook_points(std::int32_t layers) {
  const std::vector<HookRow>& rows = hook_rows();
  const auto per_layer = [](const HookRow& row) { return row.per_layer; };
  const auto first = std::ranges::find_if(rows, per_layer);
  const auto last = std::find_if_not(first, rows.end(), per_layer);
  std::vector<HookPoint> points;
  for (auto row = rows.begin(); row != first; ++row) points.push_back({row->kind, 0});
  for (std::int32_t layer = 0; layer < layers; ++layer)
    for (auto row = first; row != last; ++row) points.push_back({row->kind, layer});
  for (auto row = last; row != rows.end(); ++row) points.push_back({row->kind, 0});
  return points;
}

Capture::Capture(const ModelConfig& config, std::span<const HookPoint> points, std::int32_t positions)
    : layers_(config.layers),
      positions_(positions),
      slots_(hook_rows().size() * static_cast<std::size_t>(config.layers), -1) {
  for (const HookPoint& point : points) {
    std::int32_t& slot = slots_[static_cast<std::size_t>(point.kind) * static_cast<std::size_t>(layers_) +
                                static_cast<std::size_t>(point.layer)];
    if (slot >= 0) throw base::Error(base::ErrorCode::usage, "hook point " + hook_name(point) + " is asked for twice");
    slot = static_cast<std::int32_t>(activations_.size());
    std::vector<std::int64_t> shape = shape_of(row_of(point.kind), config, positions);
    base::AlignedBuffer data = base::AlignedBuffer::floats(elements(shape));
    activations_.push_back({point, std::move(shape), std::move(data)});
  }
}

std::size_t Capture::bytes(const ModelConfig& config, std::span<const HookPoint> points, std::int32_t positions) {
  std::size_t sum = 0;
  for (const HookPoint& point : points)
    sum += sizeof(float) * elements(shape_of(row_of(point.kind), config, positions));
  return sum;
}

void Capture::rows(HookKind kind, std::int32_t layer, std::int32_t first, std::int32_t count, const float* data,
                   std::int64_t stride) {
  const std::int32_t index = slot(kind, layer);
  if (index < 0) return;
  FAULTLINE_CHECK(first >= 0 && count >= 0 && first + count <= positions_);
  Activation& activation = activations_[static_cast<std::size_t>(index)];
  const std::int64_t row = static_cast<std::int64_t>(elements(activation.shape)) / positions_;
  float* out = activation.data.as<float>() + first * row;
  for (std::int32_t i = 0; i < count; ++i, data += stride, out += row) std::copy_n(data, row, out);
}

float* Capture::pattern(std::int32_t layer, std::int32_t head, std::int32_t query) {
  const std::int32_t index = slot(HookKind::pattern, layer);
  if (index < 0) return nullptr;
  const std::int64_t row = static_cast<std::int64_t>(head) * positions_ + query;
  return activations_[static_cast<std::size_t>(index)].data.as<float>() + row * positions_;
}

}  // namespace faultline::model
