"""The judge: executes a problem's prompt and test, which are trusted, against a candidate, which is not.

In its namespace `candidate` and the entry point's name are a stub that sends arguments to the candidate's process and
returns the plain values that come back. `passed` depends on nothing else. The judge never parses or executes the program,
and it lives in a process of its own with limits of its own: a value that makes it die or run on is the sample's failure.

Descriptor 0 brings jobs from faultline, 1 takes verdicts to it (four bytes of length, then JSON; src/sandbox/protocol.ts
has both shapes), 3 is a socket to the zygote, 4 a page shared with it.
"""

import array
import ast
import builtins
import copy
import json
import mmap
import os
import random
import resource
import signal
import struct
import sys
import time
import types

import _socket

import wire

CONTROL = 3
TURN = 4
TEST_FILE = "<test>"
PROMPT_FILE = "<prompt>"
_TEXT_MOST = 300
_MEMORY_BYTES = 3 << 30
_FRAME_MOST = wire.BYTES_MOST + (1 << 20)
# Compiled prompts and tests kept; a benchmark's problems come round once per sample.
_KEPT = 512


class Over(BaseException):
    """Leaves the test at once: the outcome is settled. Not an Exception, so that a test's `except` lets it pass."""


class _NeverCalled(Exception):
    """The test came to its end without a call."""


class Problem:
    """A prompt and test, compiled."""

    def __init__(self, prompt, test, entry_point):
        self.prompt = _compile_prompt(prompt, entry_point)
        self.tree = ast.parse(test, TEST_FILE)
        self.test = compile(self.tree, TEST_FILE, "exec", dont_inherit=True)
        self.source = test
        self.names = ("candidate", entry_point)
        # An assertion of a constant (`assert True`) says nothing about the candidate.
        self.assertions = [
            node for node in ast.walk(self.tree) if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant)
        ]
        self.assertions.sort(key=lambda node: (node.lineno, node.col_offset))
        self._instrumented = None

    def instrumented(self):
        """The test with every assertion tried alone; `__faultline_tried__(index, held)` hears of each."""
        if self._instrumented is None:
            tree = _Instrument(self.assertions).visit(copy.deepcopy(self.tree))
            self._instrumented = compile(ast.fix_missing_locations(tree), TEST_FILE, "exec", dont_inherit=True)
        return self._instrumented

    def assertion_at(self, line):
        """The innermost assertion that covers a line of the test, or None."""
        found = [node for node in self.assertions if node.lineno <= line <= node.end_lineno]
        return max(found, key=lambda node: node.lineno) if found else None


class _Instrument(ast.NodeTransformer):
    def __init__(self, assertions):
        self._index = {(node.lineno, node.col_offset): index for index, node in enumerate(assertions)}

    def visit_Assert(self, node):
        index = self._index.get((node.lineno, node.col_offset))
        if index is None:
            return node

        def tell(held):
            call = ast.Call(ast.Name("__faultline_tried__", ast.Load()), [ast.Constant(index), ast.Constant(held)], [])
            return ast.copy_location(ast.Expr(call), node)

        handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [tell(False)])
        return ast.copy_location(ast.Try([node], [ast.copy_location(handler, node)], [tell(True)], []), node)


def _compile_prompt(prompt, entry_point):
    """The prompt as a module of its own: usually the unfinished function's docstring makes it whole."""
    attempts = [prompt, prompt + "\n    pass\n"]
    cut = prompt.rfind("def " + entry_point)
    if cut >= 0:
        attempts.append(prompt[:cut])
    for attempt in attempts:
        try:
            return compile(attempt, PROMPT_FILE, "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            continue
    # A prompt that is no Python by itself has nothing the test could need.
    return compile("", PROMPT_FILE, "exec")


class Execution:
    """One job against one candidate process."""

    def __init__(self, job, problem, zygote, turn):
        self._job = job
        self._lines = wire.lines_most(job["program"])
        self._turn = turn
        self._problem = problem
        self._zygote = zygote
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

    # The two passes

    def first_pass(self):
        """Runs the test as it stands. Returns the outcome."""
        outcome = self._guarded(self._problem.test)
        self._finish()
        return self._final(outcome)

    def second_pass(self):
        """Tries every assertion alone. Returns {total, passed}, or None where a limit cut it short."""
        held = {}

        def tried(index, holds):
            held[index] = held.get(index, True) and holds

        self._lenient = True
        outcome = self._guarded(self._problem.instrumented(), {"__faultline_tried__": tried})
        self._finish()
        outcome = self._final(outcome)
        if outcome["status"] in ("limit", "infra"):
            return None
        return {"total": len(self._problem.assertions), "passed": sum(held.values()), "trials": None}

    _lenient = False

    def _guarded(self, test, extra=None):
        """Runs the test; returns an outcome, which `_final` may correct by what the kernel saw."""
        try:
            self._start()
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

    def _start(self):
        job = self._job
        mine, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        request = {key: job[key] for key in _ZYGOTE_KEYS}
        body = json.dumps(request).encode()
        descriptors = array.array("i", [theirs.fileno()])
        self._zygote.sendmsg([b"R"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
        self._zygote.sendall(struct.pack("<I", len(body)) + body)
        theirs.close()
        self._channel = wire.Channel(mine.detach())
        message = self._receive()
        kind, body = message[:1], message[1:]
        if kind == b"S":
            self._settle(self._left_with(_exception_info(body, self._lines), "compile"))
        if kind == b"X":
            self._settle(self._left_with(_exception_info(body, self._lines), "load"))
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
        payload = wire.encode((arguments, named))
        if self._channel.has_pending():
            raise wire.Malformed("bytes that nobody asked for")
        self._send(b"c" + nonce + payload)
        self._has_returned = False
        message = self._receive()
        if len(message) < 9 or message[1:9] != nonce:
            raise wire.Malformed("an answer to another call")
        kind = message[:1]
        if kind == b"r":
            answer = wire.decode(message, 9)
            if type(answer) is not tuple or len(answer) != 2 or type(answer[1]) is not dict:
                raise wire.Malformed("an answer of another shape")
            value, changes = answer
            self._write_back(arguments, named, changes)
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
            info = _exception_info(message[9:], self._lines)
            outcome = self._left_with(info, "call")
            if self._lenient:
                raise Exception("the call raised")
            if outcome["status"] != "exception":
                self._settle(outcome)
            self._raised_info = info
            self._raised = _rebuild(info)
            raise self._raised
        raise wire.Malformed("an unknown answer")

    def _refuse(self, description):
        if type(description) is not tuple or len(description) != 3 or type(description[0]) is not str:
            raise wire.Malformed("an answer of another shape")
        name, comparison, _ = description
        if self._lenient:
            raise TypeError("the value has no plain form")
        if type(comparison) is str:
            self._settle(self._tamper("the returned type %s defines %s" % (name[:200], comparison[:40])))
        self._settle({"status": "unserialisable", "typeName": name[:200]})

    def _write_back(self, arguments, named, changes):
        for place, new in changes.items():
            if type(place) is int and 0 <= place < len(arguments):
                _merge(arguments[place], new)
            elif type(place) is str and place in named:
                _merge(named[place], new)
            else:
                raise wire.Malformed("a change of no argument")

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
        public = _public(info)
        bases = info["bases"]
        if phase == "compile":
            # Whatever the compiler raised, MemoryError for its own stack included.
            return {"status": "syntax", "exception": public}
        if "SystemExit" in bases:
            code = info["code"]
            return {"status": "exit", "code": code if type(code) is int else 1, "via": "SystemExit"}
        if "MemoryError" in bases:
            return {"status": "limit", "resource": "memory", "exception": public}
        # What the program raises by a statement of its own tells of no limit.
        own = info["node"] == "raise"
        if not own and "OSError" in bases and info["code"] in _ERRNO_RESOURCE:
            return {"status": "limit", "resource": _ERRNO_RESOURCE[info["code"]], "exception": public}
        if not own and info["type"] == "RuntimeError" and info["message"] == "can't start new thread":
            return {"status": "limit", "resource": "processes", "exception": public}
        return {"status": "exception", "phase": phase, "exception": public}

    def _failure(self, error):
        """The outcome of an exception that left the test."""
        if self._raised is not None and (error is self._raised or _ended_a_generator(error, self._raised)):
            return self._left_with(self._raised_info, "call")
        frame, line = _test_frame(error)
        node = self._problem.assertion_at(line) if line is not None else None
        if isinstance(error, AssertionError):
            return {"status": "assertion", "assertion": self._assertion(node, frame, line)}
        if isinstance(error, MemoryError):
            return {"status": "limit", "resource": "memory", "exception": _own_info(error, line)}
        if isinstance(error, wire.Unserialisable) and self.calls > 0:
            # It may come from a value of the sample's: passing that on must not take a sample out of the count.
            return {"status": "unserialisable", "typeName": type(error.offender).__name__}
        if isinstance(error, wire.Unserialisable):
            return {"status": "infra", "reason": "the test passes a %s to the candidate, which %s" % (type(error.offender).__name__, error)}
        if isinstance(error, _NeverCalled):
            return {"status": "infra", "reason": str(error)}
        if self.calls == 0:
            # Before any value of the sample's could play a part.
            return {"status": "infra", "reason": "the test itself raised %s: %s" % (type(error).__name__, _shorten(str(error)))}
        return {
            "status": "test_error",
            "exception": _own_info(error, line),
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
            "source": source[:_TEXT_MOST],
            "returned": _represent(self._returned) if self._has_returned else None,
            "returnedType": type(self._returned).__name__ if self._has_returned else None,
            "expected": None,
            "expectedType": None,
        }
        side = _expected_side(node, problem.names) if node is not None else None
        if side is not None and frame is not None:
            try:
                code = compile(ast.Expression(side), TEST_FILE, "eval", dont_inherit=True)
                expected = eval(code, frame.f_globals, frame.f_locals)
                result["expected"] = _represent(expected)
                result["expectedType"] = type(expected).__name__
            except Exception:
                # Not evaluable on its own, for instance as it uses a name of a comprehension: then there is none.
                pass
        return result

    def _finish(self):
        """Ends the candidate and takes the zygote's report."""
        # Until the report it is the candidate's turn to end.
        self._turn[0] = 1
        try:
            if not self._gone:
                self._zygote.sendall(b"F")
            header = _receive_exactly(self._zygote, 4)
            body = _receive_exactly(self._zygote, struct.unpack("<I", header)[0])
        except (OSError, EOFError):
            self._report = None
        else:
            self._report = json.loads(body)
        if self._channel is not None:
            self._channel.close()

    def _final(self, outcome):
        report = self._report
        if report is None:
            self.retry = self.renew = True
            return {"status": "infra", "reason": "the zygote ended"}
        self.renew = report["usedScratch"] or (outcome is not None and outcome["status"] == "tamper")
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
        if number == signal.SIGXCPU:
            return {"status": "limit", "resource": "cpu", "exception": None}
        if number == signal.SIGXFSZ:
            return {"status": "limit", "resource": "files", "exception": None}
        return {"status": "signal", "signal": _signal_name(number)}

    def measurements(self, assertions):
        measured = dict(_NOTHING_MEASURED)
        measured.update(calls=self.calls, allNone=self.calls > 0 and self.all_none, assertions=assertions)
        for key in ("phase", "stdout", "cpuSeconds", "wallSeconds", "peakMemoryBytes"):
            measured[key] = (self._report or measured)[key]
        return measured


_NOTHING_MEASURED = {
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
    "fragility": None,
    "stack": None,
}


_ZYGOTE_KEYS = (
    "program",
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

# EAGAIN (fork), EMFILE, ENFILE, EFBIG, ENOSPC, EDQUOT
_ERRNO_RESOURCE = {11: "processes", 24: "files", 23: "files", 27: "files", 28: "files", 122: "files"}


def _merge(old, new):
    """Makes the test's own object look as the candidate left its copy, in place as far as the types allow."""
    kind = type(old)
    if kind is not type(new):
        return
    if kind is list:
        old[:] = _merged_items(old, new)
    elif isinstance(old, dict):
        for key in [key for key in old if key not in new]:
            del old[key]
        for key, item in new.items():
            if key in old and isinstance(item, wire.MUTABLE) and type(old[key]) is type(item):
                _merge(old[key], item)
            else:
                old[key] = item
        if list(old) != list(new):
            # In the order that the candidate left.
            items = [(key, old[key]) for key in new]
            old.clear()
            old.update(items)
    elif kind is set:
        old.clear()
        old.update(new)
    elif kind is bytearray:
        old[:] = new
    elif kind is tuple:
        for before, after in zip(old, new):
            _merge(before, after)
    elif hasattr(old, "clear") and hasattr(old, "extend"):
        old.clear()
        old.extend(new)


def _merged_items(old, new):
    """The items of `new`, with the test's own objects for those that the candidate moved or changed.

    The wire carries no identities. An item that looks as one did before is taken for that one, wherever it stands now, so
    that a sort leaves the rows of a matrix as they are; of the others, one that has kept its place is changed in place.
    """
    result = list(new)
    mutable = [index for index, item in enumerate(new) if isinstance(item, wire.MUTABLE)]
    if not mutable:
        return result
    unclaimed = {}
    # From the end, so that pop() takes the first of those that look alike.
    for index in range(len(old) - 1, -1, -1):
        if isinstance(old[index], wire.MUTABLE):
            unclaimed.setdefault(wire.encode(old[index]), []).append(index)
    claimed = set()
    changed = []
    for index in mutable:
        places = unclaimed.get(wire.encode(new[index]))
        if not places:
            changed.append(index)
            continue
        place = index if index in places else places[-1]
        places.remove(place)
        claimed.add(place)
        result[index] = old[place]
    for index in changed:
        if len(old) == len(new) and index not in claimed and type(old[index]) is type(new[index]):
            result[index] = old[index]
            _merge(old[index], new[index])
    return result


def _exception_info(data, lines):
    """The candidate's description of an exception in a program of `lines` lines, with every field checked."""
    info = wire.decode(data)
    shapes = (("type", str), ("message", str), ("bases", list), ("frames", list))
    if type(info) is not dict or not all(type(info.get(key)) is kind for key, kind in shapes):
        raise wire.Malformed("an exception of another shape")
    if not all(type(base) is str for base in info["bases"]):
        raise wire.Malformed("an exception of another shape")
    frames = []
    for frame in info["frames"][:100]:
        if type(frame) is not tuple or [type(part) for part in frame] != [str, str, int] or frame[0] not in ("sample", "prompt", "library"):
            raise wire.Malformed("a frame of another shape")
        if not 1 <= frame[2] <= (wire.LIBRARY_LINE_MOST if frame[0] == "library" else lines):
            raise wire.Malformed("a frame at no line of the program")
        frames.append({"where": frame[0], "function": frame[1][:200], "line": frame[2]})
    line, column, node = info.get("line"), info.get("column"), info.get("node")
    _check_number(line, 1, lines, "a line")
    _check_number(column, 0, wire.COLUMN_MOST, "a column")
    _check_number(info.get("code"), -wire.CODE_MOST - 1, wire.CODE_MOST, "a code")
    return {
        "type": info["type"][:200],
        "bases": [base[:200] for base in info["bases"][:20]],
        "message": info["message"][:1000],
        "frames": frames,
        "line": line,
        "column": column,
        "node": node if node in ("raise", "assert", "import", "other") else None,
        "statement": None,
        "locals": [],
        "args": info.get("args"),
        "code": info.get("code"),
    }


def _check_number(value, least, most, what):
    if value is not None and not (type(value) is int and least <= value <= most):
        raise wire.Malformed("%s out of bounds" % what)


def _public(info):
    return {key: info[key] for key in ("type", "bases", "message", "frames", "line", "column", "node", "statement", "locals")}


def _rebuild(info):
    """The exception to raise in the test: the builtin one of that name, or the nearest builtin base."""
    for name in info["bases"]:
        kind = getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, BaseException) and kind not in (SystemExit, KeyboardInterrupt, GeneratorExit):
            error = _make(kind, info)
            if error is not None:
                return error
    # Raised as it is, KeyboardInterrupt and its like would pass a test's `except Exception`, as they should.
    return _make(BaseException if "BaseException" in info["bases"] else Exception, info)


def _make(kind, info):
    """An exception of the builtin type `kind`, or None where it cannot be made of what is known."""
    arguments = info["args"]
    try:
        return kind(*arguments) if type(arguments) is tuple else kind(info["message"])
    except Exception:
        pass
    try:
        # UnicodeDecodeError and a few others want certain arguments; the groups cannot be had without theirs.
        error = kind.__new__(kind)
        error.args = (info["message"],)
        return error
    except Exception:
        return None


def _ended_a_generator(error, raised):
    """Whether `error` is what Python makes of a StopIteration that left a generator of the test's."""
    return type(error) is RuntimeError and isinstance(raised, StopIteration) and error.__cause__ is raised


def _own_info(error, line):
    """An exception of the test's own code."""
    return {
        "type": type(error).__name__,
        "bases": [base.__name__ for base in type(error).__mro__ if base is not object],
        "message": _shorten(str(error)),
        "frames": [],
        "line": None,
        "column": None,
        "node": None,
        "statement": None,
        "locals": [],
    }


def _test_frame(error):
    """The innermost frame of the test in an exception's traceback, and its line."""
    frame = line = None
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == TEST_FILE:
            frame, line = step.tb_frame, step.tb_lineno
        step = step.tb_next
    return frame, line


def _expected_side(node, names):
    """X of `assert candidate(...) == X` (or X == candidate(...)), where X itself calls no candidate; else None."""
    test = node.test
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], (ast.Eq, ast.Is)):
        return None
    left, right = test.left, test.comparators[0]
    for call, other in ((left, right), (right, left)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in names and not _calls(other, names):
            return other
    return None


def _calls(tree, names):
    return any(isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names for node in ast.walk(tree))


def _represent(value):
    try:
        return _shorten(repr(value))
    except ValueError:
        # More digits than an int's repr is allowed to take.
        return "<%s>" % type(value).__name__


def _shorten(text):
    return text if len(text) <= _TEXT_MOST else text[: _TEXT_MOST - 3] + "..."


def _signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "SIG%d" % number


def _judge(job, kept, zygote, turn):
    key = (job["prompt"], job["test"], job["entryPoint"])
    problem = kept.get(key)
    if problem is None:
        try:
            problem = Problem(*key)
        except (SyntaxError, ValueError) as error:
            return _verdict({"status": "infra", "reason": "the test does not compile: %s" % error}, dict(_NOTHING_MEASURED))
        if len(kept) >= _KEPT:
            kept.pop(next(iter(kept)))
        kept[key] = problem
    # By the kernel, not by a handler: a handler would wait for the C loop that takes the time.
    signal.setitimer(signal.ITIMER_PROF, 1 + 2 * job["cpuSeconds"])
    execution = Execution(job, problem, zygote, turn)
    outcome = execution.first_pass()
    renew = execution.renew
    assertions = None
    by_value = outcome["status"] in ("assertion", "test_error", "unserialisable")
    by_call = outcome["status"] == "exception" and outcome["phase"] == "call"
    if outcome["status"] == "assertion" and len(problem.assertions) == 1:
        # The only one there is has just failed.
        assertions = {"total": 1, "passed": 0, "trials": None}
    elif by_value or by_call:
        second = Execution(job, problem, zygote, turn)
        assertions = second.second_pass()
        renew = renew or second.renew
    signal.setitimer(signal.ITIMER_PROF, 0)
    return _verdict(outcome, execution.measurements(assertions), renew, execution.retry)


def _verdict(outcome, measurements, renew=False, retry=False):
    verdict = {"passed": outcome["status"] == "passed", "outcome": outcome, "measurements": measurements}
    return {"verdict": verdict, "renew": renew, "retry": retry}


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


def main():
    jobs = os.dup(0)
    results = os.dup(1)
    # What a test prints is nobody's protocol.
    nothing = os.open("/dev/null", os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    zygote = _socket.socket(fileno=CONTROL)
    ready = _receive_exactly(zygote, 4)
    _receive_exactly(zygote, struct.unpack("<I", ready)[0])
    _write(results, {"ready": True, "python": "%d.%d.%d" % sys.version_info[:3]})
    turn = mmap.mmap(TURN, mmap.PAGESIZE)
    kept = {}
    while True:
        try:
            header = _read_exactly(jobs, 4)
            body = _read_exactly(jobs, struct.unpack("<I", header)[0])
        except EOFError:
            return
        job = json.loads(body)
        _write(results, {"calibration": _calibrate()} if job.get("calibrate") else _judge(job, kept, zygote, turn))


def _write(descriptor, message):
    body = json.dumps(message).encode()
    view = memoryview(struct.pack("<I", len(body)) + body)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_exactly(descriptor, count):
    parts = []
    while count > 0:
        data = os.read(descriptor, min(count, 1 << 20))
        if not data:
            raise EOFError
        parts.append(data)
        count -= len(data)
    return b"".join(parts)


def _receive_exactly(connection, count):
    parts = []
    while count > 0:
        data = connection.recv(min(count, 1 << 20))
        if not data:
            raise EOFError
        parts.append(data)
        count -= len(data)
    return b"".join(parts)


main()
