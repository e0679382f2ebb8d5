// A session behind a thread of its own and a queue of jobs: what a host with an event loop needs. Calls return at once;
// everything that happens is told to a listener, on the engine's thread. Knows nothing of Node.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "native/base/error.h"
#include "native/session/session.h"

namespace faultline::session {

using JobId = std::uint32_t;

/// What happens, in order, on the engine's thread. Implementations must not destroy the engine, and throw nothing but
/// std::bad_alloc, having taken nothing: the job then fails, and news of a load, a failed or cancelled job and the end
/// is told again until it is taken. Every job ends with exactly one of done, planned, activations, cancelled or failed;
/// nothing comes for it afterwards.
class Listener {
 public:
  virtual ~Listener() = default;
  /// The model is loaded. The session may be asked for its constants until the engine is destroyed.
  virtual void loaded(const Session& session) = 0;
  /// It could not be: every job will fail with the same error.
  virtual void load_failed(const base::Error& error) = 0;
  virtual void sample(JobId job, SampleResult&& result) = 0;
  virtual void done(JobId job) = 0;
  virtual void planned(JobId job, const RunPlan& plan) = 0;
  virtual void activations(JobId job, std::vector<model::Activation>&& result) = 0;
  virtual void cancelled(JobId job) = 0;
  virtual void failed(JobId job, const base::Error& error) = 0;
  /// The model is freed and the thread is about to end: nothing comes after this.
  virtual void stopped() = 0;
};

/// All functions may be called from any thread.
class Engine {
 public:
  /// Starts the thread, which loads the model first. `listener` must outlive the engine. Throws Error(environment) when
  /// the system refuses the thread.
  Engine(SessionOptions options, Listener& listener);
  /// stop(), then waits for the forward pass that is running, and joins.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Jobs run one after the other, in the order of these calls, which throw Error(usage) after stop().
  JobId generate(std::vector<GroupRequest> requests, std::int32_t batch);
  /// Planned when the same call of generate() would begin, failed with its error otherwise: Session::check.
  JobId check(std::vector<GroupRequest> requests, std::int32_t batch);
  /// Hook points by name; an unknown one fails the job with Error(usage).
  JobId activations(std::vector<std::int32_t> tokens, std::vector<std::string> hooks);

  /// The job ends within one forward pass, or at once when it has not begun. Unknown or finished jobs: nothing happens.
  void cancel(JobId job);
  /// Cancels every job and ends the thread. Returns at once; the listener hears of each job's end and then stopped(),
  /// once, however often this is called.
  void stop();
  /// What a call after stop() throws: Error(usage).
  [[noreturn]] static void refuse_stopped();

 private:
  struct Job {
    JobId id = 0;
    std::function<void(Session&, Job&)> run;
    std::atomic<bool> cancelled{false};
  };

  JobId push(std::function<void(Session&, Job&)> run);
  void main();
  void serve(Session* session, const base::Error* load_error);

  SessionOptions options_;
  Listener& listener_;
  std::shared_ptr<const base::Error> out_of_memory_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::list<Job> jobs_;  // the first one is running, where one is
  JobId last_id_ = 0;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace faultline::session
