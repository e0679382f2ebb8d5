"""Exercises src/sandbox/python/wire.py, whose folder is the first argument; the second one seeds the fuzzer. Prints `ok` or raises."""

import collections
import datetime
import decimal
import fractions
import os
import random
import resource
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
    collections.OrderedDict([(2, 1), (1, 2)]), collections.defaultdict(list, {1: [2]}), collections.defaultdict(None), int, type(None), datetime.date, fractions.Fraction, collections.Counter,
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
       datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc), type("L", (list,), {})()]
for value in bad:
    try:
        wire.encode(value)
        raise SystemExit("%r was encoded" % (value,))
    except wire.Unserialisable:
        pass

# A factory that is code stays behind; what it has made does not.
counted = collections.defaultdict(lambda: 0, {"a": 1})
sent = wire.decode(wire.encode(counted))
assert type(sent) is collections.defaultdict and sent == counted and sent.default_factory is None

# The types within a value are told, but for those by which a defaultdict makes plain values.
for value, told in (
    ([1, "a", range(3)], set()), (collections.defaultdict(list, {1: []}), set()), (collections.defaultdict(None, {1: int}), {int}),
    (collections.defaultdict(object), {object}), (collections.defaultdict(int, {1: [list], 2: collections.defaultdict(dict, {str: 0})}), {list, str}),
):
    types = set()
    wire.decode(wire.encode(value), types=types)
    assert types == told, (value, types)

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

# Identity: a container that comes twice is one container on the other side, in whatever it stands.
row = [1, 2]
shared = wire.decode(wire.encode(([row, row, (row,)], {"a": row}, collections.deque([row]))))
assert all(one is shared[0][0] for one in (shared[0][1], shared[0][2][0], shared[1]["a"], shared[2][0]))
apart = wire.decode(wire.encode([[1], [1]]))
assert apart[0] is not apart[1]
# Temporary parts of composed values never pass for one another.
deques = [collections.deque([number]) for number in range(50)]
assert wire.decode(wire.encode(deques)) == deques

# What is small as references is as large as it looks.
doubled = [0] * 1000
for _ in range(20):
    doubled = [doubled, doubled]
higher = [0]
for _ in range(3):
    inner = higher
    for _ in range(wire.DEPTH_MOST // 2):
        inner = [inner]
    higher = [higher, inner]
for value in (doubled, higher):
    try:
        wire.encode(value)
        raise SystemExit("a value larger than it looks was encoded")
    except wire.Unserialisable:
        pass

# A call: our containers, the other side's copies, and its answer, in which copies are named.
def call(arguments, change):
    sent, received = [], []
    copies = wire.decode(wire.encode(arguments, None, sent), 0, None, received)
    assert len(sent) == len(received) and all(type(one) is type(other) for one, other in zip(sent, received))
    answer = change(*copies)
    known = {id(container): number for number, container in enumerate(received)}
    return wire.decode(wire.encode(answer, known), 0, sent)


first, second = [1], [1]
matrix = [first, second]
assert call((matrix,), lambda m: m.reverse() or m) is matrix
assert matrix[0] is second and matrix[1] is first
matrix = [first, second, first]
call((matrix,), lambda m: m[0].append(2) or m)
assert matrix == [[1, 2], [1], [1, 2]] and matrix[0] is first and matrix[2] is first
for kind in (dict, collections.OrderedDict, collections.Counter, lambda items: collections.defaultdict(int, items)):
    old = kind({"a": 1, "b": 2})
    assert call((old,), lambda d: d.pop("a") and d.update(a=7) or d) is old and list(old.items()) == [("b", 2), ("a", 7)]
for old, change, wanted in (
    ({1}, lambda s: s.add(2) or s, {1, 2}),
    (bytearray(b"a"), lambda b: b.extend(b"b") or b, bytearray(b"ab")),
    (collections.deque([1], 2), lambda d: d.extend((2, 3)) or d, collections.deque([2, 3], 2)),
):
    assert call((old,), change) is old and old == wanted

# Forged: containers that nobody sent, of another type, named twice, inside themselves; references to what is not there yet.
mine = [[1], {}]
for data in (b"g\x02\0\0\0l\0\0\0\0", b"g\x01\0\0\0l\0\0\0\0", b"g\0\0\0\0i" + bytes(8), b"g\0\0\0\0g\0\0\0\0l\0\0\0\0", b"r\0\0\0\0", b"l\x01\0\0\0r\0\0\0\0",
             b"l\x01\0\0\0r\x01\0\0\0", b"t\x02\0\0\0" + b"g\0\0\0\0l\0\0\0\0" * 2, b"g\0\0\0\0l\x01\0\0\0g\0\0\0\0l\0\0\0\0", b"D\x01\0\0\0g\0\0\0\0l\0\0\0\0N"):
    try:
        wire.decode(data, 0, mine)
        raise SystemExit("%r was accepted" % data)
    except wire.Malformed:
        assert mine == [[1], {}]
try:
    wire.decode(b"g\0\0\0\0l\0\0\0\0")
    raise SystemExit("a container was named where nobody sent any")
except wire.Malformed:
    pass

# Any value of these types comes through as it is, and any bytes are a value or refused. Too little memory to allocate what bytes claim.
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
generator = random.Random(int(sys.argv[2]))
leaves = [value for value in good if type(value) in (int, float, str, bytes, bool, complex, decimal.Decimal, fractions.Fraction, range)
          and value == value and not (type(value) is int and value > 2**64)] + [None]


def any_value(depth, hashable=False):
    kind = generator.randrange(14)
    if depth == 0 or kind < 4:
        return generator.choice(leaves)
    items = [any_value(depth - 1, hashable or kind in (5, 6, 7, 8, 9)) for _ in range(generator.randrange(4))]
    if hashable or kind == 4:
        return frozenset(items) if kind == 5 else tuple(items)
    keyed = [(key, any_value(depth - 1)) for key in items] if kind in (6, 7, 8) else []
    return {
        5: lambda: set(items), 6: lambda: dict(keyed), 7: lambda: collections.OrderedDict(keyed), 8: lambda: collections.defaultdict(list, keyed),
        9: lambda: frozenset(items), 10: lambda: collections.deque(items, generator.choice((None, 5))), 11: lambda: bytearray(b"x" * len(items)),
        12: lambda: items + items, 13: lambda: collections.Counter("abca"),
    }[kind]()


seeds = [wire.encode(value) for value in good if type(value) not in (list, bytes, int)]
for _ in range(3000):
    value = any_value(4)
    data = wire.encode(value)
    copy = wire.decode(data)
    assert same(copy, value) and same(wire.decode(wire.encode(copy)), value), value
    seeds.append(data)
tags = b"ilstdDSZIbckRmfaqnouyzeNTFrg\0\1\2\xff"
for _ in range(40000):
    data = bytearray(generator.choice(seeds))
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(len(data))
        how = generator.randrange(5)
        if how == 0:
            data.insert(at, generator.randrange(256))
        elif how == 1:
            data[at] = generator.choice(tags)
        elif how == 2:
            data[at : at + 4] = struct.pack("<I", generator.choice((0, 1, 2, 255, 1 << 20, (1 << 32) - 1)))
        elif how == 3:
            del data[at : at + generator.randint(1, 8)]
            data = data or bytearray(b"N")
        else:
            other = generator.choice(seeds)
            data[at:at] = other[: generator.randint(0, len(other))]
    theirs = [[1], {}, set(), bytearray(b"x"), collections.deque()]
    try:
        wire.decode(bytes(data), 0, theirs)
    except wire.Malformed:
        assert theirs == [[1], {}, set(), bytearray(b"x"), collections.deque()]

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
