"""How a returned value relates to the expected one, and what is special about an input. Looks at plain values alone, decides no verdict.

Both sides may be anything that the wire carries, so every look is bounded: values of more than SIZE_MOST parts have no
relation but `type`, and whatever a comparison raises (a signalling NaN, an int too large for a float) means that there is none.
src/sandbox/verdict.ts says what the names mean.
"""

import collections
import decimal
import fractions
import math

SIZE_MOST = 20000
# Strings and bytes are compared by the interpreter at once: they may be longer.
_TEXT_MOST = 1 << 20

_NUMBERS = (int, float, complex, decimal.Decimal, fractions.Fraction)
_SEQUENCES = (list, tuple, collections.deque)
_TEXTS = (str, bytes, bytearray)
_SETS = (set, frozenset)
_MAPPINGS = (dict, collections.OrderedDict, collections.defaultdict, collections.Counter)

# Types that Python compares by value across the classes. bool is none of the numbers: a truth value is another answer. The taxonomy has
# them by name, for verdicts of which nobody has seen the values (src/taxonomy/rules/wrong-type.ts); tests/contract compares the two.
FAMILIES = (_NUMBERS, _SETS, _MAPPINGS, (bytes, bytearray))

# Of the larger number's size; and how much rounding leaves of an expected 0, which has no size. A small number that is expected is not
# nothing: 2e-10 for 1e-10 is another number, whatever limit the test has.
_ROUNDING = 1e-3
_LEFT_OF_NOTHING = 1e-9


def relations(returned, expected):
    """The names of the relations that hold between two unequal plain values, sorted. Never raises."""
    small = _size(returned, SIZE_MOST) + _size(expected, SIZE_MOST) <= SIZE_MOST
    found = []
    for name, holds, any_size in _RELATIONS:
        if small or any_size:
            try:
                if holds(returned, expected):
                    found.append(name)
            except Exception:
                # Not comparable in this way: then it does not hold.
                continue
    return found


def equal(one, other):
    """Whether two plain values are equal as a test would see it; False where that cannot be told. Never raises."""
    try:
        if _size(one, SIZE_MOST) + _size(other, SIZE_MOST) > SIZE_MOST:
            return False
        return bool(one == other)
    except Exception:
        return False


def close(returned, expected):
    """Whether a returned value equals the expected one, or but for rounding. Never raises."""
    return equal(returned, expected) or "rounding" in relations(returned, expected)


def traits(values):
    """What is special about the arguments of a call: a set of names. Never raises."""
    found = set()
    for value in values:
        try:
            _add_traits(value, found)
        except Exception:
            # Such as members that cannot be compared.
            continue
    return found


def _add_traits(value, found):
    kind = type(value)
    if _is_number(value):
        _add_number(value, found)
    elif kind in _SEQUENCES or kind in _TEXTS or kind in _SETS or kind in _MAPPINGS or kind is range:
        if not value:
            found.add("empty")
            return
        if kind is not range and len(value) == 1:
            found.add("one")
        if kind in _SEQUENCES or kind in _SETS:
            items = list(value)[:SIZE_MOST]
            if any(_is_number(item) and type(item) is not complex and item < 0 for item in items):
                found.add("negative")
            if kind in _SEQUENCES and _flat(items) and len(set(items)) < len(items):
                found.add("duplicates")


def _add_number(value, found):
    if value == 0:
        found.add("zero")
    elif value == 1:
        found.add("one")
    elif type(value) is not complex and value < 0:
        found.add("negative")


def _flat(items):
    return all(type(item) not in _SEQUENCES + _SETS + _MAPPINGS + (bytearray,) for item in items)


def _is_number(value):
    return type(value) in _NUMBERS


def _size(value, most):
    """Parts of a value, counted up to a little above `most`. Depth is bounded by the wire."""
    kind = type(value)
    if kind in _TEXTS:
        return 1 if len(value) <= _TEXT_MOST else most + 1
    if kind is int:
        return 1 if value.bit_length() <= 8 * _TEXT_MOST else most + 1
    if kind in _MAPPINGS:
        parts = (part for item in value.items() for part in item)
    elif kind in _SEQUENCES or kind in _SETS:
        parts = value
    else:
        return 1
    count = 1
    for part in parts:
        count += _size(part, most - count)
        if count > most:
            break
    return count


def _family(kind):
    for family in FAMILIES:
        if kind in family:
            return family
    return kind


def _type(returned, expected):
    if _family(type(returned)) != _family(type(expected)):
        return True
    if _order(returned, expected):
        return False
    if type(returned) in _SETS + _MAPPINGS and len(returned) == len(expected) > 0:
        # As many keys or elements, none of them equal to one of the others, or of its type.
        if set(returned).isdisjoint(expected) and {_family(type(key)) for key in returned}.isdisjoint(_family(type(key)) for key in expected):
            return True
    # Containers that differ in nothing but the types in the same places.
    pairs = _pairs(returned, expected)
    unequal = [pair for pair in pairs or () if not pair[0] == pair[1]]
    return bool(unequal) and all(_type(*pair) for pair in unequal)


def _type_if_small(returned, expected):
    if _size(returned, SIZE_MOST) + _size(expected, SIZE_MOST) <= SIZE_MOST:
        return _type(returned, expected)
    return _family(type(returned)) != _family(type(expected))


def _pairs(one, other):
    """The values that stand in the same places of two containers of one kind, or None where they are not of one shape."""
    if type(one) in _SEQUENCES and type(one) is type(other) and len(one) == len(other):
        return list(zip(one, other))
    if type(one) in _MAPPINGS and type(other) in _MAPPINGS and one.keys() == other.keys():
        return [(value, other[key]) for key, value in one.items()]
    return None


def _elements(value):
    """The elements of a sequence as a list of what can be hashed and equals as they do; None where it is none."""
    kind = type(value)
    if kind in _TEXTS:
        return list(value)
    if kind in _SEQUENCES:
        return [_frozen(item) for item in value]
    if kind is collections.OrderedDict:
        return [(_frozen(key), _frozen(item)) for key, item in value.items()]
    return None


def _frozen(value):
    kind = type(value)
    if kind in _SEQUENCES:
        return (kind, tuple(_frozen(item) for item in value))
    if kind in _SETS:
        return (set, frozenset(_frozen(item) for item in value))
    if kind in _MAPPINGS:
        return (dict, frozenset((_frozen(key), _frozen(item)) for key, item in value.items()))
    if kind is bytearray:
        return bytes(value)
    return value


def _both(returned, expected):
    """The elements of both where both are sequences, or both are the same kind of text; else None."""
    if type(returned) in _TEXTS or type(expected) in _TEXTS:
        if _family(type(returned)) != _family(type(expected)):
            return None
    one, other = _elements(returned), _elements(expected)
    return None if one is None or other is None else (one, other)


def _order(returned, expected):
    both = _both(returned, expected)
    return both is not None and both[0] != both[1] and collections.Counter(both[0]) == collections.Counter(both[1])


def _repeats(returned, expected):
    both = _both(returned, expected)
    if both is None:
        return False
    one, other = map(collections.Counter, both)
    return len(one) > 0 and one.keys() == other.keys() and one != other


def _off_by_one(returned, expected):
    if _is_whole(returned) and _is_whole(expected):
        return abs(returned - expected) == 1
    both = _both(returned, expected)
    if both is None:
        return False
    one, other = both
    if len(one) == len(other) + 1 or len(one) + 1 == len(other):
        longer, shorter = (one, other) if len(one) > len(other) else (other, one)
        return len(longer) > 1 and shorter in (longer[1:], longer[:-1])
    if len(one) != len(other) or len(one) < 3 or one == other:
        return False
    # Shifted. What is common must not be one element over and over, which would fit anywhere.
    return any(a == b and any(item != a[0] for item in a) for a, b in ((one[1:], other[:-1]), (one[:-1], other[1:])))


def _is_whole(value):
    return type(value) is int or (type(value) is float and value.is_integer())


def _rounding(returned, expected):
    """`returned` and `expected` are unequal: whether that is for want of digits alone."""
    return not returned == expected and _nearly(returned, expected)


def _nearly(returned, expected):
    if _is_number(returned) and _is_number(expected):
        if returned == expected:
            return True
        # Between whole numbers there is nothing to round.
        if type(returned) is int and type(expected) is int:
            return False
        convert = complex if complex in (type(returned), type(expected)) else float
        returned, expected = convert(returned), convert(expected)
        if not (math.isfinite(abs(returned)) and math.isfinite(abs(expected))):
            return False
        if expected == 0:
            return abs(returned) <= _LEFT_OF_NOTHING
        return abs(returned - expected) <= _ROUNDING * max(abs(returned), abs(expected))
    pairs = _pairs(returned, expected)
    if pairs is None:
        return bool(returned == expected)
    return all(_nearly(*pair) for pair in pairs)


# (name, what decides it, whether it bounds its own work)
_RELATIONS = (
    ("off_by_one", _off_by_one, False),
    ("order", _order, False),
    ("repeats", _repeats, False),
    ("rounding", _rounding, False),
    ("type", _type_if_small, True),
)
