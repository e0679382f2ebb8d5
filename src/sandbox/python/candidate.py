"""The candidate's half: what happens in the process that executes one untrusted program. Runs in the zygote's fork.

Everything in this process belongs to the program once it runs: it can read and change whatever stands here, which is why
nothing of worth does. No expected value ever enters, and what leaves is either a plain value (see wire.py), taken for
just that, or the program's own description of its failure.

The first message from the judge is the program's text. It comes here and nowhere else: whatever the zygote read would stand in its
memory, and so in that of every later candidate. Messages to the judge, by their first byte:
  L                              the program's body was executed, and the entry point is callable
  M <kind>                       ... the entry point is `unbound` or `not_callable`
  S <exception>                  the program does not compile
  X <exception>                  its body raised
  r <nonce> <(value, changes)>   a call returned; changes: {position or name: new value} of mutable
                                 arguments. What came with the call is named by its number there (wire.py)
  u <nonce> <(type, comparison, reason)>   a call returned what has no plain form
  x <nonce> <exception>          a call raised
  F <facts>                      what the program's text tells (source.py); asked for by the job's `inspect`, and then nothing is executed
Later messages from it: `c <nonce> <(arguments, named arguments)>`.

How far it came (link.py's PHASES) also stands in a byte shared with the zygote, for the case that it ends without a word.
"""

import _signal
import _sitebuiltins
import _socket
import builtins
import faulthandler
import gc
import linecache
import os
import random
import resource
import sys
import types

import wire
from describer import FILE_NAME, Describer
from source import facts

# A copy of its own, as a program may overwrite everyone's. Functions take it up where they are defined.
__builtins__ = dict(vars(builtins))


class _Lines:
    """The program's lines as `linecache` has them, cut when somebody asks: hardly a program does, and each line costs it a page."""

    __slots__ = ("text", "_cut")

    def __init__(self):
        self.text = ""
        self._cut = None

    def __len__(self):
        return len(self._all())

    def __getitem__(self, place):
        return self._all()[place]

    def _all(self):
        if self._cut is None:
            self._cut = self.text.splitlines(True)
        return self._cut


_LINES = _Lines()


# The descriptor of the channel to the judge, in the place of the zygote's own.
CHANNEL = 3
# Where the candidate writes where it is when it gets the signal.
STACKS = 4
STACK_SIGNAL = _signal.SIGRTMIN + 7
_CHANNEL = wire.Channel(CHANNEL)


def expect(job):
    """Called in the zygote before each fork: whatever needs nothing of the program.

    A page that is written to before the fork is the candidate's without being copied for it.
    """
    random.seed(job["seed"])
    job["cpuLimit"] = _cpu_limit(job)
    job["channel"] = _CHANNEL
    job["namespace"] = sys.modules["program"].__dict__


# Bound once, as the program may change what the names mean in their modules; and a name of one's own costs a candidate fewer
# pages than a module's.
_setsid = os.setsid
_dup2 = os.dup2
_closerange = os.closerange
_getpid = os.getpid
_leave = os._exit
_flush = sys.stdout.flush
_set_signal = _signal.signal
_interrupt = _signal.default_int_handler
_tell_stack = faulthandler.register
_set_mask = _signal.pthread_sigmask
_set_limit = resource.setrlimit
_get_limit = resource.getrlimit
_LIMIT_CPU = resource.RLIMIT_CPU
_encode = wire.encode
_decode = wire.decode
_Unserialisable = wire.Unserialisable
_recursion_limit = sys.getrecursionlimit
_set_recursion_limit = sys.setrecursionlimit
_usual_recursion = sys.getrecursionlimit()
_MESSAGE_MOST = wire.BYTES_MOST + 64
# The judge is trusted: as much as a frame can hold.
_PROGRAM_MOST = 0xFFFFFFFF


def run(job, nothing, output, channel, stacks, phase, restrict):
    """Becomes the candidate: executes the program of `job` and answers calls until the judge closes the channel. Does not return.

    `nothing`, `output`, `channel` and `stacks` are the descriptors that it keeps. `phase` is a shared map whose first byte is an index
    into link.py's PHASES. `restrict` applies the last system-call filter, after everything that needs what it forbids.
    """
    status = 70
    try:
        _setsid()
        _dup2(nothing, 0)
        _dup2(output, 1)
        _dup2(nothing, 2)
        if channel != CHANNEL:
            _dup2(channel, CHANNEL, False)
        if stacks != STACKS:
            _dup2(stacks, STACKS, False)
        _closerange(STACKS + 1, 256)
        # In the fork only: the zygote, as the first process of its namespace, is deaf to signals because it handles none.
        _set_signal(2, _interrupt)
        _set_mask(2, ())  # SIG_SETMASK: what the zygote blocks for itself
        _tell_stack(STACK_SIGNAL, STACKS, False)
        _set_limit(_LIMIT_CPU, job["cpuLimit"])
        restrict()
        _serve(job, job["channel"], phase)
        status = 0
    finally:
        # No exit handlers, no finalisers, no flush: they are the program's too.
        _leave(status)


def bear_limits(job):
    """Called in the zygote, whose candidates inherit them: the limits that it can bear itself, as it comes near none of them."""
    global _borne
    limits = (job["memoryBytes"], job["fileBytes"], job["processes"])
    # All jobs of a worker have the same.
    if limits == _borne:
        return
    _borne = limits
    wanted = [(resource.RLIMIT_AS, job["memoryBytes"]), (resource.RLIMIT_FSIZE, job["fileBytes"])]
    if job["ownUser"]:
        # Elsewhere it would count all processes of the user who runs faultline. One more for the zygote.
        wanted.append((resource.RLIMIT_NPROC, job["processes"] + 1))
    for what, value in wanted:
        value = _at_most(what, value)
        _set_limit(what, (value, value))


_borne = None


def _cpu_limit(job):
    # Whole seconds only: the backstop of the zygote, which watches the exact time.
    value = _at_most(_LIMIT_CPU, int(job["cpuSeconds"]) + 2)
    # SIGXCPU comes at the soft limit and can be ignored; SIGKILL at the hard one, a second later.
    return value, value + 1 if _get_limit(_LIMIT_CPU)[1] == resource.RLIM_INFINITY else value


def _at_most(what, value):
    most = _get_limit(what)[1]
    return value if most == resource.RLIM_INFINITY else min(value, most)


def _regain():
    # The program may have left no room for what is done here.
    if _recursion_limit() < _usual_recursion:
        _set_recursion_limit(_usual_recursion)


def _send(channel, own, payload):
    try:
        _flush()
    except BaseException:
        # The program closed its output: then it has none.
        pass
    if _getpid() != own:
        # A fork of the program's: it has no say.
        _leave(0)
    channel.send(payload)


def _serve(job, channel, phase):
    own = _getpid()
    encode = _encode
    decode = _decode
    text = channel.receive(_PROGRAM_MOST)
    if text is None:
        return
    text = text.decode("utf-8", "surrogatepass")
    if job["inspect"]:
        _send(channel, own, b"F" + encode(facts(text, job["promptLength"], job["entryPoint"])))
        return
    describe = Describer(text, job["promptLines"])
    _LINES.text = text
    try:
        code = compile(text, FILE_NAME, "exec", 0, True)
    except BaseException as error:
        _send(channel, own, b"S" + describe.syntax(error))
        return
    phase[0] = 1

    namespace = job["namespace"]
    try:
        exec(code, namespace)
    except BaseException as error:
        _regain()
        _send(channel, own, b"X" + describe.exception(error))
        return
    _regain()
    entry_point = namespace.get(job["entryPoint"])
    if not callable(entry_point):
        _send(channel, own, b"M" + (b"not_callable" if job["entryPoint"] in namespace else b"unbound"))
        return
    phase[0] = 2
    _send(channel, own, b"L")

    while True:
        message = channel.receive(_MESSAGE_MOST)
        if message is None:
            return
        nonce = message[1:9]
        # The judge's containers by its numbers, and the numbers of our copies.
        received = []
        try:
            # In here as well: the program may have left no memory for it, or have a hook that refuses it.
            arguments, named = decode(message, 9, None, received)
            known = {id(container): number for number, container in enumerate(received)} if received else None
            before = _mutable_parts(arguments, named, known)
            value = entry_point(*arguments, **named)
            _regain()
            try:
                changes = _changes(arguments, named, before, known) if before else before
                try:
                    reply = b"r" + nonce + encode((value, changes), known)
                except _Unserialisable:
                    if not changes:
                        raise
                    # The value is judged; what cannot travel beside it stays away.
                    reply = b"r" + nonce + encode((value, {}), known)
            except _Unserialisable as refusal:
                reply = b"u" + nonce + describe.refusal(refusal)
        except BaseException as error:
            # Of the call, or of too large a value while it was decoded or encoded (MemoryError).
            _regain()
            reply = b"x" + nonce + describe.exception(error)
        value = None
        _send(channel, own, reply)


_PLAIN = (int, str, float, bool, type(None), bytes, complex)


def _mutable_parts(arguments, named, known):
    """The bytes of every argument that a call can change, or that holds something that can be changed."""
    parts = {}
    for place, value in enumerate(arguments):
        if type(value) not in _PLAIN:
            parts[place] = _encode(value, known)
    if named:
        for place, value in named.items():
            if type(value) not in _PLAIN:
                parts[place] = _encode(value, known)
    return parts


def _changes(arguments, named, before, known):
    """The arguments that the call changed, but for those that it left without a plain form: such a change is not told."""
    changes = {}
    for place, data in before.items():
        value = arguments[place] if type(place) is int else named[place]
        try:
            after = _encode(value, known)
        except _Unserialisable:
            continue
        if after != data:
            changes[place] = value
    return changes


def _add_site_builtins():
    """What the module site, which -S leaves out, adds to the builtins: programs call exit() as they would anywhere."""
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.copyright = _sitebuiltins._Printer("copyright", sys.copyright)
    builtins.credits = _sitebuiltins._Printer("credits", "See https://www.python.org for more information.")
    builtins.license = _sitebuiltins._Printer("license", "See https://www.python.org/psf/license/")
    builtins.help = _sitebuiltins._Helper()


_REHEARSAL = """
def f(x, y):
    '''What an ordinary program does.'''
    if x == 0:
        raise ValueError(x)
    return [x, y]
"""
_REHEARSALS = 20


def prepare(phase):
    """Called once in the zygote: brings this process to the state that every candidate starts from."""
    _add_site_builtins()
    for _ in range(_REHEARSALS):
        # Fills the interpreter's caches, which each candidate would otherwise fill in copies of their pages of its own.
        _set_stage()
        _rehearse(phase)
    # What does not come from a file has no time of change, and so is never looked for again.
    linecache.cache[FILE_NAME] = (0, None, _LINES, FILE_NAME)
    for name in ("wire", "blocked", "link", "warm", "comparisons", "describer", "source", "candidate", "forks", "supervisor"):
        sys.modules.pop(name, None)
    _set_stage()
    gc.collect()
    gc.freeze()


def _set_stage():
    module = types.ModuleType("program")
    module.__dict__["__builtins__"] = vars(builtins)
    sys.modules["program"] = module
    sys.modules["__main__"] = types.ModuleType("__main__")


def _rehearse(phase):
    """One execution from beginning to end, of a program that is known, but for the limits and the filter."""
    job = {"promptLines": 1, "entryPoint": "f", "seed": "0", "ownUser": False, "inspect": False}
    job.update(cpuSeconds=1, memoryBytes=1 << 30, fileBytes=0)
    expect(job)
    judge, mine = _socket.socketpair()
    calls = wire.Channel(judge.fileno())
    calls.send(_REHEARSAL.encode())
    for arguments in ((1, "a"), ([1.5], {}), (0, None)):
        calls.send(b"c" + bytes(8) + wire.encode((arguments, {})))
    judge.shutdown(_socket.SHUT_WR)
    _serve(job, wire.Channel(mine.fileno()), phase)
    judge.close()
    mine.close()
