/** What is tried with a program that passed, and how it is counted. */
import { describe, expect, it } from 'vitest';
import { defaultValues } from '../../../src/config/defaults.js';
import { createCategoryView } from '../../../src/pipeline/category-view.js';
import { executeAll, type Executable } from '../../../src/pipeline/execute.js';
import { FragilityProbe, type Reference } from '../../../src/pipeline/fragility.js';
import type { ExecutionJob } from '../../../src/sandbox/executor.js';
import type { Fragility, Outcome, Verdict } from '../../../src/sandbox/verdict.js';
import { CATEGORIES } from '../../../src/taxonomy/categories.js';
import { fakeExecutor, fakeVerdict, raising } from './fake-executor.js';

const job: ExecutionJob = {
  taskId: 'T/0',
  sampleIndex: 3,
  prompt: 'def f():\n',
  entryPoint: 'f',
  test: 'base',
  completion: 'own',
  seed: 7,
};
const reference: Reference = { taskId: 'T/0', canonicalSolution: 'reference', furtherTest: null };
const passed: Outcome = { status: 'passed' };
const signal = new AbortController().signal;

function examine(
  judge: (job: ExecutionJob) => Verdict,
  about: Partial<Reference> = {},
  first = fakeVerdict(passed),
): { fragility: Promise<Fragility>; jobs: readonly ExecutionJob[] } {
  const executor = fakeExecutor(judge);
  return { fragility: new FragilityProbe(executor).examine(job, first, { ...reference, ...about }, signal), jobs: executor.jobs };
}

describe('hash seeds', () => {
  it('are two beside the first, for the same job, and counted by whether it passes', async () => {
    const { fragility, jobs } = examine(({ hashSeed }) => fakeVerdict(hashSeed === 1 ? raising('KeyError') : passed));
    expect(await fragility).toEqual({ hashSeeds: { tried: 2, failed: 1 }, furtherTest: null, slowdown: null });
    expect(jobs).toEqual([1, 2].map((hashSeed) => ({ ...job, hashSeed })));
  });

  const independent = (cpuSeconds?: number): Verdict => {
    const { measurements, ...rest } = fakeVerdict(passed, cpuSeconds);
    return { ...rest, measurements: { ...measurements, hashSeedMayShow: false } };
  };

  it('are not tried where they cannot show, which costs nothing', async () => {
    const { fragility, jobs } = examine(() => fakeVerdict(raising('KeyError')), {}, independent());
    expect(await fragility).toEqual({ hashSeeds: { tried: 0, failed: 0 }, furtherTest: null, slowdown: null });
    expect(jobs).toEqual([]);
  });

  it('are tried where nobody has asked whether they show', async () => {
    expect((await examine(() => fakeVerdict(passed)).fragility).hashSeeds).toEqual({ tried: 2, failed: 0 });
  });

  it.each([
    ['timed three times, and the least time counts', 0.01, [0, 0], 30],
    ['not timed again where it is not that slow', 0.3, [], 3],
  ])('or none of them: a program that takes longer is %s', async (_, ofReference, again, slowdown) => {
    const left = [0.6, 0.3];
    const judge = ({ completion }: ExecutionJob): Verdict => fakeVerdict(passed, completion === 'reference' ? ofReference : left.shift());
    const { fragility, jobs } = examine(judge, {}, independent(0.9));
    const found = await fragility;
    expect(found.hashSeeds).toEqual({ tried: 0, failed: 0 });
    expect(found.slowdown).toBeCloseTo(slowdown);
    expect(jobs.filter(({ completion }) => completion === 'own').map(({ hashSeed }) => hashSeed ?? 0)).toEqual(again);
  });

  it.each<[string, Outcome, Fragility['hashSeeds']]>([
    ['a limit, which was met twice, as a failure', { status: 'limit', resource: 'cpu', exception: null }, { tried: 2, failed: 2 }],
    ['a fault of the test as not tried', { status: 'infra', reason: 'the test calls nothing' }, { tried: 0, failed: 0 }],
  ])('count %s', async (_, outcome, hashSeeds) => {
    expect((await examine(() => fakeVerdict(outcome)).fragility).hashSeeds).toEqual(hashSeeds);
  });
});

describe('the further test', () => {
  const judging =
    (own: Outcome, ofReference: Outcome = passed) =>
    ({ test, completion }: ExecutionJob): Verdict =>
      fakeVerdict(test === 'base' ? passed : completion === 'reference' ? ofReference : own);

  it.each<[string, Outcome, Outcome, boolean | null]>([
    ['passes', passed, passed, true],
    ['fails', raising('ValueError'), passed, false],
    ['says nothing where it is at fault', { status: 'infra', reason: 'r' }, passed, null],
    ['says nothing where the reference solution fails it', raising('ValueError'), raising('ValueError'), null],
  ])('%s', async (_, own, ofReference, expected) => {
    expect((await examine(judging(own, ofReference), { furtherTest: 'further' }).fragility).furtherTest).toBe(expected);
  });

  it('asks the reference solution once a problem', async () => {
    const executor = fakeExecutor(judging(passed));
    const probe = new FragilityProbe(executor);
    for (const completion of ['one', 'two']) await probe.examine({ ...job, completion }, fakeVerdict(passed), { ...reference, furtherTest: 'further' }, signal); // prettier-ignore
    expect(executor.jobs.filter(({ completion }) => completion === 'reference')).toHaveLength(1);
  });
});

describe('slowness', () => {
  const seconds = (own: number[], ofReference: number[]) => {
    const left = { own: own.slice(1), reference: [...ofReference] };
    const judge = ({ completion }: ExecutionJob): Verdict =>
      fakeVerdict(passed, (completion === 'reference' ? left.reference : left.own).shift());
    return examine(judge, {}, fakeVerdict(passed, own[0]));
  };

  it('is the least time of all runs over the least of the reference', async () => {
    expect((await seconds([0.9, 0.6, 0.7], [0.03, 0.02, 0.04]).fragility).slowdown).toBeCloseTo(30);
  });

  it('is no matter at 50 ms, and then costs nothing', async () => {
    const { fragility, jobs } = seconds([0.9, 0.05, 0.9], []);
    expect((await fragility).slowdown).toBeNull();
    expect(jobs.every(({ completion }) => completion === 'own')).toBe(true);
  });

  it('is not said of a problem whose reference solution does not pass, and counts no run that failed', async () => {
    const judge = ({ completion, hashSeed }: ExecutionJob): Verdict =>
      completion === 'reference'
        ? fakeVerdict(raising('KeyError'))
        : fakeVerdict(hashSeed === 1 ? raising('KeyError') : passed, hashSeed === 1 ? 0.001 : 0.5);
    expect((await examine(judge, {}, fakeVerdict(passed, 0.4)).fragility)).toMatchObject({ hashSeeds: { failed: 1 }, slowdown: null }); // prettier-ignore
  });
});

describe('in a run', () => {
  const view = createCategoryView(defaultValues(), CATEGORIES);
  const sample = (completion: string, sampleIndex: number): Executable => ({
    ...reference,
    sampleIndex,
    prompt: 'def f():\n',
    entryPoint: 'f',
    test: 'base',
    completion,
    finishReason: 'function',
    error: null,
    unsupported: null,
  });
  const judge = ({ completion, hashSeed }: ExecutionJob): Verdict =>
    fakeVerdict(completion === 'wrong' || (completion === 'order' && hashSeed === 2) ? raising('ValueError') : passed);
  const run = async (fragile: boolean) => {
    const executor = fakeExecutor(judge);
    const results = new Map<number, unknown>();
    const samples = ['right', 'wrong', 'order', 'right', 'order'].map(sample);
    await executeAll(samples, { executor, seed: 1n, view, fragile, signal }, ({ sampleIndex }, { verdict, decision }) => {
      results.set(sampleIndex, [verdict.passed, verdict.measurements.fragility?.hashSeeds ?? null, decision.categoryCode]);
    });
    const asked = executor.jobs.map(({ asksHashSeed, hashSeed }) => [asksHashSeed ?? false, hashSeed ?? 0] as const);
    return { results: [0, 1, 2, 3, 4].map((index) => results.get(index)), executions: executor.jobs.length, asked };
  };

  it('passing programs are tried, once each, and a fragile one is category 9, passed all the same', async () => {
    const steady = [true, { tried: 2, failed: 0 }, null];
    const fragile = [true, { tried: 2, failed: 1 }, '9'];
    const { results, executions, asked } = await run(true);
    expect(results).toEqual([steady, [false, null, expect.stringMatching(/^4/)], fragile, steady, fragile]);
    expect(executions).toBe(3 + 2 * 2);
    // Each first run, and no other, is asked whether others would be of use.
    expect(asked.every(([asks, hashSeed]) => asks === (hashSeed === 0))).toBe(true);
  });

  it('nothing is tried where the config says so', async () => {
    const { results, executions, asked } = await run(false);
    expect(results[2]).toEqual([true, null, null]);
    expect(executions).toBe(3);
    expect(asked.some(([asks]) => asks)).toBe(false);
  });
});
