/**
 * Programs whose failure has a name, executed in the sandbox and classified: what the rules read is what the sandbox
 * really says. One line a leaf or boundary; the exhaustive fixtures of the rules are unit tests.
 */
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import type { Verdict } from '../../../src/sandbox/verdict.js';
import { CATEGORIES } from '../../../src/taxonomy/categories.js';
import { classify } from '../../../src/taxonomy/classify.js';
import type { Classification } from '../../../src/taxonomy/types.js';

const PROMPT = 'def add(a, b):\n    """Return a + b."""\n';
const TEST =
  'def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(-1, 1) == 0\n    assert candidate(10, 5) == 15\n';

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
  ['1.3', { completion: '    a = b\n'.repeat(8) }],
  ['1.5', { completion: 'def plus(a, b):\n    return a + b\n', prompt: '' }],
  ['1.5', { completion: 'add = 3\n', prompt: '' }],
  ['1.5', { completion: 'def add(a):\n    return a\n', prompt: '' }],
  ['1.5', { completion: 'def add(a, b, c):\n    return a\n', prompt: '' }],
  ['1.5', { completion: 'class add:\n    pass\n', prompt: '' }],
  ['2.1', { completion: '    return max(a,' }],
  ['2.2', { completion: '    x = 1\n      y = 2\n' }],
  ['2.3', { completion: '    return a + b?\n' }],
  ['2.4', { completion: '    break\n' }],
  ['2.4', { completion: '    return a +\n' }],
  ['2.5', { completion: '    return a b\n' }],
  ['3.1', { completion: '    return a + b\n\nundefined()\n' }],
  ['3.3', { completion: '    return a + b\n\nimport no_such_module\n' }],
  ['3.7', { completion: '    return a + b\n\nx = 1 / 0\n' }],
  ['3.9', { completion: '    return a + b\n\nraise ValueError("at load")\n' }],
  ['3.9', { completion: '    return a + b\n\nassert add(1, 2) == 4\n' }],
  ['4.1', { completion: '    return a + c\n' }],
  ['4.1', { completion: '    x = x + a\n    return x\n' }],
  ['4.2', { completion: '    return a.plus(b)\n' }],
  ['4.3', { completion: '    import numpy_of_nowhere as np\n    return np.add(a, b)\n' }],
  ['4.3', { completion: '    from math import plus\n    return plus(a, b)\n' }],
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
  ['5.1', { completion: '    while True:\n        pass\n' }],
  ['5.2', { completion: '    return "x" * (1 << 40)\n' }],
  ['5.4', { completion: '    import time\n    time.sleep(1000)\n' }],
  ['6.1', { completion: '    import os\n    os._exit(0)\n' }],
  ['6.1', { completion: '    raise SystemExit(0)\n' }],
  ['6.1', { completion: '    return a + b\n\nimport sys\nsys.exit()\n' }],
  ['6.2', { completion: '    import os, signal\n    os.kill(os.getpid(), signal.SIGSEGV)\n' }],
  ['8.1', { completion: '    c = a + b\n' }],
  ['8.1', { completion: '    c = a + b\n', test: 'def check(candidate):\n    assert abs(candidate(1, 2) - 3) < 1e-6\n' }],
  ['8.2', { completion: '    print(a + b)\n' }],
  ['8.2', { completion: '    print("sum:")\n    print(a + b)\n' }],
  ['8.2', { completion: '    print("a\'b")\n', test: 'def check(candidate):\n    assert candidate(1, 2) == "a\'b"\n' }],
  ['8.3', { completion: '    return str(a + b)\n' }],
  ['8.3', { completion: '    return (x for x in [a + b])\n' }],
  ['8.3', { completion: '    return "ab"\n', test: 'def check(candidate):\n    assert abs(candidate(1, 2) - 3) < 1e-6\n' }],
  ['8.11', { completion: '    return a + b if a < 5 else 0\n' }],
  ['8.11', { completion: '    return a - b if a == 1 else a + b\n' }],
  ['8.12', { completion: '    return a - b + 100\n' }],
];

let executor: ProcessExecutor;

beforeAll(async () => {
  executor = await ProcessExecutor.create({ workers: 2, limits: { cpuSeconds: 1, wallSeconds: 3 } });
});

afterAll(async () => {
  await executor.dispose();
});

async function judge(program: Program): Promise<{ verdict: Verdict; decided: Classification }> {
  const { completion, prompt = PROMPT, test: checks = TEST, finishReason = 'eos' } = program;
  const verdict = await executor.execute({ taskId: 'named', prompt, entryPoint: 'add', test: checks, completion, seed: 1, sampleIndex: 0 });
  return { verdict, decided: classify({ verdict, prompt, completion, entryPoint: 'add', finishReason }) };
}

describe('a program with a known failure', () => {
  test.each(PROGRAMS)('%s %j', async (code, program) => {
    const { verdict, decided } = await judge(program);
    expect(decided.category?.code, JSON.stringify(verdict)).toBe(code);
    expect(decided.evidence).not.toBe('');
  });

  it('is there for every family that a program can reach', () => {
    const families = new Set(CATEGORIES.filter(({ code }) => !['0', '7', '9'].includes(code)).map(({ code }) => code.split('.')[0]));
    expect(new Set(PROGRAMS.map(([code]) => code.split('.')[0]))).toEqual(families);
  });
});

describe('a correct program', () => {
  it.each(['    return a + b\n', '    return sum([a, b])\n', '    print("noise")\n    return a + b\n'])('%j', async (completion) => {
    const { decided } = await judge({ completion });
    expect([decided.category, decided.outcome]).toEqual([null, 'pass']);
  });
});
