#include "native/session/backend.h"

#include "native/base/bytes_text.h"
#include "native/base/error.h"

namespace faultline::session {

void refuse_activations(std::uint64_t needed, std::uint64_t budget) {
  throw base::Error(
      base::ErrorCode::environment,
      "these activations need " + base::bytes_text(needed) + ", but the memory budget is " + base::bytes_text(budget),
      "Raise --memory, or ask for fewer hook points or tokens.");
}

}  // namespace faultline::session
