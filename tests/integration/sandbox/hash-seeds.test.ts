/** Jobs under other hash seeds: what varies with them, what must not, and that their interpreters go with the others. */
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
    executor = await ProcessExecutor.create({ workers: 1 });
    expect((await executor.execute(job())).passed).toBe(true);
    const [one, two] = [assertionOf(await executor.execute(job(1))), assertionOf(await executor.execute(job(4294967295)))];
    expect(one.returned).not.toBe(two.returned);
    expect(one.expected).toBe(two.expected);
    expect((await executor.execute(job(0))).passed).toBe(true);
    expect(assertionOf(await executor.execute(job(1)))).toEqual(one);
  });

  it('have a warm worker each, three at most, which end with the executor', async () => {
    executor = await ProcessExecutor.create({ workers: 1 });
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
