/**
 * Programs whose failure has a name, executed in the sandbox and classified: what the rules read is what the sandbox
 * really says. One line a leaf or boundary; the exhaustive fixtures of the rules are unit tests. FAULTLINE_TEST_PYTHON
 * names another interpreter: the leaves are the same from 3.9 to 3.13.
 */
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { withOneEdit } from '../../../src/pipeline/one-edit.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import type { OneEdit, Verdict } from '../../../src/sandbox/verdict.js';
import { CATEGORIES } from '../../../src/taxonomy/categories.js';
import { classify } from '../../../src/taxonomy/classify.js';
import type { Classification } from '../../../src/taxonomy/types.js';

const PROMPT = 'def add(a, b):\n    """Return a + b."""\n';
const TEST =
  'def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(-1, 1) == 0\n    assert candidate(10, 5) == 15\n';

/** A test of these assertions; everything is called `add`. */
function testOf(...assertions: readonly string[]): string {
  return `def check(candidate):\n${assertions.map((each) => `    ${each}\n`).join('')}`;
}
const SORTED = testOf(
  'assert candidate([5, 3], [4, 4]) == [3, 4, 4, 5]',
  'assert candidate([9, 7, 8, 8], [2]) == [2, 7, 8, 8, 9]',
  'assert candidate([6, 2, 2], [4, 3]) == [2, 2, 3, 4, 6]',
);
const DUPLICATES = testOf('assert candidate([5, 3], [4]) == [3, 4, 5]', 'assert candidate([4, 6, 4], [2]) == [2, 4, 4, 6]');
const KEPT = testOf('x = [2, 3]', 'assert candidate(x, [4]) + x == [2, 3, 4, 2, 3]');
const FLOATS = testOf('assert candidate(1.23456, 2.0) == 3.23456', 'assert candidate(0.5432109, 3.0) == 3.5432109');
const NEGATIVE = testOf(
  'assert candidate(4, 2) == 6',
  'assert candidate(7, -3) == 4',
  'assert candidate(9, 3) == 12',
  'assert candidate(8, -2) == 6',
);
const MOSTLY_NEGATIVE = testOf('assert candidate(0, 7) == 7', 'assert candidate(-3, 8) == 5', 'assert candidate(-9, 2) == -7');
const SHOWN = 'def add(a, b):\n    """Return a + b.\n\n    >>> add(1, 2)\n    3\n    """\n';
const LARGE = testOf('assert candidate(1, 2) == 3', 'assert candidate(40, 50) == 90', 'assert candidate(33, 44) == 77');

/** Deeper than CPython's tokeniser goes; hardly two alike, so that nothing repeats. */
const NESTED = Array.from({ length: 201 }, (_, i) => `(v${(i * 7919) % 1009} + `).join('') + `a${')'.repeat(201)}`;

interface Program {
  readonly completion: string;
  readonly prompt?: string;
  readonly test?: string;
  readonly finishReason?: string;
}

const PROGRAMS: readonly (readonly [code: string, program: Program])[] = [
  ['1.1', { completion: '    return max(a,', finishReason: 'length' }],
  ['1.1', { completion: '    try:\n        return a + b', finishReason: 'length' }],
  ['1.2', { completion: '    pass\n' }],
  ['1.2', { completion: '' }],
  ['1.2', { completion: 'def add(a, b):\n    "Add."\n    # TODO\n    return\n', prompt: '' }],
  ['1.2', { completion: 'def add(a, b):\n    pass\n' }],
  ['1.3', { completion: '    a = b\n'.repeat(8) }],
  ['1.4', { completion: 'This function returns the sum of both numbers, so that you can see what it is for.\n', prompt: '' }],
  [
    '1.4',
    { completion: '    return a + b\n\n```\n\nHere is how it works: it adds both numbers.\nThen it returns what comes out of that.\n' },
  ],
  ['1.4', { completion: 'function add(a, b) { return a + b; }\n', prompt: '' }],
  [
    '1.4',
    { completion: '<!DOCTYPE html>\n<html lang="en">\n<head>\n<title>Add</title>\n</head>\n<body>\n<p>a + b</p>\n</body>\n</html>\n' },
  ],
  ['1.4', { completion: 'fn add(a: i32, b: i32) -> i32 {\n    let y = a + b;\n    println!("{}", y);\n    y\n}\n' }],
  [
    '1.4',
    {
      completion:
        '# Solution\n\nHere is how to do it:\n\n- First add them\n- Then return the result\n\n**Note**: this is simple and works for every number\n',
    },
  ],
  ['1.5', { completion: 'def plus(a, b):\n    return a + b\n', prompt: '' }],
  ['1.5', { completion: 'add = 3\n', prompt: '' }],
  ['1.5', { completion: 'def add(a):\n    return a\n', prompt: '' }],
  ['1.5', { completion: 'def add(a, b, c):\n    return a\n', prompt: '' }],
  ['1.5', { completion: 'class add:\n    pass\n', prompt: '' }],
  ['2.1', { completion: '    return max(a,' }],
  ['2.2', { completion: '    x = 1\n      y = 2\n' }],
  ['2.3', { completion: '    return a + b?\n' }],
  ['2.4', { completion: '    break\n' }],
  ['2.4', { completion: 'def add(a, b) {\n    return a + b\n}\n', prompt: '' }],
  ['2.4', { completion: '    return a +\n' }],
  ['2.5', { completion: `    return ${NESTED}\n` }],
  ['2.6', { completion: '    return a b\n' }],
  // A program that goes on for a sentence too long.
  ['2.6', { completion: '    return a + b\nThis returns the sum of both.\n' }],
  [
    '2.3',
    { completion: '    return a + b\n\n```\n\nHere is how the solution works: it adds both numbers and then returns what comes out\n' },
  ],
  ['2.6', { completion: '    new_ sum = a + b\n    return new_ sum\n' }],
  ['3.1', { completion: '    return a + b\n\nundefined()\n' }],
  ['3.2', { completion: '    return a + b\n\nadd.of(1)\n' }],
  ['3.3', { completion: '    return a + b\n\nimport no_such_module\n' }],
  ['3.4', { completion: '    return a + b\n\nadd(1)\n' }],
  ['3.5', { completion: '    return a + b\n\n[][0]\n' }],
  ['3.6', { completion: '    return a + b\n\nint("x")\n' }],
  ['3.7', { completion: '    return a + b\n\nx = 1 / 0\n' }],
  ['3.8', { completion: '    return add(a, b)\n\nadd(1, 2)\n' }],
  ['3.9', { completion: '    return a + b\n\nraise ValueError("at load")\n' }],
  ['3.9', { completion: '    return a + b\n\nassert add(1, 2) == 4\n' }],
  ['3.10', { completion: '    return a + b\n\nopen("words.txt")\n' }],
  ['4.1', { completion: '    return a + c\n' }],
  ['4.1', { completion: '    x = x + a\n    return x\n' }],
  ['4.2', { completion: '    return a.plus(b)\n' }],
  ['4.3', { completion: '    import numpy_of_nowhere as np\n    return np.add(a, b)\n' }],
  ['4.3', { completion: '    from math import plus\n    return plus(a, b)\n' }],
  ['4.4', { completion: '    raise "no"\n' }],
  ['4.4', { completion: '    raise NotImplemented\n' }],
  ['4.4', { completion: '    return a + str(b)\n' }],
  ['4.4', { completion: '    return add(a)\n' }],
  ['4.4', { completion: '    return a[0] + b\n' }],
  ['4.4', { completion: '    assert len(a) > 0\n    return a\n' }],
  ['4.5', { completion: '    return [a, b][2]\n' }],
  ['4.5', { completion: '    return {}[a]\n' }],
  ['4.5', { completion: '    return next(iter([]))\n' }],
  ['4.6', { completion: '    return int("x")\n' }],
  ['4.6', { completion: '    import json\n    return json.loads("{")\n' }],
  ['4.7', { completion: '    return a / (b - b)\n' }],
  ['4.8', { completion: '    return add(a, b)\n' }],
  ['4.9', { completion: '    raise ValueError("no")\n' }],
  ['4.9', { completion: '    assert a > 100, "small"\n    return a\n' }],
  ['4.9', { completion: '    raise KeyboardInterrupt\n' }],
  ['4.9', { completion: '    class Own(Exception):\n        pass\n    raise Own("mine")\n' }],
  ['4.6', { prompt: `def helper(x):\n    raise ValueError(x)\n\n${PROMPT}`, completion: '    return helper(a)\n' }],
  ['4.10', { completion: '    import re\n    return re.compile("(")\n' }],
  ['4.10', { completion: '    return eval("1 +")\n' }],
  // The system refused nothing: the program makes the exception, and raises it in other ways than by a statement.
  ...['PermissionError()', 'PermissionError(13, "no")', 'OSError("[Errno 1] no")', 'OSError(28, "full")', 'OSError(12, "none")'].flatMap(
    (own): [string, Program][] => [
      ['4.10', { completion: `    def steps():\n        yield 1\n    it = steps()\n    next(it)\n    it.throw(${own})\n` }],
      ['4.10', { completion: `    def steps():\n        yield 1\n    steps().throw(${own})\n` }],
      ['4.10', { completion: `    def steps():\n        yield from [a, b]\n    it = steps()\n    next(it)\n    it.throw(${own})\n` }],
    ],
  ),
  [
    '4.10',
    {
      completion:
        '    class Wait:\n        def __await__(self):\n            yield 1\n    async def add_later():\n        await Wait()\n' +
        '    it = add_later()\n    it.send(None)\n    it.throw(PermissionError(1, "no"))\n',
    },
  ],
  ['5.1', { completion: '    while True:\n        pass\n' }],
  ['5.2', { completion: '    return "x" * (1 << 40)\n' }],
  ['5.2', { completion: '    import mmap\n    return mmap.mmap(-1, 1 << 40)\n' }],
  ['5.3', { completion: '    while True:\n        print("x" * 1000)\n' }],
  ['5.4', { completion: '    import time\n    time.sleep(1000)\n' }],
  ['5.5', { completion: '    import os\n    return os.fork()\n' }],
  ['5.5', { completion: '    import subprocess\n    return subprocess.run(["true"])\n' }],
  ['5.5', { completion: '    import os\n    while True:\n        os.dup(1)\n' }],
  ['5.5', { completion: '    with open("/tmp/much", "wb") as file:\n        file.write(bytes(1 << 28))\n' }],
  ['6.1', { completion: '    import os\n    os._exit(0)\n' }],
  ['6.1', { completion: '    raise SystemExit(0)\n' }],
  ['6.1', { completion: '    return a + b\n\nimport sys\nsys.exit()\n' }],
  ['6.2', { completion: '    import os, signal\n    os.kill(os.getpid(), signal.SIGSEGV)\n' }],
  ['6.3', { completion: '    import socket\n    return socket.socket()\n' }],
  ['6.3', { completion: '    import urllib.request\n    return urllib.request.urlopen("http://example.org")\n' }],
  ['6.3', { completion: '    import os\n    os.execv("/bin/true", ["true"])\n' }],
  ['6.3', { completion: '    import socket\n    def steps():\n        yield socket.socket()\n    return list(steps())\n' }],
  [
    '6.3',
    { completion: '    import os\n    try:\n        os.execv("/bin/true", ["true"])\n    except OSError as error:\n        raise error\n' },
  ],
  ['6.3', { completion: '    with open("/usr/answer.txt", "w") as file:\n        file.write("3")\n' }],
  ['6.3', { completion: '    import ctypes\n    ctypes.CDLL(None).unshare(0x10000000)\n' }],
  ['8.1', { completion: '    c = a + b\n' }],
  ['8.1', { completion: '    c = a + b\n', test: 'def check(candidate):\n    assert abs(candidate(1, 2) - 3) < 1e-6\n' }],
  ['8.1', { completion: '    if a != 1:\n        raise ValueError\n' }],
  ['8.2', { completion: '    print(a + b)\n' }],
  ['8.2', { completion: '    print("sum:")\n    print(a + b)\n' }],
  ['8.2', { completion: '    print("a\'b")\n', test: 'def check(candidate):\n    assert candidate(1, 2) == "a\'b"\n' }],
  ['8.3', { completion: '    return str(a + b)\n' }],
  [
    '8.3',
    {
      completion: '    return [str(each) for each in sorted(a + b)]\n',
      test: testOf('assert candidate([5], [4]) == [4, 5]', 'assert candidate([], []) == []', 'assert candidate([3], [1]) == [1, 3]'),
    },
  ],
  [
    '8.3',
    { completion: '    return [(a, b)]\n', test: testOf('assert candidate(1, 2) == [[1, 2]]', 'assert candidate(3, 4) == [[3, 4]]') },
  ],
  ['8.3', { completion: '    return {"sum": str(a + b)}\n', test: testOf('assert candidate(1, 2) == {"sum": 3}') }],
  ['8.3', { completion: '    return None if a == 1 else str(a)\n' }],
  ['8.3', { completion: '    return (x for x in [a + b])\n' }],
  ['8.3', { completion: '    return "ab"\n', test: 'def check(candidate):\n    assert abs(candidate(1, 2) - 3) < 1e-6\n' }],
  ['8.4', { completion: '    return a + b\n', test: SORTED }],
  ['8.4', { completion: '    return sorted(set(a + b))\n', test: SORTED }],
  ['8.5', { completion: '    return a + b + 1\n' }],
  ['8.5', { completion: '    return sorted(a + b)[:-1]\n', test: SORTED }],
  ['8.6', { completion: '    return round(a + b, 3)\n', test: FLOATS }],
  ['8.7', { completion: '    return 7\n' }],
  ['8.7', { completion: '    return b\n', test: SORTED }],
  ['8.7', { completion: '    if a > 5:\n        raise ValueError\n    return 1\n' }],
  ['8.8', { completion: '    a.extend(b)\n    a.sort()\n', test: SORTED }],
  ['8.8', { completion: '    a += b\n    return sorted(a)\n', test: KEPT }],
  ['8.9', { completion: '    return a + b if b > 0 else None\n', test: NEGATIVE }],
  ['8.9', { completion: '    return sorted(set(a + b))\n', test: DUPLICATES }],
  ['8.10', { completion: '    return 3 if b == 2 else a * b\n', prompt: SHOWN, test: LARGE }],
  ['8.11', { completion: '    return a + b if a < 5 else 0\n' }],
  ['8.11', { completion: '    return abs(a) + b\n', test: MOSTLY_NEGATIVE }],
  ['8.11', { completion: '    return a - b if a == 1 else a + b\n' }],
  ['8.12', { completion: '    return a - b + 100\n' }],
];

let executor: ProcessExecutor;

beforeAll(async () => {
  const python = process.env['FAULTLINE_TEST_PYTHON'];
  executor = await ProcessExecutor.create({
    workers: 2,
    limits: { cpuSeconds: 1, wallSeconds: 3 },
    ...(python === undefined ? {} : { python }),
  });
});

afterAll(async () => {
  await executor.dispose();
});

async function judge(program: Program): Promise<{ verdict: Verdict; decided: Classification }> {
  const { completion, prompt = PROMPT, test: checks = TEST, finishReason = 'eos' } = program;
  const verdict = await executor.execute({ taskId: 'named', prompt, entryPoint: 'add', test: checks, completion, seed: 1, sampleIndex: 0 });
  return { verdict, decided: classify({ verdict, prompt, completion, entryPoint: 'add', finishReason }) };
}

describe('one edit', () => {
  it.each<[completion: string, edit: OneEdit | undefined]>([
    ['    return int(math.fsum([a, b]))\n', { kind: 'import', passes: true }],
    ['    return int(math.fsum([a, b])) + 1\n', { kind: 'import', passes: false }],
    ['    while math.pi:\n        pass\n', { kind: 'import', passes: false }],
    ['    c = a + b\n    c\n', { kind: 'return', passes: true }],
    ['    c = a\n      c += b\n    return c\n', { kind: 'indentation', passes: true }],
    ['    return a - b\n', undefined],
  ])('of %j', async (completion, edit) => {
    const job = { taskId: 'edited', prompt: PROMPT, entryPoint: 'add', test: TEST, completion, seed: 1, sampleIndex: 0 };
    const verdict = await withOneEdit(executor, job, await executor.execute(job), new AbortController().signal);
    expect(verdict.measurements.source?.oneEdit).toEqual(edit);
    expect(verdict.passed).toBe(false);
  });
});

describe('a program with a known failure', () => {
  test.each(PROGRAMS)('%s %j', async (code, program) => {
    const { verdict, decided } = await judge(program);
    expect(decided.category?.code, JSON.stringify(verdict)).toBe(code);
    expect(decided.evidence).not.toBe('');
  });

  it("is there for every leaf but those that are no one program's failure", () => {
    const elsewhere = ['0', '7', '9'];
    const leaves = CATEGORIES.map(({ code }) => code).filter((code) => !elsewhere.includes(code));
    expect(leaves.filter((code) => !PROGRAMS.some(([hit]) => hit === code))).toEqual([]);
  });
});

describe('a value of a class', () => {
  it.each([
    ['returns:object', '    class Sum:\n        pass\n    return Sum()\n'],
    ['returns:object', '    from dataclasses import dataclass\n    @dataclass\n    class Sum:\n        of: int\n    return Sum(a + b)\n'],
    ['returns:object', '    from collections import namedtuple\n    return namedtuple("Sum", "of")(a + b)\n'],
    ['returns:object', '    return object()\n'],
    ['returns:iterator', '    yield a + b\n'],
  ])('has the tag %s: %j', async (tag, completion) => {
    const { decided } = await judge({ completion });
    expect(decided.category?.code).toBe('8.3');
    expect(decided.tags.filter((each) => each.startsWith('returns:'))).toEqual([tag]);
  });
});

describe('a correct program', () => {
  it.each([
    '    return a + b\n',
    '    return sum([a, b])\n',
    '    print("noise")\n    return a + b\n',
    '    import getpass\n    assert getpass.getuser()\n    return a + b\n',
  ])('%j', async (completion) => {
    const { decided } = await judge({ completion });
    expect([decided.category, decided.outcome]).toEqual([null, 'pass']);
  });
});
