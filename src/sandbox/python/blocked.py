"""How long a candidate was blocked: neither on a core nor in the queue for one, while it was its turn. Part of the zygote.

Blocked time = wall - CPU - run delay. The last is what the kernel counts while a task wants to run and has no core, and its number stands
in /proc, which no compartment is shown: the launcher reads it (native/launcher/run_delay.h). So a machine that is busy blocks nobody, and a
program that sleeps is blocked however often it wakes up. Kills nobody, and knows no limit but as it is told.
"""

import select

# How long the launcher is waited for. Met when the machine hangs.
_ANSWER_SECONDS = 1
_ANSWER_BYTES = 1 << 16
# CPU time of a process's only task is up to a tick of the clock old where the kernel counts it by tasks.
_TICK_SECONDS = 0.02
# Where run delays are not to be had: a process that wants to run gets more than this share of any interval, unless twenty others want the
# same core; one that sleeps, also one that wakes up now and then to look around, gets less.
_SHARE = 0.05
# What wakes up more often is not blocked by that rule, and ends when it has taken this many times the limit.
_FACTOR = 10


class RunDelays:
    """Asks the launcher, over a socket that keeps messages apart. One for all candidates."""

    def __init__(self, socket):
        socket.setblocking(False)
        self._socket = socket
        self._answers = select.poll()
        self._answers.register(socket.fileno(), select.POLLIN)

    def ask(self):
        """{task: (seconds on a core, seconds in the queue for one)} of the candidate, or None where that is not to be had."""
        try:
            # An answer that came too late is not the next question's.
            while self._answers.poll(0):
                if not self._socket.recv(_ANSWER_BYTES):
                    return None  # nobody is at the other end
            self._socket.send(b"?")
            if not self._answers.poll(1000 * _ANSWER_SECONDS):
                return None
            return _parse(self._socket.recv(_ANSWER_BYTES))
        except OSError:
            return None


def _parse(answer):
    tasks = {}
    for line in answer.splitlines():
        if line == b"-":
            return None
        task, on_core, waited, turns = map(int, line.split())
        if turns == 0:
            # A task that can be asked about has been on a core: this kernel does not count.
            return None
        tasks[task] = (on_core / 1e9, waited / 1e9)
    return tasks or None


class Blocked:
    """Adds up one candidate's blocked time, look by look."""

    def __init__(self, start):
        self._seconds = 0.0
        # Of the candidate's turn, in which nobody could tell blocked time from run delay.
        self._unsure = 0.0
        self._seen_at = start
        self._seen_cpu = 0.0
        self._seen_tasks = {}

    def look(self, now, cpu, tasks, own_turn):
        """Takes in what the clocks show: `now`, CPU seconds of the whole process, and RunDelays.ask()'s answer, just asked for.

        `own_turn`: false where the candidate waits for the judge. Such a stretch says nothing about it.
        """
        wall = now - self._seen_at
        used = cpu - self._seen_cpu
        if tasks is None:
            blocked = wall if used < _SHARE * wall else 0.0
        else:
            blocked = self._unused(wall, used, cpu, tasks)
            self._seen_tasks = tasks
        if own_turn:
            self._seconds = max(0.0, self._seconds + blocked)
            if tasks is None:
                self._unsure += wall
        self._seen_at = now
        self._seen_cpu = cpu

    def _unused(self, wall, used, cpu, tasks):
        """Seconds since the last look in which no task was on a core or in the queue. Below 0 where some counted before were."""
        if len(tasks) == 1:
            ((task, (own, delay)),) = tasks.items()
            # Nobody else has taken part in this process: the sum is exact. A wait is counted when it ends, and then takes back what was
            # held against the program while it went on.
            if cpu - own < _TICK_SECONDS:
                return wall - used - delay + self._seen_tasks.get(task, (0.0, 0.0))[1]
        # Of several, waits and computations overlap, and a sum would let tasks that wake up together hide that they sleep. A single
        # task is at one place at a time: where it was on a core or in the queue, the process was not blocked.
        busy = used
        for task, (own, delay) in tasks.items():
            own_before, delay_before = self._seen_tasks.get(task, (0.0, 0.0))
            busy = max(busy, own - own_before + delay - delay_before)
        return max(0.0, wall - busy)

    def exceeds(self, limit):
        """Whether the candidate was blocked for `limit` seconds, or cannot be held to that in another way."""
        return self._seconds >= limit or self._unsure >= _FACTOR * limit
