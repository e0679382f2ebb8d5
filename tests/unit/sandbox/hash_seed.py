"""Exercises src/sandbox/python/hash_seed.py, whose folder is the first argument; the second one seeds the programs. Prints `ok` or raises."""

import ast
import builtins
import collections
import decimal
import fractions
import random
import re
import sys
import textwrap
import warnings

sys.path.insert(0, sys.argv[1])
import harmless
import hash_seed
import wire

warnings.simplefilter("ignore")


def given(*arguments, **named):
    found = hash_seed.Given()
    found.look(arguments, named, wire.encode((arguments, named)))
    return found


def may_show(program, seen=None, has_raised=False):
    program = textwrap.dedent(program)
    # What does not compile would be "may show" for a reason of its own.
    ast.parse(program)
    return hash_seed.may_show(program, seen or given([1, 2], "text"), has_raised)


# What the seed shows in, each in a way of its own. None may be called independent of it.
SHOWS = (
    # The order of a set.
    "def f(x):\n    return list(set(x))",
    "def f(x):\n    return [c for c in set(x)]",
    "def f(x):\n    return [c for c in {c for c in x}]",
    "def f(x):\n    return [c for c in {'a', 'b', 'c'}]",
    "def f(x):\n    out = []\n    for c in set(x):\n        out.append(c)\n    return out",
    "def f(x):\n    seen = set(x)\n    return [c for c in seen]",
    "def f(x):\n    seen = set()\n    for c in x:\n        seen.add(c)\n    return ''.join(seen)",
    "def f(x):\n    return ''.join(set(x))",
    "def f(x):\n    return str.join('', set(x))",
    "def f(x):\n    return set(x).pop()",
    "def f(x):\n    seen = set(x)\n    return seen.pop()",
    "def f(x):\n    return str(set(x))",
    "def f(x):\n    return repr(frozenset(x))",
    "def f(x):\n    return f'{set(x)}'",
    "def f(x):\n    return '%s' % set(x)",
    "def f(x):\n    return '{}'.format(set(x))",
    "def f(x):\n    return format(set(x))",
    "def f(x):\n    return next(iter(set(x)))",
    "def f(x):\n    first, *rest = set(x)\n    return first",
    "def f(x):\n    return [*set(x)]",
    "def f(x):\n    return (lambda *a: a)(*set(x))",
    "def g(*a):\n    return a\ndef f(x):\n    return g(*set(x))",
    "def f(x):\n    return max(set(x), key=len)",
    "def f(x):\n    return min(set(x), key=lambda c: 0)",
    "def f(x):\n    return min({(1, 2), (1, 'a'), (5, 0)})",
    "def f(x):\n    return sorted(set(x), key=len)",
    "def f(x):\n    return sorted(x, key=list(set(x)).index)",
    "def f(x):\n    return sum(set([0.1, 0.2, 0.3, 1e100]))",
    "def f(x):\n    return sum({'a': (1,)}.get(c, ()) for c in set(x))",
    "def f(x):\n    return sum({(1,), (2,)}, ())",
    "def f(x):\n    return sorted({float(c) for c in x})",
    "def f(x):\n    return sorted({c / 2 for c in x})",
    "def f(x):\n    try:\n        return sorted(set(x))\n    except TypeError as error:\n        return str(error)",
    "def f(x):\n    return dict.fromkeys(set(x))",
    "def f(x):\n    return {c: 1 for c in set(x)}",
    "def f(x):\n    return list(zip(set(x), x))",
    "def f(x):\n    return list(map(str, set(x)))",
    "def f(x):\n    return [i for i, c in enumerate(set(x))]",
    "def f(x, default={'a', 'b'}):\n    return list(default)",
    "def f(x, default=set('ab')):\n    return [c for c in default]",
    "def g(values):\n    return list(values)\ndef f(x):\n    return g(set(x))",
    "def g(x):\n    return set(x)\ndef f(x):\n    return list(g(x))",
    "def f(x):\n    return set(x)",
    "def f(x):\n    groups = {'all': set(x)}\n    return list(groups['all'])",
    "def f(x):\n    groups = [set(c) for c in x]\n    return [list(g) for g in groups]",
    "from collections import defaultdict\ndef f(x):\n    d = defaultdict(set)\n    for c in x:\n        d[0].add(c)\n    return list(d[0])",
    "def f(x):\n    d = {}\n    for c in x:\n        d.setdefault(0, set()).add(c)\n    return list(d[0])",
    "def f(x):\n    return list(map(list, map(set, x)))",
    "def f(x):\n    return [list(s) for s in map(frozenset, x)]",
    "def f(x):\n    d = {frozenset(x): 1}\n    return [list(k) for k in d]",
    "def f(x):\n    return {str(frozenset(x)): 1}",
    "def f(x):\n    s = set(x)\n    s = list(s)\n    return s",
    "def f(x):\n    s = x and set(x)\n    return list(s)",
    "def f(x):\n    s = set(x) if x else []\n    return list(s)",
    "def f(x):\n    return list(set(x) if x else set())",
    "def f(x):\n    return list(y := set(x))",
    "def f(x):\n    return list(set(x) | set('abc'))",
    "def f(x):\n    return list(set(x).union('abc'))",
    "def f(x):\n    s = set(x)\n    s |= {'q'}\n    return tuple(s)",
    # Views of dicts and their operators.
    "def f(x):\n    return list(dict.fromkeys(x).keys() & {'a', 'b'})",
    "def f(x):\n    return list(dict.fromkeys(x).keys() | 'abc')",
    "def f(x):\n    d = dict.fromkeys(x)\n    return list(d.keys() - ['z'])",
    "def f(x):\n    d = dict.fromkeys(x)\n    k = d.keys()\n    return [c for c in k ^ 'ab']",
    "def f(x):\n    d = dict.fromkeys(x)\n    return list(d.items() | {('a', 1)})",
    "def f(x):\n    k = []\n    k |= dict.fromkeys(x).keys()\n    return list(k)",
    "def f(x):\n    return [list(k & 'ab') for k in map(dict.keys, [dict.fromkeys(x)])]",
    "from functools import reduce\nimport operator\ndef f(x):\n    return list(reduce(operator.or_, [dict.fromkeys(c).keys() for c in x]))",
    "import operator\ndef f(x):\n    return list(operator.sub(dict.fromkeys(x).keys(), 'z'))",
    "from functools import reduce\ndef f(x):\n    return list(reduce(lambda a, b: a | b, map(set, x)))",
    "from functools import reduce\ndef f(x):\n    return list(reduce(set.union, [set(c) for c in x]))",
    "from collections import Counter\ndef f(x):\n    return list((Counter(x) & Counter('ab')).keys() | {'z'})",
    # Hashes and addresses themselves.
    "def f(x):\n    return hash(x)",
    "def f(x):\n    return sorted(x, key=hash)",
    "def f(x):\n    return max(x, key=hash)",
    "def f(x):\n    return x.__hash__()",
    "def f(x):\n    return id(x)",
    "def f(x):\n    return sorted(x, key=id)",
    "def f(x):\n    return str(object())",
    "def f(x):\n    return str(f)",
    "def f(x):\n    return repr(lambda: 0)",
    "def f(x):\n    g = lambda: 0\n    return f'{g}'",
    "def f(x):\n    return str(c for c in x)",
    "def f(x):\n    it = iter(x)\n    return str(it)",
    "def f(x):\n    return repr(map(str, x))",
    "def f(x):\n    return str([zip(x, x)])",
    "def f(x):\n    return '{0.__class__.__init__}'.format(x)",
    "def f(x):\n    return '{:{0.__init__}}'.format(x)",
    "def f(x):\n    return x.format(f)",
    "def f(x):\n    return str(x.append)",
    "def f(x):\n    return str(print)[0] + str(f'{[].sort}')",
    "from collections import defaultdict\ndef f(x):\n    return str(defaultdict(lambda: 0))",
    "def f(x):\n    return str(sum([], iter(x)))",
    "def f(x):\n    return max(dict(a=1).keys(), dict(b=1).keys()) | {'z'}",
    "def f(x):\n    return str(min(iter(x), iter(x), key=lambda i: 0))",
    "from functools import reduce\ndef f(x):\n    return str(reduce(lambda a, b: a, [], iter(x)))",
    "def f(x):\n    return str(dict.fromkeys('a', iter(x)))",
    "def f(x):\n    return str({}.get(1, iter(x)))",
    "def f(x):\n    return str(next(iter([]), iter(x)))",
    "def f(x):\n    return str(x or iter(x))",
    "import itertools\ndef f(x):\n    return [str(i) for i in itertools.repeat(iter(x), 2)]",
    "import itertools\ndef f(x):\n    return [str(i) for _, i in itertools.zip_longest('a', [], fillvalue=iter(x))]",
    "import itertools\ndef f(x):\n    return [str(i) for i in itertools.accumulate([], initial=iter(x))]",
    "import itertools\ndef f(x):\n    return [str(i) for i in itertools.tee(x)]",
    "def f(x):\n    return str(max([], default=iter(x)))",
    "def f(x):\n    return [str(i) for i in map(iter, x)]",
    "def f(x):\n    return [str(i) for i in zip([iter(x)])]",
    "def f(x):\n    return [str(i) for i in (map(str, c) for c in x)]",
    "from functools import cmp_to_key\ndef f(x):\n    return str(list(map(cmp_to_key(lambda p, q: 0), x)))",
    "from collections import Counter\ndef f(x):\n    return str(Counter(key=lambda: 0))",
    "from collections import OrderedDict\ndef f(x):\n    return str(OrderedDict(key=f))",
    "def f(x):\n    return str(dict(key=lambda: 0))",
    "import itertools\ndef f(x):\n    return str([g for _, g in itertools.groupby(x)])",
    "def f(x):\n    def g():\n        yield x\n    return str(g())",
    "import hashlib\ndef f(x):\n    return str(hashlib.md5())",
    # Other ways to names, types and values.
    "def f(x):\n    return list(type({1})(x))",
    "def f(x):\n    return list(type(x)())",
    "def f(x):\n    return list(x.__class__(x))",
    "def f(x):\n    return list(getattr(x, 'x', set('ab')))",
    "def f(x):\n    return getattr(__builtins__, 'set')(x)",
    "def f(x):\n    return list(__builtins__['set'](x))",
    "def f(x):\n    return list(eval('set(x)'))",
    "def f(x):\n    exec('y = list(set(x))', globals())\n    return y",
    "def f(x):\n    return list(globals()['__builtins__'].__dict__)",
    "def f(x):\n    return [v for v in vars().values()]",
    "def f(x):\n    a = 1\n    return str(locals())",
    "def f(x):\n    return [str(v) for v in dir(x)]",
    "def f(x):\n    return __import__('builtins').set(x)",
    "import builtins\ndef f(x):\n    return list(builtins.set(x))",
    "import types\ndef f(x):\n    return types.FunctionType(f.__code__, {})",
    "import operator\ndef f(x):\n    return operator.attrgetter('__hash__')(x)()",
    "import operator\ndef f(x):\n    return operator.methodcaller('__hash__')(x)",
    "def f(x):\n    f.members = set(x)\n    return list(f.members)",
    "def f(x):\n    setattr(f, 'members', set(x))\n    return list(f.members)",
    "make = set\ndef f(x):\n    return list(make(x))",
    "def f(x):\n    make = frozenset\n    return list(make(x))",
    "def f(x):\n    for make in (set, list):\n        x = make(x)\n    return x",
    "def f(x, make=set):\n    return list(make(x))",
    "def apply(g, x):\n    return g(x)\ndef f(x):\n    return list(apply(set, x))",
    "from builtins import *\ndef f(x):\n    return list(set(x))",
    "from collections import *\ndef f(x):\n    return str(x)",
    "import sets\ndef f(x):\n    return x",
    "import os\ndef f(x):\n    return list(os.environ)",
    "import sys\ndef f(x):\n    return list(sys.modules)",
    "import sys\ndef f(x):\n    return sys.flags.hash_randomization, sys.hash_info",
    "import random\ndef f(x):\n    random.seed(tuple(x))\n    return random.random()",
    "import json\ndef f(x):\n    return json.dumps(x, default=list)",
    "import json\ndef f(x):\n    return json.dumps({'a': set(x)}, default=list)",
    "import statistics\ndef f(x):\n    return statistics.mode(set(x))",
    "import string\ndef f(x):\n    return string.Formatter().vformat('{0.__init__}', x, {})",
    "import copy\ndef f(x):\n    return list(copy.copy(set(x)))",
    "import heapq\ndef f(x):\n    return heapq.nlargest(2, set(x), key=len)",
    "import itertools\ndef f(x):\n    return list(itertools.chain(set(x), x))",
    "from itertools import chain\ndef f(x):\n    return list(chain.from_iterable([set(x)]))",
    "import itertools\ndef f(x):\n    return list(itertools.permutations(set(x)))",
    "import re\ndef f(x):\n    return re.sub('a', str(set(x)), x)",
    "from re import sub\ndef f(x):\n    return sub('a', lambda m: ''.join(set(x)), x)",
    # Classes and what goes with them.
    "from enum import Enum\nclass E(Enum):\n    A = 1\ndef f(x):\n    return [e for e in {E.A}]",
    "from dataclasses import dataclass, field\n@dataclass\nclass D:\n    s: set = field(default_factory=set)\ndef f(x):\n    return list(D(set(x)).s)",
    "class K:\n    pass\ndef f(x):\n    return str(K())",
    "class K:\n    def __eq__(self, other):\n        print(other)\n    def __hash__(self):\n        return 1\ndef f(x):\n    return {K(): 1}.get(x)",
    "class S(set):\n    pass\ndef f(x):\n    return list(S(x))",
    "from collections import namedtuple\ndef f(x):\n    return list(namedtuple('N', 'a')(set(x)).a)",
    "import functools\ndef f(x):\n    @functools.wraps(set)\n    def g(x):\n        return x\n    return g.__wrapped__(x)",
    "def deco(g):\n    return lambda x: list(set(x))\n@deco\ndef f(x):\n    return x",
    "@list\n@set\ndef f(x):\n    return x",
    # Annotations that are more than names, and where they stand.
    "out = []\ndef f(x: out.extend(set('abc')) = 1):\n    return out",
    "out = []\ndef f(x) -> [out.append(c) for c in set('abc')]:\n    return out",
    "a: list(set('abc')) = 1\ndef f(x):\n    return a",
    "def f(x: {1, 2}):\n    return f.__annotations__",
    "def f(x):\n    y: set = set(x)\n    return list(y)",
    # Names that mean one thing here and another there.
    "def g():\n    set = list\n    return set(1)\ndef f(x):\n    return list(set(x))",
    "def g():\n    from collections import OrderedDict as set\ndef f(x):\n    return list(set(x))",
    "def g():\n    def hash(y):\n        return 1\n    return hash(1)\ndef f(x):\n    return hash(x)",
    "def g():\n    map = lambda y, z: z\ndef f(x):\n    return str(map(len, x))",
    "def g():\n    import math as id\ndef f(x):\n    return id(x)",
    "import operator as __builtins__\ndef f(x):\n    return abs(x)",
    "def g():\n    re = 5\n    import itertools as re\ndef f(x):\n    re = 5\n    return str(re.count())",
    "def f(x):\n    x = \uff53\uff45\uff54(x)\n    return list(x)",
    "def f(s):\n    s = set(s)\n    return list(s)",
    "def g(s):\n    return list(s)\ndef f(x):\n    s = set(x)\n    return g(s)",
    "def f(x):\n    global s\n    s = set(x)\n    return g()\ndef g():\n    return list(s)",
    "def f(x):\n    s = set()\n    t = s\n    t.update(x)\n    return list(t)",
    "def f(x):\n    d = {1: 2}\n    d[0] = set(x)\n    return list(d[0])",
    "def f(x):\n    d = [0]\n    d.append(set(x))\n    return list(d[1])",
    "def f(x):\n    return list({*x})",
    # What a limit or the machine may have a say in.
    "def f(x):\n    out = []\n    try:\n        while True:\n            out.append(' ' * 10 ** 6)\n    except MemoryError:\n        return len(out)",
    "def f(x):\n    out = []\n    try:\n        while True:\n            out.append(' ' * 10 ** 6)\n    except:\n        return len(out)",
    "def f(x):\n    out = []\n    try:\n        while True:\n            out.append(' ' * 10 ** 6)\n    finally:\n        return len(out)",
    "import time\ndef f(x):\n    return time.time()",
    "def f(x):\n    return open('/proc/self/maps').read()",
    "def f(x):\n    return input()",
    "def f(x):\n    print(x, file=x)",
    "async def f(x):\n    return [c async for c in x]",
)
if sys.version_info >= (3, 10):
    SHOWS += ("def f(x):\n    match x:\n        case [*rest]:\n            return 1\n        case set():\n            return list(x)",)
for program in SHOWS:
    assert may_show(program), program
assert len(set(SHOWS)) == len(SHOWS) > 150

# What it cannot show in: if these were not told apart, hardly any program would be.
HIDES = (
    "def f(x):\n    return x + 1",
    "from typing import List, Set, Optional\n\ndef f(x: List[int], y: Optional[Set[str]] = None) -> 'set':\n    '''Doc.'''\n    return [c * 2 for c in x if c > 0][::-1]",
    "def f(x):\n    return len(set(x)) == len(x)",
    "def f(x):\n    return sorted(set(x))",
    "def f(x):\n    return sorted(list(set(x)), reverse=True)[:2]",
    "def f(x):\n    return sum({c for c in x})",
    "def f(x):\n    return set(x) <= set('abc') and not set(x) & {'q'}",
    "def f(x):\n    seen = set()\n    for c in x:\n        if c in seen:\n            return c\n        seen.add(c)\n    return None",
    "def f(x):\n    vowels = {'a', 'e', 'i'}\n    return [c for c in x if c in vowels]",
    "def f(x):\n    a = set(x[0])\n    b = a.union(x[1])\n    a |= b\n    return len(a - b), a == b, a.issubset(b)",
    "def f(x):\n    return sorted(set(x).intersection('abc'))",
    "def f(x):\n    d = {}\n    for k, v in x.items():\n        d[k] = d.get(k, 0) + v\n    return max(d, key=d.get), sorted(d.items(), key=lambda kv: (-kv[1], kv[0]))",
    "def f(x):\n    keys = x.keys()\n    return all(k in keys for k in 'ab') and x.keys() == keys",
    "def f(x):\n    pairs = zip(x, x[1:])\n    return [a - b for a, b in pairs]",
    "def f(x):\n    a, b = map(int, x.split())\n    return a & b | a ^ b",
    "from collections import Counter, defaultdict, deque\ndef f(x):\n    d = defaultdict(list)\n    q = deque(x)\n    while q:\n        d[0].append(q.popleft())\n    return (Counter(x) & Counter('ab')).most_common(1), d",
    "import math\ndef f(x):\n    return math.sqrt(x) / math.pi + math.gcd(4, 6)",
    "import random, os, sys\ndef f(x):\n    return x == sys.maxsize",
    "import itertools, functools, operator, heapq, bisect\ndef f(x):\n    heapq.heapify(x)\n    return functools.reduce(operator.mul, x, 1), list(itertools.chain.from_iterable(x)), bisect.bisect_left(x, 1)",
    "from functools import lru_cache, reduce, cmp_to_key\n@lru_cache(maxsize=None)\ndef g(n):\n    return n if n < 2 else g(n - 1) + g(n - 2)\ndef f(x):\n    return sorted(map(g, x), key=cmp_to_key(lambda a, b: a - b))",
    "def f(x):\n    try:\n        return int(x)\n    except (ValueError, TypeError) as error:\n        return str(error)\n    else:\n        raise ValueError(f'bad {x!r:>10}')",
    "def f(x):\n    if isinstance(x, (int, set)) or type(x) == str or type(x) in (list, tuple):\n        return 'no'\n    assert x, 'message'\n    return '{:.2f} {name}'.format(x, name=x)",
    "def f(x):\n    max = 0\n    list = []\n    for str in x:\n        if str > max:\n            max = str\n        list.append(max)\n    return list",
    "import re\ndef f(x):\n    return re.sub(r'\\d', lambda m: str(int(m.group()) + 1), x), re.findall('[a-z]+', x, re.I)",
    "def f(x):\n    def g(n, memo={}):\n        nonlocal x\n        if n not in memo:\n            memo[n] = x\n        return memo[n]\n    return g(1)\nif __name__ == '__main__':\n    print(f(3), end='')",
    "f = lambda x: [*x, *reversed(x)]",
    "def f(x):\n    return next((c for c in x if c), None), ''.join(sorted(x)), str.upper(x), list(map(str.strip, x))",
    "def f(x):\n    x[0], x[1:] = x[1], []\n    del x[0]\n    x += [1]\n    y = z = 2\n    while (y := y - 1) > 0:\n        pass\n    return y if x else -z",
)
for program in HIDES:
    assert not may_show(program), program

# What depends on the calls.
SORTS = "def f(x):\n    return sorted(set(x))"
for arguments in ((1.5,), ([0, {"a": 2.5}],), (decimal.Decimal(1),), (1j,), ({(1, 2.0): 0},), (collections.deque([0.5]),)):
    assert may_show(SORTS, given(*arguments)) and not may_show("def f(x):\n    return x", given(*arguments)), arguments
assert may_show(SORTS, has_raised=True) and not may_show("def f(x):\n    return x", has_raised=True)
hashed = ({1}, frozenset("a"), [(1, {"a"})], {"a": [{1}]}, {frozenset("b"): 1}, int, [set], collections.deque([{2}]), collections.OrderedDict(a={1}))
hashed += (collections.defaultdict(set), collections.defaultdict(lambda: 0), collections.defaultdict(object), collections.defaultdict(int, a={1}))
for value in hashed:
    assert may_show("def f(x):\n    return x", given(value)) and may_show("def f(x):\n    return x", given(key=value)), value
for value in ("SZkudcm", 0x53, b"SZ", 2.5, fractions.Fraction(1, 2), range(3), collections.Counter("SZ"), collections.defaultdict(list, S=[1]), None):
    assert not may_show("def f(x):\n    return x", given(value)), value
many = hash_seed.Given()
for value in (1, {1}, 2.5, 2):
    many.look((value,), {}, wire.encode(((value,), {})))
assert many.has_hashed
shared = [1, 2.5]
for _ in range(150):
    shared = [shared, shared]
wide = hash_seed.Given()
wide.look((shared,), {}, b"d")
assert wide.has_floats and not wide.has_hashed

# No text breaks it: whatever is not Python, too long or too deep may show the seed.
for text in ("", "def f(x):\n", "x = (", "\0", "\ud800", "def f(x):\n  return 1\n return", "'" * 3, "return 1", "x = '\\d'"):
    hash_seed.may_show(text, given(1), False)
for count in (10, 99, 150, 1000, 5000):
    for text in ("x = " + "-" * count + "1", "x = 1" + " - 1" * count, "x = y" + ".a" * count, "x = y" + "()" * count, "x = " + "[" * count + "]" * count,
                 "x = " + "lambda: " * count + "1", "if x: pass\n" + "elif x: pass\n" * count, "x = " + "1 if 1 else " * count + "1", "x = not" + " not" * count + " 1"):
        assert hash_seed.may_show(text, given(1), False) in (True, False)
        assert count < 1000 or hash_seed.may_show(text, given(1), False), text[:40]
assert hash_seed.may_show("x = 1\n" * 10000, given(1), False)

# Nothing that tells a hash, an address or a name is in any table.
tables = [value for value in vars(harmless).values() if type(value) is frozenset and all(type(name) is str for name in value)]
names = frozenset().union(*(table for table in tables if table is not harmless.BUILTINS), *harmless.MEMBERS.values())
assert len(tables) > 15 and len(names) > 250, (len(tables), len(names))
for name in "hash id vars dir globals locals getattr setattr eval exec open object type __import__ format_map __class__ groupby tee".split():
    assert name not in names, name
assert not any(name.startswith("_") for name in names - {"__future__"})
plain = harmless.PLAIN_BUILTINS | harmless.LAZY_BUILTINS | harmless.TYPES | harmless.RAISED
assert all(hasattr(builtins, name) for name in plain)
for module, members in harmless.MEMBERS.items():
    for name in members:
        newer = {"batched": (3, 12), "pairwise": (3, 10)}
        assert hasattr(__import__(module), name) or sys.version_info < newer.get(name, (3, 0)), (module, name)
# Methods of plain values only.
values = ("", b"", bytearray(), [], (), {}, 1, 1.5, True, None, range(3), 1j, collections.Counter(), collections.OrderedDict(), collections.deque())
values += (collections.defaultdict(int), decimal.Decimal(1), fractions.Fraction(1), re.compile("a"), re.match("a", "a"))
for name in harmless.METHODS | harmless.LAZY_METHODS | harmless.DATA:
    newer = {"bit_count": (3, 10), "total": (3, 10)}
    assert any(hasattr(value, name) for value in values) or sys.version_info < newer.get(name, (3, 0)), name

# Pieces of the programs above in any order: it says something of each, and the same each time; what one of them shows, all that hold it do.
random.seed(sys.argv[2])
for _ in range(1500):
    lines = [random.choice(SHOWS + HIDES).replace("def f(", "def f%d(" % number) for number in range(random.randint(1, 3))]
    text = "\n".join(lines) + "\n"
    try:
        ast.parse(text)
    except SyntaxError:
        continue
    assert may_show(text) is may_show(text)
for _ in range(500):
    text = random.choice(SHOWS) + "\n" + random.choice(HIDES).replace("def f(", "def other(").replace("f = ", "other = ") + "\n"
    assert may_show(text), text
for _ in range(1500):
    text = list(random.choice(SHOWS + HIDES))
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(text))
        text[place : place + random.randint(0, 2)] = random.choice(("", "set", "(", ")", "\n", "x", ".", "*", " ", "f", "_", "'"))
    hash_seed.may_show("".join(text), given(1), False)
print("ok")
