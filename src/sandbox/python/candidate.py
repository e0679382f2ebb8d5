"""The candidate's half: what happens in the process that executes one untrusted program. Runs in the zygote's fork.

Everything in this process belongs to the program once it runs: it can read and change whatever stands here, which is why
nothing of worth does. No expected value ever enters, and what leaves is either a plain value (see wire.py), taken for
just that, or the program's own description of its failure.

Messages to the judge, by their first byte:
  L                              the program's body was executed, and the entry point is callable
  M <kind>                       ... the entry point is `unbound` or `not_callable`
  S <exception>                  the program does not compile
  X <exception>                  its body raised
  r <nonce> <(value, changes)>   a call returned; changes: {position or name: new value} of mutable arguments
  u <nonce> <(type, comparison, reason)>   a call returned what has no plain form
  x <nonce> <exception>          a call raised
Messages from it: `c <nonce> <(arguments, named arguments)>`.

How far it came (PHASES) also stands in a byte shared with the zygote, for the case that it ends without a word.
"""

import _sitebuiltins
import ast
import builtins
import gc
import linecache
import opcode
import os
import random
import re
import resource
import signal
import sys
import types

import wire

# A copy of its own, as a program may overwrite everyone's. Functions take it up where they are defined.
__builtins__ = dict(vars(builtins))

FILE_NAME = "<program>"
PHASES = ("compile", "load", "call")
_MESSAGE_MOST = 1000
_FRAMES_MOST = 40
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
_RAISE = opcode.opmap["RAISE_VARARGS"]
_COMPARISONS = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")


def run(job, channel, phase, restrict):
    """Executes the program of `job` and answers calls until the judge closes the channel. Does not return.

    `phase` is a shared map whose first byte is an index into PHASES. `restrict` applies the last system-call filter, after everything that needs what it forbids.
    """
    status = 70
    try:
        # In the fork only: the zygote, as the first process of its namespace, is deaf to signals because it handles none.
        for name in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _limit(job)
        restrict()
        _serve(job, wire.Channel(channel), phase)
        status = 0
    finally:
        # No exit handlers, no finalisers, no flush: they are the program's too.
        os._exit(status)


def _limit(job):
    # Whole seconds only: the backstop of the zygote, which watches the exact time.
    cpu = int(job["cpuSeconds"]) + 2
    wanted = [(resource.RLIMIT_AS, job["memoryBytes"]), (resource.RLIMIT_CPU, cpu), (resource.RLIMIT_FSIZE, job["fileBytes"])]
    if job["ownUser"]:
        # Elsewhere it would count all processes of the user who runs faultline. One more for the zygote.
        wanted.append((resource.RLIMIT_NPROC, job["processes"] + 1))
    for what, value in wanted:
        most = resource.getrlimit(what)[1]
        if most != resource.RLIM_INFINITY:
            value = min(value, most)
        # SIGXCPU comes at the soft limit and can be ignored; SIGKILL at the hard one, a second later.
        hard = value + 1 if what == resource.RLIMIT_CPU and most == resource.RLIM_INFINITY else value
        resource.setrlimit(what, (value, hard))


def _serve(job, channel, phase):
    source = job["program"]
    # Bound here, as the program may change what the names mean in their modules.
    own = os.getpid()
    getpid = os.getpid
    leave = os._exit
    flush = sys.stdout.flush
    encode = wire.encode
    decode = wire.decode
    recursion_limit = sys.getrecursionlimit
    set_recursion_limit = sys.setrecursionlimit
    usual_recursion = recursion_limit()
    describe = _Describer(source, job["promptLines"])

    def regain():
        # The program may have left no room for what is done here.
        if recursion_limit() < usual_recursion:
            set_recursion_limit(usual_recursion)

    def send(payload):
        try:
            flush()
        except BaseException:
            # The program closed or replaced its output: then it has none.
            pass
        if getpid() != own:
            # A fork of the program's: it has no say.
            leave(0)
        channel.send(payload)

    random.seed(job["seed"])
    try:
        code = compile(source, FILE_NAME, "exec", dont_inherit=True)
    except BaseException as error:
        send(b"S" + describe.syntax(error))
        return
    phase[0] = 1

    module = types.ModuleType("program")
    module.__dict__["__builtins__"] = vars(builtins)
    sys.modules["program"] = module
    sys.modules["__main__"] = types.ModuleType("__main__")
    for name in ("wire", "candidate"):
        sys.modules.pop(name, None)
    linecache.cache[FILE_NAME] = (len(source), None, source.splitlines(True), FILE_NAME)
    namespace = module.__dict__
    try:
        exec(code, namespace)
    except BaseException as error:
        regain()
        send(b"X" + describe.exception(error))
        return
    regain()
    entry_point = namespace.get(job["entryPoint"])
    if not callable(entry_point):
        send(b"M" + (b"not_callable" if job["entryPoint"] in namespace else b"unbound"))
        return
    phase[0] = 2
    send(b"L")

    while True:
        message = channel.receive(wire.BYTES_MOST + 64)
        if message is None:
            return
        nonce = message[1:9]
        arguments, named = decode(message, 9)
        before = _mutable_parts(arguments, named)
        try:
            value = entry_point(*arguments, **named)
            regain()
            try:
                changes = _changes(arguments, named, before)
                try:
                    reply = b"r" + nonce + encode((value, changes))
                except wire.Unserialisable:
                    if not changes:
                        raise
                    # The value is judged; what cannot travel beside it stays away.
                    reply = b"r" + nonce + encode((value, {}))
            except wire.Unserialisable as refusal:
                reply = b"u" + nonce + describe.refusal(refusal)
        except BaseException as error:
            # Of the call, or of too large a value while it was encoded (MemoryError).
            regain()
            reply = b"x" + nonce + describe.exception(error)
        value = None
        send(reply)


def _mutable_parts(arguments, named):
    """The bytes of every argument that a call can change, or that holds something that can be changed."""
    plain = (int, str, float, bool, type(None), bytes, complex)
    parts = {}
    for place, value in enumerate(arguments):
        if type(value) not in plain:
            parts[place] = wire.encode(value)
    for place, value in named.items():
        if type(value) not in plain:
            parts[place] = wire.encode(value)
    return parts


def _changes(arguments, named, before):
    """The arguments that the call changed, but for those that it left without a plain form: such a change is not told."""
    changes = {}
    for place, data in before.items():
        value = arguments[place] if type(place) is int else named[place]
        try:
            after = wire.encode(value)
        except wire.Unserialisable:
            continue
        if after != data:
            changes[place] = value
    return changes


# Not by attribute, which a metaclass may define anew.
_NAME_OF = type.__dict__["__name__"].__get__
_BASES_OF = type.__dict__["__mro__"].__get__
_MEMBERS_OF = type.__dict__["__dict__"].__get__


def _description(**fields):
    """The bytes of an exception's description, complete whatever is known of it."""
    unknown = {"message": "", "frames": [], "line": None, "column": None, "node": None, "args": None, "code": None}
    return wire.encode({**unknown, **fields})


class _Describer:
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
            names = [_NAME_OF(base)[:200] for base in _BASES_OF(type(error)) if base is not object][:20]
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
        names = [_text(_NAME_OF(base), 200) for base in _BASES_OF(type(error)) if base is not object][:20]
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


def _inside(inner, outer):
    return (inner.lineno, inner.col_offset) >= (outer.lineno, outer.col_offset) and (
        inner.end_lineno,
        inner.end_col_offset,
    ) <= (outer.end_lineno, outer.end_col_offset)


def _text(value, most):
    """`value` cut to `most` characters, as an exact str."""
    return "".join(value[:most]) if isinstance(value, str) else ""


def _add_site_builtins():
    """What the module site, which -S leaves out, adds to the builtins: programs call exit() as they would anywhere."""
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.copyright = _sitebuiltins._Printer("copyright", sys.copyright)
    builtins.credits = _sitebuiltins._Printer("credits", "See https://www.python.org for more information.")
    builtins.license = _sitebuiltins._Printer("license", "See https://www.python.org/psf/license/")
    builtins.help = _sitebuiltins._Helper()


def prepare():
    """Called once in the zygote: brings this process to the state that every candidate starts from."""
    # Warm caches that the first use of each would fill in every candidate anew.
    try:
        ast.parse("def f(x):\n    raise ValueError(x)\n")
        {}["warm"]
    except KeyError as error:
        _Describer("x\n", 0).exception(error)
    _add_site_builtins()
    gc.collect()
    gc.freeze()
