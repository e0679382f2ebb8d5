/** The store through its class: what is written comes back, again and again, in the order that is promised. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { Store } from '../../../src/store/store.js';
import type { DecisionRow, Experiment } from '../../../src/store/types.js';
import { verdict } from '../sandbox/verdicts.js';
import { execution, manifest, problems, sample } from './rows.js';

let folder: string;
let file: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-store-'));
  file = path.join(folder, 'new', 'faultline.db');
  store = Store.open(file);
});

afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const PROBLEMS = problems(3);

function begin(): Experiment {
  const experiment = store.beginExperiment(manifest());
  store.addProblems(experiment.id, PROBLEMS);
  return experiment;
}

/** Fills an experiment with four samples a problem, in the order given by `order`, in batches of `batch`. */
function fill(experiment: Experiment, batch = 100, order: (i: number) => number = (i) => i, clock = 0.5): void {
  const keys = PROBLEMS.flatMap((problem) => [0, 1, 2, 3].map((index) => ({ problem, index })));
  const shuffled = keys.map((_, i) => keys[order(i) % keys.length]!);
  for (let at = 0; at < shuffled.length; at += batch) {
    const part = shuffled.slice(at, at + batch);
    store.addSamples(
      experiment.id,
      part.map(({ problem, index }) => sample(problem, index)),
    );
    store.addExecutions(
      experiment.id,
      part.map(({ problem, index }) => execution(problem, index, clock)),
    );
  }
}

function failure(work: () => unknown): FaultlineError {
  try {
    work();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(FaultlineError);
    return thrown as FaultlineError;
  }
  throw new Error('nothing was thrown');
}

describe('experiments', () => {
  it('records the sandbox once, where none was known', () => {
    const unknown = { pythonVersion: '', isolationTier: '' };
    const { id } = store.beginExperiment(manifest({ hash: 'e'.repeat(64), ...unknown }));
    const known = { pythonVersion: '3.11.2', isolationTier: 'landlock', calibration: 1.5 };
    expect(store.recordSandbox(id, known)).toMatchObject(known);
    expect(store.recordSandbox(id, { ...known, pythonVersion: '3.12.0' })).toMatchObject(known);
  });

  it('are one row per hash, as first recorded', () => {
    const first = store.beginExperiment(manifest());
    const again = store.beginExperiment({ ...manifest(), kernelFamily: 'amx', name: 'other' });
    expect(again).toEqual(first);
    expect(first).toMatchObject(manifest());
    expect(store.experiments()).toEqual([first]);
    expect(first.finishedAt).toBeNull();
  });

  it('hold the shards of the work that they were given, and are open again when they get more', () => {
    const whole = store.beginExperiment(manifest());
    expect(store.workShards(whole.id)).toEqual([{ index: 0, count: 1 }]);
    const [first, second] = [0, 1].map((index) => ({ index, count: 2 }));
    const { id } = store.beginExperiment(manifest({ hash: 'a'.repeat(64) }), [second!]);
    store.finishExperiment(id);
    // What is there already, and nothing at all, changes nothing.
    for (const shards of [[second!], []]) {
      expect(store.beginExperiment(manifest({ hash: 'a'.repeat(64) }), shards).finishedAt).not.toBeNull();
      expect(store.workShards(id)).toEqual([second]);
    }
    expect(store.beginExperiment(manifest({ hash: 'a'.repeat(64) }), [first!]).finishedAt).toBeNull();
    expect(store.workShards(id)).toEqual([first, second]);
    expect(store.workShards(whole.id)).toEqual([{ index: 0, count: 1 }]);
  });

  it('are found by hash, by its beginning, and by name, the newest first', () => {
    const old = store.beginExperiment(manifest({ hash: 'abcdef01' + '0'.repeat(56) }));
    const young = store.beginExperiment(manifest({ hash: 'abcdef02' + '0'.repeat(56) }));
    expect(store.findExperiment('demo')?.id).toBe(young.id);
    expect(store.findExperiment(old.hash)?.id).toBe(old.id);
    expect(store.findExperiment('abcdef01')?.id).toBe(old.id);
    expect(store.findExperiment('abcde')).toBeNull();
    expect(store.findExperiment('nothing')).toBeNull();
    expect(store.findExperiment('%%%%%%')).toBeNull();
    expect(failure(() => store.findExperiment('abcdef')).kind).toBe('usage');
  });

  it('finish once', () => {
    const { id, hash } = store.beginExperiment(manifest());
    store.finishExperiment(id);
    const at = store.findExperiment(hash)?.finishedAt;
    expect(at).toMatch(/^\d{4}-.*Z$/);
    store.finishExperiment(id);
    expect(store.findExperiment(hash)?.finishedAt).toBe(at);
    expect(
      failure(() => {
        store.finishExperiment(99);
      }).kind,
    ).toBe('internal');
  });

  it('keep a run log in order', () => {
    const { id } = store.beginExperiment(manifest());
    store.addNote(id, 'generate', 'first');
    store.addNote(id, 'execute', 'second');
    expect(store.notes(id).map(({ stage, text }) => [stage, text])).toEqual([
      ['generate', 'first'],
      ['execute', 'second'],
    ]);
  });
});

describe('problems', () => {
  it('come back by position, are stored once, and can be added again', () => {
    const first = begin();
    const second = store.beginExperiment(manifest({ name: 'second' }));
    store.addProblems(second.id, [...PROBLEMS].reverse());
    store.addProblems(first.id, PROBLEMS);
    expect(store.problems(first.id)).toEqual(PROBLEMS);
    expect(store.problems(second.id)).toEqual(PROBLEMS);
  });

  it('are refused with other content under the same name, and nothing is added', () => {
    const { id } = begin();
    const more = { ...problems(4)[3]!, taskId: 'Task/new' };
    const changed = { ...PROBLEMS[0]!, test: 'pass\n' };
    const error = failure(() => {
      store.addProblems(id, [more, changed]);
    });
    expect([error.kind, error.message]).toEqual(['input', expect.stringContaining(changed.taskId)]);
    expect(store.problems(id)).toEqual(PROBLEMS);
  });
});

describe('samples', () => {
  it('come back with their token arrays', () => {
    const { id } = begin();
    fill(store.findExperiment('demo')!, 5);
    for (const problem of PROBLEMS) {
      for (const index of [0, 1, 2, 3]) {
        const { tokens, logprobs, entropies } = sample(problem, index);
        expect(store.tokens(id, { strategy: 'nucleus', taskId: problem.taskId, sampleIndex: index })).toEqual({
          tokens,
          logprobs,
          entropies,
        });
      }
    }
    const rows = [...store.samples(id)];
    expect(rows.map(({ taskId, sampleIndex }) => [taskId, sampleIndex])).toEqual(
      PROBLEMS.flatMap(({ taskId }) => [0, 1, 2, 3].map((index) => [taskId, index])),
    );
    for (const row of rows) {
      const given = sample(
        PROBLEMS.find(({ taskId }) => taskId === row.taskId)!,
        row.sampleIndex,
      );
      const { strategy, taskId, sampleIndex, completion, rawText, cut, finishReason, seed, error, tokens, logprobs } = given;
      const mean = tokens.length === 0 ? null : logprobs.reduce((sum, value) => sum + value, 0) / tokens.length;
      expect(row).toEqual({
        ...{ strategy, taskId, sampleIndex, completion, rawText, cut, finishReason, seed, error },
        tokenCount: tokens.length,
        meanLogprob: mean,
        drawSeconds: null,
      });
    }
  });

  it('keep how long drawing took, and have the same results however long it took', () => {
    const digests = [0.25, 1.5].map((drawSeconds) => {
      using own = Store.open(path.join(folder, `${drawSeconds}.db`));
      const { id } = own.beginExperiment(manifest());
      own.addProblems(id, PROBLEMS);
      own.addSamples(id, [sample(PROBLEMS[0]!, 0, { drawSeconds })]);
      // Drawn again, in another time: no other result, and what is there stays.
      own.addSamples(id, [sample(PROBLEMS[0]!, 0, { drawSeconds: 99 })]);
      own.addExecutions(id, [execution(PROBLEMS[0]!, 0)]);
      expect([...own.samples(id)].map((row) => row.drawSeconds)).toEqual([drawSeconds]);
      expect([...own.judgedSamples(id)].map((row) => row.drawSeconds)).toEqual([drawSeconds]);
      expect(own.ask('SELECT draw_seconds FROM sample_results', 9).rows).toEqual([[drawSeconds]]);
      return own.resultDigest(id);
    });
    expect(digests[0]).toBe(digests[1]);
  });

  it('keep any text', () => {
    const { id } = begin();
    let index = 0;
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), (completion, rest) => {
        const given = sample(PROBLEMS[0]!, index++, { completion, rawText: completion + rest, cut: completion.length });
        store.addSamples(id, [given]);
        const [row] = [...store.samples(id)].slice(-1);
        expect([row!.completion, row!.rawText, row!.cut]).toEqual([completion, completion + rest, completion.length]);
      }),
      { numRuns: 50 },
    );
  });

  it('are left alone when they are added again, and refused when they differ', () => {
    const experiment = begin();
    fill(experiment);
    const before = store.resultDigest(experiment.id);
    const shards = readdirSync(`${file}.shards`);
    fill(experiment, 3);
    expect(store.resultDigest(experiment.id)).toBe(before);
    expect(readdirSync(`${file}.shards`)).toEqual(shards);
    const given = sample(PROBLEMS[0]!, 0);
    const logprobs = given.logprobs.slice();
    logprobs[0]! -= 1e-6;
    for (const change of [{ seed: '1' }, { finishReason: 'eos' }, { rawText: given.rawText + 'x' }, { logprobs }]) {
      const error = failure(() => {
        store.addSamples(experiment.id, [sample(PROBLEMS[0]!, 9), { ...given, ...change }]);
      });
      expect([error.kind, error.message]).toEqual([
        'internal',
        expect.stringContaining(Object.keys(change)[0] === 'rawText' ? 'discarded' : Object.keys(change)[0]!),
      ]);
    }
    expect(store.counts(experiment.id).samples).toBe(12);
  });

  it('are added all or none, and leave no shard behind when none', () => {
    const { id } = begin();
    const bad = { ...sample(PROBLEMS[1]!, 0), strategy: null as unknown as string };
    expect(() => {
      store.addSamples(id, [sample(PROBLEMS[0]!, 0), bad]);
    }).toThrow();
    expect(store.counts(id).samples).toBe(0);
    expect(readdirSync(`${file}.shards`)).toEqual(['lock']);
  });

  it('are checked', () => {
    const { id } = begin();
    const given = sample(PROBLEMS[0]!, 1);
    const logprobs = given.logprobs.slice();
    logprobs[0] = NaN;
    for (const [change, message, kind] of [
      [{ cut: 1 }, 'cut', 'internal'],
      [{ tokens: new Int32Array(given.tokens.length + 1) }, 'length', 'internal'],
      // A model that is damaged, or a database that was: no fault of this class's callers.
      [{ logprobs }, `sample 1 of ${given.taskId} (strategy nucleus): logprobs[0] is NaN`, 'input'],
      [{ taskId: 'Nobody/1' }, 'Nobody/1', 'internal'],
    ] as const) {
      const error = failure(() => {
        store.addSamples(id, [{ ...given, ...change }]);
      });
      expect([error.kind, error.message]).toEqual([kind, expect.stringContaining(message)]);
    }
    expect(
      failure(() => {
        store.addSamples(id, [given, given]);
      }).message,
    ).toContain('twice');
  });

  it('know what is done, by strategy', () => {
    const { id } = begin();
    store.addSamples(id, [sample(PROBLEMS[2]!, 3), sample(PROBLEMS[0]!, 1), sample(PROBLEMS[0]!, 0, { strategy: 'greedy' })]);
    expect(store.doneSampleKeys(id, 'nucleus')).toEqual(
      new Map([
        [PROBLEMS[2]!.taskId, new Set([3])],
        [PROBLEMS[0]!.taskId, new Set([1])],
      ]),
    );
    expect(store.doneSampleKeys(id, 'greedy')).toEqual(new Map([[PROBLEMS[0]!.taskId, new Set([0])]]));
    expect(store.doneSampleKeys(id, 'beam')).toEqual(new Map());
  });

  it('without tokens need no shard', () => {
    const { id } = begin();
    const none = { tokens: new Int32Array(), logprobs: new Float32Array(), entropies: new Float32Array() };
    store.addSamples(id, [
      sample(PROBLEMS[0]!, 0, { ...none, finishReason: 'error', error: 'no room', completion: '', rawText: '', cut: 0 }),
    ]);
    expect(readdirSync(`${file}.shards`)).toEqual(['lock']);
    expect(store.tokens(id, { strategy: 'nucleus', taskId: PROBLEMS[0]!.taskId, sampleIndex: 0 })).toEqual(none);
    expect([...store.pendingExecutions(id)]).toMatchObject([{ finishReason: 'error', error: 'no room', completion: '' }]);
  });
});

describe('shards', () => {
  it('are safetensors files that others can read', () => {
    const { id } = begin();
    const rows = [sample(PROBLEMS[0]!, 0), sample(PROBLEMS[1]!, 1)];
    store.addSamples(id, rows);
    const [name] = readdirSync(`${file}.shards`).filter((each) => each.endsWith('.safetensors'));
    const bytes = readFileSync(path.join(`${file}.shards`, name!));
    const headerBytes = Number(bytes.readBigUInt64LE(0));
    expect(headerBytes % 8).toBe(0);
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes)) as Record<
      string,
      { dtype: string; shape: number[]; data_offsets: [number, number] }
    >;
    const total = rows[0]!.tokens.length + rows[1]!.tokens.length;
    expect(header['tokens']).toEqual({ dtype: 'I32', shape: [total], data_offsets: [0, 4 * total] });
    expect(header['logprobs']).toEqual({ dtype: 'F32', shape: [total], data_offsets: [4 * total, 8 * total] });
    expect(header['entropies']).toEqual({ dtype: 'F32', shape: [total], data_offsets: [8 * total, 12 * total] });
    expect(bytes.length).toBe(8 + headerBytes + 12 * total);
    const at = 8 + headerBytes;
    expect(Array.from({ length: total }, (_, i) => bytes.readInt32LE(at + 4 * i))).toEqual([...rows[0]!.tokens, ...rows[1]!.tokens]);
    expect(Array.from({ length: total }, (_, i) => bytes.readFloatLE(at + 4 * (total + i)))).toEqual([
      ...rows[0]!.logprobs,
      ...rows[1]!.logprobs,
    ]);
  });

  it('that no row names are removed when the database is opened for writing, and nothing else is', () => {
    const { id } = begin();
    store.addSamples(id, [sample(PROBLEMS[0]!, 0)]);
    store.close();
    const kept = readdirSync(`${file}.shards`);
    for (const name of ['experiment-1-000077.safetensors', 'experiment-1-000002.safetensors.partial']) {
      writeFileSync(path.join(`${file}.shards`, name), 'half');
    }
    for (const name of ['mine.safetensors', 'notes.txt']) writeFileSync(path.join(`${file}.shards`, name), 'mine');
    Store.open(file, { readonly: true }).close();
    expect(readdirSync(`${file}.shards`)).toHaveLength(kept.length + 4);
    store = Store.open(file);
    expect(readdirSync(`${file}.shards`).sort()).toEqual([...kept, 'mine.safetensors', 'notes.txt'].sort());
  });

  it('that are missing or damaged are named', () => {
    const { id } = begin();
    const key = { strategy: 'nucleus', taskId: PROBLEMS[0]!.taskId, sampleIndex: 0 };
    store.addSamples(id, [sample(PROBLEMS[0]!, 0)]);
    const name = readdirSync(`${file}.shards`).find((each) => each.endsWith('.safetensors'))!;
    const shard = path.join(`${file}.shards`, name);
    const bytes = readFileSync(shard);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(shard, bytes);
    expect(failure(() => store.tokens(id, key))).toMatchObject({
      kind: 'input',
      message: expect.stringContaining(`${name}: the token arrays are damaged`) as string,
    });
    rmSync(shard);
    expect(failure(() => store.tokens(id, key))).toMatchObject({ kind: 'input', message: expect.stringContaining(name) as string });
    expect(failure(() => store.tokens(id, { ...key, sampleIndex: 5 })).kind).toBe('input');
  });
});

describe('executions', () => {
  it('come back as judged samples, in order and by filter', () => {
    const experiment = begin();
    fill(experiment, 5, (i) => i * 5);
    const judged = [...store.judgedSamples(experiment.id)];
    expect(judged.map(({ taskId, sampleIndex }) => [taskId, sampleIndex])).toEqual(
      PROBLEMS.flatMap(({ taskId }) => [0, 1, 2, 3].map((index) => [taskId, index])),
    );
    for (const each of judged) {
      const problem = PROBLEMS.find(({ taskId }) => taskId === each.taskId)!;
      const { verdict: wanted, ...decision } = execution(problem, each.sampleIndex);
      const given = sample(problem, each.sampleIndex);
      expect(each).toMatchObject({
        ...decision,
        prompt: problem.prompt,
        entryPoint: problem.entryPoint,
        difficulty: problem.difficulty,
        completion: given.completion,
        tokenCount: given.tokens.length,
      });
      expect(each.verdict).toEqual(wanted);
    }
    const crashed = judged.filter(({ outcome }) => outcome === 'crash');
    expect(crashed.length).toBeGreaterThan(0);
    expect([...store.judgedSamples(experiment.id, { outcome: 'crash' })]).toEqual(crashed);
    expect([...store.judgedSamples(experiment.id, { categoryCode: '4.1' })]).toEqual(crashed);
    expect([...store.judgedSamples(experiment.id, { taskId: PROBLEMS[1]!.taskId })]).toEqual(
      judged.filter(({ taskId }) => taskId === PROBLEMS[1]!.taskId),
    );
    expect([...store.judgedSamples(experiment.id, { strategy: 'greedy' })]).toEqual([]);
    const third = judged.filter(({ sampleIndex }) => sampleIndex === 2);
    expect(third.length).toBeGreaterThan(0);
    expect([...store.judgedSamples(experiment.id, { sampleIndex: 2 })]).toEqual(third);
  });

  it('wait in order, and may be added while they are read', () => {
    const { id } = begin();
    store.addSamples(
      id,
      PROBLEMS.flatMap((problem) => [3, 1].map((index) => sample(problem, index))),
    );
    store.addExecutions(id, [execution(PROBLEMS[1]!, 1)]);
    const seen: unknown[] = [];
    for (const { taskId, sampleIndex, ...rest } of store.pendingExecutions(id)) {
      const problem = PROBLEMS.find((each) => each.taskId === taskId)!;
      expect(rest).toMatchObject({
        prompt: problem.prompt,
        test: problem.test,
        entryPoint: problem.entryPoint,
        canonicalSolution: problem.canonicalSolution,
        furtherTest: problem.furtherTest,
        unsupported: null,
        completion: sample(problem, sampleIndex).completion,
      });
      if (seen.length === 1) store.addSamples(id, [sample(PROBLEMS[1]!, 7)]);
      seen.push([taskId, sampleIndex]);
      store.addExecutions(id, [execution(problem, sampleIndex)]);
    }
    expect(seen).toEqual([
      [PROBLEMS[0]!.taskId, 3],
      [PROBLEMS[0]!.taskId, 1],
      [PROBLEMS[1]!.taskId, 3],
      [PROBLEMS[2]!.taskId, 3],
      [PROBLEMS[2]!.taskId, 1],
      // Stored while the others were read.
      [PROBLEMS[1]!.taskId, 7],
    ]);
    expect([...store.pendingExecutions(id)]).toEqual([]);
  });

  it('wait by the thousand with a few in memory, and go on from a place', () => {
    const { id } = begin();
    const other = store.beginExperiment(manifest({ name: 'other' }));
    store.addProblems(other.id, PROBLEMS);
    for (const experiment of [other.id, id]) {
      store.addSamples(
        experiment,
        Array.from({ length: 300 }, (_, index) => sample(PROBLEMS[index % 3]!, index)),
      );
    }
    const all = [...store.pendingExecutions(id)];
    expect(all.map(({ sampleIndex }) => sampleIndex)).toEqual(Array.from({ length: 300 }, (_, index) => index));
    expect([...store.pendingExecutions(id, all[199]!.place)].map(({ place }) => place)).toEqual(all.slice(200).map(({ place }) => place));
    expect([...store.pendingExecutions(id, all.at(-1)!.place)]).toEqual([]);
  });

  it('are found again by their program, within the experiment and the problem', () => {
    const { id } = begin();
    const other = store.beginExperiment(manifest({ name: 'other' }));
    store.addProblems(other.id, PROBLEMS);
    const given = { completion: 'x\uD800', rawText: 'x\uD800', cut: 2 };
    const rows = [sample(PROBLEMS[0]!, 0, given), sample(PROBLEMS[0]!, 1, { strategy: 'greedy' }), sample(PROBLEMS[0]!, 2, { completion: '', rawText: '', cut: 0, finishReason: 'error', error: 'no room' })]; // prettier-ignore
    store.addSamples(id, rows);
    const { taskId } = PROBLEMS[0]!;
    expect(store.verdictOf(id, taskId, given.completion)).toBeNull();
    const infra = { ...execution(PROBLEMS[0]!, 0), verdict: verdict({ status: 'infra', reason: 'r' }), outcome: 'infra' };
    store.addExecutions(id, [infra, { ...execution(PROBLEMS[0]!, 1), strategy: 'greedy' }]);
    expect(store.verdictOf(id, taskId, given.completion)).toBeNull();
    const real = execution(PROBLEMS[0]!, 0);
    store.addExecutions(id, [real, { ...real, sampleIndex: 2, verdict: verdict({ status: 'not_run', reason: 'no room' }) }]);
    expect(store.verdictOf(id, taskId, given.completion)).toEqual(real.verdict);
    expect(store.verdictOf(id, taskId, rows[1]!.completion)).toEqual(execution(PROBLEMS[0]!, 1).verdict);
    for (const [experiment, task, text] of [
      [other.id, taskId, 'x\uD800'],
      [id, PROBLEMS[1]!.taskId, 'x\uD800'],
      [id, taskId, 'x'],
      [id, taskId, ''],
    ] as const)
      // prettier-ignore
      expect(store.verdictOf(experiment, task, text)).toBeNull();
  });

  it('of problems that nobody can judge are done, and counted apart', () => {
    const experiment = begin();
    const { id } = experiment;
    store.addSamples(id, [sample(PROBLEMS[0]!, 0)]);
    const reason = 'its test builds objects';
    const row = { ...execution(PROBLEMS[0]!, 0), verdict: verdict({ status: 'unsupported', reason }), categoryCode: '0', categoryName: 'infra', outcome: 'infra' }; // prettier-ignore
    store.addExecutions(id, [row]);
    store.addExecutions(id, [row]);
    expect([...store.pendingExecutions(id)]).toEqual([]);
    expect(store.counts(id)).toMatchObject({ samples: 1, executed: 1, infra: 0, unsupported: 1, passed: 0, outcomes: { infra: 1 } });
    expect([...store.judgedSamples(id)]).toMatchObject([{ verdict: { outcome: { status: 'unsupported', reason } } }]);
  });

  it('that failed outside the sample wait again, and give way to any verdict', () => {
    const experiment = begin();
    const { id } = experiment;
    store.addSamples(id, [sample(PROBLEMS[0]!, 0)]);
    const real = execution(PROBLEMS[0]!, 0);
    const infra = {
      ...real,
      verdict: verdict({ status: 'infra', reason: 'no memory' }),
      categoryCode: '0',
      categoryName: 'infra',
      outcome: 'infra',
      generationCode: null,
    };
    const without = store.resultDigest(id);
    store.addExecutions(id, [infra]);
    expect(store.resultDigest(id)).toBe(without);
    expect(store.counts(id)).toMatchObject({ samples: 1, executed: 0, infra: 1, passed: 0, outcomes: { infra: 1 } });
    expect([...store.pendingExecutions(id)]).toHaveLength(1);
    store.addExecutions(id, [real]);
    expect([...store.pendingExecutions(id)]).toEqual([]);
    expect(store.counts(id)).toMatchObject({ executed: 1, infra: 0 });
    store.addExecutions(id, [infra]);
    expect([...store.judgedSamples(id)][0]!.verdict).toEqual(real.verdict);
  });

  it('are left alone when they are added again with other times, and refused with another verdict', () => {
    const experiment = begin();
    fill(experiment);
    const before = store.resultDigest(experiment.id);
    fill(experiment, 4, (i) => i, 0.9);
    expect(store.resultDigest(experiment.id)).toBe(before);
    const given = execution(PROBLEMS[0]!, 0);
    const error = failure(() => {
      store.addExecutions(experiment.id, [{ ...given, verdict: verdict({ status: 'signal', signal: 'SIGSEGV' }) }]);
    });
    expect([error.kind, error.message]).toEqual(['internal', expect.stringContaining('status')]);
    expect(
      failure(() => {
        store.addExecutions(experiment.id, [{ ...given, sampleIndex: 77 }]);
      }).message,
    ).toContain('sample 77');
  });

  it('are counted', () => {
    const experiment = begin();
    fill(experiment);
    const judged = [...store.judgedSamples(experiment.id)];
    const tally = (values: (string | null)[]): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (const value of values) if (value !== null) counts[value] = (counts[value] ?? 0) + 1;
      return counts;
    };
    const { categories, ...counts } = store.counts(experiment.id);
    expect(counts).toEqual({
      problems: 3,
      samples: 12,
      executed: 12,
      unsupported: 0,
      infra: 0,
      nearLimit: 0,
      passed: judged.filter(({ verdict: { passed } }) => passed).length,
      outcomes: tally(judged.map(({ outcome }) => outcome)),
    });
    expect(Object.fromEntries(categories.map(({ code, count }) => [code, count]))).toEqual(
      tally(judged.map(({ categoryCode }) => categoryCode)),
    );
    expect(categories.map(({ count }) => count)).toEqual(categories.map(({ count }) => count).sort((a, b) => b - a));
  });
});

describe('classification', () => {
  it('is replaced without executing, with names that may change', () => {
    const experiment = begin();
    fill(experiment);
    const judged = [...store.judgedSamples(experiment.id)];
    store.replaceClassification(
      experiment.id,
      judged.map((each) => ({
        ...each,
        categoryName: each.categoryCode === null ? null : 'all.one',
        categoryCode: each.categoryCode === null ? null : '4.1',
        evidence: 'again',
      })),
    );
    const after = [...store.judgedSamples(experiment.id)];
    expect(after.map(({ verdict: each }) => each)).toEqual(judged.map(({ verdict: each }) => each));
    expect(new Set(after.map(({ categoryName }) => categoryName))).toEqual(new Set([null, 'all.one']));
    expect(store.counts(experiment.id).categories).toEqual([
      { code: '4.1', name: 'all.one', count: judged.filter(({ categoryCode }) => categoryCode !== null).length },
    ]);
  });

  it('needs a verdict, and an outcome that exists', () => {
    const { id } = begin();
    store.addSamples(id, [sample(PROBLEMS[0]!, 0)]);
    const given = execution(PROBLEMS[0]!, 0);
    expect(
      failure(() => {
        store.replaceClassification(id, [given]);
      }).kind,
    ).toBe('internal');
    expect(() => {
      store.addExecutions(id, [{ ...given, outcome: 'sunny' }]);
    }).toThrow(/FOREIGN KEY/);
    expect([...store.pendingExecutions(id)]).toHaveLength(1);
  });
});

describe('the digest', () => {
  it('is the same for any order and batch size, and whatever the times', () => {
    const digests = [100, 1, 5].map((batch, i) => {
      const other = Store.open(path.join(folder, `${batch}.db`));
      const kept = store;
      store = other;
      const experiment = begin();
      fill(experiment, batch, (n) => n * [1, 5, 7][i]!, 0.5 + i);
      const digest = other.resultDigest(experiment.id);
      other.close();
      store = kept;
      return digest;
    });
    expect(new Set(digests).size).toBe(1);
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
  });

  it('changes with the number of calls that changed an argument', () => {
    const digests = [0, 1].map((changedCalls) => {
      using other = Store.open(path.join(folder, `changed-${changedCalls}.db`));
      const { id } = other.beginExperiment(manifest());
      other.addProblems(id, PROBLEMS);
      other.addSamples(id, [sample(PROBLEMS[0]!, 0)]);
      const given = execution(PROBLEMS[0]!, 0);
      other.addExecutions(id, [{ ...given, verdict: verdict(given.verdict.outcome, { changedCalls }) }]);
      return other.resultDigest(id);
    });
    expect(digests[0]).not.toBe(digests[1]);
  });

  it('changes with every result', () => {
    const experiment = begin();
    const { id } = experiment;
    const digests = new Set<string>();
    const note = (): number => digests.add(store.resultDigest(id)).size;
    note();
    store.addSamples(id, [sample(PROBLEMS[0]!, 0)]);
    expect(note()).toBe(2);
    const given = execution(PROBLEMS[0]!, 0);
    store.addExecutions(id, [given]);
    expect(note()).toBe(3);
    store.replaceClassification(id, [{ ...given, evidence: 'other' }]);
    expect(note()).toBe(4);
    store.replaceClassification(id, [{ ...given, generationCode: '1.1' }]);
    expect(note()).toBe(5);
    const changes: Partial<DecisionRow>[] = [
      { rule: 'another' },
      { place: { line: 9, column: null, range: null } },
      { place: { line: 9, column: 1, range: null } },
      { place: { line: 9, column: 1, range: { start: 1, end: 2 } } },
      { tokens: { first: 0, last: 0 } },
      { node: 'Expr' },
      { tags: ['x'] },
      { categoryCode: '1', categoryName: 'c', published: { dou: ['d'], tambon: [], codehalu: [] } },
    ];
    changes.forEach((change, index) => {
      store.replaceClassification(id, [{ ...given, ...change }]);
      expect(note(), JSON.stringify(change)).toBe(6 + index);
    });
    const all = note();
    store.finishExperiment(id);
    store.addNote(id, 'run', 'finished');
    expect(note()).toBe(all);
  });
});
