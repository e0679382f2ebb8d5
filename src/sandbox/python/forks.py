"""How the zygote forks, and first waits for the candidate's end: one call, of a library (native/launcher/fork.cc) or of Python.

The library writes to no memory while the candidate shares it; Python cannot help it, and an execution takes a fifth longer. What comes of
it is the same. supervisor.py says what happens to a candidate that lives for longer.
"""

import mmap
import os
import signal
import struct
import sys

# Most candidates end before anybody looks.
PATIENCE_SECONDS = 0.02
# How often that sleep begins again after a signal that did not tell of the candidate's end: one may wait from an earlier candidate.
# No oftener, as a candidate can send as many as it likes, or stop and go on: whatever wakes up, its limits are looked at.
_SLEEPS = (0, 1)
_CHILD = frozenset((signal.SIGCHLD,))
_wait_for_signal = signal.sigtimedwait
_wait = os.wait4
_fork = os.fork
_END = struct.Struct("qqqd")


def prepare(file):
    """Once, SIGCHLD being blocked. Returns (begin, join_files).

    begin() forks. In the candidate it returns (0, None); in the zygote the candidate's process id and, where it has ended by then and was
    waited for, (wait status, CPU seconds, peak memory in bytes), else None. OSError where there can be no further process.
    join_files() makes forks cheaper once all is loaded.

    `file` is the library, empty where there is none. One that cannot be loaded is said on standard error, as the launcher says notes.
    """
    if not file:
        return _begin, lambda: None
    import ctypes

    try:
        # Which keeps the interpreter's lock.
        library = ctypes.PyDLL(file)
    except OSError as error:
        sys.stderr.write("faultline-launcher: note: forks take longer: %s\n" % str(error).replace("\n", " "))
        sys.stderr.flush()
        return _begin, lambda: None
    library.faultline_join_files.restype = None
    return _begin_by(library), library.faultline_join_files


def _begin_by(library):
    import ctypes

    end = mmap.mmap(-1, mmap.PAGESIZE)
    # It is written to once the candidate has ended, and no later one shall find it.
    end.madvise(mmap.MADV_DONTFORK)
    library.faultline_agree.restype = None
    library.faultline_agree.argtypes = [ctypes.c_void_p, ctypes.c_long]
    library.faultline_agree(ctypes.addressof(ctypes.c_char.from_buffer(end)), int(PATIENCE_SECONDS * 1e9))
    fork = library.faultline_fork
    fork.restype = ctypes.c_long
    unpack = _END.unpack_from

    def begin():
        pid = fork()
        if pid == 0:
            return 0, None
        if pid < 0:
            raise OSError(-pid, os.strerror(-pid))
        ended, status, kibibytes, cpu = unpack(end)
        return pid, (status, cpu, kibibytes * 1024) if ended else None

    return begin


def _begin():
    pid = _fork()
    if pid == 0:
        return 0, None
    # Until the end this process sleeps in one call: each page that it writes to while the candidate shares it has to be copied first.
    for _ in _SLEEPS:
        if _wait_for_signal(_CHILD, PATIENCE_SECONDS) is None:
            break
        end = _wait(pid, os.WNOHANG)
        if end[0]:
            return pid, of(end)
    return pid, None


def of(end):
    """What begin() tells of an end, of what os.wait4 returns."""
    _, status, usage = end
    return status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
