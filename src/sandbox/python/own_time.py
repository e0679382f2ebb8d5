"""The judge's own time while it executes a test: CPU time, and time in which it waits outside of a candidate's turn. Ends nothing, and knows no
verdicts: it tells somebody that a limit is met, who may leave the test by an exception.

It looks around every tenth of a second, by a signal, as a test may wait in any call. One that waits in C for good hears of no signal; one that sets
an alarm of its own is not looked at from then on. What ends these stands elsewhere (judge.py, `_limit_own_time`; src/sandbox/limits.ts).

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
        self._seen = _clocks()
        self._start = self._seen[1]
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS, _LOOK_SECONDS)
        return self

    def __exit__(self, *error):
        signal.setitimer(signal.ITIMER_REAL, 0)

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


def _clocks():
    """(seconds on the wall clock, CPU seconds of this process, how often its threads went to sleep less how often they were made to wait)."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.monotonic(), time.process_time(), usage.ru_nvcsw - usage.ru_nivcsw
