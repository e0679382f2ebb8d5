// What an ARM64 CPU is called, from what Linux tells of it: the CPU has no string of its own, as x86 has.
#pragma once

#include <string>
#include <string_view>

namespace faultline::ops::cpu {

/// "Arm Neoverse-N1", of the text of /proc/cpuinfo; all kinds of core in the order of their first, joined by " + ",
/// where a CPU has several. A core that this table does not know keeps its numbers ("Arm part 0xfff"), so that two such
/// CPUs are still told apart. "ARM64" where the text names no core.
std::string arm_brand(std::string_view cpuinfo);

}  // namespace faultline::ops::cpu
