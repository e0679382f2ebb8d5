"""Feeds python/blocked.py what clocks and the launcher may show, and prints what it makes of it, as JSON. Run by blocked.test.ts.

Arguments: the folder of blocked.py. Standard input: [[[wall, cpu, tasks, own turn], ...], ...], all since the candidate's start, in seconds;
tasks as RunDelays.ask() gives them, or null. Prints the blocked seconds after each look of each.
Then, for [["answers", text, ...]], what is asked and comes back from a launcher that answers with these texts.
"""

import json
import socket
import sys

sys.path.insert(0, sys.argv[1])
import blocked


def looks(rows):
    seen = blocked.Blocked(100.0)
    found = []
    for wall, cpu, tasks, own_turn in rows:
        tasks = None if tasks is None else {int(task): tuple(times) for task, times in tasks.items()}
        seen.look(100.0 + wall, cpu, tasks, own_turn)
        # The largest limit that is exceeded, to the millisecond.
        found.append(next((limit / 1000 for limit in range(20000, 0, -1) if seen.exceeds(limit / 1000 - 1e-9)), 0))
    return found


def answers(early, text):
    launcher, zygote = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    delays = blocked.RunDelays(zygote)
    if early is not None:
        launcher.send(early.encode())
    if text is None:
        launcher.close()
    else:
        # Sent when asked, and by nobody else: what lies there before the question belongs to another.
        send = zygote.send
        class Asked:
            def send(self, question):
                send(question)
                launcher.send(text.encode())
            recv = zygote.recv
        delays._socket = Asked()
    return delays.ask()


given = json.load(sys.stdin)
json.dump({"looks": [looks(rows) for rows in given["looks"]], "answers": [answers(*texts) for texts in given["answers"]]}, sys.stdout)
