// How long the zygote's candidate has waited for a core, by the kernel's account. No limits, no verdicts: the zygote
// asks and decides (src/sandbox/python/blocked.py). It stands here as no compartment is shown /proc.
#pragma once

#include <sys/types.h>

#include <string>

namespace faultline::launcher {

// Why this kernel does not say how long a task waited for a core, or which children a process has; empty where it does.
std::string why_no_run_delay();

// Answers the zygote's one question over `socket`, which keeps messages apart and whose other end the zygote has.
// Whatever the question's bytes are, nobody reads them. The answer is a line for each task of each of the zygote's
// children, its id and what its schedstat file in proc(5) holds: nanoseconds on a core, nanoseconds in the queue for
// one, turns on one. Where that is not to be had, or is longer than kAnswerMost, the answer is `-`.
class RunDelay {
 public:
  static constexpr size_t kAnswerMost = 60000;

  // Takes over `socket`; -1: there is nobody to answer. `zygote` is a process id as this program sees it.
  RunDelay(int socket, pid_t zygote) : socket_(socket), zygote_(zygote) {}

  // To be watched for input; -1 when the zygote has closed its end.
  int descriptor() const { return socket_; }

  // Answers one question that has come. Never waits: a zygote that does not take its answers gets none.
  void answer();

 private:
  int socket_;
  pid_t zygote_;
};

}  // namespace faultline::launcher
