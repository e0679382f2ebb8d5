"""One job against one candidate process: the stub that the test calls, what is asked of the candidate (the test as it stands, every
assertion alone, facts of the text), and the outcome.

`passed` depends on nothing but the values that come back. What the kernel saw of the candidate comes from the zygote, and
corrects what the test saw.
"""

import ast
import copy
import os
import random
import select
import signal
import types

import _socket

import link
import wire
from description import TEXT_MOST, ended_a_generator, exception_info, own_info, public, rebuild, represent, shorten, source_facts, stack
from hash_seed import Given
from problem import TEST_FILE, expected_side, test_frame
from relations import close
from trials import Trials

_FRAME_MOST = wire.BYTES_MOST + (1 << 20)
# How long a candidate has to end by itself.
_OWN_END_SECONDS = 0.02

NOTHING_MEASURED = {
    "phase": "compile",
    "calls": 0,
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
        self._lines = wire.lines_most(job["program"])
        self._turn = turn
        self._problem = problem
        self._zygote = zygote
        self._writes_back = writes_back
        # Set in the second pass, where no call settles anything.
        self._trials = None
        self._stub = None
        self._channel = None
        self._raised = None
        self._raised_info = None
        self._settled = None
        self._returned = None
        self._has_returned = False
        self._gone = False
        self._report = None
        self.calls = 0
        self.all_none = True
        # What faultline has to do: start a new worker; run the job again, as the fault was the machine's.
        self.renew = False
        self.retry = False
        # What the test gave the program, and whether that has raised: of a job that asks about the hash seed.
        self.given = Given() if job["asksHashSeed"] else None
        self.has_raised = False
        # Whether time cut the second pass, or the look at the text, short.
        self.met_time_limit = False

    # What a candidate is started for: one of these an Execution

    def first_pass(self):
        """Runs the test as it stands. Returns the outcome."""
        outcome = self._guarded(self._problem.test)
        self._finish()
        return self._final(outcome)

    def second_pass(self):
        """Tries every assertion alone, then the prompt's examples. Returns the trials, or None where a limit cut them short, and
        {total, passed} of the examples, or None where it did not get through them."""
        problem = self._problem
        trials = self._trials = Trials(len(problem.assertions), problem.examples())
        hooks = {"__faultline_begin__": trials.begin, "__faultline_expect__": trials.expect, "__faultline_tried__": trials.tried}
        outcome = self._guarded(problem.instrumented(), hooks)
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
        except (Over, wire.Malformed):
            # Nothing of the program's was executed: the parser itself has met a limit.
            found = None, False
        self._finish()
        self.met_time_limit = found[0] is None and self._report is not None and self._report["stopped"] in ("cpu", "blocked")
        return found

    def _guarded(self, test, extra=None):
        """Runs the test; returns an outcome, which `_final` may correct by what the kernel saw."""
        try:
            self._start()
            self._load()
            namespace = self._namespace(extra)
            self._run_test(test, namespace)
            outcome = {"status": "passed"}
        except Over:
            outcome = None
        except wire.Malformed as error:
            outcome = self._tamper("malformed bytes: %s" % error)
        except BaseException as error:
            outcome = self._failure(error)
        # The test may have swallowed what settled the execution.
        return self._settled or (None if self._gone else outcome)

    def _start(self, inspect=False):
        """Asks the zygote for a candidate; one that is to `inspect` tells about the program's text and executes nothing."""
        job = self._job
        mine, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        request = {key: job[key] for key in _ZYGOTE_KEYS}
        request.update(inspect=inspect, promptLength=len(job["prompt"]))
        link.send_request(self._zygote, request, theirs.fileno())
        theirs.close()
        self._channel = wire.Channel(mine.detach())
        self._send(job["program"].encode("utf-8", "surrogatepass"))

    def _load(self):
        """Waits until the program is loaded and can be called."""
        message = self._receive()
        kind, body = message[:1], message[1:]
        if kind == b"S":
            self._settle(self._left_with(exception_info(body, self._lines), "compile"))
        if kind == b"X":
            self._settle(self._left_with(exception_info(body, self._lines), "load"))
        if kind == b"M" and body in (b"unbound", b"not_callable"):
            self._settle({"status": "missing_entry_point", "found": body.decode()})
        if message != b"L":
            raise wire.Malformed("an unexpected message while the program loads")

    def _namespace(self, extra):
        random.seed(self._job["seed"])
        stub = self._stub = self._make_stub()
        module = types.ModuleType("test")
        namespace = module.__dict__
        exec(self._problem.prompt, namespace)
        namespace["candidate"] = stub
        namespace[self._job["entryPoint"]] = stub
        namespace.update(extra or {})
        return namespace

    def _run_test(self, test, namespace):
        if self._trials is None:
            self._check(test, namespace)
            return
        # What the first pass found must not be lost to a test that takes its time over a value of the second.
        signal.signal(signal.SIGVTALRM, self._slow)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.5 + self._job["cpuSeconds"])
        try:
            self._check(test, namespace)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def _slow(self, number, frame):
        self._settle({"status": "limit", "resource": "cpu", "exception": None})

    def _check(self, test, namespace):
        exec(test, namespace)
        check = namespace.get("check")
        # A problem whose entry point is itself called check has its stub there.
        if isinstance(check, types.FunctionType) and check.__code__.co_filename == TEST_FILE:
            check(self._stub)
        if self.calls == 0 and self._settled is None and not self._gone:
            # Whatever the program does it would pass. A fault of the problem, such as a test whose function is not called check.
            raise _NeverCalled("the test of %s never calls %s" % (self._job["taskId"], self._job["entryPoint"]))

    # Calls

    def _make_stub(self):
        def candidate(*arguments, **named):
            return self._call(arguments, named)

        candidate.__name__ = self._job["entryPoint"]
        return candidate

    def _call(self, arguments, named):
        if self._settled is not None or self._gone:
            raise Over
        try:
            return self._exchange(arguments, named)
        except wire.Malformed as error:
            # Settled here, as a test may catch any Exception.
            self._tamper("malformed bytes: %s" % error)
            raise Over from None

    def _exchange(self, arguments, named):
        nonce = os.urandom(8)
        # A test that passes what has no plain form is a fault of the problem, not of the sample.
        sent = []
        payload = wire.encode((arguments, named), None, sent)
        if self.given is not None:
            self.given.look(arguments, named, payload)
        if self._channel.has_pending():
            raise wire.Malformed("bytes that nobody asked for")
        if self._trials is not None:
            self._trials.called(arguments, named, payload)
        self._send(b"c" + nonce + payload)
        self._has_returned = False
        message = self._receive()
        if len(message) < 9 or message[1:9] != nonce:
            # In the words of those that come a moment earlier.
            raise wire.Malformed("bytes that nobody asked for")
        kind = message[:1]
        if kind == b"r":
            # This gives the test's own objects the changes that the call made to its copies.
            answer = wire.decode(message, 9, sent if self._writes_back else _copies(payload))
            if type(answer) is not tuple or len(answer) != 2 or type(answer[1]) is not dict:
                raise wire.Malformed("an answer of another shape")
            value, changes = answer
            for place, change in changes.items():
                if not (type(place) is int and 0 <= place < len(arguments) or place in named):
                    raise wire.Malformed("a change of no argument")
                # A call changes an object, and leaves it what it is.
                if type(change) is not type(arguments[place] if type(place) is int else named[place]):
                    raise wire.Malformed("a change into another type")
            if self._trials is not None:
                self._trials.answered(value, changes)
            self.calls += 1
            self.all_none = self.all_none and value is None
            self._returned = value
            self._has_returned = True
            return value
        if kind == b"u":
            self.calls += 1
            self.all_none = False
            return self._refuse(wire.decode(message, 9))
        if kind == b"x":
            self.calls += 1
            self.all_none = False
            self.has_raised = True
            info = exception_info(message[9:], self._lines)
            outcome = self._left_with(info, "call")
            if self._trials is not None:
                raise Exception("the call raised")
            if outcome["status"] != "exception":
                self._settle(outcome)
            self._raised_info = info
            self._raised = rebuild(info)
            if isinstance(self._raised, StopIteration) and "StopIteration" not in self._problem.source:
                # What is written in C (`map`, `zip`) would take it for the end of what the test loops over.
                raise RuntimeError("the call raised StopIteration") from self._raised
            raise self._raised
        raise wire.Malformed("an unknown answer")

    def _refuse(self, description):
        if type(description) is not tuple or len(description) != 3 or not type(description[0]) is type(description[2]) is str:
            raise wire.Malformed("an answer of another shape")
        name, comparison, reason = description
        if self._trials is not None:
            self._trials.refused()
            raise TypeError("the value has no plain form")
        if type(comparison) is str:
            self._settle(self._tamper("the returned type %s defines %s" % (name[: wire.NAME_MOST], comparison[:40])))
        self._settle({"status": "unserialisable", "typeName": name[: wire.NAME_MOST], "reason": reason[: wire.REASON_MOST]})

    def _send(self, payload):
        # A candidate that does not read makes the judge wait: its time, not the judge's.
        self._turn[0] = 1
        try:
            self._channel.send(payload)
        except OSError:
            self._gone = True
            raise Over
        finally:
            self._turn[0] = 0

    def _receive(self):
        # Whose turn it is: the time that the judge takes is not held against the candidate.
        self._turn[0] = 1
        message = self._channel.receive(_FRAME_MOST)
        self._turn[0] = 0
        if message is None:
            self._gone = True
            raise Over
        if not message:
            raise wire.Malformed("an empty frame")
        return message

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

    def _failure(self, error):
        """The outcome of an exception that left the test."""
        if self._raised is not None and (error is self._raised or ended_a_generator(error, self._raised)):
            return self._left_with(self._raised_info, "call")
        frame, line = test_frame(error)
        node = self._problem.assertion_at(line) if line is not None else None
        if isinstance(error, AssertionError):
            return {"status": "assertion", "assertion": self._assertion(node, frame, line)}
        if isinstance(error, MemoryError):
            return {"status": "limit", "resource": "memory", "exception": own_info(error)}
        if isinstance(error, wire.Unserialisable) and self.calls > 0 and error.reason != wire.NO_PLAIN_FORM:
            # Too much or too deep may come of a value of the sample's: passing that on must not take a sample out of the count. What has
            # no plain form does not, as all that a candidate returns has one.
            return {"status": "unserialisable", "typeName": type(error.offender).__name__, "reason": error.reason}
        if isinstance(error, wire.Unserialisable):
            return {"status": "infra", "reason": "the test passes a %s to the candidate, which %s" % (type(error.offender).__name__, error)}
        if isinstance(error, _NeverCalled):
            return {"status": "infra", "reason": str(error)}
        if self.calls == 0:
            # Before any value of the sample's could play a part.
            return {"status": "infra", "reason": "the test itself raised %s: %s" % (type(error).__name__, shorten(str(error)))}
        return {
            "status": "test_error",
            "exception": own_info(error),
            "assertion": self._assertion(node, frame, line) if node is not None else None,
        }

    def _assertion(self, node, frame, line):
        problem = self._problem
        if node is None:
            lines = problem.source.splitlines()
            source = lines[line - 1].strip() if line is not None and 0 < line <= len(lines) else ""
            index = 0
        else:
            source = ast.get_source_segment(problem.source, node) or ""
            index = problem.assertions.index(node)
        result = {
            "index": index,
            "source": source[:TEXT_MOST],
            "returned": represent(self._returned) if self._has_returned else None,
            "returnedType": type(self._returned).__name__ if self._has_returned else None,
            "expected": None,
            "expectedType": None,
        }
        side = expected_side(node, problem.names) if node is not None else None
        if side is not None and frame is not None:
            try:
                code = compile(ast.Expression(side), TEST_FILE, "eval", dont_inherit=True)
                expected = eval(code, frame.f_globals, frame.f_locals)
                result["expected"] = represent(expected)
                result["expectedType"] = type(expected).__name__
            except Exception:
                # Not evaluable on its own, for instance as it uses a name of a comprehension: then there is none.
                pass
        return result

    def _finish(self):
        """Ends the candidate and takes the zygote's report."""
        # Until the report it is the candidate's turn to end.
        self._turn[0] = 1
        if self._channel is not None:
            self._channel.close()
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
        measured.update(more, calls=self.calls, allNone=self.calls > 0 and self.all_none)
        for key in ("phase", "stdout", "cpuSeconds", "wallSeconds", "peakMemoryBytes"):
            measured[key] = (self._report or measured)[key]
        if self._report is not None:
            measured["stack"] = stack(self._report["stack"], self._job["promptLines"], self._lines)
        return measured

    def times(self):
        """What this execution's candidate took, by the zygote's account, and what it might have; zeros where there is no account."""
        report = self._report or NOTHING_MEASURED
        limits = {"cpuSeconds": self._job["cpuSeconds"], "wallSeconds": self._job["wallSeconds"]}
        return {"cpuSeconds": report["cpuSeconds"], "wallSeconds": report["wallSeconds"], "limits": limits}


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
