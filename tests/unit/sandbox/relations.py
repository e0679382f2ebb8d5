"""Exercises src/sandbox/python/relations.py and examples.py, whose folder is the first argument; the second one seeds values. Prints `ok` or raises."""

import collections
import random
import sys
from decimal import Decimal
from fractions import Fraction

sys.path.insert(0, sys.argv[1])
import examples
import relations

nan, inf = float("nan"), float("inf")
for returned, expected, wanted in (
    (1, 2, ["off_by_one"]), (3.0, 4, ["off_by_one"]), (3.5, 4, []), (True, 2, ["type"]), ("7", 7, ["type"]), (None, 3, ["type"]),
    (1, 5.0, []), (Decimal(1), 5, []), ({1}, frozenset({2}), []), ({1: 2}, collections.Counter([5]), []), ([1], (1,), ["type"]),
    (["1", "2"], [1, 2], ["type"]), (["1", 5], [1, 2], []), ([1, "2"], [1, 2], ["type"]), ({1: "a"}, {1: 5}, ["type"]), ({1: "a"}, {2: 5}, []),
    ({"1": 5}, {1: 5}, ["type"]), ({"1": 5}, {1: 5, 2: 5}, []), ({"1"}, {1}, ["type"]), ({True: 3, False: 2}, {1: 2, 0: 3}, []), ({"1", 2}, {1, 2}, []), ({}, {1: 2}, []),
    ([1, [2, 3]], [[2, 3], 1], ["order"]), ((2, 1), [1, 2], ["order", "type"]), ("ab", "ba", ["order"]), (b"ab", bytearray(b"ba"), ["order"]),
    ([{1}, {2}], [frozenset({2}), {1}], ["order"]), ([1.0, 2], [2, 1], ["order"]), ("ab", ["b", "a"], ["type"]),
    ([1], [1, 1], ["off_by_one", "repeats"]), ([1, 2, 2, 2], [1, 2], ["repeats"]), ([], [1], []), ("", "a", []), ([], [], []),
    ([1, 2, 3], [1, 2], ["off_by_one"]), ([2, 3], [1, 2, 3], ["off_by_one"]), ([1, 3], [1, 2, 3], []), ("abc", "abcd", ["off_by_one"]),
    ([0, 1, 2], [1, 2, 3], ["off_by_one"]), ([3, 1, 2], [1, 2, 3], ["off_by_one", "order"]), ([1, 1, 1], [1, 1, 2], []), ([5, 1], [1, 7], []),
    (3.14159, 3.1416, ["rounding"]), (0.33, 0.3333, []), ([1.0, {"a": 2.00001}], [1, {"a": 2}], ["rounding"]), (5e-17, 0, ["rounding"]),
    (2e-10, 0.0, ["rounding"]), (1e-8, 0, []), (2e-10, 1e-10, []), (-5e-10, 5e-10, []), (1.0001e-30, 1e-30, ["rounding"]), (0.0, 6.6e-34, []),
    ([1.0, 5e-17], [1, 0], ["rounding"]), ([1.0, 2e-12], [1, 1e-12], []), (1e-17j, 0, ["rounding"]),
    (1000, 1001, ["off_by_one"]), (100000, 100002, []), (1 + 1e-9j, 1, ["rounding"]), (Fraction(1, 3), 0.33333, ["rounding"]),
    (nan, 1.0, []), (nan, nan, []), (inf, 1.0, []), (inf, -inf, []), (10**400, 1e300, []), (Decimal("sNaN"), 1.0, []), ([Decimal("sNaN")], [1], []),
    (Decimal("1e999999999"), 5, []), (range(5), [0, 1, 2, 3, 4], ["type"]), (range(10**30), 5, ["type"]),
    ([0] * 30000, "x", ["type"]), ([2, 1] * 20000, [1, 2] * 20000, []), ("x" * 10**5, "x" * 10**5 + "y", ["off_by_one"]),
):
    found = relations.relations(returned, expected)
    assert found == wanted, (returned, expected, found)

assert relations.equal([1, 2.0], [1.0, 2]) and not relations.equal(nan, nan) and not relations.equal(Decimal("sNaN"), 1) and not relations.equal([0] * 30000, [0] * 30000)
assert relations.close(0.1 + 0.2, 0.3) and relations.close(1, 1) and not relations.close(1, 2)

for value, wanted in (
    ([], "empty"), ("", "empty"), ({}, "empty"), (range(0), "empty"), (0, "zero"), (0.0, "zero"), (-0.0, "zero"), (1, "one"), ([7], "one"), ("a", "one"),
    ({3}, "one"), (-2, "negative"), (-inf, "negative"), ([3, -2], "negative"), ({-1, 2}, "negative"), ([1, 1], "duplicates"), ((2, 2.0), "duplicates"),
    (True, ""), (False, ""), (None, ""), (2, ""), ("aa", ""), ([[-1], [3]], ""), ([[1], [1]], ""), (nan, ""), (1j, ""), ({1: -1, 2: 2}, ""),
    (range(-5, 5), ""), ([-1, -1], "duplicates negative"), ([0], "one"), ([Decimal("sNaN"), 1], ""), (range(10**30), ""),
):
    assert sorted(relations.traits([value])) == wanted.split(), (value, relations.traits([value]))

# Never raises, whatever the wire may carry, and is the same however often it is asked.
generator = random.Random(int(sys.argv[2]))
leaves = [0, 1, -1, True, None, 0.1, nan, inf, 10**400, "", "a", "ab", b"", b"a", 1j, complex(nan, 0), Decimal("sNaN"), Decimal("NaN"), Decimal("1.10"), Fraction(1, 3), range(3), int]


def any_value(depth):
    kind = generator.randrange(9)
    if depth == 0 or kind < 3:
        return generator.choice(leaves)
    items = [any_value(depth - 1) for _ in range(generator.randrange(4))]
    if kind in (3, 4):
        try:
            return set(items) if kind == 3 else {item: any_value(depth - 1) for item in items}
        except TypeError:
            return items
    return {5: list, 6: tuple, 7: collections.deque, 8: lambda items: bytearray(len(items))}[kind](items)


for _ in range(20000):
    one, other = any_value(3), any_value(3)
    found = relations.relations(one, other)
    assert found == sorted(found) == relations.relations(one, other)
    relations.traits([one, other])
    assert relations.equal(one, other) in (True, False)

for prompt, wanted in (
    ("", []),
    ("def f(x):\n", []),
    ("def f(x=f(1)):\n    f(1)\n", []),
    ('"""\nWrite f.\nassert f(1, "a") == [1,\n 2]\nassert f(2) == (3)\n"""', [((1, "a"), {}, [1, 2]), ((2,), {}, 3)]),
    ('def f(x):\n    """\n    >>> f(1)\n    2\n    >>> f("a\\n")\n    \'b\'\n    >>> f(3)\n\n    >>> f(4)\n    5"""\n', [((1,), {}, 2), (("a\n",), {}, "b"), ((3,), {}, None), ((4,), {}, 5)]),
    ("    >>> f(1)\n    [1,\n     2]\n    And so on.\n    >>> f(2)\n    3\n    '''", [((1,), {}, [1, 2]), ((2,), {}, 3)]),
    ("f(3) returns 4. f(5) should return 6 because f(6) is 7, f(7) == 8 * 2", [((3,), {}, 4), ((5,), {}, 6), ((6,), {}, 7)]),
    ("f(9) -> -1.5, f(10)=>1\nf(11) ==> 'a' # why\nf(12) \u279e \"b\"\nf(13) = None\nf(14) => true\nf(15)==>[]", [((9,), {}, -1.5), ((10,), {}, 1), ((11,), {}, "a"), ((12,), {}, "b"), ((13,), {}, None), ((14,), {}, True), ((15,), {}, [])]),
    ("f(x) == 3; f(1) == y; my_f(1) == 2; o.f(1) == 2; f(1 == 2; f(*[1]) == 1; f(a=1) == 2", [((), {"a": 1}, 2)]),
    ("f([1,2,\n 3]) == {1: 2}.\nf([1, 2, 3]) == 7", [(([1, 2, 3],), {}, {1: 2})]),
    ("f(1) == 'it is' and f(2) == 3", [((1,), {}, "it is"), ((2,), {}, 3)]),
    ("f(%s" % ("(" * 100000), []),
    ("".join("f(%d) == %d\n" % (number, number) for number in range(60)), [((number,), {}, number) for number in range(50)]),
):
    found = [(one.arguments, one.named, one.expected) for one in examples.examples(prompt, "f")]
    assert found == wanted, (prompt[:200], found)
print("ok")
