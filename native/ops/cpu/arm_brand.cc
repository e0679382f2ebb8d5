#include "native/ops/cpu/arm_brand.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace faultline::ops::cpu {
namespace {

struct Implementer {
  std::string_view id;
  std::string_view name;
};
constexpr Implementer kImplementers[] = {
    {"0x41", "Arm"},   {"0x46", "Fujitsu"},   {"0x48", "HiSilicon"}, {"0x4e", "NVIDIA"}, {"0x51", "Qualcomm"},
    {"0x61", "Apple"}, {"0x6d", "Microsoft"}, {"0x70", "Phytium"},   {"0xc0", "Ampere"},
};

/// Numbers as MIDR_EL1 has them and Linux prints them. Servers' cores, and those of common boards.
struct Part {
  std::string_view implementer;
  std::string_view id;
  std::string_view name;
};
constexpr Part kParts[] = {
    {"0x41", "0xd03", "Cortex-A53"},  {"0x41", "0xd05", "Cortex-A55"},  {"0x41", "0xd07", "Cortex-A57"},
    {"0x41", "0xd08", "Cortex-A72"},  {"0x41", "0xd09", "Cortex-A73"},  {"0x41", "0xd0a", "Cortex-A75"},
    {"0x41", "0xd0b", "Cortex-A76"},  {"0x41", "0xd41", "Cortex-A78"},  {"0x41", "0xd0c", "Neoverse-N1"},
    {"0x41", "0xd49", "Neoverse-N2"}, {"0x41", "0xd8e", "Neoverse-N3"}, {"0x41", "0xd40", "Neoverse-V1"},
    {"0x41", "0xd4f", "Neoverse-V2"}, {"0x41", "0xd84", "Neoverse-V3"}, {"0x46", "0x001", "A64FX"},
};

std::string core_name(std::string_view implementer, std::string_view part) {
  const auto* const maker = std::ranges::find(kImplementers, implementer, &Implementer::id);
  const auto* const known =
      std::ranges::find_if(kParts, [&](const Part& row) { return row.implementer == implementer && row.id == part; });
  std::string name =
      maker != std::end(kImplementers) ? std::string(maker->name) : "ARM64 implementer " + std::string(implementer);
  name += ' ';
  if (known != std::end(kParts)) return name.append(known->name);
  return name.append("part ").append(part);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::string arm_brand(std::string_view cpuinfo) {
  std::vector<std::string> cores;  // distinct ones
  std::string_view implementer;
  for (std::size_t at = 0; at < cpuinfo.size();) {
    const std::size_t end = std::min(cpuinfo.find('\n', at), cpuinfo.size());
    const std::string_view line = cpuinfo.substr(at, end - at);
    at = end + 1;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = trimmed(line.substr(0, colon)), value = trimmed(line.substr(colon + 1));
    if (key == "CPU implementer") implementer = value;
    if (key != "CPU part") continue;
    std::string core = core_name(implementer, value);
    if (std::ranges::find(cores, core) == cores.end()) cores.push_back(std::move(core));
  }
  std::string brand;
  for (const std::string& core : cores) brand.append(brand.empty() ? "" : " + ").append(core);
  return brand.empty() ? "ARM64" : brand;
}

}  // namespace faultline::ops::cpu
