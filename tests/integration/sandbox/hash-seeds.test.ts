/** Jobs under other hash seeds: what varies with them, what must not, what says so beforehand, and that their interpreters go with the others. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ExecutionJob } from '../../../src/sandbox/executor.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import type { Verdict } from '../../../src/sandbox/verdict.js';
import { descendants, eventually, gone } from './processes.js';

const LETTERS = '"abcdefghijklmnopqrstuvwxyz"';
/** Passes where candidate and judge walk a set of strings in the same order. */
const job = (hashSeed?: number): ExecutionJob => ({
  taskId: 'Hash/0',
  prompt: 'def f(text):\n',
  entryPoint: 'f',
  test: `assert f(${LETTERS}) == "".join(set(${LETTERS}))\n`,
  completion: '    return "".join(set(text))\n',
  seed: 0,
  sampleIndex: 0,
  ...(hashSeed === undefined ? {} : { hashSeed }),
});

const python = process.env['FAULTLINE_TEST_PYTHON'];
const OPTIONS = { workers: 1, ...(python === undefined ? {} : { python }) };

let executor: ProcessExecutor | null = null;
afterEach(async () => {
  await executor?.dispose();
  executor = null;
});

const assertionOf = ({ outcome }: Verdict): { returned: string | null; expected: string | null } => {
  if (outcome.status !== 'assertion') throw new Error(`expected a failed assertion, not ${outcome.status}`);
  return outcome.assertion;
};

describe('hash seeds', () => {
  it("decide the candidate's order of sets, never the judge's, and repeat", async () => {
    executor = await ProcessExecutor.create(OPTIONS);
    expect((await executor.execute(job())).passed).toBe(true);
    const [one, two] = [assertionOf(await executor.execute(job(1))), assertionOf(await executor.execute(job(4294967295)))];
    expect(one.returned).not.toBe(two.returned);
    expect(one.expected).toBe(two.expected);
    expect((await executor.execute(job(0))).passed).toBe(true);
    expect(assertionOf(await executor.execute(job(1)))).toEqual(one);
  });

  it('are said to show in what walks a set, in what is given one, and in nothing else', async () => {
    executor = await ProcessExecutor.create(OPTIONS);
    const asked = { ...job(), asksHashSeed: true };
    const mayShow = async (changed: Partial<ExecutionJob>): Promise<boolean | null> => {
      const { passed, measurements } = await executor!.execute({ ...asked, ...changed });
      return passed || changed.test !== undefined ? measurements.hashSeedMayShow : null;
    };
    const sorting = '    return "".join(sorted(set(text)))\n';
    const test = 'assert f("ba") == "ab"\n';
    expect(await mayShow({})).toBe(true);
    expect(await mayShow({ completion: sorting, test })).toBe(false);
    // Of the calls: a set, where the test makes one, and what is no text nor whole number.
    expect(await mayShow({ completion: sorting, test: 'assert f({"a", "b"}) == "ab"\n' })).toBe(true);
    expect(await mayShow({ completion: '    return sorted(set(text))\n', test: 'assert f([2, 1]) == [1, 2]\n' })).toBe(false);
    expect(await mayShow({ completion: '    return sorted(set(text))\n', test: 'assert f([2.5, 1]) == [1, 2.5]\n' })).toBe(true);
    const caught = 'try:\n    f([1, "a"])\nexcept TypeError as error:\n    assert "not supported" in str(error)\n';
    expect(await mayShow({ completion: '    return sorted(set(text))\n', test: caught })).toBe(true);
    // A test may make sets of what it gets.
    expect(await mayShow({ completion: '    return list(text)\n', test: 'assert set(f("aab")) == {"a", "b"}\n' })).toBe(false);
  });

  it('are no question of a program that fails, nor of a job that does not ask', async () => {
    executor = await ProcessExecutor.create(OPTIONS);
    const failing = await executor.execute({ ...job(), asksHashSeed: true, completion: '    return text\n' });
    expect([failing.passed, failing.measurements.hashSeedMayShow]).toEqual([false, null]);
    const unasked = await executor.execute({ ...job(), completion: '    return "".join(set(text))\n' });
    expect([unasked.passed, unasked.measurements.hashSeedMayShow]).toEqual([true, null]);
  });

  it('break no judge: a program that passes may be as deep and as long as its compiler takes', async () => {
    executor = await ProcessExecutor.create(OPTIONS);
    const odd = [
      `    return text or ${'not '.repeat(900)}1\n`,
      `    return text[0:]${' + ""'.repeat(900)}\n`,
      `    "\\d \\q"\n    return text\n`,
      `    # \u00e9\u{1f600}\n    return text\n${'\n'.repeat(100_000)}`,
      `    x = ${JSON.stringify('x'.repeat(1_000_000))}\n    return text\n`,
    ];
    for (const completion of odd) {
      const { passed, outcome, measurements } = await executor.execute({
        ...job(),
        asksHashSeed: true,
        completion,
        test: 'assert f("a") == "a"\n',
      });
      expect([passed, typeof measurements.hashSeedMayShow], JSON.stringify(outcome)).toEqual([true, 'boolean']);
    }
  });

  it('have a warm worker each, three at most, which end with the executor', async () => {
    executor = await ProcessExecutor.create(OPTIONS);
    const ofOne = descendants().length;
    for (const seed of [0, 1, 2, 1, 0]) await executor.execute(job(seed));
    const ofThree = descendants();
    expect(ofThree).toHaveLength(3 * ofOne);
    for (const seed of [3, 4, 5]) await executor.execute(job(seed));
    await eventually(() => {
      expect(descendants()).toHaveLength(3 * ofOne);
    });
    const last = descendants();
    await executor.dispose();
    await gone([...ofThree, ...last]);
  });
});
