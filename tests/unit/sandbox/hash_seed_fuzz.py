"""Makes programs at random out of what could show the hash seed and what cannot, and executes those that src/sandbox/python/hash_seed.py calls
independent of it, under several seeds: each has the same answers under all of them, and none has an address.

Arguments: that script's folder, a seed for the programs and, optionally, how many; prints `ok` or raises. It starts itself again under each
hash seed, without arguments: then it executes the programs that come on standard input, and writes what they came to.
"""

import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import warnings

HASH_SEEDS = ("0", "1", "2", "4294967295")
COUNT = 4000
# At least this share of the programs is executed and answers, or they would say nothing; a sixth does.
SHARE_LEAST = 0.1

HEAD = (
    "import math, itertools, functools, operator, collections, heapq, re, copy, string, bisect\n"
    "from collections import Counter, defaultdict, deque, OrderedDict\n"
    "from itertools import chain, zip_longest, accumulate, repeat\n"
    "from functools import reduce, lru_cache, cmp_to_key\n"
)
# Expressions by what they are, with what they are made of in `<>`; `any` and `iterable` are any of several. The first ones of each have no parts. What is
# harmless stands beside what is not, so that whatever is said to be harmless must be that in all sorts of company.
FORMS = {
    "list": (
        "x", "['b', 'a']", "[]", "list(<iterable>)", "tuple(<iterable>)", "sorted(<iterable>)", "sorted(<iterable>, key=<function>)", "[*<iterable>]", "sorted(<iterable>, key=cmp_to_key(lambda p, q: len(str(p)) - len(str(q))))",
        "[<any> for e in <iterable>]", "[e for e in <iterable>]", "[<any>, <any>]", "(<any>, <any>)", "<list> + <list>", "<list>[<number>:]",
        "<text>.split()", "<dict>.get(<text>, <list>)", "copy.copy(<list>)", "copy.deepcopy(<list>)", "heapq.nlargest(<number>, <iterable>, key=<function>)",
        "heapq.nsmallest(2, <iterable>)", "Counter(<iterable>).most_common(<number>)", "deque(<iterable>, <number>)", "re.findall(<text>, <text>)",
        "list(set(<iterable>))", "sorted(set(<iterable>), reverse=True)", "sorted(list(<set>))", "sorted(<set>, key=<function>)", "<list>.copy()",
        "re.split(<text>, <text>)", "functools.reduce(lambda p, q: p, <iterable>, <list>)",
    ),
    "lazy": (
        "iter(x)", "d.keys()", "d.items()", "iter(<iterable>)", "zip(<iterable>, <iterable>)", "map(<function>, <iterable>)", "filter(<function>, <iterable>)",
        "filter(None, <iterable>)", "reversed(<list>)", "enumerate(<iterable>, <number>)", "(<any> for e in <iterable>)", "(e for e in <iterable>)",
        "<dict>.keys()", "<dict>.values()", "<dict>.items()", "itertools.chain(<iterable>, <iterable>)", "chain.from_iterable([<iterable>])",
        "itertools.tee(<iterable>)[0]", "itertools.groupby(<iterable>)", "itertools.repeat(<any>, 2)", "repeat(<any>, 2)", "itertools.permutations(<iterable>, 2)",
        "accumulate(<iterable>, <pairing>, initial=<any>)", "accumulate(<iterable>, <pairing>)", "zip_longest(<iterable>, <iterable>, fillvalue=<any>)",
        "Counter(<iterable>).elements()", "itertools.islice(<iterable>, <number>)", "itertools.product(<iterable>, <iterable>)",
        "itertools.starmap(<function>, zip(<iterable>))", "itertools.compress(<iterable>, <iterable>)", "itertools.takewhile(<function>, <iterable>)",
        "heapq.merge(<iterable>, <iterable>, key=<function>)", "re.finditer(<text>, <text>)",
    ),
    "set": (
        "{'b', 'a', 'c'}", "set(x)", "set()", "set(<iterable>)", "frozenset(<iterable>)", "{<any>, <any>}", "{e for e in <iterable>}",
        "{<any> for e in <iterable>}", "{*<iterable>}", "(<set> | <set>)", "(<set> & <set>)", "(<set> - <set>)", "(<set> ^ <set>)",
        "<set>.union(<iterable>)", "<set>.intersection(<iterable>)", "<set>.copy()", "(<dict>.keys() | <iterable>)", "(<dict>.keys() & <set>)",
        "(<dict>.items() - <set>)", "(<set> if n else <set>)",
    ),
    "number": (
        "n", "1", "0.5", "len(<any>)", "len(<set>)", "sum(len(e) for e in <list>)", "sum({len(e) for e in <list>})", "sum({0.1, 0.2, 0.3, 1e100, -1e100})",
        "sum([<number>, <number>], <number>)", "hash(<any>)", "id(<any>)", "<list>.index(<text>)", "<number> + <number>", "<number> / 2", "-<number>",
        "max(<number>, <number>)", "int(<number>)", "(<any> in <iterable>)", "(<text> in <set>)", "(<any> == <any>)", "(<set> <= <set>)", "(not <any>)",
        "bool(<any>)", "any(<iterable>)", "all(<set>)", "<list>.count(<any>)", "<set>.issubset(<iterable>)", "isinstance(<any>, (set, str))",
        "(type(<any>) == set)", "(<dict>.keys() == <dict>.keys())", "math.prod([<number>, <number>])", "round(<number>)", "ord(min(<list>, default='a')[:1] or 'a')",
    ),
    "text": (
        "s", "'ab'", "str(<any>)", "repr(<any>)", "format(<any>)", "f'{<any>}'", "f'{<any>!r:>9}'", "'%s' % (<any>,)", "'{}'.format(<any>)",
        "'{0.__class__}'.format(<any>)", "''.join(<list>)", "''.join(<set>)", "''.join(map(str, <iterable>))", "''.join(str(e) for e in <iterable>)",
        "str.join('', map(repr, <iterable>))", "<text> + <text>", "<text>.upper()", "max(<list>, default='')", "min(map(str, <iterable>), key=<function>, default='')",
        "re.sub(<text>, lambda m: str(<any>), <text>)", "str(<function>)", "<text>.replace(<text>, <text>)",
    ),
    "dict": (
        "d", "{'k': 1}", "dict.fromkeys(<iterable>)", "dict.fromkeys(<iterable>, <any>)", "{str(e): <any> for e in <iterable>}", "{'k': <any>}", "dict(key=<any>)", "Counter(key=<function>)",
        "Counter(<iterable>)", "(Counter(<iterable>) & Counter(<iterable>))", "(Counter(<iterable>) | Counter(<iterable>))", "dict(zip(<iterable>, <iterable>))",
        "OrderedDict(zip(map(str, <iterable>), <iterable>))", "defaultdict(<function>, <dict>)", "{**<dict>, **<dict>}", "<dict>.copy()", "(<dict> | <dict>)",
    ),
    "function": (
        "len", "str", "lambda e: e", "g", "repr", "hash", "id", "int", "list", "set", "sorted", "iter", "type", "str.upper", "d.get", "dict.keys",
        "lambda e: <any>", "lambda e: str(e)", "lambda e: len(str(e))", "cmp_to_key(lambda p, q: len(str(p)) - len(str(q)))", "operator.itemgetter(0)",
    ),
    "pairing": ("lambda p, q: p", "lambda p, q: q", "operator.or_", "operator.and_", "operator.add", "max", "zip", "lambda p, q: <any>", "lambda p, q: p | q", "lambda p, q: p + q"),
    "other": (
        "None", "True", "float('nan')", "next(iter(<iterable>))", "next(<lazy>, <any>)", "max(<any>, <any>)", "min(<list>, <list>)", "max([], default=<any>)", "sum([], <any>)",
        "sum([<list>, <list>], <any>)", "reduce(<pairing>, <iterable>, <any>)", "reduce(<pairing>, <iterable>)", "<list>[0]", "(<any> or <any>)", "(<any> and <any>)",
        "(<any> if <any> else <any>)", "d.get('q', <any>)", "<dict>.setdefault('q', <any>)", "<dict>.pop('q', <any>)", "<set>.pop()", "<list>.pop()", "copy.copy(<any>)",
        "g(<any>)", "(lambda e: e)(<any>)", "<dict>.get('k')", "<dict>['k']", "<dict>.popitem()", "<set>.add(<any>)", "<set>.update(<iterable>)", "<list>.append(<any>)",
        "<list>.extend(<iterable>)", "<dict>.update(<dict>)", "vars()", "globals()", "dir(<any>)", "type(<any>)", "getattr(<any>, 'keys', 1)", "<any>.__class__",
        "re.match(<text>, <text>)", "bisect.insort(<list>, <text>)", "heapq.heappush(<list>, <text>)", "(w := <any>)",
    ),
}  # fmt: skip
KINDS = {
    "any": ("list", "list", "number", "text", "text", "dict", "set", "lazy", "function", "other", "other"),
    "iterable": ("list", "list", "list", "lazy", "lazy", "set", "dict", "text"),
}
HOLE = re.compile(r"<(\w+)>")
ANSWERS = (
    "<list>", "<text>", "<dict>", "<number>", "<other>", "str(<any>)", "repr(<any>)", "f'{<any>}'", "list(<iterable>)", "[e for e in <iterable>]", "[<any>]",
    "[str(e) for e in <iterable>]", "sorted(<iterable>)", "[r, <any>]",
)  # fmt: skip
STATEMENTS = (
    "for e in <iterable>:\n        r.append(str(e))", "for e in <iterable>:\n        r.append(<any>)", "r += <list>", "r += <iterable>", "n += <number>",
    "if <any>:\n        r.append(<any>)", "try:\n        r.append(<any>)\n    except (TypeError, ValueError, KeyError, IndexError, AttributeError):\n        r.append(0)",
    "try:\n        r.append(<any>)\n    except TypeError as error:\n        r.append(str(error))", "d[str(<any>)] = <any>", "r.append(<any>)", "r.extend(<iterable>)",
    "p, *q = <iterable>", "while r and <any>:\n        r.pop()", "del x[<number>:]", "<other>",
)  # fmt: skip


class Maker:
    """Programs of four arguments (a list of texts, a dict, a whole number, a text), a list `r`, and of what they bind."""

    def __init__(self, chance):
        self.chance = chance
        self.names = {}

    def program(self):
        self.names = {}
        inner = self.filled(self.chance.choice(("y", "<any>", "[y, <any>]", "str(y)", "list(y)", "len(y)")), 1)
        lines = []
        for name in "abc"[: self.chance.choice((0, 1, 1, 2, 3))]:
            kind = self.chance.choice(("list", "lazy", "set", "set", "text", "dict", "number", "other"))
            lines.append("%s = %s" % (name, self.expression(kind, 2)))
            self.names.setdefault(kind, []).append(name)
            if kind == "set" and self.chance.random() < 0.5:
                lines.append(name + self.filled(self.chance.choice((".add(<text>)", " |= <set>", " -= <set>", ".update(<iterable>)", ".discard(<any>)")), 1))
        for _ in range(self.chance.choice((0, 1, 1, 2))):
            lines.append(self.filled(self.chance.choice(STATEMENTS), 2))
        lines.append("return " + self.filled(self.chance.choice(ANSWERS), 3))
        return HEAD + "def g(y):\n    return %s\ndef f(x, d, n, s):\n    r = []\n    %s\n" % (inner, "\n    ".join(lines))

    def filled(self, form, depth):
        return HOLE.sub(lambda hole: self.expression(hole.group(1), depth - 1), form)

    def expression(self, kind, depth):
        kind = self.chance.choice(KINDS.get(kind, (kind,)))
        names = self.names.get(kind, ())
        if names and self.chance.random() < 0.4:
            return self.chance.choice(names)
        return self.filled(self.chance.choice(FORMS[kind][:2] if depth <= 0 else FORMS[kind]), depth)


def made(scripts, seed, count):
    """(program, whether it must not raise) of those that are called independent, of `count` that compile."""
    sys.path.insert(0, scripts)
    import hash_seed

    # Of what nobody would write, such as a number that is called.
    warnings.simplefilter("ignore")
    maker = Maker(random.Random(seed))
    found, compiled = [], 0
    while compiled < count:
        program = maker.program()
        try:
            compile(program, "<program>", "exec")
        except SyntaxError:
            continue
        compiled += 1
        if not hash_seed.may_show(program, hash_seed.Given(), False):
            found.append((program, hash_seed.may_show(program, hash_seed.Given(), True)))
    return found


class TooLong(BaseException):
    pass


def too_long(number, frame):
    raise TooLong


def answers(programs):
    """What each program came to, as a text; None where it took too long or too much."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGVTALRM, too_long)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    found = []
    for program, _ in programs:
        arguments = [["b", "a", "ccc", "a", ""], {"k": 1, "j": 2, "i": 1}, 3, "hello ab"]
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.5)
            try:
                namespace = {"__name__": "program"}
                exec(program, namespace)
                text = "answer " + repr((namespace["f"](*arguments), arguments))
            except MemoryError:
                text = None
            except Exception as error:
                text = "raised %s: %s" % (type(error).__name__, error)
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        except (TooLong, MemoryError):
            # Wherever it was, be it on its way out.
            text = None
        # What it has grown into.
        namespace = arguments = None
        found.append(text)
    return found


def main():
    if len(sys.argv) == 1:
        json.dump(answers(json.load(sys.stdin)), sys.stdout)
        return
    scripts, seed = sys.argv[1:3]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else COUNT
    programs = made(scripts, seed, count)
    runs = []
    for hash_seed in HASH_SEEDS:
        environment = dict(os.environ, PYTHONHASHSEED=hash_seed)
        command = [sys.executable, "-S", "-B", __file__]
        given = json.dumps(programs).encode()
        runs.append(json.loads(subprocess.run(command, env=environment, input=given, stdout=subprocess.PIPE, check=True).stdout))
    answered = 0
    for (program, only_without_error), texts in zip(programs, zip(*runs)):
        if None in texts or (only_without_error and any(text.startswith("raised") for text in texts)):
            continue
        assert len(set(texts)) == 1, (program[len(HEAD) :], texts)
        assert " at 0x" not in texts[0], (program[len(HEAD) :], texts)
        answered += texts[0].startswith("answer")
    assert answered >= SHARE_LEAST * count, (len(programs), answered)

    print("ok")


main()
