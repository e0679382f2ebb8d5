/**
 * Generation and execution side by side over a real store, with an engine and a sandbox that the test controls: whatever
 * stops the work, what is finished is kept, and a second run ends in the same results.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { defaultValues } from '../../../src/config/defaults.js';
import { createCategoryView } from '../../../src/pipeline/category-view.js';
import { sideBySide } from '../../../src/pipeline/side-by-side.js';
import { storeVerdicts } from '../../../src/pipeline/stages/execute.js';
import { storeSamples } from '../../../src/pipeline/stages/generate.js';
import type { ExecutionJob, Executor } from '../../../src/sandbox/executor.js';
import { NOT_MEASURED } from '../../../src/sandbox/verdict.js';
import type { Verdict } from '../../../src/sandbox/verdict.js';
import { Store } from '../../../src/store/store.js';
import { LANES_PER_WORKER } from '../../../src/pipeline/execute.js';
import { WorkQueue } from '../../../src/pipeline/work-queue.js';
import { fakeExecutor, fakeVerdict, raising } from './fake-executor.js';
import type { ExperimentManifest, SampleRow } from '../../../src/store/types.js';
import { CATEGORIES } from '../../../src/taxonomy/categories.js';

const TASKS = 4;
const SAMPLES = 60;
const manifest = {
  name: 'e',
  config: '{}',
  hash: 'h',
  seed: '1',
  modelHash: 'm',
  tokenizerHash: 't',
  problemsHash: 'p',
  dtype: 'float32',
  device: 'cpu',
  deviceName: 'x',
  kernelFamily: 'fma',
  isa: 'scalar',
  cpu: 'c',
  pythonVersion: '3',
  isolationTier: 'namespaces',
  calibration: 1,
  version: '0',
} satisfies ExperimentManifest;
const problem = (task: number) => ({
  taskId: `T/${task}`,
  prompt: 'def f():\n',
  entryPoint: 'f',
  canonicalSolution: '',
  test: '',
  position: task,
});
const view = createCategoryView(defaultValues(), CATEGORIES);

function generated(task: number, sampleIndex: number): SampleRow {
  const { taskId } = problem(task);
  const failed = sampleIndex === 7;
  const completion = failed ? '' : `    return ${sampleIndex}\n`;
  return {
    strategy: 'nucleus',
    taskId,
    sampleIndex,
    completion,
    finishReason: failed ? 'error' : 'function',
    error: failed ? 'no room' : null,
    rawText: completion,
    cut: completion.length,
    tokens: Int32Array.of(sampleIndex),
    logprobs: Float32Array.of(-1),
    entropies: Float32Array.of(1),
    seed: '1',
  };
}

/** Odd samples pass; the sandbox never sees the sample that was not made. */
function verdictOf(job: ExecutionJob): Verdict {
  if (job.completion === '') throw new Error('a sample without a program was executed');
  const passed = job.sampleIndex % 2 === 1;
  const exception = {
    type: 'NameError',
    bases: ['NameError'],
    message: 'x',
    frames: [],
    line: 2,
    column: null,
    node: 'other',
    statement: null,
    locals: [],
  } as const;
  return {
    passed,
    outcome: passed ? { status: 'passed' } : { status: 'exception', phase: 'call', exception },
    measurements: {
      phase: 'call',
      calls: 1,
      allNone: false,
      stdout: '',
      cpuSeconds: 0,
      wallSeconds: 0,
      peakMemoryBytes: 0,
      nearLimit: false,
      ...NOT_MEASURED,
    },
  };
}

interface World {
  readonly executor: Executor;
  readonly executed: number[];
}
function sandbox(onExecute: (count: number) => void = () => undefined): World {
  const executed: number[] = [];
  const info = {
    tier: 'namespaces',
    tierReason: null,
    pythonVersion: '3',
    pythonPath: '',
    workers: 2,
    limits: {} as never,
    calibration: 1,
  } as const;
  const execute = async (job: ExecutionJob, signal?: AbortSignal): Promise<Verdict> => {
    await new Promise(setImmediate);
    signal?.throwIfAborted();
    executed.push(job.sampleIndex);
    onExecute(executed.length);
    return verdictOf(job);
  };
  return { executed, executor: { info, execute, dispose: () => Promise.resolve() } };
}

/** One run over what the store misses, as the stages `generate` and `execute` make it. */
async function run(
  store: Store,
  { executor }: World,
  options: { onSample?: (count: number) => void; signal?: AbortSignal; change?: (row: SampleRow) => SampleRow } = {},
) {
  const experiment = store.beginExperiment(manifest);
  store.addProblems(
    experiment.id,
    Array.from({ length: TASKS }, (_, task) => problem(task)),
  );
  const done = store.doneSampleKeys(experiment.id, 'nucleus');
  const samples = async function* (signal: AbortSignal): AsyncGenerator<SampleRow> {
    let count = 0;
    for (let sample = 0; sample < SAMPLES; sample++) {
      for (let task = TASKS - 1; task >= 0; task--) {
        if (done.get(`T/${task}`)?.has(sample) === true) continue;
        await new Promise(setImmediate);
        signal.throwIfAborted();
        yield (options.change ?? ((row) => row))(generated(task, sample));
        options.onSample?.(++count);
      }
    }
  };
  const nothing = () => undefined;
  const tokensOf = ({ sampleIndex }: { sampleIndex: number }, { start }: { start: number }) => ({ first: start, last: sampleIndex });
  const stored = new WorkQueue((after) => store.pendingExecutions(experiment.id, after));
  await sideBySide(
    [
      (signal) =>
        storeSamples(store, experiment.id, samples(signal), {
          engineCpu: 'a CPU',
          onSample: nothing,
          onStored: () => {
            stored.announce();
          },
        }).finally(() => {
          stored.close();
        }),
      (signal) => storeVerdicts(store, experiment.id, stored, { executor, seed: 1n, view, fragile: false, tokensOf, signal }, nothing),
    ],
    options.signal ?? new AbortController().signal,
  );
  return experiment;
}

const open = () => Store.open(path.join(mkdtempSync(path.join(tmpdir(), 'faultline-stages-')), 'x.db'));

describe('generation beside execution', () => {
  it('gives the samples of a batch an even share each of the time by the clock', async () => {
    using store = open();
    const before = performance.now();
    const { id } = await run(store, sandbox());
    const seconds = (performance.now() - before) / 1000;
    const times = [...store.samples(id)].map(({ drawSeconds }) => drawSeconds!);
    expect(Math.min(...times)).toBeGreaterThan(0);
    const total = times.reduce((sum, each) => sum + each, 0);
    // The last batch is timed to its end, and nothing is counted twice.
    expect(total).toBeLessThanOrEqual(seconds);
    expect(new Set(times).size).toBeLessThan(times.length);
  });

  it('stores and executes everything once', async () => {
    using store = open();
    const world = sandbox();
    const { id } = await run(store, world);
    expect(store.counts(id)).toMatchObject({
      samples: TASKS * SAMPLES,
      executed: TASKS * SAMPLES,
      passed: TASKS * (SAMPLES / 2 - 1),
      infra: 0,
    });
    expect(world.executed).toHaveLength(TASKS * (SAMPLES - 1));
    expect(store.counts(id).outcomes).toMatchObject({ generation: TASKS });
    const again = sandbox();
    await run(store, again);
    expect(again.executed).toHaveLength(0);
  });

  it('ends in the same results when it is stopped anywhere, by either stage', async () => {
    using whole = open();
    const digest = whole.resultDigest((await run(whole, sandbox())).id);
    for (const stop of [1, 63, 64, 65, 130, 230]) {
      using store = open();
      const reason = new FaultlineError('interrupted', 'stopped', { hint: 'Continue with: x' });
      const generating = new AbortController();
      await expect(run(store, sandbox(), { signal: generating.signal, onSample: (count) => { if (count === stop) generating.abort(reason); } })).rejects.toMatchObject({ kind: 'interrupted', hint: 'Continue with: x' }); // prettier-ignore
      const executing = new AbortController();
      const stopping = sandbox((count) => { if (count === stop) executing.abort(reason); }); // prettier-ignore
      await run(store, stopping, { signal: executing.signal }).catch((error: unknown) => {
        expect(error).toMatchObject({ kind: 'interrupted' });
      });
      expect(store.resultDigest((await run(store, sandbox())).id), `stopped at ${stop}`).toBe(digest);
    }
  });

  it('executes equal programs once, however often it is stopped', async () => {
    // Five programs a problem: what one run has found, the next one reads.
    const completionOf = (sampleIndex: number): string => `    return ${sampleIndex % 5}\n`;
    const judge = ({ completion, taskId }: ExecutionJob): Verdict =>
      fakeVerdict(completion.includes(taskId.slice(2)) ? { status: 'passed' } : raising('NameError'));
    const runEqual = async (store: Store, stopAt: number | null) => {
      const executor = fakeExecutor(judge);
      const abort = new AbortController();
      let judged = 0;
      const counting = {
        ...executor,
        execute: async (job: ExecutionJob, signal?: AbortSignal) => {
          const verdict = await executor.execute(job, signal);
          if (++judged === stopAt) abort.abort(new FaultlineError('interrupted', 'stopped'));
          return verdict;
        },
      };
      const experiment = store.beginExperiment(manifest);
      const ending = run(store, { executor: counting, executed: [] }, { signal: abort.signal, change: (row) => ({ ...row, completion: completionOf(row.sampleIndex), rawText: completionOf(row.sampleIndex), cut: completionOf(row.sampleIndex).length, finishReason: row.sampleIndex % 2 === 0 ? 'length' : 'function', error: null }) }); // prettier-ignore
      await (stopAt === null ? ending : expect(ending).rejects.toMatchObject({ kind: 'interrupted' }));
      return { id: experiment.id, jobs: executor.jobs };
    };
    using whole = open();
    const complete = await runEqual(whole, null);
    expect(complete.jobs).toHaveLength(TASKS * 5);
    expect(new Set([...whole.judgedSamples(complete.id)].map(({ place, tokens }) => JSON.stringify([place?.line, tokens !== null])))).toEqual(new Set(['[2,true]', '[null,false]'])); // prettier-ignore
    for (const stopAt of [1, 4, 9, 15]) {
      using store = open();
      await runEqual(store, stopAt);
      const known = new Set([...store.judgedSamples(complete.id)].map(({ taskId, completion }) => taskId + completion));
      const second = await runEqual(store, null);
      expect(second.jobs.filter(({ taskId, completion }) => known.has(taskId + completion))).toEqual([]);
      expect(second.jobs).toHaveLength(TASKS * 5 - known.size);
      expect(store.resultDigest(second.id)).toBe(whole.resultDigest(complete.id));
    }
  });

  it('takes from the store only what the sandbox has room for while generation runs far ahead', async () => {
    using store = open();
    let read = 0;
    const watched = new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name !== 'pendingExecutions') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        return function* (id: number, after?: number) {
          for (const item of target.pendingExecutions(id, after)) {
            read++;
            yield item;
          }
        };
      },
    });
    const world = sandbox();
    const all = TASKS * SAMPLES;
    let release: (readSoFar: number) => void;
    const generated = new Promise<number>((resolve) => {
      release = resolve;
    });
    const waiting: Executor = {
      ...world.executor,
      execute: async (job, signal) => {
        await generated;
        return world.executor.execute(job, signal);
      },
    };
    const onSample = (count: number): void => {
      if (count === all) release(read);
    };
    const { id } = await run(watched, { ...world, executor: waiting }, { onSample });
    // Each lane has one sample in hand.
    expect(await generated).toBeLessThanOrEqual(LANES_PER_WORKER * world.executor.info.workers);
    expect(read).toBe(all);
    expect(store.counts(id)).toMatchObject({ samples: all, executed: all });
  });

  it('stops generating when the sandbox fails for good, and keeps what is finished', async () => {
    using store = open();
    const broken = sandbox((count) => {
      if (count > 10) throw new FaultlineError('infrastructure', 'the zygote died three times in a row', { hint: 'h' });
    });
    let seen = 0;
    await expect(run(store, broken, { onSample: (count) => (seen = count) })).rejects.toMatchObject({
      exitCode: 6,
      message: expect.stringContaining('zygote') as string,
    });
    const { id } = store.beginExperiment(manifest);
    expect(seen).toBeLessThan(TASKS * SAMPLES);
    expect(store.counts(id).samples).toBe(seen);
    expect(store.counts(id).executed).toBeGreaterThan(0);
  });

  it('fails with what generation failed with', async () => {
    using store = open();
    const failing = run(store, sandbox(), { onSample: (count) => { if (count === 70) throw new FaultlineError('environment', 'the engine is gone'); } }); // prettier-ignore
    await expect(failing).rejects.toThrow('the engine is gone');
    expect(store.counts(store.beginExperiment(manifest).id).samples).toBe(70);
  });
});
