/** What is measured of failures beyond their outcome: assertions tried alone, examples, what calls return, the text, locals. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecutionJob } from '../../../src/sandbox/executor.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import { classify } from '../../../src/taxonomy/classify.js';
import type { AssertionTrial, ExceptionInfo, Measurements } from '../../../src/sandbox/verdict.js';

const PROMPT =
  'def double(x):\n    return 2 * x\n\n\ndef f(x):\n    """Example:\n    >>> f([1, 2])\n    [2, 4]\n    f([]) == []\n    f([5]) returns [10].\n    """\n';

describe('measurements of failures', () => {
  let executor: ProcessExecutor;
  beforeAll(async () => {
    const python = process.env['FAULTLINE_TEST_PYTHON'];
    executor = await ProcessExecutor.create({ workers: 1, ...(python === undefined ? {} : { python }) });
  });
  afterAll(async () => {
    await executor.dispose();
  });

  const measure = async (body: string, test: string, changes: Partial<ExecutionJob> = {}): Promise<Measurements> => {
    const job = { taskId: 'T/1', prompt: PROMPT, entryPoint: 'f', test, completion: body, seed: 1, sampleIndex: 0, ...changes };
    return (await executor.execute(job)).measurements;
  };
  const trials = async (body: string, test: string): Promise<readonly AssertionTrial[]> => (await measure(body, test)).assertions!.trials!;

  it.each<[string, string, string, AssertionTrial['relations']]>([
    ['another type', '    return str(x)', 'assert f(1) == 2', ['type']],
    ['a truth value for a number', '    return True', 'assert f(1) == 2', ['type']],
    ['types inside', '    return [str(x), str(x)]', 'assert f(1) == [1, 1]', ['type']],
    ['no type where a comparison forgives it', '    return x + 0.0', 'assert f(1) == 5', []],
    ['another order', '    return x[::-1]', 'assert f([1, 2, 3, 4]) == [1, 2, 3, 4]', ['order']],
    ['another order of rows', '    return x[::-1]', 'assert [[1], [2]] == f([[1], [2]])', ['order']],
    ['repeats', '    return x + [x[0], x[0]]', 'assert f([1, 2]) == [1, 2]', ['repeats']],
    ['a number one away', '    return x', 'assert f(1) == 2', ['off_by_one']],
    ['an element too few', '    return x[:-1]', 'assert f("abc") == "abc"', ['off_by_one']],
    ['a shift', '    return list(range(x))', 'assert f(4) == [1, 2, 3, 4]', ['off_by_one']],
    ['no shift of equal elements', '    return [1, 1, 1]', 'assert f(4) == [1, 1, 2]', []],
    ['rounding', '    return [3.14, {1: x}]', 'assert f(2) == [3.14159, {1: 2}]', ['rounding']],
    ['rounding where the test allows for some', '    return 0.333', 'assert abs(f(2) - 1 / 3) < 1e-6', ['rounding']],
    ['rounding where it allows for next to none', '    return 3 + 1e-10', 'assert abs(f(2) - 3) < 1e-12', ['rounding']],
    ['a limit on the left of what it allows', '    return 3 + 1e-10', 'assert 1e-12 >= abs(3 - f(2))', ['rounding']],
    ['another value within a limit of nothing', '    return 2e-10', 'assert abs(f(2) - 1e-10) < 1e-12', []],
    ['an expected value in a function', '    return 2', 'import math\nassert math.isclose(3, f(2), rel_tol=1e-9)', ['off_by_one']],
    ['no rounding of whole numbers', '    return 100002', 'assert f(2) == 100000', []],
    ['change in place', '    x.sort()', 'assert f([2, 1]) == [1, 2]', ['in_place', 'type']],
    ['no relation', '    return 70', 'assert f(2) == 1000', []],
    ['no expected value', '    return 70', 'assert f(2) < 7', null],
    ['nothing returned', '    raise KeyError', 'assert f(2) == 7', null],
    ['a value that cannot be compared', '    from decimal import Decimal\n    return Decimal("sNaN")', 'assert f(2) == 7', []],
    ['a value out of every range', '    return 10**400', 'assert f(2) == 1.5', []],
  ])('finds %s', async (_, body, test, relations) => {
    expect(await trials(`${body}\n`, `${test}\n`)).toMatchObject([{ index: 0, held: false, relations }]);
  });

  it('knows the candidate by the name that check gives it', async () => {
    const test = 'def check(solution):\n    assert solution(1) == 2\n    assert not solution(0)\n';
    expect(await trials('    return x\n', test)).toMatchObject([{ relations: ['off_by_one'] }, { held: true }]);
    expect((await measure('    return 7\n', test)).returns).toBe('constant');
  });

  it('sees a change in place where another input was in place already', async () => {
    const test = 'assert f([2, 1]) == [1, 2]\nassert f([]) == []\nassert f([7]) == [8]\n';
    expect(await trials('    x.sort()\n', test)).toMatchObject([
      { relations: ['in_place', 'type'] },
      { relations: ['in_place', 'type'] },
      { relations: ['type'] },
    ]);
    // Where no call changes anything, nothing was changed in place.
    expect(await trials('    sorted(x)\n', test)).toMatchObject([
      { relations: ['type'] },
      { relations: ['type'] },
      { relations: ['type'] },
    ]);
  });

  it('finds what fails only because changes are written back', async () => {
    const test = 'x = [3, 1]\nassert f(x) == [1, 3] and x == [3, 1]\nassert f([1]) == [1]\nassert f([2]) == [3]\n';
    expect(await trials('    x.sort()\n    return x\n', test)).toMatchObject([
      { held: false, relations: ['unaliased'] },
      { held: true, relations: null },
      { held: false, relations: [] },
    ]);
  });

  it('counts the calls that changed an argument, whatever the program comes to', async () => {
    const counted = async (body: string, test: string): Promise<unknown> => {
      const { calls, changedCalls } = await measure(body, test);
      return { calls, changedCalls };
    };
    const three = 'assert f([1]) == 1\nassert f([]) == 0\nassert f([2, 3]) == 2\n';
    expect(await counted('    n = len(x)\n    if n: x.append(0)\n    return n\n', three)).toEqual({ calls: 3, changedCalls: 2 });
    expect(await counted('    return len(sorted(x))\n', three)).toEqual({ calls: 3, changedCalls: 0 });
    expect(await counted('    x.append(0)\n    x.pop()\n    return len(x)\n', three)).toEqual({ calls: 3, changedCalls: 0 });
    // Of those up to the assertion that fails; the second look at it counts for nothing.
    expect(await counted('    x.append(0)\n    return len(x) - 1 if len(x) > 1 else 7\n', three)).toEqual({ calls: 2, changedCalls: 2 });
    // What a call that raises has changed is not told.
    expect(await counted('    x.append(0)\n    return 1 // (len(x) - 1) * (len(x) - 1)\n', three)).toEqual({ calls: 2, changedCalls: 1 });
    // Within an argument, and in one that is named.
    expect(await counted('    x[0].add(2)\n', 'assert f(x=[{1}]) is None\nassert f([{2}]) is None\n')).toEqual({
      calls: 2,
      changedCalls: 1,
    });
    expect(await counted('    return (x\n', three)).toEqual({ calls: 0, changedCalls: 0 });
  });

  it('tells which assertions the prompt shows, and what is special about inputs', async () => {
    const test =
      'def check(candidate):\n    assert candidate([1, 2]) == [2, 4]\n    assert candidate([]) == []\n    assert candidate([0, 0, -1]) == [0, 0, -2]\n' +
      '    assert candidate("") == ""\n    assert candidate(0) == 1\n    y = candidate([1])\n    assert y == [2]\n' +
      '    for n in (1, -7):\n        assert candidate(n) == n\n    assert double(2) == 5\n';
    const found = await trials('    return 7\n', test);
    expect(found.map(({ visible, traits }) => [visible, traits])).toEqual([
      [true, []],
      [true, ['empty']],
      [false, ['duplicates', 'negative']],
      [false, ['empty']],
      [false, ['zero']],
      [false, ['one']],
      [null, ['negative', 'one']],
      [null, []],
    ]);
  });

  it('tries the prompt’s examples', async () => {
    const test = 'assert f([3]) == [6]\n';
    expect((await measure('    return [2, 4]\n', test)).examples).toEqual({ total: 3, passed: 1 });
    expect((await measure('    return [2 * y for y in x] if x != [3] else 0\n', test)).examples).toEqual({ total: 3, passed: 3 });
    expect((await measure('    raise KeyError\n', test)).examples).toEqual({ total: 3, passed: 0 });
    expect((await measure('    exit() if x == [5] else 0\n', test)).examples).toEqual({ total: 3, passed: 0 });
    expect((await measure('    import os\n    if x == [5]: os._exit(0)\n', test)).examples).toBeNull();
    expect((await measure('    return 1\n', test, { prompt: 'def f(x):\n' })).examples).toEqual({ total: 0, passed: 0 });
  });

  it('sees None, constants and arguments in what calls return', async () => {
    const test = 'assert f([3]) == [6]\nassert f([4]) == [8]\n';
    expect((await measure('    return [8]\n', test)).returns).toBe('constant');
    expect((await measure('    return x\n', test)).returns).toBe('argument');
    expect((await measure('    return x + x\n', test)).returns).toBeNull();
    expect((await measure('    pass\n', test)).returns).toBe('none');
    expect((await measure('    if x == [4]: return [8]\n', test)).returns).toBeNull();
    expect((await measure('    return True\n', 'assert f([3])\nassert not f([4])\n')).returns).toBe('constant');
    // What raises is no answer; what cannot be handed over is one.
    expect((await measure('    raise KeyError\n', test)).returns).toBeNull();
    expect((await measure('    if x == [4]: raise KeyError\n', test)).returns).toBe('none');
    expect((await measure('    if x == [4]: return iter(x)\n', test)).returns).toBeNull();
    const three = `${test}assert f([5]) == [8]\n`;
    expect((await measure('    if x == [3]: raise KeyError\n    return [8]\n', three)).returns).toBe('constant');
    expect((await measure('    if x == [3]: raise KeyError\n    return x\n', three)).returns).toBe('argument');
    expect((await measure('    if x == [3]: return iter(x)\n    return [8]\n', three)).returns).toBeNull();
    // Nothing to tell apart.
    const once = { prompt: 'def f(x):\n' };
    expect((await measure('    pass\n', 'assert f([3]) == [6]\n', once)).returns).toBe('none');
    expect((await measure('    if x == [4]: raise KeyError\n    return x\n', test, once)).returns).toBeNull();
    expect((await measure('    return x\n', 'assert f([3]) == [6]\n', once)).returns).toBeNull();
    expect((await measure('    return x\n', 'assert f([3]) == [6]\nassert f([4]) == [6]\n', once)).returns).toBeNull();
  });

  it('tells what the text tells, of failing samples alone, and executes nothing for it', async () => {
    const test = 'assert f([3]) == [6]\n';
    expect((await measure('    return [2 * y for y in x]\n', test)).source).toBeNull();
    const body = '    return nothing(x) + input(y)\n    x = 1\n\n\ndef double(z):\n    pass\n';
    expect((await measure(body, test)).source).toEqual({
      parses: true,
      tokens: 20,
      foreignTokens: 0,
      lines: 4,
      foreignLines: 0,
      undefinedNames: ['nothing', 'y'],
      undefinedCalls: ['nothing'],
      deadStatements: 1,
      callsInput: true,
      redefined: ['double'],
    });
    expect((await measure('    The answer is the sum of all elements.\n', test)).source).toMatchObject({
      parses: false,
      tokens: 9,
      foreignTokens: 8,
      lines: 1,
      foreignLines: 1,
      undefinedNames: [],
    });
    expect((await measure(`    return ${'('.repeat(100000)}`, test)).source).toMatchObject({ parses: false, tokens: 100001 });
    expect((await measure('    return 1\nimport os\nos._exit(3)\n', test)).source).toMatchObject({ parses: true });
  });

  it('keeps the outcome where the judge’s time for a closer look is up', async () => {
    const test = 'assert f(1) == 2\nassert f(2) == 3\nfor item in f(3):\n    pass\nassert f(4) == 5\n';
    const job = {
      taskId: 'T/4',
      prompt: 'def f(x):\n',
      entryPoint: 'f',
      test,
      completion: '    return range(10**12)\n',
      seed: 1,
      sampleIndex: 0,
    };
    const { outcome, measurements } = await executor.execute(job);
    expect(outcome).toMatchObject({ status: 'assertion', assertion: { index: 0 } });
    expect(measurements).toMatchObject({ assertions: null, examples: null, source: { parses: true } });
  });

  it('describes the failing frame by place, statement and locals', async () => {
    const prompt = 'def f(x):\n';
    const body =
      '    class Odd:\n        def __repr__(self):\n            raise SystemExit\n        __str__ = __hash__ = __repr__\n' +
      '    odd = Odd()\n    many = {1: [odd, "é" * 200], 2: 10**400}\n    if x: größe = "é"; return größe + x\n';
    const { outcome } = await executor.execute({
      taskId: 'T/2',
      prompt,
      entryPoint: 'f',
      test: 'assert f(1)\n',
      completion: body,
      seed: 1,
      sampleIndex: 0,
    });
    const { exception } = outcome as { exception: ExceptionInfo };
    expect(exception).toMatchObject({ type: 'TypeError', line: 8 });
    // The expression's place and the statement that holds it from Python 3.11 on, the first statement's before.
    expect([
      [31, 'Return'],
      [11, 'Assign'],
    ]).toContainEqual([exception.column, exception.statement]);
    const locals = Object.fromEntries(exception.locals.map(({ name, value }) => [name, value]));
    expect(locals).toMatchObject({ Odd: '<type>', odd: '<Odd>', x: '1', größe: "'é'" });
    expect(locals['many']).toMatch(/^\{1: \[<Odd>, 'é+$/);
    expect(exception.locals.every(({ value }) => value.length <= 80)).toBe(true);
  });
});

describe('places of failures', () => {
  const far = `[${Array.from({ length: 900 }, (_, n) => `a${n}`).join('+')}]`;

  it.each([
    ['two expressions side by side, far out', `def f(x):\n    return ${far} y\n`, '2.6', 'y'],
    ['a keyword, far out', `def f(x):\n    return ${far} class\n`, '2.4', 'class'],
    ['a character that is no token, far out', `def f(x):\n    return ${far} ?\n`, '2.3', '?'],
    ['a character that no text may hold', 'def f(x):\n    return "é\0"\n', '2.3', '\0'],
    ['half a character', 'def f(x):\n    return "é\ud800"\n', '2.3', '\ud800'],
  ])('%s', async (_, completion, code, text) => {
    const python = process.env['FAULTLINE_TEST_PYTHON'];
    const executor = await ProcessExecutor.create({ workers: 1, ...(python === undefined ? {} : { python }) });
    try {
      const job = { taskId: 'T/5', prompt: '', entryPoint: 'f', test: 'assert f(1)\n', completion, seed: 1, sampleIndex: 0 };
      const decided = classify({ ...job, verdict: await executor.execute(job), finishReason: '' });
      expect(decided.category?.code).toBe(code);
      const at = completion.indexOf(text, 16);
      const start = Buffer.byteLength(completion.slice(0, at));
      expect(decided.place).toEqual({
        line: 2,
        column: at - completion.indexOf('\n'),
        range: { start, end: start + Buffer.byteLength(text) },
      });
    } finally {
      await executor.dispose();
    }
  });
});

describe('where a program was when its time was up', () => {
  it.each([
    [
      'a loop',
      '    return helper(x)\n\n\ndef helper(y):\n    while True:\n        y += 1\n',
      [
        ['f', 2],
        ['helper', 6, 7],
      ],
    ],
    [
      'a function with another script’s name',
      '    def größe_日本_𝒳():\n        while True:\n            pass\n    größe_日本_𝒳()\n',
      [
        ['f', 5],
        // Python normalises names.
        ['größe_日本_X', 3, 4],
      ],
    ],
    ['a loop in C', '    return sum(range(10**12))\n', [['f', 2]]],
    [
      'a program that hears no signals',
      '    import signal\n    for n in range(1, 65):\n        try:\n            signal.signal(n, signal.SIG_IGN)\n        except (OSError, ValueError):\n            pass\n    while True:\n        pass\n',
      null,
    ],
    [
      'a program that lies',
      '    import os\n    while True:\n        try:\n            os.write(4, b"  File \\"<program>\\", line 99999 in f\\n")\n        except BlockingIOError:\n            pass\n',
      undefined,
    ],
  ] as const)('%s', async (_, body, stack) => {
    const python = process.env['FAULTLINE_TEST_PYTHON'];
    const executor = await ProcessExecutor.create({
      workers: 1,
      calibration: 1,
      limits: { cpuSeconds: 0.2 },
      ...(python === undefined ? {} : { python }),
    });
    try {
      const job = {
        taskId: 'T/3',
        prompt: 'def f(x):\n',
        entryPoint: 'f',
        test: 'assert f(1)\n',
        completion: body,
        seed: 1,
        sampleIndex: 0,
      };
      const { outcome, measurements } = await executor.execute(job);
      expect(outcome).toMatchObject({ status: 'limit', resource: 'cpu' });
      if (stack === null) expect(measurements.stack).toBeNull();
      else if (stack === undefined) expect(measurements.stack?.every(({ line }) => line <= 9) ?? true).toBe(true);
      else {
        expect(measurements.stack).toHaveLength(stack.length);
        for (const [index, [name, ...lines]] of stack.entries()) {
          expect(measurements.stack![index]).toMatchObject({ where: 'sample', function: name });
          expect(lines).toContain(measurements.stack![index]!.line);
        }
      }
    } finally {
      await executor.dispose();
    }
  });
});
