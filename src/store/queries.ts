/**
 * Reading across tables: what waits for execution, what was found, how many of each. Listings go strategy by
 * strategy (by name), problems by position, samples by index (what waits: in the order in which it was stored), and hold
 * no statement open between rows, so that the caller may write while it reads.
 */
import type Database from 'better-sqlite3';
import type { Verdict } from '../sandbox/verdict.js';
import { DECISION_FIELDS, fromDecisionColumns, type CategoryColumns, type DecisionColumns } from './decision-columns.js';
import { selectFields, selectVerdict } from './executions.js';
import type { Samples } from './samples.js';
import { storable } from './text.js';
import type { Counts, DecisionRow, JudgedSample, PendingExecution, SampleFilter, TokenSample } from './types.js';
import { fromColumns, type CostColumns, type VerdictColumns } from './verdict-columns.js';
import { wideRows } from './wide-rows.js';

/** The cost columns of a table `executions x`. */
const COST = `x.cpu_seconds AS cpuSeconds, x.wall_seconds AS wallSeconds, x.peak_memory_bytes AS peakMemoryBytes,
  x.near_limit AS nearLimit, x.slowdown, x.stack`;

/** What a sample has of its problem: asked once, not with each of its samples. */
type ProblemFields = Pick<JudgedSample, 'prompt' | 'entryPoint' | 'difficulty'>;
type JudgedRecord = Required<
  Omit<JudgedSample, 'strategy' | 'taskId' | 'verdict' | 'rawText' | keyof ProblemFields | keyof DecisionRow>
> & {
  readonly discarded: string;
} & VerdictColumns &
  CostColumns &
  DecisionColumns &
  CategoryColumns;
type TokenRecord = Omit<TokenSample, 'strategy' | 'taskId' | 'tokens'> & {
  readonly tokenCount: number;
  readonly shardId: number | null;
  readonly shardOffset: number | null;
};
/** How many waiting samples are read at a time: their texts are in memory. */
const CHUNK = 64;

export class Queries {
  readonly #samples: Samples;
  readonly #pending;
  readonly #verdict;
  readonly #judged;
  readonly #problem;
  readonly #judgedTokens;
  readonly #totals;
  readonly #outcomes;
  readonly #categories;

  constructor(database: Database.Database, samples: Samples) {
    this.#samples = samples;
    // The plus keeps the planner on the table's own order, so that a chunk costs what it holds.
    this.#pending = database.prepare<[number, number], PendingExecution>(
      `SELECT s.id AS place, s.strategy, p.task_id AS taskId, s.sample_index AS sampleIndex, s.completion,
         s.completion || s.discarded AS rawText, s.finish_reason AS finishReason, s.error, p.prompt, p.entry_point AS entryPoint, p.test,
         p.canonical_solution AS canonicalSolution, p.further_test AS furtherTest, p.unsupported
       FROM samples s JOIN problems p ON p.id = s.problem_id LEFT JOIN verdicts v ON v.sample_id = s.id
       WHERE +s.experiment_id = ? AND s.id > ? AND (v.sample_id IS NULL OR v.status = 'infra')
       ORDER BY s.id LIMIT ${CHUNK}`,
    );
    // By the index samples_by_text, with what a query planner cannot know: texts of one length are few.
    this.#verdict = database.prepare<[number, number, string, string], VerdictColumns & CostColumns>(
      `SELECT ${selectVerdict('v')}, ${COST}
       FROM samples s INDEXED BY samples_by_text
       JOIN verdicts v ON v.sample_id = s.id
       JOIN executions x ON x.sample_id = s.id
       WHERE s.experiment_id = ? AND s.problem_id = ? AND length(s.completion) = length(?) AND s.completion = ?
         AND s.finish_reason <> 'error' AND v.status <> 'infra'
       ORDER BY s.id LIMIT 1`,
    );
    this.#judged = wideRows(
      database.prepare<
        [{ experimentId: number; strategy: string; problemId: number; index: number | null; outcome: string | null; code: string | null }],
        JudgedRecord
      >(
        `SELECT s.sample_index AS sampleIndex, x.executed_at AS executedAt, s.completion, s.discarded,
         s.finish_reason AS finishReason, s.token_count AS tokenCount, s.mean_logprob AS meanLogprob, s.draw_seconds AS drawSeconds,
         ${selectVerdict('v')},
         ${COST}, k.code AS categoryCode, k.name AS categoryName, k.dou, k.tambon, k.codehalu,
         ${selectFields('c', DECISION_FIELDS)}
       FROM samples s
       JOIN verdicts v ON v.sample_id = s.id
       JOIN executions x ON x.sample_id = s.id
       JOIN classifications c ON c.sample_id = s.id
       LEFT JOIN categories k ON k.id = c.category_id
       WHERE s.experiment_id = @experimentId AND s.strategy = @strategy AND s.problem_id = @problemId
         AND (@index IS NULL OR s.sample_index = @index) AND (@outcome IS NULL OR c.outcome = @outcome) AND (@code IS NULL OR k.code = @code)
       ORDER BY s.sample_index`,
      ),
    );
    this.#problem = database.prepare<[number], ProblemFields>(
      'SELECT prompt, entry_point AS entryPoint, difficulty FROM problems WHERE id = ?',
    );
    this.#judgedTokens = database.prepare<[number, string, number], TokenRecord>(
      `SELECT s.sample_index AS sampleIndex, c.outcome, k.code AS categoryCode, k.name AS categoryName,
         s.token_count AS tokenCount, s.shard_id AS shardId, s.shard_offset AS shardOffset
       FROM samples s JOIN classifications c ON c.sample_id = s.id LEFT JOIN categories k ON k.id = c.category_id
       WHERE s.experiment_id = ? AND s.strategy = ? AND s.problem_id = ? ORDER BY s.sample_index`,
    );
    this.#totals = database.prepare<
      [number, number],
      Record<'problems' | 'samples' | 'executed' | 'passed' | 'infra' | 'unsupported' | 'nearLimit', number>
    >(
      `SELECT (SELECT count(*) FROM experiment_problems WHERE experiment_id = ?) AS problems, count(*) AS samples,
         count(v.sample_id) FILTER (WHERE v.status <> 'infra') AS executed, coalesce(sum(v.passed), 0) AS passed,
         count(*) FILTER (WHERE v.status = 'infra') AS infra, count(*) FILTER (WHERE v.status = 'unsupported') AS unsupported,
         coalesce(sum(x.near_limit), 0) AS nearLimit
       FROM samples s LEFT JOIN verdicts v ON v.sample_id = s.id LEFT JOIN executions x ON x.sample_id = s.id
       WHERE s.experiment_id = ?`,
    );
    this.#outcomes = database.prepare<[number], { outcome: string; count: number }>(
      `SELECT c.outcome, count(*) AS count
       FROM classifications c JOIN samples s ON s.id = c.sample_id JOIN outcomes o ON o.name = c.outcome
       WHERE s.experiment_id = ? GROUP BY c.outcome ORDER BY o.position`,
    );
    this.#categories = database.prepare<[number], { code: string; name: string; count: number }>(
      `SELECT k.code, k.name, count(*) AS count
       FROM categories k JOIN classifications c ON c.category_id = k.id
       WHERE k.experiment_id = ? GROUP BY k.id ORDER BY count DESC, k.code`,
    );
  }

  *pending(experimentId: number, after: number): Generator<PendingExecution> {
    for (let place = after; ;) {
      const chunk = this.#pending.all(experimentId, place);
      if (chunk.length === 0) return;
      yield* chunk;
      place = chunk.at(-1)!.place;
    }
  }

  verdict(experimentId: number, taskId: string, completion: string): Verdict | null {
    const problemId = this.#samples.problemId(experimentId, taskId);
    if (problemId === null) return null;
    const text = storable(completion);
    const found = this.#verdict.get(experimentId, problemId, text, text);
    return found === undefined ? null : fromColumns(found);
  }

  *judged(experimentId: number, filter: SampleFilter): Generator<JudgedSample> {
    const index = filter.sampleIndex ?? null;
    const outcome = filter.outcome ?? null;
    const code = filter.categoryCode ?? null;
    for (const { strategy, problem } of this.#samples.cells(experimentId, filter)) {
      const { prompt, entryPoint, difficulty } = this.#problem.get(problem.problemId)!;
      for (const record of this.#judged({ experimentId, strategy, problemId: problem.problemId, index, outcome, code })) {
        yield {
          strategy,
          taskId: problem.taskId,
          sampleIndex: record.sampleIndex,
          prompt,
          entryPoint,
          difficulty,
          completion: record.completion,
          rawText: record.completion + record.discarded,
          finishReason: record.finishReason,
          tokenCount: record.tokenCount,
          meanLogprob: record.meanLogprob,
          drawSeconds: record.drawSeconds,
          verdict: fromColumns(record),
          executedAt: record.executedAt,
          ...fromDecisionColumns(record),
        };
      }
    }
  }

  *judgedTokens(experimentId: number): Generator<TokenSample> {
    for (const { strategy, problem } of this.#samples.cells(experimentId, {})) {
      for (const { tokenCount, shardId, shardOffset, ...sample } of this.#judgedTokens.all(experimentId, strategy, problem.problemId)) {
        yield { strategy, taskId: problem.taskId, ...sample, tokens: this.#samples.arrays({ tokenCount, shardId, shardOffset }) };
      }
    }
  }

  counts(experimentId: number): Counts {
    const totals = this.#totals.get(experimentId, experimentId)!;
    const outcomes = Object.fromEntries(this.#outcomes.all(experimentId).map(({ outcome, count }) => [outcome, count]));
    return { ...totals, outcomes, categories: this.#categories.all(experimentId) };
  }
}
