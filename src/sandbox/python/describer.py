"""The candidate's account of its own failures: exceptions and refused values as plain data. Runs in the candidate's process.

The program may have made everything here hostile: every look is guarded, and what comes out is its word, not evidence.
"""

import ast
import builtins
import itertools
import opcode
import os
import re
import sys

import wire
from comparisons import written_by_hand

# A copy of its own, as a program may overwrite everyone's. Functions take it up where they are defined.
__builtins__ = dict(vars(builtins))

FILE_NAME = wire.PROGRAM_FILE
_NAME_MOST = wire.NAME_MOST
_MESSAGE_MOST = wire.MESSAGE_MOST
_FRAMES_MOST = wire.FRAMES_MOST
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
# Folders that another machine, or the other tier, has elsewhere.
_LIBRARY = re.compile(re.escape(os.path.dirname(os.__file__)) + r"(?![\w.-])")
_SCRATCH = re.compile(re.escape(os.environ["HOME"]) + r"(?![\w.-])")
# What tempfile calls its files, by a generator that nobody seeds; multiprocessing's own stand behind its process's number.
_TEMPORARY = re.compile(r"(/tmp|/dev/shm)/(tmp|pymp-|pym-)(?:[0-9]+-)?[a-z0-9_]{8}(?![a-z0-9_])")
_RAISE = opcode.opmap["RAISE_VARARGS"]
# Where a generator or coroutine stands when an exception is thrown into it, from 3.9 to 3.13. None of these asks the system for anything.
_THROWN = frozenset(opcode.opmap.get(name) for name in ("YIELD_VALUE", "RESUME", "GEN_START", "RETURN_GENERATOR", "POP_TOP", "LOAD_CONST"))
_LOCALS_MOST = wire.LOCALS_MOST
_VALUE_MOST = wire.LOCAL_VALUE_MOST
_DEPTH_MOST = 4
_INT_BITS_MOST = 256
_LINE_END = re.compile("\r\n|\r|\n")
_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>")
_BRACKETS = {list: "[]", tuple: "()", dict: "{}", set: "{}", frozenset: ("frozenset({", "})")}
# From Python 3.13 on, what a function's frame shows its variables as.
_PROXY = type((lambda: sys._getframe())().f_locals)
# The system's word for a process too many, and for whatever else would have to wait.
_AGAIN = 11
_FORKS = frozenset(("fork", "forkpty", "vfork", "fork_exec", "_fork_exec", "posix_spawn", "posix_spawnp"))


# Not by attribute, which a metaclass may define anew.
_NAME_OF = type.__dict__["__name__"].__get__
_EXCEPTIONS = {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)}
_BASES_OF = type.__dict__["__mro__"].__get__
_MEMBERS_OF = type.__dict__["__dict__"].__get__


def _description(**fields):
    """The bytes of an exception's description, complete whatever is known of it."""
    unknown = {
        "message": "",
        "frames": [],
        "line": None,
        "column": None,
        "node": None,
        "statement": None,
        "locals": [],
        "args": None,
        "code": None,
    }
    return wire.encode_apart({**unknown, **fields})


class Describer:
    """Turns exceptions into plain descriptions. The program may have made them hostile: every look is guarded."""

    def __init__(self, source, prompt_lines):
        self._source = source
        self._prompt_lines = prompt_lines
        self._lines = wire.lines_most(source)
        self._columns = wire.columns_most(source)

    def syntax(self, error):
        """An exception of compile: where the program does not parse."""
        line = column = None
        message = None
        if isinstance(error, SyntaxError):
            line, column, message = error.lineno, error.offset, error.msg
        # The judge refuses numbers out of bounds; the interpreter itself gives -1 or 0 where it knows no place.
        line = line if type(line) is int and 1 <= line <= self._lines else None
        column = column if type(column) is int and 0 <= column <= self._columns else None
        if line is None:
            line, column = self._place_of_character(error)
        return self._encode(error, message, line=line, column=column)

    def exception(self, error):
        """An exception that left the program. Never raises, however hostile it is."""
        try:
            return self._exception(error)
        except BaseException:
            pass
        try:
            # Of where it came from the program lets nobody know.
            return self._encode(error, None)
        except BaseException:
            names = _class_names(error)
            return _description(type=names[0], bases=names)

    def _exception(self, error):
        frames = []
        steps = []
        step = error.__traceback__
        innermost = step
        while step is not None:
            innermost = step
            code = step.tb_frame.f_code
            # A position that the program compiled itself may be anything, or none.
            at = step.tb_lineno if type(step.tb_lineno) is int else 1
            if code.co_filename == FILE_NAME:
                at = max(1, min(at, self._lines))
                kind = "sample" if at > self._prompt_lines else "prompt"
                frames.append((kind, code.co_name, at))
                steps.append((kind, at, step))
            elif frames:
                frames.append(("library", code.co_name, max(1, min(at, wire.LIBRARY_LINE_MOST))))
            step = step.tb_next
        if len(frames) > _FRAMES_MOST:
            # Both ends of a deep recursion.
            frames = frames[: _FRAMES_MOST // 2] + frames[-_FRAMES_MOST // 2 :]
        if not steps:
            return self._encode(error, None, frames=frames)
        # The innermost frame of generated code decides; the prompt's own only where there is none.
        own = [index for index, (kind, _, _) in enumerate(steps) if kind == "sample"] or [len(steps) - 1]
        _, line, step = steps[own[-1]]
        offset = _offset(line, step)
        statement, node = self._statement(line, offset, step)
        column = self._column(line, offset, statement)
        shown = locals_of(step.tb_frame)
        if step.tb_frame.f_code.co_name in _COMPREHENSIONS and own[-1] > 0:
            # From Python 3.12 on it has no frame of its own, and the function's locals are there.
            shown = {**locals_of(steps[own[-1] - 1][2].tb_frame), **shown}
        name = None if statement is None else type(statement).__name__
        forks = not _FORKS.isdisjoint(_names_in(statement) if step is innermost else innermost.tb_frame.f_code.co_names)
        return self._encode(
            error,
            None,
            forks,
            _was_thrown(innermost),
            frames=frames,
            line=line,
            column=column,
            node=node,
            statement=name,
            locals=sorted(shown.items())[:_LOCALS_MOST],
        )

    def refusal(self, refusal):
        """What has no plain form: the type's name, whether the program wrote its comparisons by hand, and why it is refused."""
        kind = type(refusal.offender)
        comparison = written_by_hand(kind)
        reason = refusal.reason
        if reason == wire.NO_PLAIN_FORM and _MEMBERS_OF(kind).get("__module__") == "program":
            reason = "is of a class of the program's own"
        return wire.encode_apart((_text(_NAME_OF(kind), _NAME_MOST), comparison, _text(reason, wire.REASON_MOST)))

    def _encode(self, error, message, forks=False, thrown=False, **known):
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
            elif isinstance(error, OSError) and not thrown:
                code = error.errno if type(error.errno) is int and abs(error.errno) <= wire.CODE_MOST else None
                # Of a pipe or a lock that would have to wait it tells of no limit.
                code = None if code == _AGAIN and not forks else code
        except BaseException:
            code = None
        try:
            # Bytes of their own: what is one object within them is to stay one.
            arguments = wire.encode(tuple(error.args))
            if len(arguments) > 10000:
                arguments = None
        except BaseException:
            arguments = None
        names = _class_names(error)
        return _description(
            type=names[0],
            bases=names,
            message=_text(_anywhere(_text(message, 4 * _MESSAGE_MOST), isinstance(error, ImportError)), _MESSAGE_MOST),
            args=arguments,
            code=code,
            **known,
        )

    def _place_of_character(self, error):
        """Line and column of the character for which the compiler took no text at all, of which it gives no line; (None, None) where that was not it."""
        at = -1
        if isinstance(error, UnicodeEncodeError) and error.object == self._source:
            at = error.start
        elif isinstance(error, (ValueError, SyntaxError)) and "null bytes" in str(error):
            at = self._source.find("\0")
        if at < 0:
            return None, None
        lines = _LINE_END.split(self._source[:at])
        return len(lines), len(lines[-1]) + 1

    def _statement(self, line, offset, step):
        """The innermost statement at `line` that holds the failing expression, which begins `offset` bytes into it, and the kind of node that
        failed. Where `offset` is None, the first of the innermost statements at `line`.

        Of kinds, only the program's own raise and assert count as such.
        """
        try:
            tree = ast.parse(self._source)
        except BaseException:
            return None, "other"
        leaves = []
        blocks = [tree]
        while blocks:
            inner = [node for node in _statements_in(blocks.pop()) if _is_at(node, line, offset)]
            for node in reversed(inner):
                if any(_is_at(other, line, offset) for other in _statements_in(node)):
                    blocks.append(node)
                else:
                    leaves.append(node)
        if not leaves and offset is not None:
            # A place that the program compiled itself.
            return self._statement(line, None, step)
        leaves.sort(key=lambda node: (node.lineno, node.col_offset))
        statement = leaves[0] if leaves else None
        kinds = {type(node) for node in leaves}
        if kinds & {ast.Import, ast.ImportFrom}:
            return statement, "import"
        code, instruction = step.tb_frame.f_code, step.tb_lasti
        innermost = step.tb_next is None
        raised = innermost and 0 <= instruction < len(code.co_code) and code.co_code[instruction] == _RAISE
        if raised and ast.Raise in kinds:
            return statement, "raise"
        if raised and ast.Assert in kinds:
            return statement, "assert"
        return statement, "other"

    def _column(self, line, offset, statement):
        """Where in `line` the failing expression begins, or else its statement or decorator, in characters from 1; None where neither is known."""
        place = offset
        if place is None and statement is not None:
            place = next((part.col_offset for part in (*_decorators(statement), statement) if part.lineno == line), None)
        if place is None:
            return None
        lines = _LINE_END.split(self._source)
        if not 1 <= line <= len(lines):
            return None
        # The interpreter counts bytes.
        before = lines[line - 1].encode("utf-8", "surrogatepass")[:place]
        column = len(before.decode("utf-8", "replace")) + 1
        return column if column <= self._columns else None


def _offset(line, step):
    """Bytes of `line` before the failing expression of a traceback's step; None where that is not known, as before Python 3.11."""
    code = step.tb_frame.f_code
    if not hasattr(code, "co_positions"):
        return None
    try:
        first, _, column, _ = next(itertools.islice(code.co_positions(), step.tb_lasti // 2, None))
        return column if first == line and type(column) is int else None
    except Exception:
        # A position that the program compiled itself.
        return None


def _is_at(node, line, offset):
    """Whether a statement, its decorators included, covers a line, and there an offset in bytes where it is not None."""
    begin = min((part.lineno, part.col_offset) for part in (*_decorators(node), node))
    end = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
    if offset is None:
        return begin[0] <= line <= end[0]
    return begin <= (line, offset) < end


def _decorators(node):
    return getattr(node, "decorator_list", ())


def _anywhere(message, is_import):
    """`message` without addresses, the places of this machine and chance names: the same on every machine and in every tier."""
    message = _SCRATCH.sub("/tmp", _LIBRARY.sub("<library>", _ADDRESS.sub("0x...", message)))
    message = _TEMPORARY.sub(r"\1/\2...", message)
    if is_import and message.startswith("cannot import name "):
        # Behind the module's name, its file, or `unknown location` for one that this interpreter has built in.
        known, mark, _ = message.partition("' (")
        return known + mark + "...)" if mark else message
    return message


def _was_thrown(step):
    """Whether the exception came into the innermost frame from outside, by a generator's `throw`: it is the thrower's, whatever it says."""
    code = step.tb_frame.f_code.co_code
    return not 0 <= step.tb_lasti < len(code) or code[step.tb_lasti] in _THROWN


def _class_names(error):
    """Names of the error's classes, outermost last. The program's own `class SystemExit` is not the builtin of that name, and is not told as it."""
    names = []
    for base in _BASES_OF(type(error)):
        name = _NAME_OF(base)[:_NAME_MOST]
        if base is not object:
            names.append(name if _EXCEPTIONS.get(name, base) is base else "program." + name)
    return names[: wire.CLASSES_MOST]


def _names_in(statement):
    """The names and attributes that a statement reads."""
    names = set()
    for node in ast.walk(statement) if statement is not None else ():
        names.add(getattr(node, "id", None))
        names.add(getattr(node, "attr", None))
    return names


def _statements_in(node):
    """The statements directly in a node's blocks; of a handler or a case, those in it."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        block = getattr(node, field, None)
        for inner in block if type(block) is list else ():
            if isinstance(inner, ast.stmt):
                yield inner
            elif not isinstance(inner, ast.expr):
                yield from _statements_in(inner)


def locals_of(frame):
    """{name: short text} of a frame's variables. Never runs anything of the program's."""
    variables = frame.f_locals
    if type(variables) is not dict and type(variables) is not _PROXY:
        # The body of a class may have its names wherever its metaclass likes.
        return {}
    found = {}
    for name, value in dict(variables).items():
        if type(name) is str and name.isidentifier() and not (name.startswith("__") and name.endswith("__")):
            found[_text(name, wire.LOCAL_NAME_MOST)] = _text(_short(value, 0, [_VALUE_MOST]), _VALUE_MOST)
    return found


def _short(value, depth, room):
    """A text for a value of exact plain types, and the type's name for any other. `room`: characters left, in a list of one."""
    kind = type(value)
    if value is None or kind is bool or kind is float or kind is complex:
        text = repr(value)
    elif kind is int:
        text = repr(value) if value.bit_length() <= _INT_BITS_MOST else "<int of %d bits>" % value.bit_length()
    elif kind is str or kind is bytes:
        text = repr(value[:_VALUE_MOST])
    elif kind is range and all(side.bit_length() <= _INT_BITS_MOST for side in (value.start, value.stop, value.step)):
        text = repr(value)
    elif kind in _BRACKETS and depth < _DEPTH_MOST:
        return _short_container(value, kind, depth, room)
    else:
        text = "<%s>" % _text(_NAME_OF(kind), _VALUE_MOST)
    room[0] -= len(text)
    return text


def _short_container(value, kind, depth, room):
    opening, closing = _BRACKETS[kind]
    if not value and kind in (set, frozenset):
        return kind.__name__ + "()"
    parts = []
    room[0] -= len(opening) + len(closing)
    for item in value:
        if room[0] <= 0:
            parts.append("...")
            break
        part = _short(item, depth + 1, room)
        if kind is dict:
            part += ": " + _short(value[item], depth + 1, room) if _is_hashed_plainly(item) else ": ..."
        parts.append(part)
        room[0] -= 2
    if kind in (set, frozenset):
        # Their order may depend on addresses.
        parts.sort()
    if kind is tuple and len(parts) == 1:
        closing = ",)"
    return opening + ", ".join(parts) + closing


def _is_hashed_plainly(key):
    """Whether looking `key` up runs nothing of the program's."""
    return key is None or type(key) in (str, int, float, bool, bytes, complex)


def _text(value, most):
    """`value` cut to `most` characters, as an exact str. Asks nothing of a subclass of the program's."""
    return str.__getitem__(value, slice(most)) if issubclass(type(value), str) else ""
