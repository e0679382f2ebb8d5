"""Exercises src/sandbox/python/link.py, whose folder is the first argument. Prints `ok` or raises."""

import os
import sys
import threading

import _socket

sys.path.insert(0, sys.argv[1])
import link


def pair():
    return _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)


def sent(action):
    """What `action(socket)` sends, as the other end's socket; in a thread, as it may be more than a socket holds."""
    mine, theirs = pair()

    def run():
        action(mine)
        mine.close()

    threading.Thread(target=run).start()
    return theirs


# A request brings its descriptor, whatever its size, and whatever stale FINISHED stand before it.
for program in ("", "x = '\ud800é'\n", "y" * 3000000):
    for stale in (0, 1, 3):
        reading, writing = os.pipe()

        def request(socket):
            socket.sendall(link.FINISHED * stale)
            link.send_request(socket, {"program": program, "seconds": 0.5, "nothing": None}, writing)

        theirs = sent(request)
        job, descriptor = link.receive_request(theirs)
        assert job == {"program": program, "seconds": 0.5, "nothing": None}, job
        os.write(descriptor, b"here")
        assert os.read(reading, 10) == b"here"
        # One after the other; then the end.
        assert link.receive_request(theirs) is None
        for open_one in (reading, writing, descriptor):
            os.close(open_one)

# A stream that ends in the middle has ended.
reading, writing = os.pipe()
mine, theirs = pair()
link.send_request(mine, {"program": "z" * 1000}, writing)
whole = theirs.recv(1 << 16)
for length in (1, 4, 5, len(whole) - 1):
    mine, theirs = pair()
    mine.sendmsg((whole[:length],), ((_socket.SOL_SOCKET, _socket.SCM_RIGHTS, writing.to_bytes(4, sys.byteorder)),))
    mine.close()
    assert link.receive_request(theirs) is None, length

# A report, with output that is no UTF-8 and cut in a character, and a phase that the candidate made up.
for stopped in link.STOPPED:
    for phase, name in ((0, "compile"), (1, "load"), (2, "call"), (255, "call")):
        head = b"\xff" + "é".encode()[:1] if stopped else "é".encode() * 4000
        theirs = sent(lambda socket: link.send_report(socket, 139, stopped, phase, True, 7, 0.25, 1.5, 0.75, 1 << 40, head, b"where\xff"))
        report = link.receive_report(theirs)
        text = head.decode("utf-8", "replace")[: link.STDOUT_CHARACTERS]
        assert report == {
            "status": 139,
            "stopped": stopped,
            "phase": name,
            "cpuSeconds": 0.25,
            "wallSeconds": 1.5,
            "callShare": 0.75,
            "peakMemoryBytes": 1 << 40,
            "stdout": text,
            "leftovers": 7,
            "usedScratch": True,
            "stack": "where\ufffd",
        }, report
        assert link.receive_report(theirs) is None

print("ok")
