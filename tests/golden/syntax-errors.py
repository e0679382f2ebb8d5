"""Makes tests/golden/syntax-errors.json and syntax-corpus.json: what CPython says about broken programs, by minor version.

    python3.9 tests/golden/syntax-errors.py && python3.10 tests/golden/syntax-errors.py && ...

Each run adds its own version's column and keeps the others. A case of the first is (leaf, completion) after PROMPT; the
leaf is what the taxonomy should say. The second holds the programs of the bundled model on the bundled problems that do
not compile (seed 1, 20 samples of each, no two alike), as often as they come. Made with CPython 3.9.18, 3.10.13, 3.11.7,
3.12.1 and 3.13.0.
"""
import json
import pathlib
import sys
import warnings

PROMPT = 'def f(a, b):\n    """Doc."""\n'
FILE = pathlib.Path(__file__).with_name('syntax-errors.json')
CORPUS = pathlib.Path(__file__).with_name('syntax-corpus.json')
CASES = [
    # 2.1: not closed, or closed by the wrong bracket.
    ('2.1', '    return (a +'),
    ('2.1', '    return [1, 2'),
    ('2.1', '    x = {1: 2'),
    ('2.1', '    return max(a, b\n'),
    ('2.1', '    x = (((((\n'),
    ('2.1', "    x = 'abc\n    return x\n"),
    ('2.1', '    x = """abc\n    return x\n'),
    ('2.1', "    '''doc"),
    ('2.1', "    return f'{a'"),
    ('2.1', '    return (a]\n'),
    ('2.1', '    x = {1: 2]\n'),
    ('2.1', '    x = [1, 2, 3\n    return x\n'),
    ('2.1', "    x = 'it's'\n"),
    # ... a block in braces that is open at the end.
    ('2.1', '    def g(x) {\n        return x\n'),
    ('2.1', '    if a > 0 {\n        return b\n'),
    ('2.1', '    if a > 0:\n        return b\n    else {\n        return a\n'),
    ('2.1', '    while b {\n        b = 0\n'),
    # 2.2: indentation.
    ('2.2', '    if a:\n    return b\n'),
    ('2.2', '    for x in a:\n'),
    ('2.2', '    while True:\n        # nothing\n'),
    ('2.2', '    if a:\n        return 1\n      return 2\n'),
    ('2.2', '    x = 1\n        y = 2\n'),
    ('2.2', '    if a:\n        x = 1\n\ty = 2\n'),
    ('2.2', '    class A:\n    x = 1\n'),
    # 2.3: no token.
    ('2.3', '    x = $\n'),
    ('2.3', '    x = a ? b : c\n'),
    ('2.3', '    x = `a`\n'),
    ('2.3', '    x = a!\n'),
    ('2.3', '    x = \u201ca\u201d\n'),
    ('2.3', '    x = 1\u00a0+ 2\n'),
    ('2.3', '    x = 012\n'),
    ('2.3', '    x = 0b12\n'),
    ('2.3', '    x = 0x\n'),
    ('2.3', '    x = 1__0\n'),
    ('2.3', '    x = a \\ b\n'),
    ('2.3', "    x = '\\x'\n"),
    ('2.3', "    x = b'\u00e9'\n"),
    ('2.3', "    x = f'}'\n"),
    ('2.3', "    x = f'{}'\n"),
    ('2.3', "    x = '\x00'\n"),
    ('2.3', '    x = \u200b1\n'),
    # 2.4: misplaced, impossible target, malformed header, broken off.
    ('2.4', '    break\n'),
    ('2.4', '    continue\n'),
    ('2.4', '    await a\n'),
    ('2.4', 'return a\n'),
    ('2.4', '    else:\n        return 1\n'),
    ('2.4', '    elif a:\n        return 1\n'),
    ('2.4', '    except:\n        return 1\n'),
    ('2.4', '    return a)\n'),
    ('2.4', '    1 = a\n'),
    ('2.4', '    f() = 1\n'),
    ('2.4', '    a + b = 1\n'),
    ('2.4', '    None = 1\n'),
    ('2.4', '    del f()\n'),
    ('2.4', '    for 1 in a:\n        pass\n'),
    ('2.4', '    a, b += 1\n'),
    ('2.4', '    global a\n'),
    ('2.4', '    nonlocal z\n'),
    ('2.4', '    from x import *\n'),
    ('2.4', '    from __future__ import division\n'),
    ('2.4', "    print 'a'\n"),
    ('2.4', '    print a\n'),
    ('2.4', '    def g(a, a): pass\n'),
    ('2.4', '    def g(a=1, b): pass\n'),
    ('2.4', '    f(a=1, 2)\n'),
    ('2.4', '    f(a for a in b, c)\n'),
    ('2.4', '    x = *a\n'),
    ('2.4', '    if a\n        return 1\n'),
    ('2.4', '    def g()\n        return 1\n'),
    ('2.4', '    for i in range(3)\n        pass\n'),
    ('2.4', '    else if a:\n        pass\n'),
    ('2.4', '    x = if\n'),
    ('2.4', '    x.class = 1\n'),
    ('2.4', '    return return\n'),
    ('2.4', '    return a +\n'),
    ('2.4', '    import\n'),
    ('2.4', '    x = \n'),
    ('2.4', '    a.\n'),
    ('2.4', '    def\n'),
    ('2.4', '    if a = 1:\n        pass\n'),
    ('2.4', '    try:\n        pass\n    except E, e:\n        pass\n'),
    ('2.4', '    try:\n        x = 1\n'),
    ('2.4', '    x = = 1\n'),
    ('2.4', '    x && y\n'),
    ('2.4', '    x = a :: 3\n'),
    ('2.4', '    >>> f(1, 2)\n'),
    ('2.4', '    return f(a):\n'),
    ('2.4', '    for i, (a, b):\n        pass\n'),
    ('2.4', '    return sorted(a, key=lambda k, b)\n'),
    ('2.4', '    return [x for x, b]\n'),
    ('2.4', '    x = {1: }\n'),
    ('2.4', '    return [a, b for a in b]\n'),
    ('2.4', '    x = (1,\n         2))\n    return x y\n'),
    # ... a block in braces, as other languages have.
    ('2.4', '    def g(x) {\n        return x + 1\n    }\n'),
    ('2.4', '    def g(x) { return x + 1 }\n'),
    ('2.4', '    class A {\n        int x;\n    }\n'),
    ('2.4', '    if a > 0 {\n        return b\n    }\n    return a\n'),
    ('2.4', '    if (a > 0) {  # positive\n        return b c\n    }\n'),
    ('2.4', '    for x in a {\n        return x\n    }\n'),
    ('2.4', '    while b {\n        b = 0\n    }\n'),
    # 2.6: two values side by side.
    ('2.6', '    return a b\n'),
    ('2.6', '    x = (a b)\n'),
    ('2.6', '    Here is the solution:\n'),
    ('2.6', '    new_ space = 1\n'),
    ('2.6', '    for x inlist:\n        pass\n'),
    ('2.6', '    return [x for x inlist]\n'),
    ('2.6', '    return "a" b\n'),
    ('2.6', '    if a is greater than 3:\n        return b\n'),
    ('2.6', '    b, For num = g(1)\n'),
    ('2.6', '    return f(a) 3\n'),
    # ... a set or dictionary in a header, or at the end of a line that is none.
    ('2.6', '    if a {1, 2}:\n        return b\n'),
    ('2.6', '    return a {\n        1: 2}\n'),
    # ... which a fault further down replaces.
    ('2.1', '    return a b\n    x = \'c\n'),
    ('2.1', '    x = (a,\n    return b\n    y = 1\n'),
    ('2.1', '    if isinstance(a, (list, (int)):\n        return b\n'),
    ('2.1', '    if a:\n    return b\n    x = "c\n'),
    ('2.3', '    return a b\n    x = 1abc\n'),
    ('2.3', '    x = 3rd\n'),
    # 2.5: the rest.
    ('2.5', '    return ' + '(' * 201 + 'a' + ')' * 201 + '\n'),
]


VERSION = '%d.%d' % sys.version_info[:2]


def refusal(program):
    """How this interpreter refuses a program."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            compile(program, '<sample>', 'exec')
    except (SyntaxError, ValueError) as error:
        return {
            'type': type(error).__name__,
            'bases': [base.__name__ for base in type(error).__mro__[:-1]],
            'message': getattr(error, 'msg', None) or str(error),
            'line': getattr(error, 'lineno', None),
            'column': getattr(error, 'offset', None),
        }
    raise SystemExit('compiles under %s: %r' % (VERSION, program))


def write(file, content):
    file.write_text(json.dumps(content, indent=1) + '\n')


def main():
    old = json.loads(FILE.read_text()) if FILE.exists() else {'cases': []}
    seen = {case['completion']: case['seen'] for case in old['cases']}
    cases = []
    for leaf, completion in CASES:
        columns = {**seen.get(completion, {}), VERSION: refusal(PROMPT + completion)}
        cases.append({'leaf': leaf, 'completion': completion, 'seen': columns})
    write(FILE, {'prompt': PROMPT, 'cases': cases})

    corpus = json.loads(CORPUS.read_text())
    for program in corpus['programs']:
        program['seen'][VERSION] = refusal(program['prompt'] + program['completion'])
    write(CORPUS, corpus)


main()
