"""What is said of exceptions and values: the candidate's description of an exception, checked field by field and made an
exception again, and the judge's own short texts. A description is the candidate's word, never evidence.
"""

import ast
import builtins
import re

import wire

TEXT_MOST = 300
# Not by attribute, which a metaclass may define anew.
_NAME_OF = type.__dict__["__name__"].__get__
_BASES_OF = type.__dict__["__mro__"].__get__
# The two interpreters are the same one, and so are their statements.
_STATEMENTS = frozenset(kind.__name__ for kind in ast.stmt.__subclasses__())


class Bounds:
    """The last line, and the last column, that an error in a program can be at."""

    def __init__(self, program):
        self.lines = wire.lines_most(program)
        self.columns = wire.columns_most(program)


def exception_info(data, bounds):
    """The candidate's description of an exception in a program of these Bounds, with every field checked."""
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
        if not 1 <= frame[2] <= (wire.LIBRARY_LINE_MOST if frame[0] == "library" else bounds.lines):
            raise wire.Malformed("a frame at no line of the program")
        frames.append({"where": frame[0], "function": frame[1][: wire.NAME_MOST], "line": frame[2]})
    line, column, node = info.get("line"), info.get("column"), info.get("node")
    _check_number(line, 1, bounds.lines, "a line")
    _check_number(column, 0, bounds.columns, "a column")
    _check_number(info.get("code"), -wire.CODE_MOST - 1, wire.CODE_MOST, "a code")
    shown = info.get("locals", [])
    if type(shown) is not list:
        raise wire.Malformed("locals of another shape")
    for local in shown:
        if type(local) is not tuple or [type(part) for part in local] != [str, str]:
            raise wire.Malformed("a local of another shape")
    arguments = info.get("args")
    if arguments is not None and type(arguments) is not bytes:
        raise wire.Malformed("arguments of another shape")
    statement = info.get("statement")
    if statement is not None and (type(statement) is not str or statement not in _STATEMENTS):
        raise wire.Malformed("a statement of no kind")
    return {
        "type": info["type"][: wire.NAME_MOST],
        "bases": [base[: wire.NAME_MOST] for base in info["bases"][: wire.CLASSES_MOST]],
        "message": info["message"][: wire.MESSAGE_MOST],
        "frames": frames,
        "line": line,
        "column": column,
        "node": node if node in ("raise", "assert", "import", "other") else None,
        "statement": statement,
        "locals": [
            {"name": name[: wire.LOCAL_NAME_MOST], "value": value[: wire.LOCAL_VALUE_MOST]} for name, value in shown[: wire.LOCALS_MOST]
        ],
        "args": None if arguments is None else wire.decode(arguments),
        "code": info.get("code"),
    }


def _check_number(value, least, most, what):
    if value is not None and not (type(value) is int and least <= value <= most):
        raise wire.Malformed("%s out of bounds" % what)


# The fields of SourceFacts in src/sandbox/verdict.ts, and `compiles`, which is the judge's alone.
_FACTS = {
    "compiles": bool,
    "parses": bool,
    "tokens": int,
    "foreignTokens": int,
    "lines": int,
    "foreignLines": int,
    "undefinedNames": list,
    "undefinedCalls": list,
    "deadStatements": int,
    "callsInput": bool,
    "redefined": list,
}


def source_facts(message):
    """The facts in a candidate's message about the program's text, with every field checked; and whether it compiles."""
    facts = wire.decode(message, 1)
    if message[:1] != b"F" or type(facts) is not dict or facts.keys() != _FACTS.keys():
        raise wire.Malformed("facts of another shape")
    for name, kind in _FACTS.items():
        value = facts[name]
        if type(value) is not kind or (kind is int and not 0 <= value <= wire.BYTES_MOST):
            raise wire.Malformed("facts of another shape")
        if kind is list:
            if not all(type(item) is str for item in value):
                raise wire.Malformed("facts of another shape")
            facts[name] = [item[:200] for item in value[:20]]
    return facts, facts.pop("compiles")


_STACK_LINE = re.compile(r'^  File "(.*)", line (\d+) in (.*)$')
# How faulthandler writes what is not ASCII. No name in a program's text has a backslash.
_ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")


def stack(text, prompt_lines, lines):
    """The frames of what a candidate wrote about where it was, outermost first; None where there is none of the program's."""
    frames = []
    # The innermost comes first.
    for line in reversed(text.split("\n")):
        match = _STACK_LINE.match(line)
        if match is None:
            continue
        name, number, function = match.group(1), int(match.group(2)[:9]), _ESCAPED.sub(_unescaped, match.group(3))[: wire.NAME_MOST]
        if name == wire.PROGRAM_FILE and 1 <= number <= lines:
            frames.append({"where": "sample" if number > prompt_lines else "prompt", "function": function, "line": number})
        elif name != wire.PROGRAM_FILE and frames:
            frames.append({"where": "library", "function": function, "line": max(1, min(number, wire.LIBRARY_LINE_MOST))})
    return frames[-wire.FRAMES_MOST :] or None


def _unescaped(match):
    point = int(match.group(1) or match.group(2) or match.group(3), 16)
    return chr(point) if point <= 0x10FFFF else match.group()


def public(info):
    told = {key: info[key] for key in ("type", "bases", "message", "frames", "line", "column", "node", "statement", "locals")}
    if "OSError" in info["bases"]:
        # No error of the system has the number 0.
        told["errno"] = info["code"] or 0
    return told


def rebuild(info):
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
    error = None
    try:
        error = kind(*arguments) if type(arguments) is tuple else kind(info["message"])
    except Exception:
        try:
            # UnicodeDecodeError and a few others want certain arguments; the groups cannot be had without theirs.
            error = kind.__new__(kind)
            error.args = (info["message"],)
        except Exception:
            return None
    vars(error)[_INFO] = info
    return error


def raised_by_call(error):
    """What the candidate said of a call's exception that has left the test, be it as Python, or the stub, makes of a StopIteration; else None."""
    cause = error.__cause__
    if type(error) is RuntimeError and isinstance(cause, StopIteration):
        error = cause
    return vars(error).get(_INFO)


# Where `rebuild` leaves it. Of several threads' exceptions, each has its own.
_INFO = "__faultline_info__"


def own_info(error):
    """An exception of the test's own code. Never raises."""
    return {
        "type": type_name(error),
        "bases": [_NAME_OF(base) for base in _BASES_OF(type(error)) if base is not object],
        "message": message_of(error),
        "frames": [],
        "line": None,
        "column": None,
        "node": None,
        "statement": None,
        "locals": [],
    }


def represent(value):
    """The value's repr, shortened, or else its type. Never raises."""
    return _text(repr, value, "<%s>" % type_name(value))


def type_name(value):
    """The name of the value's type. Never raises."""
    return _NAME_OF(type(value))


def message_of(error):
    """An exception's message, shortened, or else that it has none. Never raises."""
    return _text(str, error, "<no message can be made of it>")


def _text(make, value, otherwise):
    """The one way from a value to text. What the sample returned may be in it, however deep, and the test's own classes around it, so that anything
    may be raised: ValueError by an int of too many digits, InvalidOperation by a Counter of a NaN, the end of the execution by a call."""
    try:
        return shorten(make(value))
    except BaseException:
        return otherwise


def shorten(text):
    return text if len(text) <= TEXT_MOST else text[: TEXT_MOST - 3] + "..."
