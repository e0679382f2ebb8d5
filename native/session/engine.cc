#include "native/session/engine.h"

#include <chrono>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include "native/base/error.h"

namespace faultline::session {
namespace {

using base::Error;
using base::ErrorCode;

/// What a body threw, as our own error; null: nothing. Passed on without allocating.
using Thrown = std::shared_ptr<const Error>;

/// Runs `body`. `out_of_memory` was made beforehand: there may be no room for it when it is needed.
template <class Body>
Thrown error_of(const Thrown& out_of_memory, Body&& body) {
  try {
    try {
      body();
      return nullptr;
    } catch (const std::bad_alloc&) {
      return out_of_memory;
    } catch (const Error& error) {
      return std::make_shared<const Error>(error);
    } catch (const std::exception& error) {
      return std::make_shared<const Error>(ErrorCode::internal, error.what());
    }
  } catch (const std::bad_alloc&) {
    return out_of_memory;
  }
}

/// Tells the listener what it must hear, by `call`, again and again while it has no room for it: an end that nobody
/// heard of would be waited for for ever.
template <class Call>
void tell(Call&& call) {
  while (true) {
    try {
      return call();
    } catch (const std::bad_alloc&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
}

}  // namespace

Engine::Engine(SessionOptions options, Listener& listener)
    : options_(std::move(options)),
      listener_(listener),
      out_of_memory_(std::make_shared<const Error>(ErrorCode::environment, "out of memory",
                                                   "Lower --memory or --batch, or use a smaller model.")) {
  try {
    thread_ = std::thread([this] { main(); });
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::environment, std::string("the engine's thread cannot be started: ") + error.what(),
                "Allow this process more threads or memory.");
  }
}

Engine::~Engine() {
  stop();
  thread_.join();
}

void Engine::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (Job& job : jobs_) job.cancelled = true;
  }
  wake_.notify_all();
}

void Engine::refuse_stopped() { throw Error(ErrorCode::usage, "the model is disposed", "Load it again."); }

JobId Engine::push(std::function<void(Session&, Job&)> run) {
  JobId id = 0;
  {
    const std::lock_guard lock(mutex_);
    // The thread may have looked for the last time: the job would never end.
    if (stopping_) refuse_stopped();
    Job& job = jobs_.emplace_back();
    id = job.id = ++last_id_;
    job.run = std::move(run);
  }
  wake_.notify_all();
  return id;
}

JobId Engine::generate(std::vector<GroupRequest> requests, std::int32_t batch) {
  return push([this, requests = std::move(requests), batch](Session& session, Job& job) {
    const auto sink = [&](SampleResult&& result) { listener_.sample(job.id, std::move(result)); };
    if (session.generate(requests, batch, sink, job.cancelled)) {
      listener_.done(job.id);
    } else {
      listener_.cancelled(job.id);
    }
  });
}

JobId Engine::check(std::vector<GroupRequest> requests, std::int32_t batch) {
  return push([this, requests = std::move(requests), batch](Session& session, Job& job) {
    listener_.planned(job.id, session.check(requests, batch));
  });
}

JobId Engine::activations(std::vector<std::int32_t> tokens, std::vector<std::string> hooks) {
  return push([this, tokens = std::move(tokens), hooks = std::move(hooks)](Session& session, Job& job) {
    std::vector<model::HookPoint> points;
    for (const std::string& hook : hooks) {
      const std::optional<model::HookPoint> point = model::find_hook_point(hook, session.config().layers);
      if (!point) throw Error(ErrorCode::usage, "this model has no hook point " + hook);
      points.push_back(*point);
    }
    if (auto result = session.activations(tokens, points, job.cancelled)) {
      listener_.activations(job.id, std::move(*result));
    } else {
      listener_.cancelled(job.id);
    }
  });
}

void Engine::cancel(JobId id) {
  const std::lock_guard lock(mutex_);
  for (Job& job : jobs_)
    if (job.id == id) job.cancelled = true;
}

void Engine::main() {
  std::unique_ptr<Session> session;
  const Thrown load_error = error_of(out_of_memory_, [&] { session = std::make_unique<Session>(options_); });
  options_ = {};  // the vocabulary's bytes are not needed twice
  tell([&] { load_error ? listener_.load_failed(*load_error) : listener_.loaded(*session); });
  serve(session.get(), load_error.get());
  session.reset();
  tell([&] { listener_.stopped(); });
}

void Engine::serve(Session* session, const Error* load_error) {
  while (true) {
    Job* job = nullptr;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = &jobs_.front();  // stays where it is: only this thread removes jobs
    }
    if (job->cancelled) {
      tell([&] { listener_.cancelled(job->id); });
    } else if (load_error != nullptr) {
      tell([&] { listener_.failed(job->id, *load_error); });
    } else if (const Thrown error = error_of(out_of_memory_, [&] { job->run(*session, *job); })) {
      tell([&] { listener_.failed(job->id, *error); });
    }
    const std::lock_guard lock(mutex_);
    jobs_.pop_front();
  }
}

}  // namespace faultline::session
