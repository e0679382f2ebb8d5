#include "native/base/thread_pool.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "native/base/error.h"
#include "native/base/fp_env.h"

namespace faultline::base {
namespace {

// Spins before parking: about 20 us of pause instructions, a few times the gap between two ops of one forward pass, so
// that workers stay awake within a step and sleep between requests.
constexpr int kSpins = 1000;

// True while this thread runs a loop body: a nested loop would wait for workers that wait for it.
thread_local bool inside_loop = false;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Waits until `value` is no longer `old`: spins, then parks in the kernel.
std::uint32_t wait_past(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int spin = 0; spin < kSpins; ++spin) {
    const std::uint32_t now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    pause();
  }
  for (;;) {
    value.wait(old, std::memory_order_acquire);
    const std::uint32_t now = value.load(std::memory_order_acquire);
    if (now != old) return now;
  }
}

}  // namespace

struct ThreadPool::State {
  int threads = 1;
  std::mutex one_loop_at_a_time;
  std::vector<std::thread> workers;

  // The current loop, written before `generation` moves and read by workers after they saw it move.
  std::int64_t count = 0;
  Part part = nullptr;
  void* context = nullptr;
  std::vector<std::exception_ptr> failures;  // one per part: no lock, and the lowest is easy to find
  bool stopping = false;

  alignas(64) std::atomic<std::uint32_t> generation{0};
  alignas(64) std::atomic<std::uint32_t> unfinished{0};

  void run_part(int index) noexcept {
    const auto wide = static_cast<std::int64_t>(threads);
    const std::int64_t share = count / wide, extra = count % wide;
    // The first `extra` parts take one more.
    const std::int64_t begin = index * share + (index < extra ? index : extra);
    const std::int64_t end = begin + share + (index < extra ? 1 : 0);
    if (begin == end) return;
    try {
      part(context, begin, end);
    } catch (...) {
      failures[static_cast<std::size_t>(index)] = std::current_exception();
    }
  }

  void work(int index) {
    const FpEnv mode;
    inside_loop = true;
    std::uint32_t seen = 0;
    for (;;) {
      seen = wait_past(generation, seen);
      if (stopping) return;
      run_part(index);
      if (unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished.notify_one();
    }
  }

  void stop() {
    stopping = true;
    generation.fetch_add(1, std::memory_order_acq_rel);
    generation.notify_all();
    for (std::thread& worker : workers) worker.join();
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  if (threads < 1)
    throw Error(ErrorCode::usage, "the number of threads must be at least 1, not " + std::to_string(threads));
  state_->threads = threads;
  state_->failures.resize(static_cast<std::size_t>(threads));
  try {
    for (int i = 1; i < threads; ++i) state_->workers.emplace_back([state = state_.get(), i] { state->work(i); });
  } catch (const std::system_error& error) {
    state_->stop();
    throw Error(ErrorCode::environment, "cannot start " + std::to_string(threads) + " threads: " + error.what(),
                "Pass a smaller --threads.");
  }
}

ThreadPool::~ThreadPool() { state_->stop(); }

int ThreadPool::threads() const { return state_->threads; }

void ThreadPool::run(std::int64_t count, Part part, void* context) {
  if (count <= 0) return;
  if (inside_loop || state_->threads == 1 || count == 1) {
    part(context, 0, count);
    return;
  }
  const std::lock_guard only(state_->one_loop_at_a_time);
  State& state = *state_;
  state.count = count;
  state.part = part;
  state.context = context;
  state.unfinished.store(static_cast<std::uint32_t>(state.threads - 1), std::memory_order_relaxed);
  state.generation.fetch_add(1, std::memory_order_acq_rel);
  state.generation.notify_all();

  inside_loop = true;
  state.run_part(0);
  inside_loop = false;
  for (std::uint32_t left = state.unfinished.load(std::memory_order_acquire); left != 0;)
    left = wait_past(state.unfinished, left);

  std::exception_ptr first;
  for (std::exception_ptr& failure : state.failures) {
    if (failure && !first) first = failure;
    failure = nullptr;
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace faultline::base
