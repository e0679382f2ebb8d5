/** Merging databases: the results of one run, to the byte; and every difference refused by name before anything is written. */
import { copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultValues } from '../../../src/config/defaults.js';
import { heldBy, WHOLE, type Shard } from '../../../src/config/shard.js';
import { FaultlineError } from '../../../src/errors.js';
import { createCategoryView } from '../../../src/pipeline/category-view.js';
import { classifyStored } from '../../../src/pipeline/classify.js';
import { mergeDatabases, type MergeOptions } from '../../../src/pipeline/merge.js';
import { Progress } from '../../../src/pipeline/progress.js';
import { Store } from '../../../src/store/store.js';
import type { ExecutionRow, ExperimentManifest, MeasuresRow, SampleRow } from '../../../src/store/types.js';
import { CATEGORIES } from '../../../src/taxonomy/categories.js';
import { measureText } from '../../../src/text-metrics/measure-text.js';
import { verdict } from '../sandbox/verdicts.js';
import { decision, execution, manifest, problems, sample } from '../store/rows.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-merge-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});
const at = (name: string) => path.join(folder, name);

const PROBLEMS = problems(5);
const SAMPLES = 4; // as in the manifest's config
const LENGTH = sample(PROBLEMS[0]!, 1).tokens.length;

interface Made {
  readonly shards?: readonly Shard[];
  readonly fields?: Partial<ExperimentManifest>;
  readonly samples?: (row: SampleRow) => SampleRow;
  /** Null leaves the sample without a verdict. */
  readonly executions?: (row: ExecutionRow) => ExecutionRow | null;
  readonly clock?: number;
  /** Run on the database once its samples are measured. */
  readonly sql?: string;
}

/** Makes a database as a run with these shards would, and says its name. */
function make(
  name: string,
  { shards = [WHOLE], fields = {}, samples = (row) => row, executions = (row) => row, clock = 0.5 }: Made = {},
): string {
  using store = Store.open(at(name));
  const experiment = store.beginExperiment(manifest({ hash: 'h'.repeat(64), ...fields }), shards);
  store.addProblems(experiment.id, PROBLEMS);
  const keys = heldBy(shards, PROBLEMS).flatMap((problem) => Array.from({ length: SAMPLES }, (_, index) => ({ problem, index })));
  store.addSamples(experiment.id, keys.map(({ problem, index }) => samples(sample(problem, index)))); // prettier-ignore
  store.addExecutions(experiment.id, keys.flatMap(({ problem, index }) => executions(execution(problem, index, clock)) ?? [])); // prettier-ignore
  store.finishExperiment(experiment.id);
  return at(name);
}

/** Marks the assertions of a problem, in one database. */
function mark(file: string, place: number, visible: readonly number[]): void {
  using store = Store.open(file);
  const { taskId } = PROBLEMS[place]!;
  store.addAssertionMarks(store.experiments()[0]!.id, [{ taskId, examples: 1, total: 2, visible, missing: null }]);
}

const merge = (files: readonly string[], output: string, options: Partial<MergeOptions> = {}) =>
  mergeDatabases(files, {
    output: at(output),
    signal: new AbortController().signal,
    progress: new Progress({ isTTY: false, write: () => true }),
    ...options,
  });

function digest(file: string): string {
  using store = Store.open(file, { readonly: true });
  return store.resultDigest(store.experiments()[0]!.id);
}

async function failure(work: Promise<unknown>): Promise<FaultlineError> {
  const thrown: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(thrown).toBeInstanceOf(FaultlineError);
  return thrown as FaultlineError;
}

/** Measures what is not measured, and says what is there then. */
function measured(file: string): MeasuresRow[] {
  {
    using store = Store.open(file);
    const { id } = store.experiments()[0]!;
    const rows = [...store.unmeasuredSamples(id)].map(({ completion, tokens, ...key }) => ({ ...key, measures: measureText({ completion, reference: null, tokens }) })); // prettier-ignore
    store.putTextMeasures(id, rows);
  }
  return measuresOf(file);
}

function measuresOf(file: string): MeasuresRow[] {
  using store = Store.open(file, { readonly: true });
  return [...store.textMeasures(store.experiments()[0]!.id)];
}

function edit(file: string, sql: string): void {
  const database = new Database(file);
  database.exec(sql);
  database.close();
}

/** Decides about all verdicts of a database, as the end of a run does; all rows of `make` are decided otherwise. */
async function classified(file: string, view = createCategoryView(defaultValues(), CATEGORIES)): Promise<string> {
  using store = Store.open(file);
  await classifyStored(store, store.experiments()[0]!.id, { view, signal: new AbortController().signal });
  return file;
}

/** One sample of each problem shows that its test is at fault. */
const infraOf = (index: number) => (row: ExecutionRow) =>
  row.sampleIndex === index ? { ...row, ...decision({ outcome: 'infra' }), verdict: verdict({ status: 'infra', reason: `fault ${index}` }) } : row; // prettier-ignore

function outcomesOf(file: string): Set<string> {
  using store = Store.open(file, { readonly: true });
  return new Set([...store.judgedSamples(store.experiments()[0]!.id)].map(({ outcome }) => outcome));
}

const halves = () => [make('a.db', { shards: [{ index: 0, count: 2 }] }), make('b.db', { shards: [{ index: 1, count: 2 }], clock: 0.9 })];
/** Changes one sample, and no other. */
const changing = (index: number, fields: Partial<SampleRow>) => (row: SampleRow) =>
  row.taskId === PROBLEMS[0]!.taskId && row.sampleIndex === index ? { ...row, ...fields } : row;

describe('merging', () => {
  it('keeps how categories are counted, and refuses two ways', async () => {
    const [a, b] = halves() as [string, string];
    const record = (file: string, settings: string): void => {
      using store = Store.open(file);
      store.recordCategories(store.experiments()[0]!.id, settings);
    };
    const recorded = (file: string): string | null => {
      using store = Store.open(file, { readonly: true });
      return store.experiments()[0]!.categorySettings;
    };
    record(b, '{"categories.off":["4.1"]}');
    // One that an older version made does not say, and does not stand in the way: then nor does what comes of it.
    await merge([a, b], 'one.db');
    expect(recorded(at('one.db'))).toBeNull();
    // An output that says it does so no more once such decisions stand beside its own.
    await merge([b], 'there.db');
    expect(recorded(at('there.db'))).not.toBeNull();
    await merge([a], 'there.db');
    expect(recorded(at('there.db'))).toBeNull();
    record(a, '{"categories.off":["4.1"]}');
    await merge([a, b], 'same.db');
    expect(recorded(at('same.db'))).toBe('{"categories.off":["4.1"]}');
    record(a, '{}');
    const refused = await failure(merge([a, b], 'two.db'));
    expect(refused.kind).toBe('input');
    expect(refused.message).toBe(`${b}: categories of demo are counted as {"categories.off":["4.1"]}, and as {} in ${a}`);
    expect(existsSync(at('two.db'))).toBe(false);
  });

  it('keeps every machine that took part', async () => {
    const [a, b] = halves() as [string, string];
    const machine = (cpu: string) => ({ cpu, cores: 2, memoryBytes: 2 ** 33, system: 'Linux 6.1.0 x64' });
    const record = (file: string, work: 'draw' | 'execute', cpu: string): void => {
      using store = Store.open(file);
      store.recordMachine(store.experiments()[0]!.id, work, machine(cpu));
    };
    for (const file of [a, b]) record(file, 'draw', 'large');
    record(a, 'execute', 'large');
    record(b, 'execute', 'small');
    await merge([a, b], 'both.db');
    using store = Store.open(at('both.db'), { readonly: true });
    const { id } = store.experiments()[0]!;
    expect(store.machines(id, 'draw')).toEqual([machine('large')]);
    expect(store.machines(id, 'execute')).toEqual([machine('large'), machine('small')]);
  });

  it('keeps that of one part nobody recorded who made it, be it of the output', async () => {
    const [a, b] = halves() as [string, string];
    const unrecorded = { cores: 0, memoryBytes: 0, system: '' };
    const machine = { cpu: 'large', cores: 2, memoryBytes: 2 ** 33, system: 'Linux 6.1.0 x64' };
    {
      using store = Store.open(a);
      for (const work of ['draw', 'execute'] as const) store.recordMachine(store.experiments()[0]!.id, work, machine);
    }
    const kept = (output: string, work: 'draw' | 'execute') => {
      using store = Store.open(at(output), { readonly: true });
      return store.machines(store.experiments()[0]!.id, work);
    };
    const drawn = { ...unrecorded, cpu: 'a CPU' };
    const executed = { ...unrecorded, cpu: '' };
    await merge([a, b], 'older.db');
    expect([kept('older.db', 'draw'), kept('older.db', 'execute')]).toEqual([
      [machine, drawn],
      [machine, executed],
    ]);
    await merge([b], 'output.db');
    {
      // As an older version's merge leaves it.
      const rows = new Database(at('output.db'));
      rows.exec('DELETE FROM machines');
      rows.close();
    }
    for (let again = 0; again < 2; again++) {
      await merge([a], 'output.db');
      expect([kept('output.db', 'draw'), kept('output.db', 'execute')]).toEqual([
        [drawn, machine],
        [executed, machine],
      ]);
    }
  });

  it('gives the results of one run, to the byte, in either order, with arrays beside it', async () => {
    const whole = digest(make('whole.db'));
    const [a, b] = halves();
    for (const [files, output] of [
      [[a!, b!], 'ab.db'],
      [[b!, a!], 'ba.db'],
    ] as const) {
      const [merged] = await merge(files, output);
      expect(merged).toMatchObject({ experiment: 'demo', samples: 20, executed: 20, whole: 20 });
      expect(digest(at(output))).toBe(whole);
    }
    rmSync(`${a!}.shards`, { recursive: true });
    using store = Store.open(at('ab.db'), { readonly: true });
    const [experiment] = store.experiments();
    expect(experiment!.finishedAt).not.toBeNull();
    expect(store.workShards(experiment!.id)).toEqual([
      { index: 0, count: 2 },
      { index: 1, count: 2 },
    ]);
    expect(store.tokens(experiment!.id, sample(PROBLEMS[0]!, 1)).tokens).toHaveLength(LENGTH);
    expect(store.notes(experiment!.id).map(({ text }) => text.split(' from ')[0])).toEqual(['shard 0/2', 'shard 1/2']);
  });

  it('takes along how long drawing took, which is no conflict', async () => {
    const timed = (name: string, shard: Shard, drawSeconds: number): string =>
      make(name, { shards: [shard], samples: (row) => ({ ...row, drawSeconds }) });
    const [a, b] = [timed('a.db', { index: 0, count: 2 }, 0.5), timed('b.db', { index: 1, count: 2 }, 0.25)];
    await merge([a, b, make('whole.db')], 'all.db');
    using store = Store.open(at('all.db'), { readonly: true });
    const times = [...store.samples(store.experiments()[0]!.id)].map(({ drawSeconds }) => drawSeconds);
    expect(new Set(times)).toEqual(new Set([0.5, 0.25]));
  });

  it('takes verdicts that are older than the count of changed arguments, which is no conflict', async () => {
    const old = make('old.db');
    edit(old, 'UPDATE verdicts SET changed_calls = NULL');
    await merge([old, make('new.db')], 'all.db');
    const database = new Database(at('all.db'), { readonly: true });
    expect(database.prepare('SELECT DISTINCT changed_calls FROM verdicts').pluck().all()).toEqual([null]);
    database.close();
  });

  it('takes text measures along, those of the output stay, and what is stale or was not measured is left to be made', async () => {
    const [a, b] = halves() as [string, string];
    const whole = measured(make('whole.db'));
    measured(a);
    measured(b);
    edit(b, 'UPDATE text_measures SET is_stale = 1 WHERE sample_id = 1');
    edit(b, 'DELETE FROM text_measures WHERE sample_id = 2');
    await merge([a, b], 'c.db');
    expect(measuresOf(at('c.db'))).toHaveLength(5 * SAMPLES - 2);
    // As the stage `measure` of a run on the merged database would, which goes by what is there.
    expect(measured(at('c.db'))).toEqual(whole);
    expect(digest(at('c.db'))).toBe(digest(at('whole.db')));
    // Another build of zlib, and nothing else that is different: what is there stays.
    edit(a, 'UPDATE text_measures SET zlib_ratio = 99');
    await merge([a], 'c.db');
    expect(measuresOf(at('c.db'))).toEqual(whole);
  });

  it('leaves a problem out whole where one of the databases shows that its test is at fault', async () => {
    const [first] = PROBLEMS;
    const reason = 'the test itself raised NameError: x';
    const fault = (row: ExecutionRow): ExecutionRow =>
      row.taskId === first!.taskId && row.sampleIndex === 1
        ? { ...row, ...decision({ outcome: 'infra', categoryCode: '0', categoryName: 'infra', evidence: reason }), verdict: verdict({ status: 'infra', reason }) }
        : row; // prettier-ignore
    const without = (row: ExecutionRow): ExecutionRow | null => (row.taskId === first!.taskId && row.sampleIndex !== 0 ? null : row);
    const a = make('a.db', { executions: fault });
    const b = make('b.db', { executions: without });
    for (const [files, output] of [
      [[a, b], 'ab.db'],
      [[b, a], 'ba.db'],
    ] as const) {
      // prettier-ignore
      await merge(files, output);
      // Once more: what now says that it is left out does not differ from what has a decision of its own.
      await merge([b], output);
      using store = Store.open(at(output), { readonly: true });
      const { id } = store.experiments()[0]!;
      const judged = [...store.judgedSamples(id, { taskId: first!.taskId })];
      expect(judged.map(({ outcome, evidence }) => [outcome, evidence])).toEqual(judged.map(() => ['infra', reason]));
      expect(judged.length).toBe(SAMPLES);
      expect([...store.judgedSamples(id, { outcome: 'infra' })]).toHaveLength(SAMPLES);
    }
  });

  it('takes shards that have only been generated, and learns the sandbox from one that has not', async () => {
    const drawn = { fields: { pythonVersion: '', isolationTier: '' }, executions: () => null };
    const a = make('a.db', { shards: [{ index: 0, count: 2 }], ...drawn });
    const b = make('b.db', { shards: [{ index: 1, count: 2 }] });
    await merge([a], 'c.db');
    const [merged] = await merge([a, b], 'c.db');
    expect(merged).toMatchObject({ samples: 20, executed: 8 });
    using store = Store.open(at('c.db'), { readonly: true });
    const { pythonVersion, isolationTier, calibration } = manifest();
    expect(store.experiments()[0]).toMatchObject({ pythonVersion, isolationTier, calibration });

    // What the first says nothing about still must not differ between the others.
    const other = make('d.db', { shards: [{ index: 1, count: 2 }], fields: { pythonVersion: '3.13.0' } });
    expect((await failure(merge([a, b, other], 'e.db'))).message).toContain('3.13.0');
  });

  it('takes shards that overlap, of any n, and says that the whole is not there', async () => {
    const [merged] = await merge(
      [make('a.db', { shards: [{ index: 0, count: 2 }] }), make('b.db', { shards: [{ index: 0, count: 3 }], clock: 0.8 })],
      'c.db',
    );
    expect(merged).toMatchObject({ samples: 16, whole: 20 }); // problems 0, 2, 3, 4
    using store = Store.open(at('c.db'), { readonly: true });
    expect(store.experiments()[0]!.finishedAt).not.toBeNull();
  });

  it('adds to a database that is there, and changes nothing the second time', async () => {
    const [a, b] = halves();
    await merge([a!], 'c.db');
    await merge([b!], 'c.db');
    const once = readFileSync(at('c.db'));
    await merge([a!, b!], 'c.db');
    expect(readFileSync(at('c.db')).length).toBe(once.length);
    expect(digest(at('c.db'))).toBe(digest(make('whole.db')));
  });

  it('takes a verdict over none and over infra, whichever comes first', async () => {
    const lacking = await classified(make('a.db', { executions: (row) => (row.sampleIndex === 0 ? null : infraOf(1)(row)) }));
    const whole = await classified(make('b.db'));
    // What one sample showed decided about the others, too.
    expect(outcomesOf(lacking)).toEqual(new Set(['infra']));
    await merge([lacking], 'there.db');
    for (const [files, output] of [
      [[lacking, whole], 'ab.db'],
      [[whole, lacking], 'ba.db'],
      [[whole], 'there.db'],
    ] as const) {
      await merge(files, output);
      expect(digest(at(output))).toBe(digest(whole));
    }
    await merge([lacking], 'open.db');
    using store = Store.open(at('open.db'), { readonly: true });
    expect(store.experiments()[0]!.finishedAt).toBeNull();
  });

  it('decides about what a superseded fault took with it, where no database has, as the categories are counted', async () => {
    const view = createCategoryView({ ...defaultValues(), 'categories.merge': { '4.1': '4.10' } }, CATEGORIES);
    const fault = await classified(make('a.db', { executions: infraOf(1) }), view);
    const judged = await classified(make('b.db', { executions: (row) => (row.sampleIndex === 1 ? row : null) }), view);
    const whole = await classified(make('whole.db'), view);
    await merge([fault], 'there.db');
    for (const [files, output] of [
      [[fault, judged], 'ab.db'],
      [[judged, fault], 'ba.db'],
      [[judged], 'there.db'],
    ] as const) {
      await merge(files, output);
      expect(digest(at(output))).toBe(digest(whole));
    }
    // What does not say how, because an older version made it, leaves it to the one that does.
    for (const [silent, output] of [
      [fault, 'old-fault.db'],
      [judged, 'old-judged.db'],
    ] as const) {
      const old = at(`of-${output}`);
      copyFileSync(silent, old);
      cpSync(`${silent}.shards`, `${old}.shards`, { recursive: true });
      edit(old, 'UPDATE experiments SET category_settings = NULL');
      await merge([fault, judged].map((file) => (file === silent ? old : file)), output); // prettier-ignore
      expect(digest(at(output)), output).toBe(digest(whole));
    }
  });

  it('decides by a fault that is left, whichever database has it, and not by one that is superseded', async () => {
    const two = await classified(make('a.db', { executions: (row) => infraOf(2)(infraOf(0)(row)) }));
    const one = await classified(make('b.db', { executions: infraOf(2) }));
    for (const [files, output] of [
      [[two, one], 'ab.db'],
      [[one, two], 'ba.db'],
    ] as const) {
      await merge(files, output);
      expect(digest(at(output))).toBe(digest(one));
      using store = Store.open(at(output), { readonly: true });
      const evidence = [...store.judgedSamples(store.experiments()[0]!.id)].map((judged) => judged.evidence);
      expect(new Set(evidence)).toEqual(new Set([expect.stringContaining('fault 2')]));
    }
  });

  it('refuses decisions that differ behind one that a fault has made', async () => {
    const fault = await classified(make('a.db', { executions: infraOf(1) }));
    const [b, c] = [await classified(make('b.db')), await classified(make('c.db'))];
    edit(c, "UPDATE classifications SET evidence = 'another' WHERE sample_id = 3");
    for (const files of [
      [fault, b, c],
      [b, fault, c],
      [b, c, fault],
    ])
      // prettier-ignore
      expect((await failure(merge(files, 'no.db'))).message).toMatch(/sample 2 of Task\/5 .*: classifications\.evidence differs/);
  });

  it('has not all of samples that were made elsewhere while some have no verdict, and says by what they are decided again', async () => {
    const imported = { config: '{"seed":"0"}', device: 'imported', tokenizerHash: 'imported' };
    const half = make('half.db', { fields: imported, executions: (row) => (row.sampleIndex < 2 ? row : null) });
    const finished = (): string | null => {
      using store = Store.open(at('all.db'), { readonly: true });
      return store.experiments()[0]!.finishedAt;
    };
    expect(await merge([half], 'all.db')).toMatchObject([{ samples: 20, executed: 10, whole: null }]);
    expect(finished()).toBeNull();
    const rest = make('rest.db', { fields: imported });
    await merge([rest], 'all.db');
    expect(finished()).not.toBeNull();
    edit(rest, "UPDATE classifications SET evidence = 'another'");
    expect((await failure(merge([half, rest], 'no.db'))).hint).toContain('Repeat `faultline import` on both databases');
    const other = make('other.db', { fields: { ...imported, modelHash: 'x', hash: 'o'.repeat(64) } });
    expect((await failure(merge([half, other], 'no.db'))).message).toContain('it has another file of samples');
  });

  it('keeps when the experiment was begun and each program executed, and the run logs', async () => {
    const [a, b] = halves();
    using before = Store.open(b!);
    before.addNote(before.experiments()[0]!.id, 'generate', 'continued elsewhere', '2026-01-01T00:00:00.000Z');
    const times = [...before.judgedSamples(1)].map(({ executedAt }) => executedAt);
    await merge([a!, b!], 'c.db');
    using after = Store.open(at('c.db'), { readonly: true });
    expect([...after.judgedSamples(1)].map(({ executedAt }) => executedAt)).toEqual(expect.arrayContaining(times));
    using first = Store.open(a!, { readonly: true });
    expect(after.experiments()[0]!.createdAt).toBe(first.experiments()[0]!.createdAt);
    expect(after.notes(1)).toContainEqual({ at: '2026-01-01T00:00:00.000Z', stage: 'generate', text: 'continued elsewhere' });
  });

  it('takes one experiment of several by name', async () => {
    const [a, b] = halves();
    make('a.db', { fields: { hash: 'i'.repeat(64), name: 'other' } });
    expect((await failure(merge([a!, b!], 'c.db'))).message).toBe(`${b!}: lacks the experiment other, which ${a!} holds`);
    const merged = await merge([a!, b!], 'c.db', { experiment: 'demo' });
    expect(merged.map(({ experiment, samples }) => [experiment, samples])).toEqual([['demo', 20]]);
    expect((await failure(merge([a!, b!], 'd.db', { experiment: 'none' }))).message).toContain('holds no experiment none');
  });

  it('stops when it is told to, and the same call goes on', async () => {
    const [a, b] = halves();
    const reason = new FaultlineError('interrupted', 'stopped');
    expect(await failure(merge([a!, b!], 'c.db', { signal: AbortSignal.abort(reason) }))).toBe(reason);
    // Once everything was compared, and the first problem is copied.
    const abort = new AbortController();
    const progress = new Progress({ isTTY: false, write: () => true });
    const task = progress.task.bind(progress);
    progress.task = (...args) => {
      const merging = task(...args);
      const advance = merging.advance.bind(merging);
      let copied = 0;
      merging.advance = () => {
        advance();
        if (++copied === SAMPLES) abort.abort(reason);
      };
      return merging;
    };
    expect(await failure(merge([a!, b!], 'c.db', { signal: abort.signal, progress }))).toBe(reason);
    {
      using store = Store.open(at('c.db'), { readonly: true });
      expect([...store.samples(store.experiments()[0]!.id)].map(({ taskId }) => taskId)).toEqual(Array(SAMPLES).fill(PROBLEMS[0]!.taskId));
    }
    await merge([a!, b!], 'c.db');
    expect(digest(at('c.db'))).toBe(digest(make('whole.db')));
  });
});

describe('refuses, and writes nothing for', () => {
  const other = changing(1, { logprobs: Float32Array.from({ length: LENGTH }, () => -1.5) });
  const onVerdict = (change: (row: ExecutionRow) => ExecutionRow) => (row: ExecutionRow) =>
    row.taskId === PROBLEMS[0]!.taskId && row.sampleIndex === 2 ? change(row) : row;
  const renamed = (row: ExecutionRow) => (row.categoryCode === '4.1' ? { ...row, categoryName: 'undefined_name' } : row);

  it.each<[string, Made, RegExp]>([
    ['a log-probability', { samples: other }, /sample 1 of Task\/5 \(strategy nucleus\): logprobs differs from the one in .*a\.db$/],
    [
      'a text',
      { samples: changing(0, { completion: 'x', rawText: 'x', cut: 1 }) },
      /sample 0 of Task\/5 \(strategy nucleus\): samples\.completion differs/,
    ],
    ['a finish reason', { samples: changing(3, { finishReason: 'length' }) }, /sample 3 of Task\/5 .*: samples\.finish_reason differs/],
    [
      'a verdict',
      { executions: onVerdict((row) => ({ ...row, verdict: verdict({ status: 'exit', code: 3, via: 'process' }) })) },
      /sample 2 of Task\/5 .*: verdicts\.\w+ differs/,
    ],
    [
      'a number of changed calls',
      {
        executions: onVerdict((row) => ({
          ...row,
          verdict: verdict(row.verdict.outcome, { ...row.verdict.measurements, changedCalls: 1 }),
        })),
      },
      /sample 2 of Task\/5 .*: verdicts\.changed_calls differs/,
    ],
    [
      'a decision',
      { executions: onVerdict((row) => ({ ...row, evidence: 'another' })) },
      /sample 2 of Task\/5 .*: classifications\.evidence differs/,
    ],
    ['a category by another name', { executions: renamed }, /: categories\.name differs/],
    [
      'a text measure',
      { sql: 'UPDATE text_measures SET bleu = 0.5 WHERE sample_id = 3' },
      /sample 2 of Task\/5 .*: text_measures\.bleu differs/,
    ],
  ])('%s', async (_, made, message) => {
    const files = [make('a.db'), make('b.db', made)];
    for (const file of files) {
      measured(file);
      edit(file, 'UPDATE verdicts SET changed_calls = 0 WHERE changed_calls IS NULL');
    }
    edit(files[1]!, made.sql ?? '');
    const thrown = await failure(merge(files, 'c.db'));
    expect([thrown.kind, thrown.message]).toEqual(['input', expect.stringMatching(message)]);
    expect(thrown.message.startsWith(`${at('b.db')}: `)).toBe(true);
    expect(thrown.hint).toMatch(/^Nothing has been merged\./);
    expect(readdirSync(folder).filter((name) => name.startsWith('c.db'))).toEqual([]);
  });

  it('a category by another name in a shard that does not overlap', async () => {
    const a = make('a.db', { shards: [{ index: 0, count: 2 }] });
    const b = make('b.db', { shards: [{ index: 1, count: 2 }], executions: renamed });
    expect((await failure(merge([a, b], 'c.db'))).message).toMatch(/categories\.name differs/);
  });

  it('a difference to what the output holds, which stays', async () => {
    const there = make('c.db', { samples: other });
    const before = digest(there);
    expect((await failure(merge([make('a.db')], 'c.db'))).message).toMatch(
      /a\.db: sample 1 of Task\/5 .*: logprobs differs from the one in .*c\.db$/,
    );
    expect(digest(there)).toBe(before);
  });

  it.each([
    ['another Python', { pythonVersion: '3.12.1' }, 'was run with Python 3.11.7 in'],
    ['another isolation', { isolationTier: 'none' }, 'was run with isolation namespaces in'],
  ])('%s', async (_, fields, message) => {
    const thrown = await failure(merge([make('a.db'), make('b.db', { fields })], 'c.db'));
    expect([thrown.kind, thrown.message]).toEqual(['environment', expect.stringContaining(message)]);
    expect(existsSync(at('c.db'))).toBe(false);
  });

  it('other kernels where results depend on them, and only there', async () => {
    const made = (name: string, dtype: string, kernelFamily: string) => make(name, { fields: { dtype, kernelFamily } });
    await merge([made('a.db', 'float32', 'fma'), made('b.db', 'float32', 'mma2')], 'c.db');
    const thrown = await failure(merge([made('d.db', 'bfloat16', 'fma'), made('e.db', 'bfloat16', 'amx')], 'f.db'));
    expect(thrown.message).toContain('was run with bfloat16 kernels fma in');
  });

  it('another experiment, saying what differs', async () => {
    const seed = (name: string, config: object, hash: string) =>
      make(name, { fields: { config: JSON.stringify(config), hash: hash.repeat(64) } });
    const a = seed('a.db', { samples: 4, seed: '7' }, '7');
    const b = seed('b.db', { samples: 4, seed: '8' }, '8');
    expect((await failure(merge([a, b], 'c.db'))).message).toBe(`${b}: holds another experiment than ${a}: seed is "8", and "7" there`);
    const d = make('d.db', { fields: { modelHash: 'x', hash: 'd'.repeat(64) } });
    expect((await failure(merge([make('e.db'), d], 'c.db'))).message).toContain('it has another model');
  });

  it('an output that is an input, by any name', async () => {
    const [a, b] = halves();
    const thrown = await failure(merge([a!, b!], path.join('..', path.basename(folder), 'a.db')));
    expect([thrown.kind, thrown.message]).toEqual(['usage', expect.stringContaining('is one of the databases to merge')]);
  });

  it('a missing database, one without arrays, one of an older version, and no database', async () => {
    const [a, b] = halves();
    expect((await failure(merge([a!, at('nowhere.db')], 'c.db'))).message).toContain('no such database');
    writeFileSync(at('text.db'), 'no database at all, and long enough to have a header of the size that is looked for '.repeat(2));
    expect((await failure(merge([a!, at('text.db')], 'c.db'))).message).toContain('not a SQLite database');
    copyFileSync(b!, at('alone.db'));
    expect((await failure(merge([a!, b!, at('alone.db')], 'c.db'))).message).toContain('token arrays cannot be read');
    const old = new Database(b);
    old.pragma('user_version = 4');
    old.close();
    expect((await failure(merge([a!, b!], 'c.db'))).message).toMatch(/schema version 4, and reading needs version \d/);
    expect((await failure(merge([], 'c.db'))).kind).toBe('usage');
    expect(existsSync(at('c.db'))).toBe(false);
  });
});

it('marks of assertions come along, whichever database has them', async () => {
  const shards = [0, 1].map((index) => make(`marks-${index}.db`, { shards: [{ index, count: 2 }] }));
  mark(shards[0]!, 3, [0]);
  mark(shards[1]!, 1, [1]);
  mark(shards[1]!, 3, [0]);
  await merge(shards, 'marks.db');
  using store = Store.open(at('marks.db'), { readonly: true });
  const marks = store.assertionMarks(store.experiments()[0]!.id);
  expect(marks.map(({ taskId, visible }) => [taskId, visible])).toEqual([
    [PROBLEMS[1]!.taskId, [1]],
    [PROBLEMS[3]!.taskId, [0]],
  ]);
});

it('marks that differ are refused, also those that another experiment brought into the output', async () => {
  const shards = [0, 1].map((index) => make(`marks-${index}.db`, { shards: [{ index, count: 2 }] }));
  mark(shards[0]!, 3, [0]);
  mark(shards[1]!, 3, [1]);
  for (const files of [shards, shards.toReversed()]) {
    const refused = await failure(merge(files, 'refused.db'));
    expect(refused.kind).toBe('input');
    expect(refused.message).toBe(`${files[1]!}: ${PROBLEMS[3]!.taskId}: assertion_marks.visible differs from the one in ${files[0]!}`);
    expect(existsSync(at('refused.db'))).toBe(false);
  }
  const output = make('output.db', { fields: { hash: 'o'.repeat(64), name: 'other' } });
  mark(output, 3, [1]);
  expect((await failure(merge([shards[0]!], 'output.db'))).message).toContain('assertion_marks.visible differs');
  using store = Store.open(output, { readonly: true });
  expect(store.experiments().map(({ name }) => name)).toEqual(['other']);
});

it('marks come before the reason why there are none, in either order', async () => {
  const shards = [0, 1].map((index) => make(`marks-${index}.db`, { shards: [{ index, count: 2 }] }));
  mark(shards[0]!, 3, [0]);
  {
    using store = Store.open(shards[1]!);
    const marks = {
      taskId: PROBLEMS[3]!.taskId,
      examples: null,
      total: null,
      visible: [],
      missing: 'the canonical solution fails (limit)',
    };
    store.addAssertionMarks(store.experiments()[0]!.id, [marks]);
  }
  for (const [files, output] of [
    [shards, 'one.db'],
    [shards.toReversed(), 'two.db'],
  ] as const) {
    await merge(files, output);
    using store = Store.open(at(output), { readonly: true });
    expect(store.assertionMarks(store.experiments()[0]!.id)).toMatchObject([{ visible: [0], missing: null }]);
  }
});
