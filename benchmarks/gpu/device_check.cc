// What hook points carry for given tokens, as safetensors, for a comparison with PyTorch.
// tokens.json is {"name": [ids ...], ...}; the tensors are named <name>/<hook>. Hooks are separated by commas.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/gpu/open_session.h"
#include "benchmarks/lib/arguments.h"
#include "native/format/json.h"
#include "native/model/hooks.h"

namespace faultline {
namespace {

constexpr const char* kUsage =
    R"(faultline_device_check FOLDER [--tokens tokens.json] [--out out.safetensors] [--device cuda] [--dtype bfloat16]
                       [--hooks logits]

What hook points carry for the tokens of {"name": [ids ...], ...}. --hooks: names with commas between, or all.
--device: cuda or cpu. --dtype: bfloat16 or float32.
)";

std::vector<model::HookPoint> hook_points(const std::string& list, std::int32_t layers) {
  if (list == "all") return model::all_hook_points(layers);
  std::vector<model::HookPoint> points;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    const std::string name = list.substr(begin, end - begin);
    const auto point = model::find_hook_point(name, layers);
    if (!point) throw base::Error(base::ErrorCode::usage, "this model has no hook point " + name);
    points.push_back(*point);
    begin = end + 1;
  }
  return points;
}

struct Tensor {
  std::string name;
  model::Activation activation;
};

/// A header that names and places the tensors, then their bytes.
void write(const std::string& path, const std::vector<Tensor>& tensors) {
  std::string header = "{";
  std::size_t at = 0;
  for (const Tensor& tensor : tensors) {
    if (header.size() > 1) header += ',';
    header += format::json_quote(tensor.name) + ":{\"dtype\":\"F32\",\"shape\":[";
    for (std::size_t i = 0; i < tensor.activation.shape.size(); ++i)
      header.append(i > 0 ? "," : "").append(std::to_string(tensor.activation.shape[i]));
    const std::size_t end = at + tensor.activation.data.size();
    header += "],\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(end) + "]}";
    at = end;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::uint64_t size = header.size();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&size), sizeof size) << header;
  for (const Tensor& tensor : tensors)
    file.write(tensor.activation.data.as<char>(), static_cast<std::streamsize>(tensor.activation.data.size()));
  if (!file.flush()) throw base::Error(base::ErrorCode::output, path + ": cannot be written");
}

void run(const bench::Arguments& arguments) {
  session::Session session(gpu::session_options(arguments));
  const std::vector<model::HookPoint> points = hook_points(arguments.text("hooks", "logits"), session.config().layers);
  const format::Json prompts = format::parse_json_file(arguments.text("tokens", "tokens.json"));
  const std::atomic<bool> cancelled{false};
  std::vector<Tensor> tensors;
  for (const auto& [name, list] : *prompts.as_object()) {
    std::vector<std::int32_t> tokens;
    for (const format::Json& token : *list.as_array()) tokens.push_back(static_cast<std::int32_t>(*token.as_integer()));
    std::optional<std::vector<model::Activation>> activations = session.activations(tokens, points, cancelled);
    for (model::Activation& activation : *activations) {
      const std::string full_name = name + "/" + model::hook_name(activation.point);
      tensors.push_back({full_name, std::move(activation)});
    }
  }
  write(arguments.text("out", "out.safetensors"), tensors);
}

}  // namespace
}  // namespace faultline

int main(int argc, char** argv) { return faultline::bench::run_program(argc, argv, faultline::kUsage, faultline::run); }
