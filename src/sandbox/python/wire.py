"""Values as bytes, between the judge and a candidate. Exact types only; no code, no classes, no identity.

The judge reads bytes that untrusted code may have written, so `decode` trusts nothing: every length is checked against
what is there, depth and size are limited, and whatever does not fit raises `Malformed`. It never imports, calls or
looks up anything by a name that came in, but for the fixed tables below.

What has no plain form (generators, instances of the program's own classes, cycles, subclasses of the plain types) raises
`Unserialisable` on the sending side. Subclasses are refused because their comparisons may be anything at all.
"""

import builtins
import collections
import datetime
import decimal
import fractions
import os
import struct

# A copy of its own, as a program may overwrite everyone's. Functions take it up where they are defined.
__builtins__ = dict(vars(builtins))

DEPTH_MOST = 200
BYTES_MOST = 16 << 20

_pack_int = struct.Struct("<q").pack
_unpack_int = struct.Struct("<q").unpack_from
_pack_float = struct.Struct("<d").pack
_unpack_float = struct.Struct("<d").unpack_from
_pack_complex = struct.Struct("<dd").pack
_unpack_complex = struct.Struct("<dd").unpack_from
_pack_length = struct.Struct("<I").pack
_unpack_length = struct.Struct("<I").unpack_from

_INT_LEAST = -(1 << 63)
_INT_MOST = (1 << 63) - 1


# Bounds of the numbers in a description of an exception (candidate.py, description.py).
COLUMN_MOST = 4000
LIBRARY_LINE_MOST = 1 << 20
CODE_MOST = (1 << 31) - 1


def lines_most(source):
    """The last line that an error in `source` can be at: the tokenizer may name the one after the end."""
    return source.count("\n") + source.count("\r") + 2


class Unserialisable(Exception):
    """A value without a plain form. `offender` is the inner value that has none; `reason` says why."""

    def __init__(self, offender, reason):
        super().__init__(reason)
        self.offender = offender
        self.reason = reason


class Malformed(Exception):
    """Bytes that `encode` cannot have written."""


# Types that are sent by name: tests pass them as arguments (`int`), and defaultdict holds one.
_NAMED_TYPES = (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, range, object, type(None))
_NAME_OF_TYPE = {kind: kind.__name__ for kind in _NAMED_TYPES}
_TYPE_OF_NAME = {name: kind for kind, name in _NAME_OF_TYPE.items()}


def _plain_factory(factory):
    """A factory that is code (`lambda: 0`) stays behind: what a defaultdict holds, and is equal to, does not depend on it."""
    return factory if type(factory) is type and factory in _NAME_OF_TYPE else None


# Types that are sent as a tuple of plain values:
# (type, tag, to the tuple, from the tuple, types of its parts). The parts' types matter: bytearray(10**12) allocates.
_COMPOSED = (
    (range, b"R", lambda v: (v.start, v.stop, v.step), range, (int, int, int)),
    (decimal.Decimal, b"m", lambda v: (str(v),), decimal.Decimal, (str,)),
    (fractions.Fraction, b"f", lambda v: (v.numerator, v.denominator), fractions.Fraction, (int, int)),
    (bytearray, b"a", lambda v: (bytes(v),), bytearray, (bytes,)),
    (collections.deque, b"q", lambda v: (list(v), v.maxlen), collections.deque, (list, (int, type(None)))),
    (collections.Counter, b"n", lambda v: (dict(v),), collections.Counter, (dict,)),
    (collections.OrderedDict, b"o", lambda v: (list(v.items()),), collections.OrderedDict, (list,)),
    (collections.defaultdict, b"u", lambda v: (_plain_factory(v.default_factory), dict(v)), collections.defaultdict, ((type, type(None)), dict)),
    (datetime.date, b"y", lambda v: (v.year, v.month, v.day), datetime.date, (int,) * 3),
    (
        datetime.datetime,
        b"z",
        lambda v: (v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond, v.tzinfo),
        datetime.datetime,
        (int,) * 7 + (type(None),),
    ),
    (datetime.timedelta, b"e", lambda v: (v.days, v.seconds, v.microseconds), datetime.timedelta, (int,) * 3),
)
_COMPOSED_BY_TYPE = {row[0]: row for row in _COMPOSED}
_COMPOSED_BY_TAG = {row[1][0]: row for row in _COMPOSED}

# Passed by value, so a call's changes to them have to be sent back.
MUTABLE = (list, dict, set, bytearray, collections.deque, collections.Counter, collections.OrderedDict, collections.defaultdict)


def encode(value):
    """Returns `value` as bytes. Raises Unserialisable."""
    out = bytearray()
    _encode(value, out, 0)
    return bytes(out)


def _encode(value, out, depth):
    kind = type(value)
    if kind is int:
        if _INT_LEAST <= value <= _INT_MOST:
            out += b"i"
            out += _pack_int(value)
        else:
            body = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            out += b"I"
            out += _pack_length(len(body))
            out += body
    elif kind is str:
        body = value.encode("utf-8", "surrogatepass")
        out += b"s"
        out += _pack_length(len(body))
        out += body
    elif value is None:
        out += b"N"
    elif kind is bool:
        out += b"T" if value else b"F"
    elif kind is float:
        out += b"d"
        out += _pack_float(value)
    elif kind is list or kind is tuple or kind is set or kind is frozenset:
        out += b"l" if kind is list else b"t" if kind is tuple else b"S" if kind is set else b"Z"
        out += _pack_length(len(value))
        _enter(value, out, depth)
        for item in value:
            _encode(item, out, depth + 1)
    elif kind is dict:
        out += b"D"
        out += _pack_length(len(value))
        _enter(value, out, depth)
        for key, item in value.items():
            _encode(key, out, depth + 1)
            _encode(item, out, depth + 1)
    elif kind is bytes:
        out += b"b"
        out += _pack_length(len(value))
        out += value
    elif kind is complex:
        out += b"c"
        out += _pack_complex(value.real, value.imag)
    elif kind is type and value in _NAME_OF_TYPE:
        name = _NAME_OF_TYPE[value].encode()
        out += b"k"
        out += _pack_length(len(name))
        out += name
    elif kind in _COMPOSED_BY_TYPE:
        _, tag, take_apart, _, _ = _COMPOSED_BY_TYPE[kind]
        out += tag
        _enter(value, out, depth)
        _encode(take_apart(value), out, depth + 1)
    else:
        raise Unserialisable(value, "has no plain form")
    if len(out) > BYTES_MOST:
        raise Unserialisable(value, "is larger than %d bytes" % BYTES_MOST)


def _enter(value, out, depth):
    # A cycle is endless depth; an honest value is rarely deeper than ten.
    if depth >= DEPTH_MOST:
        raise Unserialisable(value, "is nested deeper than %d levels" % DEPTH_MOST)
    if len(out) > BYTES_MOST:
        raise Unserialisable(value, "is larger than %d bytes" % BYTES_MOST)


def decode(data, start=0):
    """Returns the value that begins at `start` and fills `data` to its end. Raises Malformed."""
    try:
        value, end = _decode(data, start, 0)
    except (struct.error, IndexError) as error:
        raise Malformed("the value is cut off") from error
    if end != len(data):
        raise Malformed("%d bytes follow the value" % (len(data) - end))
    return value


def _body(data, at):
    (length,) = _unpack_length(data, at)
    end = at + 4 + length
    if end > len(data):
        raise Malformed("the value is cut off")
    return data[at + 4 : end], end


def _count(data, at, depth):
    if depth >= DEPTH_MOST:
        raise Malformed("the value is nested too deep")
    (count,) = _unpack_length(data, at)
    # Every element takes a byte at least; without this a lie about the count would allocate.
    if count > len(data) - at:
        raise Malformed("the value is cut off")
    return count, at + 4


def _items(data, at, depth):
    count, at = _count(data, at, depth)
    items = []
    for _ in range(count):
        item, at = _decode(data, at, depth + 1)
        items.append(item)
    return items, at


def _decode(data, at, depth):
    tag = data[at]
    at += 1
    if tag == 0x69:  # i
        return _unpack_int(data, at)[0], at + 8
    if tag == 0x73:  # s
        body, end = _body(data, at)
        try:
            return body.decode("utf-8", "surrogatepass"), end
        except UnicodeDecodeError as error:
            raise Malformed("a string is not UTF-8") from error
    if tag == 0x4E:  # N
        return None, at
    if tag == 0x54:  # T
        return True, at
    if tag == 0x46:  # F
        return False, at
    if tag == 0x64:  # d
        return _unpack_float(data, at)[0], at + 8
    if tag == 0x6C:  # l
        return _items(data, at, depth)
    if tag == 0x74:  # t
        items, end = _items(data, at, depth)
        return tuple(items), end
    if tag == 0x44:  # D
        count, at = _count(data, at, depth)
        result = {}
        for _ in range(count):
            key, at = _decode(data, at, depth + 1)
            item, at = _decode(data, at, depth + 1)
            try:
                result[key] = item
            except TypeError as error:
                raise Malformed("a key cannot be hashed") from error
        return result, at
    if tag == 0x53 or tag == 0x5A:  # S, Z
        items, end = _items(data, at, depth)
        try:
            return (set(items) if tag == 0x53 else frozenset(items)), end
        except TypeError as error:
            raise Malformed("a member cannot be hashed") from error
    if tag == 0x49:  # I
        body, end = _body(data, at)
        return int.from_bytes(body, "little", signed=True), end
    if tag == 0x62:  # b
        return _body(data, at)
    if tag == 0x63:  # c
        return complex(*_unpack_complex(data, at)), at + 16
    if tag == 0x6B:  # k
        name, end = _body(data, at)
        kind = _TYPE_OF_NAME.get(name.decode("ascii", "replace"))
        if kind is None:
            raise Malformed("an unknown type's name")
        return kind, end
    row = _COMPOSED_BY_TAG.get(tag)
    if row is None:
        raise Malformed("the unknown tag %d" % tag)
    if depth >= DEPTH_MOST:
        raise Malformed("the value is nested too deep")
    parts, end = _decode(data, at, depth + 1)
    if type(parts) is not tuple or len(parts) != len(row[4]) or not all(map(isinstance, parts, row[4])):
        raise Malformed("the parts of a composed value are wrong")
    try:
        value = row[3](*parts)
    except MemoryError:
        raise
    except Exception as error:
        raise Malformed("a composed value cannot be built") from error
    if type(value) is not row[0]:
        raise Malformed("a composed value is of another type")
    return value, end


class Channel:
    """Frames (a length of four bytes, then as many) over a descriptor. Blocking; one thread."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        self._pending = b""

    def send(self, payload):
        """Raises OSError where the other end is gone."""
        data = _pack_length(len(payload)) + payload
        sent = os.write(self._descriptor, data)
        if sent < len(data):
            view = memoryview(data)
            while sent < len(data):
                sent += os.write(self._descriptor, view[sent:])

    def receive(self, bytes_most):
        """Returns the next frame, or None at the end of the stream. Raises Malformed for a frame that is too large.

        A stream that ends within a frame has ended: its writer may have been killed while it wrote.
        """
        pending = self._pending
        while len(pending) < 4:
            more = self._read(65536)
            if not more:
                return None
            pending += more
        (length,) = _unpack_length(pending, 0)
        if length > bytes_most:
            raise Malformed("a frame of %d bytes" % length)
        end = 4 + length
        if len(pending) < end:
            parts = [pending]
            have = len(pending)
            while have < end:
                more = self._read(min(1 << 20, end - have))
                if not more:
                    return None
                parts.append(more)
                have += len(more)
            pending = b"".join(parts)
        self._pending = pending[end:]
        return pending[4:end]

    def has_pending(self):
        """Whether bytes were read that no frame has claimed yet."""
        return len(self._pending) > 0

    def _read(self, most):
        try:
            return os.read(self._descriptor, most)
        except ConnectionResetError:
            # A socket whose other end was closed with bytes unread.
            return b""

    def close(self):
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
