"""Exercises src/sandbox/python/own_time.py, whose folder is the first argument. Prints `ok` or raises."""

import os
import signal
import sys
import threading
import time

sys.path.insert(0, sys.argv[1])
from own_time import OwnTime


OWN = signal.signal, signal.setitimer, signal.alarm


class Met(BaseException):
    pass


def met(resource, frame, here):
    raise Met(resource, here)


def line_of(frame):
    return frame.f_lineno


def met_in(work, turn=0, limits=None, place=line_of):
    """(resource, seconds at one place) of the limit that `work` has met; None where it came to its end, with seconds waited."""
    watch = OwnTime([turn], limits or {"cpu": 100, "blocked": 0.35}, place, met)
    try:
        with watch:
            work()
    except Met as error:
        return error.args
    finally:
        left = signal.getitimer(signal.ITIMER_REAL)
        assert left == (0.0, 0.0), left
        assert (signal.signal, signal.setitimer, signal.alarm) == OWN
    return None, watch._waited


def compute(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def wait_here_and_there():
    time.sleep(0.25)
    time.sleep(100)


def lock_twice():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


# Whatever waits is heard of, in one call or in many.
for wait in (lambda: time.sleep(10**9), lock_twice, lambda: os.read(os.pipe()[0], 1), lambda: [time.sleep(0.01) for _ in range(10**6)]):
    resource, here = met_in(wait)
    assert resource == "blocked" and here >= 0.35, (wait, resource, here)
# What it has waited elsewhere counts, and is told apart.
resource, here = met_in(wait_here_and_there)
assert resource == "blocked" and here < 0.35, here
# Not a candidate's turn, and not what is computed, which has a limit of its own.
assert met_in(lambda: time.sleep(0.5), turn=1) == (None, 0.0)
ended, waited = met_in(lambda: compute(0.5))
assert ended is None, waited
assert met_in(lambda: compute(100), limits={"cpu": 0.3, "blocked": 100})[0] == "cpu", "computing"
# The system's share of it included.
assert met_in(lambda: [os.urandom(1 << 20) for _ in iter(int, 1)], limits={"cpu": 0.3, "blocked": 100})[0] == "cpu", "the system"


# Whoever is to leave has the time for it, and is told again where it stays.
told = []


def stays():
    for _ in range(3):
        try:
            time.sleep(100)
        except Met as error:
            told.append(error.args[1])


assert met_in(stays)[0] is None
assert len(told) == 3 and told[0] < told[1] < told[2], told


# Who does not let it run has it wait no longer than between two looks.
def stopped():
    own = os.getpid()
    helper = os.fork()
    if helper == 0:
        time.sleep(0.05)
        os.kill(own, signal.SIGSTOP)
        time.sleep(1)
        os.kill(own, signal.SIGCONT)
        os._exit(0)
    compute(0.4)
    os.waitpid(helper, 0)


ended, waited = met_in(stopped, limits={"cpu": 100, "blocked": 0.35})
assert ended is None, (ended, waited)


# Who takes the signal for itself hears of no look, and of its own alarm, whatever it sets first, and whichever way.
def with_alarm(*steps):
    rung = []

    def work():
        for step in steps:
            if step == "handler":
                assert signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number)) is signal.SIG_DFL
            elif step == "alarm":
                assert signal.alarm(1) == 0
            elif step == "timer":
                assert signal.setitimer(signal.ITIMER_REAL, 0.7) == (0.0, 0.0)
            else:
                time.sleep(step)

    assert met_in(work)[0] is None, steps
    return len(rung)


assert with_alarm("handler", 0.5) == 0
for set_alarm in ("alarm", "timer"):
    assert with_alarm("handler", 0.5, set_alarm, 1.2) == 1, set_alarm
    assert with_alarm(set_alarm, "handler", 1.2) == 1, set_alarm
# Nobody else's handler and timer are the signal's.
assert met_in(lambda: (signal.signal(signal.SIGUSR1, signal.SIG_IGN), signal.setitimer(signal.ITIMER_VIRTUAL, 0), time.sleep(100)))[0] == "blocked"
# The next one is looked at again.
assert met_in(lambda: time.sleep(100))[0] == "blocked"
print("ok")
