"""The candidate's account of its own failures: exceptions and refused values as plain data. Runs in the candidate's process.

The program may have made everything here hostile: every look is guarded, and what comes out is its word, not evidence.
"""

import ast
import builtins
import opcode
import re
import types

import wire

# A copy of its own, as a program may overwrite everyone's. Functions take it up where they are defined.
__builtins__ = dict(vars(builtins))

FILE_NAME = "<program>"
_MESSAGE_MOST = 1000
_FRAMES_MOST = 40
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
_RAISE = opcode.opmap["RAISE_VARARGS"]
_COMPARISONS = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")


# Not by attribute, which a metaclass may define anew.
_NAME_OF = type.__dict__["__name__"].__get__
_EXCEPTIONS = {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)}
_BASES_OF = type.__dict__["__mro__"].__get__
_MEMBERS_OF = type.__dict__["__dict__"].__get__


def _description(**fields):
    """The bytes of an exception's description, complete whatever is known of it."""
    unknown = {"message": "", "frames": [], "line": None, "column": None, "node": None, "args": None, "code": None}
    return wire.encode({**unknown, **fields})


class Describer:
    """Turns exceptions into plain descriptions. The program may have made them hostile: every look is guarded."""

    def __init__(self, source, prompt_lines):
        self._source = source
        self._prompt_lines = prompt_lines
        self._lines = wire.lines_most(source)

    def syntax(self, error):
        """An exception of compile: where the program does not parse."""
        line = column = None
        message = None
        if isinstance(error, SyntaxError):
            line, column, message = error.lineno, error.offset, error.msg
        # The judge refuses numbers out of bounds; the interpreter itself gives -1 or 0 where it knows no place.
        line = line if type(line) is int and 1 <= line <= self._lines else None
        column = min(column, wire.COLUMN_MOST) if type(column) is int and column >= 0 else None
        return self._encode(error, message, [], line, column, None)

    def exception(self, error):
        """An exception that left the program. Never raises, however hostile it is."""
        try:
            return self._exception(error)
        except BaseException:
            names = _class_names(error)
            return _description(type=names[0], bases=names)

    def _exception(self, error):
        frames = []
        line = None
        where = None
        innermost = False
        step = error.__traceback__
        while step is not None:
            code = step.tb_frame.f_code
            # A position that the program compiled itself may be anything, or none.
            at = step.tb_lineno if type(step.tb_lineno) is int else 1
            if code.co_filename == FILE_NAME:
                at = max(1, min(at, self._lines))
                kind = "sample" if at > self._prompt_lines else "prompt"
                # The innermost frame of generated code decides; the prompt's own only where there is none.
                if where is None or kind == "sample" or where[0] == "prompt":
                    where = (kind, code, step.tb_lasti)
                    line = at
                    innermost = step.tb_next is None
                frames.append((kind, code.co_name, at))
            elif frames:
                frames.append(("library", code.co_name, max(1, min(at, wire.LIBRARY_LINE_MOST))))
            step = step.tb_next
        node = None
        if where is not None:
            node = self._node(line, where[1], where[2], innermost)
        if len(frames) > _FRAMES_MOST:
            # Both ends of a deep recursion.
            frames = frames[: _FRAMES_MOST // 2] + frames[-_FRAMES_MOST // 2 :]
        return self._encode(error, None, frames, line, None, node)

    def refusal(self, refusal):
        """What has no plain form: the type's name, and whether the program wrote its comparisons by hand."""
        kind = type(refusal.offender)
        comparison = None
        for base in _BASES_OF(kind):
            for name in _COMPARISONS:
                method = _MEMBERS_OF(base).get(name)
                # A dataclass's comparisons are compiled from another file name.
                if isinstance(method, types.FunctionType) and method.__code__.co_filename == FILE_NAME:
                    comparison = comparison or name
        return wire.encode((_text(_NAME_OF(kind), 200), comparison, _text(refusal.reason, 200)))

    def _encode(self, error, message, frames, line, column, node):
        if message is None:
            try:
                message = str(error)
            except MemoryError:
                raise
            except BaseException as nested:
                message = "<%s while the message was made>" % type(nested).__name__
        arguments = None
        code = None
        try:
            if isinstance(error, SystemExit):
                code = error.code
                code = 0 if code is None else code if type(code) is int and abs(code) <= wire.CODE_MOST else 1
            elif isinstance(error, OSError):
                code = error.errno if type(error.errno) is int and abs(error.errno) <= wire.CODE_MOST else None
        except BaseException:
            code = None
        try:
            arguments = tuple(error.args)
            if len(wire.encode(arguments)) > 10000:
                arguments = None
        except BaseException:
            arguments = None
        names = _class_names(error)
        return _description(
            type=names[0],
            bases=names,
            message=_text(_ADDRESS.sub("0x...", _text(message, 4 * _MESSAGE_MOST)), _MESSAGE_MOST),
            frames=frames,
            line=line,
            column=column,
            node=node,
            args=arguments,
            code=code,
        )

    def _node(self, line, code, instruction, innermost):
        """The kind of statement that failed at `line`; only the program's own raise counts as one."""
        try:
            tree = ast.parse(self._source)
        except BaseException:
            return "other"
        found = [
            node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
        ]
        # The innermost statements: those that begin last.
        leaves = [node for node in found if not any(other is not node and _inside(other, node) for other in found)]
        kinds = {type(node) for node in leaves}
        if kinds & {ast.Import, ast.ImportFrom}:
            return "import"
        raised = innermost and 0 <= instruction < len(code.co_code) and code.co_code[instruction] == _RAISE
        if raised and ast.Raise in kinds:
            return "raise"
        if raised and ast.Assert in kinds:
            return "assert"
        return "other"


def _class_names(error):
    """Names of the error's classes, outermost last. The program's own `class SystemExit` is not the builtin of that name, and is not told as it."""
    names = []
    for base in _BASES_OF(type(error)):
        name = _NAME_OF(base)[:200]
        if base is not object:
            names.append(name if _EXCEPTIONS.get(name, base) is base else "program." + name)
    return names[:20]


def _inside(inner, outer):
    return (inner.lineno, inner.col_offset) >= (outer.lineno, outer.col_offset) and (
        inner.end_lineno,
        inner.end_col_offset,
    ) <= (outer.end_lineno, outer.end_col_offset)


def _text(value, most):
    """`value` cut to `most` characters, as an exact str."""
    return "".join(value[:most]) if isinstance(value, str) else ""
