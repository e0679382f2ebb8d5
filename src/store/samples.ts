/** The table `samples`, and the join between a sample's row and its per-token arrays. */
import type Database from 'better-sqlite3';
import { FaultlineError } from '../errors.js';
import type { ProblemEntry, Problems } from './problems.js';
import type { Shards } from './shards.js';
import { storable, storableOrNull } from './text.js';
import type { SampleFilter, SampleKey, SampleRow, StoredSample, TokenArrays, TokenPlace } from './types.js';

/** A row as it stands in the table. */
interface SampleRecord {
  id: number;
  sampleIndex: number;
  completion: string;
  discarded: string;
  finishReason: string;
  seed: string;
  error: string | null;
  tokenCount: number;
  meanLogprob: number | null;
  shardId: number | null;
  shardOffset: number | null;
  drawSeconds: number | null;
}

const COLUMNS = `id, sample_index AS sampleIndex, completion, discarded, finish_reason AS finishReason, seed, error,
  token_count AS tokenCount, mean_logprob AS meanLogprob, shard_id AS shardId, shard_offset AS shardOffset,
  draw_seconds AS drawSeconds`;

export class Samples {
  readonly #database: Database.Database;
  readonly #problems: Problems;
  readonly #shards: Shards;
  readonly #insert;
  readonly #id;
  readonly #byKey;
  readonly #byProblem;
  readonly #places;
  readonly #keys;
  readonly #strategies;
  /** Of the experiment that was asked for last. */
  #problemIds: { readonly experimentId: number; readonly byTask: ReadonlyMap<string, number> } | null = null;

  constructor(database: Database.Database, problems: Problems, shards: Shards) {
    this.#database = database;
    this.#problems = problems;
    this.#shards = shards;
    this.#insert = database.prepare<[Omit<SampleRecord, 'id'> & { experimentId: number; strategy: string; problemId: number }]>(
      `INSERT INTO samples (experiment_id, strategy, problem_id, sample_index, completion, discarded, finish_reason, seed, error,
         token_count, mean_logprob, shard_id, shard_offset, draw_seconds)
       VALUES (@experimentId, @strategy, @problemId, @sampleIndex, @completion, @discarded, @finishReason, @seed, @error,
         @tokenCount, @meanLogprob, @shardId, @shardOffset, @drawSeconds)`,
    );
    const key = 'experiment_id = ? AND strategy = ? AND problem_id = ?';
    this.#id = database
      .prepare<[number, string, number, number], number>(`SELECT id FROM samples WHERE ${key} AND sample_index = ?`)
      .pluck();
    this.#byKey = database.prepare<[number, string, number, number], SampleRecord>(
      `SELECT ${COLUMNS} FROM samples WHERE ${key} AND sample_index = ?`,
    );
    this.#byProblem = database.prepare<[number, string, number], SampleRecord>(
      `SELECT ${COLUMNS} FROM samples WHERE ${key} ORDER BY sample_index`,
    );
    this.#places = database.prepare<[number, string, number], { sampleIndex: number; file: string; offset: number; length: number }>(
      `SELECT sample_index AS sampleIndex, file, shard_offset AS offset, samples.token_count AS length
       FROM samples JOIN shards ON shards.id = shard_id WHERE samples.${key} ORDER BY sample_index`,
    );
    this.#keys = database.prepare<[number, string], { taskId: string; sampleIndex: number }>(
      `SELECT p.task_id AS taskId, s.sample_index AS sampleIndex
       FROM samples s JOIN problems p ON p.id = s.problem_id WHERE s.experiment_id = ? AND s.strategy = ?`,
    );
    this.#strategies = database
      .prepare<[number], string>('SELECT DISTINCT strategy FROM samples WHERE experiment_id = ? ORDER BY strategy')
      .pluck();
  }

  add(experimentId: number, rows: readonly SampleRow[]): void {
    const problemIds = this.problemIds(experimentId);
    const fresh: { row: SampleRow; text: SampleTexts; problemId: number }[] = [];
    const seen = new Set<string>();
    for (const row of rows) {
      checkArrays(row);
      const text = texts(row);
      const problemId = problemIds(row);
      const name = describe(row);
      if (seen.has(name)) throw new FaultlineError('internal', `${name} occurs twice in one batch`);
      seen.add(name);
      const stored = this.#byKey.get(experimentId, row.strategy, problemId, row.sampleIndex);
      if (stored === undefined) fresh.push({ row, text, problemId });
      else this.#refuseDifference(stored, row, text);
    }
    if (fresh.length === 0) return;
    const withTokens = fresh.filter(({ row }) => row.tokens.length > 0).map(({ row }) => row);
    const shard = withTokens.length === 0 ? null : this.#shards.write(experimentId, withTokens);
    const insertAll = this.#database.transaction(() => {
      const shardId = shard === null ? null : this.#shards.commit(experimentId, shard);
      let offset = 0;
      for (const { row, text, problemId } of fresh) {
        const tokenCount = row.tokens.length;
        this.#insert.run({
          experimentId,
          strategy: row.strategy,
          problemId,
          sampleIndex: row.sampleIndex,
          ...text,
          tokenCount,
          meanLogprob: mean(row.logprobs),
          shardId: tokenCount === 0 ? null : shardId,
          shardOffset: tokenCount === 0 ? null : offset,
          drawSeconds: row.drawSeconds ?? null,
        });
        offset += tokenCount;
      }
    });
    try {
      insertAll.immediate();
    } catch (thrown) {
      if (shard !== null) this.#shards.discard(shard);
      throw thrown;
    }
  }

  strategies(experimentId: number): string[] {
    return this.#strategies.all(experimentId);
  }

  doneKeys(experimentId: number, strategy: string): Map<string, Set<number>> {
    const done = new Map<string, Set<number>>();
    for (const { taskId, sampleIndex } of this.#keys.all(experimentId, strategy)) {
      const indices = done.get(taskId);
      if (indices === undefined) done.set(taskId, new Set([sampleIndex]));
      else indices.add(sampleIndex);
    }
    return done;
  }

  *rows(experimentId: number, filter: Pick<SampleFilter, 'strategy' | 'taskId'>): Generator<StoredSample> {
    for (const { sample } of this.rowsWithTokens(experimentId, filter)) yield sample;
  }

  /** Reads one problem at a time, so that the connection is free for writes in between. Shards are read when asked for. */
  *rowsWithTokens(
    experimentId: number,
    filter: Pick<SampleFilter, 'strategy' | 'taskId'>,
  ): Generator<{ sample: StoredSample; tokens: () => TokenArrays }> {
    for (const { strategy, problem } of this.cells(experimentId, filter)) {
      for (const record of this.#byProblem.all(experimentId, strategy, problem.problemId)) {
        const sample: StoredSample = {
          strategy,
          taskId: problem.taskId,
          sampleIndex: record.sampleIndex,
          completion: record.completion,
          rawText: record.completion + record.discarded,
          cut: record.completion.length,
          finishReason: record.finishReason,
          seed: record.seed,
          error: record.error,
          tokenCount: record.tokenCount,
          meanLogprob: record.meanLogprob,
          drawSeconds: record.drawSeconds,
        };
        yield { sample, tokens: () => this.arrays(record) };
      }
    }
  }

  *places(experimentId: number): Generator<TokenPlace> {
    for (const { strategy, problem } of this.cells(experimentId, {})) {
      for (const place of this.#places.all(experimentId, strategy, problem.problemId)) yield { strategy, taskId: problem.taskId, ...place };
    }
  }

  tokens(experimentId: number, key: SampleKey): TokenArrays {
    const record = this.#byKey.get(experimentId, key.strategy, this.problemIds(experimentId)(key), key.sampleIndex);
    if (record === undefined) throw new FaultlineError('input', `the database has no ${describe(key)}`);
    return this.arrays(record);
  }

  /** Strategy by strategy, the problems by position: the order of every listing. */
  *cells(experimentId: number, filter: Pick<SampleFilter, 'strategy' | 'taskId'>): Generator<{ strategy: string; problem: ProblemEntry }> {
    const problems = this.#problems.entries(experimentId).filter(({ taskId }) => filter.taskId === undefined || taskId === filter.taskId);
    for (const strategy of this.strategies(experimentId)) {
      if (filter.strategy !== undefined && strategy !== filter.strategy) continue;
      for (const problem of problems) yield { strategy, problem };
    }
  }

  /** Finds sample ids of one experiment; the function throws `internal` for a sample that is not there. */
  ids(experimentId: number): (key: SampleKey) => number {
    const problemIds = this.problemIds(experimentId);
    return (key) => {
      const id = this.#id.get(experimentId, key.strategy, problemIds(key), key.sampleIndex);
      if (id === undefined) throw new FaultlineError('internal', `${describe(key)} has not been recorded`);
      return id;
    };
  }

  /** The id of an experiment's problem, quickly; null where it has none of this name. */
  problemId(experimentId: number, taskId: string): number | null {
    const known = this.#problemIds;
    // An experiment's problems are added and never changed: only a name that is missing calls for another look.
    if (known?.experimentId !== experimentId || !known.byTask.has(storable(taskId))) {
      const byTask = new Map(this.#problems.entries(experimentId).map((entry) => [entry.taskId, entry.problemId]));
      this.#problemIds = { experimentId, byTask };
    }
    return this.#problemIds?.byTask.get(storable(taskId)) ?? null;
  }

  /** Finds problem ids of one experiment; the function throws `internal` for a problem that the experiment has not. */
  problemIds(experimentId: number): (key: Pick<SampleKey, 'taskId'>) => number {
    const byTask = new Map(this.#problems.entries(experimentId).map(({ taskId, problemId }) => [taskId, problemId]));
    return (key) => {
      const id = byTask.get(storable(key.taskId));
      if (id === undefined) throw new FaultlineError('internal', `the experiment has no problem ${key.taskId}`);
      return id;
    };
  }

  /** The per-token arrays of a row, copied; empty where it has none. */
  arrays(record: Pick<SampleRecord, 'shardId' | 'shardOffset' | 'tokenCount'>): TokenArrays {
    if (record.shardId === null || record.shardOffset === null) {
      return { tokens: new Int32Array(), logprobs: new Float32Array(), entropies: new Float32Array() };
    }
    return this.#shards.read(record.shardId, record.shardOffset, record.tokenCount);
  }

  #refuseDifference(stored: SampleRecord, row: SampleRow, given: SampleTexts): void {
    const arrays = this.arrays(stored);
    const differing = [
      ...(['completion', 'discarded', 'finishReason', 'seed', 'error'] as const).filter((column) => stored[column] !== given[column]),
      ...(['tokens', 'logprobs', 'entropies'] as const).filter((name) => !sameBytes(arrays[name], row[name])),
    ];
    if (differing.length === 0) return;
    throw new FaultlineError('internal', `${describe(row)} was generated again with another result (${differing.join(', ')})`, {
      hint: 'Samples must be reproducible. Report this with the config; a new experiment name starts afresh.',
    });
  }
}

/** A sample's name in messages. */
export function describe(key: SampleKey): string {
  return `sample ${key.sampleIndex} of ${key.taskId} (strategy ${key.strategy})`;
}

type SampleTexts = Pick<SampleRecord, 'completion' | 'discarded' | 'finishReason' | 'seed' | 'error'>;

/** The text columns. Throws where the completion is not a beginning of the raw text. */
function texts(row: SampleRow): SampleTexts {
  if (row.cut !== row.completion.length || !row.rawText.startsWith(row.completion)) {
    throw new FaultlineError('internal', `${describe(row)}: the completion is not the raw text up to the cut`);
  }
  const completion = storable(row.completion);
  return {
    completion,
    discarded: storable(row.rawText.slice(row.cut)),
    finishReason: row.finishReason,
    seed: row.seed,
    error: storableOrNull(row.error),
  };
}

function checkArrays(row: SampleRow): void {
  const length = row.tokens.length;
  if (row.logprobs.length !== length || row.entropies.length !== length) {
    throw new FaultlineError('internal', `${describe(row)}: the per-token arrays differ in length`);
  }
  for (const name of ['logprobs', 'entropies'] as const) {
    const at = row[name].findIndex((value) => !Number.isFinite(value));
    if (at === -1) continue;
    throw new FaultlineError('input', `${describe(row)}: ${name}[${at}] is ${row[name][at]}, and only finite numbers are stored`, {
      hint: 'Make the samples again where they come from: a model with such numbers is damaged, or its device computed wrongly. Then run the same command again.',
    });
  }
}

/** In float64 and in order, so that the same tokens give the same bits. */
function mean(values: Float32Array): number | null {
  if (values.length === 0) return null;
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Whether two arrays hold the same bits. */
export function sameBytes(a: Int32Array | Float32Array, b: Int32Array | Float32Array): boolean {
  return Buffer.compare(Buffer.from(a.buffer, a.byteOffset, a.byteLength), Buffer.from(b.buffer, b.byteOffset, b.byteLength)) === 0;
}
