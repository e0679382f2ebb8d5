"""The zygote's duties: forks one candidate per execution and watches it. zygote.py has loaded it.

It executes nothing of the candidate's. In tier `namespaces` it is the first process of its process namespace and cannot be
signalled from inside; in tier `landlock` the candidate's system-call filter sees to that. It sees how a candidate ends from
the kernel: wait status, resource usage, the process's CPU clock. One execution at a time; when it is over, everything that the
candidate started is killed and reaped before the next one begins.

Every candidate inherits this process's memory and descriptors. So nothing that a candidate has read or written enters either: programs do not
come here (candidate.py), what is read of a candidate goes into a map that no fork gets, and each has descriptors of its own.

A page that is written to after a fork is copied, by the zygote as by the candidate, and that is most of what an execution takes.
Hence what may look odd here and in candidate.py: work moved before the fork, few objects, few functions, nothing done twice.

Descriptor 3 is a socket to the judge, which is trusted (link.py says what goes over it). Descriptor 4 is a page shared with the
judge: its first byte is 1 while it is the candidate's turn, and link.CALL says in which call. Descriptor 5 is a socket to the launcher
(blocked.py says what for).
"""

import mmap
import os
import select
import signal
import struct
import time

import _socket

import blocked
import candidate
import forks
import link

CONTROL = 3
TURN = 4
DELAYS = 5
# How often the clocks are read while a candidate runs. Short executions end before the first look, which forks.py decides on.
_LOOK_SECONDS = 0.1
# A shorter stretch does not tell who computes from who waits.
_TELLING_SECONDS = 0.05
# How long a candidate that has used up its time is waited for when it is asked where it is, and for each further piece of that.
_STACK_SECONDS = 0.05
_PIECE_SECONDS = 0.005
# What _Watch.words holds where.
_STACK_AT = link.STDOUT_BYTES
_REST_AT = _STACK_AT + link.STACK_BYTES
_WORDS_BYTES = _REST_AT + 65536
# Of the page that a candidate shares only the first byte is read, but all of it would come to the next one.
_NO_PHASE = bytes(mmap.PAGESIZE)
# The folder that candidates may write to.
_SCRATCH = os.environ["HOME"]
# Files and folders, as many as the launcher's tmpfs takes.
_SCRATCH_ENTRIES = 1024
# Stands for a candidate's process id in the system-call filter that the launcher hands over.
_OWN_PROCESS = struct.pack("<I", 0x7FFFFFF1)


def prepare():
    """Takes over descriptors and environment, once. Returns (serve, join_files): serve(rejoin) serves the judge until it is gone, and calls
    `rejoin` after each candidate that lived for longer than forks.py waits, as then the zygote has written; join_files() is for when all is loaded.
    """
    os.environ.pop("LD_BIND_NOW", None)
    tier = os.environ.pop("FAULTLINE_TIER")
    own_user = os.environ.pop("FAULTLINE_OWN_USER", "") == "1"
    # No list of users is in reach, in which a program's user would have a name.
    os.environ["LOGNAME"] = os.environ["USER"] = "candidate"
    restrict = _candidate_restriction(tier)
    if tier == "namespaces" and os.getpid() != 1:
        raise SystemExit("supervisor.py: not the first process of its namespace")
    control = _socket.socket(fileno=os.dup(CONTROL))
    os.close(CONTROL)
    os.set_inheritable(control.fileno(), False)
    turn = mmap.mmap(TURN, mmap.PAGESIZE)
    # No candidate sees it: it could claim that it waits for the judge.
    turn.madvise(mmap.MADV_DONTFORK)
    os.close(TURN)
    # Not handed from call to call: that would have every execution write to its page.
    _Watch.delays = blocked.RunDelays(_socket.socket(fileno=os.dup(DELAYS)))
    os.close(DELAYS)
    phase = mmap.mmap(-1, mmap.PAGESIZE)
    _Watch.words = mmap.mmap(-1, _WORDS_BYTES)
    _Watch.words.madvise(mmap.MADV_DONTFORK)
    # The launcher ignores them; candidates shall not.
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_DFL)
    # Waited for in forks.py; a signal that is not blocked would be dropped. Candidates begin without.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD,))
    begin, join_files = forks.prepare(os.environ.pop("FAULTLINE_FORKS", ""))
    candidate.prepare(phase)

    def serve(rejoin):
        _serve(control, turn, phase, restrict, tier, own_user, begin, rejoin)

    return serve, join_files


def _serve(control, turn, phase, restrict, tier, own_user, begin, rejoin):
    scratch = _scratch()
    control.sendall(link.READY)
    while True:
        request = link.receive_request(control)
        if request is None:
            return
        job, channel = request
        job["ownUser"] = own_user
        report = _execute(job, channel, control, turn, phase, restrict, tier, scratch, begin, rejoin)
        if report is None:
            return
        link.send_report(control, *report)


def _candidate_restriction(tier):
    """Returns the function that a candidate applies to itself after the fork."""
    encoded = os.environ.pop("FAULTLINE_CANDIDATE_FILTER", "")
    import ctypes

    process_control = ctypes.CDLL(None, use_errno=True).prctl
    process_control.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
    process_control.restype = ctypes.c_int
    set_death_signal, set_dumpable, set_seccomp, mode_filter, set_subreaper = 1, 4, 22, 2, 36
    if tier != "namespaces":
        # Orphans come back here instead of to the system's first process, so that they can be killed.
        process_control(set_subreaper, 1, None, 0, 0)
    if tier == "none":
        return lambda: None
    if process_control(set_dumpable, 0, None, 0, 0) != 0:
        raise SystemExit("supervisor.py: cannot become non-dumpable")
    encoded = bytes.fromhex(encoded)
    code = ctypes.create_string_buffer(encoded, len(encoded))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

    program = Program(len(encoded) // 8, ctypes.addressof(code))
    address = ctypes.addressof(program)
    zygote = os.getpid()
    # Made once: a conversion in the candidate costs it pages of its own.
    arguments = (ctypes.c_int(set_seccomp), ctypes.c_ulong(mode_filter), ctypes.c_void_p(address), ctypes.c_ulong(0), ctypes.c_ulong(0))
    install = ctypes.CDLL(None).prctl
    leave = os._exit

    def restrict(_keep=(program, code)):
        if install(*arguments) != 0:
            leave(71)

    def restrict_among_others():
        # No process namespace ends with the zygote.
        if process_control(set_death_signal, signal.SIGKILL, None, 0, 0) != 0 or os.getppid() != zygote:
            os._exit(71)
        code.raw = encoded.replace(_OWN_PROCESS, struct.pack("<I", os.getpid()))
        restrict()

    return restrict if tier == "namespaces" else restrict_among_others


def _execute(job, channel, control, turn, phase, restrict, tier, scratch, begin, rejoin):
    """Runs one candidate to its end. Returns the report, or None when the judge is gone.

    `scratch` is what the folder for files looks like when nobody has used it; a worker whose folder was used gets no further job.
    """
    candidate.bear_limits(job)
    candidate.expect(job)
    output, output_end = os.pipe()
    # Read only when the candidate is asked where it is. Neither end ever waits.
    stacks, stacks_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    # Opened for each: modes and locks belong to what was opened, and would come to the next one.
    nothing = os.open("/dev/null", os.O_RDWR)
    phase[:] = _NO_PHASE
    watch = _Watch(job, output, control, stacks, scratch if tier == "landlock" else None)
    pid, end = begin()
    at_once = end is not None
    if pid == 0:
        candidate.run(job, nothing, output_end, channel, stacks_end, phase, restrict)
    os.close(nothing)
    # Not before: from now on the judge hears of the end by it.
    os.close(channel)
    if not at_once:
        end = watch.until_end(pid, turn)
    status, cpu, memory = end
    ended = time.monotonic()
    leftovers = _kill_all_others(pid, tier)
    # The last writing end, so that the output has an end too.
    os.close(output_end)
    watch.drain()
    os.close(output)
    os.close(stacks)
    os.close(stacks_end)
    if not watch.judge_alive:
        return None
    stopped = watch.stopped
    # Decided by amounts, not by who noticed first.
    if watch.output_bytes > job["outputBytes"]:
        stopped = "output"
    elif watch.has_filled_scratch():
        stopped = "files"
    elif cpu > job["cpuSeconds"]:
        stopped = "cpu"
    used_scratch = tier != "none" and (scratch is None or leftovers is None or _scratch() != scratch)
    share = watch.call_share(ended, cpu)
    wall = time.monotonic() - watch.start
    if not at_once:
        rejoin()
    return status, stopped, phase[0], used_scratch, leftovers or 0, cpu, wall, share, memory, watch.head(), watch.stack()


def _scratch():
    """What changes when the folder that candidates may write to is used in whatever way; None where that cannot be seen."""
    try:
        seen = os.stat(_SCRATCH)
    except OSError:
        return None
    # An entry that was made and removed shows in the times, a change of the mode in the mode and the last of them.
    return seen.st_mode, seen.st_uid, seen.st_gid, seen.st_mtime_ns, seen.st_ctime_ns


class _Watch:
    """One candidate from its fork to its end: its output, its clock, its limits. Made before the fork."""

    __slots__ = tuple("stopped judge_alive output_bytes start _stack_bytes _job _output _control _stacks _scratch _pid _in_call _before_call".split())

    # Where run delays are asked for: one blocked.RunDelays for all candidates.
    delays = None
    # What the candidate has written: the head of its output, where it is, and room for the rest. One for all, and no fork's.
    words = None

    def __init__(self, job, output, control, stacks, scratch):
        self.stopped = None
        self.judge_alive = True
        self.output_bytes = 0
        self._stack_bytes = 0
        self._job = job
        self._output = output
        self._control = control
        self._stacks = stacks
        # What the folder looked like that candidates may fill; None where its file system knows an end by itself.
        self._scratch = scratch
        self.start = time.monotonic()
        # (when, CPU seconds until then) of the first look at the last call that was looked at, and of the look before it.
        self._in_call = self._before_call = self.start, 0.0

    def until_end(self, pid, turn):
        """Waits until a candidate that has not ended at once has, and sees to it that it does. Returns what forks.py tells of its end."""
        self._watch(pid, turn)
        return forks.of(os.wait4(pid, 0))

    def _watch(self, pid, turn):
        """Returns when the candidate has ended or was killed."""
        self._pid = pid
        # The program can open this end, too, and read first what poll has told of. Only now, as most end before anything is read.
        os.set_blocking(self._output, False)
        handle = _open_process(pid)
        try:
            self._watch_handle(pid, handle, turn)
        finally:
            os.close(handle)

    def _watch_handle(self, pid, handle, turn):
        poll = select.poll()
        for descriptor in (handle, self._output, self._control):
            poll.register(descriptor, select.POLLIN)
        # A process's CPU clock by its id, as clock_getcpuclockid(3) computes it.
        clock = (~pid << 3) | 2
        # When it was last asked for run delays, which takes longer than a look at the clock.
        seen_at = self.start
        waits = blocked.Blocked(seen_at)
        call, seen = bytes(4), self._in_call
        milliseconds = self._until_look(0)
        while True:
            events = poll.poll(milliseconds)
            for descriptor, _ in events:
                if descriptor == handle:
                    return None
                if descriptor == self._output:
                    self._take()
                    if self.output_bytes > self._job["outputBytes"]:
                        return self._kill("output")
                else:
                    self.judge_alive = self._control.recv(1) == link.FINISHED
                    return self._kill("finished")
            now = time.monotonic()
            if events and now - seen_at < _LOOK_SECONDS:
                continue  # output in small pieces: not worth a look at the clock each time
            try:
                cpu = time.clock_gettime(clock)
            except OSError:
                continue  # it has just ended
            milliseconds = self._until_look(cpu)
            if cpu >= self._job["cpuSeconds"]:
                return self._kill("cpu")
            if self.has_filled_scratch():
                return self._kill("files")
            if now - seen_at < _LOOK_SECONDS:
                continue
            tasks = self.delays.ask()
            try:
                cpu = time.clock_gettime(clock)
            except OSError:
                continue
            seen_at = time.monotonic()
            waits.look(seen_at, cpu, tasks, turn[0] == 1)
            if turn[link.CALL] != call:
                call, self._before_call, self._in_call = turn[link.CALL], seen, (seen_at, cpu)
            seen = seen_at, cpu
            if waits.exceeds(self._job["wallSeconds"]):
                return self._kill("blocked")

    def _until_look(self, cpu):
        """Milliseconds until the clocks have to be looked at again, when the candidate has used `cpu` seconds."""
        return 1000 * min(_LOOK_SECONDS, max(0.001, self._job["cpuSeconds"] - cpu))

    def call_share(self, end, cpu):
        """CPU seconds per second of the last call, when the candidate has ended at `end` and used `cpu` seconds: since the first look at the call,
        or, where that was a moment ago, since the look before it. Of a candidate that was never looked at, of its whole life."""
        at, used = self._in_call if end - self._in_call[0] >= _TELLING_SECONDS else self._before_call
        return (cpu - used) / (end - at)

    def has_filled_scratch(self):
        """Whether more stands in the folder than the file system of tier `namespaces` would take."""
        if self._scratch is None or _scratch() == self._scratch:
            return False
        size = entries = 0
        folders = [_SCRATCH]
        while folders:
            try:
                with os.scandir(folders.pop()) as listing:
                    for entry in listing:
                        entries += 1
                        # Links are not followed.
                        size += entry.stat(follow_symlinks=False).st_blocks * 512
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
            except FileNotFoundError:
                continue  # just removed
            except OSError:
                # Locked, or deeper than a path is long: nobody can say how much stands there.
                return True
            if entries > _SCRATCH_ENTRIES or size > self._job["fileBytes"]:
                return True
        return False

    def _kill(self, reason):
        self.stopped = reason
        if reason == "cpu":
            self._ask_where()
        os.kill(self._pid, signal.SIGKILL)

    def _ask_where(self):
        """Asks the candidate where it is: it says nothing where the program has seen to that."""
        # What the program itself wrote there, and what there may be no room beside.
        self._read_stack(_REST_AT, _WORDS_BYTES)
        os.kill(self._pid, candidate.STACK_SIGNAL)
        poll = select.poll()
        poll.register(self._stacks, 1)
        count = 0
        end = time.monotonic() + _STACK_SECONDS
        # It comes in pieces, and nothing says which is the last.
        while count < link.STACK_BYTES and poll.poll(1000 * (_PIECE_SECONDS if count else _STACK_SECONDS)) and time.monotonic() < end:
            count += self._read_stack(_STACK_AT + count, _STACK_AT + link.STACK_BYTES)
        self._stack_bytes = count

    def _read_stack(self, start, end):
        """Returns how many bytes there were, as far as they fit."""
        try:
            return os.readv(self._stacks, (self._view(start, end),))
        except BlockingIOError:
            return 0

    def drain(self):
        """Takes what the pipe still holds, once nobody can write to it any more."""
        while self._take():
            pass

    def _take(self):
        """Takes what one read gives. Returns whether that was anything."""
        # First what is missing of the head, then what is only counted.
        head = self._view(min(self.output_bytes, link.STDOUT_BYTES), link.STDOUT_BYTES)
        try:
            count = os.readv(self._output, (head, self._view(_REST_AT, _WORDS_BYTES)))
        except BlockingIOError:
            # The program has taken it back.
            return False
        self.output_bytes += count
        return count > 0

    def head(self):
        """The first bytes of the output, where they stand."""
        return self._view(0, min(self.output_bytes, link.STDOUT_BYTES))

    def stack(self):
        """What the candidate said about where it is, where it stands."""
        return self._view(_STACK_AT, _STACK_AT + self._stack_bytes)

    def _view(self, start, end):
        return memoryview(self.words)[start:end]


def _open_process(pid):
    """A descriptor that becomes readable when the process ends."""
    if hasattr(os, "pidfd_open"):
        return os.pidfd_open(pid)
    # Python built on an old system; the kernel has had the call since 5.3, under this number everywhere.
    import ctypes

    handle = ctypes.CDLL(None, use_errno=True).syscall(434, pid, 0)
    if handle < 0:
        raise OSError(ctypes.get_errno(), "pidfd_open")
    return handle


def _kill_all_others(pid, tier):
    """Ends whatever the candidate left running; returns how many processes that were, None where they cannot be reached."""
    if tier == "landlock":
        # Its filter lets a candidate start none. Should one be there all the same, the launcher has to end it: here nothing
        # can be found out about it, and a signal to all would reach the user's other processes.
        try:
            os.waitpid(-1, os.WNOHANG)
            return None
        except ChildProcessError:
            return 0
    isolated = tier == "namespaces"
    if isolated:
        # As the first process of the namespace this reaches everyone else in it, and nobody outside.
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            # Not even a dead one that nobody has waited for.
            return 0
    else:
        try:
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        for child in _children():
            os.kill(child, signal.SIGKILL)
    count = 0
    while True:
        try:
            os.waitpid(-1, 0)
            count += 1
            if not isolated:
                for child in _children():
                    os.kill(child, signal.SIGKILL)
        except ChildProcessError:
            return count


def _children():
    try:
        with open("/proc/self/task/%d/children" % os.getpid()) as listing:
            return [int(word) for word in listing.read().split()]
    except OSError:
        return []

