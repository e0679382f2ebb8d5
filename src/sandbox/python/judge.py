"""The judge: executes a problem's prompt and test, which are trusted, against a candidate, which is not.

In its namespace `candidate` and the entry point's name are a stub that sends arguments to the candidate's process and
returns the plain values that come back. `passed` depends on nothing else. The judge never executes the program, and
parses its text only where it has passed, and so is known to compile (hash_seed.py). It lives in a process of its own with limits of its own:
a value that makes it die or run on is the sample's failure.

Descriptor 0 brings jobs from faultline, 1 takes verdicts to it (four bytes of length, then JSON; src/sandbox/protocol.ts
has both shapes), 3 is a socket to the zygote, 4 a page shared with it.
"""

import builtins
import json
import mmap
import os
import resource
import signal
import struct
import sys
import threading
import time

import _socket
import _thread

import link
from description import message_of
from execution import NOTHING_MEASURED, Execution, own_limits, undescribed
from hash_seed import may_show
from problem import Problem

CONTROL = 3
TURN = 4
_MEMORY_BYTES = 3 << 30
# Compiled prompts and tests kept; a benchmark's problems come round once per sample.
_KEPT = 512


def _judge_whatever_it_is(*job_and_means):
    """The answer to a job. Never raises: what nobody has foreseen of a value is the sample's failure, and names itself."""
    try:
        return _judge(*job_and_means)
    except BaseException as error:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        return _verdict(undescribed(error, error), dict(NOTHING_MEASURED), [], renew=True)


def _judge(job, kept, zygote, turn):
    key = (job["prompt"], job["test"], job["entryPoint"])
    problem = kept.get(key)
    if problem is None:
        try:
            problem = Problem(*key)
        except Exception as error:
            return _verdict({"status": "infra", "reason": "the test does not compile: %s" % message_of(error)}, dict(NOTHING_MEASURED), [])
        if len(kept) >= _KEPT:
            kept.pop(next(iter(kept)))
        kept[key] = problem
    execution = Execution(job, problem, zygote, turn)
    more = {}
    runs = [(execution, _limit_own_time(job))]
    outcome = execution.first_pass()
    renew = execution.renew
    if execution.failed_in_prompt and not execution.retry:
        fault, renews = _fault_of_prompt(job, problem, zygote, turn, runs)
        outcome = fault or outcome
        renew = renew or renews
    failed = job["looksCloser"] and outcome["status"] not in ("passed", "infra")
    if not execution.retry and (failed or (job["tryAssertions"] and outcome["status"] == "passed")):
        try:
            renew = _look_closer(job, problem, zygote, turn, outcome, more, runs) or renew
        except BaseException:
            # What the first pass has found stands; what was not looked at is null, and what is still under way ends with the worker.
            renew = True
    if job["asksHashSeed"] and outcome["status"] == "passed":
        try:
            more["hashSeedMayShow"] = may_show(job["program"], execution.given, execution.has_raised)
        except BaseException:
            # It was not shown that it cannot; the pass stands.
            more["hashSeedMayShow"] = True
    # A thread that the test has left would take the next job's time, and may do anything.
    renew = renew or _thread._count() > 0
    signal.setitimer(signal.ITIMER_PROF, 0)
    starts = [start for _, start in runs] + [time.process_time()]
    passes = [dict(run.times(), judgeCpuSeconds=starts[place + 1] - start) for place, (run, start) in enumerate(runs)]
    # A zygote that died in a later pass took what that would have found, and with it perhaps the failure's name.
    return _verdict(outcome, execution.measurements(more), passes, renew, any(run.retry for run, _ in runs))


def _fault_of_prompt(job, problem, zygote, turn, runs):
    """Whether a prompt does not even load by itself, which is asked once: the outcome of that, or None; and whether the worker has to be renewed.

    Adds to `runs` what it executes for that, as `_look_closer` does.
    """
    renew = False
    if problem.load_fault is None and problem.alone:
        alone = Execution(dict(job, program=problem.alone), problem, zygote, turn)
        runs.append((alone, _limit_own_time(job)))
        outcome = alone.load_alone()
        renew = alone.renew
        if not alone.retry:
            problem.load_fault = _why_not_loaded(outcome) if alone.failed_in_prompt else ""
    if not problem.load_fault:
        return None, renew
    return {"status": "infra", "reason": problem.load_fault}, renew


def _why_not_loaded(outcome):
    """Of an outcome of loading at a place of the prompt's; empty where a limit was met meanwhile, which says nothing."""
    if outcome["status"] == "exit":
        return "the prompt itself ends the program, by an exit"
    exception = outcome.get("exception")
    if exception is None:
        return ""
    reason = "the prompt itself does not load: line %s: %s: %s" % (exception["line"], exception["type"], exception["message"])
    if "ImportError" in exception["bases"]:
        reason += "; programs have Python's standard library and no installed packages: leave the problem out, or have its prompt do without"
    return reason


def _look_closer(job, problem, zygote, turn, outcome, more, runs):
    """Fills `more` with the measurements that only choose a failure's name, and adds to `runs` what it executes for them, each with when.

    Of a program that passed, where the job asks for it, the assertions alone. Returns whether the worker has to be renewed.
    Makes `outcome` tamper where the program's text shows that it was a lie.
    """
    by_value = outcome["status"] in ("assertion", "test_error", "unserialisable")
    by_call = outcome["status"] == "exception" and outcome["phase"] == "call"

    def whole(look, writes_back=True):
        """What `look` finds, with more time where that was short; and whether it took more."""
        for given in _with_more_time(job):
            run = Execution(given, problem, zygote, turn, writes_back)
            runs.append((run, _limit_own_time(given)))
            found = look(run)
            if not run.met_time_limit:
                break
        return found, given is not job

    passed = outcome["status"] == "passed"
    # Beside a thread that the test has left, whose time would count, it is not tried again.
    if (by_value or by_call or passed) and _thread._count() == 0:

        def tried(writes_back):
            (found, examples), took_more = whole(Execution.second_pass, writes_back)
            if found is not None and took_more:
                more["nearLimit"] = True
            return found, examples

        trials, more["examples"] = tried(True)
        if trials is not None:
            held_unaliased = None
            if trials.has_changed_arguments and not all(trials.held()):
                unaliased, _ = tried(False)
                held_unaliased = None if unaliased is None else unaliased.held()
            more["assertions"] = trials.result(held_unaliased)
            more["returns"] = trials.returns()
    if passed:
        return any(run.renew for run, _ in runs)
    (more["source"], compiles), _ = whole(Execution.source)
    if outcome["status"] == "syntax" and compiles:
        # The program says so of itself, and nothing of a text that does not compile is executed.
        outcome.clear()
        outcome.update(status="tamper", evidence="claims not to compile, and does")
    return outcome["status"] == "tamper" or any(run.renew for run, _ in runs)


def _with_more_time(job):
    """The job, and then with more time: what a limit cuts short, be it on a busy machine, may be whole the next time."""
    yield job
    factor = job["moreTime"]
    # In a second run, which has more time throughout, there is no more.
    if factor > 1:
        yield dict(job, cpuSeconds=factor * job["cpuSeconds"], wallSeconds=factor * job["wallSeconds"])


def _limit_own_time(job):
    """Gives the judge itself CPU time for one more pass. Returns what it had used before."""
    # By the kernel, not by a handler: a handler would wait for the C loop that takes the time.
    signal.setitimer(signal.ITIMER_PROF, own_limits(job)["cpu"])
    return time.process_time()


def _verdict(outcome, measurements, passes, renew=False, retry=False):
    verdict = {"passed": outcome["status"] == "passed", "outcome": outcome, "measurements": measurements}
    return {"verdict": verdict, "passes": passes, "renew": renew, "retry": retry}


def _calibrate():
    """CPU seconds of the reference loop, the least of several."""
    best = None
    for _ in range(7):
        start = time.process_time()
        value = 1
        table = {}
        for index in range(60000):
            value = (value * 1103515245 + 12345) & 0x7FFFFFFF
            table[value & 1023] = index
        taken = time.process_time() - start
        best = taken if best is None else min(best, taken)
    return best


def _leave(status, leave=os._exit, own=os.getpid()):
    """In the place of os._exit: a test that ends its process by it leaves the test as by any other exit. The judge lives on."""
    if os.getpid() != own:
        leave(status)
    raise SystemExit(status)


def main():
    jobs = os.dup(0)
    results = os.dup(1)
    # What a test prints is nobody's protocol.
    nothing = os.open("/dev/null", os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os._exit = _leave
    # Of the module site, which -S leaves out. Its own would close what stands at descriptor 0.
    builtins.exit = builtins.quit = sys.exit
    # Nor is what a thread of a test dies of; the launcher's lines stand where it would go.
    threading.excepthook = lambda arguments: None
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    zygote = _socket.socket(fileno=CONTROL)
    if link.receive_exactly(zygote, 1) != link.READY:
        return  # it has said why itself
    _write(results, {"ready": True, "python": "%d.%d.%d" % sys.version_info[:3]})
    turn = mmap.mmap(TURN, mmap.PAGESIZE)
    kept = {}
    reader = _Frames(jobs)
    while True:
        body = reader.next()
        if body is None:
            return
        job = json.loads(body)
        _write(results, {"calibration": _calibrate()} if job.get("calibrate") else _judge_whatever_it_is(job, kept, zygote, turn))


def _write(descriptor, message):
    body = json.dumps(message).encode()
    data = struct.pack("<I", len(body)) + body
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, memoryview(data)[written:])


class _Frames:
    """Cuts what comes over a descriptor into messages: four bytes of length, then as many."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        self._pending = b""

    def next(self):
        """Returns the next message, or None when the other end is closed."""
        pending = self._take(4)
        if pending is None:
            return None
        end = 4 + struct.unpack_from("<I", pending)[0]
        pending = self._take(end)
        if pending is None:
            return None
        self._pending = pending[end:]
        return pending[4:end]

    def _take(self, count):
        """Everything that has come, `count` bytes at least; None where the stream ends before."""
        parts = [self._pending]
        have = len(self._pending)
        while have < count:
            data = os.read(self._descriptor, max(1 << 16, count - have))
            if not data:
                return None
            parts.append(data)
            have += len(data)
        self._pending = parts[0] if len(parts) == 1 else b"".join(parts)
        return self._pending


main()
