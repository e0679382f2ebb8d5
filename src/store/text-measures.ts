/**
 * The table `text_measures`: what the text of each sample is like. Keeps numbers and reads what they are made from; measures nothing
 * itself. Its rows can be made again from the samples: the digest of results leaves them out.
 */
import type Database from 'better-sqlite3';
import { selectFields } from './executions.js';
import type { Samples } from './samples.js';
import type { MeasuredSample, MeasuresRow, SampleFilter, StoredMeasures, UnmeasuredSample } from './types.js';
import { wideRows } from './wide-rows.js';

/** The measures' columns, under the keys of `src/text-metrics/measures.ts`, in its order. */
export const MEASURE_COLUMNS = [
  'bleu',
  'chrf',
  'rouge_l',
  'edit_similarity',
  'token_similarity',
  'weighted_ngrams',
  'block_similarity',
  'ast_match',
  'characters',
  'lines',
  'python_tokens',
  'repeated_ngrams',
  'line_run',
  'zlib_ratio',
  'mean_logprob',
  'mean_entropy',
  'perplexity',
] as const;

const MEASURES = selectFields('m', Object.fromEntries(MEASURE_COLUMNS.map((column) => [column, column])));

/** How many samples are read at a time: their texts are in memory. */
const CHUNK = 64;

type UnmeasuredRecord = Omit<UnmeasuredSample, 'tokens'> & {
  readonly tokenCount: number;
  readonly shardId: number | null;
  readonly shardOffset: number | null;
};
type MeasuredRecord = Omit<MeasuredSample, 'strategy' | 'taskId' | 'measures'> & StoredMeasures & { readonly isMeasured: 0 | 1 };

export class TextMeasures {
  readonly #database: Database.Database;
  readonly #samples: Samples;
  readonly #put;
  readonly #of;
  readonly #count;
  readonly #unmeasured;
  readonly #judged;

  constructor(database: Database.Database, samples: Samples) {
    this.#database = database;
    this.#samples = samples;
    this.#put = database.prepare<[StoredMeasures & { sampleId: number }]>(
      `INSERT OR REPLACE INTO text_measures (sample_id, ${MEASURE_COLUMNS.join(', ')})
       VALUES (@sampleId, ${MEASURE_COLUMNS.map((column) => `@${column}`).join(', ')})`,
    );
    this.#of = database.prepare<[number, string, number], { sampleIndex: number } & StoredMeasures>(
      `SELECT s.sample_index AS sampleIndex, ${MEASURES}
       FROM samples s JOIN text_measures m ON m.sample_id = s.id
       WHERE s.experiment_id = ? AND s.strategy = ? AND s.problem_id = ? AND m.is_stale = 0
       ORDER BY s.sample_index`,
    );
    this.#count = database
      .prepare<[number], number>(
        'SELECT count(*) FROM samples s JOIN text_measures m ON m.sample_id = s.id WHERE s.experiment_id = ? AND m.is_stale = 0',
      )
      .pluck();
    // The plus keeps the planner on the table's own order, in which a shard's samples stand together, so that each shard is read once.
    this.#unmeasured = database.prepare<[number, number, number], UnmeasuredRecord>(
      `SELECT s.id AS place, s.strategy, p.task_id AS taskId, s.sample_index AS sampleIndex, s.completion,
         p.canonical_solution AS canonicalSolution, s.token_count AS tokenCount, s.shard_id AS shardId, s.shard_offset AS shardOffset
       FROM samples s JOIN problems p ON p.id = s.problem_id LEFT JOIN text_measures m ON m.sample_id = s.id
       WHERE +s.experiment_id = ? AND s.id > ? AND s.id % ? = 0 AND (m.sample_id IS NULL OR m.is_stale = 1)
       ORDER BY s.id LIMIT ${CHUNK}`,
    );
    this.#judged = wideRows(
      database.prepare<[number, string, number], MeasuredRecord>(
        `SELECT s.sample_index AS sampleIndex, s.completion, c.outcome, k.code AS categoryCode, k.name AS categoryName,
         m.sample_id IS NOT NULL AS isMeasured, ${MEASURES}
       FROM samples s
       JOIN classifications c ON c.sample_id = s.id
       LEFT JOIN categories k ON k.id = c.category_id
       LEFT JOIN text_measures m ON m.sample_id = s.id
       WHERE s.experiment_id = ? AND s.strategy = ? AND s.problem_id = ?
       ORDER BY s.sample_index`,
      ),
    );
  }

  put(experimentId: number, rows: readonly MeasuresRow[]): void {
    const sampleIds = this.#samples.ids(experimentId);
    const putAll = this.#database.transaction(() => {
      for (const row of rows) this.#put.run({ sampleId: sampleIds(row), ...row.measures });
    });
    putAll.immediate();
  }

  count(experimentId: number): number {
    return this.#count.get(experimentId)!;
  }

  *of(experimentId: number, filter: Pick<SampleFilter, 'taskId'>): Generator<MeasuresRow> {
    for (const { strategy, problem } of this.#samples.cells(experimentId, filter)) {
      for (const { sampleIndex, ...measures } of this.#of.all(experimentId, strategy, problem.problemId)) {
        yield { strategy, taskId: problem.taskId, sampleIndex, measures };
      }
    }
  }

  *unmeasured(experimentId: number, every: number): Generator<UnmeasuredSample> {
    for (let after = 0; ;) {
      const chunk = this.#unmeasured.all(experimentId, after, every);
      if (chunk.length === 0) return;
      for (const { tokenCount, shardId, shardOffset, ...sample } of chunk) {
        yield { ...sample, tokens: this.#samples.arrays({ tokenCount, shardId, shardOffset }) };
      }
      after = chunk.at(-1)!.place;
    }
  }

  *judged(experimentId: number): Generator<MeasuredSample> {
    for (const { strategy, problem } of this.#samples.cells(experimentId, {})) {
      for (const { isMeasured, ...record } of this.#judged(experimentId, strategy, problem.problemId)) {
        const { sampleIndex, completion, outcome, categoryCode, categoryName, ...measures } = record;
        const known = isMeasured === 1 ? measures : null;
        yield { strategy, taskId: problem.taskId, sampleIndex, completion, outcome, categoryCode, categoryName, measures: known };
      }
    }
  }
}
