/**
 * Workers are replaced after so many executions, so that nothing can build up in a warm interpreter: judge and zygote are new processes, the
 * old ones end, and no job notices. Renewal because of what a program did stands in lifecycle.test.ts.
 */
import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest';
import { ProcessExecutor, type ProcessExecutorOptions } from '../../../src/sandbox/process-executor.js';
import { Worker } from '../../../src/sandbox/worker.js';
import { job, RIGHT } from './jobs.js';
import { descendants, gone, survivors } from './processes.js';

let executor: ProcessExecutor;
let judge: MockInstance<Worker['judge']>;

beforeEach(() => {
  judge = vi.spyOn(Worker.prototype, 'judge');
});
afterEach(async () => {
  judge.mockRestore();
  await executor.dispose();
});

const create = async (options: ProcessExecutorOptions): Promise<void> => {
  executor = await ProcessExecutor.create({ calibration: 1, ...options });
};
/** How many jobs each worker was handed, in the order in which they came up. */
const jobsByWorker = (): number[] => {
  const counts = new Map<unknown, number>();
  for (const worker of judge.mock.contexts) counts.set(worker, (counts.get(worker) ?? 0) + 1);
  return [...counts.values()];
};
const pass = async (count: number): Promise<void> => {
  const verdicts = await Promise.all(Array.from({ length: count }, (_, index) => executor.execute(job(RIGHT, index))));
  expect(verdicts.filter(({ passed }) => !passed)).toEqual([]);
};

describe('a worker', () => {
  it('has no more executions than it may, one after the other', async () => {
    await create({ workers: 1, jobsPerWorker: 3 });
    const first = descendants();
    for (let count = 1; count <= 3; count++) {
      expect(survivors(first)).toEqual(first);
      await pass(1);
    }
    await gone(first);
    for (let count = 4; count <= 7; count++) await pass(1);
    expect(jobsByWorker()).toEqual([3, 3, 1]);
  });

  it('has no more where jobs are handed over ahead', async () => {
    await create({ workers: 1, jobsPerWorker: 4 });
    await pass(14);
    const counts = jobsByWorker();
    // A worker that is given up may hand a job back, which is then counted twice.
    expect(counts.length).toBeGreaterThanOrEqual(4);
    expect(counts.slice(0, -1)).toEqual(counts.slice(1).map(() => 4));
    expect(counts.at(-1)).toBeLessThanOrEqual(4);
  });

  it('has no more beside others', async () => {
    await create({ workers: 2, jobsPerWorker: 5 });
    await pass(41);
    const counts = jobsByWorker();
    expect(Math.max(...counts)).toBe(5);
    expect(counts.length).toBeGreaterThanOrEqual(9);
  });

  it('may be used once', async () => {
    await create({ workers: 1, jobsPerWorker: 1 });
    await pass(4);
    expect(jobsByWorker()).toEqual([1, 1, 1, 1]);
  });

  it('is kept where nothing says otherwise', async () => {
    await create({ workers: 1 });
    const first = descendants();
    await pass(40);
    expect(jobsByWorker()).toEqual([40]);
    expect(survivors(first)).toEqual(first);
  });
});
