"""The judge's own time while it executes a test: CPU time, and time in which it waits outside of a candidate's turn. Ends nothing, and knows no
verdicts: it tells somebody that a limit is met, who may leave the test by an exception.

It looks around every tenth of a second, by a signal, as a test may wait in any call. One that waits in C for good hears of no signal. One that takes
SIGALRM for itself, by a handler or by an alarm, is not looked at from then on, as a look would be an alarm that it never set. What ends these stands
elsewhere (judge.py, `_limit_own_time`; src/sandbox/limits.ts).

Nobody shows the judge how long it was in the queue for a core, as the zygote is shown of a candidate (blocked.py). So a look counts as waiting only
where the judge has left its core by its own doing, oftener than it was put off it, and computed next to nothing since the one before, and for no more than
the time between two looks: a machine that keeps the judge from running, for however long, has it sleep no oftener.
"""

import resource
import signal
import time

_LOOK_SECONDS = 0.1
# Who computes takes more of the time between two looks.
_SHARE = 0.05
# As many looks a test has to leave, once told. An exception that came while this ends would leave the signal on.
_SILENT_LOOKS = 10

# The real ones: while a test is executed others stand in their place in the module.
_signal, _setitimer, _alarm = signal.signal, signal.setitimer, signal.alarm
# Whether the timer that runs is the looks', not the test's.
_is_looking = False


class OwnTime:
    """A context in which the main thread executes a test.

    `turn`: a byte that is 1 in a candidate's turn. `limits`: {"cpu": seconds, "blocked": seconds}. `place(frame)` names where in the test it
    stands, by what can be compared. `met(resource, frame, here)` is called at every look at which a limit is met, of `blocked` where the look
    counts; `here`: seconds of that since it has come to where it stands. One that raises is called again after some looks, where the test has stayed.
    """

    def __init__(self, turn, limits, place, met):
        self._turn = turn
        self._limits = limits
        self._place = place
        self._met = met
        self._waited = 0.0
        self._waits_at = None
        # The last part of it, in which it stood at one place of the test.
        self._waited_here = 0.0
        self._silent = 0

    def __enter__(self):
        global _is_looking
        self._seen = _clocks()
        self._start = self._seen[1]
        signal.signal, signal.setitimer, signal.alarm = _signal_of_test, _setitimer_of_test, _alarm_of_test
        _signal(signal.SIGALRM, self._look)
        _is_looking = True
        _setitimer(signal.ITIMER_REAL, _LOOK_SECONDS, _LOOK_SECONDS)
        return self

    def __exit__(self, *error):
        # The test's own alarm, too. Where a last look raises here, the next test begins all the same as if there had been none.
        _setitimer(signal.ITIMER_REAL, 0)
        signal.signal, signal.setitimer, signal.alarm = _signal, _setitimer, _alarm

    def _look(self, number, frame):
        now, cpu, sleeps = _clocks()
        wall, used, has_slept = now - self._seen[0], cpu - self._seen[1], sleeps > self._seen[2]
        self._seen = now, cpu, sleeps
        if self._silent > 0:
            self._silent -= 1
            return
        if cpu - self._start >= self._limits["cpu"]:
            self._tell("cpu", frame, 0.0)
        if self._turn[0] == 1 or not has_slept or used >= _SHARE * wall:
            return
        waited = min(wall, _LOOK_SECONDS)
        place = self._place(frame)
        self._waited_here = waited + (self._waited_here if place == self._waits_at else 0.0)
        self._waits_at = place
        self._waited += waited
        if self._waited >= self._limits["blocked"]:
            self._tell("blocked", frame, self._waited_here)

    def _tell(self, resource, frame, here):
        self._silent = _SILENT_LOOKS
        self._met(resource, frame, here)
        self._silent = 0


def _leave_to_test():
    """Ends the looks. A test's own timer goes on."""
    global _is_looking
    if _is_looking:
        _setitimer(signal.ITIMER_REAL, 0)
        _is_looking = False


# What a test finds in the module `signal`. Functions of this module, as a module that the test imports may keep them for later tests.


def _signal_of_test(signalnum, handler):
    if signalnum != signal.SIGALRM:
        return _signal(signalnum, handler)
    _leave_to_test()
    before = _signal(signalnum, handler)
    # Where it set an alarm first the handler has stayed.
    return signal.SIG_DFL if isinstance(getattr(before, "__self__", None), OwnTime) else before


def _setitimer_of_test(which, *seconds):
    if which == signal.ITIMER_REAL:
        _leave_to_test()
    return _setitimer(which, *seconds)


def _alarm_of_test(seconds):
    _leave_to_test()
    return _alarm(seconds)


def _clocks():
    """(seconds on the wall clock, CPU seconds of this process, how often its threads went to sleep less how often they were made to wait)."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.monotonic(), time.process_time(), usage.ru_nvcsw - usage.ru_nivcsw
