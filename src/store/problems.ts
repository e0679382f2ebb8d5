/** The tables `problems` (texts, once per content) and `experiment_problems` (which ones an experiment has, in order). */
import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3';
import { FaultlineError } from '../errors.js';
import { storable, storableOrNull } from './text.js';
import type { ProblemRow } from './types.js';

/** A problem's place in an experiment. */
export interface ProblemEntry {
  readonly problemId: number;
  readonly taskId: string;
  readonly position: number;
  readonly hash: string;
}

interface StoredProblem {
  taskId: string;
  prompt: string;
  entryPoint: string;
  canonicalSolution: string;
  test: string;
  difficulty: number | null;
  furtherTest: string | null;
  unsupported: string | null;
}

export class Problems {
  readonly #database: Database.Database;
  readonly #insert;
  readonly #idByHash;
  readonly #link;
  readonly #entries;
  readonly #rows;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#insert = database.prepare<[StoredProblem & { hash: string }]>(
      `INSERT INTO problems (hash, task_id, prompt, entry_point, canonical_solution, test, difficulty, further_test, unsupported)
       VALUES (@hash, @taskId, @prompt, @entryPoint, @canonicalSolution, @test, @difficulty, @furtherTest, @unsupported)
       ON CONFLICT (hash) DO NOTHING`,
    );
    this.#idByHash = database.prepare<[string], number>('SELECT id FROM problems WHERE hash = ?').pluck();
    this.#link = database.prepare<[number, number, number]>(
      'INSERT INTO experiment_problems (experiment_id, position, problem_id) VALUES (?, ?, ?)',
    );
    this.#entries = database.prepare<[number], ProblemEntry>(
      `SELECT p.id AS problemId, p.task_id AS taskId, ep.position, p.hash
       FROM experiment_problems ep JOIN problems p ON p.id = ep.problem_id WHERE ep.experiment_id = ? ORDER BY ep.position`,
    );
    this.#rows = database.prepare<[number], StoredProblem & { position: number }>(
      `SELECT p.task_id AS taskId, p.prompt, p.entry_point AS entryPoint, p.canonical_solution AS canonicalSolution, p.test,
         p.difficulty, p.further_test AS furtherTest, p.unsupported, ep.position
       FROM experiment_problems ep JOIN problems p ON p.id = ep.problem_id WHERE ep.experiment_id = ? ORDER BY ep.position`,
    );
  }

  add(experimentId: number, rows: readonly ProblemRow[]): void {
    const addAll = this.#database.transaction(() => {
      const byTask = new Map(this.entries(experimentId).map((entry) => [entry.taskId, entry]));
      const taken = new Set([...byTask.values()].map((entry) => entry.position));
      for (const row of rows) {
        const problem = toStored(row);
        const hash = contentHash(problem);
        const known = byTask.get(problem.taskId);
        if (known !== undefined) {
          if (known.hash === hash && known.position === row.position) continue;
          throw new FaultlineError('input', `the problem ${row.taskId} occurs twice in this experiment, with different content or places`, {
            hint: 'Give every problem of the file its own task_id; a changed problem file is a new experiment.',
          });
        }
        if (taken.has(row.position)) {
          throw new FaultlineError('internal', `two problems of this experiment have position ${row.position}`);
        }
        this.#insert.run({ ...problem, hash });
        const problemId = this.#idByHash.get(hash)!;
        this.#link.run(experimentId, row.position, problemId);
        byTask.set(problem.taskId, { problemId, taskId: problem.taskId, position: row.position, hash });
        taken.add(row.position);
      }
    });
    addAll.immediate();
  }

  /** By position. */
  entries(experimentId: number): ProblemEntry[] {
    return this.#entries.all(experimentId);
  }

  /** By position. */
  rows(experimentId: number): (StoredProblem & { position: number })[] {
    return this.#rows.all(experimentId);
  }
}

function toStored(row: ProblemRow): StoredProblem {
  return {
    taskId: storable(row.taskId),
    prompt: storable(row.prompt),
    entryPoint: storable(row.entryPoint),
    canonicalSolution: storable(row.canonicalSolution),
    test: storable(row.test),
    difficulty: row.difficulty ?? null,
    furtherTest: storableOrNull(row.furtherTest ?? null),
    unsupported: storableOrNull(row.unsupported ?? null),
  };
}

function contentHash(problem: StoredProblem): string {
  const { taskId, prompt, entryPoint, canonicalSolution, test, difficulty, furtherTest, unsupported } = problem;
  // Fields that came later count only where they are there: a problem of before keeps its hash.
  const later = furtherTest === null && unsupported === null ? [] : [furtherTest, unsupported];
  return createHash('sha256')
    .update(JSON.stringify([taskId, prompt, entryPoint, canonicalSolution, test, difficulty, ...later]))
    .digest('hex');
}
