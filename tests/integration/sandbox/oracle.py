"""The official checkers' semantics, for comparison in the tests only: nothing here is safe, and nothing of the sandbox is used.

openai/human-eval executes the program, the test and the call of `check` as one text in one namespace, within a time limit, with
output swallowed and dangerous functions set to None; whatever is raised is a failure. MBPP's assertions follow the program in
the same namespace. Both are one text to execute here. Two departures, neither of which decides about an honest program: time is
the process's CPU time, so that a busy machine changes nothing, and memory has a limit, so that the machine survives.

Lines of JSON on standard input, {"text": ..., "cpuSeconds": ...}; for each one a line on standard output, {"passed": ..., "raised": ...}.
One fork each, from an interpreter that is warm.
"""

import contextlib
import faulthandler
import io
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile

WALL_FACTOR = 20
MEMORY_BYTES = 4 << 30
WARM = "typing math re collections itertools functools string heapq bisect random copy datetime decimal fractions statistics operator hashlib"
# As openai/human-eval's reliability_guard has them.
WITHOUT = (
    "kill system putenv remove removedirs rmdir fchdir setuid fork forkpty killpg rename renames truncate replace unlink fchmod fchown "
    "chmod chown chroot lchflags lchmod lchown getcwd chdir"
)


class TimeoutException(Exception):
    pass


class WriteOnly(io.StringIO):
    def read(self, *_):
        raise OSError

    readline = readlines = read

    def readable(self):
        return False


def guard():
    import builtins

    faulthandler.disable()
    builtins.exit = builtins.quit = builtins.help = None
    for name in WITHOUT.split():
        if hasattr(os, name):
            setattr(os, name, None)
    shutil.rmtree = shutil.move = shutil.chown = None
    subprocess.Popen = None
    for name in ("ipdb", "joblib", "resource", "psutil", "tkinter"):
        sys.modules[name] = None


def expire(number, frame):
    raise TimeoutException("Timed out!")


def check(text, seconds):
    """Executes in this process; returns None for a pass, else what was raised."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    guard()
    stream = WriteOnly()
    try:
        signal.signal(signal.SIGPROF, expire)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            sys.stdin = stream
            exec(text, {})
        signal.setitimer(signal.ITIMER_PROF, 0)
        return None
    except BaseException as error:
        signal.setitimer(signal.ITIMER_PROF, 0)
        return type(error).__name__


def run(request):
    reader, writer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        leave, write = os._exit, os.write
        try:
            os.close(reader)
            os.setsid()
            raised = check(request["text"], request["cpuSeconds"])
            write(writer, b"\0" if raised is None else raised.encode("utf-8", "replace"))
        finally:
            leave(0)
    os.close(writer)
    # The program may have swallowed its time limit: one second later it is killed.
    patience = WALL_FACTOR * (request["cpuSeconds"] + 1)
    told = os.read(reader, 1000) if select.select([reader], [], [], patience)[0] else b"killed"
    os.close(reader)
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    os.waitpid(child, 0)
    passed = told == b"\0"
    return {"passed": passed, "raised": None if passed else told.decode() or "ended"}


def main():
    for name in WARM.split():
        __import__(name)
    sys.setrecursionlimit(1000)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for line in sys.stdin:
            print(json.dumps(run(json.loads(line))), flush=True)
        os.chdir("/")


main()
