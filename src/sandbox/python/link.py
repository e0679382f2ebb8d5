"""What judge and zygote say to each other over their socket. Both are trusted; neither opens what belongs to the candidate.

The zygote begins with one byte, READY. Then, for each execution:
  request   `R`, four bytes of length, JSON; the candidate's end of its channel is attached to the first byte
  `F`       the judge is done with the candidate; it may come when the candidate has ended by itself, and be of no use
  report    a fixed record of what the kernel saw, the first bytes of the candidate's output, and where it says it was (STACK_BYTES)
"""

import array
import json
import struct

import _socket

READY = b"!"
FINISHED = b"F"
# How far a candidate came. The byte is its own to write.
PHASES = ("compile", "load", "call")
# Who or what ended a candidate; None where it did so itself.
STOPPED = (None, "finished", "cpu", "blocked", "output", "files")
STDOUT_CHARACTERS = 2000
# A character takes four bytes at most.
STDOUT_BYTES = 4 * STDOUT_CHARACTERS

_pack_length = struct.Struct("<I").pack
_unpack_length = struct.Struct("<I").unpack_from
# What json.loads comes to in the end: all that it does before touches more memory than the parsing itself.
_parse = json.JSONDecoder().scan_once
_HEAD = 5
_PIECE = 1 << 16
_ROOM = _socket.CMSG_SPACE(array.array("i").itemsize)
# As much as is kept of what a candidate that met its CPU limit says about where it is.
STACK_BYTES = 8000
# Where, in the page that the two share, the number of the call under way stands: 0 while the program loads.
CALL = slice(4, 8)
# Wait status; index into STOPPED; index into PHASES; used scratch; leftovers; CPU and wall seconds; CPU seconds per second of the last
# call; peak memory; bytes of output; of the stack.
_REPORT = struct.Struct("<iBB?IdddQII")


def send_request(socket, request, channel):
    """`request` is a dict for JSON, `channel` the descriptor that goes along."""
    body = json.dumps(request).encode()
    descriptors = array.array("i", (channel,))
    data = b"R" + _pack_length(len(body)) + body
    sent = socket.sendmsg((data,), ((_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors),))
    if sent < len(data):
        socket.sendall(data[sent:])


def receive_request(socket):
    """Returns (request, the candidate's end of the channel), or None when the judge is gone."""
    data = b""
    while not data:
        data, ancillary, _, _ = socket.recvmsg(_PIECE, _ROOM)
        if not data:
            return None
        data = data.lstrip(FINISHED)
    descriptors = array.array("i", ancillary[0][2])
    while len(data) < _HEAD:
        more = socket.recv(_PIECE)
        if not more:
            return None
        data += more
    missing = _HEAD + _unpack_length(data, 1)[0] - len(data)
    if missing > 0:
        rest = receive_exactly(socket, missing)
        if rest is None:
            return None
        data += rest
    return _parse(data[_HEAD:].decode(), 0)[0], descriptors[0]


def send_report(socket, status, stopped, phase, used_scratch, leftovers, cpu, wall, share, memory, head, stack):
    """`head` and `stack` are views of memory: what a candidate wrote is put into no object, which a later one could find."""
    record = _REPORT.pack(status, STOPPED.index(stopped), phase, used_scratch, leftovers, cpu, wall, share, memory, len(head), len(stack))
    parts = (record, head, stack)
    sent = socket.sendmsg(parts)
    for part in parts:
        if sent < len(part):
            socket.sendall(memoryview(part)[sent:])
        sent = max(0, sent - len(part))


def receive_report(socket):
    """Returns the report as a dict, or None when the zygote is gone."""
    record = receive_exactly(socket, _REPORT.size)
    if record is None:
        return None
    status, stopped, phase, used_scratch, leftovers, cpu, wall, share, memory, head_length, stack_length = _REPORT.unpack(record)
    texts = receive_exactly(socket, head_length + stack_length)
    if texts is None:
        return None
    return {
        "status": status,
        "stopped": STOPPED[stopped],
        "phase": PHASES[min(phase, 2)],
        "cpuSeconds": cpu,
        "wallSeconds": wall,
        "callShare": share,
        "peakMemoryBytes": memory,
        "stdout": texts[:head_length].decode("utf-8", "replace")[:STDOUT_CHARACTERS],
        "stack": texts[head_length:].decode("utf-8", "replace"),
        "leftovers": leftovers,
        "usedScratch": used_scratch,
    }


def receive_exactly(socket, count):
    """Returns `count` bytes, or None where the stream ends before."""
    parts = []
    while count > 0:
        data = socket.recv(min(count, 1 << 20))
        if not data:
            return None
        parts.append(data)
        count -= len(data)
    return b"".join(parts)
