"""Exercises src/sandbox/python/describer.py and comparisons.py, whose folder is the first argument. Prints `ok` or raises.

As in a candidate, programs are compiled under the name that the describer knows.
"""

import os
import sys
import types

os.environ.setdefault("HOME", "/tmp")
sys.path.insert(0, sys.argv[1])
import wire
from comparisons import written_by_hand
from describer import FILE_NAME, Describer

HAS_POSITIONS = sys.version_info >= (3, 11)


def told(program):
    """What is said of what the program raises, be it by the compiler."""
    describer = Describer(program, 0)
    try:
        code = compile(program, FILE_NAME, "exec", 0, True)
    except BaseException as error:
        return wire.decode(describer.syntax(error))
    try:
        exec(code, {"__name__": "program"})
    except BaseException as error:
        return wire.decode(describer.exception(error))
    raise SystemExit("nothing was raised by %r" % program[:80])


def where(program):
    found = told(program)
    return found["line"], found["column"], found["statement"]


# A column is the true one, however far out. Before 3.11 it is the statement's.
far = "[%s]" % ", ".join(["0"] * 3000)
assert told("x = %s y\n" % far)["column"] == len(far) + 6
assert told("é = 1; x = %s; y\n" % far)["column"] == (len(far) + 14 if HAS_POSITIONS else 1)
assert told("x = (%s, y)\n" % far)["column"] == (len(far) + 8 if HAS_POSITIONS else 1)

# The statement is the one that holds the column, where that is known; of a definition its decorators are part.
for program, line, column, statement, before in (
    ("for i in 5: pass\n", 1, 1, "For", (1, 13, "Pass")),
    ("a = 1; m = 2; b.append(1)\n", 1, 15, "Expr", (1, 1, "Assign")),
    ("if x: pass\n", 1, 4, "If", (1, 7, "Pass")),
    ("while 1: z = 1; 1 / 0\n", 1, 17, "Expr", (1, 10, "Assign")),
    ("@cache\ndef f(x):\n    return x\n", 1, 2, "FunctionDef", None),
    ("@dataclass\nclass A:\n    x: int\n", 1, 2, "ClassDef", None),
    ("@print\n@cache(1,\n       2)\nasync def f(x): pass\n", 2, 2, "AsyncFunctionDef", None),
    ("def f(x=y): return 1\n", 1, 9, "FunctionDef", (1, 13, "Return")),
    ("def f():\n    return [1,\n            y]\nf()\n", 3, 13, "Return", (3, None, "Return")),
    ("é = 'é'; ü\n", 1, 10, "Expr", (1, 1, "Assign")),
):
    expected = (line, column, statement) if HAS_POSITIONS or before is None else before
    # Where a for loop's failure stands differs between versions: at the loop, or at what it goes through.
    found = where(program)
    assert found == expected or (found[0], found[2]) == (line, "For") == (expected[0], expected[2]), (program, found)

# What failed is what stands at the place: neither an import nor a raise that shares its line.
if HAS_POSITIONS:
    assert [told(program)["node"] for program in ("import os; 1 / 0\n", "import nothing; x = 1\n", "x = 1; raise ValueError\n")] == ["other", "import", "raise"]

# The compiler names no place where it takes no text at all; the character has one.
assert where("a = 1\r\nb = 'é\0'\n") == (2, 7, None)
assert where("a = 1\rb = 'é\ud800'\n") == (2, 7, None)
assert where("\0")[:2] == (1, 1)


# Whose comparisons a class has. Nobody's word counts: neither names nor files.
def by_hand(program, name="T"):
    module = sys.modules["program"] = types.ModuleType("program")
    exec(compile(program, FILE_NAME, "exec", 0, True), vars(module))
    return written_by_hand(vars(module)[name])


HONEST = (
    "class T: pass\n",
    "from dataclasses import dataclass\n@dataclass\nclass T: pass\n",
    "from dataclasses import dataclass\n@dataclass(order=True)\nclass T:\n    a: int\n    b: int = 1\n",
    "from dataclasses import dataclass, field, InitVar\n@dataclass(frozen=True)\nclass T:\n    a: int = field(compare=False)\n    b: InitVar[int]\n    c: int\n",
    "from dataclasses import make_dataclass\nT = make_dataclass('T', ['a', 'b', 'c'], order=True)\n",
    "from dataclasses import dataclass\n@dataclass\nclass A:\n    a: int\n@dataclass\nclass B(A):\n    b: int\nclass T(B): pass\n",
    "from typing import NamedTuple\nclass T(NamedTuple):\n    a: int\n",
    "from collections import Counter\nclass T(Counter): pass\n",
    "from collections import UserString as T\n",
    "from collections.abc import Set\nclass T(Set): pass\n",
    "from collections.abc import Mapping\nclass T(Mapping): pass\n",
    "from fractions import Fraction as T\n",
    "from pathlib import PurePosixPath as T\n",
    "import enum\nclass T(enum.IntFlag):\n    A = 1\n",
    "from unittest import mock\nT = type(mock.ANY)\n",
    "from unittest import mock\nT = type(mock.MagicMock())\n",
    "import ipaddress\nT = ipaddress.IPv4Address\n",
)
for program in HONEST:
    assert by_hand(program) is None, program
EQUALS = "def e(s, o): return True\n"
FORGED = (
    "class T:\n    def __eq__(s, o): return True\n",
    "exec('class T:\\n  def __eq__(s, o): return True')\n",
    "import decimal\n" + EQUALS + "e.__code__ = e.__code__.replace(co_filename=decimal.__file__)\nT = type('T', (), {'__eq__': e, '__module__': 'decimal'})\n",
    EQUALS + "e.__code__ = e.__code__.replace(co_filename='<frozen abc>')\nclass T: __eq__ = e\n",
    EQUALS + "e.__code__ = e.__code__.replace(co_filename='<string>')\nfrom dataclasses import dataclass\n@dataclass\nclass T:\n    a: int\nT.__eq__ = e\n",
    "from dataclasses import dataclass\n@dataclass\nclass T:\n    a: int\nNotImplemented = True\n",
    "from dataclasses import dataclass\n@dataclass\nclass A:\n    a: int\n@dataclass\nclass T:\n    b: int\nT.__eq__ = A.__eq__\n",
    "import operator\nT = type('T', (), {'__eq__': operator.is_not, '__module__': 'operator'})\n",
    "import functools\nclass T: __eq__ = functools.partialmethod(lambda s, o: True)\n",
    "import functools\nclass T: __eq__ = functools.singledispatch(lambda s, o: True)\n",
    "import types\nfrom collections.abc import Mapping\nclass T: __eq__ = types.FunctionType(Mapping.__eq__.__code__, {'Mapping': object})\n",
    "from unittest import mock\nm = mock.MagicMock()\nm.__eq__.return_value = True\nT = type(m)\n",
    "class MagicProxy:\n    def __get__(s, i, k): return lambda o: True\nclass T: __eq__ = MagicProxy()\n",
)
for program in FORGED:
    assert by_hand(program) == "__eq__", program
print("ok")
