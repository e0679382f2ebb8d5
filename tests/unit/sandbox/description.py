"""Exercises src/sandbox/python/description.py and problem.py, whose folder is the first argument. Prints `ok` or raises."""

import collections
import decimal
import sys

sys.path.insert(0, sys.argv[1])
import wire
from description import Bounds, exception_info, message_of, own_info, raised_by_call, rebuild, represent
from problem import TEST_FILE, Problem


class Ended(BaseException):
    pass


class Hostile(Exception):
    """Whatever is asked of it ends the execution."""

    def __str__(self):
        raise Ended

    __repr__ = __str__


class Nameless(type):
    @property
    def __name__(cls):
        raise Ended

    __mro__ = __name__


class Worse(Hostile, metaclass=Nameless):
    pass


# Whatever a value or an exception is, there is a text, and nothing is raised.
huge = 10**5000
unsortable = collections.Counter({"a": decimal.Decimal("NaN"), "b": decimal.Decimal(1)})
deep = []
for _ in range(100000):
    deep = [deep]
for value, text in ((huge, "<int>"), ([huge], "<list>"), (unsortable, "<Counter>"), (Hostile(), "<Hostile>"), (deep, "<list>"), ("a", "'a'")):
    assert represent(value) == text, text
assert represent("x" * 400) == "'" + "x" * 296 + "..." and len(represent([1] * 1000)) == 300
for error in (KeyError(huge), ValueError(huge), Hostile(), Worse(), KeyError(unsortable)):
    info = own_info(error)
    assert info["message"] == message_of(error) == "<no message can be made of it>", info
    assert info["type"] == type.__dict__["__name__"].__get__(type(error)) and info["bases"][-1] == "BaseException"
assert own_info(ValueError("a" * 400))["message"] == "a" * 297 + "..."

# An exception of a call is known by itself, be it raised again much later or as Python makes of it what leaves a generator.
bounds = Bounds("def f(x):\n    return x\n")
described = {"type": "Own", "bases": ["Own", "KeyError", "LookupError", "Exception", "BaseException"], "message": "m", "frames": []}
described.update(line=2, column=12, node="other", statement="Return", locals=[], args=wire.encode(("k", [1])), code=None)


def info(**changes):
    return exception_info(wire.encode_apart({**described, **changes}), bounds)


first, second = rebuild(info()), rebuild(info(type="OSError", bases=["OSError", "Exception", "BaseException"], args=wire.encode((28, "full"))))
assert type(first) is KeyError and first.args == ("k", [1]) and raised_by_call(first)["type"] == "Own"
assert second.errno == 28 and raised_by_call(second)["type"] == "OSError"
assert type(rebuild(info(bases=["UnicodeDecodeError", "BaseException"], args=None))) is UnicodeDecodeError
assert raised_by_call(KeyError("k")) is None


def generator():
    raise rebuild(info(bases=["StopIteration", "Exception", "BaseException"], args=None))
    yield


try:
    next(generator())
except RuntimeError as error:
    assert raised_by_call(error)["message"] == "m"

# A place outside the program, and arguments that are not bytes, are no description.
assert info(column=4 * 23 + 2)["column"] == 94
for wrong in ({"column": 4 * 23 + 3}, {"column": -1}, {"line": 5}, {"args": ("k",)}, {"args": b"\xff"}):
    try:
        info(**wrong)
        raise SystemExit("%r was accepted" % wrong)
    except wire.Malformed:
        pass


# What a test tells of its assertions while it runs: the values that were compared, computed once.
def told(test):
    problem = Problem("", test, "f")
    seen = []
    space = {
        "f": lambda x: x,
        "__faultline_begin__": lambda index, truth: seen.append((index, truth)),
        "__faultline_mark__": lambda: seen.append("mark"),
        "__faultline_expect__": lambda index, mark, value: seen.append((index, value)) or value,
    }
    try:
        exec(problem.test, space)
    except AssertionError:
        seen.append("failed")
    return seen


assert told("q = [1, 2]\nassert f(1) == q.pop(0)\nassert f(1) == q.pop(0)\n") == [(0, None), "mark", (0, 1), (1, None), "mark", (1, 2), "failed"]
assert told("assert 3 == f(3)\nassert not f(0)\nassert f(0)\nassert True\n") == [(0, None), "mark", (0, 3), (1, False), (2, True), "failed"]
assert told("if True: assert abs(f(1) - 2) < 3\n") == [(0, None), "mark", (0, 2)]
# Of two calls the second is what the first is compared with: whoever hears of both knows what it was made of.
assert told("assert f(1) == f(1)\n") == [(0, None), "mark", (0, 1)]
assert told("assert len([f(1)]) == 1\nassert [f(1)] == [1]\n") == [(0, None), (1, None)]


# What no program passes: an exit or a loop without end to which every one comes that has come so far.
def whose(test, ends, line):
    problem = Problem("", test, "f")
    space = {}
    exec(problem.test, {"f": lambda x: x, **{name: lambda *_: None for name in ("__faultline_begin__", "__faultline_mark__")}}, space) if "check" in test else None
    code = space["check"].__code__ if "check" in test else compile("", TEST_FILE, "exec")
    return getattr(problem, ends)(code, line)


for statement in ("sys.exit(0)", "exit()", "quit(1)", "os._exit(0)", "raise SystemExit", "raise SystemExit(0)"):
    assert whose("assert f(1) == 1\n%s\n" % statement, "leaves_itself", 2), statement
    assert whose("def check(c):\n    assert c(1) == 1\n    %s\n" % statement, "leaves_itself", 3), statement
    for conditional in (
        "def check(c):\n    if c(1) == 2:\n        %s\n",
        "def check(c):\n    if c(1) == 1: return\n    %s\n",
        "def check(c):\n    for _ in c(1):\n        %s\n",
        "def check(c):\n    try:\n        %s\n    finally: pass\n",
        "def check(c):\n    yield 1\n    %s\n",
    ):
        line = 1 + conditional.split("%s")[0].count("\n")
        assert not whose(conditional % statement, "leaves_itself", line), conditional
for statement in ("c(1) == 1 or exit()", "exit() if c(1) else None", "[exit() for _ in c(1)]", "print(1)", "raise ValueError", "x = 1"):
    assert not whose("def check(c):\n    %s\n" % statement, "leaves_itself", 2), statement
for loop, ends in (("while 1: pass", True), ("while True:\n        c(1)", True), ("while c(1): pass", False), ("while True:\n        if c(1): break", False),
                   ("while True:\n        if c(1): return", False), ("for _ in iter(int, 1): pass", False), ("while 0: pass", False)):
    assert whose("def check(c):\n    %s\n" % loop, "never_ends", 2) is ends, loop
    assert not whose("def check(c):\n    if c(2):\n        %s\n" % loop.replace("\n", "\n    "), "never_ends", 3), loop

# What has nothing to do with what the candidate returns, by the names in it.
LOCK = "from threading import Lock\n"
opening = "lock = Lock()\nlock.acquire()\ndef check(c):\n    value = c(1)\n    later = value + 1\n    total = sum([1])\n"
for statement, apart in (
    ("sleep(9)", True),
    ("lock.acquire()", True),
    ("with lock: sleep(9)", True),
    ("sleep(total)", True),
    ("sleep(c(1))", False),
    ("sleep(f(1))", False),
    ("sleep(later)", False),
    ("if later: sleep(9)", False),
    ("while True:\n        if later: break", False),
):
    assert whose(LOCK + opening + "    %s\n" % statement, "is_apart", 8) is apart, statement
assert not whose(LOCK + opening + "    if total:\n        return\n    sleep(9)\n", "is_apart", 10)
assert whose("f(1)\nsleep(9)\n", "is_apart", 2) and not whose("x = f(1)\nsleep(x)\n", "is_apart", 2)
# A function that calls it may be behind any name that it is called by.
assert not whose(LOCK + "def ask(): return f(1)\ndef check(c):\n    value = ask()\n    sleep(value)\n", "is_apart", 5)
# Nor does a name that is bound without being asked for keep it from what it stands for.
bound = [
    "if c(1):\n        def n(): return 9",
    "if c(1):\n        class n: pass",
    "if c(1):\n        import math as n",
    "if c(1):\n        import n.path",
    "if c(1):\n        from math import tau as n",
    "exec('n = c(1)')",
    "globals()['n'] = c(1)",
]
if sys.version_info >= (3, 10):
    bound += ["match c(1):\n        case %s: pass" % pattern for pattern in ("n", "[*n]", "{**n}", "int() as n", "[1, [n]]")]
for statement in bound:
    test = "def check(c):\n    %s\n    sleep(n)\n" % statement
    code = next(constant for constant in Problem("", test, "f").test.co_consts if hasattr(constant, "co_name"))
    assert not Problem("", test, "f").is_apart(code, test.count("\n")), statement
# Two modules of one import are not one.
assert whose("import math, time\nmath.floor(f(1))\ntime.sleep(9)\n", "is_apart", 3)

# What a prompt is wrong about whatever follows, and what may be the completion's.
for prompt, fault in (
    ("def g():\n    print 1\n\n\ndef f(x):\n", 2),
    ("def f(x):\n    print 1\n", 2),
    ("import os)\ndef f(x):\n    \"\"\"Doc.\"\"\"\n", 1),
    ("def f(x):\n", None),
    ("class A:\n    def f(x):\n", None),
    ("class A:\n    def f(x):\n        \"\"\"Doc.\"\"\"\n", None),
    ("def f(x):\n    \"\"\"Doc.\n", None),
    ("def f(x, y=[\n", None),
    ("def f(x):\n    return (x +\n", None),
    ("def f(x):\n    try:\n        y = 1\n", None),
    ("def f(x):\n    if x:\n", None),
    ("def f(x):\n    return x +", None),
    ("def f(x):\n    y = x \\\n", None),
    ("@\n", 1),
):
    found = Problem(prompt, "", "f").syntax_fault
    assert (found and found[0]) == fault, (prompt, found)
print("ok")
