#include "native/session/backend.h"

#include "native/base/error.h"

namespace faultline::session {

void refuse_activations(std::uint64_t needed, std::uint64_t budget) {
  throw base::Error(
      base::ErrorCode::environment,
      "these activations need " + std::to_string(needed) + " bytes, but the memory budget is " + std::to_string(budget),
      "Raise --memory, or ask for fewer hook points or tokens.");
}

}  // namespace faultline::session
