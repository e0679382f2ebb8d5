// A team of threads that share one loop at a time. Not a task queue: there are no futures and no stealing, because
// the forward pass is a sequence of short loops with equal work per index, where hand-over time is what counts.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "native/base/host_limits.h"

namespace faultline::base {

/// parallel_for may be called from any thread, one at a time (a second caller waits). A call from inside a loop body
/// runs inline. Workers spin briefly between loops, then sleep; an idle pool costs nothing. Workers hold an FpEnv, so
/// ops may be called in them; the calling thread takes part in the loop and holds its own.
class ThreadPool {
 public:
  /// `threads` counts the caller, so 1 starts none. Throws Error(usage) below 1, Error(environment) when the system
  /// refuses a thread.
  explicit ThreadPool(int threads);
  /// Joins the workers. No loop may be running.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// Runs fn over [0, count), split into at most threads() contiguous parts of nearly equal length; the partition
  /// depends on count and threads() alone. `fn` is fn(begin, end) or fn(index). Returns when all parts are done. If
  /// parts throw, the exception of the lowest one is rethrown here after all have ended.
  template <class Fn>
  void parallel_for(std::int64_t count, Fn&& fn) {
    using Body = std::remove_reference_t<Fn>;
    run(
        count,
        [](void* context, std::int64_t begin, std::int64_t end) {
          Body& body = *static_cast<Body*>(context);
          if constexpr (std::is_invocable_v<Body&, std::int64_t, std::int64_t>) {
            body(begin, end);
          } else {
            for (std::int64_t i = begin; i < end; ++i) body(i);
          }
        },
        const_cast<void*>(static_cast<const void*>(std::addressof(fn))));
  }

 private:
  using Part = void (*)(void* context, std::int64_t begin, std::int64_t end);
  void run(std::int64_t count, Part part, void* context);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace faultline::base
