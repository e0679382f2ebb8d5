/** What the store keeps of texts: the table of measures to the column, what is left to measure, and nothing of it in the digest. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadMigrations, migrate } from '../../../src/store/migrations.js';
import { Store } from '../../../src/store/store.js';
import { MEASURE_COLUMNS } from '../../../src/store/text-measures.js';
import type { MeasuresRow, SampleKey, StoredMeasures } from '../../../src/store/types.js';
import { measureText } from '../../../src/text-metrics/measure-text.js';
import { MEASURES } from '../../../src/text-metrics/measures.js';
import { execution, manifest, problems, sample } from './rows.js';

const PROBLEMS = problems(3);
let folder: string;
let file: string;
let store: Store;
let id: number;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-measures-'));
  file = path.join(folder, 'faultline.db');
  store = Store.open(file);
  id = store.beginExperiment(manifest()).id;
  store.addProblems(id, PROBLEMS);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const keyOf = ({ strategy, taskId, sampleIndex }: SampleKey): string => `${strategy} ${taskId} ${sampleIndex}`;
const measures = (fields: Partial<StoredMeasures> = {}): StoredMeasures => ({
  ...measureText({ completion: '    return 1\n', reference: null }),
  ...fields,
});
/** Three batches, and so three shards, in an order that is not the listings'. */
function fill(): void {
  for (const problem of [PROBLEMS[2]!, PROBLEMS[0]!, PROBLEMS[1]!])
    store.addSamples(id, [2, 0, 1].map((index) => sample(problem, index))); // prettier-ignore
}
const row = (key: SampleKey, fields: Partial<StoredMeasures> = {}): MeasuresRow => ({
  strategy: key.strategy,
  taskId: key.taskId,
  sampleIndex: key.sampleIndex,
  measures: measures(fields),
});

describe('the columns', () => {
  it('are the table of measures, in its order', () => {
    const database = new Database(':memory:');
    migrate(database, 1, loadMigrations());
    const all = database.pragma('table_info(text_measures)') as { name: string; type: string; notnull: number }[];
    database.close();
    const columns = all.slice(1, -1);
    expect([all[0]!.name, all.at(-1)!.name]).toEqual(['sample_id', 'is_stale']);
    expect(columns.map(({ name }) => name)).toEqual(MEASURES.map(({ key }) => key));
    expect(columns.every(({ type, notnull }) => type === 'REAL' && notnull === 0)).toBe(true);
    expect(MEASURE_COLUMNS).toEqual(MEASURES.map(({ key }) => key));
  });

  it('are all in the view', () => {
    const columns = store.views().find(({ name }) => name === 'text_measures_by_sample')!.columns;
    expect(columns).toEqual(expect.arrayContaining([...MEASURE_COLUMNS, 'task_id', 'outcome', 'category', 'experiment_hash']));
    expect(new Set(columns).size).toBe(columns.length);
  });
});

describe('what is left to measure', () => {
  it('is every sample without measures, as it was stored, with its tokens', () => {
    fill();
    const all = [...store.unmeasuredSamples(id)];
    expect(all.map(({ taskId, sampleIndex }) => [taskId, sampleIndex])).toEqual(
      [PROBLEMS[2]!, PROBLEMS[0]!, PROBLEMS[1]!].flatMap(({ taskId }) => [2, 0, 1].map((index) => [taskId, index])),
    );
    for (const { place, canonicalSolution, tokens, ...rest } of all) {
      const problem = PROBLEMS.find(({ taskId }) => taskId === rest.taskId)!;
      const given = sample(problem, rest.sampleIndex);
      expect(place).toBeGreaterThan(0);
      expect(canonicalSolution).toBe(problem.canonicalSolution);
      expect(rest.completion).toBe(given.completion);
      expect(tokens).toEqual({ tokens: given.tokens, logprobs: given.logprobs, entropies: given.entropies });
    }
    expect(store.measuredCount(id)).toBe(0);
  });

  it('shrinks while it is read, and is nothing in the end', () => {
    fill();
    const seen: string[] = [];
    for (const each of store.unmeasuredSamples(id)) {
      seen.push(keyOf(each));
      store.putTextMeasures(id, [row(each)]);
      if (seen.length === 4) break;
    }
    expect(store.measuredCount(id)).toBe(4);
    const rest = [...store.unmeasuredSamples(id)];
    expect(new Set([...seen, ...rest.map(keyOf)]).size).toBe(9);
    store.putTextMeasures(id, rest.map((each) => row(each))); // prettier-ignore
    expect([...store.unmeasuredSamples(id)]).toEqual([]);
  });

  it('are the samples with stale measures too, which stay until others come', () => {
    fill();
    const key = sample(PROBLEMS[0]!, 0);
    store.addExecutions(id, [execution(PROBLEMS[0]!, 0)]);
    store.putTextMeasures(id, [row(key, { bleu: 0.25 }), row(sample(PROBLEMS[1]!, 0))]);
    const direct = new Database(file);
    direct.exec('UPDATE text_measures SET is_stale = 1 WHERE bleu = 0.25');
    direct.close();
    expect(store.measuredCount(id)).toBe(1);
    expect([...store.unmeasuredSamples(id)].map(keyOf)).toContain(keyOf(key));
    expect([...store.measuredSamples(id)][0]!.measures).toEqual(measures({ bleu: 0.25 }));
    store.putTextMeasures(id, [row(key, { bleu: 0.5 })]);
    expect(store.measuredCount(id)).toBe(2);
    expect([...store.unmeasuredSamples(id)].map(keyOf)).not.toContain(keyOf(key));
    expect([...store.measuredSamples(id)][0]!.measures).toEqual(measures({ bleu: 0.5 }));
  });

  it('is of one experiment', () => {
    fill();
    const other = store.beginExperiment(manifest({ hash: 'f'.repeat(64) })).id;
    store.addProblems(other, PROBLEMS);
    store.addSamples(other, [sample(PROBLEMS[0]!, 0)]);
    store.putTextMeasures(other, [row(sample(PROBLEMS[0]!, 0))]);
    expect([...store.unmeasuredSamples(other)]).toEqual([]);
    expect([store.measuredCount(other), store.measuredCount(id)]).toEqual([1, 0]);
    expect([...store.unmeasuredSamples(id)]).toHaveLength(9);
  });
});

describe('measures', () => {
  it('come back as they were beside what was made of the sample, without any where there are none', () => {
    fill();
    const executions = PROBLEMS.flatMap((problem) => [0, 1].map((index) => execution(problem, index)));
    store.addExecutions(id, executions);
    const first = sample(PROBLEMS[0]!, 0);
    // A perplexity may be infinite; absent is null.
    const extremes = { bleu: 0.1 + 0.2, perplexity: Infinity, mean_entropy: null, mean_logprob: -710.5 };
    store.putTextMeasures(id, [row(first, extremes)]);
    const read = [...store.measuredSamples(id)];
    expect(read).toHaveLength(6);
    expect(read[0]).toEqual({
      strategy: first.strategy,
      taskId: first.taskId,
      sampleIndex: 0,
      completion: first.completion,
      outcome: executions[0]!.outcome,
      categoryCode: executions[0]!.categoryCode,
      categoryName: executions[0]!.categoryName,
      measures: measures(extremes),
    });
    expect(read.slice(1).every((each) => each.measures === null)).toBe(true);
    expect(read.map(keyOf)).toEqual([...store.judgedSamples(id)].map(keyOf));
  });

  it('replace those of the same sample, all or none', () => {
    fill();
    const key = sample(PROBLEMS[0]!, 0);
    store.putTextMeasures(id, [row(key, { bleu: 0.25 })]);
    expect(() => {
      store.putTextMeasures(id, [row(key, { bleu: 0.5 }), row({ ...key, sampleIndex: 99 })]);
    }).toThrow(/sample 99/);
    expect(store.ask('SELECT bleu FROM text_measures_by_sample', 9).rows).toEqual([[0.25]]);
    store.putTextMeasures(id, [row(key, { bleu: 0.5 })]);
    expect(store.ask('SELECT bleu FROM text_measures_by_sample', 9).rows).toEqual([[0.5]]);
  });

  it('change no digest', () => {
    fill();
    const before = store.resultDigest(id);
    store.putTextMeasures(id, [...store.unmeasuredSamples(id)].map((each) => row(each))); // prettier-ignore
    expect(store.resultDigest(id)).toBe(before);
  });
});
