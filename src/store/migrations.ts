/**
 * Brings a database to the current schema. The steps are the files `migrations/NNN_name.sql` beside this module (the
 * build copies them beside the compiled one); step N takes `user_version` from N - 1 to N, in one transaction.
 * A released step is never edited: a change of the schema is a new file.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { FaultlineError } from '../errors.js';

export interface Migration {
  /** The `user_version` that this step leads to. */
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** All steps, first one first. Throws `internal` where the installation lacks a step. */
export function loadMigrations(): Migration[] {
  const folder = new URL('./migrations/', import.meta.url);
  const steps = readdirSync(folder)
    .filter((name) => /^\d{3}_\w+\.sql$/.test(name))
    .sort()
    .map((name) => ({ version: Number(name.slice(0, 3)), name, sql: readFileSync(new URL(name, folder), 'utf8') }));
  if (steps.length === 0 || steps.some((step, i) => step.version !== i + 1)) {
    throw new FaultlineError('internal', `the migrations in ${folder.pathname} are incomplete`, {
      hint: 'Install faultline again, or run its build, which copies them.',
    });
  }
  return steps;
}

/**
 * Applies the steps that `database` lacks, each in a transaction of its own that also marks the file as ours, so that an
 * interrupted upgrade goes on where it stopped. Does nothing to a current database; the caller has refused a newer one.
 */
export function migrate(database: Database.Database, applicationId: number, steps: readonly Migration[]): void {
  for (const step of steps) {
    const apply = database.transaction(() => {
      const version = database.pragma('user_version', { simple: true }) as number;
      if (version >= step.version) return;
      database.exec(step.sql);
      // A pragma takes no bound values; both are numbers, one from a file name of three digits.
      database.pragma(`application_id = ${applicationId}`);
      database.pragma(`user_version = ${step.version}`);
    });
    apply.immediate();
  }
}
