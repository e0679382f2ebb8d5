/** The tables `verdicts`, `executions`, `classifications` and `categories`: how samples ended and what was made of it. */
import type Database from 'better-sqlite3';
import { FaultlineError } from '../errors.js';
import {
  DECISION_FIELDS,
  fromPublishedColumns,
  toCategoryColumns,
  toDecisionColumns,
  type CategoryColumns,
  type DecisionColumns,
} from './decision-columns.js';
import { describe, type Samples } from './samples.js';
import type { ClassificationRow, ExecutionRow, StoredCategory } from './types.js';
import { toCostColumns, toVerdictColumns, type CostColumns, type VerdictColumns } from './verdict-columns.js';

/** Column names by field: the one list from which statements on `verdicts` are built. */
export const VERDICT_FIELDS: Readonly<Record<keyof VerdictColumns, string>> = {
  passed: 'passed',
  status: 'status',
  phase: 'phase',
  calls: 'calls',
  changedCalls: 'changed_calls',
  allNone: 'all_none',
  stdout: 'stdout',
  detail: 'detail',
  refusal: 'refusal',
  exitCode: 'exit_code',
  exceptionPhase: 'exception_phase',
  exceptionType: 'exception_type',
  exceptionMessage: 'exception_message',
  exceptionLine: 'exception_line',
  exceptionColumn: 'exception_column',
  exceptionNode: 'exception_node',
  exceptionStatement: 'exception_statement',
  exceptionBases: 'exception_bases',
  exceptionFrames: 'exception_frames',
  exceptionLocals: 'exception_locals',
  exceptionErrno: 'exception_errno',
  assertionIndex: 'assertion_index',
  assertionSource: 'assertion_source',
  returned: 'returned',
  returnedType: 'returned_type',
  expected: 'expected',
  expectedType: 'expected_type',
  assertionsTotal: 'assertions_total',
  assertionsPassed: 'assertions_passed',
  trials: 'trials',
  examplesTotal: 'examples_total',
  examplesPassed: 'examples_passed',
  returns: 'returns',
  source: 'source',
  hashSeedMayShow: 'hash_seed_may_show',
  hashSeedsTried: 'hash_seeds_tried',
  hashSeedsFailed: 'hash_seeds_failed',
  furtherTest: 'further_test',
};

/** `table.column AS field` for every verdict column. */
export function selectVerdict(table: string): string {
  return selectFields(table, VERDICT_FIELDS);
}

export function selectFields(table: string, fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([field, column]) => `${table}.${column} AS ${field}`)
    .join(', ');
}

export class Executions {
  readonly #database: Database.Database;
  readonly #samples: Samples;
  readonly #insertVerdict;
  readonly #verdict;
  readonly #removeVerdict;
  readonly #insertCost;
  readonly #insertDecision;
  readonly #removeDecision;
  readonly #upsertCategory;
  readonly #categoryId;
  readonly #categories;
  readonly #removeUnusedCategories;

  constructor(database: Database.Database, samples: Samples) {
    this.#database = database;
    this.#samples = samples;
    const fields = Object.keys(VERDICT_FIELDS);
    this.#insertVerdict = database.prepare<[VerdictColumns & { sampleId: number }]>(
      `INSERT INTO verdicts (sample_id, ${Object.values(VERDICT_FIELDS).join(', ')})
       VALUES (@sampleId, ${fields.map((field) => `@${field}`).join(', ')})`,
    );
    this.#verdict = database.prepare<[number], VerdictColumns>(`SELECT ${selectVerdict('v')} FROM verdicts v WHERE v.sample_id = ?`);
    this.#removeVerdict = database.prepare<[number]>('DELETE FROM verdicts WHERE sample_id = ?');
    this.#insertCost = database.prepare<[CostColumns & { sampleId: number; executedAt: string }]>(
      `INSERT INTO executions (sample_id, cpu_seconds, wall_seconds, peak_memory_bytes, near_limit, slowdown, stack, executed_at)
       VALUES (@sampleId, @cpuSeconds, @wallSeconds, @peakMemoryBytes, @nearLimit, @slowdown, @stack, @executedAt)`,
    );
    this.#insertDecision = database.prepare<[DecisionColumns & { sampleId: number; categoryId: number | null }]>(
      `INSERT INTO classifications (sample_id, category_id, ${Object.values(DECISION_FIELDS).join(', ')})
       VALUES (@sampleId, @categoryId, ${Object.keys(DECISION_FIELDS)
         .map((field) => `@${field}`)
         .join(', ')})`,
    );
    this.#removeDecision = database.prepare<[number]>('DELETE FROM classifications WHERE sample_id = ?');
    this.#upsertCategory = database.prepare<[CategoryColumns & { experimentId: number }]>(
      `INSERT INTO categories (experiment_id, code, name, dou, tambon, codehalu)
       VALUES (@experimentId, @categoryCode, @categoryName, @dou, @tambon, @codehalu)
       ON CONFLICT (experiment_id, code) DO UPDATE SET name = excluded.name, dou = excluded.dou, tambon = excluded.tambon, codehalu = excluded.codehalu`,
    );
    this.#categoryId = database.prepare<[number, string], number>('SELECT id FROM categories WHERE experiment_id = ? AND code = ?').pluck();
    this.#categories = database.prepare<[number], CategoryColumns & StoredCategory>(
      `SELECT code AS categoryCode, name AS categoryName, dou, tambon, codehalu FROM categories WHERE experiment_id = ? ORDER BY code`,
    );
    this.#removeUnusedCategories = database.prepare<[number]>(
      `DELETE FROM categories WHERE experiment_id = ?
         AND NOT EXISTS (SELECT 1 FROM classifications c WHERE c.category_id = categories.id)`,
    );
  }

  add(experimentId: number, rows: readonly ExecutionRow[]): void {
    const sampleIds = this.#samples.ids(experimentId);
    const categoryIds = this.#categoryIds(experimentId);
    const now = new Date().toISOString();
    const addAll = this.#database.transaction(() => {
      for (const row of rows) {
        const sampleId = sampleIds(row);
        const columns = toVerdictColumns(row.verdict);
        const stored = this.#verdict.get(sampleId);
        if (stored !== undefined) {
          if (stored.status !== 'infra') {
            if (columns.status !== 'infra') refuseDifference(stored, columns, row);
            continue;
          }
          this.#removeVerdict.run(sampleId);
        }
        this.#insertVerdict.run({ sampleId, ...columns });
        this.#insertCost.run({ sampleId, ...toCostColumns(row.verdict), executedAt: row.executedAt ?? now });
        this.#decide(sampleId, row, categoryIds);
      }
    });
    addAll.immediate();
  }

  replaceClassification(experimentId: number, rows: readonly ClassificationRow[]): void {
    const sampleIds = this.#samples.ids(experimentId);
    const categoryIds = this.#categoryIds(experimentId);
    const replaceAll = this.#database.transaction(() => {
      for (const row of rows) {
        const sampleId = sampleIds(row);
        if (this.#removeDecision.run(sampleId).changes === 0) {
          throw new FaultlineError('internal', `${describe(row)} has no verdict to classify`);
        }
        this.#decide(sampleId, row, categoryIds);
      }
      this.#removeUnusedCategories.run(experimentId);
    });
    replaceAll.immediate();
  }

  categories(experimentId: number): StoredCategory[] {
    return this.#categories
      .all(experimentId)
      .map(({ categoryCode, categoryName, ...codes }) => ({ categoryCode, categoryName, published: fromPublishedColumns(codes) }));
  }

  #decide(sampleId: number, row: ClassificationRow, categoryIds: (row: ClassificationRow) => number | null): void {
    this.#insertDecision.run({ sampleId, categoryId: categoryIds(row), ...toDecisionColumns(row) });
  }

  /** Looks categories up once per batch, and records those that are new or renamed. Used inside a transaction. */
  #categoryIds(experimentId: number): (row: ClassificationRow) => number | null {
    const known = new Map<string, number>();
    return (row) => {
      if (row.categoryCode === null) return null;
      const columns = toCategoryColumns(row);
      columns.categoryName ??= row.categoryCode;
      const key = JSON.stringify(columns);
      let id = known.get(key);
      if (id === undefined) {
        this.#upsertCategory.run({ experimentId, ...columns });
        id = this.#categoryId.get(experimentId, row.categoryCode)!;
        known.set(key, id);
      }
      return id;
    };
  }
}

/** Statuses after which stdout depends on when the kill came, so that it is no result. */
export const KILLED_STATUSES: ReadonlySet<string> = new Set(['limit', 'signal', 'forbidden', 'tamper']);

/** The result columns in which two verdicts differ, in the table's order. What one of them does not tell, as it is older than the column, is no difference. */
export function differingVerdictFields(stored: VerdictColumns, given: VerdictColumns): (keyof VerdictColumns)[] {
  return (Object.keys(VERDICT_FIELDS) as (keyof VerdictColumns)[]).filter(
    (field) =>
      stored[field] !== given[field] &&
      !(field === 'stdout' && KILLED_STATUSES.has(stored.status)) &&
      !(field === 'changedCalls' && (stored[field] === null || given[field] === null)),
  );
}

function refuseDifference(stored: VerdictColumns, given: VerdictColumns, row: ExecutionRow): void {
  const differing = differingVerdictFields(stored, given);
  if (differing.length === 0) return;
  throw new FaultlineError('internal', `${describe(row)} was executed again with another verdict (${differing.join(', ')})`, {
    hint: 'Verdicts must be reproducible. Report this with the sample; a new experiment name starts afresh.',
  });
}
