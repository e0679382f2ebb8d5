// The emulated machine behind emulator.h: fibers, the scheduler that switches between them where they wait, warp and
// block functions, asynchronous copies. Not what matrix functions compute (fragments.h), nor the device's memory and
// streams (runtime.cc).
#include "tests/native/simt/emulator.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>
#include <optional>
#include <string_view>

#include "native/base/fp_env.h"
#include "tests/native/simt/fragments.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FAULTLINE_SIMT_ASAN
#endif
#if __has_feature(thread_sanitizer)
#define FAULTLINE_SIMT_INSTRUMENTED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define FAULTLINE_SIMT_ASAN
#endif
#if defined(__SANITIZE_THREAD__)
#define FAULTLINE_SIMT_INSTRUMENTED
#endif
// For ThreadSanitizer every fiber is a thread, ordered by the kernel's own barriers alone, so that a missing one is
// reported. The scheduler works on all of them without barriers and must therefore not be watched itself.
#if defined(FAULTLINE_SIMT_INSTRUMENTED)
#error "with ThreadSanitizer, compile this file with -fno-sanitize=thread -DFAULTLINE_SIMT_TSAN"
#endif

#if defined(FAULTLINE_SIMT_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(FAULTLINE_SIMT_TSAN)
#include <sanitizer/tsan_interface.h>
// Of the runtime's interface to compilers: an access of `size` bytes by the thread that calls.
extern "C" void __tsan_read_range(void* address, unsigned long size);
extern "C" void __tsan_write_range(void* address, unsigned long size);
#endif

// swapcontext asks the kernel for the signal mask at every switch, which would be nearly all of the emulator's time:
// the two common CPUs get a switch of their own, which saves what their calling conventions let a callee keep. The
// floating-point mode is the same in all fibers of a launch.
#if defined(__x86_64__)
extern "C" void faultline_simt_switch(void** save, void* restore) __asm__("faultline_simt_switch");
__asm__(R"(
.text
.p2align 4
faultline_simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
)");
#elif defined(__aarch64__)
extern "C" void faultline_simt_switch(void** save, void* restore) __asm__("faultline_simt_switch");
__asm__(R"(
.text
.p2align 4
faultline_simt_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
)");
#else
#include <ucontext.h>
#define FAULTLINE_SIMT_UCONTEXT
#endif

namespace faultline::ops::cuda::simt {
namespace detail {

constinit thread_local Thread* current = nullptr;

namespace {

constexpr std::int32_t kWarpgroup = 128;
constexpr std::int32_t kThreadsMost = 1024;    // of a block, on every CUDA device
constexpr std::int32_t kGridSideMost = 65535;  // y and z
// Sanitizers enlarge frames and write their reports on the stack of the fiber that erred.
#if defined(FAULTLINE_SIMT_ASAN) || defined(FAULTLINE_SIMT_TSAN)
constexpr std::size_t kStackBytes = 512 * 1024;
#else
constexpr std::size_t kStackBytes = 64 * 1024;
#endif
constexpr std::size_t kSharedAlignment = 1024;
constexpr unsigned char kCanary = 0xA5;
#if defined(FAULTLINE_SIMT_ASAN)
constexpr std::size_t kCanaryBytes = 0;  // the allocation ends where shared memory does
#else
constexpr std::size_t kCanaryBytes = 256;
#endif

thread_local std::string fault_text;

const char* name_of(Collective what) {
  switch (what) {
    case Collective::none:
      return "nothing";
    case Collective::sync_block:
      return "sync_block";
    case Collective::any_in_block:
      return "any_in_block";
    case Collective::count_in_block:
      return "count_in_block";
    case Collective::sync_warp:
      return "sync_warp";
    case Collective::shuffle:
      return "shuffle";
    case Collective::shuffle_xor:
      return "shuffle_xor";
    case Collective::ballot:
      return "ballot";
    case Collective::mma:
      return "mma";
    case Collective::load_matrix4:
      return "load_matrix4";
    case Collective::load_matrix4_transposed:
      return "load_matrix4_transposed";
    case Collective::barrier_wait:
      return "barrier_wait";
    case Collective::wgmma:
      return "wgmma";
    case Collective::wgmma_wait:
      return "wgmma_wait";
  }
  return "?";
}

/// Shuffles, votes and matrix functions order no memory accesses (CUDA C++ Programming Guide, "Warp Shuffle
/// Functions"), but after wgmma_wait no thread of the warp has products that still read.
bool orders_memory(Collective what) {
  return what == Collective::sync_warp || what == Collective::wgmma_wait || what == Collective::sync_block ||
         what == Collective::any_in_block || what == Collective::count_in_block;
}

bool is_block_wide(Collective what) {
  return what == Collective::sync_block || what == Collective::any_in_block || what == Collective::count_in_block;
}

struct Schedule {
  Order order = Order::ascending;
  std::uint64_t seed = 0;
};

std::mutex schedule_mutex;
std::optional<Schedule> schedule_set;

Schedule schedule_now() {
  {
    const std::lock_guard lock(schedule_mutex);
    if (schedule_set) return *schedule_set;
  }
  const char* wanted = std::getenv("FAULTLINE_SIMT_SCHEDULE");
  if (wanted == nullptr || std::string_view(wanted) == "ascending") return {};
  if (std::string_view(wanted) == "descending") return {Order::descending, 0};
  return {Order::random, std::strtoull(wanted, nullptr, 0)};
}

/// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint32_t below(std::uint32_t bound) {
    state_ += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return static_cast<std::uint32_t>(((z >> 32) * bound) >> 32);
  }

 private:
  std::uint64_t state_;
};

/// Where execution can be resumed: a fiber's, or the one that launch() was called on.
struct Context {
  void* stack_pointer = nullptr;
  // For the sanitizers. That of the launching context is learnt when it is first left.
  const void* stack_bottom = nullptr;
  std::size_t stack_bytes = 0;
  void* fake_stack = nullptr;
  void* tsan = nullptr;
#if defined(FAULTLINE_SIMT_UCONTEXT)
  ucontext_t place;
#endif
};

enum class State : std::uint8_t { returned, ready, waiting };

struct Fiber : Thread {
  Context context;
  char* mapping = nullptr;  // a guard page, then the stack
  State state = State::returned;
  Collective waits_at = Collective::none;
};

struct Meeting {
  Collective what = Collective::none;
  std::int32_t arrived = 0;
  std::uint32_t votes = 0;
  // Those that order memory have two places for ThreadSanitizer, taken in turn: a thread that is late to leave one
  // meeting must not learn what others did before they came to the next.
  std::uint32_t turn = 0;
  char order[2] = {};

  void finish(bool orders_memory) {
    what = Collective::none;
    arrived = 0;
    votes = 0;
    if (orders_memory) ++turn;
  }
};

// What ThreadSanitizer is told; nothing without it.
void release_order([[maybe_unused]] char& place) {
#if defined(FAULTLINE_SIMT_TSAN)
  __tsan_release(&place);
#endif
}
void acquire_order([[maybe_unused]] char& place) {
#if defined(FAULTLINE_SIMT_TSAN)
  __tsan_acquire(&place);
#endif
}
void note_read([[maybe_unused]] const void* from) {
#if defined(FAULTLINE_SIMT_TSAN)
  __tsan_read_range(const_cast<void*>(from), 16);
#endif
}
void note_write([[maybe_unused]] void* to) {
#if defined(FAULTLINE_SIMT_TSAN)
  __tsan_write_range(to, 16);
#endif
}

// What threads leave here for each other has fixed room: ThreadSanitizer would see them race for an allocation.
constexpr std::size_t kBarriersMost = 64;  // of a block
constexpr std::size_t kTilesMost = 8;      // on their way to one barrier
constexpr std::size_t kProductsMost = 64;  // of a warp, started and not waited for

/// An mbarrier. `phase` counts those that have ended.
struct Phases {
  std::uint64_t* at = nullptr;
  std::int32_t arrivals = 0;
  std::int32_t missing = 0;
  std::int64_t bytes_missing = 0;  // expected less copied; of either there may be more at a time
  std::uint32_t phase = 0;
  std::array<std::pair<char*, Tile>, kTilesMost> copies;
  std::size_t copy_count = 0;
  std::array<std::uint64_t, kThreadsMost / 64> waiting{};
  char order[2] = {};  // as a meeting's: of phases in turn
};

/// Products of a warp, in order.
struct Products {
  std::array<Product, kProductsMost> started;
  std::size_t count = 0;
  std::int64_t committed = 0;  // groups
};

/// What a fiber says before it is abandoned. Nothing in it owns memory: that fiber's frames are never unwound.
struct Fault {
  const char* what = nullptr;  // a function's name; null: no fault
  const void* address = nullptr;
  const char* problem = nullptr;
  Collective came_to = Collective::none;  // with `others_at`, where the fault is that these differ
  Collective others_at = Collective::none;
  std::int32_t thread = 0;
};

std::string threads_text(std::int32_t first, std::int32_t last) {
  return first == last ? "thread " + std::to_string(first)
                       : "threads " + std::to_string(first) + "-" + std::to_string(last);
}

/// One OS thread's machine: the fibers of the block that runs, reused from block to block and launch to launch.
class Machine {
 public:
  ~Machine() {
    for (Fiber& fiber : fibers_) unmap(fiber);
    free_shared();
  }

  LaunchStatus run(const Launch& launch);
  void meet(Collective what);
  [[noreturn]] void fault(Fault fault);
  [[noreturn]] void run_fiber();
  const Block& block() const { return block_; }
  void barrier_init(std::uint64_t* barrier, std::int32_t arrivals);
  void barrier_arrive(std::uint64_t* barrier, std::int32_t expected_bytes);
  void barrier_wait(std::uint64_t* barrier, std::uint32_t parity);
  void start_tile(void* shared, const Tile& tile, std::uint64_t* landed);
  void wgmma_commit(std::int32_t warp) { ++products_[static_cast<std::size_t>(warp)].committed; }

 private:
  void prepare(std::int32_t threads);
  void make_context(Fiber& fiber);
  void unmap(Fiber& fiber);
  void allocate_shared(std::size_t bytes);
  void free_shared();
  bool run_block(const Launch& launch);
  void transfer(Context& from, Context& to);
  void switch_to_next(Context& from);
  std::int32_t next_ready();
  void set_ready(std::int32_t thread);
  void set_waiting(Fiber& fiber, Collective what);
  void finish_warp(std::int32_t warp);
  void finish_warpgroup(std::int32_t warpgroup);
  void finish_block_meeting();
  Phases& phases_at(const char* what, std::uint64_t* barrier);
  void end_phase_if_complete(Phases& phases);
  void multiply(std::int32_t warp, const Product& product);
  std::string place() const;
  std::string whereabouts() const;
  std::string describe(const Fault& fault) const;

  std::array<Fiber, kThreadsMost> fibers_;
  std::array<Meeting, kThreadsMost / kWarp> warps_;
  std::array<Meeting, kThreadsMost / kWarpgroup> warpgroups_;
  std::array<Products, kThreadsMost / kWarp> products_;
  std::array<Phases, kBarriersMost> barriers_;
  std::size_t barrier_count_ = 0;
  std::array<std::uint64_t, kThreadsMost / 64> ready_{};
  Meeting barrier_;
  // For ThreadSanitizer: from the launching context to a block's threads, and from all threads back to it. Blocks are
  // not ordered among each other.
  char start_order_ = 0;
  char end_order_ = 0;
  Context main_;
  Context* left_ = nullptr;  // the context that the running one was switched from
  const Launch* launch_ = nullptr;
  Block block_{};
  std::int32_t alive_ = 0;
  Schedule schedule_;
  Random random_{0};
  char* shared_ = nullptr;
  std::size_t shared_bytes_ = 0;
  Fault fault_;
};

Machine& machine() {
  // On the heap: its fibers are too many for a thread's static storage.
  static thread_local const std::unique_ptr<Machine> one = std::make_unique<Machine>();
  return *one;
}

[[noreturn]] void enter_fiber() { machine().run_fiber(); }

std::size_t page_bytes() {
  static const std::size_t bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

void Machine::make_context(Fiber& fiber) {
  char* const bottom = fiber.mapping + page_bytes();
  fiber.context.stack_bottom = bottom;
  fiber.context.stack_bytes = kStackBytes;
  fiber.context.fake_stack = nullptr;
#if defined(FAULTLINE_SIMT_ASAN)
  __asan_unpoison_memory_region(bottom, kStackBytes);  // frames of a fiber that was abandoned
#endif
#if defined(FAULTLINE_SIMT_TSAN)
  if (fiber.context.tsan != nullptr) __tsan_destroy_fiber(fiber.context.tsan);
  fiber.context.tsan = __tsan_create_fiber(0);
#endif
#if defined(__x86_64__)
  // As if enter_fiber had been called: the stack pointer is 8 past a multiple of 16, at a return address of null.
  void** slot = reinterpret_cast<void**>(bottom + kStackBytes) - 1;
  *slot = nullptr;
  *--slot = reinterpret_cast<void*>(&enter_fiber);
  for (int saved = 0; saved < 6; ++saved) *--slot = nullptr;
  fiber.context.stack_pointer = slot;
#elif defined(__aarch64__)
  void** const frame = reinterpret_cast<void**>(bottom + kStackBytes - 160);
  std::fill_n(frame, 20, nullptr);
  frame[11] = reinterpret_cast<void*>(&enter_fiber);  // x30, where `ret` goes
  fiber.context.stack_pointer = frame;
#else
  ::getcontext(&fiber.context.place);
  fiber.context.place.uc_stack.ss_sp = bottom;
  fiber.context.place.uc_stack.ss_size = kStackBytes;
  fiber.context.place.uc_link = nullptr;
  ::makecontext(&fiber.context.place, &enter_fiber, 0);
#endif
}

void Machine::prepare(std::int32_t threads) {
  for (std::int32_t i = 0; i < threads; ++i) {
    Fiber& fiber = fibers_[static_cast<std::size_t>(i)];
    if (fiber.mapping == nullptr) {
      void* const mapping = ::mmap(nullptr, page_bytes() + kStackBytes, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (mapping == MAP_FAILED || ::mprotect(mapping, page_bytes(), PROT_NONE) != 0) throw std::bad_alloc();
      fiber.mapping = static_cast<char*>(mapping);
      fiber.thread = i;
      fiber.lane = i % kWarp;
      fiber.warp = i / kWarp;
      fiber.block = &block_;
      make_context(fiber);
    }
  }
}

void Machine::unmap(Fiber& fiber) {
  if (fiber.mapping == nullptr) return;
#if defined(FAULTLINE_SIMT_ASAN)
  __asan_unpoison_memory_region(fiber.mapping, page_bytes() + kStackBytes);
#endif
#if defined(FAULTLINE_SIMT_TSAN)
  __tsan_destroy_fiber(fiber.context.tsan);
#endif
  ::munmap(fiber.mapping, page_bytes() + kStackBytes);
}

/// Fresh for every block under ThreadSanitizer, which forgets who wrote a mapping when it goes: blocks share nothing.
void Machine::allocate_shared(std::size_t bytes) {
#if defined(FAULTLINE_SIMT_TSAN)
  free_shared();
  shared_bytes_ = bytes;
  void* const memory =
      ::mmap(nullptr, bytes + kCanaryBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
#else
  if (shared_ != nullptr && shared_bytes_ == bytes) return;
  free_shared();
  shared_bytes_ = bytes;
  void* memory = nullptr;
  if (::posix_memalign(&memory, kSharedAlignment, bytes + kCanaryBytes) != 0) throw std::bad_alloc();
#endif
  shared_ = static_cast<char*>(memory);
}

void Machine::free_shared() {
#if defined(FAULTLINE_SIMT_TSAN)
  if (shared_ != nullptr) ::munmap(shared_, shared_bytes_ + kCanaryBytes);
#else
  std::free(shared_);
#endif
  shared_ = nullptr;
}

void Machine::transfer(Context& from, Context& to) {
  left_ = &from;
#if defined(FAULTLINE_SIMT_ASAN)
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack_bottom, to.stack_bytes);
#endif
#if defined(FAULTLINE_SIMT_TSAN)
  __tsan_switch_to_fiber(to.tsan, __tsan_switch_to_fiber_no_sync);
#endif
#if defined(FAULTLINE_SIMT_UCONTEXT)
  ::swapcontext(&from.place, &to.place);
#else
  faultline_simt_switch(&from.stack_pointer, to.stack_pointer);
#endif
#if defined(FAULTLINE_SIMT_ASAN)
  __sanitizer_finish_switch_fiber(from.fake_stack, &left_->stack_bottom, &left_->stack_bytes);
#endif
}

/// A fiber's whole life: one turn of the loop is one thread of one block.
void Machine::run_fiber() {
#if defined(FAULTLINE_SIMT_ASAN)
  __sanitizer_finish_switch_fiber(nullptr, &left_->stack_bottom, &left_->stack_bytes);
#endif
  Fiber& self = static_cast<Fiber&>(*current);
  for (;;) {
    acquire_order(start_order_);
    launch_->body();
    release_order(end_order_);
    self.state = State::returned;
    ready_[static_cast<std::size_t>(self.thread) / 64] &= ~(std::uint64_t{1} << (self.thread % 64));
    --alive_;
    // A block barrier waits for the threads that have not returned.
    if (barrier_.arrived > 0 && barrier_.arrived == alive_) finish_block_meeting();
    switch_to_next(self.context);
  }
}

void Machine::set_ready(std::int32_t thread) {
  Fiber& fiber = fibers_[static_cast<std::size_t>(thread)];
  fiber.state = State::ready;
  fiber.waits_at = Collective::none;
  ready_[static_cast<std::size_t>(thread) / 64] |= std::uint64_t{1} << (thread % 64);
}

void Machine::set_waiting(Fiber& fiber, Collective what) {
  fiber.state = State::waiting;
  fiber.waits_at = what;
  ready_[static_cast<std::size_t>(fiber.thread) / 64] &= ~(std::uint64_t{1} << (fiber.thread % 64));
}

/// The thread that runs next, or -1 where none can.
std::int32_t Machine::next_ready() {
  const auto words = static_cast<std::int32_t>((block_.threads + 63) / 64);
  if (schedule_.order == Order::descending) {
    for (std::int32_t i = words - 1; i >= 0; --i) {
      const std::uint64_t word = ready_[static_cast<std::size_t>(i)];
      if (word != 0) return 64 * i + 63 - std::countl_zero(word);
    }
    return -1;
  }
  // Random: the first that is ready from a random one on, around the end.
  const auto start = schedule_.order == Order::random
                         ? static_cast<std::int32_t>(random_.below(static_cast<std::uint32_t>(block_.threads)))
                         : 0;
  const std::uint64_t from_start = ~std::uint64_t{0} << (start % 64);
  for (std::int32_t step = 0; step <= words; ++step) {
    const std::int32_t i = (start / 64 + step) % words;
    std::uint64_t word = ready_[static_cast<std::size_t>(i)];
    if (step == 0) word &= from_start;
    if (word != 0) return 64 * i + std::countr_zero(word);
  }
  return -1;
}

void Machine::switch_to_next(Context& from) {
  const std::int32_t next = next_ready();
  if (next < 0) {
    transfer(from, main_);
    return;
  }
  Fiber& fiber = fibers_[static_cast<std::size_t>(next)];
  current = &fiber;
  if (&fiber.context != &from) transfer(from, fiber.context);
}

void Machine::meet(Collective what) {
  Fiber& self = static_cast<Fiber&>(*current);
  const bool block_wide = is_block_wide(what);
  const bool warpgroup_wide = what == Collective::wgmma;
  Meeting& meeting = block_wide       ? barrier_
                     : warpgroup_wide ? warpgroups_[static_cast<std::size_t>(self.thread / kWarpgroup)]
                                      : warps_[static_cast<std::size_t>(self.warp)];
  if (meeting.arrived > 0 && meeting.what != what)
    fault(
        {.what = block_wide ? "the block diverged" : "the warp diverged", .came_to = what, .others_at = meeting.what});
  meeting.what = what;
  ++meeting.arrived;
  set_waiting(self, what);
  const bool orders = orders_memory(what);
  char& order = meeting.order[meeting.turn % 2];
  if (orders) release_order(order);
  release_order(end_order_);  // this thread may be abandoned here
  if (block_wide) {
    meeting.votes += what == Collective::sync_block ? 0 : self.value;
    if (meeting.arrived == alive_) finish_block_meeting();
  } else if (warpgroup_wide) {
    if (meeting.arrived == kWarpgroup) finish_warpgroup(self.thread / kWarpgroup);
  } else if (meeting.arrived == kWarp) {
    finish_warp(self.warp);
  }
  switch_to_next(self.context);
  if (orders) acquire_order(order);
}

void Machine::finish_block_meeting() {
  for (std::int32_t i = 0; i < block_.threads; ++i) {
    Fiber& fiber = fibers_[static_cast<std::size_t>(i)];
    if (fiber.state != State::waiting) continue;
    fiber.result = barrier_.votes;
    set_ready(i);
  }
  barrier_.finish(true);
}

/// Everything a warp function does, once all lanes have brought their operands: no lane can see half of it.
void Machine::finish_warp(std::int32_t warp) {
  Fiber* const lanes = &fibers_[static_cast<std::size_t>(warp * kWarp)];
  switch (warps_[static_cast<std::size_t>(warp)].what) {
    case Collective::shuffle:
    case Collective::shuffle_xor:
      for (int i = 0; i < kWarp; ++i) lanes[i].result = lanes[lanes[i].source_lane].value;
      break;
    case Collective::ballot: {
      std::uint32_t votes = 0;
      for (int i = 0; i < kWarp; ++i) votes |= lanes[i].value << i;
      for (int i = 0; i < kWarp; ++i) lanes[i].result = votes;
      break;
    }
    case Collective::mma:
      fragments::mma(lanes);
      break;
    case Collective::load_matrix4:
      fragments::load_matrix4(lanes);
      break;
    case Collective::load_matrix4_transposed:
      fragments::load_matrix4_transposed(lanes);
      break;
    case Collective::wgmma_wait: {
      Products& products = products_[static_cast<std::size_t>(warp)];
      const std::int64_t done = products.committed - lanes[0].source_lane;
      std::size_t end = 0;
      while (end < products.count && products.started[end].group < done) multiply(warp, products.started[end++]);
      for (std::size_t i = end; i < products.count; ++i) products.started[i - end] = products.started[i];
      products.count -= end;
      Meeting& meeting = warps_[static_cast<std::size_t>(warp)];
      release_order(meeting.order[meeting.turn % 2]);  // what the products have read
      break;
    }
    default:
      break;  // sync_warp: having met is all
  }
  for (int i = 0; i < kWarp; ++i) set_ready(warp * kWarp + i);
  Meeting& meeting = warps_[static_cast<std::size_t>(warp)];
  meeting.finish(orders_memory(meeting.what));
}

void Machine::finish_warpgroup(std::int32_t warpgroup) {
  const Fiber* const threads = &fibers_[static_cast<std::size_t>(warpgroup * kWarpgroup)];
  for (int i = 1; i < kWarpgroup; ++i)
    if (threads[i].operands[0] != threads[0].operands[0] || threads[i].operands[1] != threads[0].operands[1] ||
        threads[i].columns != threads[0].columns || threads[i].add != threads[0].add)
      fault_address("wgmma", threads[i].operands[0],
                    "is an operand that the warpgroup's threads do not have in common");
  for (int warp = 0; warp < kWarpgroup / kWarp; ++warp) {
    Products& products = products_[static_cast<std::size_t>(warpgroup * (kWarpgroup / kWarp) + warp)];
    Product product{static_cast<const char*>(threads->operands[0]),
                    static_cast<const char*>(threads->operands[1]),
                    threads->columns,
                    threads->add,
                    products.committed,
                    {}};
    for (int i = 0; i < kWarp; ++i) product.d[static_cast<std::size_t>(i)] = threads[warp * kWarp + i].d;
    if (products.count == kProductsMost)
      fault_address("wgmma", product.a, "is an operand of more products than the emulator keeps");
    products.started[products.count++] = product;
  }
  for (int i = 0; i < kWarpgroup; ++i) set_ready(warpgroup * kWarpgroup + i);
  warpgroups_[static_cast<std::size_t>(warpgroup)].finish(false);
}

void Machine::multiply(std::int32_t warp, const Product& product) {
  const int first_row = warp % (kWarpgroup / kWarp) * fragments::kRows;
  for (int row = first_row; row < first_row + fragments::kRows; ++row) note_read(product.a + row * kTileRowBytes);
  for (int column = 0; column < product.columns; ++column) note_read(product.b + column * kTileRowBytes);
  fragments::wgmma(shared_, first_row, product);
}

Phases& Machine::phases_at(const char* what, std::uint64_t* barrier) {
  for (std::size_t i = 0; i < barrier_count_; ++i)
    if (barriers_[i].at == barrier) return barriers_[i];
  fault_address(what, barrier, "is not an initialised barrier");
}

void Machine::barrier_init(std::uint64_t* barrier, std::int32_t arrivals) {
  if (reinterpret_cast<std::uintptr_t>(barrier) % 8 != 0)
    fault_address("barrier_init", barrier, "is not 8-byte aligned");
  const char* const at = reinterpret_cast<const char*>(barrier);
  if (at < shared_ || at + 8 > shared_ + shared_bytes_)
    fault_address("barrier_init", barrier, "is not in the block's shared memory");
  if (arrivals < 1) fault_address("barrier_init", barrier, "expects no arrivals");
  for (std::size_t i = 0; i < barrier_count_; ++i)
    if (barriers_[i].at == barrier) fault_address("barrier_init", barrier, "is initialised already");
  if (barrier_count_ == kBarriersMost) fault_address("barrier_init", barrier, "is one more than the emulator keeps");
  Phases& phases = barriers_[barrier_count_++];
  phases = {};
  phases.at = barrier;
  phases.arrivals = phases.missing = arrivals;
}

void Machine::end_phase_if_complete(Phases& phases) {
  if (phases.missing > 0 || phases.bytes_missing != 0) return;
  for (std::size_t i = 0; i < phases.copy_count; ++i) {
    const auto& [to, tile] = phases.copies[i];
    for (std::int32_t row = 0; row < tile.box_rows; ++row) {
      for (std::int32_t piece = 0; piece < kTileRowBytes / 16; ++piece) {
        char* const at = to + row * kTileRowBytes + (piece ^ row % 8) * 16;
        const std::int64_t column = tile.column + 8 * piece;
        const bool inside = tile.row + row < tile.rows;
        const std::int64_t there = inside ? std::clamp<std::int64_t>(tile.columns - column, 0, 8) : 0;
        std::memset(at, 0, 16);
        if (there > 0)
          std::memcpy(at, tile.data + 2 * ((tile.row + row) * tile.stride + column),
                      static_cast<std::size_t>(2 * there));
      }
    }
  }
  phases.copy_count = 0;
  phases.missing = phases.arrivals;
  release_order(phases.order[phases.phase % 2]);
  ++phases.phase;
  for (std::size_t word = 0; word < phases.waiting.size(); ++word) {
    for (std::uint64_t& bits = phases.waiting[word]; bits != 0; bits &= bits - 1)
      set_ready(static_cast<std::int32_t>(64 * word) + std::countr_zero(bits));
  }
}

void Machine::barrier_arrive(std::uint64_t* barrier, std::int32_t expected_bytes) {
  Phases& phases = phases_at("barrier_arrive", barrier);
  if (phases.missing == 0) fault_address("barrier_arrive", barrier, "has no arrivals left in this phase");
  release_order(phases.order[phases.phase % 2]);
  phases.bytes_missing += expected_bytes;
  --phases.missing;
  end_phase_if_complete(phases);
}

void Machine::barrier_wait(std::uint64_t* barrier, std::uint32_t parity) {
  Fiber& self = static_cast<Fiber&>(*current);
  {
    Phases& phases = phases_at("barrier_wait", barrier);
    if (phases.phase % 2 == parity) {
      phases.waiting[static_cast<std::size_t>(self.thread) / 64] |= std::uint64_t{1} << (self.thread % 64);
      set_waiting(self, Collective::barrier_wait);
      release_order(end_order_);  // this thread may be abandoned here
      switch_to_next(self.context);
    }
  }
  acquire_order(phases_at("barrier_wait", barrier).order[parity]);
}

void Machine::start_tile(void* shared, const Tile& tile, std::uint64_t* landed) {
  Phases& phases = phases_at("copy_tile", landed);
  char* const to = static_cast<char*>(shared);
  const std::size_t bytes = static_cast<std::size_t>(tile.box_rows) * kTileRowBytes;
  if (reinterpret_cast<std::uintptr_t>(shared) % 1024 != 0)
    fault_address("copy_tile to", shared, "is not 1024-byte aligned");
  if (to < shared_ || to + bytes > shared_ + shared_bytes_)
    fault_address("copy_tile to", shared, "is not in the block's shared memory");
  for (std::int32_t row = 0; row < tile.box_rows; ++row) {
    for (std::int32_t piece = 0; piece < kTileRowBytes / 16; ++piece) {
      note_write(to + row * kTileRowBytes + piece * 16);
      const std::int64_t column = tile.column + 8 * piece;
      if (tile.row + row < tile.rows && column + 8 <= tile.columns)
        note_read(tile.data + 2 * ((tile.row + row) * tile.stride + column));
    }
  }
  if (phases.copy_count == kTilesMost) fault_address("copy_tile to", shared, "is one more than the emulator keeps");
  std::memset(to, 0xFF, bytes);
  phases.bytes_missing -= static_cast<std::int64_t>(bytes);
  phases.copies[phases.copy_count++] = {to, tile};
  end_phase_if_complete(phases);
}

/// The kernel by the place of its launch, and the block.
std::string Machine::place() const {
  std::string_view file = launch_->grid.where.file_name();
  const auto slash = file.rfind('/');
  if (slash != std::string_view::npos) file.remove_prefix(slash + 1);
  return "the kernel launched at " + std::string(file) + ":" + std::to_string(launch_->grid.where.line()) + " by " +
         launch_->grid.where.function_name() + ", block (" + std::to_string(block_.x) + ", " +
         std::to_string(block_.y) + ", " + std::to_string(block_.z) + ")";
}

/// What every thread of the block is doing, in runs.
std::string Machine::whereabouts() const {
  const auto doing = [this](std::int32_t i) {
    const Fiber& fiber = fibers_[static_cast<std::size_t>(i)];
    return fiber.state == State::returned ? std::string("returned")
           : fiber.state == State::ready  ? std::string("running")
                                          : std::string("at ") + name_of(fiber.waits_at);
  };
  std::string text;
  for (std::int32_t first = 0; first < block_.threads;) {
    std::int32_t last = first;
    while (last + 1 < block_.threads && doing(last + 1) == doing(first)) ++last;
    text += (text.empty() ? "" : ", ") + threads_text(first, last) + " " + doing(first);
    first = last + 1;
  }
  return text;
}

std::string Machine::describe(const Fault& fault) const {
  const Fiber& fiber = fibers_[static_cast<std::size_t>(fault.thread)];
  std::string text = place() + ", thread " + std::to_string(fiber.thread) + " (warp " + std::to_string(fiber.warp) +
                     ", lane " + std::to_string(fiber.lane) + "): " + fault.what;
  if (fault.came_to != Collective::none)
    return text + ": this thread came to " + name_of(fault.came_to) + " while others wait at " +
           name_of(fault.others_at) + " (" + whereabouts() + ")";
  char address[32];
  std::snprintf(address, sizeof address, "%p", fault.address);
  return text + ": address " + address + " " + fault.problem;
}

void Machine::fault(Fault fault) {
  fault.thread = current->thread;
  fault_ = fault;
  release_order(end_order_);
  transfer(static_cast<Fiber&>(*current).context, main_);
  std::abort();  // an abandoned fiber is never resumed
}

/// False after a fault, whose text is set.
bool Machine::run_block(const Launch& launch) {
  if (shared_bytes_ > 0) std::memset(shared_, 0xFF, shared_bytes_);
  if (kCanaryBytes > 0) std::memset(shared_ + shared_bytes_, kCanary, kCanaryBytes);
  ready_.fill(0);
  for (Meeting& meeting : warps_) meeting.finish(false);
  for (Meeting& meeting : warpgroups_) meeting.finish(false);
  for (Products& products : products_) products = {};
  barrier_count_ = 0;
  barrier_.finish(false);
  alive_ = launch.threads;
  for (std::int32_t i = 0; i < launch.threads; ++i) {
    Fiber& fiber = fibers_[static_cast<std::size_t>(i)];
    fiber.copies.clear();
    fiber.committed = 0;
    set_ready(i);
  }
  release_order(start_order_);
  switch_to_next(main_);
  if (fault_.what != nullptr) {
    fault_text = describe(fault_);
    return false;
  }
  if (alive_ > 0) {
    fault_text = place() + ": deadlock: " + whereabouts();
    return false;
  }
  for (std::size_t i = 0; i < kCanaryBytes; ++i) {
    if (static_cast<unsigned char>(shared_[shared_bytes_ + i]) == kCanary) continue;
    fault_text = place() + " wrote " + std::to_string(i) + " bytes past the end of its " +
                 std::to_string(shared_bytes_) + " bytes of shared memory";
    return false;
  }
  return true;
}

LaunchStatus Machine::run(const Launch& launch) {
  const base::FpEnv flush_subnormals;
  launch_ = &launch;
  schedule_ = schedule_now();
  random_ = Random(schedule_.seed);
  fault_ = {};
  prepare(launch.threads);
#if defined(FAULTLINE_SIMT_TSAN)
  main_.tsan = __tsan_get_current_fiber();
#endif
  const Grid& grid = launch.grid;
  const std::int64_t blocks = std::int64_t{grid.x} * grid.y * grid.z;
  std::vector<std::int64_t> shuffled;
  if (schedule_.order == Order::random) {
    shuffled.resize(static_cast<std::size_t>(blocks));
    std::iota(shuffled.begin(), shuffled.end(), std::int64_t{0});
    for (std::size_t i = shuffled.size(); i > 1; --i)
      std::swap(shuffled[i - 1], shuffled[random_.below(static_cast<std::uint32_t>(i))]);
  }
  bool fine = true;
  for (std::int64_t turn = 0; fine && turn < blocks; ++turn) {
    const std::int64_t index = schedule_.order == Order::ascending    ? turn
                               : schedule_.order == Order::descending ? blocks - 1 - turn
                                                                      : shuffled[static_cast<std::size_t>(turn)];
    allocate_shared(launch.shared_bytes);
    block_ = {static_cast<std::int32_t>(index % grid.x),
              static_cast<std::int32_t>(index / grid.x % grid.y),
              static_cast<std::int32_t>(index / grid.x / grid.y),
              grid.x,
              launch.threads,
              shared_,
              shared_bytes_};
    fine = run_block(launch);
  }
  if (!fine) {
    // Fibers that did not return are in the middle of a kernel, with nothing in it that needs destruction.
    for (std::int32_t i = 0; i < launch.threads; ++i) {
      Fiber& fiber = fibers_[static_cast<std::size_t>(i)];
      if (fiber.state == State::returned) continue;
      fiber.state = State::returned;
      make_context(fiber);
    }
  }
  acquire_order(end_order_);
  current = nullptr;
  launch_ = nullptr;
  return fine ? kLaunched : LaunchStatus::faulted;
}

LaunchStatus refuse(const std::string& problem) {
  fault_text = problem;
  return LaunchStatus::bad_launch;
}

bool is_shared(const void* address, std::size_t bytes) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  const Block& block = *current->block;
  const auto begin = reinterpret_cast<std::uintptr_t>(block.shared);
  return at >= begin && at + bytes <= begin + block.shared_bytes;
}

}  // namespace

void meet(Collective what) { machine().meet(what); }

void fault_address(const char* what, const void* address, const char* problem) {
  machine().fault({.what = what, .address = address, .problem = problem});
}

void check_shared16(const char* what, const void* address) {
  if (reinterpret_cast<std::uintptr_t>(address) % 16 != 0) fault_address(what, address, "is not 16-byte aligned");
  if (!is_shared(address, 16)) fault_address(what, address, "is not in the block's shared memory");
}

void check_row(const char* what, const void* row) {
  check_shared16(what, row);
  note_read(row);
}

void check_global16(const char* what, const void* address) {
  if (reinterpret_cast<std::uintptr_t>(address) % 16 != 0) fault_address(what, address, "is not 16-byte aligned");
  if (is_shared(address, 16)) fault_address(what, address, "is shared memory, not global");
}

void start_copy(void* shared, const void* global, bool valid) {
  check_shared16("copy_async16 to", shared);
  check_global16("copy_async16 from", global);
  if (valid && global == nullptr) fault_address("copy_async16 from", global, "is null");
  note_write(shared);
  std::memset(shared, 0xFF, 16);
  Thread& self = *current;
  self.copies.push_back({shared, valid ? global : nullptr, self.committed});
}

void barrier_init(std::uint64_t* barrier, std::int32_t arrivals) { machine().barrier_init(barrier, arrivals); }

void barrier_arrive(std::uint64_t* barrier, std::int32_t expected_bytes) {
  machine().barrier_arrive(barrier, expected_bytes);
}

void barrier_wait(std::uint64_t* barrier, std::uint32_t parity) { machine().barrier_wait(barrier, parity); }

void start_tile(void* shared, const Tile& tile, std::uint64_t* landed) { machine().start_tile(shared, tile, landed); }

void wgmma(float* d, std::int32_t columns, const void* a, const void* b, bool add) {
  Thread& self = *current;
  const std::pair<const void*, std::int32_t> operands[] = {{a, 64}, {b, columns}};
  for (const auto& [operand, rows] : operands) {
    const auto at = static_cast<const char*>(operand) - self.block->shared;
    if (at < 0 || at % 1024 >= kTileRowBytes || at % 32 != 0)
      fault_address("wgmma", operand, "is not the start of 16 of k in row 0 of a tile");
    if (at / 1024 * 1024 + rows * kTileRowBytes > static_cast<std::int64_t>(self.block->shared_bytes))
      fault_address("wgmma", operand, "is an operand that does not end in the block's shared memory");
  }
  self.d = d;
  self.columns = columns;
  self.operands[0] = a;
  self.operands[1] = b;
  self.add = add;
  meet(Collective::wgmma);
}

void wgmma_commit() {
  if (current->lane == 0) machine().wgmma_commit(current->warp);
}

void wgmma_wait(std::int32_t groups_left) {
  current->source_lane = groups_left;
  meet(Collective::wgmma_wait);
}

void land_copies(int groups_left) {
  Thread& self = *current;
  const auto landed = std::partition_point(self.copies.begin(), self.copies.end(), [&](const PendingCopy& copy) {
    return copy.group < self.committed - groups_left;
  });
  for (auto copy = self.copies.begin(); copy != landed; ++copy) {
    note_write(copy->to);
    if (copy->from != nullptr) note_read(copy->from);
    if (copy->from == nullptr)
      std::memset(copy->to, 0, 16);
    else
      std::memcpy(copy->to, copy->from, 16);
  }
  self.copies.erase(self.copies.begin(), landed);
}

LaunchStatus queue(Stream stream, Launch launch) {
  if (launch.threads < kWarp || launch.threads > kThreadsMost || launch.threads % kWarp != 0)
    return refuse("a block of " + std::to_string(launch.threads) +
                  " threads: the emulator takes multiples of 32 up to 1024");
  if (launch.grid.x < 1 || launch.grid.y < 1 || launch.grid.z < 1 || launch.grid.y > kGridSideMost ||
      launch.grid.z > kGridSideMost)
    return refuse("a grid of " + std::to_string(launch.grid.x) + " x " + std::to_string(launch.grid.y) + " x " +
                  std::to_string(launch.grid.z) + " blocks");
  if (launch.shared_bytes > kSharedBytesMost)
    return refuse(std::to_string(launch.shared_bytes) + " bytes of shared memory for a block: at most " +
                  std::to_string(kSharedBytesMost) + " are to be had");
  if (stream == nullptr) return machine().run(launch);
  if (stream->capturing) {
    stream->recorded.push_back([stream, launch = std::move(launch)] {
      const LaunchStatus status = machine().run(launch);
      if (status == LaunchStatus::faulted) stream->lost = true;
      return status;
    });
    return kLaunched;
  }
  if (stream->until_lost == 0) stream->lost = true;
  if (stream->lost) {
    fault_text = "the device is lost";
    return LaunchStatus::lost;
  }
  if (stream->until_lost > 0) --stream->until_lost;
  const LaunchStatus status = machine().run(launch);
  // As on a device: after a fault nothing on it can be used any more.
  if (status == LaunchStatus::faulted) stream->lost = true;
  return status;
}

}  // namespace detail

void set_schedule(Order order, std::uint64_t seed) {
  const std::lock_guard lock(detail::schedule_mutex);
  detail::schedule_set = detail::Schedule{order, seed};
}

void reset_schedule() {
  const std::lock_guard lock(detail::schedule_mutex);
  detail::schedule_set.reset();
}

const std::string& last_fault() { return detail::fault_text; }

}  // namespace faultline::ops::cuda::simt
