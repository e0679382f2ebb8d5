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
import os
import random
import resource
import signal
import sys
import types

import wire
from describer import FILE_NAME, Describer

# A copy of its own, as a program may overwrite everyone's. Functions take it up where they are defined.
__builtins__ = dict(vars(builtins))

PHASES = ("compile", "load", "call")


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
    if job["isolated"]:
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
    describe = Describer(source, job["promptLines"])

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
    for name in ("wire", "describer", "candidate"):
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
        Describer("x\n", 0).exception(error)
    _add_site_builtins()
    gc.collect()
    gc.freeze()
