"""Values as bytes, between the judge and a candidate. Exact types only; no code, no classes.

The judge reads bytes that untrusted code may have written, so `decode` trusts nothing: every length is checked against
what is there, depth and size are limited, and whatever does not fit raises `Malformed`. It never imports, calls or
looks up anything by a name that came in, but for the fixed tables below.

What has no plain form (generators, instances of the program's own classes, cycles, subclasses of the plain types) raises
`Unserialisable` on the sending side. Subclasses are refused because their comparisons may be anything at all.

Identity travels for what can be changed (MUTABLE). Such containers are numbered as they begin; one that comes again is a reference
to its number, and in an answer one that came with the call is named by its number in the call, before what it now holds. So a row that
occurs twice in a matrix is one row on both sides, and the judge can make its own objects look as the candidate left its copies.
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


# What the candidate compiles the program as.
PROGRAM_FILE = "<program>"

# Bounds of what a description of an exception or a refused value holds: describer.py keeps to them, and description.py holds it to them.
NAME_MOST = 200
REASON_MOST = 100
CLASSES_MOST = 20
MESSAGE_MOST = 1000
FRAMES_MOST = 40
LOCALS_MOST = 20
LOCAL_NAME_MOST = 100
LOCAL_VALUE_MOST = 80
LIBRARY_LINE_MOST = 1 << 20
CODE_MOST = (1 << 31) - 1


def lines_most(source):
    """The last line that an error in `source` can be at: the tokenizer may name the one after the end."""
    return source.count("\n") + source.count("\r") + 2


def columns_most(source):
    """The last column that an error in `source` can be at, in characters: behind the only line's end. Some versions count bytes, up to four each."""
    return 4 * len(source) + 2


# Of a value whose type is not in the tables below.
NO_PLAIN_FORM = "has no plain form"


class Unserialisable(Exception):
    """A value without a plain form. `offender` is the inner value that has none; `reason` says why, as in `a list, which <reason>`."""

    def __init__(self, offender, reason):
        super().__init__(reason)
        self.offender = offender
        self.reason = reason


class Malformed(Exception):
    """Bytes that `encode` cannot have written."""


def _plain_factory(factory):
    """A factory that is code (`lambda: 0`) stays behind: what a defaultdict holds, and is equal to, does not depend on it."""
    return factory if _is_named(factory) else None


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

# Types that are sent by name: tests pass them as arguments (`int`, or `type(x)` of what has come back), and defaultdict holds one.
_NAMED_TYPES = (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, object, type(None), *_COMPOSED_BY_TYPE)
_NAME_OF_TYPE = {kind: kind.__name__ for kind in _NAMED_TYPES}
_TYPE_OF_NAME = {name: kind for kind, name in _NAME_OF_TYPE.items()}


def _is_named(value):
    """Whether a value is a type that is sent by name."""
    # Fraction alone has a metaclass.
    return (type(value) is type or value is fractions.Fraction) and value in _NAME_OF_TYPE


# Passed by value, so a call's changes to them have to be sent back.
MUTABLE = (list, dict, set, bytearray, collections.deque, collections.Counter, collections.OrderedDict, collections.defaultdict)
_MUTABLE_TAGS = frozenset(b"lDSaqnou")


class _Encoding:
    """What has been written so far."""

    __slots__ = ("out", "places", "kept", "known", "extra", "deepest")

    def __init__(self, known, kept):
        self.out = bytearray()
        # {id of a container: [its number, its size in full (None while it is being written), its height]}
        self.places = {}
        # The containers by number; this also keeps those alive that exist for the encoding alone, or their ids would come again.
        self.kept = kept
        self.known = known
        # Bytes that references stand for.
        self.extra = 0
        self.deepest = 0


def encode_apart(value):
    """`encode`, in which a container that comes twice is two: it asks for no object's `id`, which a hook of the program's may refuse."""
    state = _Encoding(None, [])
    state.places = None
    _encode(value, state, 0)
    return bytes(state.out)


def encode(value, known=None, kept=None):
    """Returns `value` as bytes. Raises Unserialisable.

    `known`: {id: number} of the containers that the other side has under these numbers. `kept`: an empty list, which gets the
    containers of this value by number.
    """
    state = _Encoding(known, [] if kept is None else kept)
    _encode(value, state, 0)
    return bytes(state.out)


def _encode(value, state, depth):
    out = state.out
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
    elif kind in _MUTABLE_SET:
        _encode_mutable(value, kind, state, depth)
    elif kind is tuple or kind is frozenset:
        out += b"t" if kind is tuple else b"Z"
        _encode_items(value, state, depth)
    elif kind is bytes:
        out += b"b"
        out += _pack_length(len(value))
        out += value
    elif kind is complex:
        out += b"c"
        out += _pack_complex(value.real, value.imag)
    elif _is_named(value):
        name = _NAME_OF_TYPE[value].encode()
        out += b"k"
        out += _pack_length(len(name))
        out += name
    elif kind in _COMPOSED_BY_TYPE:
        _encode_composed(value, kind, state, depth)
    else:
        raise Unserialisable(value, NO_PLAIN_FORM)
    if len(out) + state.extra > BYTES_MOST:
        raise Unserialisable(value, "is larger than %d bytes" % BYTES_MOST)


def _encode_items(value, state, depth):
    state.out += _pack_length(len(value))
    _enter(value, state, depth)
    for item in value:
        _encode(item, state, depth + 1)


def _encode_composed(value, kind, state, depth):
    _, tag, take_apart, _, _ = _COMPOSED_BY_TYPE[kind]
    state.out += tag
    _enter(value, state, depth)
    _encode(take_apart(value), state, depth + 1)


def _encode_mutable(value, kind, state, depth):
    out = state.out
    place = None if state.places is None else state.places.get(id(value))
    if place is not None:
        number, size, height = place
        if size is None:
            raise Unserialisable(value, "contains itself")
        if depth + height > DEPTH_MOST:
            raise Unserialisable(value, "is nested deeper than %d levels" % DEPTH_MOST)
        out += b"r"
        out += _pack_length(number)
        state.extra += size
        state.deepest = max(state.deepest, depth + height)
        return
    place = [len(state.kept), None, 0]
    state.kept.append(value)
    if state.places is not None:
        state.places[id(value)] = place
    begin = len(out) + state.extra
    outer_deepest, state.deepest = state.deepest, depth
    if state.known is not None and id(value) in state.known:
        out += b"g"
        out += _pack_length(state.known[id(value)])
    if kind is list or kind is set:
        out += b"l" if kind is list else b"S"
        _encode_items(value, state, depth)
    elif kind is dict:
        out += b"D"
        out += _pack_length(len(value))
        _enter(value, state, depth)
        for key, item in value.items():
            _encode(key, state, depth + 1)
            _encode(item, state, depth + 1)
    else:
        _encode_composed(value, kind, state, depth)
    place[1] = len(out) + state.extra - begin
    place[2] = state.deepest - depth
    state.deepest = max(outer_deepest, state.deepest)


_MUTABLE_SET = frozenset(MUTABLE)


def _enter(value, state, depth):
    # An honest value is rarely deeper than ten.
    if depth >= DEPTH_MOST:
        raise Unserialisable(value, "is nested deeper than %d levels" % DEPTH_MOST)
    if len(state.out) + state.extra > BYTES_MOST:
        raise Unserialisable(value, "is larger than %d bytes" % BYTES_MOST)
    if depth >= state.deepest:
        state.deepest = depth + 1


class _Decoding:
    """What has been read so far."""

    __slots__ = ("known", "kept", "types", "sizes", "changed", "extra", "deepest")

    def __init__(self, known, kept):
        self.known = known
        self.kept = kept
        # In their order; those by which a defaultdict makes plain values are taken out again.
        self.types = []
        # (size in full, height) of the containers in `kept`; None while one is being read.
        self.sizes = []
        # {number in `known`: what that object now holds}
        self.changed = {}
        self.extra = 0
        self.deepest = 0


def decode(data, start=0, known=None, kept=None, types=None):
    """Returns the value that begins at `start` and fills `data` to its end. Raises Malformed.

    `known`: this side's own containers, by the numbers that the other side may name them by; each that is named is made to hold what it
    holds there, once all of `data` has been found to be in order. `kept`: an empty list, which gets the containers of this value by number.
    `types`: a set, which gets the types within this value, but for those by which a defaultdict makes plain values.
    """
    state = _Decoding(known, [] if kept is None else kept)
    try:
        value, end = _decode(data, start, 0, state)
    except (struct.error, IndexError) as error:
        raise Malformed("the value is cut off") from error
    if end != len(data):
        raise Malformed("%d bytes follow the value" % (len(data) - end))
    for number, new in state.changed.items():
        _assign(known[number], new)
    if types is not None:
        types.update(state.types)
    return value


def _assign(old, new):
    """Makes a container hold what another one of its type holds, in its order."""
    kind = type(old)
    if kind is list or kind is bytearray:
        old[:] = new
    elif kind is set:
        old.clear()
        old.update(new)
    elif kind is collections.deque:
        old.clear()
        old.extend(new)
    else:
        if kind is collections.defaultdict:
            old.default_factory = new.default_factory
        items = list(new.items())
        old.clear()
        for key, item in items:
            old[key] = item


def _body(data, at):
    (length,) = _unpack_length(data, at)
    end = at + 4 + length
    if end > len(data):
        raise Malformed("the value is cut off")
    return data[at + 4 : end], end


def _count(data, at, depth, state):
    if depth >= DEPTH_MOST:
        raise Malformed("the value is nested too deep")
    (count,) = _unpack_length(data, at)
    # Every element takes a byte at least; without this a lie about the count would allocate.
    if count > len(data) - at:
        raise Malformed("the value is cut off")
    if depth >= state.deepest:
        state.deepest = depth + 1
    return count, at + 4


def _items(data, at, depth, state):
    count, at = _count(data, at, depth, state)
    items = []
    for _ in range(count):
        item, at = _decode(data, at, depth + 1, state)
        items.append(item)
    return items, at


def _decode(data, at, depth, state):
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
    if tag in _MUTABLE_TAGS:
        return _decode_mutable(data, at, tag, None, depth, state)
    if tag == 0x4E:  # N
        return None, at
    if tag == 0x54:  # T
        return True, at
    if tag == 0x46:  # F
        return False, at
    if tag == 0x64:  # d
        return _unpack_float(data, at)[0], at + 8
    if tag == 0x74:  # t
        items, end = _items(data, at, depth, state)
        return tuple(items), end
    if tag == 0x5A:  # Z
        items, end = _items(data, at, depth, state)
        return _hashed(frozenset, items), end
    if tag == 0x72:  # r
        return _referred(data, at, depth, state)
    if tag == 0x67:  # g
        return _known(data, at, depth, state)
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
        state.types.append(kind)
        return kind, end
    return _decode_composed(data, at, tag, depth, state)


def _decode_composed(data, at, tag, depth, state):
    row = _COMPOSED_BY_TAG.get(tag)
    if row is None:
        raise Malformed("the unknown tag %d" % tag)
    if depth >= DEPTH_MOST:
        raise Malformed("the value is nested too deep")
    if depth >= state.deepest:
        state.deepest = depth + 1
    named = len(state.types)
    parts, end = _decode(data, at, depth + 1, state)
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
    if tag == 0x75 and parts[0] not in (None, object):  # u
        # The first of the parts, and so of their types.
        del state.types[named]
    return value, end


def _hashed(kind, items):
    try:
        return kind(items)
    except TypeError as error:
        raise Malformed("a member cannot be hashed") from error


def _decode_mutable(data, at, tag, own, depth, state):
    """A container that can be changed. `own`: the number of this side's object that it is, or None."""
    number = len(state.kept)
    state.kept.append(None)
    state.sizes.append(None)
    begin = at - 1 + state.extra
    outer_deepest, state.deepest = state.deepest, depth
    if tag == 0x6C:  # l
        value, end = _items(data, at, depth, state)
    elif tag == 0x53:  # S
        items, end = _items(data, at, depth, state)
        value = _hashed(set, items)
    elif tag == 0x44:  # D
        count, end = _count(data, at, depth, state)
        value = {}
        for _ in range(count):
            key, end = _decode(data, end, depth + 1, state)
            item, end = _decode(data, end, depth + 1, state)
            try:
                value[key] = item
            except TypeError as error:
                raise Malformed("a key cannot be hashed") from error
    else:
        value, end = _decode_composed(data, at, tag, depth, state)
    if own is not None:
        if type(state.known[own]) is not type(value):
            raise Malformed("an object of another type than it had")
        state.changed[own] = value
        value = state.known[own]
    state.kept[number] = value
    state.sizes[number] = (end + state.extra - begin, state.deepest - depth)
    state.deepest = max(outer_deepest, state.deepest)
    return value, end


def _referred(data, at, depth, state):
    (number,) = _unpack_length(data, at)
    place = state.sizes[number] if number < len(state.sizes) else None
    if place is None:
        raise Malformed("a reference to nothing")
    size, height = place
    state.extra += size
    # What looks small may be endless to look at.
    if state.extra > BYTES_MOST or depth + height > DEPTH_MOST:
        raise Malformed("the value is too large or nested too deep")
    state.deepest = max(state.deepest, depth + height)
    return state.kept[number], at + 4


def _known(data, at, depth, state):
    (number,) = _unpack_length(data, at)
    tag = data[at + 4]
    if state.known is None or number >= len(state.known) or number in state.changed or tag not in _MUTABLE_TAGS:
        raise Malformed("an object that nobody sent")
    # Taken from now on: it must not be named again inside itself.
    state.changed[number] = None
    return _decode_mutable(data, at + 5, tag, number, depth, state)


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
