"""Exercises src/sandbox/python/wire.py, whose folder is the first argument. Prints `ok` or raises."""

import collections
import datetime
import decimal
import fractions
import os
import random
import struct
import sys

sys.path.insert(0, sys.argv[1])
import wire


def same(a, b):
    """Equality that tells types, signs of zero and NaN apart."""
    if type(a) is not type(b):
        return False
    if type(a) in (list, tuple, collections.deque):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if type(a) in (float, complex):
        return struct.pack("<dd", complex(a).real, complex(a).imag) == struct.pack("<dd", complex(b).real, complex(b).imag)
    return a == b


class Mine:
    pass


class MyInt(int):
    pass


cycle = []
cycle.append(cycle)
deep = []
for _ in range(wire.DEPTH_MOST):
    deep = [deep]
inf = float("inf")

good = [
    None, True, False, 0, -1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 7**5000, 0.0, -0.0, inf, -inf, float("nan"), 5e-324,
    "", "a\0\ud800é日\U0001f388", b"", bytes(range(256)), complex(-0.0, float("nan")), [], [[], [1, "x"]], (), (1,), {}, {1: {2: []}, "a": None},
    set(), {1, "a", (2,)}, frozenset({frozenset()}), range(0), range(10**30, -5, -7), decimal.Decimal("1.10"), decimal.Decimal("-Infinity"),
    fractions.Fraction(-1, 3), bytearray(b"x"), collections.deque([1, 2], 5), collections.deque(), collections.Counter("aab"),
    collections.OrderedDict([(2, 1), (1, 2)]), collections.defaultdict(list, {1: [2]}), collections.defaultdict(None), int, type(None),
    datetime.date(2020, 2, 29), datetime.datetime(2020, 1, 1, 1, 2, 3, 4), datetime.timedelta(-1, 5), list(range(10000)),
]
for value in good:
    assert same(wire.decode(wire.encode(value)), value), value
    # What is cut off or has something behind it is never taken for a value.
    data = wire.encode(value)
    for end in {0, 1, len(data) // 2, len(data) - 1} - {len(data)}:
        try:
            wire.decode(data[:end])
            raise SystemExit("cut %r was accepted" % (value,))
        except wire.Malformed:
            pass
    try:
        wire.decode(data + b"N")
        raise SystemExit("a tail was accepted")
    except wire.Malformed:
        pass

bad = [Mine(), MyInt(1), [MyInt(1)], {"a": (x for x in ())}, cycle, deep, [deep], bytes(wire.BYTES_MOST + 1), lambda: 1, Mine, print, object(),
       collections.defaultdict(lambda: 1), datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc), type("L", (list,), {})()]
for value in bad:
    try:
        wire.encode(value)
        raise SystemExit("%r was encoded" % (value,))
    except wire.Unserialisable:
        pass

# Forged bytes: whatever they are, a plain value or Malformed, at no great cost.
forged = [b"", b"i", b"i1234567", b"s\xff\xff\xff\xff", b"l\xff\xff\xff\xff", b"D\x01\0\0\0l\0\0\0\0N", b"S\x01\0\0\0l\0\0\0\0", b"k\x04\0\0\0exec",
          b"s\x01\0\0\0\xff", b"l\x01\0\0\0" * 5000 + b"N", b"t\x01\0\0\0R" * 1000, b"at\x01\0\0\0i" + struct.pack("<q", 10**15), b"at\x01\0\0\0I\x10\0\0\0" + b"\x7f" * 16,
          b"ft\x02\0\0\0i" + bytes(8) + b"i" + bytes(8), b"mt\x01\0\0\0s\x01\0\0\0x", b"RN", b"\x00", b"ol\0\0\0\0", b"ut\x02\0\0\0NN", b"Rt\x01\0\0\0N"]
for data in forged:
    try:
        wire.decode(data)
        raise SystemExit("%r was accepted" % data[:40])
    except wire.Malformed:
        pass

generator = random.Random(1)
seeds = [wire.encode(value) for value in good[:-1]]
for _ in range(20000):
    data = bytearray(generator.choice(seeds))
    for _ in range(generator.randint(1, 4)):
        data.insert(generator.randint(0, len(data)), generator.randrange(256))
        data[generator.randrange(len(data))] = generator.choice(b"ilstdDSZIbckRmfaqnouyzeNTF\0\1\2\xff")
    try:
        wire.decode(bytes(data))
    except wire.Malformed:
        pass

# Frames.
mine, theirs = os.pipe()
reader, writer = wire.Channel(mine), wire.Channel(theirs)
writer.send(b"one")
writer.send(b"")
assert reader.receive(10) == b"one" and reader.has_pending() and reader.receive(10) == b"" and not reader.has_pending()
writer.send(b"12345678901")
try:
    reader.receive(10)
    raise SystemExit("a long frame was accepted")
except wire.Malformed:
    pass
mine, theirs = os.pipe()
reader = wire.Channel(mine)
os.write(theirs, b"\x05\0\0\0ab")
os.close(theirs)
assert reader.receive(10) is None
print("ok")
