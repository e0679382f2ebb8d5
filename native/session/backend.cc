#include "native/session/backend.h"

#include "native/base/bytes_text.h"
#include "native/base/error.h"

namespace faultline::session {

void check_weights_fit(std::uint64_t weight_bytes, const std::string& where, std::uint64_t free_bytes) {
  if (weight_bytes <= free_bytes) return;
  throw base::Error(base::ErrorCode::environment,
                    "the weights need " + base::bytes_text(weight_bytes) + ", but " + where + " has " +
                        base::bytes_text(free_bytes) + " free",
                    "Use a smaller model or --dtype bfloat16, or close other programs.");
}

void refuse_activations(std::uint64_t needed, std::uint64_t budget) {
  throw base::Error(
      base::ErrorCode::environment,
      "these activations need " + base::bytes_text(needed) + ", but the memory budget is " + base::bytes_text(budget),
      "Raise --memory, or ask for fewer hook points or tokens.");
}

}  // namespace faultline::session
