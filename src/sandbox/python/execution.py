"""One job against one candidate process: the stub that the test calls, what is asked of the candidate (the test as it stands, every
assertion alone, facts of the text), and the outcome.

`passed` depends on nothing but the values that come back. What the kernel saw of the candidate comes from the zygote, and
corrects what the test saw.

A test may have threads. Their calls go one after the other. When the test itself is over so is the execution: what its threads then still do counts
for nothing, and their calls, one that waits for its answer included, end as if the execution were settled.
"""

import ast
import copy
import os
import random
import select
import signal
import sys
import threading
import types

import _socket

import link
import wire
from description import (
    TEXT_MOST,
    Bounds,
    exception_info,
    message_of,
    own_info,
    public,
    raised_by_call,
    rebuild,
    represent,
    source_facts,
    stack,
    type_name,
)
from hash_seed import Given
from own_time import OwnTime
from problem import TEST_FILE, test_places
from relations import close
from trials import Trials

_FRAME_MOST = wire.BYTES_MOST + (1 << 20)
# The share of a call's time that tells who computes from who waits, as where run delays are not counted (blocked.py): who computes gets more, however
# busy the machine.
_COMPUTES = 0.05
# How long a candidate has to end by itself.
_OWN_END_SECONDS = 0.02

NOTHING_MEASURED = {
    "phase": "compile",
    "calls": 0,
    "changedCalls": None,
    "allNone": False,
    "stdout": "",
    "cpuSeconds": 0,
    "wallSeconds": 0,
    "peakMemoryBytes": 0,
    "nearLimit": False,
    "assertions": None,
    "examples": None,
    "returns": None,
    "source": None,
    "hashSeedMayShow": None,
    "fragility": None,
    "stack": None,
}


# What the zygote needs of a job. Nothing of the test, and nothing of the program: later candidates inherit what it has read.
_ZYGOTE_KEYS = (
    "promptLines",
    "entryPoint",
    "seed",
    "cpuSeconds",
    "wallSeconds",
    "memoryBytes",
    "outputBytes",
    "fileBytes",
    "processes",
)

# EAGAIN (fork), EMFILE, ENFILE, EFBIG, ENOSPC, ETOOMANYREFS (descriptors within messages), EDQUOT
_ERRNO_RESOURCE = {11: "processes", 24: "files", 23: "files", 27: "files", 28: "files", 109: "files", 122: "files"}


class Over(BaseException):
    """Leaves the test at once: the outcome is settled. Not an Exception, so that a test's `except` lets it pass."""


class _NeverCalled(Exception):
    """The test came to its end without a call."""


class Execution:
    """One job against one candidate process."""

    def __init__(self, job, problem, zygote, turn, writes_back=True):
        self._job = job
        self._bounds = Bounds(job["program"])
        self._turn = turn
        self._problem = problem
        self._zygote = zygote
        self._writes_back = writes_back
        # Set in the second pass, where no call settles anything.
        self._trials = None
        self._stub = None
        # The judge's end, and what it says and hears there.
        self._socket = None
        self._channel = None
        # Of a call from its beginning to its answer.
        self._lock = threading.RLock()
        self._is_calling = False
        self._settled = None
        # The last call's value, in a tuple of one; None where it did not return.
        self._answer = None
        # {index of an assertion: (what it expects,)}
        self._expected = {}
        self._gone = False
        # The test is over: whatever calls now is a thread that it has left running.
        self._over = False
        self._report = None
        # Begun, and answered.
        self._asked = 0
        # Whether the last call was given up.
        self._has_given_up = False
        self.calls = 0
        # Of them, those that returned and changed an argument.
        self.changed_calls = 0
        self.all_none = True
        # Types within what has come back, but for those by which a defaultdict makes plain values.
        self._returned_types = set()
        # What faultline has to do: start a new worker; run the job again, as the fault was the machine's.
        self.renew = False
        self.retry = False
        # What the test gave the program, and whether that has raised: of a job that asks about the hash seed.
        self.given = Given() if job["asksHashSeed"] else None
        self.has_raised = False
        # Whether time cut the second pass, or the look at the text, short.
        self.met_time_limit = False
        # Whether the program failed to load at a place of the prompt's, with nothing of the sample's under way.
        self.failed_in_prompt = False

    # What a candidate is started for: one of these an Execution

    def first_pass(self):
        """Runs the test as it stands. Returns the outcome."""
        outcome = self._guarded(self._problem.test, {})
        self._finish()
        return self._final(outcome)

    def load_alone(self):
        """Loads the program and runs no test. Returns the outcome: passed where it was loaded and can be called."""
        outcome = self._guarded(None, {})
        self._finish()
        return self._final(outcome)

    def second_pass(self):
        """Tries every assertion alone, then the prompt's examples. Returns the trials, or None where a limit cut them short, and
        {total, passed} of the examples, or None where it did not get through them."""
        problem = self._problem
        trials = self._trials = Trials(len(problem.assertions), problem.examples())
        outcome = self._guarded(problem.instrumented(), {"__faultline_tried__": trials.tried})
        tried_all = not self._gone and self._settled is None
        examples = self._try_examples() if tried_all and self._writes_back else None
        self._finish()
        outcome = self._final(None if self._gone else outcome)
        if outcome["status"] in ("limit", "infra") and not tried_all:
            self.met_time_limit = outcome.get("resource") in ("cpu", "blocked")
            return None, None
        return trials, examples

    def _try_examples(self):
        """Calls the candidate as the prompt's examples do. Returns {total, passed}, or None where it did not get through."""
        passed = 0
        shown = self._problem.examples().values()
        for example in shown:
            arguments, named = copy.deepcopy((example.arguments, example.named))
            self._trials.take_call()
            try:
                held = close(self._call(arguments, named), example.expected)
            except Over:
                return None
            except Exception:
                held = False
            call = self._trials.take_call()
            if call is not None:
                self._trials.example(call, example.expected)
            passed += held
        return {"total": len(shown), "passed": passed}

    def source(self):
        """What the program's text tells, checked field by field, and whether it compiles; None and False where a limit was met
        before that was known."""
        try:
            self._start(inspect=True)
            found = source_facts(self._receive())
        except (Over, wire.Malformed, OSError):
            # Nothing of the program's was executed: the parser itself has met a limit.
            found = None, False
        self._finish()
        self.met_time_limit = found[0] is None and self._report is not None and self._report["stopped"] in ("cpu", "blocked")
        return found

    def _guarded(self, test, further_hooks):
        """Runs the test, where there is one; returns an outcome, which `_final` may correct by what the kernel saw."""
        try:
            self._start()
            self._load()
            if test is not None:
                self._run_test(test, further_hooks)
            outcome = {"status": "passed"}
        except Over:
            outcome = None
        except wire.Malformed as error:
            outcome = self._tamper("malformed bytes: %s" % error)
        except BaseException as error:
            outcome = self._described(error)
        # The test may have swallowed what settled the execution.
        return self._settled or (None if self._gone else outcome)

    def _start(self, inspect=False):
        """Asks the zygote for a candidate; one that is to `inspect` tells about the program's text and executes nothing."""
        job = self._job
        mine, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        request = {key: job[key] for key in _ZYGOTE_KEYS}
        request.update(inspect=inspect, promptLength=len(job["prompt"]))
        self._turn[link.CALL] = bytes(4)
        link.send_request(self._zygote, request, theirs.fileno())
        theirs.close()
        self._socket = mine
        self._channel = wire.Channel(mine.fileno())
        self._send(job["program"].encode("utf-8", "surrogatepass"))

    def _load(self):
        """Waits until the program is loaded and can be called."""
        message = self._receive()
        kind, body = message[:1], message[1:]
        if kind == b"S":
            self._settle(self._not_compiled(exception_info(body, self._bounds)))
        if kind == b"X":
            info = exception_info(body, self._bounds)
            places = {frame["where"] for frame in info["frames"]}
            self.failed_in_prompt = "prompt" in places and "sample" not in places
            self._settle(self._left_with(info, "load"))
        if kind == b"M" and body in (b"unbound", b"not_callable"):
            self._settle({"status": "missing_entry_point", "found": body.decode()})
        if message != b"L":
            raise wire.Malformed("an unexpected message while the program loads")

    def _not_compiled(self, info):
        line, message = info["line"], info["message"]
        if (line, message) != self._problem.syntax_fault:
            return self._left_with(info, "compile")
        version = "%d.%d" % sys.version_info[:2]
        return _infra("the prompt itself is no Python %s: line %d: %s; correct it, or name an interpreter that knows it (--python)" % (version, line, message))

    def _namespace(self, further_hooks):
        random.seed(self._job["seed"])
        stub = self._stub = self._make_stub()
        module = types.ModuleType("test")
        namespace = module.__dict__
        exec(self._problem.prompt, namespace)
        namespace["candidate"] = stub
        namespace[self._job["entryPoint"]] = stub
        namespace.update(__faultline_begin__=self._begin, __faultline_mark__=self._mark, __faultline_expect__=self._expect)
        namespace.update(further_hooks)
        return namespace

    def _run_test(self, test, further_hooks):
        limits, met = own_limits(self._job), self._slow_by_itself
        # Soon before its last limit ends the judge, whosever time that is.
        limits["cpu"] *= 0.75
        if self._trials is not None:
            # What the first pass found must not be lost to a test that takes its time over a value of the second.
            limits, met = {"cpu": 0.5 + self._job["cpuSeconds"], "blocked": 0.5 + self._job["wallSeconds"]}, self._slow
        with OwnTime(self._turn, limits, _place, met):
            self._check(test, self._namespace(further_hooks))

    def _slow(self, resource, frame, here):
        self._settle({"status": "limit", "resource": resource, "exception": None})

    def _slow_by_itself(self, resource, frame, here):
        """Settles the execution in which the test has met a limit of the judge's own time. `here`: seconds of `blocked` where it now stands.

        It is the problem's fault where no value of the sample's can play a part: before the first call, and where no program gets on. Else waiting is
        the sample's, and CPU time too, by the judge's last limit.
        """
        if self._settled is not None or self._gone:
            # The test has swallowed what was to leave it.
            raise Over
        name = self._job["entryPoint"]
        if self._asked == 0:
            self._settle(_infra("the test itself %s for too long before it calls %s" % ("goes on" if resource == "cpu" else "waits", name)))
        place = _place(frame)
        if place is not None and self._problem.never_ends(*place):
            self._settle(_infra("the test itself never ends: line %d is a loop without an end" % place[1]))
        if resource == "cpu":
            return
        if place is None or not self._problem.is_apart(*place):
            self._slow(resource, frame, here)
        if here >= own_limits(self._job)["blocked"]:
            # What it waited for before may have been a value of the sample's.
            self._settle(_infra("the test itself waits for too long, in line %d, whatever %s returns" % (place[1], name)))

    def _check(self, test, namespace):
        exec(test, namespace)
        check = namespace.get("check")
        # A problem whose entry point is itself called check has its stub there.
        if isinstance(check, types.FunctionType) and check.__code__.co_filename == TEST_FILE:
            check(self._stub)
        if self._asked == 0 and self._settled is None and not self._gone:
            # Whatever the program does it would pass. A fault of the problem, such as a test whose function is not called check.
            raise _NeverCalled("the test of %s never calls %s" % (self._job["taskId"], self._job["entryPoint"]))

    # Calls

    def _make_stub(self):
        def candidate(*arguments, **named):
            return self._call(arguments, named)

        candidate.__name__ = self._job["entryPoint"]
        return candidate

    def _call(self, arguments, named):
        with self._lock:
            if self._settled is not None or self._gone or self._over:
                raise Over
            if self._is_calling:
                # By this very thread: an object of the test's that dies while a call waits for its answer.
                raise RuntimeError("a call of the candidate within another one")
            self._is_calling = True
            try:
                return self._exchange(arguments, named)
            except wire.Malformed as error:
                # Settled here, as a test may catch any Exception.
                self._tamper("malformed bytes: %s" % error)
                raise Over from None
            except Over:
                raise
            except BaseException as error:
                if self._asked == self.calls:
                    raise
                # Its answer may still come, or half of it has: nothing more can be asked.
                self._settle(self._given_up(error))
            finally:
                self._is_calling = False

    def _given_up(self, error):
        """The outcome of an `error` that came while a call was waited for. Mostly a time limit of the test's own, be it an alarm or the end of its
        patience with a thread: the call is the sample's, and so is the limit."""
        if isinstance(error, MemoryError):
            return {"status": "limit", "resource": "memory", "exception": own_info(error)}
        if isinstance(error, RecursionError):
            return {"status": "test_error", "exception": own_info(error), "assertion": None}
        self._has_given_up = True
        # Which of the two, the candidate's account tells (`_final`).
        return {"status": "limit", "resource": "cpu", "exception": None}

    # What the test's assertions tell (problem.py)

    def _begin(self, index, truth):
        self._expected.pop(index, None)
        if self._trials is not None:
            self._trials.begin(truth)

    def _mark(self):
        return self.calls, self._answer

    def _expect(self, index, mark, value):
        calls, answer = mark
        if self.calls > calls:
            # It was made of what the candidate returns: nothing that is expected of it. What it is compared with came before.
            self._answer = answer
        else:
            self._expected[index] = (value,)
            if self._trials is not None:
                self._trials.expect(value)
        return value

    def _exchange(self, arguments, named):
        nonce = os.urandom(8)
        # A test that passes what has no plain form is a fault of the problem, not of the sample.
        sent = []
        payload = wire.encode((arguments, named), None, sent)
        if self.given is not None:
            self.given.look(arguments, named, payload)
        if self._channel.has_pending():
            raise wire.Malformed("bytes that nobody asked for")
        trial = None if self._trials is None else self._trials.called(arguments, named, payload)
        self._asked += 1
        self._turn[link.CALL] = self._asked.to_bytes(4, "little")
        self._answer = None
        self._send(b"c" + nonce + payload)
        message = self._receive()
        if len(message) < 9 or message[1:9] != nonce:
            # In the words of those that come a moment earlier.
            raise wire.Malformed("bytes that nobody asked for")
        kind = message[:1]
        if kind == b"r":
            # This gives the test's own objects the changes that the call made to its copies.
            answer = wire.decode(message, 9, sent if self._writes_back else _copies(payload), None, self._returned_types)
            if type(answer) is not tuple or len(answer) != 2 or type(answer[1]) is not dict:
                raise wire.Malformed("an answer of another shape")
            value, changes = answer
            for place, change in changes.items():
                if not (type(place) is int and 0 <= place < len(arguments) or place in named):
                    raise wire.Malformed("a change of no argument")
                # A call changes an object, and leaves it what it is.
                if type(change) is not type(arguments[place] if type(place) is int else named[place]):
                    raise wire.Malformed("a change into another type")
            if trial is not None:
                self._trials.answered(trial, value, changes)
            self.calls += 1
            self.changed_calls += bool(changes)
            self.all_none = self.all_none and value is None
            self._answer = (value,)
            return value
        if kind == b"u":
            self.calls += 1
            self.all_none = False
            return self._refuse(trial, wire.decode(message, 9))
        if kind == b"x":
            self.calls += 1
            self.all_none = False
            self.has_raised = True
            info = exception_info(message[9:], self._bounds)
            outcome = self._left_with(info, "call")
            if trial is None and outcome["status"] == "exit":
                self._settle(outcome)
            # Also what tells of a limit: a test that expects an exception hears of any.
            raised = rebuild(info)
            if trial is not None and not isinstance(raised, Exception):
                # The second pass goes on behind it.
                raise Exception("the call raised")
            if isinstance(raised, StopIteration) and "StopIteration" not in self._problem.source:
                # What is written in C (`map`, `zip`) would take it for the end of what the test loops over.
                raise RuntimeError("the call raised StopIteration") from raised
            raise raised
        raise wire.Malformed("an unknown answer")

    def _refuse(self, trial, description):
        if type(description) is not tuple or len(description) != 3 or not type(description[0]) is type(description[2]) is str:
            raise wire.Malformed("an answer of another shape")
        name, comparison, reason = description
        if trial is not None:
            trial.is_refused = True
            # Of no type that a test might expect.
            raise Exception("the value has no plain form")
        if type(comparison) is str:
            self._settle(self._tamper("the returned type %s defines %s" % (name[: wire.NAME_MOST], comparison[:40])))
        self._settle({"status": "unserialisable", "typeName": name[: wire.NAME_MOST], "reason": reason[: wire.REASON_MOST]})

    def _send(self, payload):
        # A candidate that does not read makes the judge wait: its time, not the judge's.
        self._turn[0] = 1
        try:
            self._channel.send(payload)
        except TimeoutError:
            # An alarm of the test's: the socket has no timeout.
            raise
        except OSError:
            self._end()
        finally:
            self._turn[0] = 0

    def _receive(self):
        # Whose turn it is: the time that the judge takes is not held against the candidate.
        self._turn[0] = 1
        try:
            message = self._channel.receive(_FRAME_MOST)
        finally:
            self._turn[0] = 0
        if message is None:
            self._end()
        if not message:
            raise wire.Malformed("an empty frame")
        return message

    def _end(self):
        """The stream has ended: so has the candidate, where `_finish` did not do it."""
        self._gone = self._gone or not self._over
        raise Over

    # Outcomes

    def _settle(self, outcome):
        self._settled = outcome
        raise Over

    def _tamper(self, evidence):
        self._settled = {"status": "tamper", "evidence": evidence}
        return self._settled

    def _left_with(self, info, phase):
        """The outcome of an exception that left the program."""
        told = public(info)
        bases = info["bases"]
        if phase == "compile":
            # Whatever the compiler raised, MemoryError for its own stack included.
            return {"status": "syntax", "exception": told}
        if "SystemExit" in bases:
            code = info["code"]
            return {"status": "exit", "code": code if type(code) is int else 1, "via": "SystemExit"}
        if "MemoryError" in bases:
            return {"status": "limit", "resource": "memory", "exception": told}
        # What the program raises by a statement of its own tells of no limit.
        own = info["node"] == "raise"
        if not own and "OSError" in bases and info["code"] in _ERRNO_RESOURCE:
            return {"status": "limit", "resource": _ERRNO_RESOURCE[info["code"]], "exception": told}
        if not own and info["type"] == "RuntimeError" and info["message"] == "can't start new thread":
            return {"status": "limit", "resource": "processes", "exception": told}
        return {"status": "exception", "phase": phase, "exception": told}

    def _described(self, error):
        """The outcome of an exception that left the test. Never raises, and calls nobody: it is decided before anything is said of it."""
        # Whatever is looked at for that may be the test's own object, which calls the candidate.
        self._over = True
        try:
            return self._failure(error)
        except BaseException as nested:
            outcome = undescribed(error, nested)
            return outcome if self._asked > 0 else _infra("the test itself raised %s" % outcome["exception"]["type"])
        finally:
            self._over = False

    def _failure(self, error):
        info = raised_by_call(error)
        if info is not None:
            return self._left_with(info, "call")
        places = test_places(_inwards(error.__traceback__))
        line = places[-1][1] if places else None
        node = self._problem.assertion_at(line) if line is not None else None
        if isinstance(error, wire.Unserialisable) and self.calls > 0 and (error.reason != wire.NO_PLAIN_FORM or self._returned_types):
            # Too much or too deep may come of a value of the sample's, and so may what has no plain form where that was a type (`list[0]`, or what a
            # defaultdict makes by `object`): passing it on must not take a sample out of the count. Of no other value does a test make such a thing.
            return {"status": "unserialisable", "typeName": type_name(error.offender), "reason": error.reason}
        if isinstance(error, wire.Unserialisable):
            return _infra("the test passes a %s to the candidate, which %s" % (type_name(error.offender), error.reason))
        if isinstance(error, _NeverCalled):
            return _infra(str(error))
        if self._asked == 0:
            # Before any value of the sample's could play a part.
            return _infra(_raised_by_itself(error, line))
        waits = self._asked > self.calls and (self.calls == 0 or not isinstance(error, AssertionError))
        if waits or type_name(error) == "TimeoutError":
            # In a thread of the test's; concurrent.futures and asyncio had classes of that name of their own.
            return self._given_up(error)
        if isinstance(error, AssertionError):
            return {"status": "assertion", "assertion": self._assertion(node, line)}
        if isinstance(error, MemoryError):
            return {"status": "limit", "resource": "memory", "exception": own_info(error)}
        if isinstance(error, SystemExit) and len(places) == 1 and self._problem.leaves_itself(places[0][0].f_code, line):
            return _infra("the test itself ends by an exit, in line %d, which no program passes" % line)
        if len(places) == 1 and _innermost(error) is places[0][0] and self._problem.lacks(error, places[0][0].f_code, line):
            return _infra(_raised_by_itself(error, line))
        return {
            "status": "test_error",
            "exception": own_info(error),
            "assertion": self._assertion(node, line) if node is not None else None,
        }

    def _assertion(self, node, line):
        problem = self._problem
        if node is None:
            lines = problem.source.splitlines()
            source = lines[line - 1].strip() if line is not None and 0 < line <= len(lines) else ""
            index = 0
        else:
            source = ast.get_source_segment(problem.source, node) or ""
            index = problem.assertions.index(node)
        returned = self._answer
        expected = self._expected.get(index) if node is not None else None
        return {
            "index": index,
            "source": source[:TEXT_MOST],
            "returned": None if returned is None else represent(returned[0]),
            "returnedType": None if returned is None else type_name(returned[0]),
            "expected": None if expected is None else represent(expected[0]),
            "expectedType": None if expected is None else type_name(expected[0]),
        }

    def _finish(self):
        """Ends the candidate and takes the zygote's report."""
        self._over = True
        # On still where a limit was met in the very moment in which the test ended.
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self._socket is not None:
            if not self._lock.acquire(blocking=False):
                # A thread that the test has left waits for an answer: none comes.
                self._socket.shutdown(_socket.SHUT_RDWR)
                self._lock.acquire()
            self._socket.close()
            self._lock.release()
        # Until the report it is the candidate's turn to end.
        self._turn[0] = 1
        try:
            # A candidate ends by itself when its channel does, which takes less time than to have it killed; most do so at once.
            if not self._gone and not select.select((self._zygote,), (), (), _OWN_END_SECONDS)[0]:
                self._zygote.sendall(link.FINISHED)
            self._report = link.receive_report(self._zygote)
        except OSError:
            self._report = None

    def _final(self, outcome):
        report = self._report
        if report is None:
            self.retry = self.renew = True
            return {"status": "infra", "reason": "the zygote ended"}
        tampered = outcome is not None and outcome["status"] == "tamper"
        # A candidate cannot start processes; one that has left some got past the filter that says so.
        self.renew = report["usedScratch"] or report["leftovers"] > 0 or tampered
        if tampered:
            return outcome  # whatever limit it then ran into
        if report["stopped"] in ("cpu", "output", "blocked", "files"):
            return {"status": "limit", "resource": report["stopped"], "exception": None}
        if outcome is not None and self._has_given_up:
            is_cpu = report["callShare"] >= _COMPUTES
            return {"status": "limit", "resource": "cpu" if is_cpu else "blocked", "exception": None}
        if outcome is not None:
            return outcome
        # The channel ended by itself: so did the candidate.
        status = report["status"]
        if os.WIFEXITED(status):
            return {"status": "exit", "code": os.WEXITSTATUS(status), "via": "process"}
        number = os.WTERMSIG(status)
        if number == signal.SIGSYS:
            self.renew = True
            return {"status": "forbidden", "signal": "SIGSYS"}
        if number == signal.SIGXFSZ:
            return {"status": "limit", "resource": "files", "exception": None}
        return {"status": "signal", "signal": _signal_name(number)}

    def measurements(self, more):
        """The verdict's measurements: this execution's own, and `more` of what others found."""
        measured = dict(NOTHING_MEASURED)
        measured.update(more, calls=self.calls, changedCalls=self.changed_calls, allNone=self.calls > 0 and self.all_none)
        for key in ("phase", "stdout", "cpuSeconds", "wallSeconds", "peakMemoryBytes"):
            measured[key] = (self._report or measured)[key]
        if self._report is not None:
            measured["stack"] = stack(self._report["stack"], self._job["promptLines"], self._bounds.lines)
        return measured

    def times(self):
        """What this execution's candidate took, by the zygote's account, and what it might have; zeros where there is no account."""
        report = self._report or NOTHING_MEASURED
        limits = {"cpuSeconds": self._job["cpuSeconds"], "wallSeconds": self._job["wallSeconds"]}
        return {"cpuSeconds": report["cpuSeconds"], "wallSeconds": report["wallSeconds"], "limits": limits}


def _place(frame):
    """(code, line) at which the test itself stands, where `frame` is the innermost; None outside of it."""
    places = test_places((step, step.f_lineno) for step in _outwards(frame))
    return (places[-1][0].f_code, places[-1][1]) if places else None


def own_limits(job):
    """Seconds that the judge itself has for one pass of a job: of CPU time, for the test and for what it says of its failure, and of time in which the
    test waits for something else than a candidate."""
    return {"cpu": 1 + 2 * job["cpuSeconds"], "blocked": 1 + 2 * job["wallSeconds"]}


def undescribed(error, nested):
    """The outcome of a failure of which `nested` kept the judge from saying more."""
    message = "what it came to cannot be described: %s: %s" % (type_name(nested), message_of(nested))
    return {"status": "test_error", "exception": dict(own_info(error), message=message), "assertion": None}


def _raised_by_itself(error, line):
    message = message_of(error)
    more = ": %s" % message if message else " in line %d" % line if line is not None else ""
    return "the test itself raised %s%s" % (type_name(error), more)


def _infra(reason):
    return {"status": "infra", "reason": reason}


def _inwards(step):
    """The frames of a traceback, outermost first, each with its line."""
    while step is not None:
        yield step.tb_frame, step.tb_lineno
        step = step.tb_next


def _innermost(error):
    """The frame that raised an exception."""
    return [frame for frame, _ in _inwards(error.__traceback__)][-1]


def _outwards(frame):
    while frame is not None:
        yield frame
        frame = frame.f_back


def _copies(payload):
    """The containers of a call's arguments by number, as copies that nobody else has."""
    copies = []
    wire.decode(payload, 0, None, copies)
    return copies


def _signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "SIG%d" % number
