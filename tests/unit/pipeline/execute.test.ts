/** The execution stage over any stream of samples: equal programs are executed once, and nobody can tell from the results. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { defaultValues } from '../../../src/config/defaults.js';
import { createCategoryView } from '../../../src/pipeline/category-view.js';
import { decide, executeAll, LANES_PER_WORKER, programKey, type Executable, type Judgement } from '../../../src/pipeline/execute.js';
import type { ExecutionJob } from '../../../src/sandbox/executor.js';
import { unmeasuredVerdict, type Verdict } from '../../../src/sandbox/verdict.js';
import { CATEGORIES } from '../../../src/taxonomy/categories.js';
import { verdictOfFailedGeneration } from '../../../src/taxonomy/failed-generation.js';
import { fakeExecutor, fakeVerdict, raising } from './fake-executor.js';

const view = createCategoryView(defaultValues(), CATEGORIES);
const UNSUPPORTED = 'its test builds objects';

function sample(task: number, program: number, sampleIndex: number, finishReason = 'function'): Executable {
  return {
    taskId: `T/${task}`,
    sampleIndex,
    prompt: `def f${task}():\n`,
    entryPoint: `f${task}`,
    test: '',
    completion: `    return ${'x'.repeat(program)}\n`,
    canonicalSolution: '',
    furtherTest: null,
    finishReason,
    error: finishReason === 'error' ? 'no room' : null,
    unsupported: task === 2 ? UNSUPPORTED : null,
  };
}

/** What a program comes to, whoever asks and when. */
function verdictOf({ taskId, completion }: Pick<ExecutionJob, 'taskId' | 'completion'>): Verdict {
  const kind = (taskId.length + completion.length + Number(taskId.slice(2))) % 3;
  return fakeVerdict(kind === 0 ? { status: 'passed' } : raising(kind === 1 ? 'NameError' : 'ValueError'), completion.length / 1000);
}

/** The verdict of a sample that is alone in the world. */
function alone(given: Executable): Verdict {
  if (given.finishReason === 'error') return verdictOfFailedGeneration('no room');
  if (given.unsupported !== null) return unmeasuredVerdict({ status: 'unsupported', reason: UNSUPPORTED }, 'compile');
  return verdictOf(given);
}

const isExecuted = ({ finishReason, unsupported }: Executable): boolean => finishReason !== 'error' && unsupported === null;
const programs = (samples: readonly Executable[]): Set<string> => new Set(samples.filter(isExecuted).map(programKey));
const options = { seed: 1n, view, fragile: false };

const stream = fc
  .array(fc.tuple(fc.nat(2), fc.nat(4), fc.constantFrom('function', 'function', 'length', 'error')), { maxLength: 60 })
  .map((rows) => rows.map(([task, program, finish], index) => sample(task, program, index, finish)));

describe('equal programs', () => {
  it('are executed once, and each sample is judged as if it were alone', async () => {
    await fc.assert(
      fc.asyncProperty(stream, fc.integer({ min: 1, max: 4 }), async (samples, workers) => {
        const executor = fakeExecutor(verdictOf, workers);
        const judged = new Map<Executable, Judgement>();
        await executeAll(samples, { ...options, executor, signal: new AbortController().signal }, (each, judgement) => {
          expect(judged.has(each)).toBe(false);
          judged.set(each, judgement);
        });
        expect(judged.size).toBe(samples.length);
        for (const each of samples) {
          const verdict = alone(each);
          expect(judged.get(each)).toEqual({ verdict, decision: decide(each, verdict, view) });
        }
        expect(executor.jobs).toHaveLength(programs(samples).size);
        expect(executor.most()).toBeLessThanOrEqual(LANES_PER_WORKER * workers);
      }),
      { numRuns: 150 },
    );
  });

  it('are not executed again after a stop anywhere, where their verdict was kept', async () => {
    await fc.assert(
      fc.asyncProperty(stream, fc.nat(70), async (samples, stopAt) => {
        const kept = new Map<Executable, Verdict>();
        const abort = new AbortController();
        const reason = new FaultlineError('interrupted', 'stopped');
        const first = fakeExecutor(verdictOf);
        const run = executeAll(samples, { ...options, executor: first, signal: abort.signal }, (each, { verdict }) => {
          expect(abort.signal.aborted).toBe(false);
          kept.set(each, verdict);
          if (kept.size === stopAt) abort.abort(reason);
        });
        const complete = await run.then(() => true, (error: unknown) => { expect(error).toBe(reason); return false; }); // prettier-ignore
        if (complete) expect(kept.size).toBe(samples.length);

        const before = new Map([...kept].filter(([each]) => isExecuted(each)).map(([each, verdict]) => [programKey(each), verdict]));
        const rest = samples.filter((each) => !kept.has(each));
        const second = fakeExecutor(verdictOf);
        const known = (each: Executable): Verdict | null => before.get(programKey(each)) ?? null;
        await executeAll(rest, { ...options, executor: second, known, signal: new AbortController().signal }, (each, { verdict }) => {
          kept.set(each, verdict);
        });
        for (const each of samples) expect(kept.get(each)).toEqual(alone(each));
        expect(second.jobs).toHaveLength([...programs(rest)].filter((key) => !before.has(key)).length);
      }),
      { numRuns: 150 },
    );
  });

  it('wait in bounded number, and are all judged', async () => {
    const samples = Array.from({ length: 1_500 }, (_, index) => sample(0, 3, index));
    const executor = fakeExecutor(verdictOf, 1);
    let judged = 0;
    let read = 0;
    let readBeforeTheFirst = 0;
    const source = (function* () {
      for (const each of samples) {
        read++;
        yield each;
      }
    })();
    await executeAll(source, { ...options, executor, signal: new AbortController().signal }, () => {
      if (judged++ === 0) readBeforeTheFirst = read;
    });
    expect([judged, executor.jobs.length]).toEqual([1_500, 1]);
    expect(readBeforeTheFirst).toBeLessThan(300);
  });

  it('hold up no others while they wait, and every worker has the next job at hand', async () => {
    const workers = 2;
    const fake = fakeExecutor(verdictOf, workers);
    let release: () => void = () => undefined;
    const others = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = sample(0, 0, 0);
    const executor = {
      ...fake,
      execute: async (job: ExecutionJob, signal?: AbortSignal) => {
        if (job.completion === slow.completion) await others;
        return fake.execute(job, signal);
      },
    };
    const equal = Array.from({ length: 200 }, (_, index) => ({ ...slow, sampleIndex: index }));
    const distinct = Array.from({ length: 50 }, (_, index) => sample(1, index + 1, index));
    let judged = 0;
    // Would never end if the equal ones took the lanes that the others need.
    await executeAll([...equal, ...distinct], { ...options, executor, signal: new AbortController().signal }, () => {
      if (++judged === distinct.length) release();
    });
    expect(judged).toBe(250);
    expect(fake.jobs).toHaveLength(51);
    expect(fake.most()).toBe(LANES_PER_WORKER * workers - 1);
  });

  it('are remembered in bounded number; what is forgotten is asked for', async () => {
    const many = (round: number): Executable[] => Array.from({ length: 1_200 }, (_, program) => sample(0, program, round));
    const stored = new Map<string, Verdict>();
    const executor = fakeExecutor(verdictOf);
    let asked = 0;
    const known = (each: Executable): Verdict | null => {
      asked++;
      return stored.get(programKey(each)) ?? null;
    };
    await executeAll(
      [...many(0), ...many(1)],
      { ...options, executor, known, signal: new AbortController().signal },
      (each, { verdict }) => {
        stored.set(programKey(each), verdict);
      },
    );
    expect(executor.jobs).toHaveLength(1_200);
    expect(asked).toBeGreaterThan(1_200);
  });
});

describe('a failure', () => {
  it('of the sandbox or of who takes the results stops the others, and nothing is handed on after it', async () => {
    const samples = Array.from({ length: 50 }, (_, index) => sample(0, index, index));
    const broken = new FaultlineError('infrastructure', 'the zygote died');
    const failing = fakeExecutor((job, count) => {
      if (count === 12) throw broken;
      return verdictOf(job);
    });
    let after = false;
    const run = executeAll(samples, { ...options, executor: failing, signal: new AbortController().signal }, () => {
      expect(after).toBe(false);
    });
    await expect(run).rejects.toBe(broken);
    after = true;
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(failing.jobs.length).toBeLessThan(25);

    const full = new FaultlineError('output', 'the disk is full');
    const executor = fakeExecutor(verdictOf);
    const writing = executeAll(samples, { ...options, executor, signal: new AbortController().signal }, ({ sampleIndex }) => {
      if (sampleIndex === 7) throw full;
    });
    await expect(writing).rejects.toBe(full);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(executor.jobs.length).toBeLessThan(20);
  });
});
