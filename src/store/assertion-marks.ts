/**
 * The table `assertion_marks`: which assertions of each problem's test the prompt shows. Keeps what was found; finds nothing itself.
 * Its rows are no results: they can be made again from the problems.
 */
import type Database from 'better-sqlite3';
import type { Samples } from './samples.js';
import type { AssertionMarks } from './types.js';

interface MarksRecord {
  readonly taskId: string;
  readonly examples: number | null;
  readonly total: number | null;
  readonly visible: string;
  readonly missing: string | null;
}

export class StoredAssertionMarks {
  readonly #database: Database.Database;
  readonly #samples: Samples;
  readonly #insert;
  readonly #all;

  constructor(database: Database.Database, samples: Samples) {
    this.#database = database;
    this.#samples = samples;
    this.#insert = database.prepare<[Omit<MarksRecord, 'taskId'> & { problemId: number }]>(
      `INSERT INTO assertion_marks (problem_id, examples, total, visible, missing)
       VALUES (@problemId, @examples, @total, @visible, @missing)
       ON CONFLICT (problem_id) DO UPDATE SET examples = excluded.examples, total = excluded.total, visible = excluded.visible, missing = excluded.missing
       WHERE assertion_marks.missing IS NOT NULL`,
    );
    this.#all = database.prepare<[number], MarksRecord>(
      `SELECT p.task_id AS taskId, m.examples, m.total, m.visible, m.missing
       FROM experiment_problems ep JOIN problems p ON p.id = ep.problem_id JOIN assertion_marks m ON m.problem_id = p.id
       WHERE ep.experiment_id = ? ORDER BY ep.position`,
    );
  }

  add(experimentId: number, rows: readonly AssertionMarks[]): void {
    const problemIds = this.#samples.problemIds(experimentId);
    const addAll = this.#database.transaction(() => {
      for (const { taskId, examples, total, visible, missing } of rows) {
        this.#insert.run({ problemId: problemIds({ taskId }), examples, total, visible: JSON.stringify(visible), missing });
      }
    });
    addAll.immediate();
  }

  all(experimentId: number): AssertionMarks[] {
    return this.#all.all(experimentId).map((row) => ({ ...row, visible: JSON.parse(row.visible) as number[] }));
  }
}
