#include "native/session/backend.h"

#include <algorithm>

#include "native/base/bytes_text.h"
#include "native/base/error.h"

namespace faultline::session {

base::PromisedMemory::Share promise_activations(Backend& backend, std::uint64_t needed, std::uint64_t budget) {
  return backend.promises().promise([&] {
    const std::uint64_t left = std::min(budget, backend.free_memory());
    if (needed > left)
      throw base::Error(
          base::ErrorCode::environment,
          "these activations need " + base::bytes_text(needed) + ", but the memory budget is " + base::bytes_text(left),
          "Raise --memory, or ask for fewer hook points or tokens.");
    return needed;
  });
}

}  // namespace faultline::session
