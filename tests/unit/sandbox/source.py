"""Exercises src/sandbox/python/source.py, whose folder is the first argument; the second one seeds the programs. Prints `ok` or raises."""

import builtins
import json
import pathlib
import random
import sys
import textwrap
import warnings

sys.path.insert(0, sys.argv[1])
import source

warnings.simplefilter("ignore")
PROMPT = 'def helper(x):\n    return x\n\n\ndef f(x, y=None):\n    """What f does, in a sentence of prose."""\n'


def facts(completion, prompt=PROMPT):
    return source.facts(prompt + completion, len(prompt), "f")


def check(completion, prompt=PROMPT, **wanted):
    found = facts(completion, prompt)
    got = {name: found[name] for name in wanted}
    assert got == wanted, (completion, got, wanted)


# Tokens that are no Python where they stand.
for text, tokens, foreign in (
    ("    return x + 1  # a comment in plain English words\n", 4, 0),
    ("    '''A docstring in plain words: it's one token'''\n", 1, 0),
    ("    return 1if x else 2\n", 6, 0),
    ("    return not x in y or x is not y and lambda: x\n", 14, 0),
    ("    print x, y\n    exec x in y\n", 8, 0),
    ("    match x:\n        case int() | None: pass\n", 11, 0),
    ("    print('%s' 'and' f'{x}', r'a' b'')\n", 9, 0),
    ("    return x[::-1], {**x}, x @ y, x if x else ..., x <- y, - -x, x != y\n", 36, 0),
    ("    0x1F 1_000 1e-5 .5 5. 3j 0b1\n", 7, 0),
    ("    This function returns the sum of the numbers.\n", 9, 8),
    ("    return x y\n", 3, 2),
    ("    x = 5 apples\n", 4, 2),
    ("```python\n    return x\n```\n", 5, 3),
    ("    return x ? y : None;\n", 7, 1),
    ("    if (x && y || !x) { return; }\n", 13, 13),
    ("    const f = x => x === y;\n", 9, 9),
    ("    \u201cquoted\u201d \u2192 \u00bd $x\n", 7, 5),
    ("    x = \"never ends\n    return x\n", 5, 0),
    ("    x = '''never ends\n    return x\n", 3, 0),
    ("", 0, 0),
):
    check(text, tokens=tokens, foreignTokens=foreign)
# And the lines that are none: more than half of their tokens. Markdown's fences are no lines of it, empty ones and comments are none.
for text, lines, foreign in (
    ("", 0, 0),
    ("    return x + 1\n", 1, 0),
    ("    return x + 1\nThis returns the sum of both.\n", 2, 1),
    ("    return x + 1\n\n```\n\n# A comment.\nHere is how it works.\nAnd that is all of it.\n```python\n", 3, 2),
    ("    return x y\n    x = sum(y for y in x) + 5 apples\n", 2, 1),
    ("    '''One text\n    over two lines'''\n    return \\\n        x\n", 2, 0),
    ("function f(x) {\n    return x + 1;\n}\n", 3, 3),
):
    check(text, lines=lines, foreignLines=foreign)
check("urn x\nThis returns the sum\n", "def f(x):\n    ret", lines=2, foreignLines=1)
# Another language is one as a whole, not in its odd marks alone.
for text in (
    "function f(x) { return x; }\n",
    "    return function (x) {\n        return x\n    }\n",
    "function f(x) {\n    var y = {a: 1};\n    for (var i = 0; i < x; i++) {\n        y.a += i;\n    }\n    return y.a;\n",
    "public static int f(int x) {\n    return x + 1;\n}\n",
    "    if (x > y) {\n        return x;\n    } else {\n        return y;\n    }\n",
    "    x.forEach((item) => {\n        item.call();\n    });\n    let total = x.length;\n",
):
    found = facts(text)
    assert not found["parses"] and found["tokens"] >= 8 and found["foreignTokens"] * 2 > found["tokens"], (text, found)
    assert found["foreignLines"] * 2 > found["lines"], (text, found)
# Python that is broken stays Python, be it written by someone who knows other languages. `x => 1` may be meant for `x >= 1`.
broken = [
    "    return x => x + 1;\n",
    "    if x => 1 and y => 1: return x;\n",
    "    var total = sum(x) + sum(y)\n    return total\n",
    "    let total = x + y\n    return total * (x - y)\n",
    "    def inner(x) {\n        return x + 1\n    }\n    return inner(y)\n",
    "    if (x > y) {\n        return x\n    }\n    return y\n",
    "    if (x in y) {1: 2, 3: 4}\n    return x\n",
    "    while (x) { x: 1; }\n    y = x + 1\n    return [y, y, y, y]\n",
    "    return sum(x) {1, 2, 3, 4, 5, 6}\n",
    "    function = max(x) {\n    return function(x, y, x, y)\n",
    "    x = {1; 2; 3; 4; 5; 6}\n    return x\n",
    "    else {\n        return x + y + x\n    }\n",
    "    return {function(x): (y) {x: 1, y: 2}\n",
]
golden = pathlib.Path(__file__).parents[2] / "golden"
# What Python refuses of a table of mistakes, and of the bundled model's programs.
cases = json.loads((golden / "syntax-errors.json").read_text())
broken += [case["completion"] for case in cases["cases"]]
programs = [(text, PROMPT) for text in broken] + [
    (program["completion"], program["prompt"]) for program in json.loads((golden / "syntax-corpus.json").read_text())["programs"]
]
assert len(programs) > 200, len(programs)
for text, prompt in programs:
    found = facts(text, prompt)
    assert found["tokens"] < 8 or found["foreignTokens"] * 2 <= found["tokens"], (text, found)

# What the prompt holds is not counted, and its words no less foreign for what follows.
check("", "Some words that are no program at all\n", tokens=0, foreignTokens=0, parses=False)
# A token that both share is the completion's.
check("urn x\n", "def f(x):\n    ret", tokens=2, parses=True)

# Names.
for text, names, calls in (
    ("    return foo(x) + bar + foo(bar)\n", ["foo", "bar"], ["foo"]),
    ("    z = 1\n    return [z + w for w in x] + [w]\n", ["w"], []),
    ("    return len(x) + __name__ + exit\n", [], []),
    ("    from math import *\n    return sqrt(x)\n", [], []),
    ("    exec('z = 1')\n    return z\n", [], []),
    ("    global G\n    G = 1\n\n\ndef g():\n    return G + H\n", ["H"], []),
    ("    class A:\n        z = 1\n        def m(self):\n            return z, __class__, super()\n    return A\n", ["z"], []),
    ("    try:\n        pass\n    except E as e:\n        return e\n", ["E"], []),
    ("    u: Unknown = 1\n    return (lambda a, *b, c=d, **e: (a, b, c, e))(u)\n", ["d"], []),
    ("    return {(k := v): m for k, v in x} and k\n", ["m"], []),
    ("    def inner(a: T) -> U:\n        nonlocal y\n        y = a\n    return inner\n", ["T", "U"], []),
    ("    import os.path as p, sys\n    with open(x) as h, p.q as (i, *j):\n        del j\n        return os, sys, h, i\n", ["os"], []),
    ("    return x +\n", [], []),
    ("    return self.x\n\n\nclass B(Base, metaclass=Meta):\n    @deco\n    def g(self): return self\n", ["self", "Base", "Meta", "deco"], []),
    ("    %s\n" % "; ".join("n%d" % number for number in range(30)), ["n%d" % number for number in range(20)], []),
    ("    return %s\n" % " + ".join(["x"] * 20000), [], []),
):
    check(text, undefinedNames=names, undefinedCalls=calls)
check("    return x\n", "from __future__ import annotations\ndef f(x: T):\n", undefinedNames=[])
check("\n    return x\n", "def f(x: T):", undefinedNames=[])

# Statements behind the end of their block.
for text, dead in (
    ("    return 1\n    x = 1\n    y = 2\n", 2),
    ("    if x:\n        return 1\n    return 2\n", 0),
    ("    for i in x:\n        continue\n        break\n    else:\n        raise E\n        pass\n", 2),
    ("    try:\n        return 1\n    finally:\n        return 2\n        x\n", 1),
    ("    while x:\n        break\n    return\n\n\ndef g():\n    pass\n", 0),
):
    check(text, deadStatements=dead)
for text, calls in (("    return input()\n", True), ("    return x.input()\n", False), ("    input (\n", True), ("    input = 3\n", False), ("    'input()'\n", False), ("    def input(): pass\n", False)):
    check(text, callsInput=calls)
for text, redefined in (
    ("    pass\n\n\ndef helper(q):\n    pass\n\n\ndef f(x):\n    pass\n", ["helper"]),
    ("    def helper(q):\n        pass\n", []),
    ("    pass\nhelper = 3\n", ["helper"]),
    ("    pass\nclass helper: pass\n", ["helper"]),
):
    check(text, redefined=redefined)

# Never more than a refusal, whatever the text.
generator = random.Random(int(sys.argv[2]))
pieces = list("()[]{}:;,.'\"\\\n\r\t #`$?!&|=+-*/<>~@0123abcé日\0\ud800\U0001f388") + ["def ", "class ", "return ", "lambda ", "'''", '"""', "    ", "f'", "if ", "for x in ", "...", "```"]
for _ in range(3000):
    text = "".join(generator.choice(pieces) for _ in range(generator.randrange(40)))
    start = generator.randrange(len(text) + 1)
    found = source.facts(text, start, "f")
    assert 0 <= found["foreignTokens"] <= found["tokens"] <= len(text) - start, (text, start, found)
    assert 0 <= found["foreignLines"] <= found["lines"] <= found["tokens"], (text, start, found)


# A name that is reported and reached raises NameError; one that raises it and is bound nowhere is reported.
class Programs:
    """Random programs whose reads report themselves: `seen(line, name, was bound)`."""

    names = ["a", "b", "c", "d", "e", "len"]

    def __init__(self):
        self.lines = []

    def name(self):
        return generator.choice(self.names)

    def add(self, indent, line):
        self.lines.append("    " * indent + line)

    def read(self, indent, expression="%s"):
        name = self.name()
        self.add(indent, "try:")
        self.add(indent + 1, expression % name)
        self.add(indent + 1, "seen(%d, True)" % (len(self.lines)))
        self.add(indent, "except NameError: seen(%d, False)" % (len(self.lines) - 1))

    def block(self, indent, depth, kind, declared=()):
        for _ in range(generator.randint(1, 4)):
            what = generator.randrange(14 if depth else 8)
            name = self.name()
            if what < 4:
                self.read(indent, generator.choice(["%s", "[%s for _ in (1,)]", "(lambda: %s)()", "[_ for _ in (1,) if [%s]]", "{1: [%s]}", "f'{%s}'"]))
            elif what == 4:
                self.add(indent, "%s = 1" % name)
            elif what == 5:
                self.add(indent, "import os as %s" % name)
            elif what == 6:
                self.read(indent, "[%%s for %s in (1,)]" % name)
            elif what == 7:
                self.read(indent, "[(%s := 1), %%s]" % name if kind != "class" else "%s")
            elif what < 11:
                self.add(indent, "def %s(%s=1):" % (generator.choice("ghi"), name))
                if generator.randrange(3) == 0:
                    other = self.name()
                    if other != name:
                        self.add(indent + 1, "global %s" % other)
                self.block(indent + 1, depth - 1, "function")
                defined = self.defined(indent)
                self.add(indent, "try: %s()" % defined)
                self.add(indent, "except TypeError: pass")
            elif what == 11:
                self.add(indent, "class K:")
                self.block(indent + 1, depth - 1, "class")
            elif what == 12:
                self.add(indent, "for %s in (1,):" % name)
                self.block(indent + 1, depth - 1, kind)
            else:
                self.add(indent, "try: raise ValueError")
                self.add(indent, "except ValueError as %s:" % name)
                self.block(indent + 1, depth - 1, kind)

    def defined(self, indent):
        for line in reversed(self.lines):
            if line.startswith("    " * indent + "def "):
                return line.split("def ")[1].split("(")[0]


reported = reached = 0
for _ in range(500):
    program = Programs()
    program.block(0, 3, "module")
    text = "\n".join(program.lines) + "\n"
    try:
        code = compile(text, "<random>", "exec")
    except SyntaxError:
        # Such as a name that is global after its use.
        continue
    tree = source.ast.parse(text)
    names = source._Names(tree)
    undefined = {(read.node.lineno, read.node.id) for read in names.undefined()}
    bound_anywhere = {node.id for node in source.ast.walk(tree) if isinstance(node, source.ast.Name) and isinstance(node.ctx, source.ast.Store)}
    bound_anywhere |= {node.arg for node in source.ast.walk(tree) if isinstance(node, source.ast.arg)}
    bound_anywhere |= {alias.asname for node in source.ast.walk(tree) if isinstance(node, source.ast.Import) for alias in node.names}
    bound_anywhere |= {node.name for node in source.ast.walk(tree) if isinstance(node, source.ast.ExceptHandler)}
    results = {}
    builtins.seen = lambda line, bound: results.setdefault(line, set()).add(bound)
    exec(code, {"__builtins__": builtins})
    for line, outcomes in results.items():
        for name in {name for at, name in undefined if at == line and name in Programs.names}:
            reached += 1
            assert True not in outcomes, textwrap.indent(text, "  ") + "line %d: %s" % (line, name)
        reads = {node.id for node in source.ast.walk(tree) if isinstance(node, source.ast.Name) and isinstance(node.ctx, source.ast.Load) and node.lineno == line}
        missing = (reads & set(Programs.names)) - bound_anywhere - {"len"}
        for name in missing:
            reported += 1
            assert (line, name) in undefined, textwrap.indent(text, "  ") + "line %d: %s" % (line, name)
assert reached > 20 and reported > 20, (reached, reported)
print("ok")
