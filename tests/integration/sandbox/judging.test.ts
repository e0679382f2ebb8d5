/** What the judge makes of prompts, tests and values, on problems written for it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecutionJob } from '../../../src/sandbox/executor.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import type { Verdict } from '../../../src/sandbox/verdict.js';
import { classify } from '../../../src/taxonomy/classify.js';

const ADD: ExecutionJob = {
  taskId: 'Add/0',
  prompt: 'def add(a, b):\n    """Return a + b."""\n',
  entryPoint: 'add',
  test: 'def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(-1, 1) == 0\n    assert candidate(10, 5) == 15\n',
  completion: '    return a + b\n',
  seed: 1,
  sampleIndex: 0,
};

/** Little time, for what meets a limit: it does so twice. */
const QUICK = { workers: 1, calibration: 1, limits: { cpuSeconds: 0.2, wallSeconds: 0.2, memoryBytes: 512 << 20 } };
/** As many wait at once for tests that wait. */
const WAITERS = 2;

describe('judging', () => {
  let executor: ProcessExecutor;
  let quick: ProcessExecutor;
  beforeAll(async () => {
    executor = await ProcessExecutor.create({ workers: 1 });
    quick = await ProcessExecutor.create(QUICK);
  });
  afterAll(async () => {
    await executor.dispose();
    await quick.dispose();
  });
  const judge = (changes: Partial<ExecutionJob>): Promise<Verdict> => executor.execute({ ...ADD, ...changes });
  const judgeQuickly = (changes: Partial<ExecutionJob>): Promise<Verdict> => quick.execute({ ...ADD, ...changes });

  it('counts lines from the start of the prompt and tells prompt from sample', async () => {
    const verdict = await judge({
      prompt: 'def helper(v):\r\n    return v.size\r\n\r\ndef add(a, b):\r\n    """Return a + b."""\r\n',
      completion: '    return helper(a) + b\n',
    });
    expect(verdict.outcome).toMatchObject({
      status: 'exception',
      exception: {
        type: 'AttributeError',
        line: 6,
        frames: [
          { where: 'sample', function: 'add', line: 6 },
          { where: 'prompt', function: 'helper', line: 2 },
        ],
      },
    });
  });

  it('takes a line that prompt and completion share for the sample’s', async () => {
    const verdict = await judge({ prompt: 'def add(a, b):\n    return', completion: ' a + c\n' });
    expect(verdict.outcome).toMatchObject({ exception: { line: 2, frames: [{ where: 'sample', line: 2 }] } });
  });

  it('gives the test the prompt’s helpers and the entry point by name', async () => {
    const prompt = 'def double(x):\n    return 2 * x\n\n\ndef half(x):\n    """Inverse of double."""\n';
    const test = 'def check(candidate):\n    assert candidate(double(3)) == 3\n    assert half(double(4)) == 4\n';
    expect((await judge({ prompt, test, entryPoint: 'half', completion: '    return x // 2\n' })).outcome).toEqual({ status: 'passed' });
    // A sample that redefines a helper does not change the test's.
    const cheat = '    return 0\n\n\ndef double(x):\n    return 0\n';
    expect((await judge({ prompt, test, entryPoint: 'half', completion: cheat })).outcome).toMatchObject({
      status: 'assertion',
      assertion: { index: 0, source: 'assert candidate(double(3)) == 3', returned: '0', expected: '3' },
    });
  });

  it('takes the text before the entry point where a prompt does not parse alone', async () => {
    const verdict = await judge({
      prompt: 'def one():\n    return 1\n\n\ndef add(a, b=[\n',
      test: 'assert add(one()) == 1\n',
      completion: '    1]):\n    return a\n',
    });
    expect(verdict.outcome).toEqual({ status: 'passed' });
  });

  it('leaves out an assertion’s message that calls: what counts is the comparison’s call', async () => {
    const test =
      'def check(candidate):\n    assert candidate(1, 2) == 3, "not %s" % candidate(0, 0)\n    assert candidate(3, 3) == 6, f"{candidate(0, 0)}"\n';
    for (const rest of ['return 9', 'raise IndexError', 'exit()', 'return object()', 'return [0] * 10**6']) {
      const { outcome, measurements } = await judge({ test, completion: `    if a:\n        return a + b + 1\n    ${rest}\n` });
      expect(outcome, rest).toMatchObject({
        status: 'assertion',
        assertion: { index: 0, returned: '4', returnedType: 'int', expected: '3' },
      });
      expect(outcome).toMatchObject({ assertion: { source: 'assert candidate(1, 2) == 3, "not %s" % candidate(0, 0)' } });
      expect(measurements).toMatchObject({
        calls: 1,
        assertions: { total: 2, passed: 0, trials: [{ relations: ['off_by_one'] }, { relations: ['off_by_one'] }] },
      });
    }
  });

  it('runs a test of module-level assertions', async () => {
    const verdict = await judge({ test: 'assert add(1, 2) == 3\nassert add(2, 2) == 5, "no"\nassert add(0, 0) == 0\n' });
    expect(verdict.outcome).toEqual({
      status: 'assertion',
      assertion: {
        index: 1,
        source: 'assert add(2, 2) == 5, "no"',
        returned: '4',
        returnedType: 'int',
        expected: '5',
        expectedType: 'int',
      },
    });
    expect(verdict.measurements.assertions).toMatchObject({ total: 3, passed: 2 });
  });

  it('knows no expected value in a loop or a property, and says so', async () => {
    const test = 'def check(candidate):\n    for n in range(3):\n        assert (candidate(n, n) - 2 * n) ** 2 < 1e-6\n    assert True\n';
    expect((await judge({ test })).outcome).toEqual({ status: 'passed' });
    const verdict = await judge({ test, completion: '    return a\n' });
    expect(verdict.outcome).toMatchObject({ status: 'assertion', assertion: { returned: '1', expected: null, expectedType: null } });
    // The loop's assertion failed for one of its values; `assert True` is none.
    expect(verdict.measurements.assertions).toMatchObject({ total: 1, passed: 0 });
  });

  it('evaluates an expected expression where it stands', async () => {
    const test = 'def check(candidate):\n    values = [3, 4]\n    assert sum(values) == candidate(*values)\n';
    const verdict = await judge({ test, completion: '    return "7"\n' });
    expect(verdict.outcome).toMatchObject({ assertion: { returned: "'7'", returnedType: 'str', expected: '7', expectedType: 'int' } });
  });

  it('notes calls, prints and a constant None', async () => {
    const verdict = await judge({ completion: '    print(a + b)\n' });
    expect(verdict.outcome).toMatchObject({ status: 'assertion', assertion: { returned: 'None', returnedType: 'NoneType' } });
    expect(verdict.measurements).toMatchObject({ phase: 'call', calls: 1, allNone: true, stdout: '3\n', nearLimit: false });
    expect(verdict.measurements.cpuSeconds).toBeGreaterThan(0);
    expect(verdict.measurements.peakMemoryBytes).toBeGreaterThan(1 << 20);
  });

  it('shows a program its own lines, as a file would', async () => {
    const completion = `    import inspect, traceback
    try:
        raise ValueError
    except ValueError:
        shown = traceback.format_exc().splitlines()[2].strip()
    print(shown, inspect.getsource(${ADD.entryPoint}).splitlines()[-1].strip(), sep="|")
    return a + b  # the last line
`;
    const verdict = await judge({ completion });
    expect(verdict.passed).toBe(true);
    expect(verdict.measurements.stdout.split('\n')[0]).toBe('raise ValueError|return a + b  # the last line');
  });

  it('ends at an exit even where the test would catch it', async () => {
    const test = 'def check(candidate):\n    try:\n        candidate(1, 2)\n    except BaseException:\n        pass\n';
    expect((await judge({ test, completion: '    raise SystemExit(0)\n' })).outcome).toEqual({
      status: 'exit',
      code: 0,
      via: 'SystemExit',
    });
    expect((await judge({ test, completion: '    import os\n    os._exit(4)\n' })).outcome).toEqual({
      status: 'exit',
      code: 4,
      via: 'process',
    });
    expect((await judge({ test, completion: '    raise KeyError\n' })).outcome).toEqual({ status: 'passed' });
  });

  it('calls a fault of the problem no fault of the sample, and runs on', async () => {
    expect((await judge({ test: 'assert add(Node(1), 2) == 3\n' })).outcome).toEqual({
      status: 'infra',
      reason: "the test itself raised NameError: name 'Node' is not defined",
    });
    expect((await judge({ test: 'def check(candidate:\n' })).outcome).toMatchObject({ status: 'infra' });
    expect((await judge({ test: 'assert add(lambda: 1, 2) == 3\n' })).outcome).toMatchObject({ status: 'infra' });
    // After a call as before it: what a candidate returns has a plain form, and so has what a test makes of it, where that was no type.
    const makes = '    from collections import defaultdict\n    made = defaultdict(int)\n    made[0]\n';
    for (const completion of [ADD.completion, `${makes}    return made\n`])
      expect((await judge({ completion, test: 'x = add(1, 2)\nassert add(lambda: 1, x) == 3\n' })).outcome, completion).toEqual({
        status: 'infra',
        reason: 'the test passes a function to the candidate, which has no plain form',
      });
    expect((await judge({})).outcome).toEqual({ status: 'passed' });
  });

  it('passes nothing by a test that calls nothing', async () => {
    for (const test of [
      'def verify(candidate):\n    assert candidate(1, 2) == 3\n',
      'def check(candidate):\n    for x in []:\n        add(x, x)\n',
      '',
    ]) {
      expect((await judge({ test, completion: '    return 77\n' })).outcome).toEqual({
        status: 'infra',
        reason: 'the test of Add/0 never calls add',
      });
    }
    // What ends by itself is told as such.
    expect((await judge({ test: '', completion: '    return\nraise SystemExit(3)\n' })).outcome).toMatchObject({ status: 'exit', code: 3 });
  });

  it('keeps what a value does to the judge with the sample', async () => {
    const test = 'def check(candidate):\n    assert len(list(candidate(1, 2))) == 3\n';
    expect((await judgeQuickly({ test, completion: '    return range(10**12)\n' })).outcome).toMatchObject({
      status: 'limit',
      resource: 'memory',
    });
    const slow = 'def check(candidate):\n    for x in candidate(1, 2):\n        pass\n';
    expect((await judgeQuickly({ test: slow, completion: '    return range(10**12)\n' })).outcome).toMatchObject({
      status: 'limit',
      resource: 'cpu',
    });
    expect((await judgeQuickly({})).outcome).toEqual({ status: 'passed' });
  });

  it('lives on whatever a value does to its own words, and tells the failure as it was', async () => {
    const many = { completion: '    return 10**5000\n' };
    const message = '<no message can be made of it>';
    const lookup = await judge({ ...many, test: 'def check(c):\n    assert {1: "a"}[c(1, 2)] == "a"\n' });
    expect(lookup.outcome).toMatchObject({
      status: 'test_error',
      exception: { type: 'KeyError', message },
      assertion: { index: 0, returned: '<int>', returnedType: 'int' },
    });
    const own = await judge({ ...many, test: 'def check(c):\n    value = c(1, 2)\n    if value != 3: raise ValueError(value)\n' });
    expect(own.outcome).toMatchObject({ status: 'test_error', exception: { type: 'ValueError', message }, assertion: null });
    const odd =
      'class Odd(Exception):\n    @property\n    def __dict__(self): 1 / 0\n\n\ndef check(c):\n    if c(1, 2) != 3: raise Odd("x")\n';
    expect((await judge({ ...many, test: odd })).outcome).toMatchObject({
      status: 'test_error',
      exception: { type: 'Odd', message: 'what it came to cannot be described: ZeroDivisionError: division by zero' },
    });
    expect((await judge({ ...many, test: 'raise KeyError(10**5000)\n' })).outcome).toEqual({
      status: 'infra',
      reason: `the test itself raised KeyError: ${message}`,
    });
  });

  it('calls nobody to describe a failure: what is expected was computed once, and what was made of calls is nothing expected', async () => {
    const test = 'def check(candidate):\n    assert candidate(3, 0) == sum(map(lambda x: candidate(x, 0), [1, 2]))\n';
    // One that would act at a fourth call, were there one.
    const acts = ['exit()', 'raise MemoryError', 'return object()', 'import os; os.write(3, b"x" * 99)', 'while True: pass'];
    for (const act of acts) {
      const completion = `    global calls\n    calls += 1\n    if calls > 3:\n        ${act}\n    return calls\n\n\ncalls = 0\n`;
      const { outcome, measurements } = await judge({ test, completion });
      // The first call's answer is what was compared.
      expect(outcome, act).toMatchObject({ status: 'assertion', assertion: { returned: '1', expected: null, expectedType: null } });
      expect(measurements).toMatchObject({ calls: 3, assertions: { total: 1, passed: 0, trials: [{ relations: null }] } });
    }
    const shows =
      'class Shown:\n    def __init__(self, c): self.c = c\n    def __eq__(self, other): return False\n' +
      '    def __repr__(self): return str(self.c(1, 2))\n\n\ndef check(candidate):\n    assert candidate(1, 2) == Shown(candidate)\n';
    expect(await judge({ test: shows })).toMatchObject({
      outcome: { status: 'assertion', assertion: { returned: '3', expected: '<Shown>', expectedType: 'Shown' } },
      measurements: { calls: 1 },
    });
    const taken = 'def check(candidate):\n    left = [3, 7, 9]\n    for _ in range(2):\n        assert candidate(1, 2) == left.pop(0)\n';
    expect((await judge({ test: taken })).outcome).toMatchObject({ assertion: { returned: '3', expected: '7', expectedType: 'int' } });
  });

  it('takes calls from threads one after the other', async () => {
    const test =
      'from concurrent.futures import ThreadPoolExecutor\n\n\ndef check(candidate):\n    with ThreadPoolExecutor(4) as threads:\n' +
      '        sums = list(threads.map(lambda n: candidate(n, 1), range(100)))\n    assert sums == list(range(1, 101))\n';
    expect(await judge({ test })).toMatchObject({ outcome: { status: 'passed' }, measurements: { calls: 100 } });
    expect((await judge({ test, completion: '    return a + b + (a == 50)\n' })).outcome).toMatchObject({ status: 'assertion' });
    // Each thread's exception is its own call's.
    const raised = (await judge({ test, completion: '    return [a, b][a]\n' })).outcome;
    expect(raised).toMatchObject({ status: 'exception', phase: 'call', exception: { type: 'IndexError', line: 3 } });
    expect((await judge({ test, completion: '    import os\n    os._exit(a) if a == 3 else None\n' })).outcome).toEqual({
      status: 'exit',
      code: 3,
      via: 'process',
    });
    // An object that dies within a call is nobody who may call.
    const dying =
      'import gc\n\n\nclass Dying:\n    def __init__(self, c): self.c, self.me = c, self\n    def __del__(self): self.c(9, 9)\n\n\n' +
      'def check(candidate):\n    gc.set_threshold(1)\n    for n in range(200):\n        Dying(candidate)\n        assert candidate([n], [n]) == [n, n]\n' +
      '    gc.set_threshold(700)\n';
    expect((await judge({ test: dying })).outcome).toEqual({ status: 'passed' });
  });

  it('is done when the test is, whatever its threads still do', async () => {
    const loop =
      'import threading, time\n\n\ndef go(candidate):\n    while True:\n        candidate(7, 0)\n        time.sleep(0.001)\n\n\n' +
      'def check(candidate):\n    assert candidate(1, 2) == 3\n    threading.Thread(target=go, args=(candidate,), daemon=True).start()\n' +
      '    time.sleep(0.05)\n';
    expect((await judge({ test: loop })).outcome).toEqual({ status: 'passed' });
    // One waits for an answer that takes longer than the program has.
    const waits = { test: loop, completion: '    while a == 7: pass\n    return a + b\n' };
    expect((await judge(waits)).outcome).toEqual({ status: 'passed' });
    const source = 'assert candidate is None';
    expect((await judge({ ...waits, test: `${loop}    ${source}\n` })).outcome).toMatchObject({ assertion: { index: 1, source } });
    // Beside one that goes on for longer nothing is tried again.
    const sleeps = 'import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()\nassert add(1, 2) == 4\n';
    expect(await judge({ test: sleeps })).toMatchObject({
      outcome: { status: 'assertion', assertion: { returned: '3', expected: '4' } },
      measurements: { assertions: null, source: { parses: true } },
    });
    expect((await judge({})).outcome).toEqual({ status: 'passed' });
  });

  it('tells a name or a module that the problem lacks, after a call as before it, from what depends on the sample', async () => {
    const lacks = (reason: string): object => ({ status: 'infra', reason: `the test itself raised ${reason}` });
    const name = "NameError: name 'math' is not defined";
    const module = "ModuleNotFoundError: No module named 'numpy'";
    expect((await judge({ test: 'assert add(1, 2) == math.floor(3.5)\n' })).outcome).toEqual(lacks(name));
    expect(
      (await judge({ test: 'def check(c):\n    assert c(1, 2) == 3\n    value = c(1, 2)\n    assert abs(value - math.pi) < 1\n' })).outcome,
    ).toEqual(lacks(name));
    expect((await judge({ test: 'def check(c):\n    assert c(1, 2) == 3\n    import numpy\n' })).outcome).toEqual(lacks(module));
    // Only who answers wrong comes there, or who has not come by another place: what else the test says of a sample stands.
    const wrong = ['assert add(1, 2) == 4 or math', 'if add(1, 2) != 4: math', 'value = add(1, 2)\nif value == 4: math = 1\nassert math'];
    for (const test of [...wrong, 'add(1, 2)\nexec("x" * add(0, 0))\nassert math', 'def check(c):\n    if c(1, 2) != 4: import numpy']) {
      const { outcome } = await judge({ test: `${test}\n` });
      expect(outcome, test).toMatchObject({
        status: 'test_error',
        exception: { type: test.endsWith('numpy') ? 'ModuleNotFoundError' : 'NameError' },
      });
    }
  });

  it('tells an exit or a loop that is the test’s own from one that depends on the sample', async () => {
    const left = (line: number): object => ({
      status: 'infra',
      reason: `the test itself ends by an exit, in line ${line}, which no program passes`,
    });
    const checked = 'def check(candidate):\n    assert candidate(1, 2) == 3\n';
    expect((await judge({ test: `import sys\n${checked}    sys.exit(0)\n` })).outcome).toEqual(left(4));
    expect((await judge({ test: `import os\n${checked}    os._exit(0)\n` })).outcome).toEqual(left(4));
    expect((await judge({ test: `${checked}    quit()\n` })).outcome).toEqual(left(3));
    expect((await judge({ test: 'assert add(1, 2) == 3\nraise SystemExit\n' })).outcome).toEqual(left(2));
    const never = await judgeQuickly({ test: `${checked}    while True: pass\n` });
    expect(never.outcome).toEqual({ status: 'infra', reason: 'the test itself never ends: line 3 is a loop without an end' });
    const early = await judgeQuickly({ test: 'while True: pass\nassert add(1, 2) == 3\n' });
    expect(early.outcome).toEqual({ status: 'infra', reason: 'the test itself goes on for too long before it calls add' });
    // A failing sample never comes that far.
    const wrong = await judge({ test: `import sys\n${checked}    sys.exit(0)\n`, completion: '    return 4\n' });
    expect(wrong.outcome).toMatchObject({ status: 'assertion' });
    for (const test of [
      'import sys\ndef check(candidate):\n    if candidate(1, 2) != 4: sys.exit(0)\n',
      'import os\ndef check(candidate):\n    if candidate(1, 2) == 4: return\n    os._exit(1)\n',
      'import sys\ndef check(candidate):\n    candidate(1, 2) == 4 or sys.exit(1)\n',
    ]) {
      const { outcome } = await judge({ test });
      expect(outcome, test).toMatchObject({ status: 'test_error', exception: { type: 'SystemExit' } });
    }
    const depends = 'def check(candidate):\n    value = candidate(1, 2)\n    while value != 4:\n        pass\n';
    expect((await judgeQuickly({ test: depends })).outcome).toMatchObject({ status: 'limit', resource: 'cpu' });
    expect((await judge({})).outcome).toEqual({ status: 'passed' });
    expect((await judgeQuickly({})).outcome).toEqual({ status: 'passed' });
  });

  it('tells the test of every exception, also of those that tell of a limit', async () => {
    const test =
      'def check(candidate):\n    try:\n        candidate(-1, 0)\n    except Exception:\n        pass\n    assert candidate(1, 2) == 3\n';
    const raises = ['raise MemoryError', 'bytearray(10**12)', 'raise OSError(28, "full")', 'open("/" * 5000)', '[].pop()'];
    for (const what of raises) {
      const completion = `    if a < 0:\n        ${what}\n    return a + b\n`;
      expect((await judge({ test, completion })).outcome, what).toEqual({ status: 'passed' });
    }
    expect((await judge({ completion: '    bytearray(10**12)\n' })).outcome).toMatchObject({ status: 'limit', resource: 'memory' });
    // The right exception, not any.
    const wanted = test.replace('except Exception', 'except MemoryError');
    expect((await judge({ test: wanted, completion: '    raise OSError(28, "full")\n' })).outcome).toMatchObject({ status: 'exception' });
  });

  it('has the test meet the same exceptions when assertions are tried alone, and leaves to it those that it names', async () => {
    /** Which assertions hold alone, of a program that raises ValueError for negative numbers and adds `more`. */
    const held = async (test: string, more = 1, rest: Partial<ExecutionJob> = {}): Promise<readonly boolean[]> => {
      const completion = `    if a < 0:\n        raise ValueError(a)\n    return a + b + ${more}\n`;
      const { measurements } = await judge({ test, completion, ...rest });
      return measurements.assertions!.trials!.map((trial) => trial.held);
    };
    const rest = 'assert candidate(1, 0) == 2\nassert candidate(2, 0) == 3\n';
    const raised = `try:\n    candidate(-1, 0)\nexcept ValueError:\n    pass\n${rest}`;
    const wrong = { ...ADD, test: raised, completion: '    if a < 0:\n        raise ValueError(a)\n    return a + b + 2\n' };
    const verdict = await executor.execute(wrong);
    expect(classify({ verdict, ...wrong, finishReason: '' }).category?.code).toBe('8.5');
    // As `faultline` asks about canonical solutions.
    expect(await held(raised, 1, { tryAssertions: true })).toEqual([true, true]);
    const within = (handlers: string): string => `try:\n    assert candidate(-1, 0) is None\n${handlers}${rest}`;
    expect(await held(within('except ValueError:\n    pass\n'), 1, { tryAssertions: true })).toEqual([true, true, true]);
    expect(await held(within('except (KeyError, ValueError) as error:\n    assert error.args == (-1,)\n'), 9)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    for (const handlers of [
      'except KeyError:\n    pass\n',
      'except ValueError:\n    raise AssertionError\n',
      'except ValueError as error:\n    assert False, error\n',
      'except Exception as error:\n    raise AssertionError from error\n',
      'except:\n    assert False\n',
      'finally:\n    pass\n',
    ])
      expect(await held(within(handlers)), handlers).toEqual([false, true, true]);
    // The handlers of a caller are not the function's.
    const inner = `def verify():\n    assert candidate(-1, 0) is None\ntry:\n    verify()\nexcept ValueError:\n    pass\n${rest}`;
    expect(await held(inner, 9)).toEqual([false, false, false]);
    // What should have raised and did not is no end of the other assertions.
    const strict = raised.replace('(-1, 0)\n', '(3, 0)\n    assert False, "it must raise"\n');
    expect(await held(strict)).toEqual([true, true]);
  });

  it('calls what a test fails on before its first call the problem’s fault', async () => {
    const before = async (statement: string): Promise<unknown> =>
      (await judge({ test: `def check(candidate):\n    ${statement}\n    assert candidate(1, 2) == 3\n` })).outcome;
    expect(await before('assert 0.1 + 0.2 == 0.3')).toEqual({ status: 'infra', reason: 'the test itself raised AssertionError in line 2' });
    expect(await before('assert 0.1 + 0.2 == 0.3, "no"')).toEqual({ status: 'infra', reason: 'the test itself raised AssertionError: no' });
    expect(await before('x = [0] * 10**12')).toEqual({ status: 'infra', reason: 'the test itself raised MemoryError in line 2' });
    // Behind a call it may be what that returned.
    expect(await before('y = candidate(1, 2); assert 0.1 + 0.2 == 0.3')).toMatchObject({ status: 'assertion' });
    expect(await before('y = candidate(1, 2); x = [0] * 10**12')).toMatchObject({ status: 'limit', resource: 'memory' });
  });

  it('gives the test a limit to what it waits for and computes, and asks whose doing that is', async () => {
    const others = await Promise.all(Array.from({ length: WAITERS - 1 }, () => ProcessExecutor.create(QUICK)));
    const free = [quick, ...others];
    const first = 'import threading, time\nlock = threading.Lock()\n';
    const checked = `${first}def check(candidate):\n    lock.acquire()\n    assert candidate(1, 2) == 3\n`;
    try {
      const early = { status: 'infra', reason: 'the test itself waits for too long before it calls add' };
      const apart = { status: 'infra', reason: 'the test itself waits for too long, in line 6, whatever add returns' };
      const blocked = { status: 'limit', resource: 'blocked', exception: null };
      const cases: (readonly [test: string, outcome: unknown])[] = [
        [`${first}time.sleep(10**9)\nassert add(1, 2) == 3\n`, early],
        [`${first}with lock:\n    lock.acquire()\nassert add(1, 2) == 3\n`, early],
        // In the system's code, where no CPU time of the program's own passes.
        [
          'import os\nwhile True: os.urandom(1 << 20)\nassert add(1, 2) == 3\n',
          { status: 'infra', reason: 'the test itself goes on for too long before it calls add' },
        ],
        [`${checked}    time.sleep(10**9)\n`, apart],
        [`${checked}    lock.acquire()\n`, apart],
        ...[
          'time.sleep(candidate(1, 2) * 10**6)',
          'while candidate(1, 2): time.sleep(0.05)',
          'try: time.sleep(candidate(1, 2) * 10**6)\n    except BaseException: pass\n    time.sleep(10**9)',
          // What it returned is behind a name, however that was bound.
          'exec("global n\\nn = candidate(1, 2)")\n    time.sleep(n * 10**6)',
          'if candidate(1, 2) == 3:\n        from math import tau as n\n    time.sleep(n * 10**6)',
          // Known from Python 3.10 on.
          ...(Number(quick.info.pythonVersion.split('.')[1]) < 10
            ? []
            : ['match candidate(1, 2):\n        case n: pass\n    time.sleep(n * 10**6)']),
        ].map((statement) => [`${checked}    ${statement}\n`, blocked] as const),
      ];
      // Where a failure is looked at again it costs what was to be found there, and no more.
      const later = `${first}assert add(1, 2) == 4\ntime.sleep(10**9)\nassert add(2, 2) == 5\n`;
      const left = [...cases];
      await Promise.all(
        free.map(async (one) => {
          if (one === quick) {
            expect(await one.execute({ ...ADD, test: later })).toMatchObject({
              outcome: { status: 'assertion', assertion: { index: 0 } },
              measurements: { assertions: null, source: { parses: true } },
            });
          }
          for (let next = left.shift(); next !== undefined; next = left.shift())
            expect((await one.execute({ ...ADD, test: next[0] })).outcome, next[0]).toEqual(next[1]);
        }),
      );
      const slow = { ...ADD, test: `${checked}    time.sleep(candidate(1, 2) * 10**6)\n` };
      expect(classify({ verdict: await quick.execute(slow), ...slow, finishReason: '' }).category?.code).toBe('5.4');
      // One that waits for less goes on.
      const waits = `import time\ndef check(candidate):\n    for _ in range(2): time.sleep(0.3)\n    assert candidate(1, 2) == 3\n`;
      expect((await judgeQuickly({ test: waits })).outcome).toEqual({ status: 'passed' });
    } finally {
      await Promise.all(others.map((one) => one.dispose()));
    }
  });

  it('leaves its alarms to the test', async () => {
    const test = (...lines: string[]): string =>
      `import signal, time\ndef late(number, frame): raise TimeoutError\ndef check(candidate):\n    ${lines.join('\n    ')}\n`;
    const handler = 'signal.signal(signal.SIGALRM, late)';
    const call = 'assert candidate(1, 2) == 3';
    const rings = ['try: time.sleep(60)', 'except TimeoutError: return', 'assert False'];
    for (const lines of [
      // Whatever it does between the handler and the alarm, before its first call and after it.
      [handler, 'time.sleep(0.3)', 'signal.alarm(60)', call, 'signal.alarm(0)'],
      [call, handler, 'time.sleep(0.3)', 'signal.alarm(60)', call, 'signal.alarm(0)'],
      [`assert ${handler} is signal.SIG_DFL`, call],
      ['assert signal.alarm(60) == 0', handler, 'time.sleep(0.3)', call],
      // And it rings.
      [call, handler, 'time.sleep(0.3)', 'signal.alarm(1)', ...rings],
      [call, 'assert signal.setitimer(signal.ITIMER_REAL, 0.5) == (0, 0)', handler, ...rings],
    ])
      expect((await judge({ test: test(...lines) })).outcome, lines.join('; ')).toEqual({ status: 'passed' });
  });

  it('counts a call that the test gives up as the sample’s limit, whatever the test makes of it', async () => {
    const test = (...lines: string[]): string =>
      `import signal\nfrom concurrent.futures import ThreadPoolExecutor\ndef late(number, frame): raise TimeoutError\n` +
      `def check(candidate):\n    ${lines.join('\n    ')}\n`;
    const alarm = 'signal.signal(signal.SIGALRM, late); signal.setitimer(signal.ITIMER_REAL, 0.2)';
    const right = 'assert candidate(1, 2) == 3';
    const shapes = [
      // What comes late must not be taken for the answer to the next call.
      ['ok = True', alarm, 'try: candidate(9, 9)', 'except TimeoutError: ok = False', right, 'assert ok'],
      [alarm, 'assert candidate(9, 9) == 18'],
      [right, alarm, 'assert candidate(9, 9) == 18'],
      ['assert ThreadPoolExecutor(1).submit(candidate, 9, 9).result(timeout=0.2) == 18'],
      // The thread is waited for.
      ['with ThreadPoolExecutor(1) as pool:', '    assert pool.submit(candidate, 9, 9).result(timeout=0.2) == 18'],
    ];
    const slow = (statement: string): string => `    import time\n    if a == 9: ${statement}\n    return a + b\n`;
    const computes = { completion: slow('\n        while time.process_time() < 0.5: pass') };
    const limit = (resource: string): object => ({ status: 'limit', resource, exception: null });
    for (const lines of shapes)
      expect((await judge({ ...computes, test: test(...lines) })).outcome, lines.join('; ')).toEqual(limit('cpu'));
    // Whatever it did before that call, while it was loaded or in another one.
    const second = ['assert candidate(7, 2) == 9', ...shapes[1]!].map((line) => line.replace('0.2', '0.4'));
    const before = (statement: string, later: string): string => slow(later).replace('    if', `    if a == 7: ${statement}\n    if`);
    const computing = `while time.process_time() < 0.2: pass`;
    const sleeps = 'time.sleep(60)';
    for (const [completion, resource] of [
      [`${before(`\n        ${computing}`, sleeps)}import time\n${computing.replace('0.2', '0.1')}\n`, 'blocked'],
      [before('time.sleep(0.5)', '\n        while True: pass'), 'cpu'],
    ] as const)
      expect((await judge({ completion, test: test(...second) })).outcome, completion).toEqual(limit(resource));
    expect((await judge({ test: test(...shapes[0]!) })).outcome).toEqual({ status: 'passed' });
    // In the second run, which has more time, the alarm comes first.
    const endless = { ...ADD, completion: slow('\n        while True: pass'), test: test(...shapes[1]!) };
    const verdict = await quick.execute(endless);
    expect(verdict).toMatchObject({ outcome: limit('cpu'), measurements: { nearLimit: false } });
    expect(classify({ verdict, ...endless, finishReason: '' }).category?.code).toBe('5.1');
  });

  it('takes a prompt that fails by itself out of the count, and no program for it', async () => {
    const load = async (prompt: string, completion = ADD.completion): Promise<Verdict['outcome']> =>
      (await judge({ prompt, completion })).outcome;
    const start = 'def add(a, b):\n';
    const missing = {
      status: 'infra',
      reason:
        "the prompt itself does not load: line 1: ModuleNotFoundError: No module named 'no_such_module'; programs have Python's standard " +
        'library and no installed packages: leave the problem out, or have its prompt do without',
    };
    expect(await load(`import no_such_module\n\n\n${start}`)).toEqual(missing);
    expect(await load(`import no_such_module\n\n\n${start}`, '    return 4\n')).toEqual(missing);
    expect(await load(`import no_such_module\n\n\n${start}`, '    return (\n')).toMatchObject({ status: 'syntax' });
    expect(await load(`LIMIT = 1 / 0\n\n\ndef add(a, b=\n`, '  1):\n    return a\n')).toEqual({
      status: 'infra',
      reason: 'the prompt itself does not load: line 1: ZeroDivisionError: division by zero',
    });
    expect(await load(`exit()\n${start}`)).toEqual({ status: 'infra', reason: 'the prompt itself ends the program, by an exit' });
    expect(await load(`x = [0] * 10**12\n${start}`)).toMatchObject({
      status: 'infra',
      reason: expect.stringContaining('line 1: MemoryError') as string,
    });
    // As under a Python that does not know a statement yet, or no longer.
    const older = /^the prompt itself is no Python 3\.\d+: line 2: Missing parentheses .*; correct it, or name .* \(--python\)$/;
    for (const prompt of [`def two():\n    print "x"\n\n\n${start}`, `${start}    print "x"\n`])
      expect(await load(prompt)).toEqual({ status: 'infra', reason: expect.stringMatching(older) as string });
    // What the sample brings about, or might.
    expect(await load(start, '    return a + b\n\n\nimport no_such_module\n')).toMatchObject({ status: 'exception', phase: 'load' });
    const tried = `def tried(f):\n    f(0, 0)\n    return f\n\n\n@tried\n${start}`;
    expect(await load(tried)).toEqual({ status: 'passed' });
    expect(await load(tried, '    return a / b\n')).toMatchObject({ status: 'exception', phase: 'load', exception: { line: 8 } });
    for (const prompt of [
      'def add(a, b=[\n',
      'def add(a, b):\n    """Adds.\n',
      'def add(a, b):\n    try:\n        c = a\n',
      `class A:\n    ${start}`,
    ])
      expect(await load(prompt, '!\n'), prompt).toMatchObject({ status: 'syntax' });
    expect(await load(start)).toEqual({ status: 'passed' });
  });

  it('does not hold its own time against the candidate', async () => {
    // The test computes for longer than the candidate may be blocked.
    const test =
      'def check(candidate):\n    import time\n    for _ in range(2):\n        assert candidate(1, 2) == 3\n' +
      '        end = time.process_time() + 1\n        while time.process_time() < end:\n            pass\n';
    const quick = await ProcessExecutor.create({ workers: 1, calibration: 1, limits: { wallSeconds: 0.3 } });
    try {
      const verdict = await quick.execute({ ...ADD, test });
      expect(verdict).toMatchObject({ outcome: { status: 'passed' }, measurements: { nearLimit: false } });
    } finally {
      await quick.dispose();
    }
  });

  it('accepts any text as a program', async () => {
    expect((await judge({ completion: '    return "\ud800"\n' })).outcome).toMatchObject({ status: 'syntax' });
    const wide = await judge({ completion: '    größe = "日本🎈"; return größe + 1\n' });
    expect(wide.outcome).toMatchObject({ status: 'exception', exception: { type: 'TypeError', line: 3 } });
    expect((await judge({ completion: `    return ${'('.repeat(5000)}` })).passed).toBe(false);
    expect((await judge({ completion: `    return a + b # ${'x'.repeat(1 << 20)}\n` })).outcome).toEqual({ status: 'passed' });
  });

  it('draws the same numbers for the same seed, task and program, and others for others', async () => {
    const completion = '    import random\n    return random.random()\n';
    const drawn = async (changes: Partial<ExecutionJob>): Promise<unknown> => {
      const { outcome } = await judge({ completion, ...changes });
      return outcome.status === 'assertion' ? outcome.assertion.returned : outcome;
    };
    const first = await drawn({});
    expect(first).toMatch(/^0\.\d+$/);
    expect(await drawn({})).toBe(first);
    // Equal programs are executed once, so the index must not matter.
    expect(await drawn({ sampleIndex: 1 })).toBe(first);
    const others = await Promise.all([drawn({ seed: 2 }), drawn({ taskId: 'Add/1' }), drawn({ completion: `${completion}\n` })]);
    expect(new Set([first, ...others]).size).toBe(4);
  });
});
